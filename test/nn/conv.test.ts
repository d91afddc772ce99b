import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator, NdArray, ones, printTape, rand, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import { conv1d, conv2d, convKernel, convolve, convRule } from "../../src/nn/conv.ts";
import type { Convolution } from "../../src/nn/conv.ts";
import { convGeometry } from "../../src/nn/convGeometry.ts";
import { arraysOf, holds, SEED } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";

/** One spatial dim of a convolution whose kernel fits. */
interface Along {
  readonly size: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

interface Setting {
  /** No batch dim where it is null. */
  readonly batch: number | null;
  readonly groups: number;
  readonly inPerGroup: number;
  readonly outPerGroup: number;
  /** One or two. */
  readonly along: readonly Along[];
  /** "same" sets stride 1 and overrides the padding of each dim. */
  readonly isSame: boolean;
  readonly hasBias: boolean;
}

const along: fc.Arbitrary<Along> = fc
  .record({
    more: fc.integer({ min: 0, max: 3 }),
    kernelSize: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.integer({ min: 0, max: 2 }),
    dilation: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ more, kernelSize, stride, padding, dilation }) => {
    const least = dilation * (kernelSize - 1) + 1 - 2 * padding;
    return { size: Math.max(1, least) + more, kernelSize, stride, padding, dilation };
  });

const settings: fc.Arbitrary<Setting> = fc.record({
  batch: fc.option(fc.integer({ min: 1, max: 2 })),
  groups: fc.integer({ min: 1, max: 3 }),
  inPerGroup: fc.integer({ min: 1, max: 2 }),
  outPerGroup: fc.integer({ min: 1, max: 2 }),
  along: fc.array(along, { minLength: 1, maxLength: 2 }),
  isSame: fc.boolean(),
  hasBias: fc.boolean(),
});

function shapesOf({ batch, groups, inPerGroup, outPerGroup, along: dims, hasBias }: Setting): Shape[] {
  return [
    [...(batch === null ? [] : [batch]), groups * inPerGroup, ...dims.map(({ size }) => size)],
    [groups * outPerGroup, inPerGroup, ...dims.map(({ kernelSize }) => kernelSize)],
    ...(hasBias ? [[groups * outPerGroup]] : []),
  ];
}

function optionsOf({ groups, along: dims, isSame }: Setting): {
  readonly stride: readonly number[];
  readonly padding: readonly number[] | "same";
  readonly dilation: readonly number[];
  readonly groups: number;
} {
  return {
    stride: dims.map(({ stride }) => (isSame ? 1 : stride)),
    padding: isSame ? "same" : dims.map(({ padding }) => padding),
    dilation: dims.map(({ dilation }) => dilation),
    groups,
  };
}

function caseOf(setting: Setting): OpCase {
  const spatial = setting.along.length === 1 ? 1 : 2;
  const options = optionsOf(setting);
  const shapes = shapesOf(setting);
  const [input, weight] = shapes.map((shape) => zeros(shape));
  const convolution: Convolution = {
    ...convGeometry("test", spatial, given(input), given(weight), null, options),
    needsGradInput: true,
  };
  return {
    shapes,
    op: ([x, w, bias = null]) => convolve("test", spatial, given(x), given(w), { ...options, bias }),
    rule: <A extends Num<A>>([x, w, bias]: readonly A[]) => convRule(convolution)<A>(given(x), given(w), bias ?? null),
    kernel: ([x, w, bias]) => convKernel(convolution)(given(x), given(w), bias ?? null),
  };
}

