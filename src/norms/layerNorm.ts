/**
 * Layer normalization. Ba, Kiros, Hinton (2016), https://arxiv.org/abs/1607.06450
 *
 *   μ    = mean(x)                   over the last D dims, D = normalizedShape.length
 *   σ²   = mean((x − μ)²)            biased, as in torch.nn.LayerNorm
 *   rstd = 1 / √(σ² + ε)             ε inside the root; 0 where σ² + ε = 0
 *   x̂    = (x − μ) · rstd
 *   y    = x̂ · weight + bias
 *
 * Shapes: x, y [*, ...normalizedShape]; weight, bias [...normalizedShape]; μ, rstd [*, 1, …, 1].
 *
 * Backward, with g = ∂L/∂y, ĝ = g · weight, and ⟨·⟩ the mean over the normalized dims:
 *
 *   1. ∂L/∂bias   = Σ g              over the leading dims
 *   2. ∂L/∂weight = Σ g · x̂          over the leading dims
 *   3. x reaches x̂ directly, through μ and through rstd; together
 *          dx̂ = rstd · (dx − ⟨dx⟩ − x̂ · ⟨x̂ · dx⟩)
 *      As a matrix this is rstd · (I − 11ᵀ/n − x̂x̂ᵀ/n). It is symmetric, so its transpose is itself:
 *          ∂L/∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩)
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import type { Dtype, NdArray } from "../autograd/ndarray.ts";
import { formatNumber, formatValue } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, gatherIndex, range } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkElementwise, checkEps, checkNormalized, checkNormalizedShape } from "./checks.ts";
import { affineCombinations, affineInputs, affineLabel, Norm, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";
import { needsOf, rowLayout, runRowNormKernel } from "./normKernel.ts";
import type { NormPullback } from "./normKernel.ts";

export interface LayerNormOptions {
  /** The last dims of the input, over which it is normalized. */
  readonly normalizedShape: Shape;
  readonly eps: number;
}

/** What the backward reads. */
export interface LayerNormSaved<A> {
  readonly xhat: A;
  readonly rstd: A;
  readonly weight: A | null;
  readonly bias: A | null;
  readonly dims: readonly number[];
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; options and
 * shapes are not checked.
 *
 * @param x [*, ...normalizedShape]
 * @param weight [...normalizedShape], or null: a scale of 1
 * @param bias [...normalizedShape], or null: no shift
 * @returns output, of x's shape, and what layerNormBackward reads: xhat of x's shape, rstd [*, 1, …, 1]
 * @example
 * const x = tensor([[1, 2, 4, 8]]).value;
 * const { output, saved } = layerNormForward(x, null, null, { normalizedShape: [4], eps: 1e-5 });
 * output.data; // [-1.0258, -0.6528, 0.0933, 1.5853]
 * saved.rstd.data; // [0.373]
 */
export function layerNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  { normalizedShape, eps }: LayerNormOptions,
): { readonly output: A; readonly saved: LayerNormSaved<A> } {
  const dims = normalizedShape.map((_, i) => i - normalizedShape.length);
  const centered = x.center(dims); // x − μ, without the rounding error of μ
  const rstd = centered.square().mean(dims, true).add(eps).rsqrtOrZero();
  const xhat = centered.mul(rstd);
  const scaled = weight === null ? xhat : xhat.mul(weight);
  const output = bias === null ? scaled : scaled.add(bias);
  return { output, saved: { xhat, rstd, weight, bias, dims } };
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as layerNormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [...normalizedShape]
 * @example
 * const x = tensor([[1, 2, 4, 8]]).value;
 * const { saved } = layerNormForward(x, null, null, { normalizedShape: [4], eps: 1e-5 });
 * const [gradInput] = layerNormBackward(tensor([[1, 0, 0, 0]]).value, saved);
 * gradInput.data; // [0.1816, -0.1557, -0.0843, 0.0584]: they sum to 0
 */
export function layerNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight, bias, dims }: LayerNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null] {
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight);
  const viaMean = gradXhat.mean(dims, true);
  const viaRstd = xhat.mul(gradXhat.mul(xhat).mean(dims, true));
  return [
    gradXhat.sub(viaMean).sub(viaRstd).mul(rstd),
    weight && gradOutput.mul(xhat).sumTo(weight.shape),
    bias && gradOutput.sumTo(bias.shape),
  ];
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as layerNormForward returned it
 * @example
 * const x = tensor([[1, 2, 4, 8]]).value;
 * const { saved } = layerNormForward(x, null, null, { normalizedShape: [4], eps: 1e-5 });
 * const { direct, viaMean, viaVariance } = layerNormTerms(tensor([[1, 0, 0, 0]]).value, saved);
 * direct.data; // [0.373, 0, 0, 0]
 * viaMean.data; // [-0.0933, -0.0933, -0.0933, -0.0933]
 * viaVariance.data; // [-0.0981, -0.0624, 0.0089, 0.1516]
 */
