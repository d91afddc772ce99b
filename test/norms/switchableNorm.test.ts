import { describe, expect, test } from "vitest";
import { formatNumber } from "../../src/autograd/format.ts";
import { grad, NdArray, ones, tensor, Tensor, zeros } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { checkOp } from "../../src/gradcheck/index.ts";
import {
  explainBackward,
  normPartition,
  SwitchableNorm1d,
  SwitchableNorm2d,
  SwitchableNorm3d,
  switchableNorm,
  switchableNormBackward,
  switchableNormDescriptor,
  switchableNormForward,
} from "../../src/norms/index.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { autogradFixtures, constantOf, expectAutograd } from "../helpers/switchableFixtures.ts";

// Laws for all shapes, options and modes: descriptors.test.ts. Special cases: equivalencesSwitchable.test.ts.

/** Two samples of two channels of two values; IN: 2, 7, 1, 4 and 1, 4, 1, 0. */
const x = tensor([
  [
    [1, 3],
    [5, 9],
  ],
  [
    [0, 2],
    [4, 4],
  ],
]);
/** So much of one statistic that nothing of the others is left: e⁻¹⁰⁰⁰ = 0. */
const only = (k: number, n = 3): Tensor => new Tensor(new NdArray(new Float64Array(n).with(k, 1000), [n]));
const images = (shape: readonly number[]): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return new Tensor(
    new NdArray(
      Float64Array.from({ length: count }, (_, i) => Math.sin(i * i) + i / 7),
      shape,
    ),
  );
};

