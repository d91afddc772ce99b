/**
 * DynamicTanh. Zhu, Chen, He, LeCun, Liu (2025), https://arxiv.org/abs/2503.10622
 *
 *   t = tanh(α · x)                  one α for all; no statistics: the norm-free comparison
 *   y = t · weight + bias
 *
 * Shapes: x, y [*, ...normalizedShape]; α [] or [1]; weight, bias [...normalizedShape].
 *
 * Backward, with g = ∂L/∂y and ĝ = g · weight:
 *
 *   1. ∂L/∂bias   = Σ g              over the leading dims
 *   2. ∂L/∂weight = Σ g · t          over the leading dims
 *   3. dt = (1 − t²) · (α dx + x dα), since tanh' = 1 − tanh². No cell reaches another, so with z = ĝ · (1 − t²)
 *          ∂L/∂x = z · α             ∂L/∂α = Σ z · x over everything
 */
import { checkBoolean, checkNumber, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber, formatValue } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkElementwise, checkNormalized, checkNormalizedShape } from "./checks.ts";
import { affineCombinations, affineLabel, Norm } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

/** What the backward reads. */
export interface DynamicTanhSaved<A> {
  readonly x: A;
  readonly alpha: A;
  /** tanh(α · x) */
  readonly squashed: A;
  readonly weight: A | null;
  readonly bias: A | null;
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; shapes are
 * not checked.
 *
 * @param x [*, ...normalizedShape]
 * @param alpha a single number
 * @param weight [...normalizedShape], or null: a scale of 1
 * @param bias [...normalizedShape], or null: no shift
 * @returns output, of x's shape, and what dynamicTanhBackward reads
 * @example
 * const { output } = dynamicTanhForward(tensor([0, 2, -40]).value, tensor(0.5).value, null, null);
 * output.data; // [0, 0.7616, -1]
 */
export function dynamicTanhForward<A extends Num<A>>(
  x: A,
  alpha: A,
  weight: A | null,
  bias: A | null,
): { readonly output: A; readonly saved: DynamicTanhSaved<A> } {
  const squashed = x.mul(alpha).tanh();
  const scaled = weight === null ? squashed : squashed.mul(weight);
  const output = bias === null ? scaled : scaled.add(bias);
  return { output, saved: { x, alpha, squashed, weight, bias } };
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as dynamicTanhForward returned it
 * @returns gradInput of x's shape; gradAlpha in alpha's; gradWeight and gradBias [...normalizedShape]
 * @example
 * const { saved } = dynamicTanhForward(tensor([0, 2, -40]).value, tensor(0.5).value, null, null);
 * const [gradInput, gradAlpha] = dynamicTanhBackward(tensor([1, 1, 1]).value, saved);
 * gradInput.data; // [0.5, 0.21, 0]
 * gradAlpha.data; // [0.84]
 */
export function dynamicTanhBackward<A extends Num<A>>(
  gradOutput: A,
  { x, alpha, squashed, weight, bias }: DynamicTanhSaved<A>,
): readonly [gradInput: A, gradAlpha: A, gradWeight: A | null, gradBias: A | null] {
  const gradSquashed = weight === null ? gradOutput : gradOutput.mul(weight);
  const gradProduct = gradSquashed.mul(squashed.square().neg().add(1));
  return [
    gradProduct.mul(alpha),
    gradProduct.mul(x).sum().reshape(alpha.shape),
    weight && gradOutput.mul(squashed).sumTo(weight.shape),
    bias && gradOutput.sumTo(bias.shape),
  ];
}

/**
 * gradInput path by path. Without statistics `direct` is all of it; `viaMean` and `viaVariance` are zero.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as dynamicTanhForward returned it
 * @example
 * const { saved } = dynamicTanhForward(tensor([0, 2, -40]).value, tensor(0.5).value, null, null);
 * const { direct, viaMean } = dynamicTanhTerms(tensor([1, 1, 1]).value, saved);
 * direct.data; // [0.5, 0.21, 0]
 * viaMean.data; // [0, 0, 0]
 */
export function dynamicTanhTerms<A extends Num<A>>(gradOutput: A, saved: DynamicTanhSaved<A>): NormTerms<A> {
  const none = gradOutput.constant((values) => new Float64Array(values.length));
  return { direct: dynamicTanhBackward(gradOutput, saved)[0], viaMean: none, viaVariance: none };
}

/**
 * DynamicTanh: y = tanh(alpha · x) · weight + bias, which takes the place of a normalization without computing any
 * statistics. As the authors' code for channels that come last. float32 is computed in float64.
 *
 * @param input [*, ...normalizedShape], any number of leading dims
 * @param normalizedShape the input's last dims, at least one
 * @param alpha steepness, a single number of shape [] or [1]
 * @param options.weight scale, of shape normalizedShape. Default: none, a scale of 1
 * @param options.bias shift, of shape normalizedShape. Default: none
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ
 * @example
 * dynamicTanh(tensor([[0, 2, -40]]), [3], tensor(0.5)); // [[0, 0.7616, -1]]
 */
export function dynamicTanh(
  input: Tensor,
  normalizedShape: Shape,
  alpha: Tensor,
  options: { readonly weight?: Tensor | null; readonly bias?: Tensor | null } = {},
): Tensor {
  const { weight = null, bias = null } = checkOptions("dynamicTanh", options, ["weight", "bias"]);
  checkDynamicTanh(input, normalizedShape, alpha, { weight, bias });
  const rule = <A extends Num<A>>(
    x: A,
    alpha: A,
    weight: A | null,
    bias: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A, A | null, A | null] } => {
    const { output, saved } = dynamicTanhForward(x, alpha, weight, bias);
    return { output, pullback: (gradOutput) => dynamicTanhBackward(gradOutput, saved) };
  };
  const attributes = { normalizedShape: [...normalizedShape] };
  return apply("dynamicTanh", { rule, computeIn: "float64", attributes }, input, alpha, weight, bias);
}

/**
 * DynamicTanh over the last dims, with a learnable steepness alpha and a scale and shift for each element. As the
 * authors' DynamicTanh with channels_last; training and evaluation do not differ.
 *
 * @param normalizedShape the input's last dims; a number is one dim
 * @param options.alphaInitValue where alpha, of shape [1], begins. Default 0.5
 * @param options.elementwiseAffine learn weight (initially 1) and bias (initially 0). Default true
 * @param options.dtype of the parameters. Default: the default dtype, float64
 * @throws RangeError if normalizedShape is empty
 * @example
 * const layer = new DynamicTanh(3);
 * String(layer); // DynamicTanh([3], alphaInitValue=0.5, elementwiseAffine=true)
 * layer.forward(tensor([[0, 2, -40]])).toArray(); // [[0, 0.7616, -1]]
 */
export class DynamicTanh extends Norm {
  readonly normalizedShape: Shape;
  readonly alphaInitValue: number;
  readonly elementwiseAffine: boolean;
  readonly alpha: Parameter;
  readonly weight: Parameter | null;
  readonly bias: Parameter | null;

