import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { erf } from "../../src/autograd/erf.ts";
import { Generator, NdArray } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { tracked, UNIT_ROUNDOFF } from "../../src/gradcheck/tracked.ts";
import type { Tracked } from "../../src/gradcheck/tracked.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { arrayOf, holds, SEED } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { normDraws } from "../helpers/normDraws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { ops } from "../helpers/opCases.ts";
import { breaks } from "../helpers/planted.ts";
import { chainDraws, hard, opDraws } from "./trackedDraws.ts";
import type { TrackedDraw } from "./trackedDraws.ts";
import {
  expectResultsWithinBound,
  expectWithinBound,
  gradientsByDuals,
  joinField,
  joinPlain,
  read,
} from "./trackedLaws.ts";
import type { Formula, Seen } from "./trackedLaws.ts";

const OUTSIDE = /outside of the bound/;
const names = Object.keys(ops);
const described = normDescriptors.map((descriptor) => [descriptor.name, descriptor] as const);

function law({ what, formula, inputs }: TrackedDraw, field: Field<Tracked> = tracked): Seen {
  return expectWithinBound(what, formula, inputs, field);
}

/** The output of a norm and its gradients by the hand-derived backward. */
function backwardOf({ trace }: NormCase): Formula {
  return ([gradOutput, ...inputs]) => {
    const { output, pullback } = trace(inputs);
    return [output, ...pullback(given(gradOutput)).filter((gradient) => gradient !== null)];
  };
}

const squareRoot = (x: Tracked): Tracked => tracked.pow(x, 0.5);

