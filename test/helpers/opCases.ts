/**
 * Every op of `Num` that has a derivative, as random draws: inputs, the op as a formula, what plain loops answer, and
 * the primitive rule where there is one of that name. Shapes, dims, indices and options are drawn too.
 */
import fc from "fast-check";
import { sizeOf } from "../../src/autograd/index.ts";
import type { NdArray } from "../../src/autograd/index.ts";
import * as rules from "../../src/autograd/rules.ts";
import { arrayOf, values } from "./generators.ts";
import { given } from "./given.ts";
import { groupwiseLoop, reduceLoop, total } from "./loops.ts";
import {
  allFromFront,
  along,
  anyShape,
  broadcasting,
  dimsOf,
  distinctArray,
  elementwise,
  offKinks,
  oneInput,
  positive,
  reducing,
} from "./opDraws.ts";
import type { OpCase } from "./opDraws.ts";
import { shapeOps } from "./shapeOpCases.ts";

/** ∫₀ˣ by Simpson's rule with 4,000 intervals: good to 1e-13 for |x| ≤ 4. */
function erfLoop(x: number): number {
  const step = x / 4000;
  const weight = (i: number): number => (i === 0 || i === 4000 ? 1 : i % 2 === 1 ? 4 : 2);
  const terms = Array.from({ length: 4001 }, (_, i) => weight(i) * Math.exp(-((i * step) ** 2)));
  return (2 / Math.sqrt(Math.PI)) * (step / 3) * total(terms);
}

const average = (group: readonly number[]): number => total(group) / group.length;
const shifted = (group: readonly number[]): number[] => group.map((value) => Math.exp(value - Math.max(...group)));
const squares = (group: readonly number[]): number => total(group.map((value) => (value - average(group)) ** 2));

const variance: fc.Arbitrary<OpCase> = fc.constantFrom(0, 1, 2).chain((correction) =>
  anyShape(1)
    .map((shape) => shape.map((size) => size + 1))
    .chain((shape) => fc.tuple(arrayOf(shape), dimsOf(shape.length), fc.boolean()))
    // A variance of n ≤ correction values has no derivative; those have a test of their own.
    .filter(([x, dims]) => sizeOf(allFromFront(dims, x.ndim).map((dim) => given(x.shape[dim]))) > correction)
    .map(([x, dims, keepdim]) =>
      oneInput(
        x,
        (array) => array.variance(dims, { correction, keepdim }),
        reduceLoop(x, allFromFront(dims, x.ndim), keepdim, (group) => squares(group) / (group.length - correction)),
        rules.variance(dims, correction, keepdim),
      ),
    ),
);

const center: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) => fc.tuple(arrayOf(shape), dimsOf(shape.length)))
  .map(([x, dims = []]) =>
    oneInput(
      x,
      (array) => array.center(dims),
      groupwiseLoop(x, allFromFront(dims, x.ndim), (value, group) => value - average(group)),
      rules.center(dims),
    ),
  );

const powers = [0, 1, 2, -1, 0.5, -0.5, 3, -2, 2.5].map((exponent): [string, fc.Arbitrary<OpCase>] => [
  `pow ${exponent}`,
  elementwise(
    (x) => x.pow(exponent),
    (value) => value ** exponent,
    rules.pow(exponent),
    Number.isInteger(exponent) ? values() : positive,
  ),
]);

