import { describe, expect, test } from "vitest";
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import { matmul as typescriptMatmul } from "../../../src/kernels/matmul.ts";
import type { MatmulOptions } from "../../../src/kernels/matmul.ts";
import { multiples } from "../../../src/kernels/matrixView.ts";
import type { MatrixView } from "../../../src/kernels/matrixView.ts";
import { addProduct as addProductInTypescript } from "../../../src/kernels/product.ts";
import { matmul } from "../../../src/kernels/wasm/matmul.ts";
import { addProduct } from "../../../src/kernels/wasm/product.ts";
import { expectSame, integers, KINDS } from "../integers.ts";
import type { Kind } from "../integers.ts";

/** Integers up to 32, whose products and sums of 4096 of them are exact in float32: then the answer is one, bit for bit. */
const small = (kind: Kind, length: number, seed: number): FloatArray =>
  integers(kind, length, seed).map((value) => value % 32);

/** Around the sizes of tiles (4 × 12 or 6) and blocks (256 × 264 × 256 or 128), and of too small a product. */
const SIZES: readonly (readonly [m: number, k: number, n: number])[] = [
  [2, 3, 4],
  [1, 3000, 100],
  [32, 32, 32],
  [33, 31, 35],
  [67, 129, 43],
  [5, 257, 271],
  [257, 64, 17],
  [259, 4, 265],
  [3, 1025, 89],
];
const OPTIONS: readonly MatmulOptions[] = [
  {},
  { transposeA: true },
  { transposeB: true },
  { transposeA: true, transposeB: true, accumulate: true, aOffset: 3, bOffset: 5, outOffset: 7 },
];

describe.each(KINDS.map((kind) => [kind.name, kind] as const))("%s", (_, kind) => {
  test.each(SIZES)("matmul of %i × %i × %i is exact on integers, and touches nothing else", (m, k, n) => {
    for (const options of OPTIONS) {
      const { aOffset = 0, bOffset = 0, outOffset = 0 } = options;
      const a = small(kind, aOffset + m * k, 1);
      const b = small(kind, bOffset + k * n, 2);
      const out = small(kind, outOffset + m * n + 3, 3);
      const expected = out.slice();
      matmul(out, a, b, m, k, n, options);
      typescriptMatmul(expected, a, b, m, k, n, options);
      expectSame(`${m} × ${k} × ${n}, ${JSON.stringify(options)}`, out, expected);
    }
  });

  test("addProduct adds what overlaps, as the gradient of a convolution does", () => {
    // Row t of the result begins t cells after the one before: all rows but the first overlap others.
    for (const columns of [multiples(1, 90), multiples(2, 90), Int32Array.from({ length: 90 }, (_, i) => i % 7)]) {
      const view = (data: FloatArray, rows: Int32Array, columns: Int32Array): MatrixView => {
        return { data, offset: 2, rows, columns };
      };
      const a = view(small(kind, 40 * 80 + 2, 4), multiples(80, 40), multiples(1, 80));
      const b = view(small(kind, 80 * 90 + 2, 5), multiples(1, 80), multiples(80, 90));
      const [out, expected] = [addProduct, addProductInTypescript].map((add) => {
        const data = small(kind, 300, 6);
        add(view(data, multiples(1, 40), columns), a, b);
        return data;
      });
      expectSame("overlapping rows", out ?? a.data, expected ?? b.data);
    }
  });

  test("errors stay within the stated bound", () => {
    const [m, k, n] = [17, 1000, 19];
    const draw = (length: number, seed: number): FloatArray =>
      integers(kind, length, seed).map((value) => value / 2 ** 20);
    const a = draw(m * k, 1);
    const b = draw(k * n, 2);
    const out = new kind(m * n);
    matmul(out, a, b, m, k, n);
    const unit = kind === Float32Array ? 2 ** -24 : 2 ** -53;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        let sizes = 0;
        for (let l = 0; l < k; l++) {
          const product = (a[i * k + l] ?? NaN) * (b[l * n + j] ?? NaN);
          sum += product;
          sizes += Math.abs(product);
        }
        const bound = (256 + Math.ceil(k / 128)) * unit * sizes + k * 2 ** -53 * sizes; // the second: of this loop
        expect(Math.abs((out[i * n + j] ?? NaN) - sum)).toBeLessThanOrEqual(bound);
      }
    }
  });
});

test("the depth 0 changes nothing", () => {
  const out = Float32Array.of(1, 2, 3, 4);
  matmul(out, new Float32Array(0), new Float32Array(0), 2, 0, 2, { accumulate: true });
  expect(out).toEqual(Float32Array.of(1, 2, 3, 4));
  matmul(out, new Float32Array(0), new Float32Array(0), 2, 0, 2);
  expect(out).toEqual(new Float32Array(4));
});

test("operands of different kinds: as float32", () => {
  const a = small(Float32Array, 64 * 64, 1);
  const b = small(Float64Array, 64 * 64, 2);
  const out = new Float64Array(4096);
  const expected = new Float64Array(4096);
  matmul(out, a, b, 64, 64, 64);
  typescriptMatmul(expected, a, b, 64, 64, 64);
  expectSame("mixed", out, expected);
});
