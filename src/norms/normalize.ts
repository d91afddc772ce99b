/**
 * Division by a norm, along one dim: torch.nn.functional.normalize.
 *
 *   ‖x‖ = (Σ |x|ᵖ)^(1/p)             over `dim`; max |x| for p = ∞
 *   s   = 1 / max(‖x‖, ε)            clamped, not added; 0 where both are 0
 *   y   = x · s
 *
 * Shapes: x, y [*]; ‖x‖, s as x with size 1 in `dim`.
 *
 * Backward, with g = ∂L/∂y:
 *
 *   1. d‖x‖ = Σ u · dx with u = ∂‖x‖/∂x. From ‖x‖ᵖ = Σ |x|ᵖ: p ‖x‖ᵖ⁻¹ d‖x‖ = Σ p |x|ᵖ⁻¹ sign(x) dx, so
 *          u = (|x|/‖x‖)ᵖ⁻¹ · sign(x) = |y|ᵖ⁻¹ · sign(y)      y itself for p = 2, sign(x) for p = 1;
 *      for p = ∞ sign(x) at the largest |x|, shared evenly among equals as in PyTorch, and 0 elsewhere.
 *   2. Where ‖x‖ > ε: ds = −s² · d‖x‖, and dy = s · dx + x · ds = s · (dx − y · Σ u · dx). Transposed:
 *          ∂L/∂x = s · (g − u · Σ g · y)
 *   3. Where ‖x‖ ≤ ε: s = 1/ε is a constant, and ∂L/∂x = s · g
 *
 * |x| has no derivative at 0; there it is taken as 0, for every p.
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, gatherIndex, normalizeDim, range } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkEps } from "./checks.ts";
import { splitAffine } from "./descriptor.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface NormalizeOptions {
  /** The exponent of the norm: above 0, or Infinity. */
  readonly p: number;
  readonly dim: number;
  /** The least norm that x is divided by. */
  readonly eps: number;
}