export function layerNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, weight, dims }: LayerNormSaved<A>,
): NormTerms<A> {
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight);
  return {
    direct: gradXhat.mul(rstd),
    viaMean: gradXhat.mean(dims, true).mul(rstd).neg().expand(gradOutput.shape),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(dims, true)).mul(rstd).neg(),
  };
}

/**
 * Layer normalization: y = (x − μ) / √(σ² + eps) · weight + bias, with the mean μ and the biased variance σ² of the last
 * dims. As torch.nn.functional.layer_norm, but a constant slice with eps = 0 gives y = bias (PyTorch: NaN).
 * float32 is computed in float64, but for large arrays on the wasm backend: see setBackend.
 *
 * ONNX's LayerNormalization names the first normalized dim by `axis` (−1: the last dim alone), demands a scale, and takes
 * the statistics in float32 unless `stash_type` says otherwise.
 *
 * @param input [*, ...normalizedShape], any number of leading dims
 * @param normalizedShape the input's last dims, at least one
 * @param options.weight scale, of shape normalizedShape. Default: none, a scale of 1
 * @param options.bias shift, of shape normalizedShape. Default: none
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ
 * @example
 * const x = tensor([[1, 2, 4, 8]], { requiresGrad: true });
 * layerNorm(x, [4]); // [[-1.0258, -0.6528, 0.0933, 1.5853]]
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: Shape,
  options: { readonly weight?: Tensor | null; readonly bias?: Tensor | null; readonly eps?: number } = {},
): Tensor {
  const { weight = null, bias = null, eps = 1e-5 } = checkOptions("layerNorm", options, ["weight", "bias", "eps"]);
  checkLayerNorm(input, weight, bias, { normalizedShape, eps });
  // A copy: for a second derivative the rule runs again, when the caller may have changed the array.
  const attributes = { normalizedShape: [...normalizedShape], eps };
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null] } => {
    const { output, saved } = layerNormForward(x, weight, bias, attributes);
    return { output, pullback: (gradOutput) => layerNormBackward(gradOutput, saved) };
  };
  const needs = needsOf(input, weight, bias);
  const layout = rowLayout(input.shape, normalizedShape);
  const kernel = (
    x: NdArray,
    weight: NdArray | null,
    bias: NdArray | null,
  ): Traced<NdArray, ReturnType<NormPullback>> =>
    runRowNormKernel(x, weight, bias, layout, { eps, centered: true }, needs);
  const op = { rule, computeIn: "float64", attributes, ...(input.numel > 0 && { kernel }) } as const;
  return apply("layerNorm", op, input, weight, bias);
}

/**
 * Layer normalization over the last dims, with a learnable scale and shift for each normalized element. As
 * torch.nn.LayerNorm; training and evaluation do not differ.
 *
 * @param normalizedShape the input's last dims; a number is one dim
 * @param options.eps default 1e-5
 * @param options.elementwiseAffine learn weight (initially 1) and bias (initially 0). Default true
 * @param options.bias false leaves the bias out. Default true
 * @param options.dtype of the parameters. Default: the default dtype, float64
 * @throws RangeError if normalizedShape is empty or eps negative
 * @example
 * const norm = new LayerNorm(4);
 * String(norm); // LayerNorm([4], eps=1e-5, elementwiseAffine=true)
 * norm.forward(tensor([[1, 2, 4, 8]]));
 */
