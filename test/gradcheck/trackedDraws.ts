/** Formulas and inputs whose rounding errors are to be bounded. */
import fc from "fast-check";
import type { NdArray, Num } from "../../src/autograd/index.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import type { Tracked } from "../../src/gradcheck/tracked.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { arrayOf, values } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import type { Profile } from "../helpers/normDraws.ts";
import { ops } from "../helpers/opCases.ts";
import { expectWithinBound } from "./trackedLaws.ts";
import type { Formula, Seen } from "./trackedLaws.ts";

export interface TrackedDraw {
  readonly what: string;
  readonly formula: Formula;
  readonly inputs: readonly NdArray[];
}

type Step = <A extends Num<A>>(x: A) => A;

/** Each answers x, but for rounding: inputs that carry errors and yet stay where an op is smooth. */
const roundabout: readonly Step[] = [
  (x) => x.div(3).mul(3),
  (x) => x.add(0.1).sub(0.1),
  (x) => x.add(1e4).sub(1e4),
  (x) => x.add(1e8).sub(1e8),
  (x) => x.mul(0.25).exp().log().mul(4),
  (x) => {
    const root = x.square().add(1).sqrt();
    return x.mul(root).div(root);
  },
  (x) => {
    const mean = x.mean(undefined, true);
    return x.sub(mean).add(mean);
  },
];

const detours = fc.array(fc.constantFrom(...roundabout), { maxLength: 3 });

/** An op of `Num`, by its name in opCases.ts, and where it has a rule its pullback, on inputs that carry errors. */
export function opDraws(name: string): fc.Arbitrary<TrackedDraw> {
  return fc
    .tuple(given(ops[name]), detours, fc.boolean())
    .chain(([{ inputs, f, expected, trace }, steps, backward]) => {
      const carrying = <A extends Num<A>>(arrays: readonly A[]): A[] =>
        arrays.map((array) => steps.reduce((x, step) => step(x), array));
      const op: TrackedDraw = { what: name, formula: (arrays) => [f(carrying(arrays))], inputs };
      if (!trace || !backward) return fc.constant(op);
      return arrayOf(expected.shape).map((gradOutput) => ({
        what: `pullback of ${name}`,
        formula: (arrays) => {
          const [g, ...rest] = carrying(arrays);
          return trace(rest)
            .pullback(given(g))
            .filter((gradient) => gradient !== null);
        },
        inputs: [gradOutput, ...inputs],
      }));
    });
}

type Move = <A extends Num<A>>(x: A, y: A) => A;

const ROWS = 3;
const COLUMNS = 4;
const scattered = Int32Array.of(3, 0, -1, 7, 7, 11, 2, 5, 1, 9, -1, 4);

/** From two arrays [3, 4] to one that is not much larger. None of them chooses by value. */
const moves: Readonly<Record<string, Move>> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y.tanh()),
  div: (x, y) => x.div(y.square().add(0.5)),
  exp: (x) => x.tanh().exp(),
  log: (x) => x.square().add(0.1).log(),
  erf: (x) => x.erf(),
  sqrt: (x, y) => x.square().add(y.square()).add(0.01).sqrt(),
  rsqrt: (x) => x.square().add(0.2).rsqrt(),
  rsqrtOrZero: (x) => x.square().add(0.2).rsqrtOrZero(),
  pow: (x, y) => x.tanh().pow(3).add(y.square().add(1).pow(-1.5)),
  sigmoid: (x) => x.sigmoid(),
  gelu: (x) => x.tanh().gelu(),
  softmax: (x) => x.softmax(-1),
  logSoftmax: (x) => x.tanh().logSoftmax(0),
  center: (x) => x.center([0]),
  centerAll: (x, y) => x.add(y).center([1, 0]),
  mean: (x) => x.sub(x.mean([1], true)),
  sum: (x, y) => x.add(y.sum([0]).mul(0.3)),
  variance: (x) => x.div(x.variance([1], { keepdim: true }).add(1)),
  matmul: (x, y) => x.tanh().matmul(y.tanh().transpose(0, 1)).matmul(x),
  permute: (x) => x.permute([1, 0]).reshape([ROWS, COLUMNS]),
  concat: (x, y) => x.concat([y], 0).slice(0, 0, 2 * ROWS, 2),
  scatter: (x) =>
    x
      .reshape([-1])
      .putAdd(scattered, ROWS * COLUMNS)
      .take(scattered)
      .reshape([ROWS, COLUMNS]),
  pad: (x, y) =>
    x
      .pad([1, 0, 0, 1])
      .slice(0, 1, 1 + ROWS)
      .slice(1, 0, COLUMNS)
      .add(y),
  stack: (x, y) => x.stack([y], 1).mean([1]),
  offset: (x) => x.add(1e5),
};

/** A dozen ops in a row, each on the results of earlier ones. */
export const chainDraws: fc.Arbitrary<TrackedDraw> = fc
  .record({
    start: fc.tuple(arrayOf([ROWS, COLUMNS], values()), arrayOf([ROWS, COLUMNS], values())),
    steps: fc.array(fc.tuple(fc.constantFrom(...Object.keys(moves)), fc.nat(9), fc.nat(9)), {
      minLength: 1,
      maxLength: 12,
    }),
  })
  .map(({ start, steps }) => ({
    what: steps.map(([name, i, j]) => `${name}(${i}, ${j})`).join(" "),
    inputs: start,
    formula: (inputs) => {
      const results = [...inputs];
      const recent = <A>(list: readonly A[], back: number): A => given(list.at(-1 - (back % list.length)));
      for (const [name, i, j] of steps) results.push(given(moves[name])(recent(results, i), recent(results, j)));
      return results.slice(inputs.length);
    },
  }));

/** Means from 0 to 1e8, variances near eps and far below it, constant sets (spread 0), sets of a few neighbours. */
export const hard: Profile = {
  eps: [1e-5, 0, 1e-3],
  ranges: [
    { offset: 0, spread: 1 },
    { offset: 1e2, spread: 1 },
    { offset: 1e4, spread: 1 },
    { offset: -1e6, spread: 1 },
    { offset: 1e8, spread: 1 },
    { offset: 0, spread: 2e-3 },
    { offset: 1e4, spread: 1e-3 },
    { offset: 7.3, spread: 0 },
    { offset: 1e8, spread: 0 },
    { offset: 1e8, spread: 1e-8 },
    { offset: 0, spread: 1e6 },
  ],
};

/** What the law has seen of a draw. */
export function law({ what, formula, inputs }: TrackedDraw, field: Field<Tracked> = tracked): Seen {
  return expectWithinBound(what, formula, inputs, field);
}

/** The output of a norm and its gradients by the hand-derived backward. */
export function backwardOf({ trace }: NormCase): Formula {
  return ([gradOutput, ...inputs]) => {
    const { output, pullback } = trace(inputs);
    return [output, ...pullback(given(gradOutput)).filter((gradient) => gradient !== null)];
  };
}
