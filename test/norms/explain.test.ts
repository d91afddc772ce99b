import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad, ones, Tensor, tensor, withBackend, zeros } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import {
  BatchNorm1d,
  BatchNorm2d,
  explainBackward,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  LayerNorm,
  normPartition,
} from "../../src/norms/index.ts";
import type { Norm } from "../../src/norms/index.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";

/** Layers of three channels in all modes, none of them with weight 1 and bias 0 where they have them. */
const layers: Readonly<Record<string, () => Norm>> = {
  "BatchNorm1d in training": () => new BatchNorm1d(3),
  "BatchNorm1d in evaluation": () => new BatchNorm1d(3).eval(),
  "BatchNorm1d without affine": () => new BatchNorm1d(3, { affine: false }),
  "BatchNorm1d that tracks nothing, in evaluation": () => new BatchNorm1d(3, { trackRunningStats: false }).eval(),
  "BatchNorm1d in float32": () => new BatchNorm1d(3, { dtype: "float32" }),
  "BatchNorm2d in training": () => new BatchNorm2d(3),
  "LayerNorm of the last dim": () => new LayerNorm(4),
  "LayerNorm of two dims, without bias": () => new LayerNorm([3, 4], { bias: false }),
  "GroupNorm in three groups": () => new GroupNorm(3, 3),
  "GroupNorm in one group, without affine": () => new GroupNorm(1, 3, { affine: false }),
  InstanceNorm1d: () => new InstanceNorm1d(3),
  "InstanceNorm1d with everything, in training": () => new InstanceNorm1d(3, { affine: true, trackRunningStats: true }),
  "InstanceNorm1d with everything, in evaluation": () =>
    new InstanceNorm1d(3, { affine: true, trackRunningStats: true }).eval(),
  InstanceNorm2d: () => new InstanceNorm2d(3),
};

function make(build: () => Norm): Norm {
  const norm = build();
  const state = Object.entries(norm.stateDict()).map(([key, { value, numel, shape, dtype }]) => {
    const values = Array.from(value.data, (_, i) => (key === "running_var" ? 0.5 + i / 4 : 1.5 - i));
    return [key, tensor(values.slice(0, numel), { dtype }).reshape(shape)];
  });
  norm.loadStateDict(Object.fromEntries(state));
  return norm;
}

const shapes: readonly Shape[] = [
  [2, 3],
  [1, 3],
  [3, 1],
  [3, 4],
  [2, 3, 4],
  [2, 3, 1],
  [1, 3, 1],
  [3, 2, 4],
  [0, 3, 4],
  [2, 3, 2, 2],
  [2, 2, 3, 4],
  [3],
];

function refusal(call: () => unknown): string | null {
  try {
    call();
    return null;
  } catch (error) {
    return String(error);
  }
}

/** What forward refuses, and in which words, the partition refuses. */
function expectRefusedTogether(norm: Norm, shape: Shape): void {
  const { dtype } = norm.parameters()[0] ?? norm.buffers()[0] ?? zeros([]);
  const byForward = refusal(() => norm.forward(zeros(shape, { dtype })));
  const byPartition = refusal(() => norm.normCase(zeros(shape, { dtype })));
  expect([shape, byPartition]).toEqual([shape, byForward]);
}

