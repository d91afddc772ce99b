import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  broadcastShapes,
  formatShape,
  gatherIndex,
  normalizeDim,
  normalizeDims,
  range,
  reducedShape,
  sameShape,
  sizeOf,
} from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import { countOver, inferShape, stridesOf } from "../../src/autograd/shape.ts";
import { holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { cellsOf, commonShape } from "../helpers/loops.ts";
import { broadcastingTo } from "../helpers/opDraws.ts";
import { breaks } from "../helpers/planted.ts";

/** Sizes 0 too. */
const anyShape: fc.Arbitrary<number[]> = fc.array(fc.nat(3), { maxLength: 4 });

describe("sizeOf", () => {
  test("is the number of cells", () => {
    holds(anyShape, (shape) => {
      expect(sizeOf(shape)).toBe(cellsOf(shape).length);
    });
  });
});

describe("sameShape", () => {
  test("is true for equal lists only", () => {
    holds(fc.tuple(anyShape, anyShape), ([a, b]) => {
      expect(sameShape(a, [...a])).toBe(true);
      expect(sameShape(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    });
    expect(sameShape([2, 3], [2])).toBe(false);
    expect(sameShape([], [1])).toBe(false);
  });
});

describe("formatShape", () => {
  test("shows a list", () => {
    expect([[], [3], [2, 0, 4]].map(formatShape)).toEqual(["[]", "[3]", "[2, 0, 4]"]);
  });
});

describe("stridesOf", () => {
  const countsCells =
    (strides: (shape: Shape) => readonly number[]) =>
    (shape: Shape): void => {
      cellsOf(shape).forEach((cell, flat) => {
        const at = cell.reduce((sum, position, dim) => sum + position * given(strides(shape)[dim]), 0);
        if (at !== flat)
          throw new Error(`strides: ${formatShape(shape)} has cell ${String(cell)} at ${flat}, not ${at}`);
      });
    };

  test("leads to the cells in row-major order", () => {
    holds(anyShape, countsCells(stridesOf));
  });

  test("column-major strides would be found", () => {
    breaks(
      anyShape,
      countsCells((shape) => stridesOf(shape.toReversed()).toReversed()),
      /strides: /,
    );
  });
});

describe("normalizeDim", () => {
  test("counts from either end", () => {
    holds(
      fc.integer({ min: 1, max: 6 }).chain((ndim) => fc.tuple(fc.constant(ndim), fc.nat(ndim - 1))),
      ([ndim, dim]) => {
        expect(normalizeDim(dim, ndim, "op")).toBe(dim);
        expect(normalizeDim(dim - ndim, ndim, "op")).toBe(dim);
      },
    );
  });

  test.each([2, -3, 0.5, NaN, Infinity])("refuses %d for two dims, in the caller's name", (dim) => {
    expect(() => normalizeDim(dim, 2, "op")).toThrow(new RangeError(`op: expected a dim in [-2, 2), got ${dim}`));
  });

  test("an array without dims has none to name", () => {
    expect(() => normalizeDim(0, 0, "op")).toThrow(RangeError);
  });
});

describe("normalizeDims", () => {
  test("answers the dims in ascending order, and all when none are given", () => {
    expect(normalizeDims([-1, 0], 3, "op")).toEqual([0, 2]);
    expect(normalizeDims([], 3, "op")).toEqual([]);
    expect(normalizeDims(undefined, 3, "op")).toEqual([0, 1, 2]);
    expect(normalizeDims(undefined, 0, "op")).toEqual([]);
  });

  test("refuses a dim that is named twice", () => {
    expect(() => normalizeDims([0, -3], 3, "op")).toThrow(
      new RangeError("op: expected each dim once, got dims [0, -3]"),
    );
  });
});

describe("reducedShape", () => {
  test("drops the reduced dims, or keeps them with size 1", () => {
    expect(reducedShape([2, 3, 4], [0, 2], false)).toEqual([3]);
    expect(reducedShape([2, 3, 4], [0, 2], true)).toEqual([1, 3, 1]);
    expect(reducedShape([2, 3], [], true)).toEqual([2, 3]);
    expect(reducedShape([0, 3], [0], true)).toEqual([1, 3]);
  });
});

describe("countOver", () => {
  test("is the number of values of each group: all values divided among the groups", () => {
    const draws = shapes({ minDims: 0 }).chain((shape) =>
      fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, dim) => dim))),
    );
    holds(draws, ([shape, dims]) => {
      expect(countOver(shape, dims) * sizeOf(reducedShape(shape, dims, true))).toBe(sizeOf(shape));
    });
    expect([countOver([2, 0], [1]), countOver([2, 0], [0]), countOver([], [])]).toEqual([0, 2, 1]);
  });
});

