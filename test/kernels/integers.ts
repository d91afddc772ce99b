/** Data whose sums of products are exact in float64, so that a kernel must give its oracle's bits, in whatever order it adds. */
import type { FloatArray } from "../../src/kernels/floatArray.ts";

export type Kind = Float64ArrayConstructor | Float32ArrayConstructor;
/** Both kinds of storage. */
export const KINDS: readonly Kind[] = [Float64Array, Float32Array];

/** Integers from −2²⁰ to 2²⁰: float32 holds them, but not their products, and float64 holds sums of 8000 products. */
export function integers(kind: Kind, length: number, seed: number): FloatArray {
  const array = new kind(length);
  for (let i = 0; i < length; i++) {
    const mixed = Math.imul(Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b), 0xc2b2ae35);
    array[i] = (mixed >> 11) ^ (mixed >>> 31);
  }
  return array;
}

/** Fails at the first element that differs: `toEqual` on large arrays is slow. */
export function expectSame(what: string, actual: FloatArray, expected: FloatArray): void {
  if (actual.constructor !== expected.constructor || actual.length !== expected.length) {
    throw new Error(`${what}: expected ${describe(expected)}, got ${describe(actual)}`);
  }
  const at = expected.findIndex((value, i) => !Object.is(actual[i], value));
  if (at >= 0) throw new Error(`${what}: expected ${expected[at]} at ${at}, got ${actual[at]}`);
}

const describe = (array: FloatArray): string => `${array.constructor.name} of ${array.length}`;
