/**
 * Every op of `Num` that has a derivative, as random draws: inputs, the op as a formula, what plain loops answer, and
 * the primitive rule where there is one of that name. Shapes, dims, indices and options are drawn too.
 */
import fc from "fast-check";
import { NdArray, range, sizeOf } from "../../src/autograd/index.ts";
import type { Num, Shape, Traced } from "../../src/autograd/index.ts";
import * as rules from "../../src/autograd/rules.ts";
import { arrayOf, shapes, values } from "./generators.ts";
import { given } from "./given.ts";
import type { GenericForward, GenericTrace } from "./laws.ts";
import { fill, groupwiseLoop, mapLoop, matmulLoop, reduceLoop, repeatedAt, total, valueAt, zipLoop } from "./loops.ts";

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

function oneInput(x: NdArray, f: UnaryFormula, expected: NdArray, rule?: UnaryRule): OpCase {
  return {
    inputs: [x],
    f: (inputs) => f(given(inputs[0])),
    expected,
    ...(rule && { trace: (inputs) => rule(given(inputs[0])) }),
  };
}

function twoInputs(a: NdArray, b: NdArray, f: BinaryFormula, expected: NdArray, rule?: BinaryRule): OpCase {
  return {
    inputs: [a, b],
    f: (inputs) => f(given(inputs[0]), given(inputs[1])),
    expected,
    ...(rule && { trace: (inputs) => rule(given(inputs[0]), given(inputs[1])) }),
  };
}

const anyShape = (minDims = 0): fc.Arbitrary<number[]> => shapes({ minDims, maxDims: 3, maxSize: 3 });

const elementwise = (
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

const broadcasting = (
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

const dimOf = (ndim: number): fc.Arbitrary<number> => fc.integer({ min: -ndim, max: ndim - 1 });
const fromFront = (dim: number, ndim: number): number => (dim < 0 ? dim + ndim : dim);
const allFromFront = (dims: readonly number[] | undefined, ndim: number): number[] =>
  dims?.map((dim) => fromFront(dim, ndim)) ?? range(ndim);

const reducing = (
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

const along = (
  f: (dim: number) => UnaryFormula,
  loop: (value: number, group: readonly number[]) => number,
  rule: (dim: number) => UnaryRule,
): fc.Arbitrary<OpCase> =>
  anyShape(1)
    .chain((shape) => fc.tuple(arrayOf(shape), dimOf(shape.length)))
    .map(([x, dim]) => oneInput(x, f(dim), groupwiseLoop(x, [fromFront(dim, x.ndim)], loop), rule(dim)));

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

/** Other shapes of as many values, some with a −1. */
const reshape: fc.Arbitrary<OpCase> = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }))
  .chain(([a, b, c]) =>
    fc.tuple(
      arrayOf([a, b, c]),
      fc.constantFrom([-1], [a * b, c], [a, -1], [c, b, a], [-1, 1, c], [1, a * b * c, 1], [a, b, c]),
    ),
  )
  .map(([x, shape]) => {
    const known = sizeOf(shape.filter((size) => size !== -1));
    const inferred = shape.map((size) => (size === -1 ? x.data.length / known : size));
    return oneInput(x, (array) => array.reshape(shape), new NdArray(x.data, inferred), rules.reshape(shape));
  });

const permute: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) => {
    const ndim = shape.length;
    const order = fc.shuffledSubarray(range(ndim), { minLength: ndim, maxLength: ndim });
    return fc.tuple(arrayOf(shape), order, fc.array(fc.boolean(), { minLength: ndim, maxLength: ndim }));
  })
  .map(([x, order, fromEnd]) => {
    const dims = order.map((dim, i) => (fromEnd[i] ? dim - x.ndim : dim));
    const expected = fill(
      order.map((dim) => given(x.shape[dim])),
      (cell) =>
        valueAt(
          x,
          range(x.ndim).map((dim) => given(cell[order.indexOf(dim)])),
        ),
    );
    return oneInput(x, (array) => array.permute(dims), expected, rules.permute(dims));
  });

