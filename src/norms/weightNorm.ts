/**
 * Weight normalization. Salimans, Kingma (2016), https://arxiv.org/abs/1602.07868
 *
 * A weight as a length g and a direction v, for each index of one dim:
 *
 *   ‖v‖ = √(Σ v²)                    over all dims but `dim`, or over all of v (dim null); no ε
 *   v̂   = v / ‖v‖                    0 where ‖v‖ = 0
 *   w   = g · v̂
 *
 * Shapes: v, w of any shape; g, ‖v‖ of size 1 in all dims but `dim`, or [] for dim null.
 *
 * Backward, with go = ∂L/∂w and Σ over the dims of the norm:
 *
 *   1. ∂L/∂g = Σ go · v̂
 *   2. v reaches v̂ directly, by dv / ‖v‖, and through the norm: d‖v‖ = Σ v̂ · dv moves every v̂ by −v̂ / ‖v‖ · d‖v‖. So
 *          dv̂ = (dv − v̂ · Σ v̂ · dv) / ‖v‖
 *      As a matrix this is (I − v̂v̂ᵀ) / ‖v‖, which is symmetric: it removes what lies along v̂. With ∂L/∂v̂ = g · go
 *          ∂L/∂v = g / ‖v‖ · (go − v̂ · Σ go · v̂)
 */
import { checkOptions } from "../autograd/checks.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, gatherIndex, normalizeDim, range, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface WeightNormOptions {
  /** Counted from the front; null: one norm for the whole of v. */
  readonly dim: number | null;
}

/** What the backward reads. */
export interface WeightNormSaved<A> {
  /** v / ‖v‖ */
  readonly vhat: A;
  /** 1 / ‖v‖ */
  readonly inverse: A;
  readonly g: A;
  readonly dims: readonly number[];
}

/**
 * The shape of g, and of the norms: 1 in all dims but `dim`; [] for null.
 *
 * @example
 * weightNormShape([4, 3, 5], 0); // [4, 1, 1]
 */
export function weightNormShape(shape: Shape, dim: number | null): number[] {
  return dim === null ? [] : shape.map((size, i) => (i === dim ? size : 1));
}

/**
 * The forward pass on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param v any shape
 * @param g of the shape that weightNormShape says
 * @returns output, the weight in v's shape, and what weightNormBackward reads
 * @example
 * const [v, g] = [tensor([[3, 4], [0, 2]]).value, tensor([[10], [1]]).value];
 * weightNormForward(v, g, { dim: 0 }).output.data; // [6, 8, 0, 1]
 */
