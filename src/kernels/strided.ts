/** Element-wise loops over arrays that broadcast or are permuted: every operand is walked with strides of its own. */
import type { FloatArray } from "./floatArray.ts";

/** Sizes and, per operand, one stride a dim (0 = repeated). */
interface Walk {
  readonly sizes: number[];
  readonly stridesA: number[];
  readonly stridesB: number[];
}

/** Drops dims of size 1 and merges dims that are contiguous for both operands, so that the inner loop is long. */
function mergeDims(shape: readonly number[], stridesA: readonly number[], stridesB: readonly number[]): Walk {
  const walk: Walk = { sizes: [], stridesA: [], stridesB: [] };
  let last = -1;
  for (let dim = 0; dim < shape.length; dim++) {
    const size = shape[dim]!;
    if (size === 1) continue;
    const strideA = stridesA[dim]!;
    const strideB = stridesB[dim]!;
    if (strideA * size === walk.stridesA[last] && strideB * size === walk.stridesB[last]) {
      walk.sizes[last]! *= size;
      walk.stridesA[last] = strideA;
      walk.stridesB[last] = strideB;
    } else {
      last = walk.sizes.push(size) - 1;
      walk.stridesA.push(strideA);
      walk.stridesB.push(strideB);
    }
  }
  return walk;
}

/** The strides with which an array of shape `from` is walked as if it had shape `to`: 0 along repeated dims. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides: number[] = [];
  for (let dim = 0; dim < to.length; dim++) strides.push(0);
  let stride = 1;
  for (let i = 1; i <= from.length; i++) {
    const size = from[from.length - i] ?? 1;
    strides[to.length - i] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return strides;
}

/** Calls `run(start of the run in each operand, output position)` for every innermost run of the walk. */
function forEachRun(
  { sizes, stridesA, stridesB }: Walk,
  run: (offsetA: number, offsetB: number, at: number) => void,
): void {
  const last = sizes.length - 1;
  const length = sizes[last] ?? 1;
  const position: number[] = [];
  let runs = 1;
  for (let dim = 0; dim < last; dim++) {
    position.push(0);
    runs *= sizes[dim]!;
  }
  let offsetA = 0;
  let offsetB = 0;
  for (let i = 0; i < runs; i++) {
    run(offsetA, offsetB, i * length);
    for (let dim = last - 1; dim >= 0; dim--) {
      offsetA += stridesA[dim]!;
      offsetB += stridesB[dim]!;
      if (++position[dim]! < sizes[dim]!) break;
      position[dim] = 0;
      offsetA -= stridesA[dim]! * sizes[dim]!;
      offsetB -= stridesB[dim]! * sizes[dim]!;
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
  const walk = mergeDims(shape, strides, strides);
  const length = walk.sizes.at(-1) ?? 1;
  const stride = walk.stridesA.at(-1) ?? 0;
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
  const walk = mergeDims(shape, broadcastStrides(aShape, shape), broadcastStrides(bShape, shape));
  const length = walk.sizes.at(-1) ?? 1;
  const strideA = walk.stridesA.at(-1) ?? 0;
  const strideB = walk.stridesB.at(-1) ?? 0;
  forEachRun(walk, (offsetA, offsetB, at) => run(out, at, a, offsetA, strideA, b, offsetB, strideB, length));
}

// ── An array and a number ───────────────────────────────────────────────────────────────────────────────────────────
export type NumberLoop = (out: FloatArray, a: FloatArray, other: number) => void;

export const addNumber: NumberLoop = (out, a, other) => {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + other;
};
export const mulNumber: NumberLoop = (out, a, other) => {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! * other;
};
export const divNumber: NumberLoop = (out, a, other) => {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! / other;
};
