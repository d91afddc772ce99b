import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, printTape, sizeOf, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { averagePoolKernel, averagePoolRule, windowSizes } from "../../src/nn/averagePool.ts";
import { AvgPool2d, avgPool2d } from "../../src/nn/avgPool2d.ts";
import { checkSliding, slidingPooling } from "../../src/nn/pooling.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import { poolSettings } from "../helpers/poolSettings.ts";
import type { PoolSetting } from "../helpers/poolSettings.ts";

type Setting = PoolSetting & { readonly countIncludePad: boolean };

function withCounting([setting, countIncludePad]: readonly [PoolSetting, boolean]): Setting {
  return { ...setting, countIncludePad };
}

const settings: fc.Arbitrary<Setting> = fc.tuple(poolSettings({ dilated: false }), fc.boolean()).map(withCounting);

function caseOf({ shape, kernelSize, stride, padding, countIncludePad }: Setting): OpCase {
  const pooling = slidingPooling(
    "test",
    zeros(shape),
    checkSliding("test", { kernelSize, stride, padding, dilation: 1 }),
  );
  const sizes = windowSizes(pooling.windows);
  const divisors = countIncludePad ? sizes.fill(kernelSize[0] * kernelSize[1]) : sizes;
  return {
    shapes: [shape],
    op: ([x]) => avgPool2d(given(x), kernelSize, { stride, padding, countIncludePad }),
    rule: <A extends Num<A>>([x]: readonly A[]) => averagePoolRule(pooling, divisors)<A>(given(x)),
    kernel: ([x]) => averagePoolKernel(pooling, divisors)(given(x)),
  };
}

/** The mean of each window in plain loops: cells outside count as zeros, or not at all. */
function oracle(x: NdArray, { shape, kernelSize, stride, padding, countIncludePad }: Setting): NdArray {
  const [height = 0, width = 0] = shape.slice(-2);
  const count = (dim: 0 | 1, size: number): number =>
    Math.floor((size + 2 * padding[dim] - kernelSize[dim]) / stride[dim]) + 1;
  const [outHeight, outWidth] = [count(0, height), count(1, width)];
  const output: number[] = [];
  for (let plane = 0; plane < sizeOf(shape.slice(0, -2)); plane++) {
    for (let top = 0; top < outHeight; top++) {
      for (let left = 0; left < outWidth; left++) {
        const cells: number[] = [];
        for (let i = 0; i < kernelSize[0]; i++) {
          for (let j = 0; j < kernelSize[1]; j++) {
            const [row, column] = [top * stride[0] - padding[0] + i, left * stride[1] - padding[1] + j];
            const isInside = row >= 0 && row < height && column >= 0 && column < width;
            if (isInside) cells.push(given(x.data[(plane * height + row) * width + column]));
            else if (countIncludePad) cells.push(0);
          }
        }
        output.push(cells.reduce((a, b) => a + b, 0) / cells.length);
      }
    }
  }
  return new NdArray(Float64Array.from(output), [...shape.slice(0, -2), outHeight, outWidth]);
}

