/** The statistics of a chunk's sets: from the shared memory to arrays, and back. */
import type { FloatArray } from "../floatArray.ts";
import type { NormStatistics } from "../normLayout.ts";
import { CORRECTION, MEAN, RSTD, SAVED, VARIANCE } from "./normScratch.ts";

/** rstd of variances that float32 arithmetic bears: see normStatistics.ts. */
const USUAL_RSTD: readonly [number, number] = [1e-15, 1e12];

export function hasUnusual(rstd: Float64Array): boolean {
  for (let s = 0; s < rstd.length; s++) {
    if (!(rstd[s]! >= USUAL_RSTD[0] && rstd[s]! <= USUAL_RSTD[1])) return true; // NaN too
  }
  return false;
}

/** Of `count` sets, to those from `first` on. */
export function readStatistics(float64: Float64Array, saved: NormStatistics, first: number, count: number): void {
  for (let i = 0, at = SAVED / 8; i < count; i++, at++) {
    saved.mean[first + i] = float64[at + MEAN / 8]!;
    saved.correction[first + i] = float64[at + CORRECTION / 8]!;
    saved.variance[first + i] = float64[at + VARIANCE / 8]!;
    saved.rstd[first + i] = float64[at + RSTD / 8]!;
  }
}

/** For cells of so many bytes, which must hold the first part of the mean. */
export function writeStatistics(
  float64: Float64Array,
  saved: NormStatistics,
  first: number,
  count: number,
  bytes: number,
): void {
  for (let i = 0, at = SAVED / 8; i < count; i++, at++) {
    const mean = saved.mean[first + i]!;
    const rounded = bytes === 4 ? Math.fround(mean) : mean;
    float64[at + MEAN / 8] = rounded;
    float64[at + CORRECTION / 8] = mean - rounded + saved.correction[first + i]!;
    float64[at + RSTD / 8] = saved.rstd[first + i]!;
  }
}

export function allocateLike(x: FloatArray, length: number = x.length): FloatArray {
  return x instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}

/** Sums of parameters, in the dtype of the cells. */
export function inCells(bytes: number, sums: Float64Array): FloatArray {
  return bytes === 4 ? new Float32Array(sums) : sums.slice();
}
