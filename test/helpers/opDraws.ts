/** How a case of an op is drawn: shapes, dims and values, and the builders that the tables of cases use. */
import fc from "fast-check";
import { NdArray, range, sizeOf } from "../../src/autograd/index.ts";
import type { Num, Shape, Traced } from "../../src/autograd/index.ts";
import { arrayOf, shapes, values } from "./generators.ts";
import { given } from "./given.ts";
import type { GenericForward, GenericTrace } from "./laws.ts";
import { groupwiseLoop, mapLoop, reduceLoop, zipLoop } from "./loops.ts";

export interface OpCase {
  readonly inputs: readonly NdArray[];
  readonly f: GenericForward;
  /** What plain loops answer. */
  readonly expected: NdArray;
  /** The primitive rule, where the op is one. */
  readonly trace?: GenericTrace;
}

type UnaryFormula = <A extends Num<A>>(x: A) => A;
type BinaryFormula = <A extends Num<A>>(a: A, b: A) => A;
type UnaryRule = <A extends Num<A>>(x: A) => Traced<A, readonly [A]>;
type BinaryRule = <A extends Num<A>>(a: A, b: A) => Traced<A, readonly [A, A]>;

export const positive: fc.Arbitrary<number> = values().map(Math.abs);
/** Odd sixteenths: they keep away from 0 and from bounds in eighths, where ops have kinks. */
export const offKinks: fc.Arbitrary<number> = fc.integer({ min: -24, max: 23 }).map((k) => (2 * k + 1) / 16);

/** Values of which no two are within an eighth: there is one largest, and differences do not change which. */
export function distinctArray(shape: Shape): fc.Arbitrary<NdArray> {
  const size = sizeOf(shape);
  return fc.shuffledSubarray(range(size), { minLength: size, maxLength: size }).map(
    (order) =>
      new NdArray(
        Float64Array.from(order, (k) => (2 * k + 1 - size) / 16),
        [...shape],
      ),
  );
}

export function oneInput(x: NdArray, f: UnaryFormula, expected: NdArray, rule?: UnaryRule): OpCase {
  return {
    inputs: [x],
    f: (inputs) => f(given(inputs[0])),
    expected,
    ...(rule && { trace: (inputs) => rule(given(inputs[0])) }),
  };
}

export function twoInputs(a: NdArray, b: NdArray, f: BinaryFormula, expected: NdArray, rule?: BinaryRule): OpCase {
  return {
    inputs: [a, b],
    f: (inputs) => f(given(inputs[0]), given(inputs[1])),
    expected,
    ...(rule && { trace: (inputs) => rule(given(inputs[0]), given(inputs[1])) }),
  };
}

export const anyShape = (minDims = 0): fc.Arbitrary<number[]> => shapes({ minDims, maxDims: 3, maxSize: 3 });

export const elementwise = (
  f: UnaryFormula,
  loop: (value: number) => number,
  rule?: UnaryRule,
  of: fc.Arbitrary<number> = values(),
): fc.Arbitrary<OpCase> =>
  anyShape()
    .chain((shape) => arrayOf(shape, of))
    .map((x) => oneInput(x, f, mapLoop(x, loop), rule));

/** A shape that broadcasts to `shape`. */
export function broadcastingTo(shape: Shape): fc.Arbitrary<number[]> {
  return fc
    .tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }))
    .map(([drop, ones]) => shape.map((size, dim) => (ones[dim] ? 1 : size)).slice(drop));
}

export const broadcasting = (
  f: BinaryFormula,
  loop: (a: number, b: number) => number,
  rule: BinaryRule,
): fc.Arbitrary<OpCase> =>
  anyShape()
    .chain((shape) => fc.tuple(broadcastingTo(shape), broadcastingTo(shape)))
    .chain(([a, b]) => fc.tuple(arrayOf(a), arrayOf(b)))
    .map(([a, b]) => twoInputs(a, b, f, zipLoop(a, b, loop), rule));

/** Any set of dims in any order, counted from either end, or none given. */
export function dimsOf(ndim: number): fc.Arbitrary<number[] | undefined> {
  const some = fc
    .tuple(fc.shuffledSubarray(range(ndim)), fc.array(fc.boolean(), { minLength: ndim, maxLength: ndim }))
    .map(([dims, fromEnd]) => dims.map((dim) => (fromEnd[dim] ? dim - ndim : dim)));
  return fc.option(some, { nil: undefined });
}

export const dimOf = (ndim: number): fc.Arbitrary<number> => fc.integer({ min: -ndim, max: ndim - 1 });
export const fromFront = (dim: number, ndim: number): number => (dim < 0 ? dim + ndim : dim);
export const allFromFront = (dims: readonly number[] | undefined, ndim: number): number[] =>
  dims?.map((dim) => fromFront(dim, ndim)) ?? range(ndim);

export const reducing = (
  f: (dims: readonly number[] | undefined, keepdim: boolean) => UnaryFormula,
  loop: (values: readonly number[]) => number,
  rule?: (dims: readonly number[] | undefined, keepdim: boolean) => UnaryRule,
  draw: (shape: Shape) => fc.Arbitrary<NdArray> = arrayOf,
): fc.Arbitrary<OpCase> =>
  anyShape()
    .chain((shape) => fc.tuple(draw(shape), dimsOf(shape.length), fc.boolean()))
    .map(([x, dims, keepdim]) =>
      oneInput(x, f(dims, keepdim), reduceLoop(x, allFromFront(dims, x.ndim), keepdim, loop), rule?.(dims, keepdim)),
    );

export const along = (
  f: (dim: number) => UnaryFormula,
  loop: (value: number, group: readonly number[]) => number,
  rule: (dim: number) => UnaryRule,
): fc.Arbitrary<OpCase> =>
  anyShape(1)
    .chain((shape) => fc.tuple(arrayOf(shape), dimOf(shape.length)))
    .map(([x, dim]) => oneInput(x, f(dim), groupwiseLoop(x, [fromFront(dim, x.ndim)], loop), rule(dim)));
