/**
 * Loops over rows of float32 cells, each with its own weight and bias.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normRowsFloat64.ts is made of normRowsFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 *
 * Four rows at a time where they meet the same parameters, which are then read, and their gradients written, once for four.
 */
import type { NormLayout, NormSlopes, NormStatistics, NormSums } from "./normLayout.ts";

export function scaleRows(
  y: Float32Array,
  x: Float32Array,
  first: number,
  end: number,
  { length, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float32Array,
  bias: Float32Array,
): void {
  const fours = period === 1 ? end - 3 : first;
  let s = first;
  for (; s < fours; s += 4) {
    const at = s - first;
    const m0 = mean[at]!;
    const m1 = mean[at + 1]!;
    const m2 = mean[at + 2]!;
    const m3 = mean[at + 3]!;
    const k0 = correction[at]!;
    const k1 = correction[at + 1]!;
    const k2 = correction[at + 2]!;
    const k3 = correction[at + 3]!;
    const r0 = rstd[at]!;
    const r1 = rstd[at + 1]!;
    const r2 = rstd[at + 2]!;
    const r3 = rstd[at + 3]!;
    const i0 = s * length;
    const i1 = i0 + length;
    const i2 = i1 + length;
    const i3 = i2 + length;
    for (let l = 0; l < length; l++) {
      const w = weight[l]!;
      const b = bias[l]!;
      y[(i0 + l) | 0] = (x[(i0 + l) | 0]! - m0 - k0) * r0 * w + b;
      y[(i1 + l) | 0] = (x[(i1 + l) | 0]! - m1 - k1) * r1 * w + b;
      y[(i2 + l) | 0] = (x[(i2 + l) | 0]! - m2 - k2) * r2 * w + b;
      y[(i3 + l) | 0] = (x[(i3 + l) | 0]! - m3 - k3) * r3 * w + b;
    }
  }
  for (; s < end; s++) {
    const m = mean[s - first]!;
    const k = correction[s - first]!;
    const r = rstd[s - first]!;
    let i = s * length;
    let p = (s % period) * length;
    const last = p + length;
    for (; p < last - 1; p += 2, i += 2) {
      y[i] = (x[i]! - m - k) * r * weight[p]! + bias[p]!;
      y[(i + 1) | 0] = (x[(i + 1) | 0]! - m - k) * r * weight[(p + 1) | 0]! + bias[(p + 1) | 0]!;
    }
    if (p < last) y[i] = (x[i]! - m - k) * r * weight[p]! + bias[p]!;
  }
}

export function dotRows(
  g: Float32Array,
  x: Float32Array,
  first: number,
  end: number,
  { length, period }: NormLayout,
  centered: boolean,
  { mean, correction, rstd }: NormStatistics,
  weight: Float32Array,
  { center, slope }: NormSlopes,
): void {
  const fours = period === 1 ? end - 3 : first;
  let s = first;
  for (; s < fours; s += 4) {
    const at = s - first;
    const m0 = mean[at]!;
    const m1 = mean[at + 1]!;
    const m2 = mean[at + 2]!;
    const m3 = mean[at + 3]!;
    const k0 = correction[at]!;
    const k1 = correction[at + 1]!;
    const k2 = correction[at + 2]!;
    const k3 = correction[at + 3]!;
    const i0 = s * length;
    const i1 = i0 + length;
    const i2 = i1 + length;
    const i3 = i2 + length;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    let dot0 = 0;
    let dot1 = 0;
    let dot2 = 0;
    let dot3 = 0;
    for (let l = 0; l < length; l++) {
      const w = weight[l]!;
      const g0 = g[(i0 + l) | 0]! * w;
      const g1 = g[(i1 + l) | 0]! * w;
      const g2 = g[(i2 + l) | 0]! * w;
      const g3 = g[(i3 + l) | 0]! * w;
      sum0 += g0;
      sum1 += g1;
      sum2 += g2;
      sum3 += g3;
      dot0 += g0 * (x[(i0 + l) | 0]! - m0 - k0);
      dot1 += g1 * (x[(i1 + l) | 0]! - m1 - k1);
      dot2 += g2 * (x[(i2 + l) | 0]! - m2 - k2);
      dot3 += g3 * (x[(i3 + l) | 0]! - m3 - k3);
    }
    const r0 = rstd[at]!;
    const r1 = rstd[at + 1]!;
    const r2 = rstd[at + 2]!;
    const r3 = rstd[at + 3]!;
    center[at] = centered ? sum0 / length : 0;
    center[at + 1] = centered ? sum1 / length : 0;
    center[at + 2] = centered ? sum2 / length : 0;
    center[at + 3] = centered ? sum3 / length : 0;
    slope[at] = r0 * ((dot0 * r0) / length);
    slope[at + 1] = r1 * ((dot1 * r1) / length);
    slope[at + 2] = r2 * ((dot2 * r2) / length);
    slope[at + 3] = r3 * ((dot3 * r3) / length);
  }
  for (; s < end; s++) {
    const m = mean[s - first]!;
    const k = correction[s - first]!;
    const r = rstd[s - first]!;
    let i = s * length;
    let p = (s % period) * length;
    const last = p + length;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (; p < last - 1; p += 2, i += 2) {
      const g0 = g[i]! * weight[p]!;
      const g1 = g[(i + 1) | 0]! * weight[(p + 1) | 0]!;
      a += g0;
      b += g1;
      c += g0 * (x[i]! - m - k);
      d += g1 * (x[(i + 1) | 0]! - m - k);
    }
    if (p < last) {
      const g0 = g[i]! * weight[p]!;
      a += g0;
      c += g0 * (x[i]! - m - k);
    }
    center[s - first] = centered ? (a + b) / length : 0;
    slope[s - first] = r * (((c + d) * r) / length);
  }
}

export function gradRows(
  dx: Float32Array | null,
  g: Float32Array,
  x: Float32Array,
  first: number,
  end: number,
  from: number,
  to: number,
  { length, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float32Array,
  { center, slope }: NormSlopes,
  { gradWeight, gradBias }: NormSums,
): void {
  const fours = period === 1 ? end - 3 : first;
  let s = first;
  for (; s < fours; s += 4) {
    const at = s - first;
    const m0 = mean[at]!;
    const m1 = mean[at + 1]!;
    const m2 = mean[at + 2]!;
    const m3 = mean[at + 3]!;
    const k0 = correction[at]!;
    const k1 = correction[at + 1]!;
    const k2 = correction[at + 2]!;
    const k3 = correction[at + 3]!;
    const r0 = rstd[at]!;
    const r1 = rstd[at + 1]!;
    const r2 = rstd[at + 2]!;
    const r3 = rstd[at + 3]!;
    const c0 = center[at]!;
    const c1 = center[at + 1]!;
    const c2 = center[at + 2]!;
    const c3 = center[at + 3]!;
    const e0 = slope[at]!;
    const e1 = slope[at + 1]!;
    const e2 = slope[at + 2]!;
    const e3 = slope[at + 3]!;
    const i0 = s * length;
    const i1 = i0 + length;
    const i2 = i1 + length;
    const i3 = i2 + length;
    for (let l = from; l < to; l++) {
      const w = weight[l]!;
      const g0 = g[(i0 + l) | 0]!;
      const g1 = g[(i1 + l) | 0]!;
      const g2 = g[(i2 + l) | 0]!;
      const g3 = g[(i3 + l) | 0]!;
      const d0 = x[(i0 + l) | 0]! - m0 - k0;
      const d1 = x[(i1 + l) | 0]! - m1 - k1;
      const d2 = x[(i2 + l) | 0]! - m2 - k2;
      const d3 = x[(i3 + l) | 0]! - m3 - k3;
      gradWeight[(l - from) | 0]! += g0 * (d0 * r0) + g1 * (d1 * r1) + (g2 * (d2 * r2) + g3 * (d3 * r3));
      gradBias[(l - from) | 0]! += g0 + g1 + (g2 + g3);
      if (dx === null) continue;
      dx[(i0 + l) | 0] = (g0 * w - c0 - d0 * e0) * r0;
      dx[(i1 + l) | 0] = (g1 * w - c1 - d1 * e1) * r1;
      dx[(i2 + l) | 0] = (g2 * w - c2 - d2 * e2) * r2;
      dx[(i3 + l) | 0] = (g3 * w - c3 - d3 * e3) * r3;
    }
  }
  for (; s < end; s++) {
    const m = mean[s - first]!;
    const k = correction[s - first]!;
    const r = rstd[s - first]!;
    const c = center[s - first]!;
    const e = slope[s - first]!;
    const parameters = (s % period) * length;
    let i = s * length + from;
    let p = parameters + from;
    let q = parameters;
    const last = parameters + to;
    for (; p < last - 1; p += 2, q += 2, i += 2) {
      const g0 = g[i]!;
      const g1 = g[(i + 1) | 0]!;
      const d0 = x[i]! - m - k;
      const d1 = x[(i + 1) | 0]! - m - k;
      gradWeight[q]! += g0 * (d0 * r);
      gradWeight[(q + 1) | 0]! += g1 * (d1 * r);
      gradBias[q]! += g0;
      gradBias[(q + 1) | 0]! += g1;
      if (dx === null) continue;
      dx[i] = (g0 * weight[p]! - c - d0 * e) * r;
      dx[(i + 1) | 0] = (g1 * weight[(p + 1) | 0]! - c - d1 * e) * r;
    }
    if (p < last) {
      const value = g[i]!;
      const d = x[i]! - m - k;
      gradWeight[q]! += value * (d * r);
      gradBias[q]! += value;
      if (dx !== null) dx[i] = (value * weight[p]! - c - d * e) * r;
    }
  }
}
