/**
 * Weight standardization. Qiao, Wang, Liu, Shen, Yuille (2019), https://arxiv.org/abs/1903.10520
 *
 * For each output channel o of the weight W of a linear map or a convolution, over the n weights that it has:
 *
 *   μ = mean(W_o)
 *   c = W_o − μ
 *   biased (the default, as timm's StdConv2d):      σ² = Σ c² / n           r = 1 / √(σ² + ε)     ε inside the root
 *   unbiased (as the authors' code):                σ² = Σ c² / (n − 1)     r = 1 / (σ + ε)       ε OUTSIDE the root
 *   Ŵ = c · r                                                               r = 0 where that would be 1/0
 *
 * Shapes: W, Ŵ [O, *]; μ, r [O, 1, …].
 *
 * Backward, with g = ∂L/∂Ŵ and ⟨·⟩ the mean, Σ the sum over the n weights of a channel:
 *
 *   1. direct         Ŵ moves by r · dW:                                               ∂L/∂W += r · g
 *   2. through μ      dμ = ⟨dW⟩ moves every Ŵ of the channel by −r · dμ:               ∂L/∂W −= r · ⟨g⟩
 *   3. through r      every Ŵ moves by c · dr. Biased: dr = −½ r³ dσ² with dσ² = 2 Σ c · dW / n:
 *                                                                                      ∂L/∂W −= r · Ŵ · Σ g · Ŵ / n
 *                     Unbiased: dr = −r² dσ with dσ = dσ² / (2σ) = Σ c · dW / ((n − 1) σ):
 *                                                                                      ∂L/∂W −= r · c/σ · Σ g · Ŵ / (n − 1)
 *      In both the part of dσ² through μ is zero, as Σ c = 0. Where σ = 0, c is 0, and so is the path.
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkEps } from "./checks.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface WeightStandardizationOptions {
  readonly eps: number;
  /** Divide the variance by n − 1, and add eps to its root: the authors' convention. */
  readonly unbiased: boolean;
}

/** What the backward reads. */
export interface WeightStandardizationSaved<A> {
  /** Ŵ */
  readonly standardized: A;
  readonly r: A;
  /** c / σ where eps is outside of the root, else Ŵ: the direction in which r falls. */
  readonly direction: A;
  readonly unbiased: boolean;
}

/**
 * The forward pass on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param weight [O, *]
 * @returns output, of the weight's shape, and what weightStandardizationBackward reads
 * @example
 * const weight = tensor([[1, 2, 3], [0, 0, 6]]).value;
 * weightStandardizationForward(weight, { eps: 0, unbiased: true }).output.data; // [-1, 0, 1, -0.57735, -0.57735, 1.1547]
 */
