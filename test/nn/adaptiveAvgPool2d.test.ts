import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, printTape, sizeOf, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import { AdaptiveAvgPool2d, adaptiveAvgPool2d, adaptivePooling } from "../../src/nn/adaptiveAvgPool2d.ts";
import { averagePoolKernel, averagePoolRule, windowSizes } from "../../src/nn/averagePool.ts";
import { avgPool2d } from "../../src/nn/avgPool2d.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";

interface Setting {
  readonly shape: Shape;
  readonly outputSize: readonly [number, number];
}

const settings: fc.Arbitrary<Setting> = fc.record({
  shape: fc.tuple(...[2, 5, 5].map((max) => fc.integer({ min: 1, max }))),
  outputSize: fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
});

function caseOf({ shape, outputSize }: Setting): OpCase {
  const pooling = adaptivePooling("test", zeros(shape), outputSize);
  const divisors = windowSizes(pooling.windows);
  return {
    shapes: [shape],
    op: ([x]) => adaptiveAvgPool2d(given(x), outputSize),
    rule: <A extends Num<A>>([x]: readonly A[]) => averagePoolRule(pooling, divisors)<A>(given(x)),
    kernel: ([x]) => averagePoolKernel(pooling, divisors)(given(x)),
  };
}

/** Cell r belongs to window i of m when the stretch [r, r + 1) meets [i · n / m, (i + 1) · n / m), by whole numbers. */
function meets(cell: number, size: number, window: number, count: number): boolean {
  return (cell + 1) * count > window * size && cell * count < (window + 1) * size;
}

function oracle(x: NdArray, { shape, outputSize: [rows, columns] }: Setting): NdArray {
  const [height = 0, width = 0] = shape.slice(-2);
  const planes = sizeOf(shape.slice(0, -2));
  const output = Float64Array.from({ length: planes * rows * columns }, (_, at) => {
    const plane = Math.floor(at / (rows * columns));
    const [row, column] = [Math.floor(at / columns) % rows, at % columns];
    let sum = 0;
    let count = 0;
    for (let r = 0; r < height; r++) {
      for (let c = 0; c < width; c++) {
        if (!meets(r, height, row, rows) || !meets(c, width, column, columns)) continue;
        sum += given(x.data[(plane * height + r) * width + c]);
        count++;
      }
    }
    return sum / count;
  });
  return new NdArray(output, [...shape.slice(0, -2), rows, columns]);
}

describe("adaptiveAvgPool2d", () => {
  test("answers the mean of the cells that each output's stretch of the input meets", () => {
    const drawn = settings.chain((setting) => fc.tuple(fc.constant(setting), arrayOf(setting.shape)));
    holds(drawn, ([setting, x]) => {
      const output = adaptiveAvgPool2d(new Tensor(x), setting.outputSize);
      expectClose("output", output.value, oracle(x, setting), EXACT);
    });
  });

  test("has the derivatives of finite differences and of dual numbers, at first and second order, in kernel and rule", () => {
    const drawn = settings.chain((setting) => fc.tuple(fc.constant(setting), drawsFor(caseOf(setting))));
    holds(drawn, ([setting, draw]) => expectLayerLaws(caseOf(setting), draw), 40);
  });

  test.each(layerCases<{ readonly outputSize: readonly [number, number] }>("adaptiveAvgPool2d"))(
    "answers PyTorch's values: $name",
    (entry) => {
      expectAsPyTorch(entry, (input) => adaptiveAvgPool2d(input, entry.options.outputSize));
    },
  );

  test("is avgPool2d where the sizes divide", () => {
    const x = tensor(
      Float64Array.from({ length: 48 }, (_, i) => Math.sin(i)),
      { shape: [2, 4, 6] },
    );
    expect(adaptiveAvgPool2d(x, [2, 3]).toArray()).toEqual(avgPool2d(x, 2).toArray());
  });

  test("keeps a dim whose size is null", () => {
    const x = zeros([2, 3, 4, 5]);
    expect(adaptiveAvgPool2d(x, [null, 1]).shape).toEqual([2, 3, 4, 1]);
    expect(adaptiveAvgPool2d(x, null).shape).toEqual([2, 3, 4, 5]);
    expect(adaptiveAvgPool2d(zeros([0, 3, 4, 5]), 2).shape).toEqual([0, 3, 2, 2]);
  });

  test("is one record of the tape", () => {
    const x = zeros([2, 1, 4, 5], { requiresGrad: true });
    expect(printTape(adaptiveAvgPool2d(x, [1, null]), { names: { x } })).toBe(
      "%1 = adaptiveAvgPool2d(x[2,1,4,5]; outputSize [1, 5]) : [2,1,1,5]",
    );
  });

  test("names what does not fit", () => {
    expect(() => adaptiveAvgPool2d(zeros([1, 0, 2]), 1)).toThrow(
      "adaptiveAvgPool2d: expected height and width of at least 1, got shape [1, 0, 2]",
    );
    expect(() => adaptiveAvgPool2d(zeros([3, 2]), 1)).toThrow(/^adaptiveAvgPool2d: expected input/);
    expect(() => adaptiveAvgPool2d(zeros([1, 2, 2]), [0, null])).toThrow(
      "adaptiveAvgPool2d: expected outputSize in whole numbers of at least 1, or null, got [0, null]",
    );
  });
});

describe("AdaptiveAvgPool2d", () => {
  test("is adaptiveAvgPool2d with its size, and prints as PyTorch does", () => {
    const x = tensor(
      Float64Array.from({ length: 30 }, (_, i) => Math.sin(i)),
      { shape: [2, 3, 5] },
    );
    const pool = new AdaptiveAvgPool2d([2, null]);
    expect(pool.forward(x).toArray()).toEqual(adaptiveAvgPool2d(x, [2, null]).toArray());
    expect(String(pool)).toBe("AdaptiveAvgPool2d(outputSize=[2, null])");
    expect(String(new AdaptiveAvgPool2d(1))).toBe("AdaptiveAvgPool2d(outputSize=1)");
  });

  test("refuses a size that is no count", () => {
    expect(() => new AdaptiveAvgPool2d(1.5)).toThrow(RangeError);
  });
});