/** By name: draws of each op. */
export const ops: Readonly<Record<string, fc.Arbitrary<OpCase>>> = {
  add: broadcasting(
    (a, b) => a.add(b),
    (a, b) => a + b,
    rules.add,
  ),
  sub: broadcasting(
    (a, b) => a.sub(b),
    (a, b) => a - b,
    rules.sub,
  ),
  mul: broadcasting(
    (a, b) => a.mul(b),
    (a, b) => a * b,
    rules.mul,
  ),
  div: broadcasting(
    (a, b) => a.div(b),
    (a, b) => a / b,
    rules.div,
  ),
  "add a number": elementwise(
    (x) => x.add(0.7),
    (x) => x + 0.7,
    rules.addNumber(0.7),
  ),
  "sub a number": elementwise(
    (x) => x.sub(0.7),
    (x) => x - 0.7,
  ),
  "mul by a number": elementwise(
    (x) => x.mul(-0.7),
    (x) => x * -0.7,
    rules.mulNumber(-0.7),
  ),
  "div by a number": elementwise(
    (x) => x.div(0.7),
    (x) => x / 0.7,
    rules.divNumber(0.7),
  ),
  ...Object.fromEntries(powers),
  neg: elementwise(
    (x) => x.neg(),
    (x) => -x,
    rules.neg,
  ),
  square: elementwise(
    (x) => x.square(),
    (x) => x * x,
    rules.square,
  ),
  sqrt: elementwise((x) => x.sqrt(), Math.sqrt, rules.sqrt, positive),
  rsqrt: elementwise(
    (x) => x.rsqrt(),
    (x) => 1 / Math.sqrt(x),
    rules.rsqrt,
    positive,
  ),
  rsqrtOrZero: elementwise(
    (x) => x.rsqrtOrZero(),
    (x) => 1 / Math.sqrt(x),
    rules.rsqrtOrZero,
    positive,
  ),
  exp: elementwise((x) => x.exp(), Math.exp, rules.exp),
  log: elementwise((x) => x.log(), Math.log, rules.log, positive),
  tanh: elementwise((x) => x.tanh(), Math.tanh, rules.tanh),
  erf: elementwise((x) => x.erf(), erfLoop, rules.erf),
  sigmoid: elementwise(
    (x) => x.sigmoid(),
    (x) => 1 / (1 + Math.exp(-x)),
    rules.sigmoid,
  ),
  relu: elementwise(
    (x) => x.relu(),
    (x) => Math.max(x, 0),
    undefined,
    offKinks,
  ),
  gelu: elementwise(
    (x) => x.gelu(),
    (x) => (x / 2) * (1 + erfLoop(x / Math.SQRT2)),
    rules.gelu,
  ),
  abs: elementwise((x) => x.abs(), Math.abs, rules.abs, offKinks),
  clamp: elementwise(
    (x) => x.clamp(-0.5, 1.25),
    (x) => Math.min(Math.max(x, -0.5), 1.25),
    rules.clamp(-0.5, 1.25),
    offKinks,
  ),
  sum: reducing((dims, keepdim) => (x) => x.sum(dims, keepdim), total, rules.sum),
  mean: reducing((dims, keepdim) => (x) => x.mean(dims, keepdim), average, rules.mean),
  max: reducing(
    (dims, keepdim) => (x) => x.max(dims, keepdim),
    (group) => Math.max(...group),
    undefined,
    distinctArray,
  ),
  min: reducing(
    (dims, keepdim) => (x) => x.min(dims, keepdim),
    (group) => Math.min(...group),
    undefined,
    distinctArray,
  ),
  variance,
  center,
  softmax: along(
    (dim) => (x) => x.softmax(dim),
    (value, group) => Math.exp(value - Math.max(...group)) / total(shifted(group)),
    rules.softmax,
  ),
  logSoftmax: along(
    (dim) => (x) => x.logSoftmax(dim),
    (value, group) => value - Math.max(...group) - Math.log(total(shifted(group))),
    rules.logSoftmax,
  ),
  ...shapeOps,
};

/** A case, two directions to move the inputs in, and weights for the output. */
export interface DirectedCase extends OpCase {
  readonly tangents: readonly NdArray[];
  readonly others: readonly NdArray[];
  readonly gradOutput: NdArray;
  readonly gradOutputTangent: NdArray;
}

export function directed(cases: fc.Arbitrary<OpCase>): fc.Arbitrary<DirectedCase> {
  return cases.chain((drawn) => {
    const likeInputs = fc.tuple(...drawn.inputs.map((input) => arrayOf(input.shape)));
    const likeOutput = arrayOf(drawn.expected.shape);
    return fc
      .tuple(likeInputs, likeInputs, likeOutput, likeOutput)
      .map(([tangents, others, gradOutput, gradOutputTangent]) => ({
        ...drawn,
        tangents,
        others,
        gradOutput,
        gradOutputTangent,
      }));
  });
}
