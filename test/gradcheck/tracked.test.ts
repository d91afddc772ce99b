import { describe, expect, test } from "vitest";
import { Generator, NdArray } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import type { Tracked } from "../../src/gradcheck/tracked.ts";
import {
  batchNormDescriptor,
  groupNormDescriptor,
  instanceNormDescriptor,
  layerNormDescriptor,
  normDescriptors,
} from "../../src/norms/index.ts";
import { holds, SEED } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { normDraws } from "../helpers/normDraws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { ops } from "../helpers/opCases.ts";
import { backwardOf, chainDraws, hard, law, opDraws } from "./trackedDraws.ts";
import {
  expectResultsWithinBound,
  expectWithinBound,
  gradientsByDuals,
  joinField,
  joinPlain,
  OUTSIDE,
  read,
} from "./trackedLaws.ts";
import type { Formula } from "./trackedLaws.ts";

const names = Object.keys(ops);
const described = normDescriptors.map((descriptor) => [descriptor.name, descriptor] as const);

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
    // DynamicTanh has no statistics: each cell is a set of its own.
    const sizes = descriptor.name === "dynamicTanh" ? ["one value"] : ["two values", "many values"];
    const kinds = ["constant", "mean 1e8", "variance near eps", "few neighbours", "eps 0", ...sizes];
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
    // The others let the mean through: at 1e8 their gradients are what cancellation leaves.
    for (const descriptor of [batchNormDescriptor, layerNormDescriptor, instanceNormDescriptor, groupNormDescriptor]) {
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