describe("broadcastShapes", () => {
  const pairs = anyShape.chain((shape) => fc.tuple(broadcastingTo(shape), broadcastingTo(shape)));

  test("is the common shape, from either side", () => {
    holds(pairs, ([a, b]) => {
      expect(broadcastShapes(a, b, "op")).toEqual(commonShape(a, b));
      expect(broadcastShapes(b, a, "op")).toEqual(commonShape(a, b));
    });
  });

  test("shapes that broadcast to it change it no more", () => {
    holds(pairs, ([a, b]) => {
      const common = broadcastShapes(a, b, "op");
      expect(broadcastShapes(common, a, "op")).toEqual(common);
    });
  });

  test.each<readonly [Shape, Shape]>([
    [[2], [3]],
    [[0], [2]],
    [[2, 3], [2]],
    [
      [2, 1, 3],
      [3, 2, 3],
    ],
  ])("refuses %j and %j", (a, b) => {
    expect(() => broadcastShapes(a, b, "op")).toThrow(
      new RangeError(`op: expected shapes that broadcast together, got ${formatShape(a)} and ${formatShape(b)}`),
    );
  });
});

describe("inferShape", () => {
  test("a −1 in any place of a shape stands for what was there", () => {
    const draws = shapes({ minDims: 1 }).chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length - 1)));
    holds(draws, ([shape, dim]) => {
      expect(inferShape(shape.with(dim, -1), sizeOf(shape), "op")).toEqual(shape);
      expect(inferShape(shape, sizeOf(shape), "op")).toEqual(shape);
    });
  });

  test("works without elements as long as the −1 is not in doubt", () => {
    expect(inferShape([-1, 2], 0, "op")).toEqual([0, 2]);
    expect(inferShape([0, 3], 0, "op")).toEqual([0, 3]);
    expect(() => inferShape([-1, 0], 0, "op")).toThrow(RangeError);
  });

  test.each<readonly [Shape, number]>([
    [[2, 3], 7],
    [[-1, 4], 6],
    [[-1, -1], 6],
    [[-2, -3], 6],
    [[1.5, 4], 6],
    [[-1, 0], 6],
    [[NaN], 6],
    [[], 6],
  ])("refuses %j for %d elements", (shape, size) => {
    expect(() => inferShape(shape, size, "op")).toThrow(
      new RangeError(`op: expected a shape of ${size} elements, got ${formatShape(shape)}`),
    );
  });
});

describe("gatherIndex", () => {
  const draws = shapes({ minDims: 0, maxDims: 3 }).chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.tuple(...shape.map((n) => fc.array(fc.integer({ min: -1, max: n - 1 }), { maxLength: 3 }))),
    ),
  );
  const isLoops =
    (gather: typeof gatherIndex) =>
    ([shape, positions]: readonly [Shape, readonly (readonly number[])[]]): void => {
      const flat = new Map(cellsOf(shape).map((cell, at) => [String(cell), at]));
      const expected = cellsOf(positions.map((list) => list.length)).map(
        (cell) => flat.get(String(cell.map((at, dim) => given(positions[dim]?.[at])))) ?? -1,
      );
      if (String(Array.from(gather(shape, positions))) !== String(expected))
        throw new Error("gatherIndex: not the loops'");
    };

  test("is the flat index of each cell that the positions name, −1 outside", () => {
    holds(draws, isLoops(gatherIndex));
  });

  test("an index that is one off would be found", () => {
    breaks(
      draws,
      isLoops((shape, positions) => gatherIndex(shape, positions).map((at) => at + 1)),
      /not the loops'/,
    );
  });
});

describe("range", () => {
  test("counts from 0", () => {
    expect([range(0), range(1), range(4)]).toEqual([[], [0], [0, 1, 2, 3]]);
  });
});
