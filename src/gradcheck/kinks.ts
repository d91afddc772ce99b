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

/** Whether every wrong number of a gradient lies between the slopes to both sides of a kink. */
export function isAtKinks(
  forward: GenericForward,
  inputs: readonly NdArray[],
  k: number,
  gradOutput: NdArray,
  { analytic, error, bound }: Mismatch,
): boolean {
  const wide = inputs.map((input) => FieldArray.from(doubleDouble, input));
  const x = wide[k];
  if (x === undefined) return false;
  const upstream = FieldArray.from(doubleDouble, gradOutput);
  const lossAt = (cell: number, step: number): DoubleDouble => {
    const moved = new FieldArray(
      doubleDouble,
      x.data.map((value, i) => (i === cell ? doubleDouble.add(value, doubleDouble.of(step)) : value)),
      x.shape,
    );
    const [total = doubleDouble.zero] = forward(wide.with(k, moved)).mul(upstream).sum().data;
    return total;
  };
  return Array.from(error).every((distance, cell) => {
    if (distance <= (bound[cell] ?? 0)) return true;
    const step = STEP * Math.max(1, Math.abs(x.data[cell]?.hi ?? 0));
    const here = lossAt(cell, 0);
    const again = lossAt(cell, 0);
    if (here.hi !== again.hi || here.lo !== again.lo) return false; // a random forward bends everywhere
    const slope = (side: number): number =>
      doubleDouble.value(doubleDouble.sub(lossAt(cell, side * step), here)) / (side * step);
    const [least = NaN, most = NaN] = [slope(-1), slope(1)].toSorted((a, b) => a - b);
    const size = Math.max(Math.abs(least), Math.abs(most));
    const found = analytic[cell] ?? NaN;
    return most - least > BEND * size && found >= least - SLOPE * size && found <= most + SLOPE * size;
  });
}
