/** The two Jacobians of an op, cell by cell: what its backward says, and what is so. */
import { Dual } from "../autograd/dual.ts";
import { NdArray } from "../autograd/ndarray.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Case } from "./cases.ts";
import { estimateGradients } from "./estimates.ts";
import type { Memory } from "./estimates.ts";
import type { Subject } from "./subject.ts";

/** ∂output/∂input: rows are cells of the output, columns are cells of the input. */
export interface Jacobian {
  readonly input: string;
  /** Of the input. */
  readonly shape: Shape;
  readonly outputShape: Shape;
  /** A plain forward answers numbers without a shape. */
  readonly isFlat: boolean;
  readonly exact: readonly Float64Array[];
  /** The row of an output cell is the backward of a gradOutput that is 1 there and 0 elsewhere. */
  readonly analytic: readonly Float64Array[];
}

/** For each input. Doubles are enough here: what a diagnosis reads is far above rounding. */
export function jacobiansOf(subject: Subject, { names, inputs }: Case): readonly Jacobian[] {
  const wide = inputs.map((input) => input.to("float64"));
  const output = subject.forward === null ? subject.value(inputs) : subject.forward(wide);
  if (output === null) return [];
  const basis = Array.from(output.data, (_, row) => unit(output.shape, row));
  const analytic = basis.map((gradOutput) => subject.gradients(inputs, gradOutput));
  const exact =
    subject.forward === null ? byDifferences(subject, inputs, basis, analytic) : byDuals(subject.forward, wide);
  return names.map((input, k) => ({
    input,
    shape: inputs[k]?.shape ?? [],
    outputShape: output.shape,
    isFlat: subject.forward === null,
    exact: exact[k] ?? [],
    analytic: analytic.map((gradients) => Float64Array.from(gradients[k]?.data ?? [])),
  }));
}

/** What the backward alone says of the first input: quick where the exact Jacobian needs differences. */
export function analyticOf(subject: Subject, { inputs }: Case): readonly Float64Array[] {
  const output = subject.forward === null ? subject.value(inputs) : subject.forward(inputs);
  return Array.from(output?.data ?? [], (_, row) =>
    Float64Array.from(subject.gradients(inputs, unit(output?.shape ?? [], row))[0]?.data ?? []),
  );
}

function byDuals(forward: NonNullable<Subject["forward"]>, inputs: readonly NdArray[]): readonly Float64Array[][] {
  const still = inputs.map((input) => new Dual(input, NdArray.full(input.shape, 0, "float64")));
  return inputs.map((input, k) => {
    const columns = Array.from(input.data, (_, cell) => {
      return forward(still.with(k, new Dual(input, unit(input.shape, cell)))).tangent.data;
    });
    const rows = columns[0]?.length ?? 0;
    return Array.from({ length: rows }, (_, row) => Float64Array.from(columns, (column) => column[row] ?? NaN));
  });
}

function byDifferences(
  subject: Subject,
  inputs: readonly NdArray[],
  basis: readonly NdArray[],
  analytic: readonly (readonly NdArray[])[],
): readonly Float64Array[][] {
  const f = (arrays: readonly NdArray[]): NdArray => subject.value(arrays) ?? NdArray.full([0], 0, "float64");
  const memory: Memory = new Map();
  const estimates = basis.map((gradOutput) => estimateGradients(f, inputs, gradOutput, memory));
  // At a kink there is nothing to compare with: what the backward says may stand.
  return inputs.map((_, k) =>
    estimates.map((row, i) =>
      Float64Array.from(row[k] ?? [], ({ value, error }, cell) =>
        Number.isFinite(error) ? value : (analytic[i]?.[k]?.data[cell] ?? NaN),
      ),
    ),
  );
}

function unit(shape: Shape, cell: number): NdArray {
  const data = new Float64Array(sizeOf(shape));
  data[cell] = 1;
  return new NdArray(data, shape);
}
