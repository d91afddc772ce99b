/**
 * Laws that every op obeys, as functions that throw when one is broken. Each compares two independent ways to a number.
 *
 * Tolerances are relative to the largest value of what is compared, `scale`, never smaller than 1:
 * - differences: a 5-point formula with step h = 2⁻¹⁰ of the data's size has an error of about h⁴ ≈ 1e-12 in the
 *   truncation and u/h ≈ 1e-13 in rounding, times the derivatives' growth. 1e-7 is far above for well-scaled data, and
 *   far below any forgotten term.
 * - adjoint and second order: no step, so only rounding: 1e-11 leaves room for sums of a hundred terms.
 */
import { Dual, grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Num, Traced } from "../../src/autograd/index.ts";

export const DIFFERENCES = 1e-7;
export const EXACT = 1e-11;

/** An op on tensors, and the same as a pure function that is generic in the reading. */
export type OpOnTensors = (inputs: readonly Tensor[]) => Tensor;
export type GenericTrace = <A extends Num<A>>(inputs: readonly A[]) => Traced<A>;
export type GenericForward = <A extends Num<A>>(inputs: readonly A[]) => A;

export function expectClose(what: string, actual: NdArray, expected: NdArray, tolerance: number): void {
  if (String(actual.shape) !== String(expected.shape)) {
    throw new Error(`${what}: expected shape [${String(expected.shape)}], got [${String(actual.shape)}]`);
  }
  const scale = Math.max(1, ...Array.from(expected.data, Math.abs));
  expected.data.forEach((value, i) => {
    const error = Math.abs((actual.data[i] ?? NaN) - value);
    if (!(error <= tolerance * scale)) {
      throw new Error(`${what}: expected ${value} at ${i}, got ${actual.data[i]} (error ${error}, scale ${scale})`);
    }
  });
}

export function dot(a: readonly NdArray[], b: readonly NdArray[]): number {
  return a.reduce((sum, array, i) => sum + (array.mul(b[i] ?? array).sum().data[0] ?? NaN), 0);
}

/** ∂⟨gradOutput, f(inputs)⟩/∂inputs by 5-point differences: no derivative rule is involved. */
export function differences(
  f: (inputs: readonly NdArray[]) => NdArray,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  step: number = 2 ** -10,
): NdArray[] {
  return inputs.map((input, k) => {
    const gradient = Float64Array.from(input.data, (_, cell) => {
      const at = (delta: number): number => {
        const moved = new NdArray(
          input.data.map((value, i) => (i === cell ? value + delta : value)),
          input.shape,
        );
        return dot([f(inputs.with(k, moved))], [gradOutput]);
      };
      return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    });
    return new NdArray(gradient, input.shape);
  });
}

function leaves(inputs: readonly NdArray[]): Tensor[] {
  return inputs.map((input) => new Tensor(input, true));
}

function values(gradients: readonly (Tensor | null)[], inputs: readonly NdArray[]): NdArray[] {
  return gradients.map((gradient, i) => gradient?.value ?? NdArray.full(inputs[i]?.shape ?? [], 0, "float64"));
}

/** The gradients that the tape answers are those of finite differences. */
export function expectBackwardIsDifferences(
  op: OpOnTensors,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  tolerance: number = DIFFERENCES,
): void {
  const tensors = leaves(inputs);
  const gradients = grad(op(tensors), tensors, { gradOutput: new Tensor(gradOutput), allowUnused: true });
  const expected = differences((arrays) => op(arrays.map((array) => new Tensor(array))).value, inputs, gradOutput);
  values(gradients, inputs).forEach((gradient, i) => {
    expectClose(`gradient ${i} against differences`, gradient, expected[i] ?? gradient, tolerance);
  });
}

/** ⟨g, J·v⟩ = ⟨Jᵀ·g, v⟩, with J·v from dual numbers through the generic forward and Jᵀ·g from the tape. */
export function expectAdjointLaw(
  op: OpOnTensors,
  forward: GenericForward,
  inputs: readonly NdArray[],
  tangents: readonly NdArray[],
  gradOutput: NdArray,
): void {
  const tensors = leaves(inputs);
  const gradients = grad(op(tensors), tensors, { gradOutput: new Tensor(gradOutput), allowUnused: true });
  const moved = forward(inputs.map((input, i) => new Dual(input, tangents[i] ?? input)));
  const byForward = dot([moved.tangent], [gradOutput]);
  const byReverse = dot(values(gradients, inputs), tangents);
  // Terms may cancel: the scale is that of the terms, not of their sum.
  const sizes = values(gradients, inputs).map((gradient) => gradient.abs());
  const scale = Math.max(
    1,
    dot(
      sizes,
      tangents.map((tangent) => tangent.abs()),
    ),
  );
  if (!(Math.abs(byForward - byReverse) <= EXACT * scale)) {
    throw new Error(`adjoint law: ⟨g, J·v⟩ = ${byForward}, ⟨Jᵀ·g, v⟩ = ${byReverse}, scale ${scale}`);
  }
}

