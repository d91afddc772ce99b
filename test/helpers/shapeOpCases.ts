/** Draws of the ops that move values and change shapes, and of matmul. */
import fc from "fast-check";
import { NdArray, range, sizeOf } from "../../src/autograd/index.ts";
import * as rules from "../../src/autograd/rules.ts";
import { arrayOf, shapes } from "./generators.ts";
import { given } from "./given.ts";
import { fill, matmulLoop, reduceLoop, repeatedAt, total, valueAt } from "./loops.ts";
import { anyShape, broadcastingTo, dimOf, fromFront, oneInput, twoInputs } from "./opDraws.ts";
import type { OpCase } from "./opDraws.ts";

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

export const shapeOps: Readonly<Record<string, fc.Arbitrary<OpCase>>> = {
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