export class LayerNorm extends Norm {
  readonly normalizedShape: Shape;
  readonly eps: number;
  readonly elementwiseAffine: boolean;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    options: {
      readonly eps?: number;
      readonly elementwiseAffine?: boolean;
      readonly bias?: boolean;
      readonly dtype?: Dtype | undefined;
    } = {},
  ) {
    super();
    const checked = checkOptions("LayerNorm", options, ["eps", "elementwiseAffine", "bias", "dtype"]);
    const { eps = 1e-5, elementwiseAffine = true, bias = true, dtype } = checked;
    checkBoolean("LayerNorm", "bias", bias);
    const sizes = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    checkNormalizedShape("LayerNorm", sizes);
    this.normalizedShape = [...sizes];
    this.eps = checkEps("LayerNorm", eps);
    this.elementwiseAffine = checkBoolean("LayerNorm", "elementwiseAffine", elementwiseAffine);
    const made = dtype === undefined ? {} : { dtype };
    this.weight = elementwiseAffine ? new Parameter(full(this.normalizedShape, 1, made)) : null;
    this.bias = elementwiseAffine && bias ? new Parameter(full(this.normalizedShape, 0, made)) : null;
  }

  override forward(input: Tensor): Tensor {
    const { normalizedShape, weight, bias, eps } = this;
    return layerNorm(input, normalizedShape, { weight, bias, eps });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    checkLayerNorm(input, this.weight, this.bias, this);
    const has = { hasWeight: this.weight !== null, hasBias: this.bias !== null };
    const inputs = [input, this.weight, this.bias].filter((tensor) => tensor !== null);
    return { case: layerNormCase(input.shape, this, has), inputs };
  }

  protected override extraRepr(): string {
    const bias = this.elementwiseAffine && this.bias === null ? ", bias=false" : "";
    return `${formatValue(this.normalizedShape)}, eps=${formatNumber(this.eps)}, elementwiseAffine=${this.elementwiseAffine}${bias}`;
  }
}

/** For a norm over the last dim, the last two, …, each with and without weight and bias. */
export const layerNormDescriptor: NormDescriptor = {
  name: "layerNorm",
  cases: (shape, eps = 1e-5) =>
    range(shape.length).flatMap((count) => {
      const normalizedShape = shape.slice(shape.length - count - 1);
      return affineCombinations.map((has) => layerNormCase(shape, { normalizedShape, eps }, has));
    }),
};

function layerNormCase(shape: Shape, { normalizedShape, eps }: LayerNormOptions, has: Affine): NormCase {
  const options = { normalizedShape, eps };
  const leading = shape.length - normalizedShape.length;
  const groups = shape.map((size, dim) => (dim < leading ? size : 1));
  return {
    norm: "layerNorm",
    label: `normalizedShape ${formatShape(normalizedShape)}, ${affineLabel(has)}`,
    inputs: affineInputs(shape, normalizedShape, has),
    partition: gatherIndex(
      groups,
      shape.map((size, dim) => range(size).map((i) => (dim < leading ? i : 0))),
    ),
    trace: (inputs) => {
      const { output, saved } = layerNormForward(...splitAffine(inputs, has), options);
      return {
        output,
        pullback: (gradOutput) => presentGrads(layerNormBackward(gradOutput, saved), has),
        terms: (gradOutput) => layerNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      return layerNorm(x, normalizedShape, { weight, bias, eps });
    },
  };
}

function checkLayerNorm(
  input: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  { normalizedShape, eps }: LayerNormOptions,
): void {
  checkTensor("layerNorm", "input", input);
  checkEps("layerNorm", eps);
  checkNormalized("layerNorm", input, normalizedShape);
  checkElementwise("layerNorm", "weight", weight, normalizedShape);
  checkElementwise("layerNorm", "bias", bias, normalizedShape);
}
