/**
 * Root mean square normalization. Zhang, Sennrich (2019), https://arxiv.org/abs/1910.07467
 *
 *   rrms = 1 / √(⟨x²⟩ + ε)           ⟨·⟩ the mean over the last D dims, D = normalizedShape.length; no mean is subtracted;
 *                                    ε inside the root; 0 where ⟨x²⟩ + ε = 0
 *   x̂    = x · rrms
 *   y    = x̂ · weight                no bias, as in torch.nn.RMSNorm
 *
 * Shapes: x, y [*, ...normalizedShape]; weight [...normalizedShape]; rrms [*, 1, …, 1].
 *
 * Backward, with g = ∂L/∂y and ĝ = g · weight:
 *
 *   1. ∂L/∂weight = Σ g · x̂          over the leading dims
 *   2. d⟨x²⟩ = 2 ⟨x · dx⟩, so drrms = −½ rrms³ · d⟨x²⟩ = −rrms² · ⟨x̂ · dx⟩
 *   3. x reaches x̂ directly and through rrms; together
 *          dx̂ = rrms · dx + x · drrms = rrms · (dx − x̂ · ⟨x̂ · dx⟩)
 *      As a matrix this is rrms · (I − x̂x̂ᵀ/n). It is symmetric, so its transpose is itself:
 *          ∂L/∂x = rrms · (ĝ − x̂ · ⟨ĝ · x̂⟩)
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber, formatValue } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Dtype, NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, gatherIndex, range } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkElementwise, checkEps, checkNormalized, checkNormalizedShape } from "./checks.ts";
import { Norm, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";
import { needsOf, rowLayout, runRowNormKernel } from "./normKernel.ts";

export interface RMSNormOptions {
  /** The last dims of the input, over which it is normalized. */
  readonly normalizedShape: Shape;
  readonly eps: number;
}

/** What the backward reads. */
export interface RMSNormSaved<A> {
  readonly xhat: A;
  readonly rrms: A;
  readonly weight: A | null;
  readonly dims: readonly number[];
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; options and
 * shapes are not checked.
 *
 * @param x [*, ...normalizedShape]
 * @param weight [...normalizedShape], or null: a scale of 1
 * @returns output, of x's shape, and what rmsNormBackward reads: xhat of x's shape, rrms [*, 1, …, 1]
 * @example
 * const x = tensor([[1, 7]]).value;
 * const { output, saved } = rmsNormForward(x, null, { normalizedShape: [2], eps: 0 });
 * output.data; // [0.2, 1.4]: the root mean square of 1 and 7 is 5
 * saved.rrms.data; // [0.2]
 */
export function rmsNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  { normalizedShape, eps }: RMSNormOptions,
): { readonly output: A; readonly saved: RMSNormSaved<A> } {
  const dims = normalizedShape.map((_, i) => i - normalizedShape.length);
  const rrms = x.square().mean(dims, true).add(eps).rsqrtOrZero();
  const xhat = x.mul(rrms);
  const output = weight === null ? xhat : xhat.mul(weight);
  return { output, saved: { xhat, rrms, weight, dims } };
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as rmsNormForward returned it
 * @returns gradInput of x's shape; gradWeight [...normalizedShape]
 * @example
 * const x = tensor([[1, 7]]).value;
 * const { saved } = rmsNormForward(x, null, { normalizedShape: [2], eps: 0 });
 * const [gradInput] = rmsNormBackward(tensor([[1, 0]]).value, saved);
 * gradInput.data; // [0.196, -0.028]: orthogonal to x, since a factor on x leaves y
 */
export function rmsNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rrms, weight, dims }: RMSNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null] {
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight);
  const viaRrms = xhat.mul(gradXhat.mul(xhat).mean(dims, true));
  return [gradXhat.sub(viaRrms).mul(rrms), weight && gradOutput.mul(xhat).sumTo(weight.shape)];
}

