/**
 * Running statistics, and normalization by them, for the norms that keep some (batch and instance normalization).
 *
 *   running ← (1 − momentum) · running + momentum · batch      momentum weighs the NEW value, as in PyTorch
 *
 * and in evaluation, with the running mean m and variance v as constants, an affine map of x:
 *
 *   rstd = 1 / √(v + ε)      x̂ = (x − m) · rstd      y = x̂ · weight + bias       rstd is 0 where v + ε = 0 (PyTorch: ∞)
 *   ∂L/∂x = g · weight · rstd      ∂L/∂weight = Σ g · x̂      ∂L/∂bias = Σ g      over all but the channels
 *
 * Shapes: x [N, C, *]; all others [C].
 */
import { tensor } from "../autograd/creation.ts";
import type { Dtype, NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { range } from "../autograd/shape.ts";
import type { Attributes, Traced } from "../autograd/tape.ts";
import { apply } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { channelShape, nonChannelDims } from "./channels.ts";
import { presentGrads } from "./descriptor.ts";
import type { Affine, NormTerms, NormTrace } from "./descriptor.ts";
import { needsOf, runNormalizeKernel } from "./normKernel.ts";

/**
 * The new running value: (1 − momentum) · running + momentum · batch, a new array in the running one's dtype, computed in
 * float64. Nothing is changed.
 *
 * @param running [C]
 * @param batch [C], the batch's mean, or its UNBIASED variance
 * @param options.momentum weight of the NEW value
 * @example
 * updateRunningStats(tensor([0, 1]).value, tensor([2.5, 5 / 3]).value, { momentum: 0.1 }).data; // [0.25, 1.0667]
 */
export function updateRunningStats(
  running: NdArray,
  batch: NdArray,
  { momentum }: { readonly momentum: number },
): NdArray {
  const kept = running.to("float64").mul(1 - momentum);
  return kept.add(batch.to("float64").mul(momentum)).to(running.dtype);
}

/** Assigns the new running values of a training step to the tensors that are there. An empty batch has none. */
export function commitRunningStats(
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  [mean, variance]: readonly NdArray[],
  momentum: number,
): void {
  if (runningMean && mean) runningMean.value = updateRunningStats(runningMean.value, mean, { momentum });
  if (runningVar && variance) runningVar.value = updateRunningStats(runningVar.value, variance, { momentum });
}

/** What the backward reads. */
export interface RunningNormSaved<A> {
  readonly xhat: A;
  readonly rstd: A;
  readonly weight: A | null;
  readonly bias: A | null;
}

/**
 * The forward pass of evaluation, on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param x [N, C, *]
 * @param runningMean [C]
 * @param runningVar [C]
 * @param weight [C], or null: a scale of 1
 * @param bias [C], or null: no shift
 * @param options.eps added to the variance inside the root
 * @returns output, of x's shape, and what runningNormBackward reads: xhat of x's shape, rstd [1, C, 1, …]
 * @example
 * const [x, mean, variance] = [tensor([[1], [4]]).value, tensor([2]).value, tensor([4]).value];
 * const { output, saved } = runningNormForward(x, mean, variance, null, null, { eps: 0 });
 * output.data; // [-0.5, 1]
 * saved.rstd.data; // [0.5]
 */
export function runningNormForward<A extends Num<A>>(
  x: A,
  runningMean: A,
  runningVar: A,
  weight: A | null,
  bias: A | null,
  { eps }: { readonly eps: number },
): { readonly output: A; readonly saved: RunningNormSaved<A> } {
  const perChannel = channelShape(x.shape);
  const rstd = runningVar.add(eps).rsqrtOrZero().reshape(perChannel);
  const xhat = x.sub(runningMean.reshape(perChannel)).mul(rstd);
  const scaled = weight === null ? xhat : xhat.mul(weight.reshape(perChannel));
  const output = bias === null ? scaled : scaled.add(bias.reshape(perChannel));
  return { output, saved: { xhat, rstd, weight, bias } };
}

/**
 * The backward pass of evaluation. The running statistics are constants: no value of x moves another's output, and they
 * have no gradient themselves.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as runningNormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [C], null for one that is not there
 * @example
 * const [x, mean, variance] = [tensor([[1], [4]]).value, tensor([2]).value, tensor([4]).value];
 * const { saved } = runningNormForward(x, mean, variance, null, null, { eps: 0 });
 * const [gradInput] = runningNormBackward(tensor([[1], [0]]).value, saved);
 * gradInput.data; // [0.5, 0]
 */
export function runningNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight, bias }: RunningNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null] {
  const dims = nonChannelDims(gradOutput.shape);
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(gradOutput.shape)));
  return [gradXhat.mul(rstd), weight && gradOutput.mul(xhat).sum(dims), bias && gradOutput.sum(dims)];
}

