/**
 * Batch renormalization. Ioffe (2017), https://arxiv.org/abs/1702.03275
 *
 * In training, for each channel, with the running mean m and the running standard deviation s from before this step:
 *
 *   μ    = mean(x)                               over every dim but the channels'
 *   σ²   = mean((x − μ)²)                        biased
 *   std  = √(σ² + ε)                             convention "paper", our default
 *   std  = √(σ²) + ε                             convention "ludvb" (github.com/ludvb/batchrenorm)
 *   x̂    = (x − μ) / std                         0 where std = 0
 *   r    = clip(std / s, 1/rMax, rMax)           a CONSTANT for the derivative (stop-gradient)
 *   d    = clip((μ − m) / s, −dMax, dMax)        a CONSTANT for the derivative
 *   y    = (x̂ · r + d) · weight + bias
 *
 *   runningMean ← (1 − momentum) · runningMean + momentum · μ
 *   runningStd  ← (1 − momentum) · runningStd  + momentum · std         the standard deviation moves, not the variance
 *
 * and in evaluation y = (x − m)/s · weight + bias, without ε. 1/s is 0 where s = 0, in r and d as well. Where nothing is clipped, y of training is that, too, with the
 * gradient of batch normalization. With rMax = 1 and dMax = 0 it is batch normalization.
 *
 * Shapes: x, y [N, C, *]; weight, bias, runningMean, runningStd [C]; μ, σ², std, r, d [1, C, 1, …].
 *
 * Backward in training, with g = ∂L/∂y, ĝ = g · weight · r, and ⟨·⟩ the mean over the values of a channel:
 *
 *   1. ∂L/∂bias   = Σ g                          over all dims but the channels'
 *   2. ∂L/∂weight = Σ g · (x̂ · r + d)            over the same
 *   3. r and d are constants, so x reaches y through x̂ alone, and ĝ is ∂L/∂x̂. Write c = x − μ, so that x̂ = c / std.
 *        direct          x̂ moves by dx / std:                                         ∂L/∂x += ĝ / std
 *        through μ       dμ = ⟨dx⟩ moves every x̂ of the channel by −dμ / std:         ∂L/∂x −= ⟨ĝ⟩ / std
 *        through std     dσ² = 2 ⟨c · dx⟩ (the part through μ is zero, as Σ c = 0), and
 *                        dstd = dσ² / (2 √(σ² + ε)) = ⟨c · dx⟩ / std                  "paper"
 *                        dstd = dσ² / (2 √(σ²))     = ⟨c · dx⟩ / √(σ²)                "ludvb"; 0 where σ² = 0
 *                        Call the last denominator root. Every x̂ moves by −x̂ · dstd / std; summed over the channel,
 *                        −Σ ĝ · x̂ / std · ⟨c · dx⟩ / root, and c = x̂ · std:           ∂L/∂x −= x̂ · ⟨ĝ · x̂⟩ / root
 *      ∂L/∂x = (ĝ − ⟨ĝ⟩) / std − x̂ · ⟨ĝ · x̂⟩ / root
 *
 * In evaluation ∂L/∂x = g · weight / s, and x̂ · r + d of 2 is (x − m)/s.
 */
import { checkBoolean, checkNumber, checkOptions } from "../autograd/checks.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { channelShape, nonChannelDims } from "./channels.ts";
import { checkApart, checkEps, checkMomentum, checkPerChannel, checkRunning } from "./checks.ts";
import type { NormTerms } from "./descriptor.ts";
import { commitRunningStats } from "./runningStats.ts";

/** Where eps stands: inside the root ("paper") or beside it ("ludvb"). */
export type BatchRenormConvention = "paper" | "ludvb";

export interface BatchRenormOptions {
  readonly eps: number;
  readonly convention: BatchRenormConvention;
}

/** How far r and d may go. */
export interface BatchRenormLimits {
  readonly rMax: number;
  readonly dMax: number;
}

/** r and d, [1, C, 1, …]: constants for the derivative. */
export interface BatchRenormCorrection<A> {
  readonly scale: A;
  readonly shift: A;
}

/** What the backward reads. */
export interface BatchRenormSaved<A> {
  readonly xhat: A;
  /** 1/std and 1/root of step 3, 0 where that is 0; in evaluation 1/s and null, for constants pass nothing on. */
  readonly rstd: A;
  readonly reciprocalRoot: A | null;
  /** r; null in evaluation. */
  readonly scale: A | null;
  /** x̂ · r + d */
  readonly corrected: A;
  readonly weight: A | null;
  readonly bias: A | null;
}