describe("normPartition", () => {
  test.each<[string, Norm, Shape, number[]]>([
    ["batchNorm", new BatchNorm1d(2), [2, 2], [0, 1, 0, 1]],
    ["batchNorm", new BatchNorm1d(2), [2, 2, 2], [0, 0, 1, 1, 0, 0, 1, 1]],
    ["batchNorm in evaluation", new BatchNorm1d(2).eval(), [2, 2], [0, 1, 0, 1]],
    ["layerNorm", new LayerNorm(2), [2, 2], [0, 0, 1, 1]],
    ["layerNorm of two dims", new LayerNorm([2, 2]), [2, 2, 2], [0, 0, 0, 0, 1, 1, 1, 1]],
    ["layerNorm with leading dims", new LayerNorm(2), [2, 2, 2], [0, 0, 1, 1, 2, 2, 3, 3]],
    ["groupNorm", new GroupNorm(2, 4), [1, 4, 1], [0, 0, 1, 1]],
    ["groupNorm of two samples", new GroupNorm(1, 2), [2, 2, 2], [0, 0, 0, 0, 1, 1, 1, 1]],
    ["groupNorm of three channels a group", new GroupNorm(2, 6), [1, 6], [0, 0, 0, 1, 1, 1]],
    ["instanceNorm", new InstanceNorm1d(2), [2, 2, 2], [0, 0, 1, 1, 2, 2, 3, 3]],
    ["instanceNorm of one sample", new InstanceNorm1d(2), [2, 3], [0, 0, 0, 1, 1, 1]],
    [
      "instanceNorm by running statistics",
      new InstanceNorm1d(2, { trackRunningStats: true }).eval(),
      [2, 2, 2],
      [0, 0, 1, 1, 0, 0, 1, 1],
    ],
    ["an empty batch", new GroupNorm(1, 2), [0, 2, 2], []],
  ])("%s", (_, norm, shape, expected) => {
    expect([...normPartition(norm, shape)]).toEqual(expected);
  });

  test.each(Object.entries(layers))("%s refuses the shapes that forward refuses, in the same words", (_, build) => {
    for (const shape of shapes) expectRefusedTogether(build(), shape);
    for (const shape of shapes) expectRefusedTogether(build().eval(), shape);
  });

  test("… and a case that takes what forward does not is noticed", () => {
    class Careless extends BatchNorm1d {
      override normCase(): ReturnType<BatchNorm1d["normCase"]> {
        return new BatchNorm1d(3).normCase(zeros([2, 3]));
      }
    }
    expect(() => {
      for (const shape of shapes) expectRefusedTogether(new Careless(3), shape);
    }).toThrow(/deeply equal/);
  });

  test("another number of channels, and a single value a channel, are refused", () => {
    expect(() => normPartition(new BatchNorm1d(3), [2, 4])).toThrow(RangeError);
    expect(() => normPartition(new BatchNorm1d(3), [1, 3])).toThrow(/more than 1 value per channel/);
    expect(() => normPartition(new InstanceNorm1d(3, { affine: true }), [2, 4, 5])).toThrow(RangeError);
    expect(() => normPartition(new InstanceNorm1d(3), [2, 3, 1])).toThrow(/more than 1 position/);
  });

  test("the dtype of a layer does not matter", () => {
    for (const dtype of ["float32", "float64"] as const) {
      expect([...normPartition(new BatchNorm1d(1, { dtype }), [3, 1])]).toEqual([0, 0, 0]);
      expect([...normPartition(new InstanceNorm1d(1, { dtype, trackRunningStats: true }), [1, 2])]).toEqual([0, 0]);
    }
  });

  test("nothing is moved by asking", () => {
    const norm = new BatchNorm1d(2);
    normPartition(norm, [3, 2]);
    expect([norm.runningVar?.toArray(), norm.numBatchesTracked?.item()]).toEqual([[1, 1], 0]);
  });
});

/** An input that the layer takes. */
function inputShape(norm: Norm): Shape {
  const found = [
    [2, 3, 4],
    [2, 3, 2, 2],
  ].find((shape) => refusal(() => norm.normCase(zeros(shape))) === null);
  if (!found) throw new RangeError(`${String(norm)} takes none of the shapes`);
  return found;
}

