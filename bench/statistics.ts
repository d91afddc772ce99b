/** Medians and what else a few rounds allow to say. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** null if there is no value. */
export function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** The distance between a float32 of this size and the next: 2^(e − 23) for 2^e ≤ |value| < 2^(e + 1). */
export function ulpOf(value: number): number {
  return value === 0 ? 2 ** -149 : 2 ** (Math.floor(Math.log2(Math.abs(value))) - 23);
}

export interface ErrorOf {
  /** The largest error over the largest value; the error itself where all values are zero. */
  readonly relative: number;
  /** The largest error, in float32 ulp of the largest value. */
  readonly ulp: number;
}

/** NaN if a value is none, or a length differs. */
export function errorOf(got: ArrayLike<number>, expected: ArrayLike<number>): ErrorOf {
  if (got.length !== expected.length) return { relative: NaN, ulp: NaN };
  let error = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((got[i] ?? NaN) - (expected[i] ?? NaN));
    if (!(difference <= error)) error = difference; // a NaN stays
    if (Number.isNaN(error)) return { relative: NaN, ulp: NaN };
    largest = Math.max(largest, Math.abs(expected[i] ?? 0));
  }
  return { relative: largest === 0 ? error : error / largest, ulp: error / ulpOf(largest) };
}