const transpose: fc.Arbitrary<OpCase> = anyShape(1)
  .chain((shape) => fc.tuple(arrayOf(shape), dimOf(shape.length), dimOf(shape.length)))
  .map(([x, dim0, dim1]) => {
    const [from, to] = [fromFront(dim0, x.ndim), fromFront(dim1, x.ndim)];
    const swap = <T>(list: readonly T[]): T[] => list.with(from, given(list[to])).with(to, given(list[from]));
    return oneInput(
      x,
      (array) => array.transpose(dim0, dim1),
      fill(swap(x.shape), (cell) => valueAt(x, swap(cell))),
    );
  });

const expand: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) =>
    fc.tuple(
      broadcastingTo(shape).chain((own) => arrayOf(own)),
      fc.constant(shape),
    ),
  )
  .map(([x, shape]) =>
    oneInput(
      x,
      (array) => array.expand(shape),
      fill(shape, (cell) => repeatedAt(x, cell)),
      rules.expand(shape),
    ),
  );

const sumTo: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) => fc.tuple(arrayOf(shape), broadcastingTo(shape)))
  .map(([x, shape]) => {
    const aligned = [...range(x.ndim - shape.length).map(() => 1), ...shape];
    const dims = range(x.ndim).filter((dim) => aligned[dim] === 1);
    return oneInput(x, (array) => array.sumTo(shape), new NdArray(reduceLoop(x, dims, true, total).data, shape));
  });

const concat: fc.Arbitrary<OpCase> = anyShape(1)
  .chain((shape) =>
    dimOf(shape.length).chain((dim) => {
      const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 });
      const at = fromFront(dim, shape.length);
      return fc.tuple(
        fc.constant(dim),
        sizes.chain((list) => fc.tuple(...list.map((size) => arrayOf(shape.with(at, size))))),
      );
    }),
  )
  .map(([dim, arrays]) => {
    const [first, ...others] = arrays;
    const x = given(first);
    const at = fromFront(dim, x.ndim);
    const shape = x.shape.with(at, total(arrays.map((array) => given(array.shape[at]))));
    const expected = fill(shape, (cell) => {
      let position = given(cell[at]);
      let k = 0;
      while (position >= given(arrays[k]?.shape[at])) position -= given(arrays[k++]?.shape[at]);
      return valueAt(given(arrays[k]), cell.with(at, position));
    });
    return {
      inputs: [x, ...others],
      f: (inputs) => given(inputs[0]).concat(inputs.slice(1), dim),
      expected,
      trace: (inputs) => rules.concat(dim)(given(inputs[0]), ...inputs.slice(1)),
    };
  });

const stack: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) =>
    fc.tuple(dimOf(shape.length + 1), fc.array(arrayOf(shape), { minLength: 1, maxLength: 3 }), fc.constant(shape)),
  )
  .map(([dim, arrays, shape]) => {
    const at = fromFront(dim, shape.length + 1);
    return {
      inputs: arrays,
      f: (inputs) => given(inputs[0]).stack(inputs.slice(1), dim),
      expected: fill(shape.toSpliced(at, 0, arrays.length), (cell) =>
        valueAt(given(arrays[given(cell[at])]), cell.toSpliced(at, 1)),
      ),
    };
  });

const take: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) =>
    fc.tuple(arrayOf(shape), fc.array(fc.integer({ min: -1, max: sizeOf(shape) - 1 }), { maxLength: 6 })),
  )
  .map(([x, list]) => {
    const index = Int32Array.from(list);
    const expected = Float64Array.from(index, (cell) => (cell === -1 ? 0 : given(x.data[cell])));
    const shape = [index.length];
    return oneInput(x, (array) => array.take(index), new NdArray(expected, shape), rules.gather(index, shape));
  });

const putAdd: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) =>
    fc.integer({ min: 1, max: 4 }).chain((length) => {
      const size = sizeOf(shape);
      const index = fc.array(fc.integer({ min: -1, max: length - 1 }), { minLength: size, maxLength: size });
      return fc.tuple(arrayOf(shape), index, fc.constant(length));
    }),
  )
  .map(([x, list, length]) => {
    const sums = range(length).map((cell) => total(Array.from(x.data).filter((_, i) => list[i] === cell)));
    const index = Int32Array.from(list);
    return oneInput(
      x,
      (array) => array.putAdd(index, length),
      new NdArray(Float64Array.from(sums), [length]),
      rules.putAdd(index, length),
    );
  });

