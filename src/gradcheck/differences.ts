/** Derivatives from values alone: no derivative rule is involved. */
import { NdArray } from "../autograd/ndarray.ts";
import { doubleDouble } from "./doubleDouble.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import { FieldArray } from "./fieldArray.ts";
import type { GenericForward } from "./oracle.ts";

/**
 * ∂⟨gradOutput, forward⟩/∂input of a formula, in double-double: Richardson's extrapolation of central differences with
 * h = 2⁻¹⁰σ, 2⁻¹¹σ, … (σ the spread of the input, or its size), which is right to about an ulp of a double.
 */
export function richardsonGradients(
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
): readonly FieldArray<DoubleDouble>[] {
  const { of, add, sub, div } = doubleDouble;
  const g = FieldArray.from(doubleDouble, gradOutput);
  const exact = inputs.map((input) => FieldArray.from(doubleDouble, input));
  return inputs.map((input, k) => {
    const spread = 2 ** Math.round(Math.log2(spreadOf(input.data)));
    const cells = Array.from(input.data, (_, cell) => {
      const at = (step: number): DoubleDouble => {
        const moved = exact[k]?.data.map((x, i) => (i === cell ? add(x, of(step)) : x)) ?? [];
        const output = forward(exact.with(k, new FieldArray(doubleDouble, moved, input.shape)));
        return output.mul(g).sum().data[0] ?? of(NaN);
      };
      let row: DoubleDouble[] = [];
      for (let level = 0; level < LEVELS; level++) {
        const h = spread * 2 ** (-10 - level);
        const next = [div(sub(at(h), at(-h)), of(2 * h))];
        row.forEach((coarse, i) => {
          const fine = next[i] ?? coarse;
          next.push(add(fine, div(sub(fine, coarse), of(4 ** (i + 1) - 1))));
        });
        row = next;
      }
      return row.at(-1) ?? of(NaN);
    });
    return new FieldArray(doubleDouble, cells, input.shape);
  });
}

const LEVELS = 5;

/** The standard deviation of the values, or their size where they do not vary by more than a few ulps, or 1. */
export function spreadOf(data: ArrayLike<number>): number {
  const values = Array.from(data);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  const size = Math.max(...values.map(Math.abs), 0);
  return deviation > 2 ** -46 * size ? deviation : size || 1;
}
