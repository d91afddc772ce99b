import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sizeOf, tensor } from "../../src/autograd/index.ts";
import { flattenNested } from "../../src/nn/nested.ts";
import type { Nested } from "../../src/nn/nested.ts";
import { holds, shapes } from "../helpers/generators.ts";

function flattened(nested: Nested<number>): { readonly values: readonly number[]; readonly shape: readonly number[] } {
  return flattenNested("f", "numbers", nested, (entry) => typeof entry === "number");
}

describe("flattenNested", () => {
  test("takes apart what toArray has nested", () => {
    holds(shapes({ minDims: 0 }), (shape) => {
      const values = Array.from({ length: sizeOf(shape) }, (_, i) => i);
      expect(flattened(tensor(Int32Array.from(values), { shape }).toArray())).toEqual({ values, shape });
    });
  });

  test("an empty array has one dim of 0", () => {
    expect(flattened([])).toEqual({ values: [], shape: [0] });
    expect(flattened([[], []])).toEqual({ values: [], shape: [2, 0] });
  });

  test("refuses rows that differ in length or in depth", () => {
    holds(fc.constantFrom<Nested<number>>([[1, 2], [3]], [1, [2]], [[1], 2], [[[1]], [[2, 3]]]), (ragged) => {
      expect(() => flattened(ragged)).toThrow(/^f: expected numbers of one shape beside each other, got /);
    });
  });
});
