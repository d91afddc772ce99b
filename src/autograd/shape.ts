/** Shapes and flat indices. Imports nothing, so that a formula that uses it can be lifted out of the repository. */

export type Shape = readonly number[];

/** Number of elements of an array of this shape; 1 for `[]`. */
export function sizeOf(shape: Shape): number {
  let product = 1;
  for (const size of shape) product *= size;
  return product;
}

/**
 * Whether two shapes have the same sizes in the same order: no broadcasting.
 *
 * @example
 * sameShape([2, 3], [2, 3]); // true
 * sameShape([3], [1, 3]); // false
 */
export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let dim = 0; dim < a.length; dim++) if (a[dim] !== b[dim]) return false;
  return true;
}

/** `[2, 3]`, as messages and printed tensors show it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= shape[dim] ?? 1;
  }
  return strides;
}

/** An array, where JavaScript may pass a number or several arguments: `x.reshape(2, 3)`, `x.sum(0)`. */
export function checkList<T>(caller: string, what: string, list: readonly T[]): readonly T[] {
  if (!Array.isArray(list)) throw new TypeError(`${caller}: expected ${what} in an array, got ${show(list)}`);
  return list;
}

/** Indices in an array, plain or typed: of a number, `Array.from` would make none at all. */
export function checkIndices(caller: string, indices: Readonly<ArrayLike<number>>): Readonly<ArrayLike<number>> {
  if (typeof indices === "object" && indices !== null) return indices;
  throw new TypeError(`${caller}: expected indices in an array, got ${show(indices)}`);
}

function show(value: unknown): string {
  if (Array.isArray(value) && value.length <= 8) return `[${value.map(show).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : value === Object(value) ? "an object" : String(value);
}

/** One dim counted from the front: −1 is the last. Throws a `RangeError` outside of [−ndim, ndim). */
export function normalizeDim(dim: number, ndim: number, caller: string): number {
  if (!Number.isInteger(dim) || dim < -ndim || dim >= ndim) {
    throw new RangeError(`${caller}: expected a dim in [${-ndim}, ${ndim}), got ${show(dim)}`);
  }
  return dim < 0 ? dim + ndim : dim;
}

/** Several dims, counted from the front, ascending; all of them when `dims` is left out. Throws on a repeated dim. */
export function normalizeDims(dims: readonly number[] | undefined, ndim: number, caller: string): number[] {
  if (dims === undefined) return range(ndim);
  const normalized = checkList(caller, "dims", dims).map((dim) => normalizeDim(dim, ndim, caller));
  if (normalized.length > 1) normalized.sort((a, b) => a - b);
  for (let i = 1; i < normalized.length; i++) {
    if (normalized[i] === normalized[i - 1]) {
      throw new RangeError(`${caller}: expected each dim once, got dims ${formatShape(dims)}`);
    }
  }
  return normalized;
}

/** How many values each group of a reduction over `dims` (normalized) has. */
export function countOver(shape: Shape, dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) count *= shape[dim] ?? 1;
  return count;
}

/** The shape after a reduction over `dims` (normalized): 1 in their places with `keepdim`, else without them. */
export function reducedShape(shape: Shape, dims: readonly number[], keepdim: boolean): number[] {
  const reduced: number[] = [];
  for (let dim = 0; dim < shape.length; dim++) {
    if (!dims.includes(dim)) reduced.push(shape[dim] ?? 1);
    else if (keepdim) reduced.push(1);
  }
  return reduced;
}

/** The common shape of two arrays: sizes are aligned at the end and must agree or be 1. Throws a `RangeError`. */
export function broadcastShapes(a: Shape, b: Shape, caller: string): Shape {
  if (sameShape(a, b)) return a;
  const common: number[] = [];
  for (let ndim = Math.max(a.length, b.length), i = 0; i < ndim; i++) {
    const sizeA = a[i - ndim + a.length] ?? 1;
    const sizeB = b[i - ndim + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new RangeError(
        `${caller}: expected shapes that broadcast together, got ${formatShape(a)} and ${formatShape(b)}`,
      );
    }
    common.push(sizeA === 1 ? sizeB : sizeA);
  }
  return common;
}

/** A shape whose single −1, if any, is replaced by what is left of `size`. Throws a `RangeError` if that cannot be. */
export function inferShape(shape: Shape, size: number, caller: string): number[] {
  let known = 1;
  let unknown = 0;
  for (const n of checkList(caller, "a shape", shape)) {
    if (n === -1) unknown++;
    else known *= n;
  }
  const inferred = shape.map((n) => (n === -1 ? size / known : n));
  let valid = unknown <= 1 && sizeOf(inferred) === size;
  for (const n of inferred) valid &&= Number.isInteger(n) && n >= 0;
  if (!valid) throw new RangeError(`${caller}: expected a shape of ${size} elements, got ${formatShape(shape)}`);
  return inferred;
}

/**
 * The flat index, in an array of shape `source`, of every cell of shape `shape` in row-major order: the cell's position
 * in dim d is mapped by `positions[d]` (one entry per position), and −1 marks a cell that lies in padding.
 */
export function gatherIndex(source: Shape, positions: readonly ArrayLike<number>[]): Int32Array {
  const strides = stridesOf(source);
  let index = Int32Array.of(0);
  positions.forEach((positionsOfDim, dim) => {
    const stride = strides[dim] ?? 0;
    const next = new Int32Array(index.length * positionsOfDim.length);
    for (let i = 0, cell = 0; i < index.length; i++) {
      const base = index[i] ?? 0;
      for (let j = 0; j < positionsOfDim.length; j++, cell++) {
        const position = positionsOfDim[j] ?? 0;
        next[cell] = base < 0 || position < 0 ? -1 : base + position * stride;
      }
    }
    index = next;
  });
  return index;
}

/** 0, 1, …, n − 1: the positions of a dim that is taken whole. */
export function range(n: number): number[] {
  const positions: number[] = [];
  for (let i = 0; i < n; i++) positions.push(i);
  return positions;
}