/**
 * gradInput path by path: `direct` and `viaVariance`, the path through the mean square, add up to it; `viaMean` is zero,
 * as no mean is subtracted. All have x's shape.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as rmsNormForward returned it
 * @example
 * const x = tensor([[1, 7]]).value;
 * const { saved } = rmsNormForward(x, null, { normalizedShape: [2], eps: 0 });
 * const { direct, viaVariance } = rmsNormTerms(tensor([[1, 0]]).value, saved);
 * direct.data; // [0.2, 0]
 * viaVariance.data; // [-0.004, -0.028]
 */
export function rmsNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rrms, weight, dims }: RMSNormSaved<A>,
): NormTerms<A> {
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight);
  return {
    direct: gradXhat.mul(rrms),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(dims, true)).mul(rrms).neg(),
  };
}

/** numpy's and torch's finfo(dtype).eps: the distance from 1 to the next number. */
const MACHINE_EPS: Readonly<Record<Dtype, number>> = { float64: 2 ** -52, float32: 2 ** -23 };

/**
 * Root mean square normalization: y = x / √(mean(x²) + eps) · weight over the last dims, without a mean and without a
 * bias. As torch.nn.functional.rms_norm, but a slice of zeros with eps = 0 gives 0 (PyTorch: NaN).
 * float32 is computed in float64, but for large arrays on the wasm backend: see setBackend.
 *
 * ONNX's RMSNormalization has eps 1e-5 as its default, where PyTorch and this have the machine epsilon, and demands a scale.
 *
 * @param input [*, ...normalizedShape], any number of leading dims
 * @param normalizedShape the input's last dims, at least one
 * @param options.weight scale, of shape normalizedShape. Default: none, a scale of 1
 * @param options.eps added to the mean square inside the root. Default null: the machine epsilon of the input's dtype, as
 *   in PyTorch, which is 2⁻⁵² (2.2e-16) for float64 and 2⁻²³ (1.2e-7) for float32; not 1e-5, 1e-6 or 1e-8
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape does not fit or eps is negative; TypeError if dtypes differ
 * @example
 * const x = tensor([[1, 7]], { requiresGrad: true });
 * rmsNorm(x, [2], { weight: tensor([1, 10]) }); // [[0.2, 14]]
 */
export function rmsNorm(
  input: Tensor,
  normalizedShape: Shape,
  options: { readonly weight?: Tensor | null; readonly eps?: number | null } = {},
): Tensor {
  const { weight = null, eps: given = null } = checkOptions("rmsNorm", options, ["weight", "eps"]);
  checkRMSNorm(input, weight, normalizedShape, given);
  // A copy: for a second derivative the rule runs again, when the caller may have changed the array.
  const attributes = { normalizedShape: [...normalizedShape], eps: given ?? MACHINE_EPS[input.dtype] };
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null] } => {
    const { output, saved } = rmsNormForward(x, weight, attributes);
    return { output, pullback: (gradOutput) => rmsNormBackward(gradOutput, saved) };
  };
  const { eps } = attributes;
  const needs = needsOf(input, weight, null);
  const layout = rowLayout(input.shape, normalizedShape);
  const kernel = (
    x: NdArray,
    weight: NdArray | null,
  ): Traced<NdArray, readonly [gradInput: NdArray | null, gradWeight: NdArray | null]> => {
    const { output, pullback } = runRowNormKernel(x, weight, null, layout, { eps, centered: false }, needs);
    return {
      output,
      pullback: (gradOutput) => {
        const [gradInput, gradWeight] = pullback(gradOutput);
        return [gradInput, gradWeight];
      },
    };
  };
  const op = { rule, computeIn: "float64", attributes, ...(input.numel > 0 && { kernel }) } as const;
  return apply("rmsNorm", op, input, weight);
}

/**
 * Root mean square normalization over the last dims, with a learnable scale for each normalized element. As
 * torch.nn.RMSNorm; training and evaluation do not differ.
 *
 * @param normalizedShape the input's last dims; a number is one dim
 * @param options.eps default null: the machine epsilon of the input's dtype (see rmsNorm)
 * @param options.elementwiseAffine learn a weight (initially 1). Default true
 * @param options.dtype of the weight. Default: the default dtype, float64
 * @throws RangeError if normalizedShape is empty or eps negative
 * @example
 * const norm = new RMSNorm(2, { eps: 1e-6 });
 * String(norm); // RMSNorm([2], eps=1e-6, elementwiseAffine=true)
 * norm.forward(tensor([[1, 7]])).toArray(); // [[0.2, 1.4]]
 */
