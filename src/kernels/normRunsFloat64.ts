/**
 * Loops over sets and runs of float64 cells.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normRunsFloat64.ts is made of normRunsFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 */
import type { NormLayout, NormSlopes, NormStatistics, NormSums } from "./normLayout.ts";

// Unrolled by four, with sums of their own: V8 reloads an array's pointer for every access, and waits for the last addition
// otherwise.

export function sums(
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length }: NormLayout,
  { mean, correction }: NormStatistics,
): void {
  for (let s = first; s < end; s++) mean[s] = x[s * length]!;
  for (let r = 0; r < repeats; r++) {
    let i = (r * sets + first) * length;
    for (let s = first; s < end; s++) {
      const origin = mean[s]!;
      const to = i + length;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (; i < to - 3; i += 4) {
        a += x[i]! - origin;
        b += x[(i + 1) | 0]! - origin;
        c += x[(i + 2) | 0]! - origin;
        d += x[(i + 3) | 0]! - origin;
      }
      for (; i < to; i++) a += x[i]! - origin;
      correction[s]! += a + b + (c + d);
    }
  }
}

export function deviations(
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length }: NormLayout,
  { mean, correction, variance }: NormStatistics,
): void {
  for (let r = 0; r < repeats; r++) {
    let i = (r * sets + first) * length;
    for (let s = first; s < end; s++) {
      const m = mean[s]!;
      const to = i + length;
      let a = 0;
      let b = 0;
      let p = 0;
      let q = 0;
      for (; i < to - 3; i += 4) {
        const d0 = x[i]! - m;
        const d1 = x[(i + 1) | 0]! - m;
        const d2 = x[(i + 2) | 0]! - m;
        const d3 = x[(i + 3) | 0]! - m;
        a += d0 + d2;
        b += d1 + d3;
        p += d0 * d0 + d2 * d2;
        q += d1 * d1 + d3 * d3;
      }
      for (; i < to; i++) {
        const d = x[i]! - m;
        a += d;
        p += d * d;
      }
      correction[s]! += a + b;
      variance[s]! += p + q;
    }
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
  for (let r = 0; r < repeats; r++) {
    let i = (r * sets + first) * length;
    const runs = length / run;
    for (let s = first; s < end; s++) {
      const m = mean[s]!;
      const dm = correction[s]!;
      for (let p = (s % period) * runs, last = p + runs; p < last; p++) {
        const scale = rstd[s]! * weight[p]!;
        const b = bias[p]!;
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
  { repeats, sets, length, period, run }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { gradXhat, gradXhatXhat, gradWeight, gradBias }: NormSums,
): void {
  for (let r = 0; r < repeats; r++) {
    let i = (r * sets + first) * length;
    const runs = length / run;
    for (let s = first; s < end; s++) {
      const m = mean[s]!;
      const dm = correction[s]!;
      for (let p = (s % period) * runs, last = p + runs; p < last; p++) {
        const to = i + run;
        let a = 0;
        let b = 0;
        let c = 0;
        let d = 0;
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
        const sum = a + b;
        const product = (c + d) * rstd[s]!;
        gradXhat[s]! += weight[p]! * sum;
        gradXhatXhat[s]! += weight[p]! * product;
        gradWeight[p]! += product;
        gradBias[p]! += sum;
      }
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
  for (let r = 0; r < repeats; r++) {
    let i = (r * sets + first) * length;
    const runs = length / run;
    for (let s = first; s < end; s++) {
      const m = mean[s]!;
      const dm = correction[s]!;
      const r = rstd[s]!;
      const c = center[s]!;
      const b = shift[s]!;
      const e = slope[s]!;
      for (let p = (s % period) * runs, last = p + runs; p < last; p++) {
        const w = weight[p]!;
        const to = i + run;
        for (; i < to - 3; i += 4) {
          dx[i] = (g[i]! * w - c) * r - b - (x[i]! - m - dm) * e;
          dx[(i + 1) | 0] = (g[(i + 1) | 0]! * w - c) * r - b - (x[(i + 1) | 0]! - m - dm) * e;
          dx[(i + 2) | 0] = (g[(i + 2) | 0]! * w - c) * r - b - (x[(i + 2) | 0]! - m - dm) * e;
          dx[(i + 3) | 0] = (g[(i + 3) | 0]! * w - c) * r - b - (x[(i + 3) | 0]! - m - dm) * e;
        }
        for (; i < to; i++) dx[i] = (g[i]! * w - c) * r - b - (x[i]! - m - dm) * e;
      }
    }
  }
}
