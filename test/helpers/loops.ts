/**
 * Oracles: what an operation means, cell by cell, in plain loops. They use nothing of the engine but the array that
 * holds the answer: positions are counted here in their own way.
 */
import { NdArray } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";

/** A position in each dim. */
export type Cell = readonly number[];

/** All cells of a shape in row-major order. */
export function cellsOf(shape: Shape): Cell[] {
  return shape.reduce<Cell[]>(
    (cells, size) => cells.flatMap((cell) => Array.from({ length: size }, (_, i) => [...cell, i])),
    [[]],
  );
}

export function valueAt(array: NdArray, cell: Cell): number {
  const flat = array.shape.reduce((at, size, dim) => at * size + (cell[dim] ?? NaN), 0);
  return array.data[flat] ?? NaN;
}

/** The value at a cell of a larger shape: leading dims that are missing and dims of size 1 are repeated. */
export function repeatedAt(array: NdArray, cell: Cell): number {
  const own = cell.slice(cell.length - array.shape.length);
  return valueAt(
    array,
    own.map((position, dim) => (array.shape[dim] === 1 ? 0 : position)),
  );
}

export function fill(shape: Shape, value: (cell: Cell) => number): NdArray {
  return new NdArray(Float64Array.from(cellsOf(shape), value), shape);
}

export function mapLoop(x: NdArray, f: (value: number) => number): NdArray {
  return fill(x.shape, (cell) => f(valueAt(x, cell)));
}

/** f(a, b) in the shape that both broadcast to. */
export function zipLoop(a: NdArray, b: NdArray, f: (a: number, b: number) => number): NdArray {
  return fill(commonShape(a.shape, b.shape), (cell) => f(repeatedAt(a, cell), repeatedAt(b, cell)));
}

/** The larger size of each dim, aligned at the end; a size of 1 gives way to 0 too. */
export function commonShape(a: Shape, b: Shape): number[] {
  const ndim = Math.max(a.length, b.length);
  const padded = (shape: Shape): number[] => [...Array.from({ length: ndim - shape.length }, () => 1), ...shape];
  return padded(a).map((size, dim) => (size === 1 ? (padded(b)[dim] ?? NaN) : size));
}

/** f of the values of each group: the cells that differ only along `dims` (counted from the front). */
export function reduceLoop(
  x: NdArray,
  dims: readonly number[],
  keepdim: boolean,
  f: (values: readonly number[]) => number,
): NdArray {
  const kept = x.shape.map((size, dim) => (dims.includes(dim) ? 1 : size));
  const groups = new Map(cellsOf(kept).map((cell) => [String(cell), [] as number[]]));
  for (const cell of cellsOf(x.shape)) {
    groups.get(String(cell.map((position, dim) => (dims.includes(dim) ? 0 : position))))?.push(valueAt(x, cell));
  }
  const shape = keepdim ? kept : kept.filter((_, dim) => !dims.includes(dim));
  return new NdArray(Float64Array.from(groups.values(), f), shape);
}

/** Each value through a function of its whole group: what centring and softmax are. */
export function groupwiseLoop(
  x: NdArray,
  dims: readonly number[],
  f: (value: number, group: readonly number[]) => number,
): NdArray {
  return fill(x.shape, (cell) => {
    const same = cellsOf(x.shape).filter((other) => other.every((i, dim) => dims.includes(dim) || i === cell[dim]));
    return f(
      valueAt(x, cell),
      same.map((other) => valueAt(x, other)),
    );
  });
}

export function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** [*, m, k] · [*, k, n], leading dims broadcast; a vector is a row on the left and a column on the right. */
export function matmulLoop(a: NdArray, b: NdArray): NdArray {
  const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
  const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
  const rows = new NdArray(a.data, left);
  const columns = new NdArray(b.data, right);
  const inner = left.at(-1) ?? 0;
  const batch = commonShape(left.slice(0, -2), right.slice(0, -2));
  const product = fill([...batch, left.at(-2) ?? 0, right.at(-1) ?? 0], (cell) => {
    const [row = 0, column = 0] = cell.slice(-2);
    const outer = cell.slice(0, -2);
    const terms = Array.from(
      { length: inner },
      (_, i) => repeatedAt(rows, [...outer, row, i]) * repeatedAt(columns, [...outer, i, column]),
    );
    return total(terms);
  });
  const own = [...(a.shape.length === 1 ? [] : left.slice(-2, -1)), ...(b.shape.length === 1 ? [] : right.slice(-1))];
  return new NdArray(product.data, [...batch, ...own]);
}
