/**
 * Loops over sets of one float64 cell in each repeat, the columns of a matrix [repeats, sets].
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normColumnsFloat64.ts is made of normColumnsFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 *
 * Four cells of a column at a time, so that what belongs to the column is read and written once for four.
 */
import type { NormLayout, NormSlopes, NormStatistics, NormSums } from "./normLayout.ts";

export function sums(
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets }: NormLayout,
  { mean, correction }: NormStatistics,
): void {
  for (let s = first; s < end; s++) mean[s] = x[s]!;
  let r = 0;
  for (; r < repeats - 3; r += 4) {
    let i0 = r * sets + first;
    let i1 = i0 + sets;
    let i2 = i1 + sets;
    let i3 = i2 + sets;
    for (let s = first; s < end; s++, i0++, i1++, i2++, i3++) {
      const origin = mean[s]!;
      correction[s]! += x[i0]! - origin + (x[i1]! - origin) + (x[i2]! - origin + (x[i3]! - origin));
    }
  }
  for (; r < repeats; r++) {
    let i = r * sets + first;
    for (let s = first; s < end; s++, i++) {
      correction[s]! += x[i]! - mean[s]!;
    }
  }
}

export function deviations(
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets }: NormLayout,
  { mean, correction, variance }: NormStatistics,
): void {
  let r = 0;
  for (; r < repeats - 3; r += 4) {
    let i0 = r * sets + first;
    let i1 = i0 + sets;
    let i2 = i1 + sets;
    let i3 = i2 + sets;
    for (let s = first; s < end; s++, i0++, i1++, i2++, i3++) {
      const m = mean[s]!;
      const d0 = x[i0]! - m;
      const d1 = x[i1]! - m;
      const d2 = x[i2]! - m;
      const d3 = x[i3]! - m;
      correction[s]! += d0 + d1 + (d2 + d3);
      variance[s]! += d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3);
    }
  }
  for (; r < repeats; r++) {
    let i = r * sets + first;
    for (let s = first; s < end; s++, i++) {
      const d = x[i]! - mean[s]!;
      correction[s]! += d;
      variance[s]! += d * d;
    }
  }
}

export function scaleRuns(
  y: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  bias: Float64Array,
): void {
  let r = 0;
  for (; r < repeats - 3; r += 4) {
    let i0 = r * sets + first;
    let i1 = i0 + sets;
    let i2 = i1 + sets;
    let i3 = i2 + sets;
    for (let s = first, p = first % period; s < end; s++, i0++, i1++, i2++, i3++) {
      const m = mean[s]!;
      const dm = correction[s]!;
      const scale = rstd[s]! * weight[p]!;
      const b = bias[p]!;
      y[i0] = (x[i0]! - m - dm) * scale + b;
      y[i1] = (x[i1]! - m - dm) * scale + b;
      y[i2] = (x[i2]! - m - dm) * scale + b;
      y[i3] = (x[i3]! - m - dm) * scale + b;
      if (++p === period) p = 0;
    }
  }
  for (; r < repeats; r++) {
    let i = r * sets + first;
    for (let s = first, p = first % period; s < end; s++, i++) {
      y[i] = (x[i]! - mean[s]! - correction[s]!) * (rstd[s]! * weight[p]!) + bias[p]!;
      if (++p === period) p = 0;
    }
  }
}

export function dotRuns(
  g: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { gradXhat, gradXhatXhat, gradWeight, gradBias }: NormSums,
): void {
  let r = 0;
  for (; r < repeats - 3; r += 4) {
    let i0 = r * sets + first;
    let i1 = i0 + sets;
    let i2 = i1 + sets;
    let i3 = i2 + sets;
    for (let s = first, p = first % period; s < end; s++, i0++, i1++, i2++, i3++) {
      const m = mean[s]!;
      const dm = correction[s]!;
      const g0 = g[i0]!;
      const g1 = g[i1]!;
      const g2 = g[i2]!;
      const g3 = g[i3]!;
      const sum = g0 + g1 + (g2 + g3);
      const dot = g0 * (x[i0]! - m - dm) + g1 * (x[i1]! - m - dm) + (g2 * (x[i2]! - m - dm) + g3 * (x[i3]! - m - dm));
      const product = dot * rstd[s]!;
      gradXhat[s]! += weight[p]! * sum;
      gradXhatXhat[s]! += weight[p]! * product;
      gradWeight[p]! += product;
      gradBias[p]! += sum;
      if (++p === period) p = 0;
    }
  }
  for (; r < repeats; r++) {
    let i = r * sets + first;
    for (let s = first, p = first % period; s < end; s++, i++) {
      const value = g[i]!;
      const product = value * ((x[i]! - mean[s]! - correction[s]!) * rstd[s]!);
      gradXhat[s]! += weight[p]! * value;
      gradXhatXhat[s]! += weight[p]! * product;
      gradWeight[p]! += product;
      gradBias[p]! += value;
      if (++p === period) p = 0;
    }
  }
}

export function gradRuns(
  dx: Float64Array,
  g: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { center, shift, slope }: NormSlopes,
): void {
  let r = 0;
  for (; r < repeats - 3; r += 4) {
    let i0 = r * sets + first;
    let i1 = i0 + sets;
    let i2 = i1 + sets;
    let i3 = i2 + sets;
    for (let s = first, p = first % period; s < end; s++, i0++, i1++, i2++, i3++) {
      const m = mean[s]!;
      const dm = correction[s]!;
      const scale = rstd[s]!;
      const w = weight[p]!;
      const c = center[s]!;
      const b = shift[s]!;
      const e = slope[s]!;
      dx[i0] = (g[i0]! * w - c) * scale - b - (x[i0]! - m - dm) * e;
      dx[i1] = (g[i1]! * w - c) * scale - b - (x[i1]! - m - dm) * e;
      dx[i2] = (g[i2]! * w - c) * scale - b - (x[i2]! - m - dm) * e;
      dx[i3] = (g[i3]! * w - c) * scale - b - (x[i3]! - m - dm) * e;
      if (++p === period) p = 0;
    }
  }
  for (; r < repeats; r++) {
    let i = r * sets + first;
    for (let s = first, p = first % period; s < end; s++, i++) {
      const direct = (g[i]! * weight[p]! - center[s]!) * rstd[s]!;
      dx[i] = direct - shift[s]! - (x[i]! - mean[s]! - correction[s]!) * slope[s]!;
      if (++p === period) p = 0;
    }
  }
}
