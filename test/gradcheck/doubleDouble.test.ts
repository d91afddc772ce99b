import { describe, expect, test } from "vitest";
import { Generator } from "../../src/autograd/index.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { SEED } from "../helpers/generators.ts";
import { drawOperands, errorOf, KINDS, OPERATIONS } from "./doubleDoubleLaws.ts";
import type { Arithmetic, Counts, Operation } from "./doubleDoubleLaws.ts";
import { dyadic, exactly, lastBit, minus, ratio } from "./dyadic.ts";
import { elementary } from "./elementary.ts";
import { drawArgument, errorOfFunction } from "./elementaryLaws.ts";
import { FUNCTIONS, functionValues, normGradients } from "./reference.ts";
import { expectCorrectlyRounded } from "./correctlyRounded.ts";

const { add, mul, of } = doubleDouble;
const u = 2 ** -53;

/** Every operation on as many draws, in turn. */
function checkArithmetic(field: Arithmetic, operations: readonly Operation[], count: number): Counts {
  const random = new Generator(SEED);
  const counts: Counts = new Map();
  for (let i = 0; i < count; i++) {
    const operation = operations[i % operations.length] ?? "add";
    errorOf(operation, field, ...drawOperands(operation, random, counts));
  }
  return counts;
}

function checkFunctions(field: Field<DoubleDouble>): void {
  for (const name of FUNCTIONS) {
    for (const { x, expected } of functionValues(name)) errorOfFunction(name, field, x, expected);
  }
}