/** The sum over channels and kernel cells, in plain loops over two dims (one dim is the second of them). */
function oracle(x: NdArray, weight: NdArray, bias: NdArray | null, setting: Setting): Float64Array {
  const { batch, groups, inPerGroup, outPerGroup, along: dims, isSame } = setting;
  const unit: Along = { size: 1, kernelSize: 1, stride: 1, padding: 0, dilation: 1 };
  const [vertical, horizontal] = (dims.length === 1 ? [unit, ...dims] : dims).map((dim) => {
    const reach = dim.dilation * (dim.kernelSize - 1);
    const [before, stride] = isSame ? [Math.floor(reach / 2), 1] : [dim.padding, dim.stride];
    const count = isSame ? dim.size : Math.floor((dim.size + 2 * dim.padding - reach - 1) / dim.stride) + 1;
    return { size: dim.size, kernelSize: dim.kernelSize, dilation: dim.dilation, before, stride, count };
  });
  const [v, h] = [given(vertical), given(horizontal)];
  const output: number[] = [];
  for (let n = 0; n < (batch ?? 1); n++) {
    for (let o = 0; o < groups * outPerGroup; o++) {
      const group = Math.floor(o / outPerGroup);
      for (let top = 0; top < v.count; top++) {
        for (let left = 0; left < h.count; left++) {
          let sum = bias === null ? 0 : given(bias.data[o]);
          for (let c = 0; c < inPerGroup; c++) {
            for (let i = 0; i < v.kernelSize; i++) {
              for (let j = 0; j < h.kernelSize; j++) {
                const row = top * v.stride - v.before + i * v.dilation;
                const column = left * h.stride - h.before + j * h.dilation;
                if (row < 0 || row >= v.size || column < 0 || column >= h.size) continue;
                const channel = n * groups * inPerGroup + group * inPerGroup + c;
                const cell = given(x.data[(channel * v.size + row) * h.size + column]);
                sum += cell * given(weight.data[((o * inPerGroup + c) * v.kernelSize + i) * h.kernelSize + j]);
              }
            }
          }
          output.push(sum);
        }
      }
    }
  }
  return Float64Array.from(output);
}

describe("conv1d and conv2d", () => {
  test("answer the sum over channels and kernel cells, whatever the options", () => {
    const drawn = settings.chain((setting) => fc.tuple(fc.constant(setting), arraysOf(shapesOf(setting))));
    holds(
      drawn,
      ([setting, [x, weight, bias = null]]) => {
        const inputs = [given(x), given(weight), ...(bias ? [bias] : [])];
        const { value } = caseOf(setting).op(inputs.map((array) => new Tensor(array)));
        const expected = oracle(given(x), given(weight), bias, setting);
        expectClose("output", value.reshape([-1]), new NdArray(expected, [expected.length]), EXACT);
        expect(value.ndim).toBe(given(x).ndim);
      },
      150,
    );
  });

  test("have the derivatives of finite differences and of dual numbers, at first and second order, in kernel and rule", () => {
    const drawn = settings.chain((setting) => fc.tuple(fc.constant(setting), drawsFor(caseOf(setting))));
    holds(drawn, ([setting, draw]) => expectLayerLaws(caseOf(setting), draw), 25);
  }, 30_000);

  test("are tried on every kind of convolution", () => {
    const drawn = fc.sample(settings, { seed: SEED, numRuns: 25 });
    const kinds: Readonly<Record<string, (setting: Setting) => boolean>> = {
      "depthwise, two outputs a channel": (s) => s.groups > 1 && s.inPerGroup === 1 && s.outPerGroup === 2,
      "groups with several channels each": (s) => s.groups > 1 && s.inPerGroup > 1,
      unbatched: (s) => s.batch === null,
      "a batch of two": (s) => s.batch === 2,
      "one dim": (s) => s.along.length === 1,
      "two dims of different sizes": (s) => s.along.length === 2 && s.along[0]?.size !== s.along[1]?.size,
      "strides that skip cells": (s) => !s.isSame && s.along.some(({ stride, kernelSize }) => stride > kernelSize),
      "padding wider than the kernel reaches": (s) => !s.isSame && s.along.some((a) => a.padding >= a.kernelSize),
      "an odd number of zeros": (s) => s.isSame && s.along.some((a) => (a.dilation * (a.kernelSize - 1)) % 2 === 1),
      "dilation of a kernel of several cells": (s) => s.along.some((a) => a.dilation > 1 && a.kernelSize > 1),
    };
    expect(Object.entries(kinds).filter(([, is]) => !drawn.some(is))).toEqual([]);
  });

  test("answer the input's size with padding same, one zero more at the end where their number is odd", () => {
    expect(conv1d(tensor([[1, 2, 4]]), tensor([[[1, 10]]]), { padding: "same" }).toArray()).toEqual([[21, 42, 4]]);
    expect(conv2d(zeros([2, 5, 4]), zeros([3, 2, 2, 3]), { padding: "same", dilation: [3, 1] }).shape).toEqual([
      3, 5, 4,
    ]);
    expect(conv2d(zeros([2, 5, 4]), zeros([3, 2, 2, 3]), { padding: "valid" }).shape).toEqual([3, 4, 2]);
  });
});

