/**
 * Loops over sets of one to four float32 cells, each equally far from the one before.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normSmallFloat64.ts is made of normSmallFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 *
 * Such sets are not worth loops of their own: they are read once, into variables. Those that a set lacks are the first cell,
 * whose difference to itself is 0.
 */
import type { NormLayout, NormOptions, NormStatistics, NormSums } from "./normLayout.ts";

export function scaleSmall(
  y: Float32Array,
  x: Float32Array,
  { repeats, sets, length, period, run }: NormLayout,
  { eps, centered }: NormOptions,
  { mean, correction, variance, rstd }: NormStatistics,
  weight: Float32Array,
  bias: Float32Array,
): void {
  const n = repeats * length;
  const share = 1 / n;
  const step = length === 1 ? sets : 1;
  const next = run === length ? 0 : 1;
  const runs = (length / run) | 0;
  const last = (period - 1) * runs;
  for (let s = 0, p = 0, i = 0; s < sets; s++, i += length) {
    const x0 = x[i]!;
    const x1 = n > 1 ? x[(i + step) | 0]! : x0;
    const x2 = n > 2 ? x[(i + 2 * step) | 0]! : x0;
    const x3 = n > 3 ? x[(i + 3 * step) | 0]! : x0;
    const m = centered ? x0 + (x1 - x0 + (x2 - x0 + (x3 - x0))) * share : 0;
    const d0 = x0 - m;
    const d1 = n > 1 ? x1 - m : 0;
    const d2 = n > 2 ? x2 - m : 0;
    const d3 = n > 3 ? x3 - m : 0;
    const k = centered ? (d0 + d1 + (d2 + d3)) * share : 0;
    // Below 0 by rounding only, where all cells are nearly equal.
    const v = Math.max(0, (d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3)) * share - k * k);
    const r = v + eps === 0 ? 0 : 1 / Math.sqrt(v + eps);
    mean[s] = m;
    correction[s] = k;
    variance[s] = v;
    rstd[s] = r;
    y[i] = (d0 - k) * r * weight[p]! + bias[p]!;
    if (n > 1) y[(i + step) | 0] = (d1 - k) * r * weight[(p + next) | 0]! + bias[(p + next) | 0]!;
    if (n > 2) y[(i + 2 * step) | 0] = (d2 - k) * r * weight[(p + 2 * next) | 0]! + bias[(p + 2 * next) | 0]!;
    if (n > 3) y[(i + 3 * step) | 0] = (d3 - k) * r * weight[(p + 3 * next) | 0]! + bias[(p + 3 * next) | 0]!;
    p = p === last ? 0 : (p + runs) | 0;
  }
}

export function gradSmall(
  dx: Float32Array | null,
  g: Float32Array,
  x: Float32Array,
  first: number,
  end: number,
  { repeats, sets, length, period, run }: NormLayout,
  centered: boolean,
  { mean, correction, rstd }: NormStatistics,
  weight: Float32Array,
  { gradWeight, gradBias }: NormSums,
  base: number,
): void {
  const n = repeats * length;
  const share = 1 / n;
  const step = length === 1 ? sets : 1;
  const runs = (length / run) | 0;
  const last = (period - 1) * runs;
  let p = (first % period) * runs;
  for (let s = first, i = first * length; s < end; s++, i += length) {
    const m = mean[s]!;
    const k = correction[s]!;
    const r = rstd[s]!;
    const d0 = x[i]! - m - k;
    const d1 = n > 1 ? x[(i + step) | 0]! - m - k : 0;
    const d2 = n > 2 ? x[(i + 2 * step) | 0]! - m - k : 0;
    const d3 = n > 3 ? x[(i + 3 * step) | 0]! - m - k : 0;
    const g0 = g[i]!;
    const g1 = n > 1 ? g[(i + step) | 0]! : 0;
    const g2 = n > 2 ? g[(i + 2 * step) | 0]! : 0;
    const g3 = n > 3 ? g[(i + 3 * step) | 0]! : 0;
    const q = (p - base) | 0;
    const w0 = weight[p]!;
    let w1 = w0;
    let w2 = w0;
    let w3 = w0;
    if (runs === 1) {
      gradWeight[q]! += g0 * (d0 * r) + g1 * (d1 * r) + (g2 * (d2 * r) + g3 * (d3 * r));
      gradBias[q]! += g0 + g1 + (g2 + g3);
    } else {
      w1 = weight[(p + 1) | 0]!;
      gradWeight[q]! += g0 * (d0 * r);
      gradBias[q]! += g0;
      gradWeight[(q + 1) | 0]! += g1 * (d1 * r);
      gradBias[(q + 1) | 0]! += g1;
      if (n > 2) {
        w2 = weight[(p + 2) | 0]!;
        gradWeight[(q + 2) | 0]! += g2 * (d2 * r);
        gradBias[(q + 2) | 0]! += g2;
      }
      if (n > 3) {
        w3 = weight[(p + 3) | 0]!;
        gradWeight[(q + 3) | 0]! += g3 * (d3 * r);
        gradBias[(q + 3) | 0]! += g3;
      }
    }
    p = p === last ? 0 : (p + runs) | 0;
    if (dx === null) continue;
    const h0 = g0 * w0;
    const h1 = g1 * w1;
    const h2 = g2 * w2;
    const h3 = g3 * w3;
    const c = centered ? (h0 + h1 + (h2 + h3)) * share : 0;
    const e = r * ((h0 * d0 + h1 * d1 + (h2 * d2 + h3 * d3)) * r * share);
    dx[i] = (h0 - c - d0 * e) * r;
    if (n > 1) dx[(i + step) | 0] = (h1 - c - d1 * e) * r;
    if (n > 2) dx[(i + 2 * step) | 0] = (h2 - c - d2 * e) * r;
    if (n > 3) dx[(i + 3 * step) | 0] = (h3 - c - d3 * e) * r;
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