describe("doubleDouble", () => {
  test("add, sub, mul, div and sqrt stay within their published bounds, and are normalized", () => {
    const counts = checkArithmetic(doubleDouble, OPERATIONS, 20_000);
    // Every kind of operand has been drawn, many times.
    expect([...counts.keys()].toSorted()).toEqual([...KINDS].toSorted());
    expect(Math.min(...counts.values())).toBeGreaterThan(1000);
  });

  test("come as close to the bounds as the papers say", () => {
    // Joldes, Muller, Popescu: 2.25 u² for a sum, 8.465 u² for a quotient; the bound of the sum is approached.
    const sum = errorOf(
      "add",
      doubleDouble,
      { hi: 9007199254740991, lo: -9007199254740991 / 2 ** 54 },
      { hi: -9007199254740987 / 2, lo: -9007199254740991 / 2 ** 56 },
    );
    const worstSum = errorOf(
      "add",
      doubleDouble,
      { hi: 1, lo: u - u * u },
      { hi: -0.5 + u / 2, lo: -u * u * (0.5 - u) },
    );
    const quotient = errorOf(
      "div",
      doubleDouble,
      { hi: 4503607118141812, lo: 4493737176494969 / 2 ** 53 },
      { hi: 4503600552333684, lo: -562937972998161 / 2 ** 50 },
    );
    expect([sum, worstSum, quotient].map((error) => error.toFixed(4))).toEqual(["2.2500", "3.0000", "8.4656"]);
  });

  test("cancel completely to zero", () => {
    const third = doubleDouble.div(of(1), of(3));
    expect(doubleDouble.sub(third, third)).toEqual(of(0));
    expect(doubleDouble.mul(third, of(0))).toEqual(of(0));
  });

  test.each(FUNCTIONS)("%s is within 2⁻¹⁰¹ of mpmath's value, and normalized", (name) => {
    const values = functionValues(name);
    expect(values.length).toBeGreaterThan(80);
    for (const { x, expected } of values) errorOfFunction(name, doubleDouble, x, expected);
  });

  test.each(FUNCTIONS)("%s is within 2⁻¹⁰¹ of a value in fixed point at any argument", (name) => {
    const random = new Generator(SEED);
    for (let i = 0; i < 1000; i++) {
      const x = drawArgument(name, random);
      errorOfFunction(name, doubleDouble, x, elementary[name](exactly(x)));
    }
  });

  test.each(FUNCTIONS)("mpmath and fixed point agree on %s to 2⁻¹⁵⁰", (name) => {
    for (const { x, expected } of functionValues(name)) {
      const size = name === "log" ? Math.abs(x.hi - 1 + x.lo) : Math.abs(x.hi);
      if (size < 2 ** -60) continue;
      expect(ratio(minus(elementary[name](exactly(x)), expected), expected, 150)).toBeLessThan(1);
    }
  });

  test("functions at limits are those of Math", () => {
    const tiny = [0, -0, 5e-324, -1e-310];
    const large = [700, 709.7, 709.9, 711, 712, 713.5, 715, 720.5, 745, 746, 1e300, Infinity];
    const at = [...tiny, 1, ...large, ...large.map((x) => -x), NaN];
    for (const x of at) {
      for (const name of ["exp", "log", "tanh"] as const) {
        const expected = Math[name](x);
        const found = doubleDouble.value(doubleDouble[name](of(x)));
        if (Number.isFinite(expected))
          expect(Math.abs(found - expected)).toBeLessThanOrEqual(2 * u * Math.abs(expected));
        else expect(found).toBe(expected);
      }
    }
    expect([0, 10, -10, Infinity, -Infinity, NaN].map((x) => doubleDouble.erf(of(x)).hi)).toEqual([
      0,
      1,
      -1,
      1,
      -1,
      NaN,
    ]);
  });

  test("roots of zero, of infinity and of negative numbers are those of Math", () => {
    expect([0, Infinity, -1, NaN].map((x) => doubleDouble.pow(of(x), 0.5).hi)).toEqual([0, Infinity, NaN, NaN]);
    expect([0, -0, 4].map((x) => doubleDouble.value(doubleDouble.rsqrtOrZero(of(x))))).toEqual([0, 0, 0.5]);
  });

  test("beyond its range arithmetic answers NaN, not a wrong number", () => {
    expect(mul(of(1e301), of(2)).hi).toBeNaN();
    expect(add(of(Infinity), of(1)).hi).toBeNaN();
  });

  test("powers are products, roots and quotients; others agree with exp and log", () => {
    const x = doubleDouble.div(of(7), of(3));
    const one = exactly(of(1));
    const error = (exponent: number, inverse: DoubleDouble): number =>
      ratio(minus(exactly(mul(doubleDouble.pow(x, exponent), inverse)), one), one, 106);
    const root = doubleDouble.pow(x, 0.5);
    const reciprocal = doubleDouble.div(of(1), x);
    // A few roundings of at most 15u² each.
    expect(error(-1, x)).toBeLessThan(30);
    expect(error(1, reciprocal)).toBeLessThan(30);
    expect(error(5, mul(mul(mul(reciprocal, reciprocal), mul(reciprocal, reciprocal)), reciprocal))).toBeLessThan(150);
    expect(error(0.5, doubleDouble.div(of(1), root))).toBeLessThan(30);
    expect(error(-1.5, mul(x, root))).toBeLessThan(60);
    expect(error(0.25, doubleDouble.div(of(1), doubleDouble.pow(root, 0.5)))).toBeLessThan(60);
    expect(doubleDouble.pow(x, 0)).toEqual(of(1));
    const power = (base: number, exponent: number): number => doubleDouble.pow(of(base), exponent).hi;
    expect([power(0, 0.3), power(-8, 1 / 3), power(0, 2), power(0, -1)]).toEqual([0, NaN, 0, Infinity]);
  });

  test("gradients of the four norms are correctly rounded in every component, at means of 0, 1e4 and 1e8", () => {
    const components = normGradients().map((gradients) => expectCorrectlyRounded(gradients, doubleDouble));
    expect(components.length).toBe(36);
    expect(components.reduce((a, b) => a + b, 0)).toBe(780);
  });
});

