import { describe, expect, test } from "vitest";
import { errorOf, median, spread, ulpOf } from "../../bench/statistics.ts";

describe("median", () => {
  test("it is the middle value, or the mean of the two in the middle, in any order", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([10, 1, 2, 9])).toBe(5.5);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });
});

describe("spread", () => {
  test("it has the least and the most; without values there is none", () => {
    expect(spread([4, 2, 9])).toEqual({ median: 4, min: 2, max: 9 });
    expect(spread([])).toBeNull();
  });
});

describe("ulpOf", () => {
  test("it is the distance to the next float32", () => {
    for (const value of [1, 1.5, -3, 1e4, 2 ** -20]) {
      const next = new Float32Array([Math.abs(value)]);
      const bits = new Uint32Array(next.buffer);
      bits[0] = (bits[0] ?? 0) + 1;
      expect(ulpOf(value)).toBe((next[0] ?? 0) - Math.abs(Math.fround(value)));
    }
  });
});

describe("errorOf", () => {
  test("the largest error is compared to the largest value", () => {
    expect(errorOf([1, 2.5, -8], [1, 2, -8])).toEqual({ relative: 0.5 / 8, ulp: 0.5 / 2 ** -20 });
    expect(errorOf([1, 2], [1, 2])).toEqual({ relative: 0, ulp: 0 });
  });

  test("where all values are zero it is the error itself", () => {
    expect(errorOf([1e-6, 0], [0, 0]).relative).toBe(1e-6);
  });

  test("a NaN and a missing value are seen", () => {
    expect(errorOf([1, NaN, 3], [1, 2, 3]).relative).toBeNaN();
    expect(errorOf([NaN, 2, 3], [1, 2, 3]).relative).toBeNaN();
    expect(errorOf([1, 2], [1, 2, 3]).relative).toBeNaN();
  });
});