  constructor(
    normalizedShape: number | Shape,
    options: {
      readonly alphaInitValue?: number;
      readonly elementwiseAffine?: boolean;
      readonly dtype?: Dtype | undefined;
    } = {},
  ) {
    super();
    const {
      alphaInitValue = 0.5,
      elementwiseAffine = true,
      dtype,
    } = checkOptions("DynamicTanh", options, ["alphaInitValue", "elementwiseAffine", "dtype"]);
    const sizes = typeof normalizedShape === "number" ? [normalizedShape] : normalizedShape;
    checkNormalizedShape("DynamicTanh", sizes);
    this.normalizedShape = [...sizes];
    this.alphaInitValue = checkNumber("DynamicTanh", "alphaInitValue", alphaInitValue);
    this.elementwiseAffine = checkBoolean("DynamicTanh", "elementwiseAffine", elementwiseAffine);
    const made = dtype === undefined ? {} : { dtype };
    this.alpha = new Parameter(full([1], alphaInitValue, made));
    this.weight = elementwiseAffine ? new Parameter(full(this.normalizedShape, 1, made)) : null;
    this.bias = elementwiseAffine ? new Parameter(full(this.normalizedShape, 0, made)) : null;
  }

  override forward(input: Tensor): Tensor {
    const { weight, bias } = this;
    return dynamicTanh(input, this.normalizedShape, this.alpha, { weight, bias });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    const { normalizedShape, alpha, weight, bias } = this;
    checkDynamicTanh(input, normalizedShape, alpha, { weight, bias });
    const has = { hasWeight: weight !== null, hasBias: bias !== null };
    return {
      case: dynamicTanhCase(input.shape, normalizedShape, alpha.shape, has),
      inputs: [input, alpha, weight, bias].filter((tensor) => tensor !== null),
    };
  }

