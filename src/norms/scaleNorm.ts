/**
 * ScaleNorm. Nguyen, Salazar (2019), https://arxiv.org/abs/1910.05895
 *
 *   ‖x‖  = √(Σ x²)                   over the last dim
 *   s    = 1 / max(‖x‖, ε)           clamped, not added, as in the authors' code; 0 where both are 0
 *   x̂    = x · s
 *   y    = x̂ · weight                one weight for all: the paper's g
 *
 * Shapes: x, y [*, d]; weight [] or [1]; ‖x‖, s [*, 1].
 *
 * Backward, with g = ∂L/∂y and ĝ = g · weight:
 *
 *   1. ∂L/∂weight = Σ g · x̂          over everything
 *   2. Where ‖x‖ > ε: d‖x‖ = Σ x · dx / ‖x‖ = Σ x̂ · dx, so ds = −s² · Σ x̂ · dx and
 *          dx̂ = s · dx + x · ds = s · (dx − x̂ · Σ x̂ · dx)
 *      As a matrix this is s · (I − x̂x̂ᵀ). It is symmetric, so its transpose is itself:
 *          ∂L/∂x = s · (ĝ − x̂ · Σ ĝ · x̂)
 *   3. Where ‖x‖ ≤ ε: s = 1/ε is a constant, and ∂L/∂x = s · ĝ
 */
import { checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkCount, checkEps } from "./checks.ts";
import { Norm, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface ScaleNormOptions {
  /** The least norm that x is divided by. */
  readonly eps: number;
}

/** What the backward reads. */
export interface ScaleNormSaved<A> {
  readonly xhat: A;
  /** 1/max(‖x‖, ε) */
  readonly inverse: A;
  /** 1 where ‖x‖ > ε, and 0 elsewhere. */
  readonly isLarge: A;
  readonly weight: A | null;
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; options and
 * shapes are not checked.
 *
 * @param x [*, d]
 * @param weight a single number, or null: a scale of 1
 * @returns output, of x's shape, and what scaleNormBackward reads: xhat of x's shape, inverse and isLarge [*, 1]
 * @example
 * const x = tensor([[3, 4]]).value;
 * const { output, saved } = scaleNormForward(x, tensor(10).value, { eps: 1e-5 });
 * output.data; // [6, 8]
 * saved.inverse.data; // [0.2]
 */
export function scaleNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  { eps }: ScaleNormOptions,
): { readonly output: A; readonly saved: ScaleNormSaved<A> } {
  const squares = x.square().sum([-1], true);
  // NaN is large: it must not vanish.
  const isLarge = squares.constant((values) => Float64Array.from(values, (v) => (Math.sqrt(v) <= eps ? 0 : 1)));
  const isSmall = isLarge.constant((values) => Float64Array.from(values, (v) => 1 - v));
  const norm = squares.mul(isLarge).add(isSmall).sqrt(); // 1 where it is small, which has a derivative there
  const inverse = isLarge.div(norm).add(isSmall.mul(eps === 0 ? 0 : 1 / eps));
  const xhat = x.mul(inverse);
  return { output: weight === null ? xhat : xhat.mul(weight), saved: { xhat, inverse, isLarge, weight } };
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as scaleNormForward returned it
 * @returns gradInput of x's shape; gradWeight in the weight's
 * @example
 * const x = tensor([[3, 4]]).value;
 * const { saved } = scaleNormForward(x, tensor(10).value, { eps: 1e-5 });
 * const [gradInput, gradWeight] = scaleNormBackward(tensor([[1, 0]]).value, saved);
 * gradInput.data; // [1.28, -0.96]: orthogonal to x, since a factor on x leaves y
 * gradWeight?.data; // [0.6]
 */
export function scaleNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, inverse, isLarge, weight }: ScaleNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null] {
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight);
  const viaNorm = xhat.mul(gradXhat.mul(xhat).sum([-1], true).mul(isLarge));
  return [gradXhat.sub(viaNorm).mul(inverse), weight && gradOutput.mul(xhat).sum().reshape(weight.shape)];
}

/**
 * gradInput path by path: `direct` and `viaVariance`, the path through the norm, add up to it; `viaMean` is zero, as no
 * mean is subtracted. All have x's shape.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as scaleNormForward returned it
 * @example
 * const x = tensor([[3, 4]]).value;
 * const { saved } = scaleNormForward(x, tensor(10).value, { eps: 1e-5 });
 * const { direct, viaVariance } = scaleNormTerms(tensor([[1, 0]]).value, saved);
 * direct.data; // [2, 0]
 * viaVariance.data; // [-0.72, -0.96]
 */
export function scaleNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, inverse, isLarge, weight }: ScaleNormSaved<A>,
): NormTerms<A> {
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight);
  return {
    direct: gradXhat.mul(inverse),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: xhat
      .mul(gradXhat.mul(xhat).sum([-1], true).mul(isLarge))
      .mul(inverse)
      .neg(),
  };
}

