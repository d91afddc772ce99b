import type { FloatArray } from "./floatArray.ts";
import { multiples } from "./matrixView.ts";
import { addProduct } from "./product.ts";

export interface MatmulOptions {
  /** Where the operand or the result begins in its array, in elements. Default 0. */
  readonly aOffset?: number;
  readonly bOffset?: number;
  readonly outOffset?: number;
  /** `a` is stored as [k, m]. Default false. */
  readonly transposeA?: boolean;
  /** `b` is stored as [n, k]. Default false. */
  readonly transposeB?: boolean;
  /** Add to `out` instead of replacing it. Default false. */
  readonly accumulate?: boolean;
}

/** Up to this many multiplications, or with a vector, packing costs more than it saves. */
const SMALL = 256;

/**
 * out[m, n] = a[m, k] · b[k, n], row-major. Every sum is kept in float64 and rounded once, on store.
 * `out` must not overlap `a` or `b`.
 */
export function matmul(
  out: FloatArray,
  a: FloatArray,
  b: FloatArray,
  m: number,
  k: number,
  n: number,
  options: MatmulOptions = {},
): void {
  const { aOffset = 0, bOffset = 0, outOffset = 0, transposeA = false, transposeB = false } = options;
  if (!options.accumulate) out.fill(0, outOffset, outOffset + m * n);
  const aRow = transposeA ? 1 : k;
  const aColumn = transposeA ? m : 1;
  const bRow = transposeB ? 1 : n;
  const bColumn = transposeB ? k : 1;
  if (m > 1 && n > 1 && m * k * n > SMALL) {
    addProduct(
      { data: out, offset: outOffset, rows: multiples(n, m), columns: multiples(1, n) },
      { data: a, offset: aOffset, rows: multiples(aRow, m), columns: multiples(aColumn, k) },
      { data: b, offset: bOffset, rows: multiples(bRow, k), columns: multiples(bColumn, n) },
    );
    return;
  }
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let aAt = aOffset + i * aRow;
      let bAt = bOffset + j * bColumn;
      let sum = 0;
      for (let l = 0; l < k; l++) {
        sum += a[aAt]! * b[bAt]!;
        aAt = (aAt + aColumn) | 0;
        bAt = (bAt + bRow) | 0;
      }
      out[outOffset + i * n + j]! += sum;
    }
  }
}