describe("tracked", () => {
  test.each(names)(
    "the bound of %s, and of its pullback, is never below the error of inputs that carry errors",
    (name) => {
      holds(opDraws(name), (draw) => void law(draw), 30);
    },
  );

  test("nor is the bound of a dozen ops in a row", () => {
    let components = 0;
    let unbounded = 0;
    holds(
      chainDraws,
      (draw) => {
        const seen = law(draw);
        components += seen.components;
        unbounded += seen.unbounded;
      },
      200,
    );
    expect(components).toBeGreaterThan(10_000);
    expect(unbounded).toBeLessThan(components / 1000); // the bound says something
  });

  test.each(described)("nor is the bound of %s's output and backward", (_, descriptor) => {
    const reached = new Map<string, number>();
    const reach = (kind: string): unknown => reached.set(kind, (reached.get(kind) ?? 0) + 1);
    holds(
      normDraws(descriptor, hard),
      (draw) => {
        classes(draw).forEach(reach);
        expectWithinBound(draw.normCase.label, backwardOf(draw.normCase), [draw.gradOutput, ...draw.inputs]);
      },
      120,
    );
    const kinds = ["constant", "mean 1e8", "variance near eps", "few neighbours", "eps 0", "two values", "many values"];
    for (const kind of kinds) expect(reached.get(kind) ?? 0, kind).toBeGreaterThan(0);
  });

  test.each(normDescriptors)(
    "nor is the bound of $name by duals, for duals and for the backward itself",
    (descriptor) => {
      holds(
        normDraws(descriptor, hard),
        ({ normCase, inputs, gradOutput }) => {
          const forward = <A extends Num<A>>(arrays: readonly A[]): A => normCase.trace(arrays).output;
          const byDuals = <S>(field: Field<S>): FieldArray<S>[] =>
            gradientsByDuals(forward, read(field, inputs), FieldArray.from(field, gradOutput), joinField);
          const exact = byDuals(doubleDouble);
          const bounds = byDuals(tracked);
          const plain = gradientsByDuals(forward, inputs, gradOutput, joinPlain);
          const backward = normCase.trace(inputs).pullback(gradOutput).map(given);
          expectResultsWithinBound("duals", plain, exact, bounds);
          expectResultsWithinBound("backward", backward, exact, bounds);
        },
        15,
      );
    },
  );

  test("holds for sums, means, centrings and matrix products in every order", () => {
    const random = new Generator(SEED);
    const wide = (shape: readonly number[]): NdArray => {
      const size = shape.reduce((a, b) => a * b, 1);
      return new NdArray(
        Float64Array.from({ length: size }, () => random.normal() * 10 ** (6 * random.uniform())),
        shape,
      );
    };
    const inputs = [wide([6, 50, 7]), wide([9, 40]), wide([40, 11])];
    const formula: Formula = ([x, a, b]) => {
      const orders = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
      const each = orders.flatMap((dims) => [given(x).sum(dims), given(x).mean(dims), given(x).center(dims)]);
      return [...each, given(a).matmul(given(b)), given(x).reshape([-1]).putAdd(new Int32Array(2100), 1)];
    };
    expectWithinBound("orders", formula, inputs);
    // Both sums have been rounded, and not alike: the test has compared two orders.
    const own = formula(read(tracked, inputs)).flatMap((array) => array.data.map(({ value }) => value));
    const plain = formula(inputs).flatMap((array) => [...array.data]);
    expect(own.filter((value, i) => value !== plain[i]).length).toBeGreaterThan(100);
    // A bound that is the true error of its own order would be too small for the other.
    const tight: Field<Tracked> = {
      ...tracked,
      sum: (terms) => {
        const { value } = tracked.sum(terms);
        const exact = terms.reduce<DoubleDouble>(
          (sum, x) => doubleDouble.add(sum, doubleDouble.of(x.value)),
          doubleDouble.zero,
        );
        return { value, error: Math.abs(value - exact.hi - exact.lo) };
      },
    };
    expect(() => expectWithinBound("orders", formula, inputs, tight)).toThrow(OUTSIDE);
  });

  test("is no larger than 1e-13 of the direct term of gradInput, at means from 0 to 1e8", () => {
    const ranges = [0, 1e4, 1e8].map((offset) => ({ offset, spread: 1 }));
    for (const descriptor of normDescriptors) {
      holds(normDraws(descriptor, { eps: [1e-5, 1], ranges }), ({ normCase, inputs, gradOutput }) => {
        const [gradInput] = normCase.trace(read(tracked, inputs)).pullback(FieldArray.from(tracked, gradOutput));
        const { direct } = normCase.trace(inputs).terms(gradOutput);
        const errors = given(gradInput).data.map(({ error }) => error);
        expect(Math.max(...errors)).toBeLessThanOrEqual(1e-13 * Math.max(...direct.data.map(Math.abs)));
      });
    }
  });

  test("is 0 where doubles are exact: constants centred, zero sums, a single term", () => {
    const third = tracked.div(tracked.of(1), tracked.of(3));
    expect(tracked.center([7.3, 7.3, 7.3].map(tracked.of))).toEqual([0, 0, 0].map(tracked.of));
    expect(tracked.center([third])).toEqual([tracked.of(0)]);
    expect(tracked.center([])).toEqual([]);
    expect(tracked.sum([])).toEqual(tracked.of(0));
    expect(tracked.sum([tracked.of(0.1)])).toEqual(tracked.of(0.1));
    expect(tracked.rsqrtOrZero(tracked.of(0))).toEqual(tracked.of(0));
    expect(tracked.pow(third, 0)).toEqual(tracked.of(1));
  });

  test("is rounded up, where its own sum is not a double", () => {
    const tiny = 2 ** -54;
    expect(tracked.sub({ value: 1, error: 1 }, { value: 1, error: tiny }).error).toBeGreaterThan(1);
    const many = Array.from({ length: 1000 }, () => ({ value: 0, error: tiny }));
    expect(tracked.sum([{ value: 0, error: 1 }, ...many]).error).toBeGreaterThan(1 + 1000 * tiny);
  });

  test("allows for terms of a sum that another order has put anywhere within their errors", () => {
    // Each of the small terms is rounded up to an ulp of 1; all are twice their exact values, and these are the errors.
    const other = [1, ...Array.from({ length: 999 }, () => 2 ** -53 * (1 + 2 ** -20))];
    const bound = tracked.sum(other.toReversed().map((value) => ({ value: 0, error: value / 2 })));
    const exact = other.reduceRight((sum, value) => sum + value / 2, 0);
    const found = other.reduce((sum, value) => sum + value, 0);
    expect(found).toBe(1 + 999 * 2 ** -52);
    expect(found - exact).toBeLessThanOrEqual(bound.error);
    expect(found - exact).toBeGreaterThan(0.999 * bound.error);
  });

  test("is infinite where nothing can be said", () => {
    const uncertain = { value: 1e-20, error: 1e-20 };
    const nothing = { value: 1, error: Infinity };
    expect(tracked.div(tracked.of(1), uncertain).error).toBe(Infinity);
    expect(tracked.log(uncertain).error).toBe(Infinity);
    expect(tracked.pow(uncertain, -1).error).toBe(Infinity);
    expect(tracked.rsqrtOrZero(uncertain).error).toBe(Infinity);
    expect(tracked.rsqrtOrZero({ value: 0, error: 1e-30 }).error).toBe(Infinity);
    for (const x of [
      nothing,
      tracked.div(tracked.of(0), tracked.of(0)),
      squareRoot(tracked.of(-1)),
      tracked.log(tracked.of(0)),
    ]) {
      expect(x.error).toBe(Infinity);
      for (const f of [squareRoot, tracked.exp, tracked.log, tracked.tanh, tracked.erf])
        expect(f(x).error).toBe(Infinity);
      expect(tracked.mul(x, tracked.of(2)).error).toBe(Infinity);
      expect(tracked.sum([x, tracked.of(1)]).error).toBe(Infinity);
      expect(tracked.center([x]).map(({ error }) => error)).toEqual([Infinity]);
    }
    expect(squareRoot({ value: 0, error: 1e-20 }).error).toBeCloseTo(1e-10, 20); // |√x − √0| ≤ √e
  });
});