describe("conv2d", () => {
  type Pair = readonly [number, number];
  interface Options {
    readonly stride: Pair;
    readonly padding: Pair;
    readonly dilation: Pair;
    readonly groups: number;
  }

  test.each(layerCases<Options>("conv2d"))("answers PyTorch's values: $name", (entry) => {
    expectAsPyTorch(entry, (input, weight, bias) => conv2d(input, given(weight), { bias, ...entry.options }));
  });

  test("is one record of the tape", () => {
    const [weight, bias] = [ones([4, 1, 3, 3], { requiresGrad: true }), zeros([4])];
    const output = conv2d(zeros([2, 2, 8, 8]), weight, { bias, padding: 1, groups: 2 });
    expect(printTape(output, { names: { weight, bias } })).toBe(
      "%1 = conv2d(input[2,2,8,8], weight[4,1,3,3], bias[4]; stride 1, padding 1, dilation 1, groups 2) : [2,4,8,8]",
    );
  });

  test("does not compute a gradient of an input that needs none", () => {
    const geometry = convGeometry("test", 2, zeros([1, 2, 2]), zeros([1, 1, 1, 1]), null, {
      stride: 1,
      padding: 0,
      dilation: 1,
      groups: 1,
    });
    const [x, weight] = [zeros([1, 2, 2]).value, ones([1, 1, 1, 1]).value];
    for (const needsGradInput of [false, true]) {
      const convolution = { ...geometry, needsGradInput };
      for (const traced of [
        convRule(convolution)<NdArray>(x, weight, null),
        convKernel(convolution)(x, weight, null),
      ]) {
        expect(traced.pullback(x)[0] === null).toBe(!needsGradInput);
      }
    }
  });

  test("takes an empty batch: no output, gradients of zero", () => {
    const [weight, bias] = [ones([3, 2, 2, 2], { requiresGrad: true }), ones([3], { requiresGrad: true })];
    const output = conv2d(zeros([0, 2, 4, 4]), weight, { bias });
    expect(output.shape).toEqual([0, 3, 3, 3]);
    output.sum().backward();
    expect(weight.grad?.data.every((value) => value === 0)).toBe(true);
    expect(bias.grad?.toArray()).toEqual([0, 0, 0]);
  });

  test("keeps the dtype and refuses a mixture", () => {
    const x = zeros([1, 1, 2, 2], { dtype: "float32" });
    expect(conv2d(x, zeros([1, 1, 1, 1], { dtype: "float32" })).dtype).toBe("float32");
    expect(() => conv2d(x, zeros([1, 1, 1, 1]))).toThrow(TypeError);
  });

  test("rounds a float32 output once", () => {
    const x = rand([2, 5, 7, 7], { generator: new Generator(0), dtype: "float32" }).value;
    const weight = rand([3, 5, 3, 3], { generator: new Generator(1), dtype: "float32" }).value;
    const narrow = conv2d(new Tensor(x), new Tensor(weight)).value;
    const wide = conv2d(new Tensor(x.to("float64")), new Tensor(weight.to("float64"))).value;
    expect(narrow.data).toEqual(wide.to("float32").data);
  });

  test("names what does not fit", () => {
    const weight = zeros([4, 3, 3, 3]);
    expect(() => conv2d(zeros([8, 8]), weight)).toThrow(
      "conv2d: expected input [batch, channels, height, width] or [channels, height, width], got shape [8, 8]",
    );
    expect(() => conv2d(zeros([2, 8, 8]), weight)).toThrow(
      "conv2d: expected input of 3 channels for weight [4, 3, 3, 3] and groups 1, got shape [2, 8, 8]",
    );
    expect(() => conv2d(zeros([3, 8, 8]), zeros([3, 3, 3]))).toThrow(
      "conv2d: expected weight [outChannels, inChannels / groups, kernelHeight, kernelWidth], got shape [3, 3, 3]",
    );
    expect(() => conv2d(zeros([9, 8, 8]), weight, { groups: 3 })).toThrow(
      "conv2d: expected groups to divide the 4 output channels, got 3",
    );
    expect(() => conv2d(zeros([3, 8, 8]), weight, { groups: 0 })).toThrow(
      "conv2d: expected groups to be a positive whole number, got 0",
    );
    expect(() => conv2d(zeros([3, 8, 8]), weight, { bias: zeros([3]) })).toThrow(
      "conv2d: expected bias of shape [4], got [3]",
    );
    expect(() => conv2d(zeros([3, 8, 2]), weight)).toThrow(
      "conv2d: expected an input of at least 3 cells with its padding, as many as the kernel reaches over, got 2",
    );
    expect(() => conv2d(zeros([3, 8, 8]), weight, { stride: [1, 0] })).toThrow(
      "conv2d: expected stride in whole numbers of at least 1, got [1, 0]",
    );
    expect(() => conv2d(zeros([3, 8, 8]), weight, { stride: [2, 1], padding: "same" })).toThrow(
      'conv2d: expected stride 1 with padding "same", got [2, 1]',
    );
    const full: { padding: "same" } = JSON.parse('{ "padding": "full" }');
    expect(() => conv2d(zeros([3, 8, 8]), weight, full)).toThrow(
      'conv2d: expected padding in numbers, "same" or "valid", got full',
    );
    const triple: { dilation: [number, number] } = JSON.parse('{ "dilation": [1, 1, 1] }');
    expect(() => conv2d(zeros([3, 8, 8]), weight, triple)).toThrow(
      "conv2d: expected dilation as a number or [height, width], got [1, 1, 1]",
    );
  });
});

