import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sizeOf } from "../../src/autograd/index.ts";
import { caseArbitrary } from "../../src/gradcheck/cases.ts";
import type { Case } from "../../src/gradcheck/cases.ts";
import { generators } from "../../src/gradcheck/index.ts";
import { holds, SEED } from "../helpers/generators.ts";

const { sizes, shapes, groupedShapes, values, placements, arrays, tensors, gradOutputs } = generators(fc);

function draw<T>(arbitrary: fc.Arbitrary<T>, numRuns = 200): T[] {
  return fc.sample(arbitrary, { seed: SEED, numRuns });
}

/** The smallest failing value, as fast-check finds it. */
function shrunk<T>(arbitrary: fc.Arbitrary<T>, passes: (value: T) => boolean): T | undefined {
  return fc.check(fc.property(arbitrary, passes), { seed: SEED, numRuns: 500 }).counterexample?.[0];
}

function isPowerOfTwo(size: number): boolean {
  return Number.isInteger(Math.log2(size));
}

describe("the cases of checkOp", () => {
  const cases = caseArbitrary(fc, {
    dims: { N: [1, 3], C: [1, 6], L: [1, 10] },
    inputs: ({ N, C, L }: Readonly<Record<string, number>>) => ({ x: [N, C, L], weight: [C] }),
  });
  /** The mean of all values but for the spread: which offset was drawn. */
  const mean = ({ inputs }: Case): number => Math.abs((inputs[0]?.sum().data[0] ?? 0) / (inputs[0]?.data.length ?? 1));
  const shapeOf = ({ inputs }: Case): readonly number[] => inputs[0]?.shape ?? [];

  test.each<readonly [what: string, atLeast: number, is: (drawn: Case) => boolean]>([
    ["plain values", 30, ({ trap }) => trap === "plain"],
    ["a mean of 10", 10, (drawn) => drawn.trap === "offset" && mean(drawn) < 100],
    ["a mean of 1e4", 10, (drawn) => drawn.trap === "offset" && Math.abs(mean(drawn) - 1e4) < 10],
    ["a mean of 1e8", 10, (drawn) => drawn.trap === "offset" && Math.abs(mean(drawn) - 1e8) < 10],
    ["a variance near eps", 10, ({ trap }) => trap === "near eps"],
    ["large values", 10, ({ trap }) => trap === "large"],
    ["zeros among other values", 5, ({ trap, inputs: [x] }) => trap === "zeros" && new Set(x?.data).size > 1],
    ["nothing but zeros", 5, ({ inputs: [x] }) => x?.data.every((value) => value === 0) ?? false],
    ["a mean of −1e5", 5, ({ trap, inputs: [x] }) => trap === "offset" && (x?.data[0] ?? 0) < -1e4],
    [
      "a weight of zeros or ones",
      10,
      ({ inputs: [, w] }) => w?.data.every((value) => value === 0 || value === 1) ?? false,
    ],
    ["sizes that are all alike", 25, (drawn) => new Set(shapeOf(drawn)).size === 1],
    ["constants", 10, ({ trap, inputs: [x] }) => trap === "constant" && new Set(x?.data).size === 1],
    ["groups of one", 25, (drawn) => shapeOf(drawn)[2] === 1],
    ["groups of two", 25, (drawn) => shapeOf(drawn)[2] === 2],
    ["a size that is no power of two", 140, (drawn) => !shapeOf(drawn).every(isPowerOfTwo)],
    ["unequal sizes", 60, (drawn) => new Set(shapeOf(drawn)).size === 3],
    ["the largest size", 15, (drawn) => shapeOf(drawn)[2] === 10],
    ["weights that are no ones", 175, ({ inputs: [, weight] }) => weight?.data.some((value) => value !== 1) ?? false],
  ])("have %s at least %i times in 200", (_, atLeast, is) => {
    for (const seed of [0, SEED]) {
      expect(fc.sample(cases, { seed, numRuns: 200 }).filter(is).length).toBeGreaterThanOrEqual(atLeast);
    }
  });

  test("shrink to the smallest sizes, then to ±1 in plain places", () => {
    const smallest = shrunk(cases, (drawn) => (shapeOf(drawn)[1] ?? 0) < 3);
    expect(smallest?.settings).toEqual({ N: 1, C: 3, L: 1 });
    expect(smallest?.trap).toBe("plain");
    expect(smallest?.inputs.map(({ data }) => [...data])).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });
});

