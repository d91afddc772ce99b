import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { erf } from "../../src/autograd/erf.ts";
import { fixed, over, squareRoot, times, toNumber } from "../helpers/fixedPoint.ts";
import type { Fixed } from "../helpers/fixedPoint.ts";
import { holds } from "../helpers/generators.ts";
import { breaks } from "../helpers/planted.ts";

const PI_DIGITS =
  314159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798n;
const TWO_OVER_ROOT_PI = over(fixed(2), squareRoot((PI_DIGITS * fixed(1)) / 10n ** 101n));

/** (2/√π) Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1)) in 200 bits: its terms reach 2⁷⁰ at x = 7 and leave 130 bits. */
function exactErf(x: number): Fixed {
  const square = times(fixed(x), fixed(x));
  let sum = 0n;
  for (let n = 0n, power = fixed(x); power / (2n * n + 1n) !== 0n; n++) {
    sum += power / (2n * n + 1n);
    power = -times(power, square) / (n + 1n);
  }
  return times(TWO_OVER_ROOT_PI, sum);
}

/** The bound that the docstring states, and that of the value itself where it is small. */
function expectExact(f: (x: number) => number, x: number): void {
  const exact = exactErf(x);
  const error = Math.abs(toNumber(fixed(f(x)) - exact));
  if (!(error <= 2e-15 * Math.max(Math.abs(toNumber(exact)), 1e-30))) throw new Error(`erf: off by ${error} at ${x}`);
}

const anywhere = fc.double({ min: -7, max: 7, noNaN: true });

describe("erf", () => {
  test("is within 2e-15 of the exact value, times that value", () => {
    holds(anywhere, (x) => expectExact(erf, x), 1000);
    holds(fc.integer({ min: -7000, max: 7000 }), (k) => expectExact(erf, k / 1000), 1000);
  });

  test("an error of 1e-14 would be found, on either side of the two formulas' border", () => {
    const sides = [fc.double({ min: 0, max: 2, noNaN: true }), fc.double({ min: 2, max: 6, noNaN: true })];
    for (const side of sides) breaks(side, (x) => expectExact((at) => erf(at) * (1 + 1e-14), x), /erf: off by/);
  });

  test("is odd, and does not fall", () => {
    holds(fc.tuple(anywhere, anywhere), ([a, b]) => {
      expect(erf(-a)).toBe(-erf(a));
      expect(erf(Math.max(a, b)) - erf(Math.min(a, b))).toBeGreaterThanOrEqual(-2e-15);
    });
  });

  test("has the digits of a table (DLMF 7, erf 0.5, 1, 2, 3)", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
    expect(erf(1)).toBeCloseTo(0.8427007929497149, 15);
    expect(erf(2)).toBeCloseTo(0.9953222650189527, 15);
    expect(erf(3)).toBeCloseTo(0.9999779095030014, 15);
  });

  test("keeps zeros, tiny numbers, limits and NaN", () => {
    expect([0, -0, 1e-300, 6, 7, -7, Infinity, -Infinity, NaN].map(erf)).toEqual([
      0,
      -0,
      1.1283791670955126e-300,
      1,
      1,
      -1,
      1,
      -1,
      NaN,
    ]);
  });
});
