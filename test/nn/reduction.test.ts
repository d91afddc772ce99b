import { describe, expect, test } from "vitest";
import { Dual, NdArray } from "../../src/autograd/index.ts";
import { reduce, reduceBackward } from "../../src/nn/reduction.ts";
import type { Reduction } from "../../src/nn/reduction.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { dot, EXACT } from "../helpers/laws.ts";

const reductions: readonly Reduction[] = ["mean", "sum", "none"];

describe("reduce", () => {
  const losses = new NdArray(Float64Array.of(1, 2, 6), [3]);

  test("means, sums or leaves the losses as they are", () => {
    expect(reduce(losses, { reduction: "mean", total: 3 }).data).toEqual(Float64Array.of(3));
    expect(reduce(losses, { reduction: "mean", total: 4.5 }).data).toEqual(Float64Array.of(2));
    expect(reduce(losses, { reduction: "sum", total: 3 }).data).toEqual(Float64Array.of(9));
    expect(reduce(losses, { reduction: "none", total: 3 })).toBe(losses);
  });
});

describe("reduceBackward", () => {
  test.each(reductions)("is adjoint to reduce: %s", (reduction) => {
    const options = { reduction, total: 2.5 };
    holds(arraysOf([[2, 3], [2, 3], reduction === "none" ? [2, 3] : []]), ([losses, tangent, gradOutput]) => {
      if (!losses || !tangent || !gradOutput) throw new Error("expected three arrays");
      const byForward = dot([reduce(new Dual(losses, tangent), options).tangent], [gradOutput]);
      const byReverse = dot([reduceBackward(gradOutput, [2, 3], options)], [tangent]);
      expect(Math.abs(byForward - byReverse)).toBeLessThan(EXACT * 50); // six products of numbers below 3.1
    });
  });

  test("gives zeros instead of NaN where no loss counts", () => {
    const gradOutput = NdArray.full([], 0, "float64");
    expect(reduceBackward(gradOutput, [2], { reduction: "mean", total: 0 }).data).toEqual(Float64Array.of(0, 0));
  });
});
