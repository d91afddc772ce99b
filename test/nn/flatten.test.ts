import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { printTape, range, sizeOf, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import { Flatten, flatten } from "../../src/nn/flatten.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";

describe("flatten", () => {
  test("keeps the values in order, and makes one dim of those from startDim to endDim", () => {
    const drawn = shapes({ minDims: 1, maxDims: 4 }).chain((shape) =>
      fc.record({
        x: arrayOf(shape),
        ends: fc.tuple(fc.integer({ min: 0, max: shape.length - 1 }), fc.integer({ min: 0, max: shape.length - 1 })),
        negative: fc.boolean(),
      }),
    );
    holds(drawn, ({ x, ends, negative }) => {
      const [start, end] = ends.toSorted((a, b) => a - b);
      const count = (dim: number): number => (negative ? dim - x.ndim : dim);
      const flat = flatten(new Tensor(x), { startDim: count(start ?? 0), endDim: count(end ?? 0) });
      const outside = range(x.ndim).filter((dim) => dim < (start ?? 0) || dim > (end ?? 0));
      expect(flat.data).toEqual(x.data);
      expect(flat.ndim).toBe(outside.length + 1);
      expect(sizeOf(flat.shape)).toBe(sizeOf(x.shape));
      expect(flat.shape[start ?? 0]).toBe(sizeOf(x.shape.slice(start, (end ?? 0) + 1)));
    });
  });

  test("is one record of the tape, whose gradient has the input's shape", () => {
    const x = zeros([2, 3, 1], { requiresGrad: true });
    const flat = flatten(x, { startDim: 1 });
    expect(printTape(flat, { names: { x } })).toBe("%1 = flatten(x[2,3,1]; startDim 1, endDim -1) : [2,3]");
    flat.backward(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    expect(x.grad?.toArray()).toEqual([
      [[1], [2], [3]],
      [[4], [5], [6]],
    ]);
  });

  test("makes [1] of a tensor without dims, and answers one of one dim as it is", () => {
    expect(flatten(tensor(3)).toArray()).toEqual([3]);
    const x = tensor([1, 2]);
    expect(flatten(x)).toBe(x);
    expect(flatten(zeros([0, 3])).shape).toEqual([0]);
  });

  test("names what does not fit", () => {
    expect(() => flatten(zeros([2, 3]), { startDim: 2 })).toThrow("flatten: expected a dim in [-2, 2), got 2");
    expect(() => flatten(zeros([2, 3]), { startDim: 1, endDim: 0 })).toThrow(
      "flatten: expected startDim to come before endDim 0, got 1",
    );
  });
});

describe("Flatten", () => {
  test("keeps the batch dim by default", () => {
    expect(new Flatten().forward(zeros([2, 3, 4])).shape).toEqual([2, 12]);
    expect(new Flatten(0, 1).forward(zeros([2, 3, 4])).shape).toEqual([6, 4]);
  });

  test("prints as PyTorch does", () => {
    expect(String(new Flatten())).toBe("Flatten(startDim=1, endDim=-1)");
  });

  test("refuses what is no dim", () => {
    expect(() => new Flatten(0.5)).toThrow("Flatten: expected whole numbers as startDim and endDim, got 0.5 and -1");
  });
});