export class RMSNorm extends Norm {
  readonly normalizedShape: Shape;
  /** null: the machine epsilon of the input's dtype. */
  readonly eps: number | null;
  readonly elementwiseAffine: boolean;
  readonly weight: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    options: {
      readonly eps?: number | null;
      readonly elementwiseAffine?: boolean;
      readonly dtype?: Dtype | undefined;
    } = {},
  ) {
    super();
    const {
      eps = null,
      elementwiseAffine = true,
      dtype,
    } = checkOptions("RMSNorm", options, ["eps", "elementwiseAffine", "dtype"]);
    const sizes = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    checkNormalizedShape("RMSNorm", sizes);
    this.normalizedShape = [...sizes];
    this.eps = eps === null ? null : checkEps("RMSNorm", eps);
    this.elementwiseAffine = checkBoolean("RMSNorm", "elementwiseAffine", elementwiseAffine);
    const made = dtype === undefined ? {} : { dtype };
    this.weight = elementwiseAffine ? new Parameter(full(this.normalizedShape, 1, made)) : null;
  }

  override forward(input: Tensor): Tensor {
    const { normalizedShape, weight, eps } = this;
    return rmsNorm(input, normalizedShape, { weight, eps });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    const { weight, normalizedShape } = this;
    checkRMSNorm(input, weight, normalizedShape, this.eps);
    const eps = this.eps ?? MACHINE_EPS[input.dtype];
    const has = { hasWeight: weight !== null, hasBias: false };
    return {
      case: rmsNormCase(input.shape, { normalizedShape, eps }, has),
      inputs: weight ? [input, weight] : [input],
    };
  }

  protected override extraRepr(): string {
    const eps = this.eps === null ? "null" : formatNumber(this.eps);
    return `${formatValue(this.normalizedShape)}, eps=${eps}, elementwiseAffine=${this.elementwiseAffine}`;
  }
}

/** For a norm over the last dim, the last two, …, each with and without weight. */
export const rmsNormDescriptor: NormDescriptor = {
  name: "rmsNorm",
  cases: (shape, eps = 1e-5) =>
    range(shape.length).flatMap((count) => {
      const normalizedShape = shape.slice(shape.length - count - 1);
      return [true, false].map((hasWeight) =>
        rmsNormCase(shape, { normalizedShape, eps }, { hasWeight, hasBias: false }),
      );
    }),
};

function rmsNormCase(shape: Shape, { normalizedShape, eps }: RMSNormOptions, has: Affine): NormCase {
  const options = { normalizedShape, eps };
  const leading = shape.length - normalizedShape.length;
  const groups = shape.map((size, dim) => (dim < leading ? size : 1));
  return {
    norm: "rmsNorm",
    label: `normalizedShape ${formatShape(normalizedShape)}, ${has.hasWeight ? "weight" : "no affine"}`,
    inputs: [
      { name: "x", shape: [...shape] },
      ...(has.hasWeight ? [{ name: "weight", shape: [...normalizedShape] }] : []),
    ],
    partition: gatherIndex(
      groups,
      shape.map((size, dim) => range(size).map((i) => (dim < leading ? i : 0))),
    ),
    trace: (inputs) => {
      const [x, weight] = splitAffine(inputs, has);
      const { output, saved } = rmsNormForward(x, weight, options);
      return {
        output,
        pullback: (gradOutput) => presentGrads([...rmsNormBackward(gradOutput, saved), null], has),
        terms: (gradOutput) => rmsNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight] = splitAffine(inputs, has);
      return rmsNorm(x, normalizedShape, { weight, eps });
    },
  };
}

function checkRMSNorm(input: Tensor, weight: Tensor | null, normalizedShape: Shape, eps: number | null): void {
  checkTensor("rmsNorm", "input", input);
  if (eps !== null) checkEps("rmsNorm", eps);
  checkNormalized("rmsNorm", input, normalizedShape);
  checkElementwise("rmsNorm", "weight", weight, normalizedShape);
}
