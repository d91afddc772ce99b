/** How much of a function of doubles is rounding. */
import { NdArray } from "../autograd/ndarray.ts";
import { UNIT_ROUNDOFF } from "./tracked.ts";

/** Values in a table. */
const VALUES = 9;
/** Differences of a lower order may still be the function's own. */
const LOWEST_ORDER = 3;

/**
 * The noise level of f, from two difference tables (J. Moré & S. Wild, Estimating Computational Noise, 2011; the idea is
 * R. Hamming's): along a line of a few ulps a smooth function is straight, so differences of order k are rounding alone, and
 * larger than it by √C(2k, k). All inputs move, so that what rounds in a mean of them shows as well.
 */
export function noiseLevel(f: (inputs: readonly NdArray[]) => number, inputs: readonly NdArray[]): number {
  const tables = [1, 2].map((table) => {
    const line = Array.from({ length: VALUES }, (_, i) =>
      f(
        inputs.map(
          ({ data, shape }) =>
            new NdArray(
              data.map((x: number, cell: number) => x + i * stepAt(table, cell) * ulpOf(x)),
              shape,
            ),
        ),
      ),
    );
    return levelOf(line);
  });
  return Math.max(...tables.filter(Number.isFinite), 0);
}

function levelOf(line: readonly number[]): number {
  let differences = line;
  let level = 0;
  let factor = 1; // C(2k, k)
  for (let order = 1; order < line.length - 1; order++) {
    differences = differences.slice(1).map((value, i) => value - (differences[i] ?? NaN));
    factor *= (2 * (2 * order - 1)) / order;
    if (order < LOWEST_ORDER) continue;
    const square = differences.reduce((sum, value) => sum + value ** 2, 0) / differences.length;
    level = Math.max(level, Math.sqrt(square / factor));
  }
  return level;
}

/** 1 to 4 ulps, of both signs. */
function stepAt(table: number, cell: number): number {
  return (1 + ((5 * cell + table) % 4)) * ((cell * table) % 3 === 1 ? -1 : 1);
}

function ulpOf(x: number): number {
  return x === 0 ? 0 : 2 * UNIT_ROUNDOFF * 2 ** Math.floor(Math.log2(Math.abs(x)));
}
