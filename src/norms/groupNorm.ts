/**
 * Group normalization. Wu, He (2018), https://arxiv.org/abs/1803.08494
 *
 * The C channels of a sample are cut into G groups of C/G consecutive ones. For each sample and each group:
 *
 *   μ    = mean(x)                   over the group's channels and all their positions
 *   σ²   = mean((x − μ)²)            biased
 *   rstd = 1 / √(σ² + ε)             ε inside the root; 0 where σ² + ε = 0
 *   x̂    = (x − μ) · rstd
 *   y    = x̂ · weight + bias         one weight and bias a CHANNEL, not a group
 *
 * Shapes: x, x̂, y [N, C, *]; as groups [N, G, C/G, *]; weight, bias [C]; μ, rstd [N, G, 1, 1, …].
 *
 * Backward, with g = ∂L/∂y, ĝ = g · weight, and ⟨·⟩ the mean over the n = C/G · positions values of a group:
 *
 *   1. ∂L/∂bias   = Σ g              over the batch and all positions
 *   2. ∂L/∂weight = Σ g · x̂          over the same
 *   3. The weight differs within a group, so it belongs inside of the means. For one group, as vectors of n values,
 *      x̂ = rstd · P x with the centring P = I − 11ᵀ/n, and drstd = −rstd² · ⟨x̂ dx⟩. Hence
 *          dx̂ = rstd · P dx + (drstd / rstd) x̂ = rstd · (dx − ⟨dx⟩ − x̂ · ⟨x̂ dx⟩)
 *      and with the symmetric matrix moved to the other side of ⟨ĝ, dx̂⟩:
 *          ∂L/∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩)
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Dtype, NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { channelShape, nonChannelDims } from "./channels.ts";
import { checkChannels, checkCount, checkEps, checkPerChannel } from "./checks.ts";
import { affineCombinations, affineInputs, affineLabel, Norm, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";
import { groupLayout, needsOf, runNormKernel } from "./normKernel.ts";
import type { NormPullback } from "./normKernel.ts";

export interface GroupNormOptions {
  /** G, which must divide the number of channels. */
  readonly numGroups: number;
  readonly eps: number;
}

/** What the backward reads; `xhat` and `rstd` are in groups. */
export interface GroupNormSaved<A> {
  readonly xhat: A;
  readonly rstd: A;
  readonly weight: A | null;
  readonly bias: A | null;
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; options and
 * shapes are not checked.
 *
 * @param x [N, C, *]
 * @param weight [C], one a channel, or null: a scale of 1
 * @param bias [C], or null: no shift
 * @returns output, of x's shape, and what groupNormBackward reads: xhat [N, G, C/G, *], rstd [N, G, 1, 1, …]
 * @example
 * const x = tensor([[1, 2, 6, 10, 20, 60]]).value; // one sample of six channels
 * const { output, saved } = groupNormForward(x, null, null, { numGroups: 2, eps: 1e-5 });
 * output.data; // [-0.9258, -0.4629, 1.3887, -0.9258, -0.4629, 1.3887]
 * saved.rstd.data; // [0.4629, 0.0463]: one a group
 */
export function groupNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  { numGroups, eps }: GroupNormOptions,
): { readonly output: A; readonly saved: GroupNormSaved<A> } {
  const perChannel = channelShape(x.shape);
  const grouped = x.reshape(groupedShape(x.shape, numGroups));
  const dims = range(grouped.ndim).slice(2);
  const centered = grouped.center(dims); // x − μ, without the rounding error of μ
  const rstd = centered.square().mean(dims, true).add(eps).rsqrtOrZero();
  const xhat = centered.mul(rstd);
  const normalized = xhat.reshape(x.shape);
  const scaled = weight === null ? normalized : normalized.mul(weight.reshape(perChannel));
  const output = bias === null ? scaled : scaled.add(bias.reshape(perChannel));
  return { output, saved: { xhat, rstd, weight, bias } };
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as groupNormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [C]
 * @example
 * const x = tensor([[1, 2, 6, 10, 20, 60]]).value;
 * const { saved } = groupNormForward(x, null, null, { numGroups: 2, eps: 1e-5 });
 * const [gradInput] = groupNormBackward(tensor([[1, 0, 0, 0, 0, 0]]).value, saved);
 * gradInput.data; // [0.1763, -0.2204, 0.0441, 0, 0, 0]: the other group has no part in it
 */
export function groupNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight, bias }: GroupNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null] {
  const { shape } = gradOutput;
  const dims = range(xhat.ndim).slice(2);
  const scaled = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(shape)));
  const gradXhat = scaled.reshape(xhat.shape);
  const viaMean = gradXhat.mean(dims, true);
  const viaRstd = xhat.mul(gradXhat.mul(xhat).mean(dims, true));
  return [
    gradXhat.sub(viaMean).sub(viaRstd).mul(rstd).reshape(shape),
    weight && gradOutput.mul(xhat.reshape(shape)).sum(nonChannelDims(shape)),
    bias && gradOutput.sum(nonChannelDims(shape)),
  ];
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as groupNormForward returned it
 * @example
 * const x = tensor([[1, 2, 6, 10, 20, 60]]).value;
 * const { saved } = groupNormForward(x, null, null, { numGroups: 2, eps: 1e-5 });
 * const { direct, viaMean, viaVariance } = groupNormTerms(tensor([[1, 0, 0, 0, 0, 0]]).value, saved);
 * direct.data; // [0.4629, 0, 0, 0, 0, 0]
 * viaMean.data; // [-0.1543, -0.1543, -0.1543, 0, 0, 0]
 * viaVariance.data; // [-0.1323, -0.0661, 0.1984, 0, 0, 0]
 */