describe("switchableNorm", () => {
  test("values, gradients and second derivatives are those of PyTorch's autograd of the authors' formulas", () => {
    const fixtures = autogradFixtures("switchableNorm");
    expect(fixtures.filter(({ unbiased }) => unbiased).length).toBeGreaterThanOrEqual(34);
    expect(fixtures.filter(({ unbiased }) => !unbiased).length).toBeGreaterThanOrEqual(5);
    const run = (fixture: (typeof fixtures)[number], unbiased: boolean): void => {
      const { training = true } = fixture;
      expectAutograd(fixture, ({ x: input = x, weight, bias, meanWeight = x, varWeight = x }) =>
        switchableNorm(input, meanWeight, varWeight, {
          runningMean: constantOf(fixture.runningMean),
          runningVar: constantOf(fixture.runningVar),
          ...(weight && bias && { weight, bias }),
          training,
          unbiased,
        }),
      );
    };
    for (const fixture of fixtures) {
      run(fixture, fixture.unbiased ?? false);
      expect(() => run(fixture, !fixture.unbiased)).toThrow(fixture.name);
    }
  });

  test("the variance of LN and BN is composed of the instances': by hand", () => {
    const by = (k: number, unbiased: boolean): unknown => {
      const runningVar = zeros([2]);
      switchableNorm(x, ones([3]), ones([3]), { runningVar, training: true, unbiased, momentum: 1 });
      const y = switchableNorm(x, only(0), only(k), { training: true, unbiased, eps: 0 });
      // (x − m_in) of the first instance is −1, 1; its square over y² is the variance.
      return [1 / (y.data[0] ?? 0) ** 2, ...runningVar.data].map((value) => Math.round(value * 1e9) / 1e9);
    };
    // Instances 2 ± 1, 7 ± 2, 1 ± 1, 4 ± 0: v_in 1, 4, 1, 0. LN: (1 + 4)/2 + 2.5². BN: (1 + 1)/2 + 0.5², (4 + 0)/2 + 1.5².
    expect(by(0, false)).toEqual([1, 1.25, 4.25]);
    expect(by(1, false)).toEqual([8.75, 1.25, 4.25]);
    expect(by(2, false)).toEqual([1.25, 1.25, 4.25]);
    // The authors': v_in 2, 8, 2, 0, and the spread of the means as it was.
    expect(by(0, true)).toEqual([2, 2.25, 6.25]);
    expect(by(1, true)).toEqual([11.25, 2.25, 6.25]);
    expect(by(2, true)).toEqual([2.25, 2.25, 6.25]);
  });

  test("[N, C] mixes LN and BN in this order, unbiased with C − 1 and N − 1", () => {
    const flat = tensor([
      [1, 3],
      [5, 11],
    ]);
    const layer = switchableNorm(flat, only(0, 2), only(0, 2), { training: true, eps: 0 });
    expectClose(
      "LN",
      layer.value,
      tensor([
        [-1, 1],
        [-1, 1],
      ]).value,
      1e-15,
    );
    const batch = switchableNorm(flat, only(1, 2), only(1, 2), { training: true, eps: 0, unbiased: true });
    const half = Math.SQRT1_2; // x − m_bn is ±2, ±4 and the unbiased variances are 8, 32
    expectClose(
      "BN",
      batch.value,
      tensor([
        [-half, -half],
        [half, half],
      ]).value,
      1e-15,
    );
  });

  test("at mean 1e8 output and gradients are those of the same values at mean 0, to 1e-13", () => {
    // Multiples of 2⁻¹⁰: adding 1e8 is exact.
    const dyadic = arrayOf([2, 3, 4]).map((array) => {
      return new NdArray(
        array.data.map((value: number) => Math.round(value * 1024) / 1024),
        array.shape,
      );
    });
    holds(dyadic, (values) => {
      for (const unbiased of [false, true]) {
        const run = (offset: number): NdArray[] => {
          const leaves = [values.add(offset), NdArray.full([3], 0.5, "float64"), NdArray.full([3], -1, "float64")];
          const [input = x, meanWeight = x, varWeight = x] = leaves.map((array) => new Tensor(array, true));
          const y = switchableNorm(input, meanWeight, varWeight, { training: true, unbiased });
          return [y, ...grad(y.pow(3).sum(), [input, meanWeight, varWeight])].map(({ value }) => value);
        };
        const near = run(0);
        run(1e8).forEach((array, i) => expectClose(`array ${i}`, array, near[i] ?? array, 1e-13));
      }
    });
  });

  test("the formula of the authors' code has lost its digits there", () => {
    const far = images([2, 3, 4]).add(1e8);
    const [own, square] = [far.mean([2], true), far.variance([2], { correction: 0, keepdim: true })];
    const naive = square
      .add(own.square())
      .mean([1], true)
      .sub(own.mean([1], true).square());
    const exact = images([2, 3, 4]).variance([1, 2], { correction: 0, keepdim: true });
    expect(Math.abs((naive.data[0] ?? 0) - (exact.data[0] ?? 0))).toBeGreaterThan(0.1);
  });

  test("constant logits and a constant input: the bias, no gradient, with eps 0 too", () => {
    for (const constant of [0.1, 1 / 3, 1e8 + 0.1]) {
      const input = new Tensor(NdArray.full([3, 2, 7], constant, "float64"), true);
      const [logits, others] = [tensor([0, 1, 2], { requiresGrad: true }), tensor([2, 0, 1], { requiresGrad: true })];
      const y = switchableNorm(input, logits, others, { training: true, eps: 0, bias: tensor([0.5, -2]) });
      expect(new Set(y.data)).toEqual(new Set([0.5, -2]));
      const gradOutput = images([3, 2, 7]);
      for (const { data } of grad(y, [input, logits, others], { gradOutput })) {
        expect(data.every((value: number) => value === 0)).toBe(true);
      }
    }
  });

  test("without BN what is not a number stays in its sample", () => {
    for (const poison of [NaN, Infinity]) {
      const values = images([2, 3, 2]).data.slice();
      values[0] = poison;
      const input = new Tensor(new NdArray(values, [2, 3, 2]));
      const y = switchableNorm(input, ones([2]), ones([2]), { training: true });
      expect(y.data.slice(0, 6).every(Number.isNaN)).toBe(true);
      expect(y.data.slice(6).every(Number.isFinite)).toBe(true);
    }
  });

  test("running statistics move towards m_bn and v_bn by momentum, the weight of the new value, and are constants later", () => {
    const [runningMean, runningVar] = [tensor([1, 2]), tensor([1, 1])];
    const options = { runningMean, runningVar, momentum: 0.25 };
    switchableNorm(x, ones([3]), ones([3]), { ...options, training: true });
    expectClose("mean", runningMean.value, tensor([0.75 + 0.25 * 1.5, 1.5 + 0.25 * 5.5]).value, 1e-15);
    expectClose("variance", runningVar.value, tensor([0.75 + 0.25 * 1.25, 0.75 + 0.25 * 4.25]).value, 1e-15);
    const before = [...runningMean.data, ...runningVar.data];
    const y = switchableNorm(x, only(2), only(2), { ...options, eps: 0 });
    expect([...runningMean.data, ...runningVar.data]).toEqual(before);
    expect(y.data[0]).toBeCloseTo((1 - 1.125) / Math.sqrt(1.0625), 14);
  });

  test("a second derivative after a later step uses the statistics of its own forward", () => {
    const [runningMean, runningVar] = [tensor([1, 2]), tensor([1, 1])];
    const curvature = (between: () => void): unknown => {
      const input = new Tensor(x.value, true);
      const y = switchableNorm(input, ones([3]), ones([3]), { runningMean, runningVar });
      between();
      const [first] = grad(y.pow(3).sum(), [input], { createGraph: true });
      return first && grad(first.square().sum(), [input])[0]?.data;
    };
    const expected = curvature(() => {});
    const moved = curvature(() => {
      switchableNorm(x, ones([3]), ones([3]), { runningMean, runningVar, training: true });
    });
    expect(moved).toEqual(expected);
  });

  test("biased, a position alone in its instance is normalized by the others' statistics", () => {
    const y = switchableNorm(images([2, 3, 1]), ones([3]), ones([3]), { training: true });
    expect(y.data.every((value: number) => Number.isFinite(value) && value !== 0)).toBe(true);
    expect(switchableNormDescriptor.cases([2, 3, 1]).some(({ label }) => label.includes("unbiased"))).toBe(false);
    expect(switchableNormDescriptor.cases([1, 1, 1]).every(({ label }) => label.startsWith("evaluation"))).toBe(true);
  });
});

