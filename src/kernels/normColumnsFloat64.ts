/**
 * Loops over sets of one or few float64 cells in each repeat: columns of a matrix, whose rows are `length` cells apart in x.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normColumnsFloat64.ts is made of normColumnsFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 *
 * Four cells of a column at a time, so that what belongs to the column is read and written once for four.
 */
import type { NormLayout, NormOptions, NormSlopes, NormStatistics, RunSums } from "./normLayout.ts";

/** Where the cell of set `first` in row r lies. */
function startOf(r: number, first: number, sets: number, length: number): number {
  return length === 1 ? r * sets + first : (((r / length) | 0) * sets + first) * length + (r % length);
}

export function moments(
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length }: NormLayout,
  { eps, centered }: NormOptions,
  { mean, correction, variance, rstd }: NormStatistics,
): void {
  const rows = repeats * length;
  if (centered) {
    for (let s = first; s < end; s++) mean[s - first] = x[s * length]!;
    let r = 0;
    for (; r < rows - 3; r += 4) {
      let i0 = startOf(r, first, sets, length);
      let i1 = startOf(r + 1, first, sets, length);
      let i2 = startOf(r + 2, first, sets, length);
      let i3 = startOf(r + 3, first, sets, length);
      for (
        let s = first;
        s < end;
        s++, i0 = (i0 + length) | 0, i1 = (i1 + length) | 0, i2 = (i2 + length) | 0, i3 = (i3 + length) | 0
      ) {
        const origin = mean[s - first]!;
        correction[s - first]! += x[i0]! - origin + (x[i1]! - origin) + (x[i2]! - origin + (x[i3]! - origin));
      }
    }
    for (; r < rows; r++) {
      let i = startOf(r, first, sets, length);
      for (let s = first; s < end; s++, i = (i + length) | 0) correction[s - first]! += x[i]! - mean[s - first]!;
    }
    for (let s = first; s < end; s++) {
      mean[s - first]! += correction[s - first]! / rows;
      correction[s - first] = 0;
    }
  }
  let r = 0;
  for (; r < rows - 3; r += 4) {
    let i0 = startOf(r, first, sets, length);
    let i1 = startOf(r + 1, first, sets, length);
    let i2 = startOf(r + 2, first, sets, length);
    let i3 = startOf(r + 3, first, sets, length);
    for (
      let s = first;
      s < end;
      s++, i0 = (i0 + length) | 0, i1 = (i1 + length) | 0, i2 = (i2 + length) | 0, i3 = (i3 + length) | 0
    ) {
      const m = mean[s - first]!;
      const d0 = x[i0]! - m;
      const d1 = x[i1]! - m;
      const d2 = x[i2]! - m;
      const d3 = x[i3]! - m;
      correction[s - first]! += d0 + d1 + (d2 + d3);
      variance[s - first]! += d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3);
    }
  }
  for (; r < rows; r++) {
    let i = startOf(r, first, sets, length);
    for (let s = first; s < end; s++, i = (i + length) | 0) {
      const d = x[i]! - mean[s - first]!;
      correction[s - first]! += d;
      variance[s - first]! += d * d;
    }
  }
  for (let s = first; s < end; s++) {
    const left = centered ? correction[s - first]! / rows : 0;
    // Below 0 by rounding only, where all cells are nearly equal.
    const v = Math.max(0, variance[s - first]! / rows - left * left);
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
  { repeats, sets, length, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  bias: Float64Array,
): void {
  const rows = repeats * length;
  let r = 0;
  for (; r < rows - 3; r += 4) {
    let i0 = startOf(r, first, sets, length);
    let i1 = startOf(r + 1, first, sets, length);
    let i2 = startOf(r + 2, first, sets, length);
    let i3 = startOf(r + 3, first, sets, length);
    for (
      let s = first, p = first % period;
      s < end;
      s++, i0 = (i0 + length) | 0, i1 = (i1 + length) | 0, i2 = (i2 + length) | 0, i3 = (i3 + length) | 0
    ) {
      const m = mean[s - first]!;
      const dm = correction[s - first]!;
      const scale = rstd[s - first]! * weight[p]!;
      const b = bias[p]!;
      y[i0] = (x[i0]! - m - dm) * scale + b;
      y[i1] = (x[i1]! - m - dm) * scale + b;
      y[i2] = (x[i2]! - m - dm) * scale + b;
      y[i3] = (x[i3]! - m - dm) * scale + b;
      if (++p === period) p = 0;
    }
  }
  for (; r < rows; r++) {
    let i = startOf(r, first, sets, length);
    for (let s = first, p = first % period; s < end; s++, i = (i + length) | 0) {
      y[i] = (x[i]! - mean[s - first]! - correction[s - first]!) * (rstd[s - first]! * weight[p]!) + bias[p]!;
      if (++p === period) p = 0;
    }
  }
}

export function dotRuns(
  g: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length }: NormLayout,
  { mean, correction }: NormStatistics,
  { sums, dots }: RunSums,
): void {
  const count = end - first;
  sums.fill(0, 0, count);
  dots.fill(0, 0, count);
  const rows = repeats * length;
  let r = 0;
  for (; r < rows - 3; r += 4) {
    let i0 = startOf(r, first, sets, length);
    let i1 = startOf(r + 1, first, sets, length);
    let i2 = startOf(r + 2, first, sets, length);
    let i3 = startOf(r + 3, first, sets, length);
    for (
      let k = 0;
      k < count;
      k++, i0 = (i0 + length) | 0, i1 = (i1 + length) | 0, i2 = (i2 + length) | 0, i3 = (i3 + length) | 0
    ) {
      const m = mean[k]!;
      const dm = correction[k]!;
      const g0 = g[i0]!;
      const g1 = g[i1]!;
      const g2 = g[i2]!;
      const g3 = g[i3]!;
      sums[k]! += g0 + g1 + (g2 + g3);
      dots[k]! += g0 * (x[i0]! - m - dm) + g1 * (x[i1]! - m - dm) + (g2 * (x[i2]! - m - dm) + g3 * (x[i3]! - m - dm));
    }
  }
  for (; r < rows; r++) {
    let i = startOf(r, first, sets, length);
    for (let k = 0; k < count; k++, i = (i + length) | 0) {
      const value = g[i]!;
      sums[k]! += value;
      dots[k]! += value * (x[i]! - mean[k]! - correction[k]!);
    }
  }
}

