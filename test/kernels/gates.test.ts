import { describe, expect, test } from "vitest";
import { gruGates, gruGatesBackward, lstmGates, lstmGatesBackward } from "../../src/kernels/gates.ts";

/** Far where σ and tanh are 0 or ±1 to the last bit, so that every answer is exact. */
const [OPEN, SHUT] = [900, -900];
const sizes = { rows: 2, size: 2 };

describe("lstmGates", () => {
  test("open and shut gates pass and stop, each in its place, without overflow", () => {
    // rows of i, f, g, o with two cells each
    const a = Float64Array.from(
      [
        [OPEN, SHUT, SHUT, OPEN, OPEN, OPEN, OPEN, SHUT],
        [OPEN, OPEN, OPEN, SHUT, SHUT, SHUT, SHUT, OPEN],
      ].flat(),
    );
    const [out, saved] = [new Float64Array(8), new Float64Array(20)];
    lstmGates(out, saved, a, Float64Array.of(5, 6, 7, 8), sizes);
    expect(Array.from(out)).toEqual([Math.tanh(1), 0, 1, 6, 0, -Math.tanh(1), 6, -1]);
    expect(Array.from(saved.subarray(10))).toEqual([1, 1, 1, 0, -1, -1, 0, 1, Math.tanh(6), -Math.tanh(1)]);
  });

  test("backward: with all gates half open, g = 0 and c = 0, every path by hand", () => {
    const [out, saved] = [new Float64Array(2), new Float64Array(5)];
    const one = { rows: 1, size: 1 };
    lstmGates(out, saved, new Float64Array(4), new Float64Array(1), one);
    expect(Array.from(saved)).toEqual([0.5, 0.5, 0, 0.5, 0]);
    const [gradA, gradC] = [new Float64Array(4), new Float64Array(1)];
    lstmGatesBackward(gradA, gradC, Float64Array.of(2, 3), saved, Float64Array.of(7), one);
    expect(Array.from(gradA)).toEqual([0, 4 * 7 * 0.25, 4 * 0.5, 0]); // what reaches c′ is 3 + 2 · ½
    expect(Array.from(gradC)).toEqual([2]);
  });
});

describe("gruGates", () => {
  test("open and shut gates take the candidate or the state, each in its place", () => {
    // rows of r, z, n with two cells each
    const u = Float64Array.of(OPEN, SHUT, SHUT, SHUT, 0, SHUT, OPEN, OPEN, OPEN, SHUT, OPEN, OPEN);
    const v = Float64Array.of(0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0);
    const [out, saved] = [new Float64Array(4), new Float64Array(12)];
    gruGates(out, saved, u, v, Float64Array.of(5, 6, 7, 8), sizes);
    expect(Array.from(out)).toEqual([Math.tanh(2), -1, 7, 1]);
  });

  test("backward: with r and z half open and n = 0, every path by hand", () => {
    const one = { rows: 1, size: 1 };
    const [gradU, gradV, gradH] = [new Float64Array(3), new Float64Array(3), new Float64Array(1)];
    const saved = Float64Array.of(0.5, 0.5, 0);
    gruGatesBackward(gradU, gradV, gradH, Float64Array.of(4), saved, Float64Array.of(0, 0, 3), Float64Array.of(6), one);
    expect(Array.from(gradU)).toEqual([2 * 3 * 0.25, 4 * 6 * 0.25, 2]);
    expect(Array.from(gradV)).toEqual([2 * 3 * 0.25, 4 * 6 * 0.25, 1]);
    expect(Array.from(gradH)).toEqual([2]);
  });
});
