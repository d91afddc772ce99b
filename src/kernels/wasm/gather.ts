/** Copies of scattered cells: each function twice, so that it sees one kind of `to` only. */
import type { FloatArray } from "../floatArray.ts";

/** to[at + i · step] = from[start + offsets[i]] */
export function gatherFloat32(
  to: Float32Array,
  from: FloatArray,
  start: number,
  offsets: Int32Array,
  at: number,
  step: number,
): void {
  for (let i = 0; i < offsets.length; i++) {
    to[at] = from[(start + offsets[i]!) | 0]!;
    at = (at + step) | 0;
  }
}

export function gatherFloat64(
  to: Float64Array,
  from: FloatArray,
  start: number,
  offsets: Int32Array,
  at: number,
  step: number,
): void {
  for (let i = 0; i < offsets.length; i++) {
    to[at] = from[(start + offsets[i]!) | 0]!;
    at = (at + step) | 0;
  }
}

/** to[at + i · step + j] = from[start + columns[j] + i] for i < count, four columns at a time (half of the time of one by one). */
export function transposeFloat32(
  to: Float32Array,
  from: FloatArray,
  start: number,
  count: number,
  columns: Int32Array,
  at: number,
  step: number,
): void {
  let j = 0;
  for (; j + 4 <= columns.length; j += 4) {
    const from0 = (start + columns[j]!) | 0;
    const from1 = (start + columns[j + 1]!) | 0;
    const from2 = (start + columns[j + 2]!) | 0;
    const from3 = (start + columns[j + 3]!) | 0;
    for (let i = 0, to0 = (at + j) | 0; i < count; i++, to0 = (to0 + step) | 0) {
      to[to0] = from[(from0 + i) | 0]!;
      to[(to0 + 1) | 0] = from[(from1 + i) | 0]!;
      to[(to0 + 2) | 0] = from[(from2 + i) | 0]!;
      to[(to0 + 3) | 0] = from[(from3 + i) | 0]!;
    }
  }
  for (; j < columns.length; j++) {
    const from0 = (start + columns[j]!) | 0;
    for (let i = 0, to0 = (at + j) | 0; i < count; i++, to0 = (to0 + step) | 0) to[to0] = from[(from0 + i) | 0]!;
  }
}

export function transposeFloat64(
  to: Float64Array,
  from: FloatArray,
  start: number,
  count: number,
  columns: Int32Array,
  at: number,
  step: number,
): void {
  let j = 0;
  for (; j + 4 <= columns.length; j += 4) {
    const from0 = (start + columns[j]!) | 0;
    const from1 = (start + columns[j + 1]!) | 0;
    const from2 = (start + columns[j + 2]!) | 0;
    const from3 = (start + columns[j + 3]!) | 0;
    for (let i = 0, to0 = (at + j) | 0; i < count; i++, to0 = (to0 + step) | 0) {
      to[to0] = from[(from0 + i) | 0]!;
      to[(to0 + 1) | 0] = from[(from1 + i) | 0]!;
      to[(to0 + 2) | 0] = from[(from2 + i) | 0]!;
      to[(to0 + 3) | 0] = from[(from3 + i) | 0]!;
    }
  }
  for (; j < columns.length; j++) {
    const from0 = (start + columns[j]!) | 0;
    for (let i = 0, to0 = (at + j) | 0; i < count; i++, to0 = (to0 + step) | 0) to[to0] = from[(from0 + i) | 0]!;
  }
}