describe("generators", () => {
  test("sizes stay in their range, come in all values, and are awkward more often than not", () => {
    const drawn = draw(sizes({ min: 2, max: 12 }), 600);
    expect([...new Set(drawn)].toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(drawn.filter((size) => [2, 3, 5, 7, 12].includes(size)).length).toBeGreaterThan(360);
    expect(draw(sizes({ min: 4, max: 4 })).every((size) => size === 4)).toBe(true);
    expect(new Set(draw(sizes({ max: 100_000 }))).has(100_000)).toBe(true);
    expect(draw(sizes({ min: 0, max: 1 }))).toContain(0);
  });

  test("sizes shrink to the smallest that fails", () => {
    for (const least of [1, 4, 6, 7, 8, 19, 20]) expect(shrunk(sizes({ max: 20 }), (size) => size < least)).toBe(least);
  });

  test.each([
    [2, 1],
    [-1, 3],
    [1.5, 3],
    [1, NaN],
  ])("sizes from %d to %d are refused", (min, max) => {
    expect(() => sizes({ min, max })).toThrow(`sizes: expected whole numbers min ≤ max, got min ${min}, max ${max}`);
  });

  test("shapes keep to their limits, and have no two sizes alike but ones", () => {
    holds(shapes({ minDims: 2, maxDims: 5, maxSize: 9, maxCells: 40 }), (shape) => {
      const large = shape.filter((size) => size > 1);
      expect(new Set(large).size).toBe(large.length);
      expect(shape.length).toBeGreaterThanOrEqual(2);
      expect(shape.length).toBeLessThanOrEqual(5);
      expect(sizeOf(shape)).toBeLessThanOrEqual(40);
    });
    expect(shrunk(shapes(), (shape) => sizeOf(shape) < 6)?.length).toBeLessThanOrEqual(2);
  });

  test("groupedShapes have whole groups, of one and of two values often", () => {
    const grouped = draw(groupedShapes(), 400);
    const valuesPerGroup = grouped.map(({ shape: [, channels = 0, positions = 0], numGroups }) => {
      expect(channels % numGroups).toBe(0);
      return (channels / numGroups) * positions;
    });
    for (const size of [1, 2, 3, 5]) expect(valuesPerGroup.filter((n) => n === size).length).toBeGreaterThan(25);
    expect(new Set(grouped.map(({ numGroups }) => numGroups))).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  test("values are no neighbours of 0, of both signs, and shrink to ±1", () => {
    const drawn = draw(values(), 500);
    expect(drawn.every((value) => Math.abs(value) >= 0.123 && Math.abs(value) < 4)).toBe(true);
    expect(drawn.filter((value) => value < 0).length).toBeGreaterThan(150);
    expect(shrunk(values(), () => false)).toBe(1);
    expect(shrunk(values(), (value) => value > 0)).toBe(-1);
  });

  test("arrays take the traps and the dtypes that are asked for", () => {
    const offsets = draw(arrays([2, 3], { traps: ["offset"] }));
    expect(offsets.every(({ data }) => data.every((value: number) => Math.abs(value) > 5))).toBe(true);
    expect(offsets.every(({ shape, dtype }) => shape.join() === "2,3" && dtype === "float64")).toBe(true);
    expect(new Set(draw(arrays([2], { dtype: "any" })).map(({ dtype }) => dtype))).toEqual(
      new Set(["float32", "float64"]),
    );
    expect(draw(arrays([4], { traps: ["constant"] })).every(({ data }) => new Set(data).size === 1)).toBe(true);
    expect(new Set(draw(placements()).map(({ trap }) => trap)).size).toBe(6);
    expect(() => arrays([2], { traps: [] })).toThrow("placements: expected a trap or more, got []");
  });

  test("tensors require gradients unless told otherwise", () => {
    expect(draw(tensors([3])).every(({ requiresGrad }) => requiresGrad)).toBe(true);
    expect(draw(tensors([3], { requiresGrad: false })).some(({ requiresGrad }) => requiresGrad)).toBe(false);
  });

  test("gradOutputs are never 1; most are nowhere near 0, the others of all sizes, with zeros", () => {
    const drawn = draw(gradOutputs([5, 7])).map(({ data }) => [...data]);
    const isOrdinary = (value: number): boolean => Math.abs(value) > 0.5 && Math.abs(value) < 3;
    const wide = drawn.filter((data) => !data.every(isOrdinary));
    expect(wide.length).toBeGreaterThan(25);
    expect(wide.length).toBeLessThan(75);
    expect(drawn.flat().every((value) => Math.abs(value) !== 1)).toBe(true);
    for (const is of [0, 1e-3, 1e-2, 100]) {
      const near = wide.flat().filter((value) => Math.abs(value) >= is && Math.abs(value) <= 3 * is);
      expect(near.length, String(is)).toBeGreaterThan(100);
    }
  });
});