export function weightNormForward<A extends Num<A>>(
  v: A,
  g: A,
  { dim }: WeightNormOptions,
): { readonly output: A; readonly saved: WeightNormSaved<A> } {
  const dims = range(v.ndim).filter((i) => i !== dim);
  const inverse = v.square().sum(dims, true).rsqrtOrZero().reshape(g.shape);
  const vhat = v.mul(inverse);
  return { output: vhat.mul(g), saved: { vhat, inverse, g, dims } };
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂w, of v's shape
 * @param saved as weightNormForward returned it
 * @returns gradV, which is orthogonal to v, and gradG
 * @example
 * const [v, g] = [tensor([[3, 4]]).value, tensor([[10]]).value];
 * const { saved } = weightNormForward(v, g, { dim: 0 });
 * const [gradV, gradG] = weightNormBackward(tensor([[1, 0]]).value, saved);
 * gradV.data; // [1.28, -0.96]
 * gradG.data; // [0.6]
 */
export function weightNormBackward<A extends Num<A>>(
  gradOutput: A,
  { vhat, inverse, g, dims }: WeightNormSaved<A>,
): readonly [gradV: A, gradG: A] {
  const gradG = gradOutput.mul(vhat).sum(dims, true).reshape(g.shape);
  const viaNorm = vhat.mul(gradG);
  return [gradOutput.sub(viaNorm).mul(g.mul(inverse)), gradG];
}

/**
 * gradV path by path: `direct` and `viaVariance` (here through the norm) add up to it; there is no mean: `viaMean` is 0.
 *
 * @param gradOutput ∂L/∂w, of v's shape
 * @param saved as weightNormForward returned it
 * @example
 * const [v, g] = [tensor([[3, 4]]).value, tensor([[10]]).value];
 * const { saved } = weightNormForward(v, g, { dim: 0 });
 * const { direct, viaVariance } = weightNormTerms(tensor([[1, 0]]).value, saved);
 * direct.data; // [2, 0]
 * viaVariance.data; // [-0.72, -0.96]
 */
export function weightNormTerms<A extends Num<A>>(
  gradOutput: A,
  { vhat, inverse, g, dims }: WeightNormSaved<A>,
): NormTerms<A> {
  const scale = g.mul(inverse);
  const along = gradOutput.mul(vhat).sum(dims, true).reshape(g.shape);
  return {
    direct: gradOutput.mul(scale),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: vhat.mul(along).mul(scale).neg(),
  };
}

/**
 * Weight normalization: w = g · v / ‖v‖, with one norm for each index of `dim`. As torch._weight_norm behind
 * torch.nn.utils.weight_norm, but a v of zeros gives 0 (PyTorch: NaN), a negative dim counts from the end (PyTorch takes −1
 * for null), and float32 is computed in float64. `WeightNorm` wraps a layer.
 *
 * @param v the direction, any shape
 * @param g the length: of size 1 in all dims but `dim`; [] for dim null
 * @param options.dim the dim that keeps norms of its own, or null: one norm for the whole of v. Default 0
 * @returns a tensor of v's shape and dtype
 * @throws RangeError if a shape or the dim does not fit; TypeError if dtypes differ
 * @example
 * weightNorm(tensor([[3, 4], [0, 2]]), tensor([[10], [1]])); // [[6, 8], [0, 1]]
 */
export function weightNorm(v: Tensor, g: Tensor, options: { readonly dim?: number | null } = {}): Tensor {
  const { dim = 0 } = checkOptions("weightNorm", options, ["dim"]);
  checkTensor("weightNorm", "v", v);
  const attributes = { dim: dim === null ? null : normalizeDim(dim, v.ndim, "weightNorm") };
  const expected = weightNormShape(v.shape, attributes.dim);
  if (!sameShape(checkTensor("weightNorm", "g", g).shape, expected)) {
    throw new RangeError(
      `weightNorm: expected g of shape ${formatShape(expected)} for v of shape ${formatShape(v.shape)} and dim ` +
        `${String(dim)}, got ${formatShape(g.shape)}`,
    );
  }
  const rule = <A extends Num<A>>(v: A, g: A): { output: A; pullback: (gradOutput: A) => readonly [A, A] } => {
    const { output, saved } = weightNormForward(v, g, attributes);
    return { output, pullback: (gradOutput) => weightNormBackward(gradOutput, saved) };
  };
  return apply("weightNorm", { rule, computeIn: "float64", attributes }, v, g);
}

/** For each dim and for the whole. The first input is v. */
export const weightNormDescriptor: NormDescriptor = {
  name: "weightNorm",
  cases: (shape) =>
    shape.length === 0 || sizeOf(shape) === 0
      ? []
      : [...range(shape.length), null].map((dim) => weightNormCase(shape, { dim })),
};

export function weightNormCase(shape: Shape, { dim }: WeightNormOptions): NormCase {
  const sets = weightNormShape(shape, dim);
  const pair = <A>([v, g]: readonly A[]): readonly [v: A, g: A] => {
    if (v === undefined || g === undefined) {
      throw new RangeError(`normCase: expected v and g, got ${v === undefined ? 0 : 1} inputs`);
    }
    return [v, g];
  };
  return {
    norm: "weightNorm",
    label: dim === null ? "whole" : `dim ${dim}`,
    inputs: [
      { name: "v", shape: [...shape] },
      { name: "g", shape: sets },
    ],
    partition: gatherIndex(
      dim === null ? shape.map(() => 1) : sets,
      shape.map((size, i) => range(size).map((position) => (i === dim ? position : 0))),
    ),
    trace: (inputs) => {
      const { output, saved } = weightNormForward(...pair(inputs), { dim });
      return {
        output,
        pullback: (gradOutput) => weightNormBackward(gradOutput, saved),
        terms: (gradOutput) => weightNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => weightNorm(...pair(inputs), { dim }),
  };
}
