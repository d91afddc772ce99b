/**
 * Batch normalization. Ioffe, Szegedy (2015), https://arxiv.org/abs/1502.03167
 *
 * In training, for each channel:
 *
 *   μ    = mean(x)                   over the batch and all positions: every dim but the channels'
 *   σ²   = mean((x − μ)²)            biased
 *   rstd = 1 / √(σ² + ε)             ε inside the root; 0 where σ² + ε = 0
 *   x̂    = (x − μ) · rstd
 *   y    = x̂ · weight + bias
 *
 *   runningMean ← (1 − momentum) · runningMean + momentum · μ
 *   runningVar  ← (1 − momentum) · runningVar  + momentum · σ² · n/(n − 1)      the UNBIASED variance, n values a channel
 *
 * Shapes: x, y [N, C, *]; weight, bias, μ, σ², runningMean, runningVar [C].
 *
 * Backward in training, with g = ∂L/∂y, ĝ = g · weight, and ⟨·⟩ the mean over the n values of a channel:
 *
 *   1. ∂L/∂bias   = Σ g              over all dims but the channels'
 *   2. ∂L/∂weight = Σ g · x̂          over the same
 *   3. Write c = x − μ, so that x̂ = c · rstd. The three paths from x to x̂:
 *        direct         x̂ moves by rstd · dx:                                        ∂L/∂x += rstd · ĝ
 *        through μ      dμ = ⟨dx⟩ moves every x̂ of the channel by −rstd · dμ:        ∂L/∂x −= rstd · ⟨ĝ⟩
 *        through σ²     dσ² = 2 ⟨c · dx⟩ (the part through μ is zero, as Σ c = 0),
 *                       drstd = −½ rstd³ dσ², and every x̂ moves by c · drstd:        ∂L/∂x −= rstd · x̂ · ⟨ĝ · x̂⟩
 *      ∂L/∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩)
 *
 * In evaluation the running statistics are constants: see runningStats.ts.
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Buffer, Parameter } from "../autograd/module.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { channelPartition, channelShape, nonChannelDims } from "./channels.ts";
import {
  checkApart,
  checkChannels,
  checkCount,
  checkEps,
  checkMomentum,
  checkPerChannel,
  checkRunning,
} from "./checks.ts";
import { affineCombinations, affineInputs, affineLabel, Norm, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";
import { batchLayout, needsOf, runNormKernel } from "./normKernel.ts";
import type { NormPullback } from "./normKernel.ts";
import type { RunningStats } from "./runningStats.ts";
import {
  commitRunningStats,
  exampleRunningStats,
  normalizeByRunningStats,
  runningNormTrace,
  runningTensors,
} from "./runningStats.ts";

export interface BatchNormOptions {
  readonly eps: number;
}

/** What the backward reads. */
export interface BatchNormSaved<A> {
  readonly xhat: A;
  readonly rstd: A;
  readonly weight: A | null;
  readonly bias: A | null;
}

/**
 * The forward pass of training on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above;
 * nothing is checked, and no running statistic moves: updateRunningStats does that. For evaluation: runningNormForward.
 *
 * @param x [N, C, *]
 * @param weight [C], or null: a scale of 1
 * @param bias [C], or null: no shift
 * @returns output, of x's shape; what batchNormBackward reads: xhat of x's shape, rstd [1, C, 1, …]; and the batch's mean
 *   and BIASED variance [C]
 * @example
 * const x = tensor([[1], [2], [3], [4]]).value;
 * const { output, mean, variance } = batchNormForward(x, null, null, { eps: 1e-5 });
 * output.data; // [-1.3416, -0.4472, 0.4472, 1.3416]
 * mean.data; // [2.5]
 * variance.data; // [1.25]
 */
