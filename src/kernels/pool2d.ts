/** Pooling over planes [planes, height · width]: every plane has the same windows, each a list of cells. */
import type { FloatArray } from "./floatArray.ts";

export interface PoolWindows {
  /** Cells of a plane, window after window. */
  readonly cells: Int32Array;
  /** Where each window begins in `cells`; one entry more than there are windows. */
  readonly starts: Int32Array;
}

/** The sum of each window divided by its divisor: [planes, windows]. */
export function averageWindows(
  input: FloatArray,
  planes: number,
  planeSize: number,
  { cells, starts }: PoolWindows,
  divisors: Float64Array,
): FloatArray {
  const windows = divisors.length;
  const output =
    input instanceof Float64Array ? new Float64Array(planes * windows) : new Float32Array(planes * windows);
  for (let plane = 0, at = 0; plane < planes; plane++) {
    const base = plane * planeSize;
    for (let window = 0, i = 0; window < windows; window++, at++) {
      let sum = 0;
      for (const end = starts[window + 1]!; i < end; i++) sum += input[base + cells[i]!]!;
      output[at] = sum / divisors[window]!;
    }
  }
  return output;
}

/** Its adjoint: every cell receives its share of the gradients of its windows. [planes, planeSize] */
export function averageWindowsGrad(
  gradOutput: FloatArray,
  planes: number,
  planeSize: number,
  { cells, starts }: PoolWindows,
  divisors: Float64Array,
): FloatArray {
  const windows = divisors.length;
  const sums = new Float64Array(planes * planeSize); // windows overlap: float32 would round each addition
  for (let plane = 0, at = 0; plane < planes; plane++) {
    const base = plane * planeSize;
    for (let window = 0, i = 0; window < windows; window++, at++) {
      const share = gradOutput[at]! / divisors[window]!;
      for (const end = starts[window + 1]!; i < end; i++) sums[base + cells[i]!]! += share;
    }
  }
  return gradOutput instanceof Float64Array ? sums : new Float32Array(sums);
}

/** The flat index of the largest cell of each window: the first of equal ones, and NaN before all. */
export function largestOfWindows(
  input: Readonly<ArrayLike<number>>,
  planes: number,
  planeSize: number,
  { cells, starts }: PoolWindows,
): Int32Array {
  const windows = starts.length - 1;
  const index = new Int32Array(planes * windows);
  for (let plane = 0, at = 0; plane < planes; plane++) {
    const base = plane * planeSize;
    for (let window = 0, i = 0; window < windows; window++, at++) {
      let best = base + cells[i]!;
      let largest = input[best]!;
      i++;
      for (const end = starts[window + 1]!; i < end; i++) {
        const cell = base + cells[i]!;
        const value = input[cell]!;
        if (value > largest || (value !== value && largest === largest)) {
          best = cell;
          largest = value;
        }
      }
      index[at] = best;
    }
  }
  return index;
}
