import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { averageWindows, averageWindowsGrad, largestOfWindows } from "../../src/kernels/pool2d.ts";
import type { PoolWindows } from "../../src/kernels/pool2d.ts";
import { holds, values } from "../helpers/generators.ts";

interface Setting {
  readonly planes: number;
  readonly planeSize: number;
  readonly windows: PoolWindows;
  readonly divisors: Float64Array;
}

/** Any windows at all, overlapping and repeated, each of at least one cell. */
const settings: fc.Arbitrary<Setting> = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 6 }))
  .chain(([planes, planeSize]) =>
    fc
      .array(fc.array(fc.nat(planeSize - 1), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 })
      .map((lists) => {
        const starts = Int32Array.from([0, ...lists.map((_, i) => lists.slice(0, i + 1).flat().length)]);
        const divisors = Float64Array.from(lists, (list) => list.length + 0.5);
        return { planes, planeSize, windows: { cells: Int32Array.from(lists.flat()), starts }, divisors };
      }),
  );

function numbers(length: number): fc.Arbitrary<Float64Array> {
  return fc.array(values(), { minLength: length, maxLength: length }).map((data) => Float64Array.from(data));
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);

describe("averageWindowsGrad", () => {
  const drawn = settings.chain((setting) =>
    fc.tuple(
      fc.constant(setting),
      numbers(setting.planes * setting.planeSize),
      numbers(setting.planes * setting.divisors.length),
    ),
  );

  test("is adjoint to averageWindows: ⟨g, A·x⟩ = ⟨Aᵀ·g, x⟩", () => {
    holds(drawn, ([{ planes, planeSize, windows, divisors }, x, g]) => {
      const forward = dot(g, averageWindows(x, planes, planeSize, windows, divisors));
      const backward = dot(averageWindowsGrad(g, planes, planeSize, windows, divisors), x);
      expect(Math.abs(forward - backward)).toBeLessThan(1e-12); // 60 terms of at most 10 round by 60 · 10 · 1e-16
    });
  });

  test("answers float32 for float32, of the same sums", () => {
    holds(drawn, ([{ planes, planeSize, windows, divisors }, x, g]) => {
      for (const [kernel, data] of [
        [averageWindows, x],
        [averageWindowsGrad, g],
      ] as const) {
        const narrow = Float32Array.from(data);
        const wide = kernel(Float64Array.from(narrow), planes, planeSize, windows, divisors);
        expect(kernel(narrow, planes, planeSize, windows, divisors)).toEqual(Float32Array.from(wide));
      }
    });
  });
});

describe("averageWindows", () => {
  test("divides the sum of each window by its own divisor", () => {
    const windows = { cells: Int32Array.of(0, 1, 2, 2), starts: Int32Array.of(0, 3, 4) };
    const output = averageWindows(Float64Array.of(1, 2, 6, 10, 20, 60), 2, 3, windows, Float64Array.of(3, 2));
    expect([...output]).toEqual([3, 3, 30, 30]);
  });
});

describe("largestOfWindows", () => {
  test("answers flat indices: of the first of equal values, and of the first NaN", () => {
    const windows = { cells: Int32Array.of(0, 1, 2, 2, 1), starts: Int32Array.of(0, 3, 5) };
    expect([...largestOfWindows([5, 7, 7, NaN, 9, NaN], 2, 3, windows)]).toEqual([1, 2, 3, 5]);
  });
});
