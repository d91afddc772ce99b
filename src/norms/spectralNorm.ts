/**
 * Spectral normalization. Miyato, Kataoka, Koyama, Yoshida (2018), https://arxiv.org/abs/1802.05957
 *
 * A weight divided by (an estimate of) its largest singular value. With M [m, n] the weight as a matrix, its `dim` first
 * and all others flattened, and vectors u [m] and v [n] near its leading singular vectors:
 *
 *   σ  = uᵀ M v                      u and v are CONSTANTS for the gradient
 *   W̄  = W / σ
 *
 * u and v are kept up to date by power iteration, outside of the differentiable function; ‖·‖ is not allowed below ε:
 *
 *   v ← Mᵀu / max(‖Mᵀu‖, ε)   then   u ← Mv / max(‖Mv‖, ε)       "vThenU": torch.nn.utils.spectral_norm
 *   u ← Mv / max(‖Mv‖, ε)     then   v ← Mᵀu / max(‖Mᵀu‖, ε)     "uThenV": torch.nn.utils.parametrizations.spectral_norm
 *
 * From the same u and v one step of the two gives different numbers; both converge to the same σ.
 *
 * Backward, with g = ∂L/∂W̄ and Σ over all of the weight:
 *
 *   1. direct         W̄ moves by dW / σ:                                       ∂L/∂W += g / σ
 *   2. through σ      dσ = Σ (uvᵀ) · dM, and every W̄ moves by −W / σ² · dσ:    ∂L/∂M −= Σ (g · W) / σ² · uvᵀ
 *                     with uvᵀ [m, n] put back into the weight's shape
 *
 * That u and v follow W is not part of it. At the true singular vectors it would add nothing: σ is stationary there.
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import type { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, normalizeDim, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";
import { checkCount, checkEps } from "./checks.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface SpectralNormOptions {
  /** The dim of the weight that is the matrix's first, counted from the front. */
  readonly dim: number;
}

/** What the backward reads. */
export interface SpectralNormSaved<A> {
  readonly weight: A;
  readonly sigma: A;
  /** uvᵀ in the weight's shape: ∂σ/∂W */
  readonly outer: A;
}

/** Which vector a power iteration moves first. */
export type PowerOrder = "vThenU" | "uThenV";

/**
 * The forward pass on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param weight any shape of at least two dims
 * @param u [m], the size of `dim`; a constant
 * @param v [n], the product of the other sizes; a constant
 * @returns output, of the weight's shape, and what spectralNormBackward reads
 * @example
 * const [weight, u, v] = [tensor([[2, 0], [0, 1]]).value, tensor([1, 0]).value, tensor([1, 0]).value];
 * spectralNormForward(weight, u, v, { dim: 0 }).output.data; // [1, 0, 0, 0.5]
 */
export function spectralNormForward<A extends Num<A>>(
  weight: A,
  u: A,
  v: A,
  { dim }: SpectralNormOptions,
): { readonly output: A; readonly saved: SpectralNormSaved<A> } {
  const { shape } = weight;
  const order = dimFirst(shape.length, dim);
  const product = u.reshape([-1, 1]).mul(v.reshape([1, -1])); // uvᵀ
  const outer = product.reshape(order.map((i) => shape[i] ?? 1)).permute(order.map((_, i) => order.indexOf(i)));
  const sigma = weight.mul(outer).sum(); // uᵀMv
  return { output: weight.div(sigma), saved: { weight, sigma, outer } };
}

/**
 * The backward pass. u and v are constants and have no gradient.
 *
 * @param gradOutput ∂L/∂W̄, of the weight's shape
 * @param saved as spectralNormForward returned it
 * @returns gradWeight
 * @example
 * const [weight, u, v] = [tensor([[2, 0], [0, 1]]).value, tensor([1, 0]).value, tensor([1, 0]).value];
 * const { saved } = spectralNormForward(weight, u, v, { dim: 0 });
 * const [gradWeight] = spectralNormBackward(tensor([[1, 1], [1, 1]]).value, saved);
 * gradWeight.data; // [-0.25, 0.5, 0.5, 0.5]
 */
export function spectralNormBackward<A extends Num<A>>(
  gradOutput: A,
  { weight, sigma, outer }: SpectralNormSaved<A>,
): readonly [gradWeight: A] {
  const viaSigma = outer.mul(gradOutput.mul(weight).sum().div(sigma));
  return [gradOutput.sub(viaSigma).div(sigma)];
}

