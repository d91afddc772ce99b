/**
 * Instance normalization. Ulyanov, Vedaldi, Lempitsky (2016), https://arxiv.org/abs/1607.08022
 *
 * For each sample and each channel:
 *
 *   μ    = mean(x)                   over the positions: every dim after the channels'
 *   σ²   = mean((x − μ)²)            biased
 *   rstd = 1 / √(σ² + ε)             ε inside the root; 0 where σ² + ε = 0
 *   x̂    = (x − μ) · rstd
 *   y    = x̂ · weight + bias
 *
 *   runningMean ← (1 − momentum) · runningMean + momentum · mean_N(μ)
 *   runningVar  ← (1 − momentum) · runningVar  + momentum · mean_N(σ²) · n/(n − 1)     n positions: UNBIASED
 *
 * Shapes: x, y [N, C, *]; weight, bias, runningMean, runningVar [C]; μ, σ², rstd [N, C, 1, …].
 *
 * Backward, with g = ∂L/∂y, ĝ = g · weight, and ⟨·⟩ the mean over the n positions of a sample's channel:
 *
 *   1. ∂L/∂bias   = Σ g              over the batch and all positions
 *   2. ∂L/∂weight = Σ g · x̂          over the same
 *   3. A position reaches every x̂ of its own sample and channel, and no other. Directly it passes ĝ · rstd. By moving μ
 *      it takes ĝ · rstd / n from each of the n positions, ⟨ĝ⟩ · rstd in all; by moving σ² (dσ² = 2 ⟨(x − μ) dx⟩,
 *      drstd = −½ rstd³ dσ²) it takes ĝ · x̂ · rstd / n from each, times its own x̂: x̂ · ⟨ĝ · x̂⟩ · rstd in all. The sum:
 *          ∂L/∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩)
 *
 * With running statistics instead of the input's own they are constants: see runningStats.ts.
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { describeValue, formatNumber } from "../autograd/format.ts";
import { Buffer, Parameter } from "../autograd/module.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sizeOf } from "../autograd/shape.ts";
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
import { groupLayout, needsOf, runNormKernel } from "./normKernel.ts";
import type { NormPullback } from "./normKernel.ts";
import {
  commitRunningStats,
  exampleRunningStats,
  normalizeByRunningStats,
  runningNormTrace,
  runningTensors,
} from "./runningStats.ts";
import type { RunningStats } from "./runningStats.ts";

export interface InstanceNormOptions {
  readonly eps: number;
}

/** What the backward reads. */
export interface InstanceNormSaved<A> {
  readonly xhat: A;
  readonly rstd: A;
  readonly weight: A | null;
  readonly bias: A | null;
}

/**
 * The forward pass with the input's own statistics, on any kind of array: plain numbers, dual numbers, tensors. The
 * formulas are those above; nothing is checked, and no running statistic moves. By running ones: runningNormForward.
 *
 * @param x [N, C, *]
 * @param weight [C], or null: a scale of 1
 * @param bias [C], or null: no shift
 * @returns output, of x's shape; what instanceNormBackward reads: xhat of x's shape, rstd [N, C, 1, …]; and the mean and
 *   BIASED variance [N, C, 1, …] of each sample's channel
 * @example
 * const x = tensor([[[1, 2, 6], [10, 20, 60]]]).value; // one sample, two channels of three positions
 * const { output, mean, variance } = instanceNormForward(x, null, null, { eps: 1e-5 });
 * output.data; // [-0.9258, -0.4629, 1.3887, -0.9258, -0.4629, 1.3887]
 * mean.data; // [3, 30]
 * variance.data; // [4.6667, 466.6667]
 */
