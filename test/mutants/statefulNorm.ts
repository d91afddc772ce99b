/** BatchNorm and InstanceNorm over a series of calls, with faults of state that can be planted. */
import { apply, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Num, Traced } from "../../src/autograd/index.ts";
import {
  batchNormBackward,
  batchNormForward,
  instanceNormBackward,
  instanceNormForward,
  runningNormForward,
} from "../../src/norms/index.ts";
import type { BatchNormSaved } from "../../src/norms/index.ts";

export interface StateFaults {
  /** The weight of the new value, from the right one. */
  readonly momentum?: (momentum: number) => number;
  /** The running variance's, from its number of values. */
  readonly correction?: number;
  /** Batches are counted after their number has been used. */
  readonly countsLate?: boolean;
  /** Evaluation normalizes by the input's own statistics; training by the running ones. */
  readonly ownInEval?: boolean;
  readonly runningInTraining?: boolean;
  /** Evaluation moves the running statistics; training does not. */
  readonly updatesInEval?: boolean;
  readonly neverUpdates?: boolean;
  /** Running statistics stay on the tape of the batches that they come from. */
  readonly attached?: boolean;
  /** The backward reads what the forward before its own has saved, or the latest one has. */
  readonly saved?: "stale" | "latest";
  /** A reloaded layer starts anew. */
  readonly forgets?: boolean;
}

export interface StatefulOptions {
  readonly eps: number;
  /** null: every batch weighs the same. */
  readonly momentum: number | null;
  /** InstanceNorm: statistics of each sample's channel. */
  readonly perSample: boolean;
}

interface Normalized<A> {
  readonly output: A;
  readonly saved: BatchNormSaved<A>;
  /** [C], the variance biased. */
  readonly mean: A;
  readonly variance: A;
}

/** Training on x [N, C, L]. InstanceNorm's running statistics are of the mean over the samples. */
export function normalize<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  { eps, perSample }: Pick<StatefulOptions, "eps" | "perSample">,
): Normalized<A> {
  if (!perSample) return batchNormForward(x, weight, bias, { eps });
  const { mean, variance, ...rest } = instanceNormForward(x, weight, bias, { eps });
  return { ...rest, mean: mean.mean([0, 2]), variance: variance.mean([0, 2]) };
}

/** How many values a variance is taken of. */
export function countOf([samples = 0, , positions = 0]: readonly number[], perSample: boolean): number {
  return perSample ? positions : samples * positions;
}

export class StatefulNorm {
  training = true;
  batches = 0;
  mean: Tensor;
  variance: Tensor;
  readonly #options: StatefulOptions;
  readonly #faults: StateFaults;
  /** What the forwards have saved, in order. */
  readonly #slots: BatchNormSaved<NdArray>[] = [];

  constructor(channels: number, options: StatefulOptions, faults: StateFaults = {}) {
    this.#options = options;
    this.#faults = faults;
    this.mean = new Tensor(NdArray.full([channels], 0, "float64"));
    this.variance = new Tensor(NdArray.full([channels], 1, "float64"));
  }

  forward(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
    const { ownInEval, runningInTraining, updatesInEval, neverUpdates } = this.#faults;
    const usesOwn = this.training ? !runningInTraining : ownInEval;
    const before = [this.mean, this.variance] as const;
    if (this.training ? !neverUpdates : updatesInEval) this.#update(x);
    if (usesOwn) return this.#normalize(x, weight, bias);
    return runningNormForward(x, ...before, weight, bias, this.#options).output;
  }

  /** A layer of the same options with this one's state. */
  reloaded(): StatefulNorm {
    const layer = new StatefulNorm(this.mean.numel, this.#options, this.#faults);
    layer.training = this.training;
    if (this.#faults.forgets) return layer;
    layer.batches = this.batches;
    layer.mean = this.mean.detach();
    layer.variance = this.variance.detach();
    return layer;
  }

  #update(x: Tensor): void {
    const { perSample } = this.#options;
    const { attached, correction = 1, countsLate } = this.#faults;
    const source = attached ? x : x.detach();
    const { mean, variance } = normalize(source, null, null, this.#options);
    const n = countOf(x.shape, perSample);
    const counted = this.batches + (countsLate ? 0 : 1);
    this.batches += 1;
    const right = this.#options.momentum ?? 1 / Math.max(1, counted);
    const momentum = this.#faults.momentum?.(right) ?? right;
    this.mean = this.mean.mul(1 - momentum).add(mean.mul(momentum));
    this.variance = this.variance.mul(1 - momentum).add(
      variance
        .mul(momentum)
        .mul(n)
        .div(n - correction),
    );
  }

  /** By its formulas on tensors, or, where the backward is to read something else, with the hand-written backward. */
  #normalize(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
    const { saved: which } = this.#faults;
    if (which === undefined) return normalize(x, weight, bias, this.#options).output;
    const kernel = (
      array: NdArray,
      w: NdArray | null,
      b: NdArray | null,
    ): Traced<NdArray, readonly [NdArray, NdArray | null, NdArray | null]> => {
      const { output, saved } = normalize(array, w, b, this.#options);
      this.#slots.push(saved);
      const own = this.#slots.length - 1;
      const pullback = (gradOutput: NdArray): readonly [NdArray, NdArray | null, NdArray | null] => {
        const slot = this.#slots[which === "latest" ? this.#slots.length - 1 : Math.max(0, own - 1)];
        const fits = slot !== undefined && String(slot.xhat.shape) === String(array.shape);
        const used = fits ? slot : saved;
        return this.#options.perSample ? instanceNormBackward(gradOutput, used) : batchNormBackward(gradOutput, used);
      };
      return { output, pullback };
    };
    return apply("stateful", { kernel }, x, weight, bias);
  }
}
