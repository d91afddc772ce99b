/** What the page shows is one value. Whoever changes it goes through `change`, so that Back undoes. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { defaultValues } from "./subject.ts";
import type { Choice, Shape4 } from "./subject.ts";

export const BATCH_SIZES = [2, 4, 8, 32];

export interface State extends Choice {
  readonly shape: Shape4;
  readonly eps: number;
  /** Row-major in [N, C, H, W], whatever the layout. */
  readonly x: readonly number[];
  readonly gradOutput: readonly number[];
  /** Parameters that were edited; the others have their default values. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  /** Mean and variance taken for constants: what is left of the gradient is the direct path. */
  readonly constants: boolean;
  /** Which planted fault is to be guessed: rounds have their fault by chance, the same for everyone. */
  readonly round: number;
  /** The tape with the norm's node opened into its primitive steps. */
  readonly opened: boolean;
  /** Of the training. */
  readonly batchSize: number;
  /** Of SwitchableNorm's training, which has its own. */
  readonly mixBatch: number;
  /** How much of the style AdaIN takes. */
  readonly alpha: number;
  /** The visitor's own backward; null is the example that the editor begins with. */
  readonly code: string | null;
  /** The question that is being answered, by the name of its preset. */
  readonly question: string | null;
}

const SHAPE: Shape4 = [2, 4, 2, 2];

export const initial: State = {
  norm: "groupNorm",
  option: "numGroups 2, weight, bias",
  layout: "NCHW",
  shape: SHAPE,
  eps: 1e-5,
  x: defaultX(SHAPE),
  gradOutput: defaultGradOutput(SHAPE),
  parameters: {},
  constants: false,
  round: 1,
  opened: false,
  batchSize: 2,
  mixBatch: 2,
  alpha: 1,
  code: null,
  question: null,
};

export const state: Signal<State> = signal(initial);

/** What is announced: why an address or an entry was not taken. */
export const notice: Signal<string> = signal("");

export function defaultX(shape: Shape4): readonly number[] {
  return defaultValues(shape, 3, 2);
}

export function defaultGradOutput(shape: Shape4): readonly number[] {
  return defaultValues(shape, 5, 1);
}

/** The same cells in another shape; new ones get their default. */
export function reshaped(values: readonly number[], from: Shape4, to: Shape4, fresh: readonly number[]): number[] {
  const [n, c, h, w] = to;
  const result: number[] = [];
  for (let i = 0; i < n * c * h * w; i++) {
    const at = [Math.floor(i / (c * h * w)), Math.floor(i / (h * w)) % c, Math.floor(i / w) % h, i % w];
    const inside = at.every((index, dim) => index < (from[dim] ?? 0));
    const old = at.reduce((offset, index, dim) => offset * (from[dim] ?? 1) + index, 0);
    result.push((inside ? values[old] : fresh[i]) ?? 0);
  }
  return result;
}

export function withShape(before: State, shape: Shape4): State {
  return {
    ...before,
    shape,
    x: reshaped(before.x, before.shape, shape, defaultX(shape)),
    gradOutput: reshaped(before.gradOutput, before.shape, shape, defaultGradOutput(shape)),
    parameters: {},
  };
}
