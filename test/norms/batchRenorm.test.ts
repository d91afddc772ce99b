import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad, NdArray, ones, tensor, Tensor, zeros } from "../../src/autograd/index.ts";
import {
  batchNorm,
  BatchRenorm1d,
  BatchRenorm2d,
  BatchRenorm3d,
  batchRenorm,
  batchRenormDescriptor,
  dMaxSchedule,
  explainBackward,
  rMaxSchedule,
} from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { backwardIsDifferences, heldIsOp } from "../helpers/normLaws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { autogradFixtures, constantOf, expectAutograd } from "../helpers/switchableFixtures.ts";

// Laws for all shapes, options and modes: descriptors.test.ts. Equality with batchNorm: equivalencesSwitchable.test.ts.

const x = tensor([
  [1, 10],
  [3, 30],
  [8, 20],
]);

describe("batchRenorm", () => {
  test("values, gradients and second derivatives are those of PyTorch's autograd, in both conventions", () => {
    const fixtures = autogradFixtures("batchRenorm");
    expect(fixtures).toHaveLength(24);
    const run = (fixture: (typeof fixtures)[number], convention: "paper" | "ludvb"): void =>
      expectAutograd(fixture, ({ x: input = x, weight, bias }) => {
        const { eps = 0, rMax = 0, dMax = 0 } = fixture;
        const running = [constantOf(fixture.runningMean) ?? x, constantOf(fixture.runningStd) ?? x] as const;
        const affine = { ...(weight && { weight }), ...(bias && { bias }) };
        return batchRenorm(input, ...running, { ...affine, training: true, convention, eps, rMax, dMax });
      });
    for (const fixture of fixtures) {
      const { convention = "paper" } = fixture;
      run(fixture, convention);
      expect(() => run(fixture, convention === "paper" ? "ludvb" : "paper")).toThrow(fixture.name);
    }
  });

  test("r and d carry no gradient: with them on the tape it is another one, which the laws reject", () => {
    const normCase = batchRenormDescriptor.cases([4, 2], 1).find(({ label }) => label.includes("Infinity, weight"));
    if (!normCase) throw new Error("expected a case");
    // Unclipped, y is (x − m)/s · weight + bias in value: this has the value of the op, and the gradient of that.
    const throughAll: NormCase = {
      ...normCase,
      op: ([input, weight, bias]) => {
        if (!input || !weight || !bias) throw new RangeError("expected three inputs");
        const [mean, std] = [tensor([-0.75, -0.25]), tensor([0.625, 0.875])];
        const all = input.sub(mean).div(std).mul(weight).add(bias);
        return normCase.op([input, weight, bias]).detach().add(all.sub(all.detach()));
      },
    };
    const { held: _, ...bare } = normCase;
    holds(arraysOf([[4, 2], [2], [2], [4, 2]]), ([input, weight, bias, gradOutput]) => {
      if (!input || !weight || !bias || !gradOutput) throw new RangeError("expected four arrays");
      const inputs = [input, weight, bias];
      const directions = { tangents: inputs, weights: inputs, gradOutputTangent: gradOutput };
      const draw = (of: NormCase): NormDraw => {
        return { normCase: of, inputs, gradOutput, ...directions, eps: 1, offset: 0, spread: 1 };
      };
      backwardIsDifferences(draw(normCase));
      heldIsOp(draw(normCase));
      // Gradients that are equal by chance: x is constant, or gradOutput 0.
      fc.pre(new Set(input.data).size === 8 && new Set(gradOutput.data).size === 8);
      expect(() => heldIsOp(draw(throughAll))).toThrow(/gradient 0 with constants held/);
      // Without `held` the differences of the op itself are another gradient: this is why there is one.
      expect(() => backwardIsDifferences(draw(bare))).toThrow(/gradient 0 against differences/);
    });
  });

  test("r and d are of the running statistics from before the step, which then move: by hand", () => {
    const [runningMean, runningStd] = [tensor([2]), tensor([0.5])];
    const options = { training: true, eps: 0, momentum: 0.5, rMax: 3, dMax: 1.5 };
    const y = batchRenorm(tensor([[1], [5]]), runningMean, runningStd, options);
    expect(y.toArray()).toEqual([[-1.5], [4.5]]); // x̂ ±1; r: 2/0.5 = 4, cut to 3; d: (3 − 2)/0.5 = 2, cut to 1.5
    expect([runningMean.item(), runningStd.item()]).toEqual([2.5, 1.25]);
    const evaluated = batchRenorm(tensor([[1], [5]]), runningMean, runningStd, { eps: 0 });
    expectClose("evaluation", evaluated.value, tensor([[-1.2], [2]]).value, 1e-15); // (1 − 2.5)/1.25, (5 − 2.5)/1.25
  });

  test("r may be cut below 1, and d below 0", () => {
    const options = { training: true, eps: 0, rMax: 2, dMax: 1 };
    const y = batchRenorm(tensor([[1], [3]]), tensor([50]), tensor([8]), options);
    expect(y.toArray()).toEqual([[-1.5], [-0.5]]);
  });

  test("ludvb adds eps to the standard deviation", () => {
    const runningStd = ones([1]);
    const options = { training: true, convention: "ludvb", eps: 0.5, momentum: 1, rMax: 1, dMax: 0 } as const;
    const y = batchRenorm(tensor([[1], [3]]), zeros([1]), runningStd, options);
    expect([...y.data, runningStd.item()]).toEqual([-1 / 1.5, 1 / 1.5, 1.5]);
  });

  test("conventions have their own eps and momentum", () => {
    const moved = (options: Parameters<typeof batchRenorm>[3]): number[] => {
      const [mean, std] = [zeros([2]), ones([2])];
      batchRenorm(x, mean, std, { ...options, training: true });
      return [...mean.data, ...std.data];
    };
    expect(moved({})).toEqual(moved({ eps: 1e-5, momentum: 0.1 }));
    expect(moved({ convention: "ludvb" })).toEqual(moved({ convention: "ludvb", eps: 1e-3, momentum: 0.01 }));
    expect(moved({ convention: "ludvb" })).not.toEqual(moved({ eps: 1e-3, momentum: 0.01 }));
  });

  test("a constant channel with eps 0 gives d · weight + bias and no gradient, in both conventions", () => {
    for (const convention of ["paper", "ludvb"] as const) {
      for (const constant of [0.1, 1e8 + 0.1]) {
        const input = new Tensor(NdArray.full([7, 1], constant, "float64"), true);
        const weight = tensor([2], { requiresGrad: true });
        const running = [tensor([0]), tensor([1])] as const;
        const settings = { weight, bias: tensor([3]), training: true, convention, eps: 0, dMax: 0 };
        const y = batchRenorm(input, ...running, settings);
        expect(new Set(y.data)).toEqual(new Set([3]));
        const gradOutput = tensor([[1], [2], [3], [5], [8], [13], [21]]);
        for (const { data } of grad(y, [input, weight], { gradOutput })) {
          expect(data.every((value: number) => Math.abs(value) === 0)).toBe(true);
        }
      }
    }
  });

  test("a second derivative after a later step uses the statistics of its own forward", () => {
    const curvature = (between: (mean: Tensor, std: Tensor) => void): unknown => {
      const [mean, std] = [tensor([2, 20]), tensor([2, 5])];
      const input = new Tensor(x.value, true);
      const y = batchRenorm(input, mean, std, { training: true });
      between(mean, std);
      const [first] = grad(y.pow(3).sum(), [input], { createGraph: true });
      return first && grad(first.square().sum(), [input])[0]?.data;
    };
    const expected = curvature(() => {});
    expect(curvature((mean, std) => void batchRenorm(x, mean, std, { training: true }))).toEqual(expected);
  });
});

