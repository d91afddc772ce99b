import { describe, expect, test } from "vitest";
import { grad, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import { weightStandardization } from "../../src/norms/index.ts";
import { expectAdaptiveFixtures } from "../helpers/adaptiveFixtures.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";

// Laws for all shapes and options: descriptors.test.ts; other norms: equivalencesAdaptive.test.ts.

describe("weightStandardization", () => {
  test("output, gradients and second derivatives are PyTorch's, in both conventions", () => {
    expectAdaptiveFixtures("weightStandardization", ({ weight = zeros([]) }, { eps = NaN, unbiased = false }) =>
      weightStandardization(weight, { eps, unbiased }),
    );
  });

  test("eps on the wrong side of the root, or the other variance, is not that close", () => {
    expect(() =>
      expectAdaptiveFixtures("weightStandardization", ({ weight = zeros([]) }, { eps = NaN, unbiased = false }) =>
        weightStandardization(weight, { eps, unbiased: !unbiased }),
      ),
    ).toThrow(/output/);
  });

  test("by default biased with eps 1e-6 inside the root; unbiased with eps 1e-5 outside", () => {
    const weight = tensor([[1, 2, 6]]);
    const defaults = weightStandardization(weight);
    expect(defaults.data).toEqual(weightStandardization(weight, { eps: 1e-6, unbiased: false }).data);
    expectClose("biased", defaults.value, tensor([[-2, -1, 3]]).div(Math.sqrt(14 / 3 + 1e-6)).value, 1e-15);
    const unbiased = weightStandardization(weight, { unbiased: true });
    expect(unbiased.data).toEqual(weightStandardization(weight, { eps: 1e-5, unbiased: true }).data);
    expectClose("unbiased", unbiased.value, tensor([[-2, -1, 3]]).div(Math.sqrt(7) + 1e-5).value, 1e-15);
  });

  test("without eps each output channel has mean 0 and variance 1, whatever the scale and shift of the weight", () => {
    holds(arrayOf([3, 2, 3]), (array) => {
      const weight = new Tensor(array);
      for (const unbiased of [false, true]) {
        const output = weightStandardization(weight, { eps: 0, unbiased });
        const moved = weightStandardization(weight.mul(8).add(64), { eps: 0, unbiased });
        expectClose("moved", moved.value, output.value, 1e-12);
        expectClose("mean", output.mean([1, 2]).value, zeros([3]).value, 1e-14);
        const variance = output.variance([1, 2], { correction: unbiased ? 1 : 0 }).data;
        for (const value of variance) expect(value === 0 || Math.abs(value - 1) < 1e-13).toBe(true);
      }
    });
  });

  test("a constant channel gives 0, with eps 0 too, and a gradient that is centred or 0", () => {
    const gradOutput = tensor([[1, 2, 6]]);
    const at = (options: { readonly eps: number; readonly unbiased: boolean }): unknown[] => {
      const weight = tensor([[0.1, 0.1, 0.1]], { requiresGrad: true });
      const output = weightStandardization(weight, options);
      const [first] = grad(output, [weight], { gradOutput, createGraph: true });
      if (!first) throw new Error("expected a gradient");
      const [second] = grad(first.square().sum(), [weight], { allowUnused: true });
      expect(second === null || second === undefined || second.data.every(Number.isFinite)).toBe(true);
      return [output.add(0).toArray(), first.add(0).toArray()]; // 0 + −0 is 0
    };
    expect(at({ eps: 0, unbiased: false })).toEqual([[[0, 0, 0]], [[0, 0, 0]]]);
    expect(at({ eps: 0, unbiased: true })).toEqual([[[0, 0, 0]], [[0, 0, 0]]]);
    expect(at({ eps: 0.25, unbiased: true })).toEqual([[[0, 0, 0]], [[-8, -4, 12]]]);
    expect(at({ eps: 0.25, unbiased: false })).toEqual([[[0, 0, 0]], [[-4, -2, 6]]]);
  });

  test("one weight a channel gives 0 for the biased variance, and is refused for the unbiased one", () => {
    expect(weightStandardization(tensor([[3], [5]])).toArray()).toEqual([[0], [0]]);
    expect(() => weightStandardization(tensor([[3], [5]]), { unbiased: true })).toThrow(/more than 1 weight/);
  });

  test("no output channels give an empty weight", () => {
    expect(weightStandardization(zeros([0, 3])).shape).toEqual([0, 3]);
  });
});
