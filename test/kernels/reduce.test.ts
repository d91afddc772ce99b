import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray } from "../../src/autograd/index.ts";
import { sumOver } from "../../src/kernels/reduce.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { reduceLoop, total } from "../helpers/loops.ts";
import { breaks } from "../helpers/planted.ts";

const draws = fc
  .array(fc.nat(3), { maxLength: 5 })
  .chain((shape) => fc.tuple(arrayOf(shape), fc.subarray(shape.map((_, dim) => dim))));

const isLoops =
  (sum: typeof sumOver) =>
  ([x, dims]: readonly [NdArray, readonly number[]]): void => {
    const expected = reduceLoop(x, dims, false, total);
    // Sums of at most 243 terms in another order.
    expectClose("sumOver", new NdArray(sum(x.data, x.shape, dims), expected.shape), expected, 1e-13);
  };

describe("sumOver", () => {
  test("is the sum over any set of dims, neighbours or not", () => {
    holds(draws, isLoops(sumOver), 300);
  });

  test("a sum that leaves out the last value, or reads from the end, would be found", () => {
    const short: typeof sumOver = (data, shape, dims) => sumOver(data.with(data.length - 1, 0), shape, dims);
    const backwards: typeof sumOver = (data, shape, dims) => sumOver(data.toReversed(), shape, dims);
    const filled = draws.filter(([x]) => x.data.length > 0);
    breaks(filled, isLoops(short), /sumOver/);
    breaks(filled, isLoops(backwards), /sumOver/);
  });

  test("adds in float64 whatever the values are, and answers float64", () => {
    const ones = new Float32Array(3).fill(2 ** -24);
    const sums = sumOver(Float32Array.of(1, ...ones), [4], [0]);
    expect(sums).toEqual(Float64Array.of(1 + 3 * 2 ** -24)); // float32 would stay at 1
  });

  test("is a new array even where there is nothing to sum", () => {
    const data = Float64Array.of(1, 2);
    for (const dims of [[], [0]]) {
      const sums = sumOver(data, [1, 2], dims);
      expect(sums).toEqual(data);
      expect(sums.buffer).not.toBe(data.buffer);
    }
  });

  test("over batch and positions is a sum of the sums of each row", () => {
    // One long chain would lose every small value beside 1e16; a row of them is summed before it meets the large one.
    const rows = [1e16, 0, 0, 0, 1, 1, 1, 1];
    expect([...sumOver(Float64Array.from(rows), [2, 1, 4], [0, 2])]).toEqual([1e16 + 4]);
  });
});