describe("avgPool2d", () => {
  test("answers the mean of every window", () => {
    const drawn = settings.chain((setting) => fc.tuple(fc.constant(setting), arrayOf(setting.shape)));
    holds(drawn, ([setting, x]) => {
      const { kernelSize, stride, padding, countIncludePad } = setting;
      const output = avgPool2d(new Tensor(x), kernelSize, { stride, padding, countIncludePad });
      expectClose("output", output.value, oracle(x, setting), EXACT);
    });
  });

  test("has the derivatives of finite differences and of dual numbers, at first and second order, in kernel and rule", () => {
    const drawn = settings.chain((setting) => fc.tuple(fc.constant(setting), drawsFor(caseOf(setting))));
    holds(drawn, ([setting, draw]) => expectLayerLaws(caseOf(setting), draw), 40);
  });

  interface Options {
    readonly kernelSize: readonly [number, number];
    readonly stride: readonly [number, number];
    readonly padding: readonly [number, number];
    readonly countIncludePad: boolean;
  }

  test.each(layerCases<Options>("avgPool2d"))("answers PyTorch's values: $name", (entry) => {
    const { kernelSize, stride, padding, countIncludePad } = entry.options; // ceilMode false is in the fixture as well
    expectAsPyTorch(entry, (input) => avgPool2d(input, kernelSize, { stride, padding, countIncludePad }));
  });

  test("counts cells in padding as zeros, unless told not to", () => {
    const x = tensor([[[4]]]);
    expect(avgPool2d(x, 2, { padding: 1 }).toArray()).toEqual([[[1]]]);
    expect(avgPool2d(x, 2, { padding: 1, countIncludePad: false }).toArray()).toEqual([[[4]]]);
  });

  test("adds up in float64 and rounds once, forward and backward", () => {
    // 2²⁴ + 1 + 1 in float32 steps is 2²⁴: each 1 alone is rounded away.
    const big = 2 ** 24;
    const x = tensor(Float32Array.of(big, 1, 1), { shape: [1, 1, 3], requiresGrad: true });
    expect(avgPool2d(x, [1, 3], { stride: 1 }).item()).toBe(Math.fround((big + 2) / 3));
    const y = avgPool2d(x, [1, 3], { stride: 1, padding: [0, 1] });
    y.backward(tensor(Float32Array.of(3 * big, 3, 3), { shape: [1, 1, 3] }));
    expect([...given(x.grad).data]).toEqual([big, big + 2, 2]);
  });

  test("is one record of the tape and takes an empty batch", () => {
    const x = zeros([2, 1, 4, 4], { requiresGrad: true });
    expect(printTape(avgPool2d(x, 2), { names: { x } })).toBe(
      "%1 = avgPool2d(x[2,1,4,4]; kernelSize [2, 2], stride [2, 2], padding [0, 0], countIncludePad true) : [2,1,2,2]",
    );
    expect(avgPool2d(zeros([0, 3, 4, 4]), 2).shape).toEqual([0, 3, 2, 2]);
  });

  test("names what does not fit", () => {
    expect(() => avgPool2d(zeros([4]), 2)).toThrow(/^avgPool2d: expected input \[batch, channels, height, width\]/);
    expect(() => avgPool2d(zeros([1, 2, 0]), 2)).toThrow(/^avgPool2d: expected an input that every window touches/);
    expect(() => avgPool2d(zeros([1, 2, 2]), 2, { padding: 2 })).toThrow(RangeError);
    expect(() => avgPool2d(zeros([1, 2, 2]), 2, { stride: [1, 0] })).toThrow(
      "avgPool2d: expected stride in whole numbers of at least 1, got [1, 0]",
    );
  });
});

describe("AvgPool2d", () => {
  test("is avgPool2d with its options", () => {
    const x = tensor(
      Float64Array.from({ length: 50 }, (_, i) => Math.sin(i)),
      { shape: [2, 5, 5] },
    );
    const options = { stride: [1, 2], padding: [1, 0], countIncludePad: false } as const;
    const pool = new AvgPool2d([2, 3], options);
    expect(pool.forward(x).toArray()).toEqual(avgPool2d(x, [2, 3], options).toArray());
  });

  test("prints as PyTorch does", () => {
    expect(String(new AvgPool2d(2))).toBe("AvgPool2d(kernelSize=2, stride=2, padding=0)");
    expect(String(new AvgPool2d([2, 1], { padding: [1, 0] }))).toBe(
      "AvgPool2d(kernelSize=[2, 1], stride=[2, 1], padding=[1, 0])",
    );
  });

  test("refuses at construction what can never fit", () => {
    expect(() => new AvgPool2d(2, { padding: 2 })).toThrow(/^AvgPool2d: expected padding of at most half/);
  });
});