/**
 * The gradient of ⟨gradients, weights⟩ through the tape of the backward is what dual numbers carry through the pullback
 * (forward over reverse), for a movement of the inputs and of gradOutput together.
 */
export function expectSecondOrderIsForwardOverReverse(
  op: OpOnTensors,
  trace: GenericTrace,
  inputs: readonly NdArray[],
  tangents: readonly NdArray[],
  gradOutput: NdArray,
  gradOutputTangent: NdArray,
  weights: readonly NdArray[],
): void {
  const tensors = leaves(inputs);
  const g = new Tensor(gradOutput, true);
  const first = grad(op(tensors), tensors, { gradOutput: g, createGraph: true, allowUnused: true });
  const along = first.flatMap((gradient, i) =>
    gradient ? [gradient.mul(new Tensor(weights[i] ?? gradient.value)).sum()] : [],
  );
  const [head, ...rest] = along;
  if (head === undefined) throw new Error("second order: expected a first derivative");
  const second = grad(
    rest.reduce((a, b) => a.add(b), head),
    [...tensors, g],
    { allowUnused: true },
  );
  const reverse = values(second, [...inputs, gradOutput]);
  const byReverse = dot(reverse, [...tangents, gradOutputTangent]);

  const duals = inputs.map((input, i) => new Dual(input, tangents[i] ?? input));
  const pulled = trace(duals).pullback(new Dual(gradOutput, gradOutputTangent));
  const moved = pulled.map((p, i) => p?.tangent ?? NdArray.full(inputs[i]?.shape ?? [], 0, "float64"));
  const byForward = dot(moved, weights);
  const scale = Math.max(
    1,
    dot(
      reverse.map((r) => r.abs()),
      [...tangents, gradOutputTangent].map((t) => t.abs()),
    ),
    dot(
      moved.map((m) => m.abs()),
      weights.map((w) => w.abs()),
    ),
  );
  if (!(Math.abs(byForward - byReverse) <= EXACT * scale)) {
    throw new Error(
      `second order: reverse over reverse ${byReverse}, forward over reverse ${byForward}, scale ${scale}`,
    );
  }
}

/**
 * ⟨gradOutput, D²f[u, v]⟩: dual numbers of dual numbers, which know no pullback, and the gradient of ⟨gradients, u⟩ along
 * v through the tape of the backward.
 */
export function expectSecondOrderIsForwardOverForward(
  op: OpOnTensors,
  forward: GenericForward,
  inputs: readonly NdArray[],
  u: readonly NdArray[],
  v: readonly NdArray[],
  gradOutput: NdArray,
): void {
  const tensors = leaves(inputs);
  const first = grad(op(tensors), tensors, {
    gradOutput: new Tensor(gradOutput),
    createGraph: true,
    allowUnused: true,
  });
  const zero = new Tensor(NdArray.full([], 0, "float64"));
  const alongU = first.reduce<Tensor>(
    (sum, gradient, i) => (gradient ? sum.add(gradient.mul(new Tensor(u[i] ?? gradient.value)).sum()) : sum),
    zero,
  );
  const second = alongU.requiresGrad ? grad(alongU, tensors, { allowUnused: true }) : tensors.map(() => null);
  const reverse = values(second, inputs);
  const byReverse = dot(reverse, v);

  const still = (like: NdArray): NdArray => NdArray.full(like.shape, 0, "float64");
  const duals = inputs.map(
    (input, i) => new Dual(new Dual(input, u[i] ?? input), new Dual(v[i] ?? input, still(input))),
  );
  const curvature = forward(duals).tangent.tangent;
  const byForward = dot([curvature], [gradOutput]);
  const scale = Math.max(
    1,
    dot([curvature.abs()], [gradOutput.abs()]),
    dot(
      reverse.map((array) => array.abs()),
      v.map((array) => array.abs()),
    ),
  );
  if (!(Math.abs(byForward - byReverse) <= EXACT * scale)) {
    throw new Error(
      `second order: reverse over reverse ${byReverse}, forward over forward ${byForward}, scale ${scale}`,
    );
  }
}
