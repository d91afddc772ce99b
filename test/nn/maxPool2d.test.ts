import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad, NdArray, printTape, range, sizeOf, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import { MaxPool2d, maxPool2d, maxPool2dRule } from "../../src/nn/maxPool2d.ts";
import { checkSliding, slidingPooling } from "../../src/nn/pooling.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { poolSettings } from "../helpers/poolSettings.ts";
import type { PoolSetting } from "../helpers/poolSettings.ts";

/** Numbers that differ by a quarter at least: a step of differences changes no maximum. */
function distinct(shape: Shape): fc.Arbitrary<NdArray> {
  const size = sizeOf(shape);
  return fc.shuffledSubarray(range(size), { minLength: size, maxLength: size }).map(
    (order) =>
      new NdArray(
        Float64Array.from(order, (place) => (place - size / 2) / 4),
        shape,
      ),
  );
}

function caseOf({ shape, kernelSize, ...options }: PoolSetting): OpCase {
  return {
    shapes: [shape],
    op: ([x]) => maxPool2d(given(x), kernelSize, options),
    rule: <A extends Num<A>>([x]: readonly A[]) => {
      const checked = checkSliding("test", { kernelSize, ...options });
      return maxPool2dRule(slidingPooling("test", zeros(given(x).shape), checked))<A>(given(x));
    },
  };
}

/** The largest value of each window, in plain loops that know of padding only by leaving the input. */
function oracle(x: NdArray, { shape, kernelSize, stride, padding, dilation }: PoolSetting): number[] {
  const [height = 0, width = 0] = shape.slice(-2);
  const output: number[] = [];
  for (let plane = 0; plane < sizeOf(shape.slice(0, -2)); plane++) {
    for (let top = -padding[0]; top + dilation[0] * (kernelSize[0] - 1) < height + padding[0]; top += stride[0]) {
      for (let left = -padding[1]; left + dilation[1] * (kernelSize[1] - 1) < width + padding[1]; left += stride[1]) {
        let largest = -Infinity;
        for (let i = 0; i < kernelSize[0]; i++) {
          for (let j = 0; j < kernelSize[1]; j++) {
            const [row, column] = [top + i * dilation[0], left + j * dilation[1]];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            largest = Math.max(largest, given(x.data[(plane * height + row) * width + column]));
          }
        }
        output.push(largest);
      }
    }
  }
  return output;
}

