import { describe, expect, test } from "vitest";
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import * as typescript from "../../../src/kernels/pointwise.ts";
import { subRun } from "../../../src/kernels/strided.ts";
import type { BinaryRun } from "../../../src/kernels/strided.ts";
import * as wasm from "../../../src/kernels/wasm/elementwise.ts";
import { expectSame, integers, KINDS } from "../integers.ts";
import type { Kind } from "../integers.ts";

const SIZES = [0, 1, 7, 2047, 2048, 2051, 32768, 32769, 70001];

/** Numbers of many sizes, and those that comparisons and roundings treat in their own way. */
function draw(kind: Kind, length: number, seed: number): FloatArray {
  const special = [0, -0, NaN, Infinity, -Infinity, 2 ** -149, 2 ** -126, -(2 ** 127)];
  return integers(kind, length, seed).map((value, i) =>
    i % 13 === seed ? (special[(i / 13) & 7] ?? 0) : value * 2 ** ((i % 40) - 30),
  );
}

const BINARY: readonly (readonly [string, BinaryRun, (a: number, b: number) => number])[] = [
  ["add", wasm.addRun, (a, b) => a + b],
  ["sub", wasm.subRun, (a, b) => a - b],
  ["mul", wasm.mulRun, (a, b) => a * b],
  ["div", wasm.divRun, (a, b) => a / b],
];

describe.each(KINDS.map((kind) => [kind.name, kind] as const))("%s, bit for bit", (_, kind) => {
  test.each(BINARY)("%s", (name, run, operation) => {
    for (const size of SIZES) {
      const [a, b] = [draw(kind, size, 1), draw(kind, size, 2)];
      const out = new kind(size);
      run(out, 0, a, 0, 1, b, 0, 1, size);
      expectSame(
        `${name} of ${size}`,
        out,
        a.map((value, i) => operation(value, b[i] ?? NaN)),
      );
    }
  });

  test("a run within larger arrays, and operands that are repeated or permuted", () => {
    const length = 2500;
    const [a, b] = [draw(kind, 4 * length, 1), draw(kind, 4 * length, 2)];
    for (const [strideA, strideB] of [
      [1, 1],
      [0, 1],
      [1, 0],
      [1, 3],
    ] as const) {
      const [out, expected] = [new kind(3 * length), new kind(3 * length)];
      wasm.subRun(out, 700, a, 11, strideA, b, 13, strideB, length);
      subRun(expected, 700, a, 11, strideA, b, 13, strideB, length);
      expectSame(`strides ${strideA} and ${strideB}`, out, expected);
    }
  });

  test("relu and its gradient", () => {
    for (const size of SIZES) {
      const [x, gradOutput] = [draw(kind, size, 1), draw(kind, size, 2)];
      expectSame(`relu of ${size}`, wasm.reluForward(x), typescript.reluForward(x));
      expectSame(`its gradient`, wasm.reluGradInput(gradOutput, x), typescript.reluGradInput(gradOutput, x));
    }
  });
});

test("a float64 operand is not rounded before the operation", () => {
  const a = new Float32Array(3000).fill(1);
  const b = new Float64Array(3000).fill(2 ** -60);
  const out = new Float64Array(3000);
  wasm.addRun(out, 0, a, 0, 1, b.fill(2 ** -40), 0, 1, 3000);
  expect(out.every((value) => value === 1 + 2 ** -40)).toBe(true);
});
