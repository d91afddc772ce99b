/**
 * Normalization by running statistics, as the library's layers do it: theirs can be set, and so the page lets a reader edit
 * them. The descriptor's cases of this mode have examples that nobody can see.
 */
import { BatchNorm2d, BatchRenorm2d, InstanceNorm2d, tensor } from "normgrad";
import type { Explained, NormCase, Num, Shape, Tensor } from "normgrad";
import { splitLabel } from "./subject.ts";

interface RunningLayer {
  readonly layer: Explained & { readonly eval: () => unknown };
  /** As the layer calls them. */
  readonly statistics: Readonly<Record<string, Tensor | null>>;
  /** How the layer is made, as code. */
  readonly code: string;
}

interface RunningOptions {
  readonly affine: boolean;
  readonly eps: number;
}

const LAYERS: Readonly<Record<string, (channels: number, options: RunningOptions) => RunningLayer>> = {
  batchNorm: (channels, options) => {
    const layer = new BatchNorm2d(channels, options);
    const { runningMean, runningVar } = layer;
    return { layer, statistics: { runningMean, runningVar }, code: codeOf("BatchNorm2d", channels, options) };
  },
  instanceNorm: (channels, options) => {
    const tracking = { ...options, trackRunningStats: true };
    const layer = new InstanceNorm2d(channels, tracking);
    const { runningMean, runningVar } = layer;
    return { layer, statistics: { runningMean, runningVar }, code: codeOf("InstanceNorm2d", channels, tracking) };
  },
  batchRenorm: (channels, options) => {
    const layer = new BatchRenorm2d(channels, options);
    const { runningMean, runningStd } = layer;
    return { layer, statistics: { runningMean, runningStd }, code: codeOf("BatchRenorm2d", channels, options) };
  },
};

function codeOf(name: string, channels: number, options: object): string {
  const list = Object.entries(options).map(([key, value]) => `${key}: ${String(value)}`);
  return `new ${name}(${channels}, { ${list.join(", ")} })`;
}

/** All statistics are running ones: constants, which no cell shares with another. */
export function usesRunning(norm: string, option: string): boolean {
  return Object.hasOwn(LAYERS, norm) && /^(evaluation|running statistics)/.test(option);
}

/** Names and shapes of the running statistics; none in training. */
export function runningInputs(norm: string, option: string, [, channels = 0]: Shape): NormCase["inputs"] {
  if (!usesRunning(norm, option)) return [];
  const names = norm === "batchRenorm" ? ["runningMean", "runningStd"] : ["runningMean", "runningVar"];
  return names.map((name) => ({ name, shape: [channels] }));
}

/** The layer in evaluation with these statistics, and its code. */
export function runningLayer(
  norm: string,
  [, channels = 0]: Shape,
  options: RunningOptions,
  values: readonly (readonly number[])[],
): RunningLayer | null {
  const made = LAYERS[norm]?.(channels, options);
  if (!made) return null;
  Object.values(made.statistics).forEach((statistic, i) => {
    if (statistic) statistic.value = tensor([...(values[i] ?? [])]).value;
  });
  made.layer.eval();
  return made;
}

/** The layer's own case, with its label; a layer has both of weight and bias or none, so one alone gets ones or zeros beside it. */
export function runningCase(
  found: NormCase,
  input: Tensor,
  eps: number,
  values: readonly (readonly number[])[],
): NormCase {
  const affine = splitLabel(found.label)[1] ?? "no affine";
  const made = runningLayer(found.norm, input.shape, { affine: affine !== "no affine", eps }, values);
  if (!made) return found;
  const { case: own } = made.layer.normCase(input);
  if (found.inputs.length === own.inputs.length) return own;
  const isThere = own.inputs.map(({ name }) => found.inputs.some((each) => each.name === name));
  const filled = <A>(inputs: readonly A[], make: (fill: number) => A): readonly A[] => {
    const [x, one] = inputs;
    const [, hasWeight] = isThere;
    return [x, hasWeight ? one : make(1), hasWeight ? make(0) : one].filter((each) => each !== undefined);
  };
  const shape = [input.shape[1] ?? 0];
  const row = (fill: number): number[] => Array.from({ length: shape[0] ?? 0 }, () => fill);
  return {
    ...found,
    partition: own.partition,
    trace: <A extends Num<A>>(inputs: readonly A[]) => {
      const [x] = inputs;
      const trace = own.trace(x ? filled(inputs, (fill) => x.constant(() => row(fill), shape)) : inputs);
      return { ...trace, pullback: (g: A) => trace.pullback(g).filter((_, i) => isThere[i]) };
    },
    op: (inputs) => own.op(filled(inputs, (fill) => tensor(row(fill)))),
  };
}