/**
 * The backward that the authors published (devkit/ops/syncsn_layer.py, on one worker), retold: the variances' paths divide
 * by M, C·M and N·M though the forward is unbiased, and the logits' gradients are written into the weights as they are read.
 */
function publishedBackward<A extends Num<A>>(
  gradOutput: A,
  inputs: Readonly<Record<"x" | "weight" | "bias" | "meanWeight" | "varWeight", A>>,
  { biasedPaths, aliased }: { readonly biasedPaths: boolean; readonly aliased: boolean },
): readonly (A | null)[] {
  const { x: input, weight, bias, meanWeight, varWeight } = inputs;
  const options = { eps: 1e-5, unbiased: true };
  const { saved } = switchableNormForward(input, weight, bias, meanWeight, varWeight, null, options);
  const [gradX, gradWeight, gradBias, gradMean, gradVar] = switchableNormBackward(gradOutput, saved);
  // (x − m_in) ∂v_in / M and (m_in − m_ln) ∂v_ln / (C·M) are, for LN, their (x − m_ln) / (C·M) · Σ_C ∂v; so for IN and BN.
  const wrongX = switchableNormBackward(gradOutput, { ...saved, count: saved.count + 1 })[0];

  const { xhat, rstd, statistics } = saved;
  const gradXhat = gradOutput.reshape(xhat.shape).mul(weight.reshape([1, -1, 1]));
  const byMean = gradXhat.sum([2], true).mul(rstd).neg();
  const byVariance = gradXhat.mul(xhat).sum([2], true).mul(rstd.square()).mul(-0.5);
  const instanceMean = input.reshape(xhat.shape).mean([2], true);
  const means = [instanceMean, instanceMean.mean([1], true), instanceMean.mean([0], true)];
  const overwritten = (weights: A, slopes: readonly A[]): A => {
    const current = slopes.map((_, k) => weights.slice(0, k, k + 1));
    slopes.forEach((slope, k) => {
      const mixed = current.map((share, j) => share.mul(slopes[j] ?? slope)).reduce((a, b) => a.add(b));
      current[k] = (current[k] ?? slope).mul(slope.sub(mixed));
    });
    return current.reduce((all, next) => all.concat([next], 0));
  };
  const slope = (terms: A): A => terms.sum().reshape([1]);
  const meanSlopes = means.map((mean) => slope(byMean.mul(mean)));
  const varSlopes = statistics.map(({ variance }) => slope(byVariance.mul(variance)));
  return [
    biasedPaths ? wrongX : gradX,
    gradWeight,
    gradBias,
    aliased ? overwritten(saved.meanShares, meanSlopes) : gradMean,
    aliased ? overwritten(saved.varShares, varSlopes) : gradVar,
  ];
}

