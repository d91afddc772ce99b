/**
 * What a layer with running statistics does over a series of steps, in plain loops, and random series that hold a layer
 * to it: training and evaluation, refused and empty batches, derivatives, reloading.
 */
import fc from "fast-check";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import type { BatchNorm1d, InstanceNorm1d } from "../../src/norms/index.ts";
import { arrayOf } from "./generators.ts";

/** A layer with `CHANNELS` features, which tracks its statistics. */
export type Tracking = BatchNorm1d | InstanceNorm1d;

export const CHANNELS = 2;

/** One step of a series. */
export type Action =
  | { readonly kind: "forward" | "differentiate"; readonly x: NdArray }
  | { readonly kind: "mode"; readonly training: boolean }
  | { readonly kind: "refuse"; readonly shape: Shape }
  | { readonly kind: "empty"; readonly shape: Shape }
  | { readonly kind: "reload" };

const shapes = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 2, max: 4 }));
const batches = shapes.chain(([samples, positions]) => arrayOf([samples, CHANNELS, positions]));

export const series: fc.Arbitrary<Action[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ kind: fc.constant("forward" as const), x: batches }), weight: 4 },
    { arbitrary: fc.record({ kind: fc.constant("differentiate" as const), x: batches }), weight: 2 },
    { arbitrary: fc.record({ kind: fc.constant("mode" as const), training: fc.boolean() }), weight: 2 },
    {
      arbitrary: fc.record({
        kind: fc.constant("refuse" as const),
        shape: fc.constantFrom<Shape[]>([1, CHANNELS, 1], [2, CHANNELS + 1, 3], [2, CHANNELS, 2, 2]),
      }),
      weight: 1,
    },
    {
      arbitrary: fc.record({
        kind: fc.constant("empty" as const),
        shape: fc.constantFrom<Shape[]>([0, CHANNELS, 3], [2, CHANNELS, 0]),
      }),
      weight: 1,
    },
    { arbitrary: fc.constant({ kind: "reload" as const }), weight: 1 },
  ),
  { minLength: 1, maxLength: 12 },
);

interface Statistics {
  readonly mean: number;
  readonly variance: number;
}

function statisticsOf(values: readonly number[]): Statistics {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
}

/** The cells of [N, C, L] that share their statistics: of a channel, or of each sample's channel. */
function setsOf([samples = 0, channels = 0, positions = 0]: Shape, perSample: boolean): number[][][] {
  return Array.from({ length: channels }, (_, channel) => {
    const instances = Array.from({ length: samples }, (_n, sample) =>
      Array.from({ length: positions }, (_p, position) => (sample * channels + channel) * positions + position),
    );
    return perSample ? instances : [instances.flat()];
  });
}

export interface ModelOptions {
  /** InstanceNorm: each sample's channel on its own, and no counting of batches. */
  readonly perSample: boolean;
  readonly momentum: number | null;
  readonly eps: number;
}

/** The state of the model after some steps. */
class Model {
  readonly options: ModelOptions;
  training = true;
  batches = 0;
  running: Statistics[] = Array.from({ length: CHANNELS }, () => ({ mean: 0, variance: 1 }));

  constructor(options: ModelOptions) {
    this.options = options;
  }

  forward(x: NdArray): number[] {
    const { perSample, eps } = this.options;
    const output: number[] = [];
    setsOf(x.shape, perSample).forEach((sets, channel) => {
      for (const cells of sets) {
        const own = statisticsOf(cells.map((cell) => x.data[cell] ?? NaN));
        const { mean, variance } = this.training ? own : (this.running[channel] ?? own);
        for (const cell of cells) output[cell] = ((x.data[cell] ?? NaN) - mean) / Math.sqrt(variance + eps);
      }
    });
    if (this.training) this.update(x);
    return output;
  }

  private update(x: NdArray): void {
    const { perSample, momentum } = this.options;
    const isEmpty = x.data.length === 0;
    this.batches += perSample || (isEmpty && momentum === null) ? 0 : 1; // PyTorch counts it in the average, too
    if (isEmpty) return;
    const factor = momentum ?? 1 / this.batches;
    this.running = setsOf(x.shape, perSample).map((sets, channel) => {
      const old = this.running[channel] ?? { mean: NaN, variance: NaN };
      const all = sets.map((cells) => {
        const { mean, variance } = statisticsOf(cells.map((cell) => x.data[cell] ?? NaN));
        return { mean, variance: (variance * cells.length) / (cells.length - 1) };
      });
      const average = (of: (set: Statistics) => number): number =>
        all.reduce((sum, set) => sum + of(set), 0) / all.length;
      return {
        mean: (1 - factor) * old.mean + factor * average(({ mean }) => mean),
        variance: (1 - factor) * old.variance + factor * average(({ variance }) => variance),
      };
    });
  }
}

function close(what: string, actual: ArrayLike<number> | undefined, expected: readonly number[]): void {
  expected.forEach((value, i) => {
    if (!(Math.abs((actual?.[i] ?? NaN) - value) <= 1e-12 * Math.max(1, Math.abs(value)))) {
      throw new Error(`${what}: expected ${value} at ${i}, got ${actual?.[i]}`);
    }
  });
}

/** Takes a layer of `make` through the series, and compares outputs and state with the model after each step. */
export function expectModel(make: () => Tracking, options: ModelOptions, actions: readonly Action[]): void {
  const model = new Model(options);
  let layer = make();
  for (const action of actions) {
    switch (action.kind) {
      case "mode":
        layer.train(action.training);
        model.training = action.training;
        break;
      case "forward":
        close("output", layer.forward(new Tensor(action.x)).data, model.forward(action.x));
        break;
      case "differentiate":
        close("output", differentiateTwice(layer, action.x), model.forward(action.x));
        break;
      case "empty": {
        const empty = NdArray.full(action.shape, 0, "float64");
        close("size of the output", [layer.forward(new Tensor(empty)).numel], [model.forward(empty).length]);
        break;
      }
      case "refuse":
        if (action.shape[2] === 1 && !model.training) break;
        expectRefusal(layer, action.shape);
        break;
      case "reload": {
        const reloaded = make().train(model.training);
        reloaded.loadStateDict(layer.stateDict());
        layer = reloaded;
        break;
      }
    }
    close(
      "runningMean",
      layer.runningMean?.data,
      model.running.map(({ mean }) => mean),
    );
    close(
      "runningVar",
      layer.runningVar?.data,
      model.running.map(({ variance }) => variance),
    );
    close("numBatchesTracked", layer.numBatchesTracked?.data, [model.batches]);
  }
}

/** First and second derivatives: only the forward may move the state. */
function differentiateTwice(layer: Tracking, array: NdArray): ArrayLike<number> {
  const x = new Tensor(array, true);
  const output = layer.forward(x);
  const [gradient] = grad(output, [x], { gradOutput: output.detach().mul(0.5), createGraph: true });
  if (gradient?.requiresGrad) grad(gradient.square().sum(), [x], { allowUnused: true });
  return output.data;
}

function expectRefusal(layer: Tracking, shape: Shape): void {
  try {
    layer.forward(new Tensor(NdArray.full(shape, 1, "float64")));
  } catch (error) {
    if (error instanceof RangeError) return;
    throw error;
  }
  throw new Error(`expected an input of shape [${String(shape)}] to be refused`);
}