export function batchNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  { eps }: BatchNormOptions,
): { readonly output: A; readonly saved: BatchNormSaved<A>; readonly mean: A; readonly variance: A } {
  const dims = nonChannelDims(x.shape);
  const perChannel = channelShape(x.shape);
  const centered = x.center(dims); // x − μ, without the rounding error of μ
  const variance = centered.square().mean(dims);
  const rstd = variance.add(eps).rsqrtOrZero().reshape(perChannel);
  const xhat = centered.mul(rstd);
  const scaled = weight === null ? xhat : xhat.mul(weight.reshape(perChannel));
  const output = bias === null ? scaled : scaled.add(bias.reshape(perChannel));
  return { output, saved: { xhat, rstd, weight, bias }, mean: x.mean(dims), variance };
}

/**
 * The backward pass of training: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as batchNormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [C]
 * @example
 * const x = tensor([[1], [2], [3], [4]]).value;
 * const { saved } = batchNormForward(x, tensor([2]).value, null, { eps: 1e-5 });
 * const [gradInput, gradWeight] = batchNormBackward(tensor([[1], [0], [0], [0]]).value, saved);
 * gradInput.data; // [0.5367, -0.7155, -0.1789, 0.3578]: every sample of the batch gets some; they sum to 0
 * gradWeight?.data; // [-1.3416]
 */
export function batchNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight, bias }: BatchNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null] {
  const dims = nonChannelDims(gradOutput.shape);
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(gradOutput.shape)));
  const viaMean = gradXhat.mean(dims, true);
  const viaRstd = xhat.mul(gradXhat.mul(xhat).mean(dims, true));
  return [
    gradXhat.sub(viaMean).sub(viaRstd).mul(rstd),
    weight && gradOutput.mul(xhat).sum(dims),
    bias && gradOutput.sum(dims),
  ];
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as batchNormForward returned it
 * @example
 * const x = tensor([[1], [2], [3], [4]]).value;
 * const { saved } = batchNormForward(x, tensor([2]).value, null, { eps: 1e-5 });
 * const { direct, viaMean, viaVariance } = batchNormTerms(tensor([[1], [0], [0], [0]]).value, saved);
 * direct.data; // [1.7888, 0, 0, 0]
 * viaMean.data; // [-0.4472, -0.4472, -0.4472, -0.4472]
 * viaVariance.data; // [-0.805, -0.2683, 0.2683, 0.805]
 */
export function batchNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight }: BatchNormSaved<A>,
): NormTerms<A> {
  const dims = nonChannelDims(gradOutput.shape);
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(gradOutput.shape)));
  return {
    direct: gradXhat.mul(rstd),
    viaMean: gradXhat.mean(dims, true).mul(rstd).neg().expand(gradOutput.shape),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(dims, true)).mul(rstd).neg(),
  };
}

