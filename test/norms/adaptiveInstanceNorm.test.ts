import { describe, expect, test } from "vitest";
import { grad, randn, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { NdArray } from "../../src/autograd/index.ts";
import { AdaptiveInstanceNorm, adaptiveInstanceNorm, instanceNorm } from "../../src/norms/index.ts";
import { expectAdaptiveFixtures } from "../helpers/adaptiveFixtures.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";

// Laws for all shapes and options: descriptors.test.ts; other norms: equivalencesAdaptive.test.ts.

function given(inputs: Readonly<Record<string, Tensor>>, name: string): Tensor {
  return inputs[name] ?? zeros([]);
}

/** Mean and variance of each sample's channel. */
function momentsOf(x: NdArray, correction: number): readonly [mean: NdArray, variance: NdArray] {
  const dims = x.shape.map((_, dim) => dim).slice(2);
  return [x.mean(dims), x.variance(dims, { correction })];
}

describe("adaptiveInstanceNorm", () => {
  test("output, gradients and second derivatives are PyTorch's", () => {
    expectAdaptiveFixtures("adaptiveInstanceNorm", (inputs, options) =>
      adaptiveInstanceNorm(given(inputs, "content"), given(inputs, "style"), options),
    );
  });

  test("another variance, another alpha or another eps is not that close", () => {
    for (const wrong of [{ unbiased: false }, { alpha: 0.9 }, { eps: 1.1e-5 }]) {
      expect(() =>
        expectAdaptiveFixtures("adaptiveInstanceNorm", (inputs, options) =>
          adaptiveInstanceNorm(given(inputs, "content"), given(inputs, "style"), { ...options, ...wrong }),
        ),
      ).toThrow(/output/);
    }
  });

  test("by default the variances are unbiased, with eps 1e-5, and all of the style is taken", () => {
    const [content, style] = [randn([2, 3, 4]), randn([2, 3, 5])];
    const defaults = adaptiveInstanceNorm(content, style).data;
    expect(adaptiveInstanceNorm(content, style, { eps: 1e-5, unbiased: true, alpha: 1 }).data).toEqual(defaults);
    for (const other of [{ eps: 1e-4 }, { unbiased: false }, { alpha: 0.5 }]) {
      expect(adaptiveInstanceNorm(content, style, other).data).not.toEqual(defaults);
    }
  });

  test("without eps the output has the style's mean and variance, in the sense that was asked for", () => {
    for (const unbiased of [true, false]) {
      holds(
        arraysOf([
          [2, 3, 4],
          [2, 3, 2, 3],
        ]),
        ([content, style]) => {
          if (!content || !style) throw new Error("expected two arrays");
          const output = adaptiveInstanceNorm(new Tensor(content), new Tensor(style), { eps: 0, unbiased }).value;
          const correction = unbiased ? 1 : 0;
          const [mean, variance] = momentsOf(output, correction);
          const [styleMean, styleVar] = momentsOf(style, correction);
          // A content of equal values has no variance to scale.
          const flat = momentsOf(content, correction)[1].constant((values) =>
            Float64Array.from(values, (value) => (value === 0 ? 0 : 1)),
          );
          expectClose("mean", mean, styleMean, 1e-13);
          expectClose("variance", variance, styleVar.mul(flat), 1e-13);
        },
      );
    }
  });

  test("alpha goes from the content to the style, in output and gradients", () => {
    const content = tensor([[[1, 2, 4, 9]]], { requiresGrad: true });
    const style = tensor([[[0, 1, 5]]], { requiresGrad: true });
    const at = (alpha: number): NdArray[] => {
      const output = adaptiveInstanceNorm(content, style, { alpha });
      const gradients = grad(output.square().sum(), [content, style]);
      return [output.value, ...gradients.map(({ value }) => value)];
    };
    const [output, gradContent, gradStyle] = at(0);
    expect(output?.data).toEqual(content.data);
    expect(gradContent?.data).toEqual(content.mul(2).data);
    expect(gradStyle?.data.every((value) => value === 0)).toBe(true);
    const [whole, part] = [at(1)[0], at(0.25)[0]];
    if (!whole || !part) throw new Error("expected outputs");
    expectClose("a quarter", part, whole.mul(0.25).add(content.value.mul(0.75)), 1e-15);
  });

  test("a constant content without eps gets the style's mean, and a constant style makes a constant", () => {
    const flat = tensor([[[0.5, 0.5, 0.5]]], { requiresGrad: true });
    const style = tensor([[[1, 2, 6]]], { requiresGrad: true });
    const fromFlat = adaptiveInstanceNorm(flat, style, { eps: 0 });
    expect(fromFlat.toArray()).toEqual([[[3, 3, 3]]]);
    const [byFlat, byStyle] = grad(fromFlat.square().sum(), [flat, style]);
    expect(byFlat?.toArray()).toEqual([[[0, 0, 0]]]);
    expect(byStyle?.toArray()).toEqual([[[6, 6, 6]]]);
    const fromStyle = adaptiveInstanceNorm(style, flat, { eps: 0 });
    expect(fromStyle.toArray()).toEqual([[[0.5, 0.5, 0.5]]]);
    const gradients = grad(fromStyle.pow(3).sum(), [style, flat], { createGraph: true });
    const second = grad(
      gradients.map((gradient) => gradient.square().sum()).reduce((a, b) => a.add(b)),
      [style, flat],
      {
        allowUnused: true,
      },
    );
    expect([...gradients, ...second].every((gradient) => gradient?.data.every(Number.isFinite) ?? true)).toBe(true);
  });

  test("a single position is refused for an unbiased variance, in content and style, and taken for a biased one", () => {
    const [one, some] = [tensor([[[5]]]), tensor([[[1, 3]]])];
    expect(() => adaptiveInstanceNorm(one, some)).toThrow(/more than 1 position in the content/);
    expect(() => adaptiveInstanceNorm(some, one)).toThrow(/more than 1 position in the style/);
    expect(adaptiveInstanceNorm(one, some, { unbiased: false }).toArray()).toEqual([[[2]]]);
    expect(adaptiveInstanceNorm(some, one, { unbiased: false, eps: 0 }).toArray()).toEqual([[[5, 5]]]);
  });

  test("an empty batch gives an empty output and empty gradients", () => {
    const content = zeros([0, 3, 4], { requiresGrad: true });
    const style = zeros([0, 3, 2], { requiresGrad: true });
    const output = adaptiveInstanceNorm(content, style);
    expect(output.shape).toEqual([0, 3, 4]);
    expect(grad(output.sum(), [content, style]).map(({ shape }) => shape)).toEqual([
      [0, 3, 4],
      [0, 3, 2],
    ]);
    const none = zeros([2, 3, 0], { requiresGrad: true });
    const pixels = randn([2, 3, 2]);
    expect(adaptiveInstanceNorm(none, pixels).shape).toEqual([2, 3, 0]);
  });

  test("one array as content and style gets both gradients", () => {
    const x = tensor([[[1, 2, 4, 9]]], { requiresGrad: true });
    const copy = tensor([[[1, 2, 4, 9]]], { requiresGrad: true });
    expectClose("output", adaptiveInstanceNorm(x, x).value, x.value, 1e-15);
    const [both] = grad(adaptiveInstanceNorm(x, x).pow(3).sum(), [x]);
    const [first, second] = grad(adaptiveInstanceNorm(x, copy).pow(3).sum(), [x, copy]);
    if (!both || !first || !second) throw new Error("expected gradients");
    expectClose("gradient", both.value, first.add(second).value, 1e-14);
  });
});

describe("AdaptiveInstanceNorm", () => {
  test("is the functional op, learns nothing, and does not know training from evaluation", () => {
    const norm = new AdaptiveInstanceNorm({ eps: 1e-3, unbiased: false, alpha: 0.3 });
    const [content, style] = [randn([2, 3, 4]), randn([2, 3, 5, 2])];
    const expected = adaptiveInstanceNorm(content, style, { eps: 1e-3, unbiased: false, alpha: 0.3 }).data;
    expect(norm.forward(content, style).data).toEqual(expected);
    expect(norm.eval().forward(content, style).data).toEqual(expected);
    expect(norm.stateDict()).toEqual({});
    expect(String(norm)).toBe("AdaptiveInstanceNorm(eps=1e-3, unbiased=false, alpha=0.3)");
    expect(String(new AdaptiveInstanceNorm())).toBe("AdaptiveInstanceNorm(eps=1e-5, unbiased=true, alpha=1)");
  });

  test("its case is the one that it computes", () => {
    const norm = new AdaptiveInstanceNorm({ alpha: 0.5 });
    const [content, style] = [randn([2, 3, 4]), randn([2, 3, 5])];
    const { case: normCase, inputs } = norm.normCase(content, style);
    expect(normCase.label).toBe("unbiased, alpha 0.5");
    expect(normCase.op(inputs).data).toEqual(norm.forward(content, style).data);
    expect(normCase.inputs.map(({ shape }) => shape)).toEqual([content.shape, style.shape]);
  });

  test("biased, with a style of mean 0 and variance 1, it is instance normalization", () => {
    const content = randn([2, 2, 5]);
    const style = tensor([-1, 1]).expand([2, 2, 2]);
    const output = adaptiveInstanceNorm(content, style, { unbiased: false, eps: 0 });
    expectClose("output", output.value, instanceNorm(content, { eps: 0 }).value, 1e-14);
  });
});