export function groupNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight }: GroupNormSaved<A>,
): NormTerms<A> {
  const { shape } = gradOutput;
  const dims = range(xhat.ndim).slice(2);
  const scaled = weight === null ? gradOutput : gradOutput.mul(weight.reshape(channelShape(shape)));
  const gradXhat = scaled.reshape(xhat.shape);
  return {
    direct: gradXhat.mul(rstd).reshape(shape),
    viaMean: gradXhat.mean(dims, true).mul(rstd).neg().expand(xhat.shape).reshape(shape),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(dims, true)).mul(rstd).neg().reshape(shape),
  };
}

/**
 * Group normalization: y = (x − μ) / √(σ² + eps) · weight + bias, with the mean and the biased variance of each sample's
 * group of C/numGroups consecutive channels. As torch.nn.functional.group_norm, but a constant group with eps = 0 gives
 * y = bias (PyTorch: NaN).
 * float32 is computed in float64, but for large arrays on the wasm backend: see setBackend.
 *
 * ONNX's GroupNormalization has scale and bias per channel since opset 21; in opset 18 they were per GROUP.
 *
 * @param input [N, C, *]
 * @param numGroups divides C. 1: one group, layer normalization's statistics; C: instance normalization's
 * @param options.weight scale [C], one a channel. Default: none
 * @param options.bias shift [C]. Default: none
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape does not fit, or (as in PyTorch) the whole batch has a single value a group; TypeError if
 *   dtypes differ
 * @example
 * groupNorm(tensor([[[1], [3], [10], [30]]]), 2); // channels 0, 1 and channels 2, 3: each −1, 1 but for eps
 */
export function groupNorm(
  input: Tensor,
  numGroups: number,
  options: { readonly weight?: Tensor | null; readonly bias?: Tensor | null; readonly eps?: number } = {},
): Tensor {
  const { weight = null, bias = null, eps = 1e-5 } = checkOptions("groupNorm", options, ["weight", "bias", "eps"]);
  const attributes = { numGroups, eps };
  checkGroupNorm(input, weight, bias, attributes);
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null] } => {
    const { output, saved } = groupNormForward(x, weight, bias, attributes);
    return { output, pullback: (gradOutput) => groupNormBackward(gradOutput, saved) };
  };
  const needs = needsOf(input, weight, bias);
  const layout = groupLayout(input.shape, numGroups);
  const kernel = (
    x: NdArray,
    weight: NdArray | null,
    bias: NdArray | null,
  ): Traced<NdArray, ReturnType<NormPullback>> =>
    runNormKernel(x, weight, bias, layout, { eps, centered: true }, needs);
  const op = { rule, computeIn: "float64", attributes, ...(input.numel > 0 && { kernel }) } as const;
  return apply("groupNorm", op, input, weight, bias);
}

/**
 * Group normalization of [N, C, *] with a learnable scale and shift for each channel. As torch.nn.GroupNorm; training and
 * evaluation do not differ.
 *
 * @param numGroups divides numChannels
 * @param numChannels C
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.affine learn weight (initially 1) and bias (initially 0), [C]. Default true
 * @param options.dtype of the parameters. Default: the default dtype, float64
 * @throws RangeError if numGroups does not divide numChannels, or eps is negative; in forward, if a layer with affine gets
 *   another number of channels
 * @example
 * String(new GroupNorm(4, 32)); // GroupNorm(4, 32, eps=1e-5, affine=true)
 */
