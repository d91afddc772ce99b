import { describe, expect, test } from "vitest";
import { Generator, NdArray, randn } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { exactGradients, richardsonGradients } from "../../src/gradcheck/index.ts";
import { layerNormForward } from "../../src/norms/index.ts";

const generator = new Generator(3);
const x = randn([2, 5], { generator }).value;
const gradOutput = randn([2, 5], { generator }).value;
const norm = <A extends Num<A>>([input]: readonly A[]): A => {
  if (input === undefined) throw new RangeError("norm: expected an input");
  return layerNormForward(input, null, null, { normalizedShape: [5], eps: 1e-5 }).output;
};

/** Of the largest gradient: a double's unit roundoff, 1.1e-16, is what the extrapolation is said to reach. */
const ONE_ULP = 2 ** -52;

function largestDistance(wrongBy: number): number {
  const byDuals = exactGradients(norm, [x], gradOutput)[0];
  const byValues = richardsonGradients(norm, [x], gradOutput)[0];
  const exact = byDuals?.toNdArray() ?? NdArray.full([], NaN, "float64");
  const scale = Math.max(...exact.data.map(Math.abs));
  const distance =
    byValues
      ?.toNdArray()
      .mul(1 + wrongBy)
      .sub(exact)
      .abs() ?? exact;
  return Math.max(...distance.data) / scale;
}

describe("richardsonGradients", () => {
  test("differences of values alone give the gradient of duals to an ulp", () => {
    expect(largestDistance(0)).toBeLessThanOrEqual(ONE_ULP);
  });

  test("an error of 1e-14 would be seen", () => {
    expect(largestDistance(1e-14)).toBeGreaterThan(ONE_ULP);
  });
});