/**
 * ScaleNorm: y = weight · x / max(‖x‖, eps), with the Euclidean norm ‖x‖ of the last dim and one weight for all. A row
 * whose norm is eps or less is divided by eps, and no gradient passes through its norm. A row of zeros with eps = 0 gives
 * 0 (PyTorch's operations: NaN). float32 is computed in float64.
 *
 * @param input [*, d], any number of leading dims
 * @param options.weight scale, a single number of shape [] or [1]. Default: none, a scale of 1
 * @param options.eps the least norm to divide by. Default 1e-5
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if the input has no dim, the weight several numbers, or eps is negative; TypeError if dtypes differ
 * @example
 * scaleNorm(tensor([[3, 4]]), { weight: tensor(10) }); // [[6, 8]]
 */
export function scaleNorm(
  input: Tensor,
  options: { readonly weight?: Tensor | null; readonly eps?: number } = {},
): Tensor {
  const { weight = null, eps = 1e-5 } = checkOptions("scaleNorm", options, ["weight", "eps"]);
  checkScaleNorm(input, weight, eps);
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null] } => {
    const { output, saved } = scaleNormForward(x, weight, { eps });
    return { output, pullback: (gradOutput) => scaleNormBackward(gradOutput, saved) };
  };
  return apply("scaleNorm", { rule, computeIn: "float64", attributes: { eps } }, input, weight);
}

/**
 * ScaleNorm over the last dim, with one learnable scale that begins at √numFeatures, so that a component of the output
 * has a mean square of 1 as after RMSNorm. The scale is called `scale`, as in the authors' code (transformers without
 * tears), so that its state dicts load; other implementations call it g. Training and evaluation do not differ.
 *
 * @param numFeatures the size of the last dim, d. The authors' constructor takes √d instead
 * @param options.eps the least norm to divide by. Default 1e-5
 * @param options.dtype of the scale. Default: the default dtype, float64
 * @throws RangeError if numFeatures is no positive whole number or eps negative
 * @example
 * const norm = new ScaleNorm(4);
 * String(norm); // ScaleNorm(4, eps=1e-5)
 * norm.scale.item(); // 2
 * norm.forward(tensor([[1, 1, 5, 3]])).toArray(); // [[0.333, 0.333, 1.667, 1]]
 */
export class ScaleNorm extends Norm {
  readonly numFeatures: number;
  readonly eps: number;
  readonly scale: Parameter;

  constructor(numFeatures: number, options: { readonly eps?: number; readonly dtype?: Dtype | undefined } = {}) {
    super();
    const { eps = 1e-5, dtype } = checkOptions("ScaleNorm", options, ["eps", "dtype"]);
    this.numFeatures = checkCount("ScaleNorm", "numFeatures", numFeatures);
    this.eps = checkEps("ScaleNorm", eps);
    this.scale = new Parameter(full([], Math.sqrt(numFeatures), dtype === undefined ? {} : { dtype }));
  }

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    return scaleNorm(input, { weight: this.scale, eps: this.eps });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    return { case: scaleNormCase(input.shape, this, { hasWeight: true, hasBias: false }), inputs: [input, this.scale] };
  }

  protected override extraRepr(): string {
    return `${this.numFeatures}, eps=${formatNumber(this.eps)}`;
  }

  private checkInput(input: Tensor): void {
    if (checkTensor("ScaleNorm", "input", input).shape.at(-1) !== this.numFeatures) {
      throw new RangeError(`ScaleNorm: expected input [*, ${this.numFeatures}], got shape ${formatShape(input.shape)}`);
    }
  }
}

/** With and without weight. */
export const scaleNormDescriptor: NormDescriptor = {
  name: "scaleNorm",
  cases: (shape, eps = 1e-5) =>
    shape.length === 0
      ? []
      : [true, false].map((hasWeight) => scaleNormCase(shape, { eps }, { hasWeight, hasBias: false })),
};

function scaleNormCase(shape: Shape, { eps }: ScaleNormOptions, has: Affine): NormCase {
  const size = shape.at(-1) ?? 1;
  return {
    norm: "scaleNorm",
    label: has.hasWeight ? "weight" : "no affine",
    inputs: [{ name: "x", shape: [...shape] }, ...(has.hasWeight ? [{ name: "weight", shape: [] }] : [])],
    partition: Int32Array.from({ length: sizeOf(shape) }, (_, cell) => Math.floor(cell / size)),
    trace: (inputs) => {
      const [x, weight] = splitAffine(inputs, has);
      const { output, saved } = scaleNormForward(x, weight, { eps });
      return {
        output,
        pullback: (gradOutput) => presentGrads([...scaleNormBackward(gradOutput, saved), null], has),
        terms: (gradOutput) => scaleNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight] = splitAffine(inputs, has);
      return scaleNorm(x, { weight, eps });
    },
  };
}

function checkScaleNorm(input: Tensor, weight: Tensor | null, eps: number): void {
  checkEps("scaleNorm", eps);
  if (checkTensor("scaleNorm", "input", input).ndim === 0) {
    throw new RangeError("scaleNorm: expected input [*, d], got shape []");
  }
  if (weight && (checkTensor("scaleNorm", "weight", weight).ndim > 1 || sizeOf(weight.shape) !== 1)) {
    throw new RangeError(`scaleNorm: expected weight of a single number, got shape ${formatShape(weight.shape)}`);
  }
}
