import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linearForward, linearGradInput, linearGradWeight } from "../../src/kernels/linear.ts";
import type { LinearSizes } from "../../src/kernels/linear.ts";
import { holds, values } from "../helpers/generators.ts";

/** Around the sizes at which the product changes its way, and 0 rows. */
const sizes: fc.Arbitrary<LinearSizes> = fc.record({
  rows: fc.integer({ min: 0, max: 9 }),
  inFeatures: fc.integer({ min: 1, max: 9 }),
  outFeatures: fc.integer({ min: 1, max: 9 }),
});

interface Draw {
  readonly size: LinearSizes;
  readonly x: number[];
  readonly weight: number[];
  readonly bias: number[];
  readonly g: number[];
}

function numbers(length: number): fc.Arbitrary<number[]> {
  return fc.array(values(), { minLength: length, maxLength: length });
}

const drawn: fc.Arbitrary<Draw> = sizes.chain((size) => {
  const { rows, inFeatures, outFeatures } = size;
  return fc.record({
    size: fc.constant(size),
    x: numbers(rows * inFeatures),
    weight: numbers(outFeatures * inFeatures),
    bias: numbers(outFeatures),
    g: numbers(rows * outFeatures),
  });
});

/** Sums of up to 10 terms below 10 differ by less than this in another order; float32 rounds once more. */
const TOLERANCE = { Float64Array: 1e-13, Float32Array: 1e-5 };

function expectNear(
  actual: ArrayLike<number>,
  length: number,
  expected: (i: number) => number,
  tolerance: number,
): void {
  expect(actual.length).toBe(length);
  for (let i = 0; i < length; i++) expect(Math.abs((actual[i] ?? NaN) - expected(i))).toBeLessThan(tolerance);
}

const at = (array: ArrayLike<number>, i: number): number => array[i] ?? NaN;

const sum = (n: number, term: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => term(i)).reduce((a, b) => a + b, 0);

describe.each([{ Float: Float64Array }, { Float: Float32Array }])("on a $Float.name", ({ Float }) => {
  const tolerance = Float === Float64Array ? TOLERANCE.Float64Array : TOLERANCE.Float32Array;

  test("forward and gradients are the sums that define them", () => {
    holds(drawn, (draw) => {
      const { rows, inFeatures, outFeatures } = draw.size;
      const [x, weight, bias, g] = [
        Float.from(draw.x),
        Float.from(draw.weight),
        Float.from(draw.bias),
        Float.from(draw.g),
      ];
      const product = (i: number): number =>
        sum(inFeatures, (k) => {
          const [row, o] = [Math.floor(i / outFeatures), i % outFeatures];
          return at(x, row * inFeatures + k) * at(weight, o * inFeatures + k);
        });
      const count = rows * outFeatures;
      expectNear(linearForward(x, weight, null, draw.size), count, product, tolerance);
      const shifted = (i: number): number => product(i) + at(bias, i % outFeatures);
      expectNear(linearForward(x, weight, bias, draw.size), count, shifted, tolerance);
      const gradInput = (i: number): number =>
        sum(outFeatures, (o) => {
          const [row, k] = [Math.floor(i / inFeatures), i % inFeatures];
          return at(g, row * outFeatures + o) * at(weight, o * inFeatures + k);
        });
      expectNear(linearGradInput(g, weight, draw.size), rows * inFeatures, gradInput, tolerance);
      const gradWeight = (i: number): number =>
        sum(rows, (row) => {
          const [o, k] = [Math.floor(i / inFeatures), i % inFeatures];
          return at(g, row * outFeatures + o) * at(x, row * inFeatures + k);
        });
      expectNear(linearGradWeight(g, x, draw.size), outFeatures * inFeatures, gradWeight, tolerance);
    });
  });

  test("answers arrays of the same kind", () => {
    const one = Float.of(1);
    const size = { rows: 1, inFeatures: 1, outFeatures: 1 };
    expect(linearForward(one, one, one, size)).toEqual(Float.of(2));
    expect(linearGradInput(one, one, size)).toEqual(one);
    expect(linearGradWeight(one, one, size)).toEqual(one);
  });
});