/** What the backward reads. */
export interface NormalizeSaved<A> {
  readonly y: A;
  /** 1/max(‖x‖, ε) */
  readonly inverse: A;
  /** ∂‖x‖/∂x where ‖x‖ > ε, and 0 elsewhere. */
  readonly slope: A;
  readonly dim: number;
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; options are
 * not checked.
 *
 * @param x any shape of at least one dim
 * @returns output, of x's shape, and what normalizeBackward reads
 * @example
 * const { output, saved } = normalizeForward(tensor([[3, 4]]).value, { p: 2, dim: 1, eps: 1e-12 });
 * output.data; // [0.6, 0.8]
 * saved.inverse.data; // [0.2]
 */
export function normalizeForward<A extends Num<A>>(
  x: A,
  { p, dim, eps }: NormalizeOptions,
): { readonly output: A; readonly saved: NormalizeSaved<A> } {
  const { powers, root, slope } = lpNorm(x, p, dim);
  // NaN is large: it must not vanish.
  const isLarge = fixed(root(powers.detach()), (norm) => (norm <= eps ? 0 : 1));
  const isSmall = fixed(isLarge, (value) => 1 - value);
  const norm = root(powers.mul(isLarge).add(isSmall)); // 1 where it is small, which has a derivative there
  const inverse = isLarge.div(norm).add(isSmall.mul(eps === 0 ? 0 : 1 / eps));

  const y = x.mul(inverse);
  return { output: y, saved: { y, inverse, slope: slope(y).mul(isLarge), dim } };
}

/** A constant, value by value. */
function fixed<A extends Num<A>>(array: A, f: (value: number) => number): A {
  return array.constant((values) => Float64Array.from(values, f));
}

/** ‖x‖ = root(powers), and its slope ∂‖x‖/∂x from y = x/‖x‖. */
interface LpNorm<A> {
  /** Σ |x|ᵖ, or max |x| for p = ∞; of size 1 in `dim`. */
  readonly powers: A;
  readonly root: (powers: A) => A;
  readonly slope: (y: A) => A;
}

function lpNorm<A extends Num<A>>(x: A, p: number, dim: number): LpNorm<A> {
  const itself = (array: A): A => array;
  if (p === 2) return { powers: x.square().sum([dim], true), root: (powers) => powers.sqrt(), slope: itself };
  const sign = fixed(x, Math.sign);
  const size = x.mul(sign);
  if (p === 1) return { powers: size.sum([dim], true), root: itself, slope: () => sign };
  if (p === Infinity) {
    const largest = size.detach().max([dim], true).detach();
    const share = shareOfLargest(size, largest, dim);
    const withDerivative = largest.add(size.sub(largest).mul(share).sum([dim], true)); // that of its share
    return { powers: withDerivative, root: itself, slope: () => share.mul(sign) };
  }
  // Where x = 0 the power is that of 1, times 0: without the infinite slope that it has at 0 for p < 1.
  const isZero = fixed(x, (value) => (value === 0 ? 1 : 0));
  const power = (array: A, exponent: number): A => array.add(isZero).pow(exponent).mul(isZero.neg().add(1));
  return {
    powers: power(size, p).sum([dim], true),
    root: (powers) => powers.pow(1 / p),
    slope: (y) => power(y.mul(sign), p - 1).mul(sign),
  };
}

/** 1/k for each of the k cells along `dim` that are the largest, and 0 for the others. */
function shareOfLargest<A extends Num<A>>(size: A, largest: A, dim: number): A {
  const isLargest = size.sub(largest).constant((values) => Float64Array.from(values, (v) => (v === 0 ? 1 : 0)));
  const count = isLargest.sum([dim], true).constant((values) => Float64Array.from(values, (v) => Math.max(1, v)));
  return isLargest.div(count);
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as normalizeForward returned it
 * @returns gradInput of x's shape
 * @example
 * const { saved } = normalizeForward(tensor([[3, 4]]).value, { p: 2, dim: 1, eps: 1e-12 });
 * const [gradInput] = normalizeBackward(tensor([[1, 0]]).value, saved);
 * gradInput.data; // [0.128, -0.096]: orthogonal to x, since a factor on x leaves y
 */
export function normalizeBackward<A extends Num<A>>(
  gradOutput: A,
  { y, inverse, slope, dim }: NormalizeSaved<A>,
): readonly [gradInput: A] {
  const viaNorm = slope.mul(gradOutput.mul(y).sum([dim], true));
  return [gradOutput.sub(viaNorm).mul(inverse)];
}

/**
 * gradInput path by path: `direct` and `viaVariance`, the path through the norm, add up to it; `viaMean` is zero, as no
 * mean is subtracted. All have x's shape.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as normalizeForward returned it
 * @example
 * const { saved } = normalizeForward(tensor([[3, 4]]).value, { p: 2, dim: 1, eps: 1e-12 });
 * const { direct, viaVariance } = normalizeTerms(tensor([[1, 0]]).value, saved);
 * direct.data; // [0.2, 0]
 * viaVariance.data; // [-0.072, -0.096]
 */
export function normalizeTerms<A extends Num<A>>(
  gradOutput: A,
  { y, inverse, slope, dim }: NormalizeSaved<A>,
): NormTerms<A> {
  return {
    direct: gradOutput.mul(inverse),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: slope
      .mul(gradOutput.mul(y).sum([dim], true))
      .mul(inverse)
      .neg(),
  };
}

/**
 * Divides by the Lp norm along a dim: y = x / max(‖x‖ₚ, eps). As torch.nn.functional.normalize. Vectors whose norm is eps
 * or less are divided by eps, and no gradient passes through their norm. A vector of zeros with eps = 0 gives 0 (PyTorch:
 * NaN). float32 is computed in float64.
 *
 * ONNX's LpNormalization runs along the last dim by default, has p 1 or 2, and no eps.
 *
 * @param input any shape of at least one dim; of at least two for the default `dim`
 * @param options.p the exponent of the norm, above 0 or Infinity. Default 2. (PyTorch takes 0 and negative ones as well,
 *   which give no norm.)
 * @param options.dim the dim along which the vectors lie. Default 1, as in PyTorch: the channels, not the last dim
 * @param options.eps the least norm to divide by. Default 1e-12
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if the input has no such dim, p is not above 0, or eps is negative
 * @example
 * normalize(tensor([[3, 4]])); // [[0.6, 0.8]]
 * normalize(tensor([[3, 5]]), { p: 1 }); // [[0.375, 0.625]]
 * normalize(tensor([[3, 4]]), { p: Infinity }); // [[0.75, 1]]
 */
export function normalize(
  input: Tensor,
  options: { readonly p?: number; readonly dim?: number; readonly eps?: number } = {},
): Tensor {
  const { p = 2, dim = 1, eps = 1e-12 } = checkOptions("normalize", options, ["p", "dim", "eps"]);
  checkTensor("normalize", "input", input);
  checkEps("normalize", eps);
  if (!(checkNumber("normalize", "p", p) > 0)) {
    throw new RangeError(`normalize: expected p to be above 0, or Infinity, got ${String(p)}`);
  }
  if (options.dim === undefined && input.ndim < 2) {
    throw new RangeError(
      `normalize: expected input of at least two dims for the default dim 1, got shape ${formatShape(input.shape)}; pass { dim }`,
    );
  }
  const attributes = { p, dim: normalizeDim(dim, input.ndim, "normalize"), eps };
  // Nothing has no largest; any other norm of nothing does.
  const formula = input.value.data.length === 0 ? { ...attributes, p: 2 } : attributes;
  const rule = <A extends Num<A>>(x: A): { output: A; pullback: (gradOutput: A) => readonly [A] } => {
    const { output, saved } = normalizeForward(x, formula);
    return { output, pullback: (gradOutput) => normalizeBackward(gradOutput, saved) };
  };
  return apply("normalize", { rule, computeIn: "float64", attributes }, input);
}

/** Along each dim, with p = 1, 2, 3 and ∞. */
export const normalizeDescriptor: NormDescriptor = {
  name: "normalize",
  cases: (shape, eps = 1e-5) =>
    range(shape.length).flatMap((dim) => [1, 2, 3, Infinity].map((p) => normalizeCase(shape, { p, dim, eps }))),
};

const noParameters = { hasWeight: false, hasBias: false };

function normalizeCase(shape: Shape, options: NormalizeOptions): NormCase {
  const { p, dim } = options;
  const partition = gatherIndex(
    shape.map((size, i) => (i === dim ? 1 : size)),
    shape.map((size, i) => range(size).map((position) => (i === dim ? 0 : position))),
  );
  return {
    norm: "normalize",
    label: `dim ${dim}, p ${p}`,
    inputs: [{ name: "x", shape: [...shape] }],
    partition,
    trace: (inputs) => {
      const [x] = splitAffine(inputs, noParameters);
      const { output, saved } = normalizeForward(x, options);
      return {
        output,
        pullback: (gradOutput) => normalizeBackward(gradOutput, saved),
        terms: (gradOutput) => normalizeTerms(gradOutput, saved),
      };
    },
    op: (inputs) => normalize(splitAffine(inputs, noParameters)[0], options),
  };
}
