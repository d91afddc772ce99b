import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addNumber,
  addRun,
  broadcastStrides,
  divNumber,
  divRun,
  mulNumber,
  mulRun,
  stridedCopy,
  subRun,
  zip,
} from "../../src/kernels/strided.ts";
import type { BinaryRun, NumberLoop } from "../../src/kernels/strided.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { cellsOf, commonShape, zipLoop } from "../helpers/loops.ts";
import { broadcastingTo } from "../helpers/opDraws.ts";
import { breaks } from "../helpers/planted.ts";

/** Sizes 0 and 1 too, and up to five dims, so that neighbours are merged in every way. */
const anyShape = fc.array(fc.nat(3), { maxLength: 5 });

const operations: readonly (readonly [string, BinaryRun, (a: number, b: number) => number])[] = [
  ["addRun", addRun, (a, b) => a + b],
  ["subRun", subRun, (a, b) => a - b],
  ["mulRun", mulRun, (a, b) => a * b],
  ["divRun", divRun, (a, b) => a / b],
];

describe("zip", () => {
  const operands = anyShape
    .chain((shape) => fc.tuple(broadcastingTo(shape), broadcastingTo(shape)))
    .chain(([a, b]) => fc.tuple(arrayOf(a), arrayOf(b)));
  const isLoops =
    (run: BinaryRun, f: (a: number, b: number) => number) =>
    ([a, b]: readonly [ReturnType<typeof zipLoop>, ReturnType<typeof zipLoop>]): void => {
      const shape = commonShape(a.shape, b.shape);
      // One cell more than there is to write: it must be left alone.
      const out = new Float64Array(cellsOf(shape).length + 1).fill(0.25);
      zip(out, a.data, a.shape, b.data, b.shape, shape, run);
      const expected = [...zipLoop(a, b, f).data, 0.25];
      if (String(out) !== String(expected)) throw new Error("zip: not what the loops say");
    };

  test.each(operations)("with %s is the operation on every cell, both operands repeated", (_, run, f) => {
    holds(operands, isLoops(run, f), 200);
  });

  test("operands in the other order, and a run that is one short, would be found", () => {
    const short: BinaryRun = (out, at, a, offsetA, strideA, b, offsetB, strideB, length) =>
      addRun(out, at, a, offsetA, strideA, b, offsetB, strideB, length - 1);
    breaks(
      operands,
      isLoops(subRun, (a, b) => b - a),
      /not what the loops say/,
    );
    breaks(
      operands,
      isLoops(short, (a, b) => a + b),
      /not what the loops say/,
    );
  });

  test("rounds once where the output is narrower than the operands", () => {
    const out = new Float32Array(2);
    zip(out, Float32Array.of(1, 2), [2], Float64Array.of(0.1), [], [2], mulRun);
    expect([...out]).toEqual([Math.fround(0.1), Math.fround(0.2)]);
  });
});

describe("an array and a number", () => {
  const loops: readonly (readonly [string, NumberLoop, (value: number, other: number) => number])[] = [
    ["addNumber", addNumber, (value, other) => value + other],
    ["mulNumber", mulNumber, (value, other) => value * other],
    ["divNumber", divNumber, (value, other) => value / other],
  ];
  test.each(loops)("%s is the operation on every value, rounded once", (_, loop, f) => {
    const values = [1, -2, 0, Infinity, NaN, 1e-30];
    for (const other of [0.1, -3, 0]) {
      const [wide, narrow] = [new Float64Array(values.length), new Float32Array(values.length)];
      loop(wide, Float64Array.from(values), other);
      loop(narrow, Float32Array.from(values), other);
      expect([...wide]).toEqual(values.map((value) => f(value, other)));
      expect([...narrow]).toEqual(values.map((value) => Math.fround(f(Math.fround(value), other))));
    }
  });
});

describe("broadcastStrides", () => {
  test("are row-major strides, 0 where the array is repeated", () => {
    expect(broadcastStrides([2, 3], [2, 3])).toEqual([3, 1]);
    expect(broadcastStrides([2, 1], [2, 3])).toEqual([1, 0]);
    expect(broadcastStrides([3], [4, 2, 3])).toEqual([0, 0, 1]);
    expect(broadcastStrides([], [2, 2])).toEqual([0, 0]);
    expect(broadcastStrides([2, 1, 3], [5, 2, 4, 3])).toEqual([0, 3, 0, 1]);
  });
});

describe("stridedCopy", () => {
  /** Any walk over 60 values: strides of their own for each dim, 0 and unordered ones included. */
  const walks = fc
    .array(fc.tuple(fc.nat(3), fc.integer({ min: 0, max: 6 })), { maxLength: 4 })
    .map((dims) => ({ shape: dims.map(([size]) => size), strides: dims.map(([, stride]) => stride) }));
  const source = Float64Array.from({ length: 60 }, (_, i) => i * i - 7);
  const isLoops =
    (copy: typeof stridedCopy) =>
    ({ shape, strides }: { shape: number[]; strides: number[] }): void => {
      const cells = cellsOf(shape);
      const out = new Float64Array(cells.length + 1).fill(0.25); // as above
      copy(out, source, shape, strides);
      const expected = cells.map((cell) =>
        given(source[cell.reduce((at, position, dim) => at + position * given(strides[dim]), 0)]),
      );
      if (String(out) !== String([...expected, 0.25])) throw new Error("stridedCopy: not what the loops say");
    };

  test("reads every cell where its strides lead", () => {
    holds(walks, isLoops(stridedCopy), 300);
  });

  test("a walk that takes the last two dims for one would be found", () => {
    const merging: typeof stridedCopy = (out, a, shape, strides) =>
      shape.length < 2
        ? stridedCopy(out, a, shape, strides)
        : stridedCopy(
            out,
            a,
            [...shape.slice(0, -2), (shape.at(-1) ?? 1) * (shape.at(-2) ?? 1)],
            [...strides.slice(0, -2), strides.at(-1) ?? 0],
          );
    breaks(walks, isLoops(merging), /not what the loops say/);
  });

  test("writes nothing where there is no cell", () => {
    const out = new Float64Array(0);
    stridedCopy(out, source, [2, 0], [1, 1]);
    expect(out.length).toBe(0);
  });
});