  protected override extraRepr(): string {
    const { normalizedShape, alphaInitValue, elementwiseAffine } = this;
    return `${formatValue(normalizedShape)}, alphaInitValue=${formatNumber(alphaInitValue)}, elementwiseAffine=${elementwiseAffine}`;
  }
}

/** For the last dim, the last two, …, each with and without weight and bias. There is no eps. */
export const dynamicTanhDescriptor: NormDescriptor = {
  name: "dynamicTanh",
  cases: (shape) =>
    range(shape.length).flatMap((count) => {
      const normalizedShape = shape.slice(shape.length - count - 1);
      return affineCombinations.map((has) => dynamicTanhCase(shape, normalizedShape, [], has));
    }),
};

function dynamicTanhCase(shape: Shape, normalizedShape: Shape, alphaShape: Shape, has: Affine): NormCase {
  const { hasWeight, hasBias } = has;
  const split = <A>(inputs: readonly A[]): readonly [x: A, alpha: A, weight: A | null, bias: A | null] => {
    const [x, alpha, third = null, fourth = null] = inputs;
    const count = 2 + Number(hasWeight) + Number(hasBias);
    if (x === undefined || alpha === undefined || inputs.length !== count) {
      throw new RangeError(`normCase: expected ${count} inputs, got ${inputs.length}`);
    }
    return hasWeight ? [x, alpha, third, fourth] : [x, alpha, null, third];
  };
  return {
    norm: "dynamicTanh",
    label: `normalizedShape ${formatShape(normalizedShape)}, ${affineLabel(has)}`,
    inputs: [
      { name: "x", shape: [...shape] },
      { name: "alpha", shape: [...alphaShape] },
      ...(hasWeight ? [{ name: "weight", shape: [...normalizedShape] }] : []),
      ...(hasBias ? [{ name: "bias", shape: [...normalizedShape] }] : []),
    ],
    // Each cell is a set of its own: there are no statistics to share.
    partition: Int32Array.from({ length: sizeOf(shape) }, (_, cell) => cell),
    trace: (inputs) => {
      const { output, saved } = dynamicTanhForward(...split(inputs));
      return {
        output,
        pullback: (gradOutput) => {
          const [gradInput, gradAlpha, gradWeight, gradBias] = dynamicTanhBackward(gradOutput, saved);
          return [gradInput, gradAlpha, ...(hasWeight ? [gradWeight] : []), ...(hasBias ? [gradBias] : [])];
        },
        terms: (gradOutput) => dynamicTanhTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, alpha, weight, bias] = split(inputs);
      return dynamicTanh(x, normalizedShape, alpha, { weight, bias });
    },
  };
}

function checkDynamicTanh(
  input: Tensor,
  normalizedShape: Shape,
  alpha: Tensor,
  affine: { readonly weight: Tensor | null; readonly bias: Tensor | null },
): void {
  checkTensor("dynamicTanh", "input", input);
  checkNormalized("dynamicTanh", input, normalizedShape);
  if (checkTensor("dynamicTanh", "alpha", alpha).ndim > 1 || sizeOf(alpha.shape) !== 1) {
    throw new RangeError(`dynamicTanh: expected alpha of a single number, got shape ${formatShape(alpha.shape)}`);
  }
  for (const [what, array] of Object.entries(affine)) checkElementwise("dynamicTanh", what, array, normalizedShape);
}
