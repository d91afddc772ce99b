import type { FloatArray } from "./floatArray.ts";

/**
 * Sums over `dims` (ascending), accumulated in float64: row-major values of the shape without those dims. Neighbouring
 * reduced dims are one run [outer, n, inner]; runs are reduced from the last to the first, so that a sum over batch and
 * positions is a sum of sums, which also rounds less than one long chain.
 */
export function sumOver(data: FloatArray, shape: readonly number[], dims: readonly number[]): Float64Array {
  let values: FloatArray = data;
  let inner = 1;
  let innerFrom = shape.length;
  for (let last = dims.length - 1; last >= 0;) {
    let first = last;
    while (first > 0 && dims[first]! - 1 === dims[first - 1]) first--;
    const from = dims[first]!;
    const to = dims[last]! + 1;
    inner *= sizeBetween(shape, to, innerFrom);
    values = sumMiddle(values, sizeBetween(shape, 0, from), sizeBetween(shape, from, to), inner);
    innerFrom = from;
    last = first - 1;
  }
  return values instanceof Float64Array && values !== data ? values : new Float64Array(values);
}

function sizeBetween(shape: readonly number[], from: number, to: number): number {
  let size = 1;
  for (let dim = from; dim < to; dim++) size *= shape[dim]!;
  return size;
}

/** [outer, n, inner] → [outer, inner] */
function sumMiddle(data: FloatArray, outer: number, n: number, inner: number): Float64Array {
  const sums = new Float64Array(outer * inner);
  if (inner === 1) {
    for (let row = 0, at = 0; row < outer; row++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += data[at++]!;
      sums[row] = sum;
    }
    return sums;
  }
  for (let row = 0, at = 0; row < outer; row++) {
    const first = row * inner;
    const end = first + inner;
    let i = 0;
    // Four at a time, added one by one: the sums are the same, and loaded and stored a fourth as often.
    for (; i + 4 <= n; i += 4, at += 4 * inner) {
      let at0 = at;
      let at1 = at0 + inner;
      let at2 = at1 + inner;
      let at3 = at2 + inner;
      for (let j = first; j < end; j++) sums[j] = sums[j]! + data[at0++]! + data[at1++]! + data[at2++]! + data[at3++]!;
    }
    for (; i < n; i++) for (let j = first; j < end; j++) sums[j]! += data[at++]!;
  }
  return sums;
}
