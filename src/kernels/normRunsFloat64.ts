/**
 * Loops over sets and runs of float64 cells.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normRunsFloat64.ts is made of normRunsFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 */
import type { NormLayout, NormOptions, NormSlopes, NormStatistics, RunSums } from "./normLayout.ts";

// Unrolled by four, with sums of their own: V8 reloads an array's pointer for every access, and waits for the last addition
// otherwise. One set after the other, through all repeats, so that sums stay in registers however short a run is.

export function moments(
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length }: NormLayout,
  { eps, centered }: NormOptions,
  { mean, correction, variance, rstd }: NormStatistics,
): void {
  const n = repeats * length;
  const step = sets * length;
  for (let s = first; s < end; s++) {
    const start = s * length;
    const stop = start + repeats * step;
    let m = 0;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    if (centered) {
      const origin = x[start]!;
      for (let from = start; from < stop; from += step) {
        let i = from;
        const to = i + length;
        for (; i < to - 3; i += 4) {
          a += x[i]! - origin;
          b += x[(i + 1) | 0]! - origin;
          c += x[(i + 2) | 0]! - origin;
          d += x[(i + 3) | 0]! - origin;
        }
        for (; i < to; i++) a += x[i]! - origin;
      }
      m = origin + (a + b + (c + d)) / n;
    }
    a = 0;
    b = 0;
    c = 0;
    d = 0;
    for (let from = start; from < stop; from += step) {
      let i = from;
      const to = i + length;
      for (; i < to - 3; i += 4) {
        const d0 = x[i]! - m;
        const d1 = x[(i + 1) | 0]! - m;
        const d2 = x[(i + 2) | 0]! - m;
        const d3 = x[(i + 3) | 0]! - m;
        a += d0 + d2;
        b += d1 + d3;
        c += d0 * d0 + d2 * d2;
        d += d1 * d1 + d3 * d3;
      }
      for (; i < to; i++) {
        const d0 = x[i]! - m;
        a += d0;
        c += d0 * d0;
      }
    }
    const left = centered ? (a + b) / n : 0;
    // Below 0 by rounding only, where all cells are nearly equal.
    const v = Math.max(0, (c + d) / n - left * left);
    mean[s - first] = m;
    correction[s - first] = left;
    variance[s - first] = v;
    rstd[s - first] = v + eps === 0 ? 0 : 1 / Math.sqrt(v + eps);
  }
}

export function scaleRuns(
  y: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length, period, run }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  bias: Float64Array,
): void {
  const runs = length / run;
  const step = sets * length;
  for (let s = first; s < end; s++) {
    const m = mean[s - first]!;
    const dm = correction[s - first]!;
    const firstParameter = (s % period) * runs;
    for (let j = 0; j < runs; j++) {
      const scale = rstd[s - first]! * weight[firstParameter + j]!;
      const b = bias[firstParameter + j]!;
      const start = s * length + j * run;
      for (let from = start, stop = start + repeats * step; from < stop; from += step) {
        let i = from;
        const to = i + run;
        for (; i < to - 3; i += 4) {
          y[i] = (x[i]! - m - dm) * scale + b;
          y[(i + 1) | 0] = (x[(i + 1) | 0]! - m - dm) * scale + b;
          y[(i + 2) | 0] = (x[(i + 2) | 0]! - m - dm) * scale + b;
          y[(i + 3) | 0] = (x[(i + 3) | 0]! - m - dm) * scale + b;
        }
        for (; i < to; i++) y[i] = (x[i]! - m - dm) * scale + b;
      }
    }
  }
}

export function dotRuns(
  g: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length, run }: NormLayout,
  { mean, correction }: NormStatistics,
  { sums, dots }: RunSums,
): void {
  const runs = length / run;
  const step = sets * length;
  for (let s = first, k = 0; s < end; s++) {
    const m = mean[s - first]!;
    const dm = correction[s - first]!;
    for (let j = 0; j < runs; j++, k++) {
      const start = s * length + j * run;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let from = start, stop = start + repeats * step; from < stop; from += step) {
        let i = from;
        const to = i + run;
        for (; i < to - 3; i += 4) {
          const g0 = g[i]!;
          const g1 = g[(i + 1) | 0]!;
          const g2 = g[(i + 2) | 0]!;
          const g3 = g[(i + 3) | 0]!;
          a += g0 + g2;
          b += g1 + g3;
          c += g0 * (x[i]! - m - dm) + g2 * (x[(i + 2) | 0]! - m - dm);
          d += g1 * (x[(i + 1) | 0]! - m - dm) + g3 * (x[(i + 3) | 0]! - m - dm);
        }
        for (; i < to; i++) {
          a += g[i]!;
          c += g[i]! * (x[i]! - m - dm);
        }
      }
      sums[k] = a + b;
      dots[k] = c + d;
    }
  }
}

export function gradRuns(
  dx: Float64Array,
  g: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length, period, run }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { center, shift, slope }: NormSlopes,
): void {
  const runs = length / run;
  const step = sets * length;
  for (let s = first; s < end; s++) {
    const m = mean[s - first]!;
    const dm = correction[s - first]!;
    const r = rstd[s - first]!;
    const c = center[s - first]!;
    const b = shift[s - first]!;
    const e = slope[s - first]!;
    const firstParameter = (s % period) * runs;
    for (let j = 0; j < runs; j++) {
      const w = weight[firstParameter + j]!;
      const start = s * length + j * run;
      for (let from = start, stop = start + repeats * step; from < stop; from += step) {
        let i = from;
        const to = i + run;
        for (; i < to - 3; i += 4) {
          dx[i] = (g[i]! * w - c - (x[i]! - m - dm) * e) * r - b;
          dx[(i + 1) | 0] = (g[(i + 1) | 0]! * w - c - (x[(i + 1) | 0]! - m - dm) * e) * r - b;
          dx[(i + 2) | 0] = (g[(i + 2) | 0]! * w - c - (x[(i + 2) | 0]! - m - dm) * e) * r - b;
          dx[(i + 3) | 0] = (g[(i + 3) | 0]! * w - c - (x[(i + 3) | 0]! - m - dm) * e) * r - b;
        }
        for (; i < to; i++) dx[i] = (g[i]! * w - c - (x[i]! - m - dm) * e) * r - b;
      }
    }
  }
}