export function instanceNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  { eps }: InstanceNormOptions,
): { readonly output: A; readonly saved: InstanceNormSaved<A>; readonly mean: A; readonly variance: A } {
  const positions = range(x.ndim).slice(2);
  const perChannel = channelShape(x.shape);
  const centered = x.center(positions); // x − μ, without the rounding error of μ
  const variance = centered.square().mean(positions, true);
  const rstd = variance.add(eps).rsqrtOrZero();
  const xhat = centered.mul(rstd);
  const scaled = weight === null ? xhat : xhat.mul(weight.reshape(perChannel));
  const output = bias === null ? scaled : scaled.add(bias.reshape(perChannel));
  return { output, saved: { xhat, rstd, weight, bias }, mean: x.mean(positions, true), variance };
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as instanceNormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [C]
 * @example
 * const x = tensor([[[1, 2, 6], [10, 20, 60]]]).value;
 * const { saved } = instanceNormForward(x, tensor([1, 2]).value, null, { eps: 1e-5 });
 * const [gradInput, gradWeight] = instanceNormBackward(tensor([[[1, 0, 0], [0, 0, 0]]]).value, saved);
 * gradInput.data; // [0.1763, -0.2204, 0.0441, 0, 0, 0]: the other channel has no part in it
 * gradWeight?.data; // [-0.9258, 0]
 */
export function instanceNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight, bias }: InstanceNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null] {
  const positions = range(gradOutput.ndim).slice(2);
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(gradOutput.shape)));
  const viaMean = gradXhat.mean(positions, true);
  const viaRstd = xhat.mul(gradXhat.mul(xhat).mean(positions, true));
  return [
    gradXhat.sub(viaMean).sub(viaRstd).mul(rstd),
    weight && gradOutput.mul(xhat).sum(nonChannelDims(gradOutput.shape)),
    bias && gradOutput.sum(nonChannelDims(gradOutput.shape)),
  ];
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as instanceNormForward returned it
 * @example
 * const x = tensor([[[1, 2, 6]]]).value;
 * const { saved } = instanceNormForward(x, null, null, { eps: 1e-5 });
 * const { direct, viaMean, viaVariance } = instanceNormTerms(tensor([[[1, 0, 0]]]).value, saved);
 * direct.data; // [0.4629, 0, 0]
 * viaMean.data; // [-0.1543, -0.1543, -0.1543]
 * viaVariance.data; // [-0.1323, -0.0661, 0.1984]
 */
export function instanceNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight }: InstanceNormSaved<A>,
): NormTerms<A> {
  const positions = range(gradOutput.ndim).slice(2);
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(gradOutput.shape)));
  return {
    direct: gradXhat.mul(rstd),
    viaMean: gradXhat.mean(positions, true).mul(rstd).neg().expand(gradOutput.shape),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(positions, true)).mul(rstd).neg(),
  };
}

/**
 * Instance normalization: y = (x − μ) / √(σ² + eps) · weight + bias, with the mean and the biased variance of each
 * sample's channel; or, with `useInputStats: false`, with the running ones. As torch.nn.functional.instance_norm.
 * float32 is computed in float64, but for large arrays on the wasm backend: see setBackend.
 *
 * ONNX's InstanceNormalization demands scale and bias, and knows no running statistics.
 *
 * @param input [N, C, *]
 * @param options.runningMean [C]. If given and the input's statistics are used, `.value` is assigned anew. Default: none
 * @param options.runningVar [C], moved by the UNBIASED variance. Default: none
 * @param options.weight scale [C]. Default: none
 * @param options.bias shift [C]. Default: none
 * @param options.useInputStats default true
 * @param options.momentum weight of the NEW value in the running statistics. Default 0.1
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @returns a tensor of the input's shape and dtype. An empty batch gives an empty output and changes no statistics
 *   (PyTorch: NaN)
 * @throws RangeError if a shape does not fit, or a channel has a single position; TypeError if dtypes differ, or running
 *   statistics are missing with `useInputStats: false`. Nothing has changed then
 * @example
 * instanceNorm(tensor([[[1, 3], [10, 30]]])); // each channel is −1, 1 but for eps
 */
