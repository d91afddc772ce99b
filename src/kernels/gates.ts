/** The gates of LSTMCell and GRUCell as loops over rows; src/nn/lstmCell.ts and src/nn/gruCell.ts have the formulas. */
import type { FloatArray } from "./floatArray.ts";

export interface GateSizes {
  readonly rows: number;
  /** Of one gate: hiddenSize. */
  readonly size: number;
}

/** out [rows, 2 · size]: h′, c′. saved [rows, 5 · size]: i, f, g, o, tanh(c′). From a [rows, 4 · size], c [rows, size]. */
export function lstmGates(
  out: Float64Array,
  saved: Float64Array,
  a: FloatArray,
  c: FloatArray,
  { rows, size }: GateSizes,
): void {
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < size; j++) {
      const from = row * 4 * size + j;
      const i = sigmoid(a[from]!);
      const f = sigmoid(a[from + size]!);
      const g = Math.tanh(a[from + 2 * size]!);
      const o = sigmoid(a[from + 3 * size]!);
      const next = f * c[row * size + j]! + i * g;
      const t = Math.tanh(next);
      const to = row * 5 * size + j;
      saved[to] = i;
      saved[to + size] = f;
      saved[to + 2 * size] = g;
      saved[to + 3 * size] = o;
      saved[to + 4 * size] = t;
      out[row * 2 * size + j] = o * t;
      out[row * 2 * size + size + j] = next;
    }
  }
}

/** gradA and gradC, in the shapes of a and c, from gradOutput in that of out. */
export function lstmGatesBackward(
  gradA: Float64Array,
  gradC: Float64Array,
  gradOutput: FloatArray,
  saved: Float64Array,
  c: FloatArray,
  { rows, size }: GateSizes,
): void {
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < size; j++) {
      const from = row * 5 * size + j;
      const i = saved[from]!;
      const f = saved[from + size]!;
      const g = saved[from + 2 * size]!;
      const o = saved[from + 3 * size]!;
      const t = saved[from + 4 * size]!;
      const gradH = gradOutput[row * 2 * size + j]!;
      const reachesC = gradOutput[row * 2 * size + size + j]! + gradH * o * (1 - t * t);
      const to = row * 4 * size + j;
      gradA[to] = reachesC * g * i * (1 - i);
      gradA[to + size] = reachesC * c[row * size + j]! * f * (1 - f);
      gradA[to + 2 * size] = reachesC * i * (1 - g * g);
      gradA[to + 3 * size] = gradH * t * o * (1 - o);
      gradC[row * size + j] = reachesC * f;
    }
  }
}

/** out [rows, size]: h′. saved [rows, 3 · size]: r, z, n. From u and v [rows, 3 · size], h [rows, size]. */
export function gruGates(
  out: Float64Array,
  saved: Float64Array,
  u: FloatArray,
  v: FloatArray,
  h: FloatArray,
  { rows, size }: GateSizes,
): void {
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < size; j++) {
      const at = row * 3 * size + j;
      const r = sigmoid(u[at]! + v[at]!);
      const z = sigmoid(u[at + size]! + v[at + size]!);
      const n = Math.tanh(u[at + 2 * size]! + r * v[at + 2 * size]!);
      saved[at] = r;
      saved[at + size] = z;
      saved[at + 2 * size] = n;
      out[row * size + j] = n + z * (h[row * size + j]! - n);
    }
  }
}

/** gradU, gradV and gradH, in the shapes of u, v and h, from gradOutput in that of h. */
export function gruGatesBackward(
  gradU: Float64Array,
  gradV: Float64Array,
  gradH: Float64Array,
  gradOutput: FloatArray,
  saved: Float64Array,
  v: FloatArray,
  h: FloatArray,
  { rows, size }: GateSizes,
): void {
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < size; j++) {
      const at = row * 3 * size + j;
      const r = saved[at]!;
      const z = saved[at + size]!;
      const n = saved[at + 2 * size]!;
      const g = gradOutput[row * size + j]!;
      const viaN = g * (1 - z) * (1 - n * n);
      const viaR = viaN * v[at + 2 * size]! * r * (1 - r);
      const viaZ = g * (h[row * size + j]! - n) * z * (1 - z);
      gradU[at] = viaR;
      gradU[at + size] = viaZ;
      gradU[at + 2 * size] = viaN;
      gradV[at] = viaR;
      gradV[at + size] = viaZ;
      gradV[at + 2 * size] = viaN * r;
      gradH[row * size + j] = g * z;
    }
  }
}

/** Without overflow. */
function sigmoid(x: number): number {
  const z = Math.exp(-Math.abs(x));
  return x < 0 ? z / (1 + z) : 1 / (1 + z);
}