describe("the authors' published backward", () => {
  const check = (mistakes: { readonly biasedPaths: boolean; readonly aliased: boolean }): string => {
    const { ok, report } = checkOp(
      "SyncSwitchableNorm2d",
      {
        dims: { N: [1, 3], C: [1, 3], H: [1, 3], W: [2, 3] },
        inputs: ({ N, C, H, W }) => ({ x: [N, C, H, W], weight: [C], bias: [C], meanWeight: [3], varWeight: [3] }),
        forward: ({ x: input, weight, bias, meanWeight, varWeight }) =>
          switchableNormForward(input, weight, bias, meanWeight, varWeight, null, { eps: 1e-5, unbiased: true }).output,
        formulaBackward: (gradOutput, inputs) => publishedBackward(gradOutput, inputs, mistakes),
      },
      { raiseException: false, runs: 100 },
    );
    return ok ? "right" : report;
  };

  test("is rejected: for the gradient of x", () => {
    expect(check({ biasedPaths: true, aliased: false })).toMatch(/gradX/);
  });

  test("… and for that of the logits, which are aliased", () => {
    expect(check({ biasedPaths: false, aliased: true })).toMatch(/gradMeanWeight|gradVarWeight/);
  });

  test("… and is accepted with both repaired", () => {
    expect(check({ biasedPaths: false, aliased: false })).toBe("right");
  });
});