/** The entries of `dim` at these positions. */
function chosen(x: NdArray, dim: number, positions: readonly number[]): NdArray {
  return fill(x.shape.with(dim, positions.length), (cell) =>
    valueAt(x, cell.with(dim, given(positions[given(cell[dim])]))),
  );
}

const slice: fc.Arbitrary<OpCase> = anyShape(1)
  .chain((shape) =>
    fc.tuple(
      arrayOf(shape.map((size) => 2 * size)),
      dimOf(shape.length),
      fc.integer({ min: -8, max: 8 }),
      fc.option(fc.integer({ min: -8, max: 8 }), { nil: undefined }),
      fc.integer({ min: 1, max: 3 }),
    ),
  )
  .map(([x, dim, start, end, step]) => {
    const at = fromFront(dim, x.ndim);
    const positions = range(given(x.shape[at]))
      .slice(start, end)
      .filter((_, i) => i % step === 0);
    return oneInput(x, (array) => array.slice(dim, start, end, step), chosen(x, at, positions));
  });

const indexSelect: fc.Arbitrary<OpCase> = anyShape(1)
  .chain((shape) =>
    dimOf(shape.length).chain((dim) => {
      const size = given(shape.at(dim));
      const indices = fc.array(fc.integer({ min: -size, max: size - 1 }), { maxLength: 4 });
      return fc.tuple(arrayOf(shape), fc.constant(dim), indices);
    }),
  )
  .map(([x, dim, indices]) => {
    const at = fromFront(dim, x.ndim);
    const positions = indices.map((index) => fromFront(index, given(x.shape[at])));
    return oneInput(x, (array) => array.indexSelect(dim, indices), chosen(x, at, positions));
  });

const select: fc.Arbitrary<OpCase> = anyShape(1)
  .chain((shape) =>
    dimOf(shape.length).chain((dim) => {
      const size = given(shape.at(dim));
      return fc.tuple(arrayOf(shape), fc.constant(dim), fc.integer({ min: -size, max: size - 1 }));
    }),
  )
  .map(([x, dim, index]) => {
    const at = fromFront(dim, x.ndim);
    const one = chosen(x, at, [fromFront(index, given(x.shape[at]))]);
    return oneInput(x, (array) => array.select(dim, index), new NdArray(one.data, x.shape.toSpliced(at, 1)));
  });

const pad: fc.Arbitrary<OpCase> = anyShape()
  .chain((shape) => {
    const pair = fc.tuple(fc.nat(2), fc.nat(2));
    return fc.tuple(arrayOf(shape), fc.array(pair, { maxLength: shape.length }));
  })
  .map(([x, pairs]) => {
    const [before, after] = [0, 1].map((side) => x.shape.map((_, dim) => pairs[x.ndim - 1 - dim]?.[side] ?? 0));
    const expected = fill(
      x.shape.map((size, dim) => size + given(before?.[dim]) + given(after?.[dim])),
      (cell) => {
        const inner = cell.map((position, dim) => position - given(before?.[dim]));
        const inside = inner.every((position, dim) => position >= 0 && position < given(x.shape[dim]));
        return inside ? valueAt(x, inner) : 0;
      },
    );
    return oneInput(x, (array) => array.pad(pairs.flat()), expected);
  });

const matmul: fc.Arbitrary<OpCase> = fc
  .tuple(shapes({ minDims: 3, maxDims: 3, maxSize: 3 }), shapes({ minDims: 0, maxDims: 2, maxSize: 2 }))
  .chain(([[m = 1, k = 1, n = 1], batch]) =>
    fc.tuple(
      fc.oneof(
        fc.constant([k]),
        broadcastingTo(batch).map((own) => [...own, m, k]),
      ),
      fc.oneof(
        fc.constant([k]),
        broadcastingTo(batch).map((own) => [...own, k, n]),
      ),
    ),
  )
  .chain(([a, b]) => fc.tuple(arrayOf(a), arrayOf(b)))
  .map(([a, b]) =>
    twoInputs(a, b, (x, y) => x.matmul(y), matmulLoop(a, b), a.ndim > 1 && b.ndim > 1 ? rules.matmul : undefined),
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
  reshape,
  permute,
  transpose,
  expand,
  sumTo,
  concat,
  stack,
  take,
  putAdd,
  slice,
  indexSelect,
  select,
  pad,
  matmul,
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