/**
 * gradWeight path by path: `direct` and `viaVariance` (here through σ) add up to it; there is no mean, and `viaMean` is 0.
 *
 * @param gradOutput ∂L/∂W̄, of the weight's shape
 * @param saved as spectralNormForward returned it
 * @example
 * const [weight, u, v] = [tensor([[2, 0], [0, 1]]).value, tensor([1, 0]).value, tensor([1, 0]).value];
 * const { saved } = spectralNormForward(weight, u, v, { dim: 0 });
 * const { direct, viaVariance } = spectralNormTerms(tensor([[1, 1], [1, 1]]).value, saved);
 * direct.data; // [0.5, 0.5, 0.5, 0.5]
 * viaVariance.data; // [-0.75, 0, 0, 0]
 */
export function spectralNormTerms<A extends Num<A>>(
  gradOutput: A,
  { weight, sigma, outer }: SpectralNormSaved<A>,
): NormTerms<A> {
  return {
    direct: gradOutput.div(sigma),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: outer.mul(gradOutput.mul(weight).sum().div(sigma)).div(sigma).neg(),
  };
}

/**
 * A weight divided by σ = uᵀ M v, its largest singular value if u and v are the leading singular vectors of the weight as a
 * matrix M. u and v are constants for the gradient, as in torch.nn.utils.spectral_norm; they are not changed here: see
 * `powerIteration`, and the layer `SpectralNorm`. float32 is computed in float64. σ = 0 gives NaN or infinities.
 *
 * @param weight any shape of at least two dims
 * @param u [m], the size of `dim`
 * @param v [n], the product of the other sizes, in their order
 * @param options.dim the dim that is M's first. Default 0
 * @returns a tensor of the weight's shape and dtype
 * @throws RangeError if a shape or the dim does not fit; TypeError if dtypes differ
 * @example
 * const weight = tensor([[3, 0], [4, 5]]);
 * const [u, v] = powerIteration(weight, tensor([1, 1]), tensor([1, 1]), { iterations: 30 });
 * spectralNorm(weight, u, v); // [[0.4472, 0], [0.5963, 0.7454]]: divided by √45
 */
export function spectralNorm(weight: Tensor, u: Tensor, v: Tensor, options: { readonly dim?: number } = {}): Tensor {
  const { dim = 0 } = checkOptions("spectralNorm", options, ["dim"]);
  const attributes = { dim: checkMatrix("spectralNorm", weight, u, v, dim) };
  const rule = <A extends Num<A>>(
    weight: A,
    u: A,
    v: A,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, null, null] } => {
    const { output, saved } = spectralNormForward(weight, u, v, attributes);
    return { output, pullback: (gradOutput) => [...spectralNormBackward(gradOutput, saved), null, null] };
  };
  // u and v enter as snapshots: a later power iteration must not change what this record computed.
  return apply("spectralNorm", { rule, computeIn: "float64", attributes }, weight, u.detach(), v.detach());
}

/**
 * Moves u and v towards the leading singular vectors of the weight as a matrix. Answers new ones; nothing is changed and no
 * tape is written. Computed in float64, rounded once.
 *
 * @param weight any shape of at least two dims
 * @param u [m], the size of `dim`
 * @param v [n], the product of the other sizes
 * @param options.dim the dim that is the matrix's first. Default 0
 * @param options.iterations default 1
 * @param options.order "vThenU" (default, as torch.nn.utils.spectral_norm) or "uThenV" (as its parametrization)
 * @param options.eps a norm below it is taken for it. Default 1e-12
 * @throws RangeError if a shape or option does not fit
 * @example
 * const [u, v] = powerIteration(tensor([[2, 0], [0, 1]]), tensor([1, 1]), tensor([1, 1]));
 * v.toArray(); // [0.8944, 0.4472]
 * u.toArray(); // [0.9701, 0.2425]
 */