/** x − μ, std, and the reciprocals of std and root. */
function batchMoments<A extends Num<A>>(
  x: A,
  { eps, convention }: BatchRenormOptions,
): { readonly centered: A; readonly std: A; readonly rstd: A; readonly reciprocalRoot: A } {
  const dims = nonChannelDims(x.shape);
  const centered = x.center(dims); // x − μ, without the rounding error of μ
  const variance = centered.square().mean(dims, true);
  if (convention === "ludvb") {
    const reciprocalRoot = variance.rsqrtOrZero();
    const std = variance.mul(reciprocalRoot).add(eps);
    return { centered, std, rstd: std.square().rsqrtOrZero(), reciprocalRoot };
  }
  const guarded = variance.add(eps);
  const rstd = guarded.rsqrtOrZero();
  return { centered, std: guarded.mul(rstd), rstd, reciprocalRoot: rstd };
}

/**
 * r and d of a batch, on any kind of array. They do not carry a derivative: x is detached.
 *
 * @param x [N, C, *]
 * @param runningMean [C], from before this step
 * @param runningStd [C], from before this step
 * @param options eps, convention, rMax and dMax
 * @returns scale, r, and shift, d, [1, C, 1, …]
 * @example
 * const [x, mean, std] = [tensor([[1], [5]]).value, tensor([2]).value, tensor([0.5]).value];
 * const limits = { rMax: 3, dMax: 5 };
 * const { scale, shift } = batchRenormCorrection(x, mean, std, { ...limits, eps: 0, convention: "paper" });
 * scale.data; // [3] for 2 / 0.5
 * shift.data; // [2] = (3 − 2) / 0.5
 */
export function batchRenormCorrection<A extends Num<A>>(
  x: A,
  runningMean: A,
  runningStd: A,
  { rMax, dMax, ...options }: BatchRenormOptions & BatchRenormLimits,
): BatchRenormCorrection<A> {
  const constant = x.detach();
  const perChannel = channelShape(x.shape);
  const mean = runningMean.detach().reshape(perChannel);
  const reciprocal = reciprocalOrZero(runningStd.detach()).reshape(perChannel);
  // μ − m as the mean of x − m: a large mean would take its own rounding error along.
  const apart = constant.sub(mean).mean(nonChannelDims(x.shape), true);
  return {
    scale: batchMoments(constant, options)
      .std.mul(reciprocal)
      .clamp(1 / rMax, rMax),
    shift: apart.mul(reciprocal).clamp(-dMax, dMax),
  };
}

/**
 * The forward pass of training on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above;
 * nothing is checked, and no running statistic moves.
 *
 * @param x [N, C, *]
 * @param weight [C], or null: a scale of 1
 * @param bias [C], or null: no shift
 * @param correction r and d, as batchRenormCorrection answers them
 * @returns output, of x's shape; what batchRenormBackward reads; and the batch's mean and standard deviation [C]
 * @example
 * const x = tensor([[1], [5]]).value;
 * const correction = { scale: tensor([[3]]).value, shift: tensor([[2]]).value };
 * const { output, std } = batchRenormForward(x, null, null, correction, { eps: 0, convention: "paper" });
 * output.data; // [-1, 5]: x̂ is −1, 1
 * std.data; // [2]
 */
export function batchRenormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  { scale, shift }: BatchRenormCorrection<A>,
  options: BatchRenormOptions,
): { readonly output: A; readonly saved: BatchRenormSaved<A>; readonly mean: A; readonly std: A } {
  const { centered, std, rstd, reciprocalRoot } = batchMoments(x, options);
  const xhat = centered.mul(rstd);
  const corrected = xhat.mul(scale).add(shift);
  const saved = { xhat, rstd, reciprocalRoot, scale, corrected, weight, bias };
  const mean = x.mean(nonChannelDims(x.shape));
  return { output: affine(corrected, weight, bias), saved, mean, std: std.reshape(mean.shape) };
}

/** 1/s, 0 where s = 0. */
function reciprocalOrZero<A extends Num<A>>(std: A): A {
  return std.square().rsqrtOrZero();
}

/** The forward pass of evaluation: running statistics are constants. */
export function evaluationForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  runningMean: A,
  runningStd: A,
): { readonly output: A; readonly saved: BatchRenormSaved<A> } {
  const perChannel = channelShape(x.shape);
  const rstd = reciprocalOrZero(runningStd).reshape(perChannel);
  const xhat = x.sub(runningMean.reshape(perChannel)).mul(rstd);
  const saved = { xhat, rstd, reciprocalRoot: null, scale: null, corrected: xhat, weight, bias };
  return { output: affine(xhat, weight, bias), saved };
}

