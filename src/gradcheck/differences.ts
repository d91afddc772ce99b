/** Derivatives from values alone: no derivative rule is involved. */
import { NdArray } from "../autograd/ndarray.ts";
import { doubleDouble } from "./doubleDouble.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import { FieldArray } from "./fieldArray.ts";
import type { GenericForward } from "./oracle.ts";
import { UNIT_ROUNDOFF } from "./tracked.ts";

/** A derivative and how far it may be from the true one. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
}

/**
 * ∂⟨gradOutput, f⟩/∂input of a function of plain numbers, by five-point differences. The steps 2⁻³σ … 2⁻¹⁷σ (σ the spread
 * of the input, or its size) are tried; the two neighbours that agree best give the value, and their difference, with the
 * rounding error of the values over the step, an estimate of its error. An estimate, not a bound.
 */
export function estimateGradients(
  f: (inputs: readonly NdArray[]) => NdArray,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
): readonly (readonly Estimate[])[] {
  return inputs.map((input, k) => {
    const spread = spreadOf(input.data);
    return Array.from(input.data, (center, cell) => {
      let size = 0;
      const at = (step: number): number => {
        const moved = Float64Array.from(input.data);
        moved[cell] = center + step;
        const terms = f(inputs.with(k, new NdArray(moved, input.shape))).data.map(
          (value: number, i: number) => value * (gradOutput.data[i] ?? NaN),
        );
        size = Math.max(
          size,
          Array.from(terms).reduce((sum, term) => sum + Math.abs(term), 0),
        );
        return Array.from(terms).reduce((sum, term) => sum + term, 0);
      };
      let best: Estimate = { value: NaN, error: Infinity };
      let before = NaN;
      for (let exponent = 3; exponent <= 17; exponent++) {
        const h = center + spread * 2 ** -exponent - center; // a step that the addition does not round
        const value = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        const error = 4 * Math.abs(value - before) + (16 * UNIT_ROUNDOFF * size) / h;
        if (error < best.error) best = { value, error };
        before = value;
      }
      return best;
    });
  });
}

/**
 * The same of a formula, in double-double: Richardson's extrapolation of central differences with h = 2⁻¹⁰σ, 2⁻¹¹σ, …,
 * which is right to about an ulp of a double.
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

/** The standard deviation of the values, or their size where they do not vary, or 1. */
function spreadOf(data: ArrayLike<number>): number {
  const values = Array.from(data);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
  const size = Math.max(...values.map(Math.abs), 0);
  return deviation > 1e-9 * size ? deviation : size || 1;
}