/** What a draw of a norm puts to the test. */
function classes({ normCase, inputs, eps, offset, spread }: NormDraw): string[] {
  const { partition } = normCase;
  const sizes = new Map<number, number>();
  for (const set of partition) sizes.set(set, (sizes.get(set) ?? 0) + 1);
  const smallest = Math.min(...sizes.values());
  return [
    ...(spread === 0 ? ["constant"] : []),
    ...(offset === 1e8 && spread === 1 ? ["mean 1e8"] : []),
    ...(spread === 2e-3 && eps === 1e-5 ? ["variance near eps"] : []),
    ...(spread === 1e-8 && new Set(given(inputs[0]).data).size > 1 ? ["few neighbours"] : []),
    ...(eps === 0 ? ["eps 0"] : []),
    smallest === 1 ? "one value" : smallest === 2 ? "two values" : "many values",
  ];
}

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

describe("planted errors in tracked numbers", () => {
  type Spoil = (z: Tracked, units: number) => Tracked;
  const withoutOwn: Spoil = ({ value, error }, units) => {
    return { value, error: Math.max(0, error - 1.001 * units * UNIT_ROUNDOFF * Math.abs(value)) };
  };
  const onlyOwn: Spoil = ({ value }, units) => ({ value, error: units * UNIT_ROUNDOFF * Math.abs(value) });

  /** By the name of an op in opCases.ts, with the units u|z| that the step adds to what it passes on. */
  const spoiled: Readonly<Record<string, (how: Spoil) => Partial<Field<Tracked>>>> = {
    add: (how) => ({ add: (x, y) => how(tracked.add(x, y), 1) }),
    sub: (how) => ({ sub: (x, y) => how(tracked.sub(x, y), 1) }),
    mul: (how) => ({ mul: (x, y) => how(tracked.mul(x, y), 1) }),
    div: (how) => ({ div: (x, y) => how(tracked.div(x, y), 1) }),
    sqrt: (how) => ({ pow: (x, p) => how(tracked.pow(x, p), 1) }),
    "pow 3": (how) => ({ pow: (x, p) => how(tracked.pow(x, p), 3) }),
    rsqrtOrZero: (how) => ({ rsqrtOrZero: (x) => how(tracked.rsqrtOrZero(x), 2) }),
    exp: (how) => ({ exp: (x) => how(tracked.exp(x), 2) }),
    log: (how) => ({ log: (x) => how(tracked.log(x), 2) }),
    tanh: (how) => ({ tanh: (x) => how(tracked.tanh(x), 5) }),
    erf: (how) => ({ erf: (x) => how(tracked.erf(x), 20) }),
  };
  const rejects = (name: string, wrong: Partial<Field<Tracked>>): void => {
    breaks(opDraws(name), (draw) => void law(draw, { ...tracked, ...wrong }), OUTSIDE, 300);
  };

  test.each(Object.entries(spoiled))("%s without its own rounding is found", (name, spoil) => {
    rejects(name, spoil(withoutOwn));
  });

  test.each(Object.entries(spoiled))("%s without the error of its operands is found", (name, spoil) => {
    rejects(name, spoil(onlyOwn));
  });

  test("a sum as exact as one addition is found", () => {
    const sum = (terms: readonly Tracked[]): Tracked => onlyOwn(tracked.sum(terms), 1);
    rejects("sum", { sum });
  });

  test("a centring that passes on errors but makes none is found", () => {
    const center = (group: readonly Tracked[]): readonly Tracked[] =>
      tracked.center(group).map(({ value }, i) => ({ value, error: group[i]?.error ?? 0 }));
    rejects("center", { center });
  });

  test("tanh with the error of exp is found", () => {
    const tanh = (x: Tracked): Tracked => ({
      value: Math.tanh(x.value),
      error: x.error + 2 * UNIT_ROUNDOFF * Math.abs(Math.tanh(x.value)),
    });
    const draws = arrayOf([200], fc.double({ min: 0.1, max: 0.4, noNaN: true }));
    const property = (x: NdArray): void =>
      void expectWithinBound("tanh", ([a]) => [given(a).tanh()], [x], { ...tracked, tanh });
    breaks(draws, property, OUTSIDE, 200);
  });

  test.each(described)("a backward of %s that is off by one part in 1e12 is found", (_, descriptor) => {
    const property = ({ normCase, inputs, gradOutput }: NormDraw): void => {
      const formula = backwardOf(normCase);
      const all = [gradOutput, ...inputs];
      const wrong = formula(all).map((array) => array.mul(1 + 1e-12));
      expectResultsWithinBound("planted", wrong, formula(read(doubleDouble, all)), formula(read(tracked, all)));
    };
    breaks(normDraws(descriptor, hard), property, OUTSIDE);
  });
});
