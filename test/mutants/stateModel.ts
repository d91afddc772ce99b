/**
 * Layers with running statistics as state machines: random commands (training, evaluation, forward, a backward that comes
 * later, reloading) against a model in plain loops. A backward belongs to its own forward, whatever has run in between.
 */
import fc from "fast-check";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { BatchNorm1d, InstanceNorm1d } from "../../src/norms/index.ts";
import { arrayOf } from "../helpers/generators.ts";
import { CHANNELS, StateModel } from "./loopModel.ts";
import { StatefulNorm } from "./statefulNorm.ts";
import type { StatefulOptions } from "./statefulNorm.ts";

/** A layer as the commands see it. */
export interface StateLayer {
  readonly train: (training: boolean) => void;
  readonly forward: (x: Tensor) => Tensor;
  /** Running means, then running variances. */
  readonly state: () => readonly number[];
  readonly reloaded: () => StateLayer;
}

/** A layer of the library; `make` makes one of the same options. */
export function libraryLayer(
  make: () => BatchNorm1d | InstanceNorm1d,
  layer: BatchNorm1d | InstanceNorm1d = make(),
): StateLayer {
  return {
    train: (training) => void layer.train(training),
    forward: (x) => layer.forward(x),
    state: () => [...(layer.runningMean?.data ?? []), ...(layer.runningVar?.data ?? [])],
    reloaded: () => {
      const fresh = make();
      fresh.train(layer.training);
      fresh.loadStateDict(layer.stateDict());
      return libraryLayer(make, fresh);
    },
  };
}

/** A layer with planted faults, or without. */
export function statefulLayer(layer: StatefulNorm): StateLayer {
  return {
    train: (training) => {
      layer.training = training;
    },
    forward: (x) => layer.forward(x, null, null),
    state: () => [...layer.mean.data, ...layer.variance.data],
    reloaded: () => statefulLayer(layer.reloaded()),
  };
}

/** The layer, and its outputs so far with their inputs. */
class Real {
  layer: StateLayer;
  readonly outputs: { readonly x: Tensor; readonly output: Tensor }[] = [];

  constructor(layer: StateLayer) {
    this.layer = layer;
  }
}

type Command = fc.Command<StateModel, Real>;

function close(what: string, actual: ArrayLike<number> | undefined, expected: readonly number[]): void {
  expected.forEach((want, i) => {
    const got = actual?.[i] ?? NaN;
    if (!(Math.abs(got - want) <= 1e-11 * Math.max(1, Math.abs(want)))) {
      throw new Error(`${what}: expected ${want} at ${i}, got ${got}`);
    }
  });
}

const sameState = (model: StateModel, { layer }: Real): void =>
  close("running statistics", layer.state(), [...model.mean, ...model.variance]);

const trainCommand = (training: boolean): Command => ({
  check: () => true,
  run: (model, real) => {
    model.training = training;
    real.layer.train(training);
  },
  toString: () => (training ? "train()" : "eval()"),
});

const forwardCommand = (x: NdArray): Command => ({
  check: () => true,
  run: (model, real) => {
    const leaf = new Tensor(x, true);
    const output = real.layer.forward(leaf);
    real.outputs.push({ x: leaf, output });
    close("output", output.data, model.forward(x));
    sameState(model, real);
  },
  toString: () => `forward([${x.shape.join(", ")}])`,
});

/** The backward of any earlier forward; `back` counts from the latest. */
const backwardCommand = (back: number, noise: readonly number[]): Command => ({
  check: ({ pending }) => back < pending.length,
  run: (model, real) => {
    const pending = model.pending.at(-1 - back);
    const { x, output } = real.outputs.at(-1 - back) ?? {};
    if (!pending || !x || !output) throw new Error("expected an earlier forward");
    const gradOutput = new NdArray(
      Float64Array.from(pending.x.data, (_, i) => noise[i % noise.length] ?? 1),
      pending.x.shape,
    );
    const leaves = [x, ...real.outputs.slice(0, -1 - back).map((earlier) => earlier.x)];
    const [gradient, ...earlier] = grad(output, leaves, {
      gradOutput: new Tensor(gradOutput),
      retainGraph: true,
      allowUnused: true,
    });
    close("gradInput", gradient?.data, model.gradInput(pending, gradOutput));
    if (earlier.some((other) => other !== null)) throw new Error("expected no gradient of an earlier batch");
    sameState(model, real);
  },
  toString: () => `backward(of ${back} forwards ago)`,
});

const reloadCommand: Command = {
  check: () => true,
  run: (model, real) => {
    real.layer = real.layer.reloaded();
    sameState(model, real);
  },
  toString: () => "reload()",
};

const batches = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 4 }))
  .chain(([samples, positions]) => arrayOf([samples, CHANNELS, positions]));
const noises = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 5, maxLength: 7 });

const commands = fc.commands(
  [
    fc.boolean().map(trainCommand),
    batches.map(forwardCommand),
    batches.map(forwardCommand),
    fc.tuple(fc.integer({ min: 0, max: 2 }), noises).map(([back, noise]) => backwardCommand(back, noise)),
    fc.constant(reloadCommand),
  ],
  { maxCommands: 12 },
);

/**
 * Holds layers of `make` to the model over random commands.
 *
 * @throws Error with the shortest series of commands that tells them apart
 */
export function holdsToModel(
  make: (options: StatefulOptions) => StateLayer,
  options: readonly StatefulOptions[],
  { runs, seed }: { readonly runs: number; readonly seed: number },
): void {
  fc.assert(
    fc.property(fc.constantFrom(...options), commands, (chosen, drawn) => {
      fc.modelRun(() => ({ model: new StateModel(chosen), real: new Real(make(chosen)) }), drawn);
    }),
    { numRuns: runs, seed },
  );
}