describe("conv1d", () => {
  interface Options {
    readonly stride: number;
    readonly padding: number;
    readonly dilation: number;
    readonly groups: number;
  }

  test.each(layerCases<Options>("conv1d"))("answers PyTorch's values: $name", (entry) => {
    expectAsPyTorch(entry, (input, weight, bias) => conv1d(input, given(weight), { bias, ...entry.options }));
  });

  test("runs the example of its documentation", () => {
    expect(conv1d(tensor([[1, 2, 4]]), tensor([[[-1, 1]]])).toArray()).toEqual([[1, 2]]);
    expect(conv2d(ones([1, 3, 3]), ones([1, 1, 2, 2])).toArray()).toEqual([
      [
        [4, 4],
        [4, 4],
      ],
    ]);
  });

  test("names what does not fit", () => {
    expect(() => conv1d(zeros([2, 3, 4, 5]), zeros([1, 3, 2]))).toThrow(
      "conv1d: expected input [batch, channels, length] or [channels, length], got shape [2, 3, 4, 5]",
    );
    expect(() => conv1d(zeros([3, 4]), zeros([1, 3, 2, 2]))).toThrow(
      "conv1d: expected weight [outChannels, inChannels / groups, kernelSize], got shape [1, 3, 2, 2]",
    );
    expect(() => conv1d(zeros([3, 4]), zeros([1, 3, 2]), { padding: -1 })).toThrow(
      "conv1d: expected padding in whole numbers of at least 0, got -1",
    );
  });
});
