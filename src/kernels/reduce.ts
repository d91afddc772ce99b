import type { FloatArray } from "./floatArray.ts";

/**
 * Sums over `dims` (ascending), accumulated in float64: row-major values of the shape without those dims. Neighbouring
 * reduced dims are one run [outer, n, inner]; runs are reduced from the last to the first, so that a sum over batch and
 * positions is a sum of sums, which also rounds less than one long chain.
 */
export function sumOver(data: FloatArray, shape: readonly number[], dims: readonly number[]): Float64Array {
  let values: FloatArray = data;
  let rest = [...shape];
  const remaining = [...dims];
  while (remaining.length > 0) {
    const last = remaining.pop()!;
    let first = last;
    while (remaining.at(-1) === first - 1) first = remaining.pop()!;
    const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
    const inner = product(rest.slice(last + 1));
    values = sumMiddle(values, product(rest.slice(0, first)), product(rest.slice(first, last + 1)), inner);
    rest = [...rest.slice(0, first), ...rest.slice(last + 1)];
  }
  return values instanceof Float64Array && values !== data ? values : Float64Array.from(values);
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
    for (let i = 0; i < n; i++) {
      for (let j = row * inner, end = j + inner; j < end; j++) sums[j]! += data[at++]!;
    }
  }
  return sums;
}