/**
 * Batch normalization: y = (x − μ) / √(σ² + eps) · weight + bias for each channel. In training μ and σ² (biased) are
 * the batch's, and `runningMean.value` and `runningVar.value` are assigned anew; otherwise they are the running ones. As
 * torch.nn.functional.batch_norm.
 * float32 is computed in float64, but for large arrays on the wasm backend: see setBackend.
 *
 * ONNX's BatchNormalization differs: its momentum (0.9) is the weight of the OLD value, and its running variance moves by
 * the biased variance.
 *
 * @param input [N, C, *]
 * @param runningMean [C], or null: in training nothing is tracked then
 * @param runningVar [C], or null. It is moved by the UNBIASED variance, while the biased one normalizes
 * @param options.weight scale [C]. Default: none
 * @param options.bias shift [C]. Default: none
 * @param options.training use the batch's statistics. Default false
 * @param options.momentum weight of the NEW value in the running statistics. Default 0.1 (Keras: 0.99 for the old one)
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @returns a tensor of the input's shape and dtype. An empty batch gives an empty output and changes no statistics
 * @throws RangeError if a shape does not fit (unlike in PyTorch, a wrong number of channels throws in an empty batch as
 *   well), or there is a single value a channel in training; TypeError if dtypes differ, or running statistics are missing
 *   in evaluation. Nothing has changed then
 * @example
 * const runningMean = zeros([1]);
 * const runningVar = ones([1]);
 * batchNorm(tensor([[1], [2], [3], [4]]), runningMean, runningVar, { training: true });
 * runningMean.item(); // 0.25 = 0.9 · 0 + 0.1 · 2.5
 * runningVar.item(); // 1.0667 = 0.9 · 1 + 0.1 · 5/3
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  options: {
    readonly weight?: Tensor | null;
    readonly bias?: Tensor | null;
    readonly training?: boolean;
    readonly momentum?: number;
    readonly eps?: number;
  } = {},
): Tensor {
  const {
    weight = null,
    bias = null,
    training = false,
    momentum = 0.1,
    eps = 1e-5,
  } = checkOptions("batchNorm", options, ["weight", "bias", "training", "momentum", "eps"]);
  checkBoolean("batchNorm", "training", training);
  checkEps("batchNorm", eps);
  checkMomentum("batchNorm", momentum);
  const n = checkBatchNorm(input, { runningMean, runningVar, weight, bias }, training);
  checkRunning("batchNorm", input, { runningMean, runningVar });
  checkApart("batchNorm", { runningMean, runningVar });
  if (!training) {
    const attributes = { training, eps };
    return normalizeByRunningStats("batchNorm", input, { runningMean, runningVar, weight, bias, eps, attributes });
  }

  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null]; aux: readonly A[] } => {
    const { output, saved, mean, variance } = batchNormForward(x, weight, bias, { eps });
    const pullback = (gradOutput: A): readonly [A, A | null, A | null] => batchNormBackward(gradOutput, saved);
    return { output, pullback, aux: n === 0 ? [] : [mean, variance.mul(n).div(n - 1)] };
  };
  const needs = needsOf(input, weight, bias);
  const layout = batchLayout(input.shape);
  const kernel = (
    x: NdArray,
    weight: NdArray | null,
    bias: NdArray | null,
  ): Traced<NdArray, ReturnType<NormPullback>> => {
    const { output, saved, pullback } = runNormKernel(x, weight, bias, layout, { eps, centered: true }, needs);
    const mean = saved.mean.map((m, c) => m + (saved.correction[c] ?? 0));
    const unbiased = saved.variance.map((v) => (v * n) / (n - 1));
    return { output, pullback, aux: [mean, unbiased].map((values) => new NdArray(values, [values.length])) };
  };
  return apply(
    "batchNorm",
    {
      rule,
      ...(n > 0 && { kernel }),
      computeIn: "float64",
      attributes: { training, momentum, eps },
      commit: (aux) => commitRunningStats(runningMean, runningVar, aux, momentum),
    },
    input,
    weight,
    bias,
  );
}

export interface BatchNormModuleOptions {
  readonly eps?: number;
  /** Weight of the NEW value; null averages all batches alike. */
  readonly momentum?: number | null;
  readonly affine?: boolean;
  readonly trackRunningStats?: boolean;
  readonly dtype?: Dtype | undefined;
}

abstract class BatchNorm extends Norm {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  /** Setting it to false stops the updates; evaluation goes on with the statistics that are there. */
  trackRunningStats: boolean;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  /** How many batches training has seen, empty ones included as in PyTorch, unless momentum is null; a single number. */
  readonly numBatchesTracked: Buffer | null;

