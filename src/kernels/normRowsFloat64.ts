/**
 * Loops over rows of float64 cells, each with its own weight and bias.
 *
 * The loops for float64 are the same text with another type of array, so that each sees one kind only (normLayout.ts):
 * normRowsFloat64.ts is made of normRowsFloat32.ts by a replacement, and test/kernels/norm.test.ts checks that it is.
 *
 * Four rows at a time where they meet the same parameters, which are then read, and their gradients written, once for four.
 */
import type { NormLayout, NormStatistics, NormSums } from "./normLayout.ts";

export function scaleRows(
  y: Float64Array,
  x: Float64Array,
  first: number,
  end: number,
  { length, period }: NormLayout,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  bias: Float64Array,
): void {
  const fours = period === 1 ? end - 3 : first;
  let s = first;
  for (; s < fours; s += 4) {
    const m0 = mean[s]!;
    const m1 = mean[s + 1]!;
    const m2 = mean[s + 2]!;
    const m3 = mean[s + 3]!;
    const k0 = correction[s]!;
    const k1 = correction[s + 1]!;
    const k2 = correction[s + 2]!;
    const k3 = correction[s + 3]!;
    const r0 = rstd[s]!;
    const r1 = rstd[s + 1]!;
    const r2 = rstd[s + 2]!;
    const r3 = rstd[s + 3]!;
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
    const m = mean[s]!;
    const k = correction[s]!;
    const r = rstd[s]!;
    let i = s * length;
    let p = (s % period) * length;
    const last = p + length;
    for (; p < last - 3; p += 4, i += 4) {
      y[i] = (x[i]! - m - k) * r * weight[p]! + bias[p]!;
      y[(i + 1) | 0] = (x[(i + 1) | 0]! - m - k) * r * weight[(p + 1) | 0]! + bias[(p + 1) | 0]!;
      y[(i + 2) | 0] = (x[(i + 2) | 0]! - m - k) * r * weight[(p + 2) | 0]! + bias[(p + 2) | 0]!;
      y[(i + 3) | 0] = (x[(i + 3) | 0]! - m - k) * r * weight[(p + 3) | 0]! + bias[(p + 3) | 0]!;
    }
    for (; p < last; p++, i++) {
      y[i] = (x[i]! - m - k) * r * weight[p]! + bias[p]!;
    }
  }
}

export function backwardRows(
  dx: Float64Array | null,
  g: Float64Array,
  x: Float64Array,
  { sets, length, period }: NormLayout,
  centered: boolean,
  statistics: NormStatistics,
  weight: Float64Array,
  sums: Pick<NormSums, "gradWeight" | "gradBias">,
): void {
  const fours = period === 1 ? sets - 3 : 0;
  let s = 0;
  for (; s < fours; s += 4) fourRows(dx, g, x, s, length, centered, statistics, weight, sums);
  for (; s < sets; s++) oneRow(dx, g, x, s, (s % period) * length, length, centered, statistics, weight, sums);
}

function fourRows(
  dx: Float64Array | null,
  g: Float64Array,
  x: Float64Array,
  s: number,
  length: number,
  centered: boolean,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { gradWeight, gradBias }: Pick<NormSums, "gradWeight" | "gradBias">,
): void {
  const m0 = mean[s]!;
  const m1 = mean[s + 1]!;
  const m2 = mean[s + 2]!;
  const m3 = mean[s + 3]!;
  const k0 = correction[s]!;
  const k1 = correction[s + 1]!;
  const k2 = correction[s + 2]!;
  const k3 = correction[s + 3]!;
  const r0 = rstd[s]!;
  const r1 = rstd[s + 1]!;
  const r2 = rstd[s + 2]!;
  const r3 = rstd[s + 3]!;
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
    const g0 = g[(i0 + l) | 0]!;
    const g1 = g[(i1 + l) | 0]!;
    const g2 = g[(i2 + l) | 0]!;
    const g3 = g[(i3 + l) | 0]!;
    const product0 = g0 * ((x[(i0 + l) | 0]! - m0 - k0) * r0);
    const product1 = g1 * ((x[(i1 + l) | 0]! - m1 - k1) * r1);
    const product2 = g2 * ((x[(i2 + l) | 0]! - m2 - k2) * r2);
    const product3 = g3 * ((x[(i3 + l) | 0]! - m3 - k3) * r3);
    gradWeight[l]! += product0 + product1 + (product2 + product3);
    gradBias[l]! += g0 + g1 + (g2 + g3);
    sum0 += g0 * w;
    sum1 += g1 * w;
    sum2 += g2 * w;
    sum3 += g3 * w;
    dot0 += product0 * w;
    dot1 += product1 * w;
    dot2 += product2 * w;
    dot3 += product3 * w;
  }
  if (dx === null) return;
  const c0 = centered ? sum0 / length : 0;
  const c1 = centered ? sum1 / length : 0;
  const c2 = centered ? sum2 / length : 0;
  const c3 = centered ? sum3 / length : 0;
  const e0 = r0 * r0 * (dot0 / length);
  const e1 = r1 * r1 * (dot1 / length);
  const e2 = r2 * r2 * (dot2 / length);
  const e3 = r3 * r3 * (dot3 / length);
  for (let l = 0; l < length; l++) {
    const w = weight[l]!;
    dx[(i0 + l) | 0] = (g[(i0 + l) | 0]! * w - c0) * r0 - (x[(i0 + l) | 0]! - m0 - k0) * e0;
    dx[(i1 + l) | 0] = (g[(i1 + l) | 0]! * w - c1) * r1 - (x[(i1 + l) | 0]! - m1 - k1) * e1;
    dx[(i2 + l) | 0] = (g[(i2 + l) | 0]! * w - c2) * r2 - (x[(i2 + l) | 0]! - m2 - k2) * e2;
    dx[(i3 + l) | 0] = (g[(i3 + l) | 0]! * w - c3) * r3 - (x[(i3 + l) | 0]! - m3 - k3) * e3;
  }
}

function oneRow(
  dx: Float64Array | null,
  g: Float64Array,
  x: Float64Array,
  s: number,
  firstParameter: number,
  length: number,
  centered: boolean,
  { mean, correction, rstd }: NormStatistics,
  weight: Float64Array,
  { gradWeight, gradBias }: Pick<NormSums, "gradWeight" | "gradBias">,
): void {
  const m = mean[s]!;
  const k = correction[s]!;
  const r = rstd[s]!;
  const last = firstParameter + length;
  let sum = 0;
  let dot = 0;
  for (let p = firstParameter, i = s * length; p < last; p++, i++) {
    const w = weight[p]!;
    const value = g[i]!;
    const product = value * ((x[i]! - m - k) * r);
    gradWeight[p]! += product;
    gradBias[p]! += value;
    sum += value * w;
    dot += product * w;
  }
  if (dx === null) return;
  const c = centered ? sum / length : 0;
  const e = r * r * (dot / length);
  for (let p = firstParameter, i = s * length; p < last; p++, i++) {
    dx[i] = (g[i]! * weight[p]! - c) * r - (x[i]! - m - k) * e;
  }
}
