import fc from "fast-check";
import { describe, test } from "vitest";
import { erf } from "../../src/autograd/erf.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import type { Tracked } from "../../src/gradcheck/tracked.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { breaks } from "../helpers/planted.ts";
import { OUTSIDE } from "./trackedLaws.ts";

/** A function of one or two tracked numbers, and the same on exact ones. */
interface Scalar {
  readonly bound: (field: Field<Tracked>, x: Tracked, y: Tracked) => Tracked;
  readonly plain: (x: number, y: number) => number;
  readonly exact: (x: DoubleDouble, y: DoubleDouble) => DoubleDouble;
}

const scalars: Readonly<Record<string, Scalar>> = {
  add: { bound: (f, x, y) => f.add(x, y), plain: (x, y) => x + y, exact: doubleDouble.add },
  sub: { bound: (f, x, y) => f.sub(x, y), plain: (x, y) => x - y, exact: doubleDouble.sub },
  mul: { bound: (f, x, y) => f.mul(x, y), plain: (x, y) => x * y, exact: doubleDouble.mul },
  div: { bound: (f, x, y) => f.div(x, y), plain: (x, y) => x / y, exact: doubleDouble.div },
  sqrt: {
    bound: (f, x) => f.pow(x, 0.5),
    plain: (x) => Math.sqrt(Math.max(0, x)),
    exact: (x) => doubleDouble.pow(x, 0.5),
  },
  rsqrt: { bound: (f, x) => f.rsqrtOrZero(x), plain: (x) => 1 / Math.sqrt(x), exact: doubleDouble.rsqrtOrZero },
  exp: { bound: (f, x) => f.exp(x), plain: Math.exp, exact: doubleDouble.exp },
  log: { bound: (f, x) => f.log(x), plain: Math.log, exact: doubleDouble.log },
  tanh: { bound: (f, x) => f.tanh(x), plain: Math.tanh, exact: doubleDouble.tanh },
  erf: { bound: (f, x) => f.erf(x), plain: erf, exact: doubleDouble.erf },
  ...Object.fromEntries(
    [3, 2, 0.3, -1, -2.5].map((p): [string, Scalar] => [
      `pow ${p}`,
      { bound: (f, x) => f.pow(x, p), plain: (x) => x ** p, exact: (x) => doubleDouble.pow(x, p) },
    ]),
  ),
};

interface Uncertain {
  readonly exact: number;
  readonly error: number;
  /** Where in the error the tracked number is, and where that of another order: from −1 to 1. */
  readonly own: number;
  readonly other: number;
}

/** Binary fractions, so that exact ± error is no rounded number. */
const uncertain: fc.Arbitrary<Uncertain> = fc.record({
  exact: fc.integer({ min: 1, max: 4096 }).map((k) => k / 1024),
  error: fc.constantFrom(0, 2 ** -40, 2 ** -20, 2 ** -8, 0.125, 0.25),
  own: fc.constantFrom(-1, -0.75, 0, 0.5, 1),
  other: fc.constantFrom(-1, -0.5, 0, 0.75, 1),
});

function scalarLaw(name: string, field: Field<Tracked> = tracked): (operands: readonly [Uncertain, Uncertain]) => void {
  const { bound, plain, exact } = given(scalars[name]);
  return ([x, y]) => {
    const own = ({ exact: t, error, own: at }: Uncertain): Tracked => ({ value: t + at * error, error });
    const other = ({ exact: t, error, other: at }: Uncertain): number => t + at * error;
    const { value, error } = bound(field, own(x), own(y));
    const target = exact(doubleDouble.of(x.exact), doubleDouble.of(y.exact));
    for (const found of [value, plain(other(x), other(y))]) {
      const off = Math.abs(found - target.hi - target.lo);
      if (off <= error || error === Infinity) continue;
      throw new Error(`${name}: outside of the bound, off by ${off}, bound ${error}`);
    }
  };
}

const pairs = fc.tuple(uncertain, uncertain);

describe("every number within the error of the exact one", () => {
  test.each(Object.keys(scalars))("stays within the bound under %s", (name) => holds(pairs, scalarLaw(name), 1000));

  // The formulas of first order, good for the tracked number alone.
  const firstOrder: readonly (readonly [string, Partial<Field<Tracked>>])[] = [
    [
      "mul",
      {
        mul: (x, y) => ({ value: x.value * y.value, error: Math.abs(x.value) * y.error + Math.abs(y.value) * x.error }),
      },
    ],
    [
      "div",
      {
        div: (x, y) => ({
          value: x.value / y.value,
          error: (x.error + Math.abs(x.value / y.value) * y.error) / Math.abs(y.value),
        }),
      },
    ],
    ["sqrt", { pow: (x) => ({ value: Math.sqrt(x.value), error: x.error / (2 * Math.sqrt(x.value)) }) }],
    ["exp", { exp: (x) => ({ value: Math.exp(x.value), error: Math.exp(x.value) * x.error }) }],
    ["log", { log: (x) => ({ value: Math.log(x.value), error: x.error / x.value }) }],
    ["pow 3", { pow: (x) => ({ value: x.value ** 3, error: 3 * x.value ** 2 * x.error }) }],
    ["pow -1", { pow: (x) => ({ value: 1 / x.value, error: x.error / x.value ** 2 }) }],
  ];

  test.each(firstOrder)("leaves a bound of first order behind: %s", (name, wrong) => {
    breaks(pairs, scalarLaw(name, { ...tracked, ...wrong }), OUTSIDE, 1000);
  });
});