export function instanceNorm(
  input: Tensor,
  options: {
    readonly runningMean?: Tensor | null;
    readonly runningVar?: Tensor | null;
    readonly weight?: Tensor | null;
    readonly bias?: Tensor | null;
    readonly useInputStats?: boolean;
    readonly momentum?: number;
    readonly eps?: number;
  } = {},
): Tensor {
  const {
    runningMean = null,
    runningVar = null,
    weight = null,
    bias = null,
    useInputStats = true,
    momentum = 0.1,
    eps = 1e-5,
  } = checkOptions("instanceNorm", options, [
    "runningMean",
    "runningVar",
    "weight",
    "bias",
    "useInputStats",
    "momentum",
    "eps",
  ]);
  checkBoolean("instanceNorm", "useInputStats", useInputStats);
  checkEps("instanceNorm", eps);
  checkMomentum("instanceNorm", momentum);
  checkInstanceNorm(input, { runningMean, runningVar, weight, bias }, useInputStats);
  checkRunning("instanceNorm", input, { runningMean, runningVar });
  checkApart("instanceNorm", { runningMean, runningVar });
  if (!useInputStats) {
    const attributes = { useInputStats, eps };
    return normalizeByRunningStats("instanceNorm", input, { runningMean, runningVar, weight, bias, eps, attributes });
  }

  const [batch = 0, channels = 0, ...positions] = input.shape;
  const n = sizeOf(positions);
  const isTracked = runningMean !== null || runningVar !== null;
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null]; aux: readonly A[] } => {
    const { output, saved, mean, variance } = instanceNormForward(x, weight, bias, { eps });
    const pullback = (gradOutput: A): readonly [A, A | null, A | null] => instanceNormBackward(gradOutput, saved);
    const overSamples = (statistic: A): A => statistic.reshape([batch, channels]).mean([0]);
    const aux =
      !isTracked || batch * n === 0
        ? []
        : [
            overSamples(mean),
            overSamples(variance)
              .mul(n)
              .div(n - 1),
          ];
    return { output, pullback, aux };
  };
  const needs = needsOf(input, weight, bias);
  const layout = groupLayout(input.shape, channels);
  const kernel = (
    x: NdArray,
    weight: NdArray | null,
    bias: NdArray | null,
  ): Traced<NdArray, ReturnType<NormPullback>> => {
    const { output, saved, pullback } = runNormKernel(x, weight, bias, layout, { eps, centered: true }, needs);
    if (!isTracked) return { output, pullback, aux: [] };
    const mean = saved.mean.map((m, i) => m + (saved.correction[i] ?? 0));
    const unbiased = saved.variance.map((v) => (v * n) / (n - 1));
    return { output, pullback, aux: [mean, unbiased].map((of) => new NdArray(of, [batch, channels]).mean([0])) };
  };
  return apply(
    "instanceNorm",
    {
      rule,
      ...(input.numel > 0 && { kernel }),
      computeIn: "float64",
      attributes: { useInputStats, momentum, eps },
      commit: (aux) => commitRunningStats(runningMean, runningVar, aux, momentum),
    },
    input,
    weight,
    bias,
  );
}

export interface InstanceNormModuleOptions {
  readonly eps?: number;
  readonly momentum?: number;
  readonly affine?: boolean;
  readonly trackRunningStats?: boolean;
  readonly dtype?: Dtype | undefined;
}

abstract class InstanceNorm extends Norm {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  /** Stays 0, as in PyTorch. */
  readonly numBatchesTracked: Buffer | null;

  constructor(numFeatures: number, options: InstanceNormModuleOptions = {}) {
    super();
    const name = this.constructor.name;
    const {
      eps = 1e-5,
      momentum = 0.1,
      affine = false,
      trackRunningStats = false,
      dtype,
    } = checkOptions(name, options, ["eps", "momentum", "affine", "trackRunningStats", "dtype"]);
    if (typeof momentum !== "number") {
      throw new TypeError(
        `${name}: expected momentum to be a number (there is no cumulative average), got ${describeValue(momentum)}`,
      );
    }
    this.numFeatures = checkCount(name, "numFeatures", numFeatures);
    this.eps = checkEps(name, eps);
    this.momentum = checkMomentum(name, momentum);
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

  /** The number of dims of a batched input; one less is a single sample [C, *]. */
  protected abstract readonly batchedDims: number;

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    const useInputStats = this.usesInputStatistics();
    const output = instanceNorm(this.batched(input), { ...this.state(), useInputStats });
    return output.reshape(input.shape);
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    const x = this.batched(input);
    const { weight, bias, eps, runningMean, runningVar } = this;
    const useInputStats = this.usesInputStatistics();
    checkInstanceNorm(x, { runningMean, runningVar, weight, bias }, useInputStats);
    const running =
      useInputStats || !runningMean || !runningVar
        ? null
        : { mean: [...runningMean.data], variance: [...runningVar.data] };
    return {
      case: instanceNormCase(x.shape, { eps }, { hasWeight: weight !== null, hasBias: bias !== null }, running),
      inputs: [x, weight, bias].filter((tensor) => tensor !== null),
    };
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, momentum, affine, trackRunningStats } = this;
    return `${numFeatures}, eps=${formatNumber(eps)}, momentum=${formatNumber(momentum)}, affine=${affine}, trackRunningStats=${trackRunningStats}`;
  }

  private state(): Pick<InstanceNorm, "runningMean" | "runningVar" | "weight" | "bias" | "momentum" | "eps"> {
    const { runningMean, runningVar, weight, bias, momentum, eps } = this;
    return { runningMean, runningVar, weight, bias, momentum, eps };
  }

  private usesInputStatistics(): boolean {
    return this.training || !this.trackRunningStats;
  }

  private batched(input: Tensor): Tensor {
    return input.ndim === this.batchedDims ? input : input.reshape([1, ...input.shape]);
  }

  private checkInput(input: Tensor): void {
    const dims = this.batchedDims;
    const { name } = this.constructor;
    checkTensor(name, "input", input);
    if (input.ndim !== dims && input.ndim !== dims - 1) {
      throw new RangeError(
        `${name}: expected ${dims - 1}D (one sample) or ${dims}D input, got ${input.ndim}D of shape ` +
          formatShape(input.shape),
      );
    }
    // With nothing of numFeatures values to use, another number of channels does, as in PyTorch.
    if (this.weight ?? this.runningMean) {
      checkChannels(name, "numFeatures", this.numFeatures, input, input.ndim - dims + 1);
    }
  }
}

