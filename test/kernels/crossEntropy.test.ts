import { describe, expect, test } from "vitest";
import { crossEntropyRows, crossEntropyRowsBackward } from "../../src/kernels/crossEntropy.ts";

describe("crossEntropyRows", () => {
  test("softmaxes the middle dim, whatever stands around it", () => {
    const sizes = { outer: 1, classes: 2, inner: 2 };
    const p = new Float64Array(4);
    const losses = new Float64Array(2);
    const q = Float64Array.of(1, 0, 0, 1); // position 0 is of class 0, position 1 of class 1
    crossEntropyRows(p, losses, Float32Array.of(0, 800, 0, 0), q, sizes);
    expect(p).toEqual(Float64Array.of(0.5, 1, 0.5, 0));
    expect(losses).toEqual(Float64Array.of(Math.log(2), 800));
    const gradLogits = new Float64Array(4);
    crossEntropyRowsBackward(gradLogits, Float64Array.of(2, 10), p, q, sizes);
    expect(gradLogits).toEqual(Float64Array.of(-1, 10, 1, -10));
  });

  test("a share of 0 adds nothing, even where log p is −∞", () => {
    const losses = new Float64Array(1);
    const sizes = { outer: 1, classes: 2, inner: 1 };
    crossEntropyRows(new Float64Array(2), losses, Float64Array.of(-Infinity, 3), Float64Array.of(0, 1), sizes);
    expect(losses).toEqual(Float64Array.of(0));
  });
});
