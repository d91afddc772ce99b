import type { FloatArray } from "./floatArray.ts";

/** For every position of an array [outer, size, inner], where along the middle dim its largest value stands: see `argmax`. */
export function argmax(data: FloatArray, outer: number, size: number, inner: number): Int32Array {
  const found = new Int32Array(outer * inner);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const first = i * size * inner + j;
      let best = 0;
      for (let k = 1; k < size; k++) {
        const [value, largest] = [data[first + k * inner]!, data[first + best * inner]!];
        if (value > largest || (value !== value && largest === largest)) best = k; // the first NaN wins
      }
      found[i * inner + j] = best;
    }
  }
  return found;
}