export function powerIteration(
  weight: Tensor,
  u: Tensor,
  v: Tensor,
  options: {
    readonly dim?: number;
    readonly iterations?: number;
    readonly order?: PowerOrder;
    readonly eps?: number;
  } = {},
): readonly [u: Tensor, v: Tensor] {
  const name = "powerIteration";
  const {
    dim = 0,
    iterations = 1,
    order = "vThenU",
    eps = 1e-12,
  } = checkOptions(name, options, ["dim", "iterations", "order", "eps"]);
  const first = checkMatrix(name, weight, u, v, dim);
  checkCount(name, "iterations", iterations);
  checkPowerOrder(name, order);
  checkEps(name, eps);
  const matrix = weight.value.to("float64").permute(dimFirst(weight.ndim, first)).reshape([u.numel, v.numel]);
  const transposed = matrix.transpose(0, 1);
  const unit = (vector: NdArray): NdArray => vector.div(Math.max(eps, Math.hypot(...vector.data)));
  let [left, right] = [u.value.to("float64"), v.value.to("float64")];
  for (let i = 0; i < iterations; i++) {
    if (order === "vThenU") right = unit(transposed.matmul(left));
    left = unit(matrix.matmul(right));
    if (order === "uThenV") right = unit(transposed.matmul(left));
  }
  return [new Tensor(left.to(u.dtype)), new Tensor(right.to(v.dtype))];
}

/** For each dim, with u and v that are no unit vectors: the formula does not need them. The first input is the weight. */
export const spectralNormDescriptor: NormDescriptor = {
  name: "spectralNorm",
  cases: (shape) =>
    shape.length < 2 || sizeOf(shape) === 0 ? [] : range(shape.length).map((dim) => spectralNormCase(shape, dim)),
};

/** Made-up vectors, none of them 0, exact in float32. */
function exampleVectors(shape: Shape, dim: number): readonly [u: number[], v: number[]] {
  const m = shape[dim] ?? 0;
  return [range(m).map((i) => 0.5 + i / 8), range(sizeOf(shape) / m).map((i) => 0.75 + (i % 5) / 4)];
}

export function spectralNormCase(
  shape: Shape,
  dim: number,
  [uValues, vValues]: readonly [u: readonly number[], v: readonly number[]] = exampleVectors(shape, dim),
): NormCase {
  const first = <A>([weight]: readonly A[]): A => {
    if (weight === undefined) throw new RangeError("normCase: expected the weight, got no inputs");
    return weight;
  };
  return {
    norm: "spectralNorm",
    label: `dim ${dim}`,
    inputs: [{ name: "weight", shape: [...shape] }],
    partition: new Int32Array(sizeOf(shape)),
    trace: (inputs) => {
      const weight = first(inputs);
      const u = weight.constant(() => uValues, [uValues.length]);
      const v = weight.constant(() => vValues, [vValues.length]);
      const { output, saved } = spectralNormForward(weight, u, v, { dim });
      return {
        output,
        pullback: (gradOutput) => spectralNormBackward(gradOutput, saved),
        terms: (gradOutput) => spectralNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const weight = first(inputs);
      const vector = (values: readonly number[]): Tensor =>
        new Tensor(weight.value.constant(() => values, [values.length]));
      return spectralNorm(weight, vector(uValues), vector(vValues), { dim });
    },
  };
}

/** All dims, this one first. */
function dimFirst(ndim: number, dim: number): number[] {
  return [dim, ...range(ndim).filter((other) => other !== dim)];
}

export function checkPowerOrder(name: string, order: PowerOrder): PowerOrder {
  if (order === "vThenU" || order === "uThenV") return order;
  throw new RangeError(`${name}: expected order "vThenU" or "uThenV", got ${describeValue(order)}`);
}

/** The dim, counted from the front, of a weight that u and v fit. */
function checkMatrix(name: string, weight: Tensor, u: Tensor, v: Tensor, dim: number): number {
  checkTensor(name, "weight", weight);
  if (weight.ndim < 2) {
    throw new RangeError(`${name}: expected weight of at least two dims, got shape ${formatShape(weight.shape)}`);
  }
  const first = normalizeDim(checkNumber(name, "dim", dim), weight.ndim, name);
  const m = weight.shape[first] ?? 0;
  const n = sizeOf(weight.shape.filter((_, i) => i !== first));
  for (const [what, vector, size] of [
    ["u", u, m],
    ["v", v, n],
  ] as const) {
    if (checkTensor(name, what, vector).ndim !== 1 || vector.shape[0] !== size) {
      throw new RangeError(
        `${name}: expected ${what} of shape [${size}] for weight ${formatShape(weight.shape)} and dim ${dim}, got ` +
          formatShape(vector.shape),
      );
    }
  }
  return first;
}