describe("planted errors in double-double", () => {
  const sloppyAdd = (x: DoubleDouble, y: DoubleDouble): DoubleDouble => {
    const high = add(of(x.hi), of(y.hi));
    return add(of(high.hi), of(high.lo + (x.lo + y.lo)));
  };
  const planted: readonly (readonly [string, Operation, Partial<Arithmetic>])[] = [
    ["a sum of low parts that is rounded once (SloppyDWPlusDW)", "add", { add: sloppyAdd }],
    ["a difference whose second low part is ignored", "sub", { sub: (x, y) => doubleDouble.sub(x, of(y.hi)) }],
    ["a product without a cross term", "mul", { mul: (x, y) => mul(x, of(y.hi)) }],
    ["a quotient by the high part", "div", { div: (x, y) => doubleDouble.div(x, of(y.hi)) }],
    ["a root of the high part", "sqrt", { pow: (x, p) => doubleDouble.pow(of(x.hi), p) }],
    ["a sum off by 4u²", "add", { add: (x, y) => mul(add(x, y), { hi: 1, lo: 4 * u * u }) }],
    ["a product off by 6u²", "mul", { mul: (x, y) => mul(mul(x, y), { hi: 1, lo: 6 * u * u }) }],
    ["a quotient off by 16u²", "div", { div: (x, y) => mul(doubleDouble.div(x, y), { hi: 1, lo: 16 * u * u }) }],
    ["a root off by 4u²", "sqrt", { pow: (x, p) => mul(doubleDouble.pow(x, p), { hi: 1, lo: 4 * u * u }) }],
  ];

  test.each(planted)("%s is found", (_, operation, wrong) => {
    expect(() => checkArithmetic({ ...doubleDouble, ...wrong }, [operation], 4000)).toThrow(
      /at most the published bound/,
    );
  });

  test.each(OPERATIONS)("an unnormalized result of %s is found", (operation) => {
    const spoiled = ({ hi, lo }: DoubleDouble): DoubleDouble => ({
      hi: hi + 2 ** lastBit(hi),
      lo: lo - 2 ** lastBit(hi),
    });
    const field: Arithmetic = {
      add: (x, y) => spoiled(doubleDouble.add(x, y)),
      sub: (x, y) => spoiled(doubleDouble.sub(x, y)),
      mul: (x, y) => spoiled(doubleDouble.mul(x, y)),
      div: (x, y) => spoiled(doubleDouble.div(x, y)),
      pow: (x, p) => spoiled(doubleDouble.pow(x, p)),
    };
    expect(() => checkArithmetic(field, [operation], 4000)).toThrow(/expected a normalized result/);
  });

  test.each(FUNCTIONS)("an error of 2⁻¹⁰⁰ in %s is found", (name) => {
    const field = {
      ...doubleDouble,
      [name]: (x: DoubleDouble) => mul(doubleDouble[name](x), { hi: 1, lo: 64 * u * u }),
    };
    expect(() => checkFunctions(field)).toThrow(new RegExp(`^${name} of .* expected at most 32 u²`));
  });

  test("a logarithm that cancels near 1 is found", () => {
    // One Newton step from the double's logarithm with e⁻ʸ − 1 as a difference, as the first version had it.
    const log = (x: DoubleDouble): DoubleDouble => {
      const y = of(Math.log(x.hi));
      return add(y, doubleDouble.sub(mul(x, doubleDouble.exp(of(-y.hi))), of(1)));
    };
    expect(() => checkFunctions({ ...doubleDouble, log })).toThrow(/^log of .* expected at most/);
  });

  const rounding: readonly (readonly [string, Partial<Field<DoubleDouble>>])[] = [
    ["a root in doubles", { rsqrtOrZero: (x) => of(1 / Math.sqrt(x.hi)) }],
    ["a mean by a product with 1/n", { div: (x, y) => mul(x, of(1 / y.hi)) }],
    ["products in doubles", { mul: (x, y) => of(x.hi * y.hi) }],
    ["a centring in doubles", { center: (group) => doubleDouble.center(group).map((x) => of(x.hi)) }],
    ["sums in doubles", { sum: (terms) => of(terms.reduce((total, x) => total + x.hi, 0)) }],
  ];

  test.each(rounding)("%s is found by the gradients of the norms", (_, wrong) => {
    const field = { ...doubleDouble, ...wrong };
    const check = (): void => normGradients().forEach((gradients) => expectCorrectlyRounded(gradients, field));
    expect(check).toThrow(/expected the nearest double/);
  });

  test("a number that is not finite is no exact number", () => {
    expect(() => dyadic(NaN)).toThrow(/expected a finite number, got NaN/);
  });
});