  constructor(numFeatures: number, options: BatchNormModuleOptions = {}) {
    super();
    const name = this.constructor.name;
    const checked = checkOptions(name, options, ["eps", "momentum", "affine", "trackRunningStats", "dtype"]);
    const { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true, dtype } = checked;
    this.numFeatures = checkCount(name, "numFeatures", numFeatures);
    this.eps = checkEps(name, eps);
    this.momentum = momentum === null ? null : checkMomentum(name, momentum);
    this.affine = checkBoolean(name, "affine", affine);
    this.trackRunningStats = checkBoolean(name, "trackRunningStats", trackRunningStats);
    const made = dtype === undefined ? {} : { dtype };
    this.weight = affine ? new Parameter(full([numFeatures], 1, made)) : null;
    this.bias = affine ? new Parameter(full([numFeatures], 0, made)) : null;
    this.runningMean = trackRunningStats ? new Buffer(full([numFeatures], 0, made)) : null;
    this.runningVar = trackRunningStats ? new Buffer(full([numFeatures], 1, made)) : null;
    this.numBatchesTracked = trackRunningStats
      ? new Buffer(full([], 0, { dtype: "float64" }), { optional: true })
      : null;
  }

  /** The numbers of dims that an input may have. */
  protected abstract readonly inputDims: readonly number[];

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    const { training, weight, bias, eps, numBatchesTracked } = this;
    const useBatch = this.usesBatchStatistics();
    const track = training && this.trackRunningStats;
    const batches = (numBatchesTracked?.item() ?? 0) + 1;
    const { runningMean, runningVar } = this.statistics();
    const momentum = this.momentum ?? 1 / batches;
    const output = batchNorm(input, runningMean, runningVar, { weight, bias, training: useBatch, momentum, eps });
    // After the call, so that one that throws has counted nothing (PyTorch counts before). An empty batch is counted as in
    // PyTorch, but not for the cumulative average, in which it has no part.
    const counts = track && (input.numel > 0 || this.momentum !== null);
    if (counts && numBatchesTracked) numBatchesTracked.value = numBatchesTracked.value.add(1);
    return output;
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    const { weight, bias, eps } = this;
    const useBatch = this.usesBatchStatistics();
    const { runningMean, runningVar } = this.statistics();
    checkBatchNorm(input, { runningMean, runningVar, weight, bias }, useBatch);
    const inputs = [input, weight, bias].filter((tensor) => tensor !== null);
    const has = { hasWeight: weight !== null, hasBias: bias !== null };
    const running =
      useBatch || !runningMean || !runningVar ? null : { mean: [...runningMean.data], variance: [...runningVar.data] };
    return { case: batchNormCase(input.shape, { eps }, has, running), inputs };
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this;
    const shown = momentum === null ? "null" : formatNumber(momentum);
    return `${numFeatures}, eps=${formatNumber(eps)}, momentum=${shown}, affine=${affine}, trackRunningStats=${trackRunningStats}`;
  }

  /** Without running statistics the batch's are used in evaluation as well. */
  private usesBatchStatistics(): boolean {
    return this.training || (this.runningMean === null && this.runningVar === null);
  }

  /** The running statistics, where they are used or moved. */
  private statistics(): Pick<BatchNorm, "runningMean" | "runningVar"> {
    const { training, trackRunningStats, runningMean, runningVar } = this;
    return training && !trackRunningStats ? { runningMean: null, runningVar: null } : { runningMean, runningVar };
  }

  private checkInput(input: Tensor): void {
    const { name } = this.constructor;
    if (!this.inputDims.includes(checkTensor(name, "input", input).ndim)) {
      throw new RangeError(
        `${name}: expected ${this.inputDims.map((n) => `${n}D`).join(" or ")} input, got ${input.ndim}D ` +
          `of shape ${formatShape(input.shape)}`,
      );
    }
    // With nothing of numFeatures values to use, another number of channels does, as in PyTorch.
    if (this.weight ?? this.statistics().runningMean) {
      checkChannels(name, "numFeatures", this.numFeatures, input, 1);
    }
  }
}

