/** Element-wise loops over arrays that broadcast or are permuted: every operand is walked with strides of its own. */
import type { FloatArray } from "./floatArray.ts";

/** A shape and, per operand, one stride a dim (0 = repeated); neighbouring dims that can be walked as one are one. */
interface Walk {
  readonly shape: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Drops dims of size 1 and merges dims that are contiguous for every operand, so that the inner loop is long. */
function mergeDims(shape: readonly number[], strides: readonly (readonly number[])[]): Walk {
  const merged: { size: number; strides: number[] }[] = [];
  shape.forEach((size, dim) => {
    if (size === 1) return;
    const own = strides.map((operand) => operand[dim] ?? 0);
    const outer = merged.at(-1);
    if (outer?.strides.every((stride, operand) => stride === (own[operand] ?? 0) * size)) {
      outer.size *= size;
      outer.strides = own;
    } else {
      merged.push({ size, strides: own });
    }
  });
  return {
    shape: merged.map((dim) => dim.size),
    strides: strides.map((_, operand) => merged.map((dim) => dim.strides[operand] ?? 0)),
  };
}

/** The strides with which an array of shape `from` is walked as if it had shape `to`: 0 along repeated dims. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = Array.from({ length: to.length }, () => 0);
  let stride = 1;
  for (let i = 1; i <= from.length; i++) {
    const size = from[from.length - i] ?? 1;
    strides[to.length - i] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return strides;
}

/** Calls `run(start of the run in each operand, output position)` for every innermost run of the walk. */
function forEachRun(walk: Walk, run: (offsetA: number, offsetB: number, at: number) => void): void {
  const outer = walk.shape.slice(0, -1);
  const length = walk.shape.at(-1) ?? 1;
  const [stridesA = [], stridesB = []] = walk.strides;
  const position = outer.map(() => 0);
  const runs = outer.reduce((product, size) => product * size, 1);
  let offsetA = 0;
  let offsetB = 0;
  for (let i = 0; i < runs; i++) {
    run(offsetA, offsetB, i * length);
    for (let dim = outer.length - 1; dim >= 0; dim--) {
      const size = outer[dim]!;
      const strideA = stridesA[dim]!;
      const strideB = stridesB[dim] ?? 0;
      offsetA += strideA;
      offsetB += strideB;
      if (++position[dim]! < size) break;
      position[dim] = 0;
      offsetA -= strideA * size;
      offsetB -= strideB * size;
    }
  }
}

/** out = a, walked with `strides`: permuting and repeating are copies. */
export function stridedCopy(
  out: FloatArray,
  a: FloatArray,
  shape: readonly number[],
  strides: readonly number[],
): void {
  if (out.length === 0) return;
  const walk = mergeDims(shape, [strides]);
  const length = walk.shape.at(-1) ?? 1;
  const stride = walk.strides[0]?.at(-1) ?? 0;
  forEachRun(walk, (offset, _, at) => {
    for (let i = 0; i < length; i++) out[at + i] = a[offset + i * stride]!;
  });
}

/** One innermost run of a binary operation. */
export type BinaryRun = (
  out: FloatArray,
  at: number,
  a: FloatArray,
  offsetA: number,
  strideA: number,
  b: FloatArray,
  offsetB: number,
  strideB: number,
  length: number,
) => void;

// Four loops and not one with the operation as an argument: a call for each element costs more than the operation.
export const addRun: BinaryRun = (out, at, a, offsetA, strideA, b, offsetB, strideB, length) => {
  for (let i = 0; i < length; i++) out[at + i] = a[offsetA + i * strideA]! + b[offsetB + i * strideB]!;
};
export const subRun: BinaryRun = (out, at, a, offsetA, strideA, b, offsetB, strideB, length) => {
  for (let i = 0; i < length; i++) out[at + i] = a[offsetA + i * strideA]! - b[offsetB + i * strideB]!;
};
export const mulRun: BinaryRun = (out, at, a, offsetA, strideA, b, offsetB, strideB, length) => {
  for (let i = 0; i < length; i++) out[at + i] = a[offsetA + i * strideA]! * b[offsetB + i * strideB]!;
};
export const divRun: BinaryRun = (out, at, a, offsetA, strideA, b, offsetB, strideB, length) => {
  for (let i = 0; i < length; i++) out[at + i] = a[offsetA + i * strideA]! / b[offsetB + i * strideB]!;
};

/** out = a ∘ b over `shape`, both operands broadcast to it; `run` is the operation. */
export function zip(
  out: FloatArray,
  a: FloatArray,
  aShape: readonly number[],
  b: FloatArray,
  bShape: readonly number[],
  shape: readonly number[],
  run: BinaryRun,
): void {
  if (out.length === 0) return;
  const walk = mergeDims(shape, [broadcastStrides(aShape, shape), broadcastStrides(bShape, shape)]);
  const length = walk.shape.at(-1) ?? 1;
  const strideA = walk.strides[0]?.at(-1) ?? 0;
  const strideB = walk.strides[1]?.at(-1) ?? 0;
  forEachRun(walk, (offsetA, offsetB, at) => run(out, at, a, offsetA, strideA, b, offsetB, strideB, length));
}
