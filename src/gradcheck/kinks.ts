/**
 * Where a formula has a kink (max, relu, |x|, a clamp, at the very point at which it bends), there is no derivative, and
 * any slope between the left and the right one is as good as another: the formula's duals answer one of them, a backward
 * may answer another.
 */
import type { NdArray } from "../autograd/ndarray.ts";
import { doubleDouble } from "./doubleDouble.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import { FieldArray } from "./fieldArray.ts";
import type { Mismatch } from "./judge.ts";
import type { GenericForward } from "./oracle.ts";

/**
 * So small that smooth functions are straight, large against the 2⁻¹⁰⁴ to which a double-double is rounded, and more than
 * the ulp by which a double must move for a formula to choose otherwise.
 */
const STEP = 2 ** -44;
/** Slopes that differ by less are those of a smooth function. */
const BEND = 1e-3;
/** How well the slopes are known. */
const SLOPE = 1e-9;

/**
 * Whether every wrong number of a gradient lies between the slopes to both sides of a kink; and so does their sum over the
 * cells of one value, which move together: of equal values, all cannot have the whole gradient of their maximum.
 */
export function isAtKinks(
  forward: GenericForward,
  inputs: readonly NdArray[],
  k: number,
  gradOutput: NdArray,
  { analytic, error, bound }: Mismatch,
): boolean {
  const wide = inputs.map((input) => FieldArray.from(doubleDouble, input));
  const [x, values] = [wide[k], inputs[k]?.data];
  if (x === undefined || values === undefined) return false;
  const upstream = FieldArray.from(doubleDouble, gradOutput);
  const lossAt = (moves: (cell: number) => boolean, step: number): DoubleDouble => {
    const moved = x.data.map((value, i) => (moves(i) ? doubleDouble.add(value, doubleDouble.of(step)) : value));
    const at = new FieldArray(doubleDouble, moved, x.shape);
    const [total = doubleDouble.zero] = forward(wide.with(k, at)).mul(upstream).sum().data;
    return total;
  };
  const here = lossAt(() => false, 0);
  const again = lossAt(() => false, 0);
  if (here.hi !== again.hi || here.lo !== again.lo) return false; // a random forward bends everywhere

  /** The slopes to both sides when some cells move, whether they differ, and whether the gradient lies between them. */
  const look = (moves: (cell: number) => boolean, value: number): { isBent: boolean; isBetween: boolean } => {
    const step = STEP * Math.max(1, Math.abs(value));
    const slope = (side: number): number =>
      doubleDouble.value(doubleDouble.sub(lossAt(moves, side * step), here)) / (side * step);
    const [least = NaN, most = NaN] = [slope(-1), slope(1)].toSorted((a, b) => a - b);
    const along = analytic.filter((_, cell) => moves(cell));
    const found = along.reduce((a, b) => a + b, 0);
    const size = Math.max(Math.abs(least), Math.abs(most), ...along.map(Math.abs));
    return {
      isBent: most - least > BEND * size,
      isBetween: found >= least - SLOPE * size && found <= most + SLOPE * size,
    };
  };
  const wrong = Array.from(error.keys()).filter((cell) => (error[cell] ?? 0) > (bound[cell] ?? 0));
  return (
    wrong.every((cell) => {
      const { isBent, isBetween } = look((i) => i === cell, values[cell] ?? 0);
      return isBent && isBetween;
    }) &&
    [...new Set(wrong.map((cell) => values[cell] ?? 0))].every(
      (value) => look((i) => values[i] === value, value).isBetween,
    )
  );
}