export function gradRuns(
  dx: Float64Array,
  g: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { repeats, sets, length, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { center, shift, slope }: NormSlopes,
): void {
  const rows = repeats * length;
  let r = 0;
  for (; r < rows - 3; r += 4) {
    let i0 = startOf(r, first, sets, length);
    let i1 = startOf(r + 1, first, sets, length);
    let i2 = startOf(r + 2, first, sets, length);
    let i3 = startOf(r + 3, first, sets, length);
    for (
      let s = first, p = first % period;
      s < end;
      s++, i0 = (i0 + length) | 0, i1 = (i1 + length) | 0, i2 = (i2 + length) | 0, i3 = (i3 + length) | 0
    ) {
      const m = mean[s - first]!;
      const dm = correction[s - first]!;
      const scale = rstd[s - first]!;
      const w = weight[p]!;
      const c = center[s - first]!;
      const b = shift[s - first]!;
      const e = slope[s - first]!;
      dx[i0] = (g[i0]! * w - c - (x[i0]! - m - dm) * e) * scale - b;
      dx[i1] = (g[i1]! * w - c - (x[i1]! - m - dm) * e) * scale - b;
      dx[i2] = (g[i2]! * w - c - (x[i2]! - m - dm) * e) * scale - b;
      dx[i3] = (g[i3]! * w - c - (x[i3]! - m - dm) * e) * scale - b;
      if (++p === period) p = 0;
    }
  }
  for (; r < rows; r++) {
    let i = startOf(r, first, sets, length);
    for (let s = first, p = first % period; s < end; s++, i = (i + length) | 0) {
      const viaVariance = (x[i]! - mean[s - first]! - correction[s - first]!) * slope[s - first]!;
      dx[i] = (g[i]! * weight[p]! - center[s - first]! - viaVariance) * rstd[s - first]! - shift[s - first]!;
      if (++p === period) p = 0;
    }
  }
}
