import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator, NdArray, ones, printTape, randn, sizeOf, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import { Linear, linear, linearKernel, linearRule } from "../../src/nn/linear.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";

interface Sizes {
  readonly leading: Shape;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly hasBias: boolean;
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  leading: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
  inFeatures: fc.integer({ min: 1, max: 5 }),
  outFeatures: fc.integer({ min: 1, max: 4 }),
  hasBias: fc.boolean(),
});

function shapesOf({ leading, inFeatures, outFeatures, hasBias }: Sizes): Shape[] {
  return [[...leading, inFeatures], [outFeatures, inFeatures], ...(hasBias ? [[outFeatures]] : [])];
}

function caseOf(size: Sizes): OpCase {
  return {
    shapes: shapesOf(size),
    op: ([x, weight, bias = null]) => linear(given(x), given(weight), bias),
    kernel: ([x, weight, bias]) => linearKernel(true)(given(x), given(weight), bias ?? null),
    rule: <A extends Num<A>>([x, weight, bias]: readonly A[]) =>
      linearRule(true)<A>(given(x), given(weight), bias ?? null),
  };
}

/** y[row, o] = Σ x[row, i] · weight[o, i] + bias[o], in plain loops. */
function oracle(
  x: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  { leading, inFeatures, outFeatures }: Sizes,
): NdArray {
  const output = new Float64Array(sizeOf(leading) * outFeatures);
  for (let row = 0; row < sizeOf(leading); row++) {
    for (let o = 0; o < outFeatures; o++) {
      let sum = bias?.data[o] ?? 0;
      for (let i = 0; i < inFeatures; i++) {
        sum += (x.data[row * inFeatures + i] ?? NaN) * (weight.data[o * inFeatures + i] ?? NaN);
      }
      output[row * outFeatures + o] = sum;
    }
  }
  return new NdArray(output, [...leading, outFeatures]);
}

describe("linear", () => {
  test("is a sum over inFeatures for every row and output", () => {
    const drawn = sizes.chain((size) => fc.tuple(fc.constant(size), arraysOf(shapesOf(size))));
    holds(drawn, ([size, [x, weight, bias = null]]) => {
      const inputs = [new Tensor(given(x)), new Tensor(given(weight)), bias && new Tensor(bias)] as const;
      expectClose("output", linear(...inputs).value, oracle(given(x), given(weight), bias, size), EXACT);
    });
  });

  test("has the derivatives of finite differences and of dual numbers, at first and second order", () => {
    const drawn = sizes.chain((size) => fc.tuple(fc.constant(size), drawsFor(caseOf(size))));
    holds(drawn, ([size, draw]) => expectLayerLaws(caseOf(size), draw), 40);
  });

  test.each(layerCases("linear"))("answers PyTorch's values: $name", (entry) => {
    expectAsPyTorch(entry, (input, weight, bias) => linear(input, given(weight), bias));
  });

  test("is one record of the tape", () => {
    const [weight, bias] = [ones([3, 2], { requiresGrad: true }), zeros([3], { requiresGrad: true })];
    expect(printTape(linear(ones([4, 2]), weight, bias), { names: { weight, bias } })).toBe(
      "%1 = linear(input[4,2], weight[3,2], bias[3]) : [4,3]",
    );
  });

  test("does not compute a gradient of an input that needs none", () => {
    const x = new NdArray(Float64Array.of(1, 2), [1, 2]);
    for (const { pullback } of [linearRule(false)<NdArray>(x, x, null), linearKernel(false)(x, x, null)]) {
      expect(pullback(new NdArray(Float64Array.of(1), [1, 1]))[0]).toBeNull();
    }
  });

  test("takes an empty batch: no output, gradients of zero", () => {
    const weight = ones([3, 2], { requiresGrad: true });
    const output = linear(zeros([0, 2]), weight, ones([3]));
    expect(output.shape).toEqual([0, 3]);
    output.sum().backward();
    expect(weight.grad?.toArray()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test("keeps the dtype and refuses a mixture", () => {
    const x = zeros([1, 2], { dtype: "float32" });
    expect(linear(x, zeros([3, 2], { dtype: "float32" })).dtype).toBe("float32");
    expect(() => linear(x, zeros([3, 2]))).toThrow(TypeError);
  });

  test("names what does not fit", () => {
    expect(() => linear(zeros([4, 3]), zeros([5, 2]))).toThrow(
      "linear: expected input [*, 2] for weight [5, 2], got shape [4, 3]",
    );
    expect(() => linear(zeros([]), zeros([5, 2]))).toThrow(RangeError);
    expect(() => linear(zeros([2]), zeros([2]))).toThrow(
      "linear: expected weight [outFeatures, inFeatures], got shape [2]",
    );
    expect(() => linear(zeros([4, 2]), zeros([5, 2]), zeros([2]))).toThrow(
      "linear: expected bias of shape [5], got [2]",
    );
  });
});

describe("Linear", () => {
  test("is linear with its own weight and bias", () => {
    const layer = new Linear(4, 3, { generator: new Generator(1) });
    const x = randn([2, 4], { generator: new Generator(2) });
    expect(layer.forward(x).toArray()).toEqual(linear(x, layer.weight, layer.bias).toArray());
  });

  test("prints as PyTorch does", () => {
    expect(String(new Linear(256, 10))).toBe("Linear(inFeatures=256, outFeatures=10, bias=true)");
    expect(String(new Linear(2, 1, { bias: false }))).toBe("Linear(inFeatures=2, outFeatures=1, bias=false)");
  });

  test("begins within 1/√inFeatures, spread over the whole interval, the same for the same seed", () => {
    const layer = new Linear(25, 40, { generator: new Generator(3) });
    const bound = 1 / 5;
    for (const parameter of layer.parameters()) {
      const largest = Math.max(...Array.from(parameter.data, Math.abs));
      expect(largest).toBeLessThanOrEqual(bound);
      expect(largest).toBeGreaterThan(0.9 * bound); // of 40 numbers or more, fewer than one in 60 draws stays below
    }
    const again = new Linear(25, 40, { generator: new Generator(3) });
    expect(again.weight.toArray()).toEqual(layer.weight.toArray());
    expect(again.bias?.toArray()).toEqual(layer.bias?.toArray());
  });

  test("has parameters of the asked dtype, under PyTorch's names", () => {
    const layer = new Linear(2, 3, { dtype: "float32" });
    expect(Object.entries(layer.stateDict()).map(([name, { shape, dtype }]) => [name, shape, dtype])).toEqual([
      ["weight", [3, 2], "float32"],
      ["bias", [3], "float32"],
    ]);
    expect(Object.keys(new Linear(2, 3, { bias: false }).stateDict())).toEqual(["weight"]);
  });

  test("runs the example of its documentation", () => {
    expect(
      linear(
        tensor([1, 2]),
        tensor([
          [1, 0],
          [3, 4],
        ]),
        tensor([0, 5]),
      ).toArray(),
    ).toEqual([1, 16]);
  });

  test.each([0, 1.5, -1, NaN])("refuses %d features", (count) => {
    expect(() => new Linear(count, 2)).toThrow(/Linear: expected inFeatures to be a positive whole number/);
    expect(() => new Linear(2, count)).toThrow(/Linear: expected outFeatures to be a positive whole number/);
  });
});