describe("maxPool2d", () => {
  const drawn = poolSettings({ dilated: true }).chain((setting) =>
    fc.tuple(
      fc.constant(setting),
      drawsFor(
        caseOf(setting),
        distinct(setting.shape).map((x) => [x]),
      ),
    ),
  );

  test("answers the largest value of every window", () => {
    holds(drawn, ([setting, { inputs }]) => {
      const { kernelSize, stride, padding, dilation } = setting;
      const x = given(inputs[0]);
      expect([...maxPool2d(new Tensor(x), kernelSize, { stride, padding, dilation }).data]).toEqual(oracle(x, setting));
    });
  });

  test("has the derivatives of finite differences and of dual numbers, at first and second order", () => {
    holds(drawn, ([setting, draw]) => expectLayerLaws(caseOf(setting), draw), 40);
  });

  interface Options {
    readonly kernelSize: readonly [number, number];
    readonly stride: readonly [number, number];
    readonly padding: readonly [number, number];
  }

  test.each(layerCases<Options>("maxPool2d"))("answers PyTorch's values: $name", (entry) => {
    const { kernelSize, ...options } = entry.options;
    expectAsPyTorch(entry, (input) => maxPool2d(input, kernelSize, options));
  });

  test("gives the gradient to the first of equal values", () => {
    const x = tensor(
      [
        [
          [1, 3],
          [3, 3],
        ],
      ],
      { requiresGrad: true },
    );
    maxPool2d(x, 2).sum().backward();
    expect(x.grad?.toArray()).toEqual([
      [
        [0, 1],
        [0, 0],
      ],
    ]);
  });

  test("lets NaN win, wherever it stands, and gives it the gradient", () => {
    for (const at of range(4)) {
      const x = tensor(
        Float64Array.from({ length: 4 }, (_, i) => (i === at ? NaN : i)),
        {
          shape: [1, 2, 2],
          requiresGrad: true,
        },
      );
      const output = maxPool2d(x, 2);
      expect(output.item()).toBeNaN();
      expect([...given(grad(output.sum(), [x])[0]).data]).toEqual(range(4).map((i) => Number(i === at)));
    }
  });

  test("never answers padding, however small the values are", () => {
    expect(maxPool2d(tensor([[[-5]]]), 2, { padding: 1 }).toArray()).toEqual([[[-5]]]);
    expect(maxPool2d(tensor([[[-Infinity, -7]]]), [1, 2], { padding: [0, 1], stride: 1 }).toArray()).toEqual([
      [[-Infinity, -7, -7]],
    ]);
  });

  test("adds up the gradients of windows that chose the same cell", () => {
    const x = tensor([[[1, 9, 2]]], { requiresGrad: true });
    maxPool2d(x, [1, 2], { stride: 1 }).backward(tensor([[[10, 1]]]));
    expect(x.grad?.toArray()).toEqual([[[0, 11, 0]]]);
  });

  test("is one record of the tape, takes an empty batch and keeps float32", () => {
    const x = zeros([2, 1, 4, 4], { requiresGrad: true, dtype: "float32" });
    expect(printTape(maxPool2d(x, 2), { names: { x } })).toBe(
      "%1 = maxPool2d(x[2,1,4,4]; kernelSize [2, 2], stride [2, 2], padding [0, 0], dilation [1, 1]) : [2,1,2,2]",
    );
    expect(maxPool2d(x, 2).dtype).toBe("float32");
    expect(maxPool2d(zeros([0, 3, 4, 4]), 2).shape).toEqual([0, 3, 2, 2]);
  });

  test("names what does not fit", () => {
    expect(() => maxPool2d(zeros([4, 4]), 2)).toThrow(
      "maxPool2d: expected input [batch, channels, height, width] or [channels, height, width], got shape [4, 4]",
    );
    expect(() => maxPool2d(zeros([1, 2, 2]), 3)).toThrow(
      "maxPool2d: expected an input that every window touches, got shape [1, 2, 2] for kernelSize [3, 3], padding [0, 0], dilation [1, 1]",
    );
    expect(() => maxPool2d(zeros([1, 2, 2]), 2, { padding: 1, dilation: 3 })).toThrow(/that every window touches/);
    expect(() => maxPool2d(zeros([1, 2, 2]), 3, { padding: [1, 2] })).toThrow(
      "maxPool2d: expected padding of at most half of kernelSize [3, 3], got [1, 2]",
    );
    expect(() => maxPool2d(zeros([1, 2, 2]), 0)).toThrow(
      "maxPool2d: expected kernelSize in whole numbers of at least 1, got [0, 0]",
    );
    expect(() => maxPool2d(zeros([1, 2, 2]), 1, { stride: 0.5 })).toThrow(RangeError);
  });
});

describe("MaxPool2d", () => {
  test("is maxPool2d with its options", () => {
    const x = tensor(
      Float64Array.from({ length: 50 }, (_, i) => Math.sin(i)),
      { shape: [2, 5, 5] },
    );
    const options = { stride: [1, 2], padding: [1, 0], dilation: [1, 2] } as const;
    const pool = new MaxPool2d([2, 3], options);
    expect(pool.forward(x).toArray()).toEqual(maxPool2d(x, [2, 3], options).toArray());
    expect(pool.parameters()).toEqual([]);
  });

  test("prints as PyTorch does", () => {
    expect(String(new MaxPool2d(2))).toBe("MaxPool2d(kernelSize=2, stride=2, padding=0, dilation=1)");
    expect(String(new MaxPool2d([3, 2], { stride: 1, padding: [1, 0] }))).toBe(
      "MaxPool2d(kernelSize=[3, 2], stride=1, padding=[1, 0], dilation=1)",
    );
  });

  test("refuses at construction what can never fit", () => {
    expect(() => new MaxPool2d(2, { padding: 2 })).toThrow(/^MaxPool2d: expected padding of at most half/);
    expect(() => new MaxPool2d(2, { stride: 0 })).toThrow(/^MaxPool2d: expected stride in whole numbers/);
  });
});
