import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dual, grad, noGrad, ones, sizeOf, Tensor, tensor, withBackend, zeros } from "../../src/autograd/index.ts";
import type { NdArray } from "../../src/autograd/index.ts";
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, batchNorm, batchNormForward } from "../../src/norms/index.ts";
import { arrayOf, arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { expectStateFixtures } from "../helpers/normFixtures.ts";
import { testFixtures } from "../helpers/normFixtureTests.ts";
import { batchNormSets } from "../helpers/normOracles.ts";

// Laws for all shapes, options and modes: descriptors.test.ts, edges.test.ts, equivalences.test.ts; series of steps:
// runningModel.test.ts.

const column = tensor([[1], [2], [3], [4]]);

describe("batchNorm", () => {
  testFixtures(
    "batchNorm",
    ({ x, weight, bias, runningMean, runningVar }, { training = false, eps }) =>
      batchNorm(x, runningMean, runningVar, { weight, bias, training, eps }),
    (shape) => batchNormSets(shape),
  );

  test("normalizes with the biased variance, eps inside of the root", () => {
    const y = batchNorm(column, null, null, { training: true });
    const expected = tensor([[-1.3416354], [-0.4472118], [0.4472118], [1.3416354]]);
    expectClose("output", y.value, expected.value, 5e-8);
  });

  test("moves the running mean and the unbiased running variance by a tenth", () => {
    const [runningMean, runningVar] = [zeros([1]), ones([1])];
    batchNorm(column, runningMean, runningVar, { training: true });
    expect(runningMean.item()).toBe(0.25); // 2.25 with the momentum inverted
    expect(runningVar.item()).toBeCloseTo(0.9 + 0.1 * (5 / 3), 15); // 1.025 with the biased variance
  });

  test("momentum weighs the new value, and nothing moves with 0 and everything with 1", () => {
    const states = [0, 0.25, 1].map((momentum) => {
      const [runningMean, runningVar] = [tensor([8]), tensor([4])];
      batchNorm(tensor([[1], [3]]), runningMean, runningVar, { training: true, momentum });
      return [runningMean.item(), runningVar.item()];
    });
    expect(states).toEqual([
      [8, 4],
      [6.5, 3.5],
      [2, 2],
    ]);
  });

  test("in training either statistic may be left out, and the other one moves", () => {
    const [runningMean, runningVar] = [zeros([1]), ones([1])];
    batchNorm(column, runningMean, null, { training: true });
    batchNorm(column, null, runningVar, { training: true });
    expect([runningMean.item(), runningVar.item()]).toEqual([0.25, 0.9 + 0.1 * (5 / 3)]);
  });

  test("evaluates by default, and then moves nothing", () => {
    const [runningMean, runningVar] = [tensor([2.5]), tensor([4])];
    const y = batchNorm(column, runningMean, runningVar, { eps: 0 });
    expect(y.data).toEqual(Float64Array.of(-0.75, -0.25, 0.25, 0.75));
    expect([runningMean.item(), runningVar.item()]).toEqual([2.5, 4]);
    expect(batchNorm(tensor([[7]]), runningMean, runningVar, { eps: 0 }).item()).toBe(2.25);
  });

  test("evaluation with a running variance of 0 and no eps gives the bias, as training does (PyTorch: NaN)", () => {
    const options = { bias: tensor([3]), eps: 0 };
    for (const backend of ["formula", "typescript", "wasm"] as const) {
      const y = withBackend(backend, () => batchNorm(tensor([[0], [1]]), zeros([1]), zeros([1]), options));
      expect(y.toArray()).toEqual([[3], [3]]);
    }
  });

  test("a second derivative uses the statistics of its own forward, though a training step came in between", () => {
    const [runningMean, runningVar] = [zeros([1]), ones([1])];
    const weight = tensor([3], { requiresGrad: true });
    const second = (between: () => void): NdArray => {
      const x = tensor([[1], [2], [4]], { requiresGrad: true });
      const y = batchNorm(x, runningMean, runningVar, { weight });
      between();
      const [gradWeight] = grad(y.square().sum(), [weight], { createGraph: true });
      return grad(gradWeight!, [x])[0]!.value;
    };
    const expected = second(() => {});
    const train = (): void => void batchNorm(column, runningMean, runningVar, { training: true });
    expect(second(train).data).toEqual(expected.data);
    expect(second(() => {}).data).not.toEqual(expected.data);
  });

  test("what is refused has changed nothing", () => {
    const refused: readonly (readonly [Tensor, Tensor, Tensor, object, RegExp])[] = [
      [zeros([1, 2]), zeros([2]), ones([2]), {}, /^batchNorm: expected more than 1 value per channel/],
      [zeros([3]), zeros([2]), ones([2]), {}, /^batchNorm: expected input \[N, C, \*\] with C ≥ 1, got shape \[3\]$/],
      [zeros([3, 0]), zeros([2]), ones([2]), {}, /^batchNorm: expected input .*, got shape \[3, 0\]$/],
      [zeros([3, 2]), zeros([3]), ones([2]), {}, /^batchNorm: expected runningMean of shape \[2\].*, got \[3\]$/],
      [zeros([3, 2]), zeros([2]), ones([1]), {}, /^batchNorm: expected runningVar of shape \[2\].*, got \[1\]$/],
      [zeros([3, 2]), zeros([2]), ones([2]), { weight: ones([3]) }, /expected weight of shape \[2\].*, got \[3\]$/],
      [zeros([3, 2]), zeros([2]), ones([2]), { bias: ones([1, 2]) }, /expected bias of shape \[2\].*, got \[1, 2\]$/],
      [zeros([3, 2]), zeros([2]), ones([2]), { eps: -1 }, /^batchNorm: expected eps .*, got -1$/],
      [zeros([3, 2]), zeros([2]), ones([2]), { momentum: 1.5 }, /^batchNorm: expected momentum.*, got 1.5$/],
      [zeros([3, 2]), zeros([2]), ones([2]), { weight: ones([2], { dtype: "float32" }) }, /one dtype/],
      [
        zeros([3, 2]),
        zeros([2]),
        ones([2], { dtype: "float32" }),
        {},
        /runningVar in the input's dtype float64, got float32/,
      ],
      [zeros([3, 2]), zeros([2]), ones([2], { requiresGrad: true }), {}, /runningVar to be a constant/],
      [zeros([3, 2]), zeros([2]), ones([2], { requiresGrad: true }).mul(1), {}, /runningVar to be a constant/],
    ];
    for (const [input, runningMean, runningVar, options, message] of refused) {
      const before = [runningMean.value, runningVar.value];
      const train = (): Tensor => batchNorm(input.add(3), runningMean, runningVar, { ...options, training: true });
      expect(train).toThrow(message);
      expect(runningMean.value).toBe(before[0]);
      expect(runningVar.value).toBe(before[1]);
    }
  });

  const channels = fc.record({
    batch: fc.integer({ min: 0, max: 2 }),
    positions: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
  });
  const expectRefusedForOneValue = (
    op: typeof batchNorm,
    { batch, positions }: { batch: number; positions: readonly number[] },
  ): void => {
    const x = zeros([batch, 3, ...positions]);
    const train = (): Tensor => op(x, null, null, { training: true });
    if (batch * sizeOf(positions) === 1) expect(train).toThrow(/^batchNorm: expected more than 1 value per channel/);
    else expect(train().shape).toEqual(x.shape);
    expect(op(x, zeros([3]), ones([3])).shape).toEqual(x.shape);
  };

  test("is refused if and only if a channel has a single value and its statistics are used", () => {
    holds(channels, (drawn) => expectRefusedForOneValue(batchNorm, drawn), 100);
  });

  test("… and a check of the batch alone is noticed", () => {
    const stricter: typeof batchNorm = (x, mean, variance, options) => {
      if (x.shape[0] === 1 && options?.training)
        throw new RangeError("batchNorm: expected more than 1 value per channel");
      return batchNorm(x, mean, variance, options);
    };
    expect(() => holds(channels, (drawn) => expectRefusedForOneValue(stricter, drawn), 100)).toThrow(/Property failed/);
  });

  test("what the formula comment says of the three paths holds for a movement dx", () => {
    holds(
      arraysOf([
        [5, 2, 3],
        [5, 2, 3],
      ]),
      ([x, dx]) => {
        const over = (array: NdArray): NdArray => array.mean([0, 2]);
        const { saved, mean, variance } = batchNormForward(new Dual(x!, dx!), null, null, { eps: 0.5 });
        const centered = x!.center([0, 2]);
        expectClose("dμ = ⟨dx⟩", mean.tangent, over(dx!), 1e-14);
        expectClose("dσ² = 2 ⟨c · dx⟩", variance.tangent, over(centered.mul(dx!)).mul(2), 1e-13);
        const rstd = saved.rstd.primal.reshape([2]);
        expectClose("drstd", saved.rstd.tangent.reshape([2]), rstd.pow(3).mul(variance.tangent).mul(-0.5), 1e-13);
      },
    );
  });

  test("evaluation without running statistics is refused", () => {
    const missing = /^batchNorm: expected runningMean and runningVar where the input's statistics are not used/;
    expect(() => batchNorm(column, null, null)).toThrow(TypeError);
    expect(() => batchNorm(column, null, null)).toThrow(missing);
    expect(() => batchNorm(column, zeros([1]), null)).toThrow(missing);
    expect(() => batchNorm(column, null, ones([1]))).toThrow(missing);
  });
});

const classes = [
  { make: BatchNorm1d, shape: [3, 2], dims: "2D or 3D", wrong: [2, 2, 2, 2] },
  { make: BatchNorm1d, shape: [3, 2, 5], dims: "2D or 3D", wrong: [2] },
  { make: BatchNorm2d, shape: [2, 2, 1, 3], dims: "4D", wrong: [2, 2, 2] },
  { make: BatchNorm3d, shape: [2, 2, 1, 1, 3], dims: "5D", wrong: [2, 2, 2, 2] },
];

describe.each(classes)("$make.name of $shape", ({ make: Norm, shape, dims, wrong }) => {
  test("is the functional op, in training and in evaluation", () => {
    holds(
      arrayOf(shape),
      (array) => {
        const norm = new Norm(2, { eps: 1e-3, momentum: 0.25 });
        norm.loadStateDict({ ...norm.stateDict(), weight: tensor([2, -3]), bias: tensor([5, 7]) });
        const { weight, bias } = norm;
        const [runningMean, runningVar] = [zeros([2]), ones([2])];
        const x = new Tensor(array);
        const options = { weight, bias, eps: 1e-3, momentum: 0.25 };
        const trained = batchNorm(x, runningMean, runningVar, { ...options, training: true });
        expect(norm.forward(x).data).toEqual(trained.data);
        expect(norm.runningVar?.data).toEqual(runningVar.data);
        expect(norm.eval().forward(x).data).toEqual(batchNorm(x, runningMean, runningVar, options).data);
        expect(norm.runningMean?.data).toEqual(runningMean.data);
      },
      10,
    );
  });

  test("refuses inputs of other dims, and counts nothing", () => {
    const norm = new Norm(2);
    const message = `${Norm.name}: expected ${dims} input, got ${wrong.length}D of shape [${wrong.join(", ")}]`;
    expect(() => norm.forward(zeros(wrong))).toThrow(new RangeError(message));
    expect(norm.numBatchesTracked?.item()).toBe(0);
  });
});

describe("BatchNorm", () => {
  const named = (module: string): typeof BatchNorm1d | typeof BatchNorm2d | typeof BatchNorm3d => {
    const Norm = Object.entries({ BatchNorm1d, BatchNorm2d, BatchNorm3d }).find(([name]) => name === module)?.[1];
    if (!Norm) throw new RangeError(`no class ${module}`);
    return Norm;
  };

  test("state, outputs and evaluation are PyTorch's over several steps", () => {
    expectStateFixtures("BatchNorm", (module, numFeatures, given) => new (named(module))(numFeatures, given));
  });

  test("… and another momentum, or eps, is noticed", () => {
    const changed = (change: object): (() => void) => {
      return () =>
        expectStateFixtures("BatchNorm", (module, numFeatures, given) => {
          return new (named(module))(numFeatures, { ...given, ...change });
        });
    };
    expect(changed({ momentum: 0.9 })).toThrow(/runningMean 0/);
    expect(changed({ eps: 1e-6 })).toThrow(/output 0/);
    expect(changed({ affine: true })).toThrow(/expected keys/);
  });

  test("with momentum null every batch weighs the same", () => {
    holds(fc.array(arrayOf([3, 2]), { minLength: 1, maxLength: 5 }), (batches) => {
      const norm = new BatchNorm1d(2, { momentum: null });
      for (const batch of batches) norm.forward(new Tensor(batch));
      const average = (of: (batch: NdArray) => NdArray): NdArray => {
        const [first = zeros([2]).value, ...others] = batches.map(of);
        return others.reduce((a, b) => a.add(b), first).div(batches.length);
      };
      expectClose(
        "mean",
        norm.runningMean!.value,
        average((batch) => batch.mean([0])),
        1e-14,
      );
      expectClose(
        "variance",
        norm.runningVar!.value,
        average((batch) => batch.variance([0])),
        1e-14,
      );
    });
  });

  test("its first batch replaces the initial 0 and 1", () => {
    const norm = new BatchNorm1d(1, { momentum: null });
    norm.forward(column);
    expect([norm.runningMean?.item(), norm.runningVar?.item()]).toEqual([2.5, 5 / 3]);
  });

  test("an empty batch moves no statistics, and counts, as in PyTorch", () => {
    for (const shape of [
      [0, 2],
      [0, 2, 3],
      [3, 2, 0],
    ]) {
      const norm = new BatchNorm1d(2);
      expect(norm.forward(zeros(shape)).shape).toEqual(shape);
      expect(norm.runningMean?.toArray()).toEqual([0, 0]);
      expect(norm.runningVar?.toArray()).toEqual([1, 1]);
      expect(norm.numBatchesTracked?.item()).toBe(1);
    }
  });

  test("with momentum null an empty batch has no part in the average, and is not counted", () => {
    const norm = new BatchNorm1d(1, { momentum: null });
    for (const batch of [zeros([0, 1]), column, zeros([0, 1]), column.add(6)]) norm.forward(batch);
    expect([norm.runningMean?.item(), norm.runningVar?.item()]).toEqual([5.5, 5 / 3]);
    expect(norm.numBatchesTracked?.item()).toBe(2);
  });

  test("a NaN in one channel poisons the statistics of that channel only", () => {
    const norm = new BatchNorm1d(2);
    norm.forward(
      tensor([
        [NaN, 1],
        [2, 3],
      ]),
    );
    expect(norm.runningMean?.toArray()).toEqual([NaN, 0.2]);
    expect(norm.runningVar?.toArray()).toEqual([NaN, 0.9 + 0.1 * 2]);
  });

  test("without trackRunningStats the batch is used in evaluation too, and may be too small there", () => {
    const norm = new BatchNorm1d(1, { trackRunningStats: false });
    const trained = norm.forward(column);
    expect(norm.eval().forward(column).data).toEqual(trained.data);
    expect(() => norm.forward(tensor([[1]]))).toThrow(/more than 1 value per channel/);
    expect([norm.runningMean, norm.runningVar, norm.numBatchesTracked]).toEqual([null, null, null]);
  });

  test("trackRunningStats set to false stops the updates, and evaluation goes on with what is there", () => {
    const norm = new BatchNorm1d(1);
    norm.forward(column);
    norm.trackRunningStats = false;
    const state = norm.stateDict();
    const trained = norm.forward(column.mul(7));
    expect(trained.data).toEqual(batchNorm(column.mul(7), null, null, { training: true }).data);
    expect(norm.stateDict()).toEqual(state);
    expect(norm.eval().forward(column).data).toEqual(batchNorm(column, norm.runningMean, norm.runningVar).data);
  });

  test("noGrad writes no tape, and the statistics move", () => {
    const norm = new BatchNorm1d(1);
    const y = noGrad(() => norm.forward(column));
    expect([y.record, norm.runningMean?.item(), norm.numBatchesTracked?.item()]).toEqual([null, 0.25, 1]);
  });

  test("running statistics keep no tape alive", () => {
    const norm = new BatchNorm1d(1);
    norm.forward(column.add(tensor([1], { requiresGrad: true })));
    expect([norm.runningMean?.record, norm.runningMean?.requiresGrad]).toEqual([null, false]);
    expect(norm.parameters()).toHaveLength(2);
    expect(norm.buffers()).toHaveLength(3);
  });

  test.each([
    [
      {},
      "weight bias running_mean running_var num_batches_tracked",
      "eps=1e-5, momentum=0.1, affine=true, trackRunningStats=true",
    ],
    [
      { affine: false },
      "running_mean running_var num_batches_tracked",
      "eps=1e-5, momentum=0.1, affine=false, trackRunningStats=true",
    ],
    [
      { trackRunningStats: false, momentum: null },
      "weight bias",
      "eps=1e-5, momentum=null, affine=true, trackRunningStats=false",
    ],
    [
      { affine: false, trackRunningStats: false, eps: 0.5, momentum: 1 },
      "",
      "eps=0.5, momentum=1, affine=false, trackRunningStats=false",
    ],
  ])("with %j its state is %s and it prints its options", (given, keys, printed) => {
    const norm = new BatchNorm2d(3, given);
    expect(Object.keys(norm.stateDict()).join(" ")).toBe(keys);
    expect(String(norm)).toBe(`BatchNorm2d(3, ${printed})`);
  });

  test("a state dict without num_batches_tracked sets it to 0, and any other key must be there", () => {
    const norm = new BatchNorm1d(1);
    norm.forward(column);
    const { num_batches_tracked: _, ...older } = new BatchNorm1d(1).stateDict();
    expect(norm.loadStateDict(older)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect([norm.numBatchesTracked?.item(), norm.runningMean?.item()]).toEqual([0, 0]);
    const { running_var: __, ...incomplete } = older;
    expect(() => norm.loadStateDict(incomplete)).toThrow("the missing keys running_var");
  });

  test("a state dict is a snapshot: later steps leave it", () => {
    const norm = new BatchNorm1d(1);
    const state = norm.stateDict();
    norm.forward(column);
    expect(state["running_mean"]?.item()).toBe(0);
    norm.loadStateDict(state);
    expect([norm.runningMean?.item(), norm.numBatchesTracked?.item()]).toEqual([0, 0]);
  });

  test("with dtype float32 all but the count is stored in float32, moved in float64 and rounded once", () => {
    const norm = new BatchNorm1d(1, { dtype: "float32" });
    const y = norm.forward(column.to("float32"));
    const { weight, bias, runningMean, runningVar, numBatchesTracked } = norm;
    expect([weight, bias, runningMean, runningVar, y].map((array) => array?.dtype)).toEqual(
      Array.from({ length: 5 }, () => "float32"),
    );
    expect(runningVar?.item()).toBe(Math.fround(0.9 + 0.1 * (5 / 3)));
    expect(numBatchesTracked?.dtype).toBe("float64");
    expect(() => norm.forward(column)).toThrow(TypeError);
  });

  test("a dtype that its buffers do not have is refused, with and without affine", () => {
    for (const affine of [true, false]) {
      const norm = new BatchNorm1d(1, { affine });
      expect(() => norm.forward(column.to("float32"))).toThrow(TypeError);
      expect([norm.runningMean?.item(), norm.numBatchesTracked?.item()]).toEqual([0, 0]);
    }
  });

  test("another number of channels is refused, unless nothing has a shape to compare with", () => {
    const x = zeros([2, 4]);
    const refusal = new RangeError("BatchNorm1d: expected input with numFeatures 3 channels, got shape [2, 4]");
    expect(() => new BatchNorm1d(3).forward(x)).toThrow(refusal);
    expect(() => new BatchNorm1d(3).eval().forward(x)).toThrow(refusal);
    expect(() => new BatchNorm1d(3, { affine: false }).forward(x)).toThrow(refusal);
    expect(() => new BatchNorm1d(3, { trackRunningStats: false }).forward(x)).toThrow(refusal);
    expect(() => new BatchNorm1d(3).forward(zeros([0, 4]))).toThrow("BatchNorm1d: expected input with numFeatures 3");
    expect(new BatchNorm1d(3, { affine: false, trackRunningStats: false }).forward(x).shape).toEqual([2, 4]);
  });

  test("without affine, while the updates are stopped, another number of channels does in training only", () => {
    const norm = new BatchNorm1d(3, { affine: false });
    norm.trackRunningStats = false;
    expect(norm.forward(zeros([2, 4])).shape).toEqual([2, 4]);
    expect(() => norm.eval().forward(zeros([2, 4]))).toThrow("expected input with numFeatures 3 channels");
  });

  test.each([
    [0, {}, "expected numFeatures to be a positive whole number, got 0"],
    [2.5, {}, "expected numFeatures to be a positive whole number, got 2.5"],
    [3, { eps: NaN }, "expected eps to be a finite number of at least 0, got NaN"],
    [3, { momentum: -0.1 }, "expected momentum, the weight of the new value, in [0, 1], got -0.1"],
  ])("numFeatures %d with %j is refused", (numFeatures, given, message) => {
    expect(() => new BatchNorm3d(numFeatures, given)).toThrow(new RangeError(`BatchNorm3d: ${message}`));
  });
});