describe("explainBackward", () => {
  test.each(Object.entries(layers))("%s: its arrays are what the tape computes, and the terms add up", (_, build) => {
    const shape = inputShape(make(build));
    holds(
      arraysOf([shape, shape]),
      ([x, g]) => {
        const norm = make(build);
        const dtype = norm.parameters()[0]?.dtype ?? "float64";
        const input = new Tensor(x!.to(dtype), true);
        const gradOutput = new Tensor(g!.to(dtype));
        const explained = explainBackward(norm, input, gradOutput);

        const named = [...norm.namedParameters()];
        const output = withBackend("formula", () => norm.forward(input)); // kernels round elsewhere
        const [gradInput, ...gradients] = grad(output, [input, ...named.map(([, tensor_]) => tensor_)], { gradOutput });
        const tolerance = dtype === "float32" ? 2 ** -22 : 1e-15;
        const close = (what: string, actual: Tensor | null, expected: Tensor | undefined): void => {
          if (!actual || !expected) throw new Error(`expected ${what} in both`);
          expect(actual.dtype).toBe("float64");
          expectClose(what, actual.value, expected.value.to("float64"), tolerance);
        };
        close("output", explained.output, output);
        close("gradInput", explained.gradInput, gradInput);
        const expected = new Map(named.map(([name], i) => [name, gradients[i]]));
        for (const [name, actual] of Object.entries({ weight: explained.gradWeight, bias: explained.gradBias })) {
          if (expected.has(name)) close(`gradient of ${name}`, actual, expected.get(name));
          else expect(actual).toBeNull();
        }
        const { direct, viaMean, viaVariance } = explained;
        expectClose("sum of terms", direct.add(viaMean).add(viaVariance).value, explained.gradInput.value, 1e-13);
      },
      10,
    );
  });

  test.each(Object.entries(layers))("%s: no tape is written and no statistic moves", (_, build) => {
    const norm = make(build);
    const { dtype } = norm.parameters()[0] ?? zeros([]);
    const x = ones(inputShape(norm), { dtype, requiresGrad: true });
    const before = Object.entries(norm.stateDict()).map(([key, { data }]) => [key, [...data]]);
    const explained = explainBackward(norm, x, x);
    expect(Object.entries(norm.stateDict()).map(([key, { data }]) => [key, [...data]])).toEqual(before);
    for (const array of Object.values(explained)) expect(array?.record ?? null).toBeNull();
  });

  test("a gradient of ones: the direct part cancels the one through the mean", () => {
    const { direct, viaMean, viaVariance, gradInput } = explainBackward(
      new LayerNorm(4),
      tensor([[1, 2, 4, 8]]),
      ones([1, 4]),
    );
    const rows = [direct, viaMean, viaVariance, gradInput].map(({ data }) =>
      [...data].map((v) => Number(v.toFixed(3)) + 0),
    );
    expect(rows).toEqual([
      [0.373, 0.373, 0.373, 0.373],
      [-0.373, -0.373, -0.373, -0.373],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  test("a gradient of 2 y: the direct part cancels the one through the variance but for eps", () => {
    const norm = new LayerNorm(4, { elementwiseAffine: false });
    const x = tensor([[1, 2, 4, 8]]);
    const { direct, viaMean, viaVariance, gradInput } = explainBackward(norm, x, norm.forward(x).mul(2));
    expect(Math.max(...viaMean.data.map(Math.abs))).toBeLessThan(1e-15);
    expectClose("via variance", viaVariance.value, direct.neg().value, 1e-5);
    expect(Math.max(...gradInput.data.map(Math.abs))).toBeGreaterThan(1e-7);
  });

  test("one value: the chain rule gives 1 − 1 = 0", () => {
    const norm = new LayerNorm(1, { eps: 1e-6, elementwiseAffine: false });
    const { direct, viaMean, viaVariance, gradInput } = explainBackward(norm, tensor([[3]]), tensor([[0.5]]));
    expect(direct.item()).toBeCloseTo(500, 9);
    expect(viaMean.item()).toBe(-direct.item());
    expect([viaVariance.item() + 0, gradInput.item()]).toEqual([0, 0]);
  });

  test("in evaluation the direct part is all there is", () => {
    const { direct, viaMean, viaVariance, gradInput } = explainBackward(
      make(() => new BatchNorm1d(3).eval()),
      ones([2, 3]),
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    );
    expect(gradInput.data).toEqual(direct.data);
    for (const none of [viaMean, viaVariance]) expect([...none.data]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("an unbatched input is explained in its own shape", () => {
    holds(
      arraysOf([
        [3, 4],
        [3, 4],
      ]),
      ([x, g]) => {
        const [single, gradOutput] = [new Tensor(x!), new Tensor(g!)];
        const norm = make(() => new InstanceNorm1d(3, { affine: true }));
        const { gradInput, direct, output, gradWeight } = explainBackward(norm, single, gradOutput);
        const batched = explainBackward(norm, single.reshape([1, 3, 4]), gradOutput.reshape([1, 3, 4]));
        for (const array of [gradInput, direct, output]) expect(array.shape).toEqual([3, 4]);
        expect(gradInput.data).toEqual(batched.gradInput.data);
        expect(gradWeight?.data).toEqual(batched.gradWeight?.data);
      },
      5,
    );
  });

  test("a gradOutput of another shape, or an input that forward refuses, is refused", () => {
    expect(() => explainBackward(new LayerNorm(4), ones([2, 4]), ones([4]))).toThrow(
      new RangeError("explainBackward: expected gradOutput of shape [2, 4], got [4]"),
    );
    expect(() => explainBackward(new LayerNorm(4), ones([2, 3]), ones([2, 3]))).toThrow(/^layerNorm: expected input/);
    expect(() => explainBackward(new BatchNorm1d(2), ones([1, 2]), ones([1, 2]))).toThrow(/more than 1 value/);
  });

  test("mixed dtypes are refused, as forward and backward refuse them", () => {
    const [x, single] = [ones([2, 4]), ones([2, 4], { dtype: "float32" })];
    const mixed = "explainBackward: expected input, parameters and gradOutput of one dtype, got";
    const plain = new LayerNorm(4, { elementwiseAffine: false });
    expect(() => explainBackward(plain, single, x)).toThrow(TypeError);
    expect(() => explainBackward(plain, single, x)).toThrow(`${mixed} float32 and float64`);
    expect(() => explainBackward(plain, x, single)).toThrow(`${mixed} float64 and float32`);
    expect(() => explainBackward(new LayerNorm(4), single, single)).toThrow(`${mixed} float32 and float64`);
    expect(explainBackward(plain, single, single).gradInput.dtype).toBe("float64");
  });

  test("an empty batch has empty terms and parameter gradients of 0", () => {
    fc.assert(
      fc.property(fc.constantFrom<Shape>([0, 3, 4], [2, 3, 0]), (shape) => {
        const explained = explainBackward(new BatchNorm1d(3), zeros(shape), zeros(shape));
        expect(explained.viaMean.shape).toEqual(shape);
        expect([explained.gradWeight?.toArray(), explained.gradBias?.toArray()]).toEqual([
          [0, 0, 0],
          [0, 0, 0],
        ]);
      }),
    );
  });
});
