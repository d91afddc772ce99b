/**
 * Loops over sets of few float32 cells that lie side by side: statistics, and all there is for sets of one.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normSmallFloat64.ts is made of normSmallFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 *
 * A set after the other would wait for its own sums, quotients and root; one step at a time for all sets, nothing waits.
 */
import type { NormLayout, NormOptions, NormStatistics, NormSums } from "./normLayout.ts";

export function momentsSmall(
  x: Float32Array,
  first: number,
  end: number,
  { length }: NormLayout,
  { eps, centered }: NormOptions,
  { mean, correction, variance, rstd }: NormStatistics,
): void {
  const count = end - first;
  if (!centered) mean.fill(0, 0, count);
  else {
    for (let k = 0, i = first * length; k < count; k++) {
      const origin = x[i++]!;
      let sum = 0;
      for (const to = i + length - 1; i < to; i++) sum += x[i]! - origin;
      mean[k] = origin + sum / length;
    }
  }
  for (let k = 0, i = first * length; k < count; k++) {
    const m = mean[k]!;
    let sum = 0;
    let squares = 0;
    for (const to = i + length; i < to; i++) {
      const d = x[i]! - m;
      sum += d;
      squares += d * d;
    }
    correction[k] = centered ? sum / length : 0;
    variance[k] = squares / length;
  }
  for (let k = 0; k < count; k++) {
    const left = correction[k]!;
    // Below 0 by rounding only, where all cells are nearly equal.
    const v = Math.max(0, variance[k]! - left * left);
    variance[k] = v;
    rstd[k] = v + eps === 0 ? 0 : 1 / Math.sqrt(v + eps);
  }
}

// A single cell less its mean is d = x − x: 0, or NaN if x is not finite. There the formulas come to this.

export function scaleSingles(
  y: Float32Array,
  x: Float32Array,
  period: number,
  rstd: number,
  weight: Float32Array,
  bias: Float32Array,
): void {
  for (let s = 0, p = 0; s < x.length; s++) {
    y[s] = (x[s]! - x[s]!) * rstd * weight[p]! + bias[p]!;
    if (++p === period) p = 0;
  }
}

export function gradSingles(
  dx: Float32Array | null,
  g: Float32Array,
  x: Float32Array,
  period: number,
  rstd: number,
  weight: Float32Array,
  { gradWeight, gradBias }: NormSums,
): void {
  for (let s = 0, p = 0; s < x.length; s++) {
    const d = x[s]! - x[s]!;
    const value = g[s]!;
    gradWeight[p]! += value * (d * rstd);
    gradBias[p]! += value;
    if (dx !== null) dx[s] = (value * weight[p]! - value * weight[p]!) * rstd - d;
    if (++p === period) p = 0;
  }
}