describe.each([
  ["SwitchableNorm1d", SwitchableNorm1d, [4, 3], 0.003, [1, 3], [1, 3], 2],
  ["SwitchableNorm2d", SwitchableNorm2d, [2, 3, 2, 2], 0.1, [1, 3, 1, 1], [1, 3, 1], 3],
  ["SwitchableNorm3d", SwitchableNorm3d, [2, 3, 1, 2, 2], 0.003, [1, 3, 1, 1, 1], [1, 3, 1], 3],
] as const)("%s", (name, Layer, shape, momentum, theirs, theirRunning, logits) => {
  test("has the authors' keys, and takes their shapes over", () => {
    const norm = new Layer(3);
    expect(Object.keys(norm.stateDict())).toEqual([
      "weight",
      "bias",
      "mean_weight",
      "var_weight",
      "running_mean",
      "running_var",
    ]);
    const state = {
      weight: tensor([1, 2, 3], { shape: theirs }),
      bias: tensor([4, 5, 6], { shape: theirs }),
      mean_weight: ones([logits]).mul(2),
      var_weight: ones([logits]).mul(3),
      running_mean: tensor([7, 8, 9], { shape: theirRunning }),
      running_var: tensor([1, 1.5, 2], { shape: theirRunning }),
    };
    norm.loadStateDict(state);
    expect(norm.weight.toArray()).toEqual([1, 2, 3]);
    expect(norm.runningVar?.toArray()).toEqual([1, 1.5, 2]);
    const again = new Layer(3);
    again.loadStateDict(norm.stateDict());
    expect(again.eval().forward(images(shape)).data).toEqual(norm.eval().forward(images(shape)).data);
    const wrong = { ...state, weight: ones([3, 1]) };
    expect(() => norm.loadStateDict(wrong)).toThrow(/shape \[3, 1\] instead of \[3\] for weight/);
  });

  test("starts with an equal share of each, weight 1, running mean 0 and variance 1, and tracks", () => {
    const norm = new Layer(3);
    const input = images(shape);
    const y = norm.forward(input);
    const [runningMean, runningVar] = [zeros([3]), ones([3])];
    const options = { training: true, momentum, runningMean, runningVar };
    expect(switchableNorm(input, zeros([logits]), zeros([logits]), options).data).toEqual(y.data);
    expect(norm.runningMean?.data).toEqual(runningMean.data);
    expect(norm.runningVar?.data).toEqual(runningVar.data);
    norm.eval();
    const evaluated = switchableNorm(input, ones([logits]), ones([logits]), { runningMean, runningVar });
    expect(norm.forward(input).data).toEqual(evaluated.data);
  });

  test("momentum null averages all batches alike", () => {
    const norm = new Layer(3, { momentum: null });
    expect(Object.keys(norm.stateDict())).toContain("num_batches_tracked");
    const batches = [images(shape), images(shape).mul(3), images(shape).add(5)];
    const empty = zeros([0, ...shape.slice(1)]);
    const means = batches.map((batch) => {
      norm.forward(empty); // has no part in it
      norm.forward(batch);
      return batch.mean(shape.map((_, dim) => dim).filter((dim) => dim !== 1));
    });
    const average = means.reduce((a, b) => a.add(b)).div(3);
    expectClose("running mean", norm.runningMean?.value ?? x.value, average.value, 1e-14);
    expect(norm.numBatchesTracked?.item()).toBe(3);
  });

  test("lastGamma starts with weight 0, and unbiased is the authors'", () => {
    const norm = new Layer(3, { lastGamma: true });
    expect(norm.forward(images(shape)).data.every((value: number) => value === 0)).toBe(true);
    const theirs = new Layer(3, { unbiased: true }).forward(images(shape)).data;
    expect(theirs).not.toEqual(new Layer(3).forward(images(shape)).data);
  });

  test("prints itself, makes float32, and explains its backward", () => {
    expect(String(new Layer(3, { momentum: null, lastGamma: true }))).toBe(
      `${name}(3, eps=1e-5, momentum=null, usingBn=true, lastGamma=true, unbiased=false)`,
    );
    expect(String(new Layer(3))).toBe(
      `${name}(3, eps=1e-5, momentum=${formatNumber(momentum)}, usingBn=true, unbiased=false)`,
    );
    const norm = new Layer(3, { dtype: "float32" });
    expect(norm.forward(images(shape).to("float32")).dtype).toBe("float32");
    for (const layer of [new Layer(3), new Layer(3).eval()]) {
      const { direct, viaMean, viaVariance, gradInput } = explainBackward(layer, images(shape), images(shape));
      expectClose("sum", direct.add(viaMean).add(viaVariance).value, gradInput.value, 1e-14);
    }
  });

  test("an empty batch changes no running statistics", () => {
    const norm = new Layer(3);
    norm.forward(zeros([0, ...shape.slice(1)]));
    expect(norm.runningMean?.toArray()).toEqual([0, 0, 0]);
    expect(norm.runningVar?.toArray()).toEqual([1, 1, 1]);
  });
});

describe("SwitchableNorm2d without BN", () => {
  test("has two logits and no running statistics, and evaluates as it trains", () => {
    const norm = new SwitchableNorm2d(3, { usingBn: false });
    expect(Object.keys(norm.stateDict())).toEqual(["weight", "bias", "mean_weight", "var_weight"]);
    expect(norm.meanWeight.shape).toEqual([2]);
    const input = images([2, 3, 2, 2]);
    const trained = norm.forward(input).data;
    expect(norm.eval().forward(input).data).toEqual(trained);
    expect([...normPartition(norm, [2, 3, 1, 2])]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  });
});
