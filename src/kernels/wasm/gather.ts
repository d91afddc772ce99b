/** to[at + i · step] = from[start + offsets[i]]: twice the same, so that each function sees one kind of `to` only. */
import type { FloatArray } from "../floatArray.ts";

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