function affine<A extends Num<A>>(corrected: A, weight: A | null, bias: A | null): A {
  const perChannel = channelShape(corrected.shape);
  const scaled = weight === null ? corrected : corrected.mul(weight.reshape(perChannel));
  return bias === null ? scaled : scaled.add(bias.reshape(perChannel));
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as batchRenormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [C]
 * @example
 * const x = tensor([[1], [2], [3], [4]]).value;
 * const correction = { scale: tensor([[2]]).value, shift: tensor([[5]]).value };
 * const weight = tensor([1]).value;
 * const { saved } = batchRenormForward(x, weight, null, correction, { eps: 1e-5, convention: "paper" });
 * const [gradInput, gradWeight] = batchRenormBackward(tensor([[1], [0], [0], [0]]).value, saved);
 * gradInput.data; // [0.5367, -0.7155, -0.1789, 0.3578]: r times batch normalization's
 * gradWeight?.data; // [2.3167]
 */
export function batchRenormBackward<A extends Num<A>>(
  gradOutput: A,
  saved: BatchRenormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null] {
  const { corrected, weight, bias } = saved;
  const dims = nonChannelDims(gradOutput.shape);
  const { direct, viaMean, viaVariance } = batchRenormTerms(gradOutput, saved);
  return [
    direct.add(viaMean).add(viaVariance),
    weight && gradOutput.mul(corrected).sum(dims),
    bias && gradOutput.sum(dims),
  ];
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance` (through the standard deviation), all of x's shape, add up
 * to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as batchRenormForward returned it
 * @example
 * const x = tensor([[1], [2], [3], [4]]).value;
 * const correction = { scale: tensor([[1]]).value, shift: tensor([[0]]).value };
 * const { saved } = batchRenormForward(x, null, null, correction, { eps: 1e-5, convention: "paper" });
 * const { direct, viaMean, viaVariance } = batchRenormTerms(tensor([[1], [0], [0], [0]]).value, saved);
 * direct.data; // [0.8944, 0, 0, 0]
 * viaMean.data; // [-0.2236, -0.2236, -0.2236, -0.2236]
 * viaVariance.data; // [-0.4025, -0.1342, 0.1342, 0.4025]
 */
export function batchRenormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, reciprocalRoot, scale, weight }: BatchRenormSaved<A>,
): NormTerms<A> {
  const dims = nonChannelDims(gradOutput.shape);
  const gradCorrected = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(gradOutput.shape)));
  if (scale === null || reciprocalRoot === null) {
    const none = gradOutput.constant((values) => new Float64Array(values.length));
    return { direct: gradCorrected.mul(rstd), viaMean: none, viaVariance: none };
  }
  const gradXhat = gradCorrected.mul(scale);
  return {
    direct: gradXhat.mul(rstd),
    viaMean: gradXhat.mean(dims, true).mul(rstd).neg().expand(gradOutput.shape),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(dims, true)).mul(reciprocalRoot).neg(),
  };
}

/**
 * Batch renormalization: in training y = (x̂ · r + d) · weight + bias, with x̂ normalized by the batch, and r and d what
 * takes it to the running statistics from before this step, within limits; no gradient goes through r and d.
 * `runningMean.value` and `runningStd.value` are assigned anew. Otherwise y = (x − runningMean) / runningStd · weight + bias.
 * float32 is computed in float64.
 *
 * @param input [N, C, *]
 * @param runningMean [C]
 * @param runningStd [C]: the STANDARD DEVIATION, eps included, and not the variance as in batchNorm
 * @param options.weight scale [C]. Default: none
 * @param options.bias shift [C]. Default: none
 * @param options.training use the batch's statistics. Default false
 * @param options.rMax r stays in [1/rMax, rMax]. Default 3, the paper's last value; 1 and dMax 0 are batch normalization
 * @param options.dMax d stays in [−dMax, dMax]. Default 5, the paper's last value
 * @param options.convention "paper": std = √(σ² + eps). "ludvb": std = √σ² + eps, as in that package. Default "paper"
 * @param options.momentum weight of the NEW value in the running statistics. Default 0.1; 0.01 for "ludvb"
 * @param options.eps default 1e-5; 1e-3 for "ludvb"
 * @returns a tensor of the input's shape and dtype. An empty batch gives an empty output and changes no statistics
 * @throws RangeError if a shape does not fit, a limit is too small, or there is a single value a channel in training;
 *   TypeError if dtypes differ. Nothing has changed then
 * @example
 * const runningMean = zeros([1]);
 * const runningStd = ones([1]);
 * const y = batchRenorm(tensor([[0], [4]]), runningMean, runningStd, { training: true, eps: 0 });
 * y; // [[0], [4]]: std 2 over 1 and mean 2 are within the limits, so the running statistics normalize
 * runningMean.item(); // 0.2
 * runningStd.item(); // 1.1
 */
export function batchRenorm(
  input: Tensor,
  runningMean: Tensor,
  runningStd: Tensor,
  options: {
    readonly weight?: Tensor | null;
    readonly bias?: Tensor | null;
    readonly training?: boolean;
    readonly rMax?: number;
    readonly dMax?: number;
    readonly convention?: BatchRenormConvention;
    readonly momentum?: number;
    readonly eps?: number;
  } = {},
): Tensor {
  const {
    weight = null,
    bias = null,
    training = false,
    rMax = 3,
    dMax = 5,
    convention = "paper",
    ...given
  } = checkOptions("batchRenorm", options, [
    "weight",
    "bias",
    "training",
    "rMax",
    "dMax",
    "convention",
    "momentum",
    "eps",
  ]);
  const { momentum = defaults(convention).momentum, eps = defaults(convention).eps } = given;
  checkBoolean("batchRenorm", "training", training);
  checkConvention("batchRenorm", convention);
  checkEps("batchRenorm", eps);
  checkMomentum("batchRenorm", momentum);
  checkLimits("batchRenorm", { rMax, dMax });
  const n = checkBatchRenorm(input, runningMean, runningStd, { weight, bias }, training);
  checkRunning("batchRenorm", input, { runningMean, runningStd });
  checkApart("batchRenorm", { runningMean, runningStd });
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
    mean: A,
    std: A,
  ): {
    output: A;
    pullback: (gradOutput: A) => readonly [A, A | null, A | null, null, null];
    aux: readonly A[];
  } => {
    const pullbackOf =
      (saved: BatchRenormSaved<A>) =>
      (gradOutput: A): readonly [A, A | null, A | null, null, null] => [
        ...batchRenormBackward(gradOutput, saved),
        null,
        null,
      ];
    if (!training) {
      const { output, saved } = evaluationForward(x, weight, bias, mean, std);
      return { output, pullback: pullbackOf(saved), aux: [] };
    }
    const correction = batchRenormCorrection(x, mean, std, { eps, convention, rMax, dMax });
    const forward = batchRenormForward(x, weight, bias, correction, { eps, convention });
    const aux = n === 0 ? [] : [forward.mean, forward.std];
    return { output: forward.output, pullback: pullbackOf(forward.saved), aux };
  };
  return apply(
    "batchRenorm",
    {
      rule,
      computeIn: "float64",
      attributes: { training, ...(training && { momentum, rMax, dMax, convention }), eps },
      commit: (aux) => commitRunningStats(runningMean, runningStd, aux, momentum),
    },
    input,
    weight,
    bias,
    // Snapshots: a later training step must not change what this record computed.
    runningMean.detach(),
    runningStd.detach(),
  );
}

/** The defaults of a convention. */
export function defaults(convention: BatchRenormConvention): { readonly momentum: number; readonly eps: number } {
  return convention === "ludvb" ? { momentum: 0.01, eps: 1e-3 } : { momentum: 0.1, eps: 1e-5 };
}

export function checkConvention(name: string, convention: BatchRenormConvention): BatchRenormConvention {
  if (convention === "paper" || convention === "ludvb") return convention;
  throw new TypeError(`${name}: expected convention "paper" or "ludvb", got ${String(convention)}`);
}

export function checkLimits(name: string, { rMax, dMax }: BatchRenormLimits): void {
  if (!(checkNumber(name, "rMax", rMax) >= 1)) {
    throw new RangeError(`${name}: expected rMax of at least 1, got ${rMax}`);
  }
  if (!(checkNumber(name, "dMax", dMax) >= 0)) {
    throw new RangeError(`${name}: expected dMax of at least 0, got ${dMax}`);
  }
}

/** How many values a channel has. */
export function checkBatchRenorm(
  input: Tensor,
  runningMean: Tensor,
  runningStd: Tensor,
  perChannel: Readonly<Record<string, Tensor | null>>,
  training: boolean,
): number {
  const channels = checkTensor("batchRenorm", "input", input).shape[1];
  if (channels === undefined || channels === 0) {
    throw new RangeError(`batchRenorm: expected input [N, C, *] with C ≥ 1, got shape ${formatShape(input.shape)}`);
  }
  const running = {
    runningMean: checkTensor("batchRenorm", "runningMean", runningMean),
    runningStd: checkTensor("batchRenorm", "runningStd", runningStd),
  };
  checkPerChannel("batchRenorm", channels, { ...running, ...perChannel });
  const n = input.numel / channels;
  if (training && n === 1) {
    throw new RangeError(
      `batchRenorm: expected more than 1 value per channel in training, got input of shape ${formatShape(input.shape)}: ` +
        "with one value x − μ is 0 whatever x is",
    );
  }
  return n;
}
