import { describe, expect, test } from "vitest";
import { mapGradients, mapValues, reluForward, reluGradInput } from "../../src/kernels/pointwise.ts";

describe.each([{ Float: Float32Array }, { Float: Float64Array }])("on a $Float.name", ({ Float }) => {
  test("mapValues answers f of every value", () => {
    expect(mapValues(Float.of(1, -2, 3), (x) => x * x)).toEqual(Float.of(1, 4, 9));
  });

  test("mapGradients multiplies the gradient with the slope at x and y", () => {
    expect(mapGradients(Float.of(1, 10), Float.of(2, 3), Float.of(5, 7), (x, y) => x + y)).toEqual(Float.of(7, 100));
  });

  test("reluForward keeps what is not at most zero, NaN included", () => {
    expect(reluForward(Float.of(-1, -0, 0, 2, NaN, -Infinity))).toEqual(Float.of(0, 0, 0, 2, NaN, 0));
  });

  test("reluGradInput selects gradients without a product", () => {
    expect(reluGradInput(Float.of(Infinity, 4, NaN, 6), Float.of(-1, 0, -3, 5))).toEqual(Float.of(0, 0, 0, 6));
  });
});