export function weightStandardizationForward<A extends Num<A>>(
  weight: A,
  { eps, unbiased }: WeightStandardizationOptions,
): { readonly output: A; readonly saved: WeightStandardizationSaved<A> } {
  const dims = range(weight.ndim).slice(1);
  const centered = weight.center(dims); // W − μ, without the rounding error of μ
  const variance = centered.square().sum(dims, true).div(divisorOf(weight.shape, unbiased));
  if (!unbiased) {
    const r = variance.add(eps).rsqrtOrZero();
    const standardized = centered.mul(r);
    return { output: standardized, saved: { standardized, r, direction: standardized, unbiased } };
  }
  const inverse = variance.rsqrtOrZero(); // 1/σ
  const std = variance.mul(inverse); // σ²/σ: 0 with derivative 0 for a constant channel
  const r = eps === 0 ? inverse : std.add(eps).pow(-1);
  const standardized = centered.mul(r);
  return { output: standardized, saved: { standardized, r, direction: centered.mul(inverse), unbiased } };
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂Ŵ, of the weight's shape
 * @param saved as weightStandardizationForward returned it
 * @returns gradWeight; in each output channel it sums to 0
 * @example
 * const { saved } = weightStandardizationForward(tensor([[1, 2, 6]]).value, { eps: 0, unbiased: true });
 * const [gradWeight] = weightStandardizationBackward(tensor([[1, 0, 0]]).value, saved);
 * gradWeight.data; // [0.144, -0.18, 0.036]
 */
export function weightStandardizationBackward<A extends Num<A>>(
  gradOutput: A,
  { standardized, r, direction, unbiased }: WeightStandardizationSaved<A>,
): readonly [gradWeight: A] {
  const { shape } = gradOutput;
  const dims = range(shape.length).slice(1);
  const viaMean = gradOutput.mean(dims, true);
  const along = gradOutput.mul(standardized).sum(dims, true).div(divisorOf(shape, unbiased));
  return [gradOutput.sub(viaMean).sub(direction.mul(along)).mul(r)];
}

/**
 * gradWeight path by path: `direct`, `viaMean` and `viaVariance`, all of the weight's shape, add up to it.
 *
 * @param gradOutput ∂L/∂Ŵ, of the weight's shape
 * @param saved as weightStandardizationForward returned it
 * @example
 * const { saved } = weightStandardizationForward(tensor([[1, 2, 6]]).value, { eps: 0, unbiased: true });
 * const { direct, viaMean, viaVariance } = weightStandardizationTerms(tensor([[1, 0, 0]]).value, saved);
 * direct.data; // [0.378, 0, 0]
 * viaMean.data; // [-0.126, -0.126, -0.126]
 * viaVariance.data; // [-0.108, -0.054, 0.162]
 */
export function weightStandardizationTerms<A extends Num<A>>(
  gradOutput: A,
  { standardized, r, direction, unbiased }: WeightStandardizationSaved<A>,
): NormTerms<A> {
  const { shape } = gradOutput;
  const dims = range(shape.length).slice(1);
  const along = gradOutput.mul(standardized).sum(dims, true).div(divisorOf(shape, unbiased));
  return {
    direct: gradOutput.mul(r),
    viaMean: gradOutput.mean(dims, true).mul(r).neg().expand(shape),
    viaVariance: direction.mul(along).mul(r).neg(),
  };
}

/**
 * Weight standardization: each output channel of a weight gets the mean 0 and, but for eps, the variance 1. By default the
 * biased variance with eps inside the root, as timm's StdConv2d; `unbiased: true` is the authors' convention. A constant
 * channel gives 0, with eps = 0 too; float32 is computed in float64. `WSConv2d` is a convolution with such a weight.
 *
 * @param weight [O, *], of a linear map or a convolution
 * @param options.eps default 1e-6, added to the variance inside the root; with `unbiased` 1e-5, added to the standard
 *   deviation, OUTSIDE of the root
 * @param options.unbiased divide by n − 1. Default false
 * @returns a tensor of the weight's shape and dtype
 * @throws RangeError if the weight has fewer than two dims, or `unbiased` meets a channel of one weight
 * @example
 * weightStandardization(tensor([[1, 2, 3], [0, 0, 6]]), { eps: 0 }); // [[-1.2247, 0, 1.2247], [-0.7071, -0.7071, 1.4142]]
 */
export function weightStandardization(
  weight: Tensor,
  options: { readonly eps?: number; readonly unbiased?: boolean } = {},
): Tensor {
  const checked = checkOptions("weightStandardization", options, ["unbiased", "eps"]);
  const { unbiased = false, eps = unbiased ? 1e-5 : 1e-6 } = checked;
  checkBoolean("weightStandardization", "unbiased", unbiased);
  const attributes = { eps, unbiased };
  checkWeight(weight, attributes);
  const rule = <A extends Num<A>>(weight: A): { output: A; pullback: (gradOutput: A) => readonly [A] } => {
    const { output, saved } = weightStandardizationForward(weight, attributes);
    return { output, pullback: (gradOutput) => weightStandardizationBackward(gradOutput, saved) };
  };
  return apply("weightStandardization", { rule, computeIn: "float64", attributes }, weight);
}

/** Both conventions. The first input is the weight. */
export const weightStandardizationDescriptor: NormDescriptor = {
  name: "weightStandardization",
  cases: (shape, eps = 1e-5) => {
    if (shape.length < 2 || sizeOf(shape) === 0) return [];
    return [false, true]
      .filter((unbiased) => !unbiased || sizeOf(shape.slice(1)) > 1)
      .map((unbiased) => weightStandardizationCase(shape, { eps, unbiased }));
  },
};

export function weightStandardizationCase(shape: Shape, options: WeightStandardizationOptions): NormCase {
  const perChannel = sizeOf(shape.slice(1));
  const first = <A>([weight]: readonly A[]): A => {
    if (weight === undefined) throw new RangeError("normCase: expected the weight, got no inputs");
    return weight;
  };
  return {
    norm: "weightStandardization",
    label: options.unbiased ? "unbiased, eps outside" : "biased, eps inside",
    inputs: [{ name: "weight", shape: [...shape] }],
    partition: Int32Array.from({ length: sizeOf(shape) }, (_, cell) => Math.floor(cell / perChannel)),
    trace: (inputs) => {
      const { output, saved } = weightStandardizationForward(first(inputs), options);
      return {
        output,
        pullback: (gradOutput) => weightStandardizationBackward(gradOutput, saved),
        terms: (gradOutput) => weightStandardizationTerms(gradOutput, saved),
      };
    },
    op: (inputs) => weightStandardization(first(inputs), options),
  };
}

function divisorOf(shape: Shape, unbiased: boolean): number {
  return sizeOf(shape.slice(1)) - (unbiased ? 1 : 0);
}

function checkWeight(weight: Tensor, { eps, unbiased }: WeightStandardizationOptions): void {
  const name = "weightStandardization";
  checkTensor(name, "weight", weight);
  checkEps(name, eps);
  if (weight.ndim < 2) {
    throw new RangeError(
      `${name}: expected weight [O, *] of at least two dims, got shape ${formatShape(weight.shape)}`,
    );
  }
  if (unbiased && sizeOf(weight.shape.slice(1)) === 1) {
    throw new RangeError(
      `${name}: expected more than 1 weight an output channel for the unbiased variance, got shape ` +
        formatShape(weight.shape),
    );
  }
}