/** Constants pass nothing on: the direct path is all there is. */
function runningNormTerms<A extends Num<A>>(gradOutput: A, saved: RunningNormSaved<A>): NormTerms<A> {
  const none = gradOutput.constant((values) => new Float64Array(values.length));
  return { direct: runningNormBackward(gradOutput, saved)[0], viaMean: none, viaVariance: none };
}

/**
 * The functional op of evaluation mode.
 *
 * @throws TypeError if running statistics are missing
 */
export function normalizeByRunningStats(
  name: string,
  input: Tensor,
  {
    runningMean,
    runningVar,
    weight,
    bias,
    eps,
    attributes,
  }: {
    readonly runningMean: Tensor | null;
    readonly runningVar: Tensor | null;
    readonly weight: Tensor | null;
    readonly bias: Tensor | null;
    readonly eps: number;
    /** The op's options, as the tape prints them. */
    readonly attributes: Attributes;
  },
): Tensor {
  if (!runningMean || !runningVar) {
    throw new TypeError(
      `${name}: expected runningMean and runningVar where the input's statistics are not used, got ` +
        describeRunning(runningMean, runningVar),
    );
  }
  const rule = <A extends Num<A>>(
    x: A,
    mean: A,
    variance: A,
    weight: A | null,
    bias: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, null, null, A | null, A | null] } => {
    const { output, saved } = runningNormForward(x, mean, variance, weight, bias, { eps });
    const pullback = (gradOutput: A): readonly [A, null, null, A | null, A | null] => {
      const [gradInput, gradWeight, gradBias] = runningNormBackward(gradOutput, saved);
      return [gradInput, null, null, gradWeight, gradBias];
    };
    return { output, pullback };
  };
  const needs = needsOf(input, weight, bias);
  const kernel = (
    x: NdArray,
    mean: NdArray,
    variance: NdArray,
    weight: NdArray | null,
    bias: NdArray | null,
  ): Traced<NdArray, readonly [NdArray | null, null, null, NdArray | null, NdArray | null]> =>
    runNormalizeKernel(x, mean, variance, weight, bias, { eps }, needs);
  const op = { rule, computeIn: "float64", attributes, ...(input.numel > 0 && { kernel }) } as const;
  // The statistics enter as snapshots: a later training step must not change what this record computed.
  return apply(name, op, input, runningMean.detach(), runningVar.detach(), weight, bias);
}

/** Which of the two is missing. */
export function describeRunning(mean: Tensor | null, variance: Tensor | null): string {
  if (mean) return `runningMean without runningVar`;
  return variance ? "runningVar without runningMean" : "neither";
}

/** Running statistics as plain numbers, one a channel: what a case of a norm in evaluation is given. */
export interface RunningStats {
  readonly mean: readonly number[];
  readonly variance: readonly number[];
}

/** Made-up ones, none of them 0 or 1. */
export function exampleRunningStats(channels: number): RunningStats {
  return {
    mean: range(channels).map((c) => 0.5 * c - 0.75),
    variance: range(channels).map((c) => 0.625 + 0.25 * c),
  };
}

export function runningTensors(stats: RunningStats | null, dtype: Dtype): readonly [Tensor | null, Tensor | null] {
  return stats === null ? [null, null] : [tensor(stats.mean, { dtype }), tensor(stats.variance, { dtype })];
}

/** The trace of a case in evaluation. */
export function runningNormTrace<A extends Num<A>>(
  [x, weight, bias]: readonly [A, A | null, A | null],
  { mean, variance }: RunningStats,
  { eps }: { readonly eps: number },
  has: Affine,
): NormTrace<A> {
  const constant = (values: readonly number[]): A => x.constant(() => values, [values.length]);
  const { output, saved } = runningNormForward(x, constant(mean), constant(variance), weight, bias, { eps });
  return {
    output,
    pullback: (gradOutput) => presentGrads(runningNormBackward(gradOutput, saved), has),
    terms: (gradOutput) => runningNormTerms(gradOutput, saved),
  };
}