/**
 * Batch normalization of [N, C] or [N, C, L]. As torch.nn.BatchNorm1d.
 *
 * @param numFeatures C
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.momentum weight of the NEW value in the running statistics, default 0.1; null gives every batch the same
 *   weight, and an empty one none (PyTorch counts it)
 * @param options.affine learn weight (initially 1) and bias (initially 0), [C]. Default true
 * @param options.trackRunningStats keep runningMean (initially 0), runningVar (initially 1) and numBatchesTracked, and use
 *   them in evaluation. Default true; without them the batch's statistics are used in evaluation as well
 * @param options.dtype of the parameters and buffers. Default: the default dtype, float64
 * @throws RangeError if an input has another number of dims, or a single value a channel in training; or, with affine or
 *   running statistics, another number of channels: unlike in PyTorch, in an empty batch as well
 * @example
 * const norm = new BatchNorm1d(2);
 * norm.forward(tensor([[1, 10], [3, 30]])); // each column is −1, 1 but for eps
 * norm.runningMean?.toArray(); // [0.2, 2]
 */
export class BatchNorm1d extends BatchNorm {
  protected override get inputDims(): readonly number[] {
    return [2, 3];
  }
}

/**
 * Batch normalization of [N, C, H, W]. Options as BatchNorm1d, and as torch.nn.BatchNorm2d.
 *
 * @example
 * new BatchNorm2d(16).forward(randn([8, 16, 4, 4])).shape; // [8, 16, 4, 4]
 */
export class BatchNorm2d extends BatchNorm {
  protected override get inputDims(): readonly number[] {
    return [4];
  }
}

/**
 * Batch normalization of [N, C, D, H, W]. Options as BatchNorm1d, and as torch.nn.BatchNorm3d.
 *
 * @example
 * new BatchNorm3d(4).forward(randn([2, 4, 3, 3, 3])).shape; // [2, 4, 3, 3, 3]
 */
export class BatchNorm3d extends BatchNorm {
  protected override get inputDims(): readonly number[] {
    return [5];
  }
}

/** Training and evaluation, each with and without weight and bias. */
export const batchNormDescriptor: NormDescriptor = {
  name: "batchNorm",
  cases: (shape, eps = 1e-5) => {
    const [, channels = 0] = shape;
    if (shape.length < 2 || channels === 0) return [];
    const training = sizeOf(shape) === channels ? [] : [null];
    return [...training, exampleRunningStats(channels)].flatMap((running) =>
      affineCombinations.map((has) => batchNormCase(shape, { eps }, has, running)),
    );
  },
};

function batchNormCase(shape: Shape, { eps }: BatchNormOptions, has: Affine, running: RunningStats | null): NormCase {
  const affine = [shape[1] ?? 0];
  return {
    norm: "batchNorm",
    label: `${running ? "evaluation" : "training"}, ${affineLabel(has)}`,
    inputs: affineInputs(shape, affine, has),
    partition: channelPartition(shape, { perSample: false }),
    trace: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      if (running) return runningNormTrace([x, weight, bias], running, { eps }, has);
      const { output, saved } = batchNormForward(x, weight, bias, { eps });
      return {
        output,
        pullback: (gradOutput) => presentGrads(batchNormBackward(gradOutput, saved), has),
        terms: (gradOutput) => batchNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      const [mean, variance] = runningTensors(running, x.dtype);
      return batchNorm(x, mean, variance, { weight, bias, training: running === null, eps });
    },
  };
}

/** How many values a channel has. */
function checkBatchNorm(input: Tensor, perChannel: Readonly<Record<string, Tensor | null>>, training: boolean): number {
  const channels = checkTensor("batchNorm", "input", input).shape[1];
  if (channels === undefined || channels === 0) {
    throw new RangeError(`batchNorm: expected input [N, C, *] with C ≥ 1, got shape ${formatShape(input.shape)}`);
  }
  checkPerChannel("batchNorm", channels, perChannel);
  const n = input.numel / channels;
  if (training && n === 1) {
    throw new RangeError(
      `batchNorm: expected more than 1 value per channel in training, got input of shape ${formatShape(input.shape)}: ` +
        "with one value x − μ is 0 whatever x is",
    );
  }
  return n;
}