/**
 * Instance normalization of [N, C, L], or of one sample [C, L]: a 2D input is never [N, C]. As torch.nn.InstanceNorm1d;
 * mind that, unlike BatchNorm, it has no affine and no running statistics by default.
 *
 * @param numFeatures C
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.momentum weight of the NEW value in the running statistics. Default 0.1. There is no cumulative average
 * @param options.affine learn weight (initially 1) and bias (initially 0), [C]. Default FALSE
 * @param options.trackRunningStats keep runningMean and runningVar, and use them in evaluation. Default FALSE
 * @param options.dtype of the parameters and buffers. Default: the default dtype, float64
 * @throws RangeError if an input has another number of dims, or a single position, or, with affine or running statistics,
 *   another number of channels; TypeError if momentum is null
 * @example
 * new InstanceNorm1d(2).forward(tensor([[1, 3], [10, 30]])); // one sample: each channel is −1, 1 but for eps
 */
export class InstanceNorm1d extends InstanceNorm {
  protected override get batchedDims(): number {
    return 3;
  }
}

/**
 * Instance normalization of [N, C, H, W] or [C, H, W]. Options as InstanceNorm1d, and as torch.nn.InstanceNorm2d.
 *
 * @example
 * new InstanceNorm2d(3).forward(randn([2, 3, 8, 8])).shape; // [2, 3, 8, 8]
 */
export class InstanceNorm2d extends InstanceNorm {
  protected override get batchedDims(): number {
    return 4;
  }
}

/**
 * Instance normalization of [N, C, D, H, W] or [C, D, H, W]. Options as InstanceNorm1d, and as torch.nn.InstanceNorm3d.
 *
 * @example
 * new InstanceNorm3d(3).forward(randn([3, 2, 4, 4])).shape; // [3, 2, 4, 4]
 */
export class InstanceNorm3d extends InstanceNorm {
  protected override get batchedDims(): number {
    return 5;
  }
}

/** The input's statistics and running ones, each with and without weight and bias. */
export const instanceNormDescriptor: NormDescriptor = {
  name: "instanceNorm",
  cases: (shape, eps = 1e-5) => {
    const [, channels = 0] = shape;
    if (shape.length < 3 || channels === 0) return [];
    const input = sizeOf(shape.slice(2)) === 1 ? [] : [null];
    return [...input, exampleRunningStats(channels)].flatMap((running) =>
      affineCombinations.map((has) => instanceNormCase(shape, { eps }, has, running)),
    );
  },
};

function instanceNormCase(
  shape: Shape,
  { eps }: InstanceNormOptions,
  has: Affine,
  running: RunningStats | null,
): NormCase {
  return {
    norm: "instanceNorm",
    label: `${running ? "running" : "input"} statistics, ${affineLabel(has)}`,
    inputs: affineInputs(shape, [shape[1] ?? 0], has),
    partition: channelPartition(shape, { perSample: running === null }),
    trace: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      if (running) return runningNormTrace([x, weight, bias], running, { eps }, has);
      const { output, saved } = instanceNormForward(x, weight, bias, { eps });
      return {
        output,
        pullback: (gradOutput) => presentGrads(instanceNormBackward(gradOutput, saved), has),
        terms: (gradOutput) => instanceNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      const [runningMean, runningVar] = runningTensors(running, x.dtype);
      return instanceNorm(x, { runningMean, runningVar, weight, bias, useInputStats: running === null, eps });
    },
  };
}

function checkInstanceNorm(
  input: Tensor,
  perChannel: Readonly<Record<string, Tensor | null>>,
  useInputStats: boolean,
): void {
  const channels = checkTensor("instanceNorm", "input", input).shape[1];
  if (channels === undefined || channels === 0) {
    throw new RangeError(`instanceNorm: expected input [N, C, *] with C ≥ 1, got shape ${formatShape(input.shape)}`);
  }
  checkPerChannel("instanceNorm", channels, perChannel);
  if (useInputStats && sizeOf(input.shape.slice(2)) === 1) {
    throw new RangeError(
      `instanceNorm: expected more than 1 position per channel, got input of shape ${formatShape(input.shape)}: ` +
        "with one value x − μ is 0 whatever x is",
    );
  }
}
