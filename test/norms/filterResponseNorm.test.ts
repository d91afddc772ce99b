import { describe, expect, test } from "vitest";
import { grad, randn, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import {
  FilterResponseNorm1d,
  FilterResponseNorm2d,
  filterResponseNorm,
  filterResponseNormDescriptor,
} from "../../src/norms/index.ts";
import type { NormDescriptor } from "../../src/norms/index.ts";
import { expectAdaptiveFixtures } from "../helpers/adaptiveFixtures.ts";
import { causeOf, holds } from "../helpers/generators.ts";
import { normDraws, tame } from "../helpers/normDraws.ts";
import { backwardIsDifferences, secondOrderIsDifferences } from "../helpers/normLaws.ts";

// Laws for all shapes and options: descriptors.test.ts; other norms: equivalencesAdaptive.test.ts.

describe("filterResponseNorm", () => {
  test("output, gradients and second derivatives are PyTorch's", () => {
    expectAdaptiveFixtures("filterResponseNorm", ({ x = zeros([]), ...parameters }, { eps = NaN }) =>
      filterResponseNorm(x, { ...parameters, eps }),
    );
  });

  test("numbers to retype: the root of the mean square of 1 and 7 is 5", () => {
    const x = tensor([[[1, -7]]], { requiresGrad: true });
    const tau = tensor([-1], { requiresGrad: true });
    const output = filterResponseNorm(x, { tau, eps: 0 });
    expect(output.toArray()).toEqual([[[0.2, -1]]]);
    const [byTau] = grad(output, [tau], { gradOutput: tensor([[[10, 100]]]), retainGraph: true });
    expect(byTau?.toArray()).toEqual([100]);
  });

  test("where y equals tau the gradient goes to tau", () => {
    const x = tensor([[[3, 3]]], { requiresGrad: true });
    const tau = tensor([1], { requiresGrad: true });
    const [byX, byTau] = grad(filterResponseNorm(x, { tau, eps: 0 }).sum(), [x, tau]);
    expect([byX?.toArray(), byTau?.toArray()]).toEqual([[[[0, 0]]], [2]]);
  });

  test("NaN stays NaN, and is not replaced by tau", () => {
    const output = filterResponseNorm(tensor([[[NaN, 1]], [[1, 1]]]), { tau: tensor([0]) });
    expect(output.data.map((value) => (Number.isNaN(value) ? 9 : 0))).toEqual(Float64Array.of(9, 9, 0, 0));
  });

  test("max with an infinity is the other one, or the infinity: a threshold of −∞ is none, and y of −∞ gives tau", () => {
    const x = tensor([[[1, -7]]], { requiresGrad: true });
    const tau = tensor([-Infinity], { requiresGrad: true });
    const output = filterResponseNorm(x, { tau, eps: 0 });
    const without = filterResponseNorm(x, { eps: 0 });
    expect(output.data).toEqual(without.data);
    const gradOutput = tensor([[[10, 100]]]);
    const [byX, byTau] = grad(output, [x, tau], { gradOutput });
    expect([byX?.data, byTau?.item()]).toEqual([grad(without, [x], { gradOutput })[0]?.data, 0]);
    const low = filterResponseNorm(tensor([[[1, 7]]]), { bias: tensor([-Infinity]), tau: tensor([0]) });
    expect(low.toArray()).toEqual([[[0, 0]]]);
    const high = filterResponseNorm(tensor([[[1, 7]]]), { bias: tensor([Infinity]), tau: tensor([0]) });
    expect(high.toArray()).toEqual([[[Infinity, Infinity]]]);
  });

  test("epsL counts by its absolute value, and has no gradient at 0", () => {
    const x = randn([2, 3, 4]);
    const at = (value: number): Tensor => filterResponseNorm(x, { epsL: tensor([value]), eps: 0.25 });
    expect(at(-0.5).data).toEqual(at(0.5).data);
    expect(at(0.5).data).toEqual(filterResponseNorm(x, { eps: 0.75 }).data);
    const zero = tensor([0], { requiresGrad: true });
    expect(grad(filterResponseNorm(x, { epsL: zero }).square().sum(), [zero])[0]?.item()).toBeCloseTo(0, 300);
  });

  test("an input of zeros without eps gives the bias, with a gradient of 0", () => {
    const x = zeros([1, 1, 3], { requiresGrad: true });
    const output = filterResponseNorm(x, { bias: tensor([2]), eps: 0 });
    expect(output.toArray()).toEqual([[[2, 2, 2]]]);
    expect(grad(output.square().sum(), [x])[0]?.toArray()).toEqual([[[0, 0, 0]]]);
  });

  test("[N, C] is normalized value by value, and eps is 1e-6 by default", () => {
    const x = tensor([[3, -4]]);
    expect(filterResponseNorm(x, { eps: 0 }).toArray()).toEqual([[1, -1]]);
    expect(filterResponseNorm(x).data).toEqual(filterResponseNorm(x, { eps: 1e-6 }).data);
    expect(filterResponseNorm(x).data).not.toEqual(filterResponseNorm(x, { eps: 1e-5 }).data);
  });

  test("an empty batch gives an empty output and parameter gradients of 0", () => {
    const parameters = ["weight", "bias", "tau"].map(() => tensor([1, 2], { requiresGrad: true }));
    const [weight, bias, tau] = parameters;
    const epsL = tensor([1], { requiresGrad: true });
    const output = filterResponseNorm(zeros([0, 2, 3]), { weight: weight!, bias: bias!, tau: tau!, epsL });
    expect(output.shape).toEqual([0, 2, 3]);
    const gradients = grad(output.sum(), [...parameters, epsL]).map((gradient) => gradient.toArray());
    expect(gradients).toEqual([[0, 0], [0, 0], [0, 0], [-0]]);
  });
});

describe("the laws that use differences, near the kink of the TLU", () => {
  /** The cases with the TLU, whose op answers half of one gradient too much. */
  const wrong = (name: string): NormDescriptor => ({
    ...filterResponseNormDescriptor,
    cases: (shape, eps) =>
      filterResponseNormDescriptor.cases(shape, eps).flatMap((normCase) => {
        const at = normCase.inputs.findIndex((input) => input.name === name);
        const op = (inputs: readonly Tensor[]): Tensor =>
          normCase.op(inputs.map((input, i) => (i === at ? input.mul(1.5).sub(input.detach().mul(0.5)) : input)));
        return at >= 0 && normCase.label.includes("tau") ? [{ ...normCase, op }] : [];
      }),
  });

  test.each(["x", "weight", "tau", "epsL"])(
    "a wrong gradient of %s is found, though draws at the kink are replaced",
    (name) => {
      // The gradient of tau does not depend on tau: half of it too much has the derivatives of half too much.
      const both = [backwardIsDifferences, secondOrderIsDifferences];
      for (const law of name === "tau" ? both.slice(0, 1) : both) {
        expect(causeOf(() => holds(normDraws(wrong(name), tame), law))).toContain("differences");
      }
    },
  );
});

describe("FilterResponseNorm", () => {
  test("starts at weight 1, bias 0, tau 0 and epsL 1e-4, and is then the functional op", () => {
    const norm = new FilterResponseNorm2d(3, { learnableEps: true, eps: 1e-3 });
    expect(Object.entries(norm.stateDict()).map(([key, value]) => [key, value.toArray()])).toEqual([
      ["weight", [1, 1, 1]],
      ["bias", [0, 0, 0]],
      ["tau", [0, 0, 0]],
      ["eps_l", [1e-4]],
    ]);
    norm.loadStateDict({ weight: randn([3]), bias: randn([3]), tau: randn([3]), eps_l: randn([1]) });
    const x = randn([2, 3, 4, 5]);
    const { weight, bias, tau, epsL } = norm;
    const expected = filterResponseNorm(x, { weight, bias, tau, epsL, eps: 1e-3 }).data;
    expect(norm.forward(x).data).toEqual(expected);
    expect(norm.eval().forward(x).data).toEqual(expected);
    const { case: normCase, inputs } = norm.normCase(x);
    expect(normCase.label).toBe("weight, bias, tau, epsL");
    expect(normCase.op(inputs).data).toEqual(expected);
  });

  test("without the TLU and the learnable eps it has neither tau nor eps_l", () => {
    const norm = new FilterResponseNorm1d(2, { tlu: false, dtype: "float32" });
    expect(Object.keys(norm.stateDict())).toEqual(["weight", "bias"]);
    expect(norm.weight.dtype).toBe("float32");
    expect(String(norm)).toBe("FilterResponseNorm1d(2, eps=1e-6, learnableEps=false, tlu=false)");
    expect(norm.forward(randn([3, 2], { dtype: "float32" })).shape).toEqual([3, 2]);
  });
});