describe.each([
  ["BatchRenorm1d", BatchRenorm1d, [4, 3]],
  ["BatchRenorm1d", BatchRenorm1d, [4, 3, 2]],
  ["BatchRenorm2d", BatchRenorm2d, [2, 3, 2, 2]],
  ["BatchRenorm3d", BatchRenorm3d, [2, 3, 1, 2, 2]],
] as const)("%s", (name, Layer, shape) => {
  const size = shape.reduce<number>((a, b) => a * b, 1);
  const input = new Tensor(
    new NdArray(
      Float64Array.from({ length: size }, (_, i) => 7 + Math.sin(i * i)),
      shape,
    ),
  );

  test("starts as batch normalization, and counts its batches", () => {
    const norm = new Layer(3);
    const expected = batchNorm(input, null, null, { weight: ones([3]), bias: zeros([3]), training: true });
    expectClose("output", norm.forward(input).value, expected.value, 1e-14);
    expect(norm.numBatchesTracked.item()).toBe(1);
    expect(Object.keys(norm.stateDict())).toEqual([
      "weight",
      "bias",
      "running_mean",
      "running_std",
      "num_batches_tracked",
    ]);
    norm.eval().forward(input);
    expect(norm.numBatchesTracked.item()).toBe(1);
  });

  test("an empty batch is not counted, and has no part in a cumulative average", () => {
    const norm = new Layer(3, { momentum: null, rMax: Infinity, dMax: Infinity });
    const empty = zeros([0, ...shape.slice(1)]);
    for (const batch of [empty, input, empty, input.add(2)]) norm.forward(batch);
    const mean = input.mean(shape.map((_, dim) => dim).filter((dim) => dim !== 1));
    expectClose("running mean", norm.runningMean.value, mean.value.add(1), 1e-14);
    expect(norm.numBatchesTracked.item()).toBe(2);
  });

  test("its limits grow with the batches that it has seen", () => {
    const norm = new Layer(3, { rMax: (batches) => 1 + batches, dMax: (batches) => batches });
    const twin = { mean: zeros([3]), std: ones([3]) };
    for (const limits of [
      { rMax: 1, dMax: 0 },
      { rMax: 2, dMax: 1 },
      { rMax: 3, dMax: 2 },
    ]) {
      const { weight, bias } = norm;
      const expected = batchRenorm(input, twin.mean, twin.std, { weight, bias, training: true, ...limits });
      expect(norm.forward(input).data).toEqual(expected.data);
    }
    expect(norm.runningStd.data).toEqual(twin.std.data);
    const late = new Layer(3);
    late.loadStateDict({ ...late.stateDict(), num_batches_tracked: tensor(22500) });
    const limits = { rMax: rMaxSchedule(22500), dMax: dMaxSchedule(22500) };
    expect(limits).toEqual({ rMax: 2, dMax: 4.375 });
    const expected = batchRenorm(input, zeros([3]), ones([3]), { training: true, ...limits });
    expectClose("output", late.forward(input).value, expected.value, 1e-15);
  });

  test("momentum null averages all batches alike", () => {
    const norm = new Layer(3, { momentum: null, rMax: 1, dMax: 0 });
    norm.forward(input);
    norm.forward(input.mul(3));
    const dims = shape.map((_, dim) => dim).filter((dim) => dim !== 1);
    expectClose("mean", norm.runningMean.value, input.mean(dims).mul(2).value, 1e-14);
  });

  test("prints itself, goes without affine, makes float32, and explains its backward", () => {
    expect(String(new Layer(3))).toBe(
      `${name}(3, eps=1e-5, momentum=0.1, affine=true, rMax=schedule, dMax=schedule, convention=paper)`,
    );
    expect(String(new Layer(3, { momentum: null, affine: false, rMax: 3, dMax: 5, convention: "ludvb" }))).toBe(
      `${name}(3, eps=1e-3, momentum=null, affine=false, rMax=3, dMax=5, convention=ludvb)`,
    );
    expect(new Layer(3, { affine: false }).parameters()).toHaveLength(0);
    expect(new Layer(3, { dtype: "float32" }).forward(input.to("float32")).dtype).toBe("float32");
    for (const layer of [new Layer(3, { rMax: 3, dMax: 5 }), new Layer(3, { affine: false }).eval()]) {
      const { direct, viaMean, viaVariance, gradInput } = explainBackward(layer, input, input);
      expectClose("sum", direct.add(viaMean).add(viaVariance).value, gradInput.value, 1e-14);
    }
  });

  test("an empty batch changes no statistics", () => {
    const norm = new Layer(3);
    norm.forward(zeros([0, ...shape.slice(1)]));
    expect([...norm.runningMean.data, ...norm.runningStd.data]).toEqual([0, 0, 0, 1, 1, 1]);
  });
});
