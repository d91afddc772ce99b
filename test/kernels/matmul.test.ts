import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matmul } from "../../src/kernels/matmul.ts";
import type { MatmulOptions } from "../../src/kernels/matmul.ts";
import { holds } from "../helpers/generators.ts";
import { expectSame, integers, KINDS } from "./integers.ts";
import type { Kind } from "./integers.ts";

interface Product {
  readonly kind: Kind;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly options: MatmulOptions;
  readonly seed: number;
}

/** Around the sizes at which the kernel changes its way: vectors, tiles of 2 × 3, blocks of 128 × 126 × 256. */
const products: fc.Arbitrary<Product> = fc.record({
  kind: fc.constantFrom(...KINDS),
  m: fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 17, 127, 128, 129),
  k: fc.constantFrom(0, 1, 2, 3, 9, 64, 255, 256, 257, 515),
  n: fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 64, 125, 126, 127, 254),
  options: fc.record(
    {
      aOffset: fc.nat(5),
      bOffset: fc.nat(5),
      outOffset: fc.nat(5),
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
      accumulate: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
  seed: fc.nat(1000),
});

type Matmul = typeof matmul;

/** Three loops, whose sums are rounded by `round` after every term, and once more on store. */
function loops(round: (sum: number) => number): Matmul {
  return (out, a, b, m, k, n, options = {}) => {
    const { aOffset = 0, bOffset = 0, outOffset = 0, transposeA, transposeB, accumulate } = options;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = accumulate ? (out[outOffset + i * n + j] ?? NaN) : 0;
        for (let l = 0; l < k; l++) {
          const left = a[aOffset + (transposeA ? l * m + i : i * k + l)] ?? NaN;
          sum = round(sum + left * (b[bOffset + (transposeB ? j * k + l : l * n + j)] ?? NaN));
        }
        out[outOffset + i * n + j] = sum;
      }
    }
  };
}

const oracle: Matmul = loops((sum) => sum);

/** Bit for bit, and nothing beside the result is touched. */
function expectProduct(multiply: Matmul, { kind, m, k, n, options, seed }: Product): void {
  const a = integers(kind, (options.aOffset ?? 0) + m * k + 3, seed);
  const b = integers(kind, (options.bOffset ?? 0) + k * n + 3, seed + 1);
  const out = integers(kind, (options.outOffset ?? 0) + m * n + 3, seed + 2);
  const [expected, aBefore, bBefore] = [out.slice(), a.slice(), b.slice()];
  oracle(expected, a, b, m, k, n, options);
  multiply(out, a, b, m, k, n, options);
  expectSame("out", out, expected);
  expectSame("a", a, aBefore);
  expectSame("b", b, bBefore);
}

describe("matmul", () => {
  test("gives the exact sums, rounded once, for every size, offset, transposition and dtype", () => {
    holds(products, (product) => expectProduct(matmul, product), 300);
  });

  test("does so in one array that holds several matrices", () => {
    const stack = integers(Float64Array, 3 * 20 * 20, 1);
    const expected = stack.slice();
    const options = { aOffset: 400, bOffset: 800, transposeB: true };
    oracle(expected, expected, expected, 20, 20, 20, options);
    matmul(stack, stack, stack, 20, 20, 20, options);
    expectSame("stack", stack, expected);
  });

  test("keeps infinities and NaN in their rows and columns, also at an edge", () => {
    for (const [m, k, n] of [
      [3, 40, 4],
      [129, 3, 127],
      [1, 5, 2],
    ] as const) {
      const a = new Float64Array(m * k).fill(1);
      const b = new Float64Array(k * n).fill(1);
      a[(m - 1) * k] = Infinity;
      b[n - 1] = NaN;
      const out = new Float64Array(m * n);
      const expected = out.slice();
      oracle(expected, a, b, m, k, n);
      matmul(out, a, b, m, k, n);
      expectSame("out", out, expected);
    }
  });

  test("of an empty sum is 0, or what stood there", () => {
    const out = Float32Array.of(7, 7, 7, 7, 7);
    matmul(out, new Float32Array(0), new Float32Array(0), 2, 0, 2, { outOffset: 1, accumulate: true });
    expect([...out]).toEqual([7, 7, 7, 7, 7]);
    matmul(out, new Float32Array(0), new Float32Array(0), 2, 0, 2, { outOffset: 1 });
    expect([...out]).toEqual([7, 0, 0, 0, 0]);
  });

  const wrong: Record<string, Matmul> = {
    "adds in float32": loops(Math.fround),
    "always replaces": (out, a, b, m, k, n, options) => matmul(out, a, b, m, k, n, { ...options, accumulate: false }),
    "forgets a transposition": (out, a, b, m, k, n, options) =>
      matmul(out, a, b, m, k, n, { ...options, transposeB: false }),
    "forgets an offset": (out, a, b, m, k, n, options) => matmul(out, a, b, m, k, n, { ...options, aOffset: 0 }),
    "writes past its end": (out, a, b, m, k, n, options) => {
      matmul(out, a, b, m, k, n, options);
      out[(options?.outOffset ?? 0) + m * n] = 0;
    },
  };

  test.each(Object.entries(wrong))("the test sees a product that %s", (_, multiply) => {
    expect(() => holds(products, (product) => expectProduct(multiply, product))).toThrow();
  });
});
