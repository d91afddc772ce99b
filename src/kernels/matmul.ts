import type { FloatArray } from "./floatArray.ts";
// placeholder until the tiled kernel lands
export function matmul(out: FloatArray, a: FloatArray, b: FloatArray, m: number, k: number, n: number, { aOffset = 0, bOffset = 0, outOffset = 0 } = {}): void {
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) {
    let s = 0;
    for (let l = 0; l < k; l++) s += a[aOffset + i * k + l]! * b[bOffset + l * n + j]!;
    out[outOffset + i * n + j] = s;
  }
}
