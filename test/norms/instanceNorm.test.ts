import { describe, expect, test } from "vitest";
import { Dual, grad, ones, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { NdArray } from "../../src/autograd/index.ts";
import {
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  instanceNorm,
  instanceNormForward,
} from "../../src/norms/index.ts";
import { arrayOf, arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { expectStateFixtures } from "../helpers/normFixtures.ts";
import { testFixtures } from "../helpers/normFixtureTests.ts";
import { instanceNormSets } from "../helpers/normOracles.ts";

// Laws for all shapes, options and modes: descriptors.test.ts, edges.test.ts, equivalences.test.ts; series of steps:
// runningModel.test.ts.

/** Two samples of one channel, with means 2 and 6, and unbiased variances 2 and 8. */
const samples = tensor([[[1, 3]], [[4, 8]]]);

describe("instanceNorm", () => {
  testFixtures(
    "instanceNorm",
    ({ x, weight, bias, runningMean, runningVar }, { useInputStats = true, eps }) =>
      instanceNorm(x, { runningMean, runningVar, weight, bias, useInputStats, eps }),
    (shape) => instanceNormSets(shape),
  );

  test("each channel of each sample is normalized on its own, with eps 1e-5", () => {
    expect(instanceNorm(samples, { eps: 0 }).data).toEqual(Float64Array.of(-1, 1, -1, 1));
    expect(instanceNorm(samples).data).toEqual(instanceNorm(samples, { eps: 1e-5 }).data);
    expect(instanceNorm(samples).data).not.toEqual(instanceNorm(samples, { eps: 0 }).data);
  });

  test("running statistics move by a tenth of the samples' average, not by the whole batch's variance", () => {
    const [runningMean, runningVar] = [zeros([1]), ones([1])];
    instanceNorm(samples, { runningMean, runningVar });
    expect(runningMean.item()).toBeCloseTo(0.1 * 4, 15);
    expect(runningVar.item()).toBeCloseTo(0.9 + 0.1 * 5, 15);
    instanceNorm(samples, { runningMean, runningVar, momentum: 1 });
    expect([runningMean.item(), runningVar.item()]).toEqual([4, 5]);
  });

  test("with useInputStats false the running statistics are used, a single position included, and do not move", () => {
    const running = { runningMean: tensor([2]), runningVar: tensor([4]), eps: 0, useInputStats: false };
    expect(instanceNorm(samples, running).data).toEqual(Float64Array.of(-0.5, 0.5, 1, 3));
    expect(instanceNorm(tensor([[[5]]]), running).data).toEqual(Float64Array.of(1.5));
    expect([running.runningMean.item(), running.runningVar.item()]).toEqual([2, 4]);
  });

  test("the printed tape names the options of the op in both modes", () => {
    const x = zeros([1, 1, 2], { requiresGrad: true });
    const running = { runningMean: zeros([1]), runningVar: ones([1]) };
    expect(instanceNorm(x, running).record?.attributes).toEqual({ useInputStats: true, momentum: 0.1, eps: 1e-5 });
    expect(instanceNorm(x, { ...running, useInputStats: false }).record?.attributes).toEqual({
      useInputStats: false,
      eps: 1e-5,
    });
  });

  test("a second derivative uses the statistics of its own forward, though a training step came in between", () => {
    const running = { runningMean: zeros([1]), runningVar: ones([1]) };
    const weight = tensor([3], { requiresGrad: true });
    const second = (between: () => void): NdArray => {
      const x = tensor([[[1, 2, 4]]], { requiresGrad: true });
      const y = instanceNorm(x, { ...running, weight, useInputStats: false });
      between();
      const [gradWeight] = grad(y.square().sum(), [weight], { createGraph: true });
      return grad(gradWeight!, [x])[0]!.value;
    };
    const expected = second(() => {});
    const train = (): void => void instanceNorm(samples, running);
    expect(second(train).data).toEqual(expected.data);
    expect(second(() => {}).data).not.toEqual(expected.data);
  });

  test("what is refused has changed nothing", () => {
    const refused: readonly (readonly [Tensor, Tensor, Tensor, object, RegExp])[] = [
      [zeros([4, 2, 1]), zeros([2]), ones([2]), {}, /^instanceNorm: expected more than 1 position per channel/],
      [zeros([4, 2]), zeros([2]), ones([2]), {}, /^instanceNorm: expected more than 1 position per channel/],
      [
        zeros([3]),
        zeros([2]),
        ones([2]),
        {},
        /^instanceNorm: expected input \[N, C, \*\] with C ≥ 1, got shape \[3\]$/,
      ],
      [zeros([2, 0, 3]), zeros([2]), ones([2]), {}, /^instanceNorm: expected input .*, got shape \[2, 0, 3\]$/],
      [zeros([3, 2, 5]), zeros([3]), ones([2]), {}, /^instanceNorm: expected runningMean of shape \[2\].*, got \[3\]$/],
      [zeros([3, 2, 5]), zeros([2]), ones([6]), {}, /^instanceNorm: expected runningVar of shape \[2\].*, got \[6\]$/],
      [zeros([3, 2, 5]), zeros([2]), ones([2]), { weight: ones([6]) }, /expected weight of shape \[2\].*, got \[6\]$/],
      [zeros([3, 2, 5]), zeros([2]), ones([2]), { bias: ones([1]) }, /expected bias of shape \[2\].*, got \[1\]$/],
      [zeros([3, 2, 5]), zeros([2]), ones([2]), { eps: -1 }, /^instanceNorm: expected eps .*, got -1$/],
      [zeros([3, 2, 5]), zeros([2]), ones([2]), { momentum: 2 }, /^instanceNorm: expected momentum.*, got 2$/],
      [zeros([3, 2, 5]), zeros([2]), ones([2], { dtype: "float32" }), {}, /runningVar in the input's dtype float64/],
      [zeros([3, 2, 5]), zeros([2]), ones([2], { requiresGrad: true }), {}, /runningVar to be a constant/],
    ];
    for (const [input, runningMean, runningVar, options, message] of refused) {
      const before = [runningMean.value, runningVar.value];
      expect(() => instanceNorm(input.add(3), { ...options, runningMean, runningVar })).toThrow(message);
      expect(runningMean.value).toBe(before[0]);
      expect(runningVar.value).toBe(before[1]);
    }
  });

  test("what the formula comment says of the path through σ² holds for a movement dx", () => {
    holds(
      arraysOf([
        [3, 2, 5],
        [3, 2, 5],
      ]),
      ([x, dx]) => {
        const { saved, mean, variance } = instanceNormForward(new Dual(x!, dx!), null, null, { eps: 0.5 });
        const over = (array: NdArray): NdArray => array.mean([2], true);
        expectClose("dμ = ⟨dx⟩", mean.tangent, over(dx!), 1e-14);
        expectClose("dσ² = 2 ⟨(x − μ) dx⟩", variance.tangent, over(x!.center([2]).mul(dx!)).mul(2), 1e-13);
        const drstd = saved.rstd.primal.pow(3).mul(variance.tangent).mul(-0.5);
        expectClose("drstd = −½ rstd³ dσ²", saved.rstd.tangent, drstd, 1e-13);
      },
    );
  });

  test("useInputStats false without running statistics is refused", () => {
    expect(() => instanceNorm(samples, { useInputStats: false })).toThrow(TypeError);
    expect(() => instanceNorm(samples, { useInputStats: false, runningMean: zeros([1]) })).toThrow(
      /^instanceNorm: expected runningMean and runningVar where the input's statistics are not used/,
    );
  });
});

const classes = [
  { make: InstanceNorm1d, batched: [3, 2, 5], single: [2, 5], wrong: [3, 2, 5, 1] },
  { make: InstanceNorm2d, batched: [3, 2, 1, 5], single: [2, 5, 1], wrong: [3, 2] },
  { make: InstanceNorm3d, batched: [2, 2, 1, 3, 1], single: [2, 1, 3, 2], wrong: [2, 2, 3] },
];

describe.each(classes)("$make.name", ({ make: Norm, batched, single, wrong }) => {
  test.each([[batched], [single]])("of %j is the functional op, in training and in evaluation", (shape) => {
    holds(
      arrayOf(shape),
      (array) => {
        const norm = new Norm(2, { eps: 1e-3, momentum: 0.25, affine: true, trackRunningStats: true });
        norm.loadStateDict({ ...norm.stateDict(), weight: tensor([2, -3]), bias: tensor([5, 7]) });
        const { weight, bias } = norm;
        const options = { runningMean: zeros([2]), runningVar: ones([2]), weight, bias, eps: 1e-3, momentum: 0.25 };
        const x = new Tensor(array);
        const asBatch = shape === batched ? x : x.reshape([1, ...shape]);
        const trained = norm.forward(x);
        expect(trained.shape).toEqual(shape);
        expect(trained.data).toEqual(instanceNorm(asBatch, options).data);
        expect(norm.runningMean?.data).toEqual(options.runningMean.data);
        expect(norm.runningVar?.data).toEqual(options.runningVar.data);
        const evaluated = instanceNorm(asBatch, { ...options, useInputStats: false });
        expect(norm.eval().forward(x).data).toEqual(evaluated.data);
        expect(norm.runningMean?.data).toEqual(options.runningMean.data);
      },
      10,
    );
  });

  test("refuses inputs of other dims", () => {
    const n = batched.length;
    const message = `${Norm.name}: expected ${n - 1}D (one sample) or ${n}D input, got ${wrong.length}D of shape [${wrong.join(", ")}]`;
    expect(() => new Norm(2).forward(zeros(wrong))).toThrow(new RangeError(message));
  });
});

describe("InstanceNorm", () => {
  test("state, outputs and evaluation are PyTorch's over several steps", () => {
    const make = { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d };
    expectStateFixtures("InstanceNorm", (module, numFeatures, { momentum, ...options }) => {
      const Norm = Object.entries(make).find(([name]) => name === module)?.[1];
      if (!Norm || momentum === null) throw new RangeError(`no class ${module} with momentum ${momentum}`);
      return new Norm(numFeatures, { ...options, momentum });
    });
  });

  test("by default it has no parameters and no state, and evaluates by the input's statistics", () => {
    const norm = new InstanceNorm1d(1);
    expect(norm.stateDict()).toEqual({});
    expect(norm.eval().forward(samples).data).toEqual(instanceNorm(samples).data);
  });

  test.each([
    [{}, "", "eps=1e-5, momentum=0.1, affine=false, trackRunningStats=false"],
    [{ affine: true, eps: 0.5 }, "weight bias", "eps=0.5, momentum=0.1, affine=true, trackRunningStats=false"],
    [
      { trackRunningStats: true },
      "running_mean running_var num_batches_tracked",
      "eps=1e-5, momentum=0.1, affine=false, trackRunningStats=true",
    ],
    [
      { affine: true, trackRunningStats: true, momentum: 1 },
      "weight bias running_mean running_var num_batches_tracked",
      "eps=1e-5, momentum=1, affine=true, trackRunningStats=true",
    ],
  ])("with %j its state is %s and it prints its options", (given, keys, printed) => {
    const norm = new InstanceNorm2d(3, given);
    expect(Object.keys(norm.stateDict()).join(" ")).toBe(keys);
    expect(String(norm)).toBe(`InstanceNorm2d(3, ${printed})`);
  });

  test("momentum null is a TypeError, tracked or not", () => {
    const momentum: number = JSON.parse("null");
    for (const trackRunningStats of [true, false]) {
      expect(() => new InstanceNorm3d(2, { momentum, trackRunningStats })).toThrow(TypeError);
    }
    expect(() => new InstanceNorm3d(2, { momentum })).toThrow(
      /^InstanceNorm3d: expected momentum.*no cumulative average.*null$/,
    );
  });

  test("a 2D input to InstanceNorm1d is [C, L], never [N, C]", () => {
    expect(
      new InstanceNorm1d(2, { eps: 0 })
        .forward(
          tensor([
            [1, 3],
            [10, 30],
          ]),
        )
        .toArray(),
    ).toEqual([
      [-1, 1],
      [-1, 1],
    ]);
  });

  test("a single position is refused in training, and in evaluation unless there are running statistics", () => {
    const message = /^instanceNorm: expected more than 1 position per channel/;
    const x = zeros([4, 2, 1]);
    expect(() => new InstanceNorm1d(2).forward(x)).toThrow(message);
    expect(() => new InstanceNorm1d(2).eval().forward(x)).toThrow(message);
    expect(() => new InstanceNorm1d(2).forward(zeros([2, 1]))).toThrow(message);
    expect(() => new InstanceNorm1d(2).forward(zeros([0, 2, 1]))).toThrow(message);
    expect(new InstanceNorm1d(2, { trackRunningStats: true }).eval().forward(x).shape).toEqual([4, 2, 1]);
  });

  test("an empty batch or no positions leave the running statistics, where PyTorch's become NaN", () => {
    for (const shape of [
      [0, 2, 3],
      [3, 2, 0],
      [2, 0],
    ]) {
      const norm = new InstanceNorm1d(2, { affine: true, trackRunningStats: true });
      const y = norm.forward(zeros(shape));
      y.sum().backward();
      expect(y.shape).toEqual(shape);
      expect(norm.runningMean?.toArray()).toEqual([0, 0]);
      expect(norm.runningVar?.toArray()).toEqual([1, 1]);
      expect([norm.weight?.grad?.toArray(), norm.bias?.grad?.toArray()]).toEqual([
        [0, 0],
        [0, 0],
      ]);
    }
  });

  test("another number of channels is refused, unless nothing has a shape to compare with", () => {
    const x = zeros([2, 4, 3]);
    for (const options of [{ affine: true }, { trackRunningStats: true }]) {
      const norm = new InstanceNorm1d(3, options);
      const refusal = "InstanceNorm1d: expected input with numFeatures 3 channels, got shape";
      expect(() => norm.forward(x)).toThrow(new RangeError(`${refusal} [2, 4, 3]`));
      expect(() => norm.forward(zeros([4, 3]))).toThrow(new RangeError(`${refusal} [4, 3]`));
      expect(norm.forward(zeros([3, 4])).shape).toEqual([3, 4]);
    }
    expect(new InstanceNorm1d(3).forward(x).shape).toEqual([2, 4, 3]);
    expect(new InstanceNorm1d(3).forward(zeros([4, 3])).shape).toEqual([4, 3]);
  });

  test("with dtype float32 parameters, buffers and output are float32, and a buffer of another dtype is refused", () => {
    const norm = new InstanceNorm1d(1, { affine: true, trackRunningStats: true, dtype: "float32" });
    const y = norm.forward(samples.to("float32"));
    const { weight, bias, runningMean, runningVar } = norm;
    expect([weight, bias, runningMean, runningVar, y].map((array) => array?.dtype)).toEqual(
      Array.from({ length: 5 }, () => "float32"),
    );
    expect([runningMean?.item(), runningVar?.item()]).toEqual([Math.fround(0.4), Math.fround(1.4)]);
    const plain = new InstanceNorm1d(1, { trackRunningStats: true });
    expect(() => plain.forward(samples.to("float32"))).toThrow(TypeError);
    expect(plain.runningMean?.item()).toBe(0);
  });

  test.each([
    [0, {}, "expected numFeatures to be a positive whole number, got 0"],
    [3, { eps: -1 }, "expected eps to be a finite number of at least 0, got -1"],
    [3, { momentum: 1.1 }, "expected momentum, the weight of the new value, in [0, 1], got 1.1"],
  ])("numFeatures %d with %j is refused", (numFeatures, given, message) => {
    expect(() => new InstanceNorm2d(numFeatures, given)).toThrow(new RangeError(`InstanceNorm2d: ${message}`));
  });
});
