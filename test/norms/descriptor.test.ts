import { describe, expect, test } from "vitest";
import {
  affineCombinations,
  affineInputs,
  affineLabel,
  presentGrads,
  splitAffine,
} from "../../src/norms/descriptor.ts";

describe("affine combinations", () => {
  const table = [
    { hasWeight: true, hasBias: true, names: ["x", "weight", "bias"], label: "weight, bias" },
    { hasWeight: true, hasBias: false, names: ["x", "weight"], label: "weight" },
    { hasWeight: false, hasBias: true, names: ["x", "bias"], label: "bias" },
    { hasWeight: false, hasBias: false, names: ["x"], label: "no affine" },
  ];

  test("are all four, with their labels and inputs", () => {
    expect(affineCombinations).toEqual(table.map(({ hasWeight, hasBias }) => ({ hasWeight, hasBias })));
    for (const { names, label, ...has } of table) {
      expect(affineLabel(has)).toBe(label);
      expect(affineInputs([2, 3], [3], has)).toEqual(
        names.map((name) => ({ name, shape: name === "x" ? [2, 3] : [3] })),
      );
    }
  });

  test("splitAffine takes listed inputs apart, and presentGrads lists what belongs to them", () => {
    for (const { names, label: _, ...has } of table) {
      const all = ["x", "weight", "bias"].map((name) => (names.includes(name) ? name : null));
      expect(splitAffine(names, has)).toEqual(all);
      expect(presentGrads(["x", "weight", "bias"], has)).toEqual(names);
    }
  });

  test("another number of inputs is refused", () => {
    for (const { names, label: _, ...has } of table) {
      const expected = new RangeError(`normCase: expected ${names.length} inputs, got ${names.length + 1}`);
      expect(() => splitAffine([...names, "more"], has)).toThrow(expected);
      expect(() => splitAffine(names.slice(1), has)).toThrow(
        `expected ${names.length} inputs, got ${names.length - 1}`,
      );
    }
  });
});