export class GroupNorm extends Norm {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly affine: boolean;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  constructor(
    numGroups: number,
    numChannels: number,
    options: { readonly eps?: number; readonly affine?: boolean; readonly dtype?: Dtype | undefined } = {},
  ) {
    super();
    const { eps = 1e-5, affine = true, dtype } = checkOptions("GroupNorm", options, ["eps", "affine", "dtype"]);
    this.numGroups = checkCount("GroupNorm", "numGroups", numGroups);
    this.numChannels = checkCount("GroupNorm", "numChannels", numChannels);
    if (numChannels % numGroups !== 0) {
      throw new RangeError(`GroupNorm: expected numGroups to divide numChannels, got ${numGroups} and ${numChannels}`);
    }
    this.eps = checkEps("GroupNorm", eps);
    this.affine = checkBoolean("GroupNorm", "affine", affine);
    const made = dtype === undefined ? {} : { dtype };
    this.weight = affine ? new Parameter(full([numChannels], 1, made)) : null;
    this.bias = affine ? new Parameter(full([numChannels], 0, made)) : null;
  }

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    const { numGroups, weight, bias, eps } = this;
    return groupNorm(input, numGroups, { weight, bias, eps });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    checkGroupNorm(input, this.weight, this.bias, this);
    const has = { hasWeight: this.weight !== null, hasBias: this.bias !== null };
    const inputs = [input, this.weight, this.bias].filter((tensor) => tensor !== null);
    return { case: groupNormCase(input.shape, this, has), inputs };
  }

  protected override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${formatNumber(this.eps)}, affine=${this.affine}`;
  }

  /** Without weight and bias another number of channels does, as in PyTorch. */
  private checkInput(input: Tensor): void {
    checkTensor("GroupNorm", "input", input);
    if (this.weight ?? this.bias) checkChannels("GroupNorm", "numChannels", this.numChannels, input, 1);
  }
}

/** For every number of groups that divides C, with and without weight and bias. */
export const groupNormDescriptor: NormDescriptor = {
  name: "groupNorm",
  cases: (shape, eps = 1e-5) => {
    const [batch = 0, channels = 0] = shape;
    if (shape.length < 2) return [];
    return range(channels + 1)
      .filter((numGroups) => channels % numGroups === 0 && batch * valuesPerGroup(shape, numGroups) !== 1)
      .flatMap((numGroups) => affineCombinations.map((has) => groupNormCase(shape, { numGroups, eps }, has)));
  },
};

function groupNormCase(shape: Shape, { numGroups, eps }: GroupNormOptions, has: Affine): NormCase {
  const options = { numGroups, eps };
  const perGroup = valuesPerGroup(shape, numGroups);
  return {
    norm: "groupNorm",
    label: `numGroups ${numGroups}, ${affineLabel(has)}`,
    inputs: affineInputs(shape, [shape[1] ?? 0], has),
    partition: Int32Array.from({ length: sizeOf(shape) }, (_, cell) => Math.floor(cell / perGroup)),
    trace: (inputs) => {
      const { output, saved } = groupNormForward(...splitAffine(inputs, has), options);
      return {
        output,
        pullback: (gradOutput) => presentGrads(groupNormBackward(gradOutput, saved), has),
        terms: (gradOutput) => groupNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      return groupNorm(x, numGroups, { weight, bias, eps });
    },
  };
}

function groupedShape([batch = 0, channels = 0, ...positions]: Shape, numGroups: number): number[] {
  return [batch, numGroups, channels / numGroups, ...positions];
}

function valuesPerGroup([, channels = 0, ...positions]: Shape, numGroups: number): number {
  return (channels / numGroups) * sizeOf(positions);
}

function checkGroupNorm(
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  { numGroups, eps }: GroupNormOptions,
): void {
  checkTensor("groupNorm", "input", input);
  checkEps("groupNorm", eps);
  checkCount("groupNorm", "numGroups", numGroups);
  const [batch = 0, channels = 0] = input.shape;
  if (channels === 0 || channels % numGroups !== 0) {
    throw new RangeError(
      `groupNorm: expected input [N, C, *] with C a multiple of numGroups ${numGroups}, got shape ${formatShape(input.shape)}`,
    );
  }
  checkPerChannel("groupNorm", channels, { weight, bias });
  if (batch * valuesPerGroup(input.shape, numGroups) === 1) {
    throw new RangeError(
      `groupNorm: expected more than 1 value per group, got input of shape ${formatShape(input.shape)} in ${numGroups} ` +
        "groups: with one value x − μ is 0 whatever x is",
    );
  }
}
