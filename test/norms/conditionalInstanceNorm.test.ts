import { describe, expect, test } from "vitest";
import { grad, randn, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import {
  ConditionalInstanceNorm,
  conditionalInstanceNorm,
  conditionalInstanceNormDescriptor,
} from "../../src/norms/index.ts";
import { expectAdaptiveFixtures } from "../helpers/adaptiveFixtures.ts";

// Laws for all shapes and options: descriptors.test.ts; other norms: equivalencesAdaptive.test.ts.

describe("conditionalInstanceNorm", () => {
  test("output, gradients and second derivatives are PyTorch's, for labels and blends", () => {
    expectAdaptiveFixtures("conditionalInstanceNorm", ({ x, weight, bias, styles }, { labels, eps }) =>
      conditionalInstanceNorm(x ?? zeros([]), styles ?? labels ?? [], {
        weight: weight ?? null,
        bias: bias ?? null,
        ...(eps !== undefined && { eps }),
      }),
    );
  });

  test("gradients of samples with one label add up in its row, and a style without samples gets 0", () => {
    const x = tensor([[[1, 3]], [[1, 3]], [[1, 3]]]);
    const weight = tensor([[1], [1], [1]], { requiresGrad: true });
    const bias = tensor([[0], [0], [0]], { requiresGrad: true });
    const gradOutput = tensor([[[0, 1]], [[0, 10]], [[0, 100]]]);
    const output = conditionalInstanceNorm(x, [2, 0, 2], { weight, bias, eps: 0 });
    const [byWeight, byBias] = grad(output, [weight, bias], { gradOutput });
    expect(byWeight?.toArray()).toEqual([[10], [0], [101]]);
    expect(byBias?.toArray()).toEqual([[10], [0], [101]]);
  });

  test("a blend is used as it is, whatever it adds up to, and has the gradient γ·G + β·B", () => {
    const x = tensor([[[1, 3]]]);
    const weight = tensor([[2], [5]]);
    const bias = tensor([[1], [-1]]);
    const blend = tensor([[3, -2]], { requiresGrad: true });
    const output = conditionalInstanceNorm(x, blend, { weight, bias, eps: 0 });
    expect(output.toArray()).toEqual([[[9, 1]]]); // γ = 3·2 − 2·5 = −4, β = 3 + 2 = 5
    const [byBlend] = grad(output, [blend], { gradOutput: tensor([[[1, 10]]]) });
    expect(byBlend?.toArray()).toEqual([[2 * 9 + 11, 5 * 9 - 11]]);
  });

  test("a style that no sample has may hold anything", () => {
    const x = randn([2, 3, 4]);
    const weight = tensor([
      [1, 2, 3],
      [NaN, Infinity, 0],
    ]);
    expect(conditionalInstanceNorm(x, [0, 0], { weight }).data.every(Number.isFinite)).toBe(true);
  });

  test("labels are copied, and may be a typed array", () => {
    const x = randn([2, 1, 3], { requiresGrad: true });
    const weight = tensor([[2], [3]], { requiresGrad: true });
    const labels = [1, 0];
    const output = conditionalInstanceNorm(x, labels, { weight });
    expect(conditionalInstanceNorm(x, Int32Array.from(labels), { weight }).data).toEqual(output.data);
    labels.fill(0);
    const [byWeight] = grad(output.square().sum(), [weight], { createGraph: true });
    if (!byWeight) throw new Error("expected a gradient");
    const [again] = grad(conditionalInstanceNorm(x, [1, 0], { weight }).square().sum(), [weight]);
    expect(byWeight.data).toEqual(again?.data);
    expect(output.record?.attributes).toEqual({ labels: [1, 0], eps: 1e-5 });
  });

  test("an empty batch gives an empty output and parameter gradients of 0", () => {
    const weight = tensor([[2], [3]], { requiresGrad: true });
    const output = conditionalInstanceNorm(zeros([0, 1, 3]), [], { weight });
    expect(output.shape).toEqual([0, 1, 3]);
    expect(grad(output.sum(), [weight])[0]?.toArray()).toEqual([[0], [0]]);
    const blend = zeros([0, 2], { requiresGrad: true });
    const blended = conditionalInstanceNorm(zeros([0, 1, 3]), blend, { weight, bias: weight });
    const gradients = grad(blended.sum(), [weight, blend]);
    expect(gradients.map((gradient) => gradient.toArray())).toEqual([[[0], [0]], []]);
  });

  test("a constant channel without eps gives the shift", () => {
    const x = tensor([[[0.1, 0.1, 0.1]]], { requiresGrad: true });
    const output = conditionalInstanceNorm(x, [1], { weight: tensor([[2], [3]]), bias: tensor([[5], [7]]), eps: 0 });
    expect(output.toArray()).toEqual([[[7, 7, 7]]]);
    expect(grad(output.square().sum(), [x])[0]?.toArray()).toEqual([[[0, 0, 0]]]);
  });

  test("the draws have labels that repeat and a style that is not used", () => {
    const labels = conditionalInstanceNormDescriptor.cases([4, 2, 3]).map(({ label }) => label);
    expect(labels[0]).toBe("labels [2, 2, 0, 2], weight, bias");
    expect(labels).toHaveLength(6);
  });
});

describe("ConditionalInstanceNorm", () => {
  test("starts at weight 1 and bias 0 for each style, and is then the functional op", () => {
    const norm = new ConditionalInstanceNorm(3, 2, { eps: 1e-3 });
    expect(Object.entries(norm.stateDict()).map(([key, { shape }]) => [key, shape])).toEqual([
      ["weight", [2, 3]],
      ["bias", [2, 3]],
    ]);
    expect(new Set(norm.weight.data)).toEqual(new Set([1]));
    expect(new Set(norm.bias.data)).toEqual(new Set([0]));
    norm.loadStateDict({ weight: randn([2, 3]), bias: randn([2, 3]) });
    const { weight, bias } = norm;
    const x = randn([2, 3, 4]);
    const expected = conditionalInstanceNorm(x, [1, 0], { weight, bias, eps: 1e-3 }).data;
    expect(norm.forward(x, [1, 0]).data).toEqual(expected);
    const chosen = tensor([0, 1, 1, 0], { shape: [2, 2] });
    expect(norm.eval().forward(x, chosen).data).toEqual(expected);
    expect(String(norm)).toBe("ConditionalInstanceNorm(3, 2, eps=1e-3)");
    expect(new ConditionalInstanceNorm(3, 2, { dtype: "float32" }).weight.dtype).toBe("float32");
  });

  test.each<readonly [string, readonly number[] | Tensor]>([
    ["labels", [1, 0]],
    ["a blend", new Tensor(randn([2, 2]).value)],
  ])("its case with %s is the one that it computes", (_, styles) => {
    const norm = new ConditionalInstanceNorm(3, 2);
    norm.loadStateDict({ weight: randn([2, 3]), bias: randn([2, 3]) });
    const x = randn([2, 3, 4]);
    const { case: normCase, inputs } = norm.normCase(x, styles);
    expect(normCase.op(inputs).data).toEqual(norm.forward(x, styles).data);
    expect(normCase.inputs.map(({ shape }) => shape)).toEqual(inputs.map(({ shape }) => shape));
  });
});
