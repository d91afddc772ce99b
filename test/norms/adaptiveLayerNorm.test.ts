import { describe, expect, test } from "vitest";
import { grad, manualSeed, randn, tensor, zeros } from "../../src/autograd/index.ts";
import { AdaptiveLayerNorm, adaptiveLayerNorm, layerNorm } from "../../src/norms/index.ts";
import { expectClose } from "../helpers/laws.ts";

// Laws for all shapes and options: descriptors.test.ts; values: simpleFixtures.test.ts.

describe("adaptiveLayerNorm", () => {
  test("scale is added to 1, and scale and shift are those of the sample at all of its positions", () => {
    const x = tensor([1, 3, 7, 5, 2, 4, 0, 8], { shape: [2, 2, 2] });
    const y = adaptiveLayerNorm(
      x,
      tensor([1, 0, 2, -1], { shape: [2, 2] }),
      tensor([0, 10, 20, 30], { shape: [2, 2] }),
      {
        eps: 0,
      },
    );
    expect(y.data).toEqual(Float64Array.of(-2, 11, 2, 9, 17, 30, 17, 30));
  });

  test("eps is 1e-6, DiT's, unless it is given", () => {
    const x = tensor([[1e-3, 2e-3]]);
    const output = (options: { eps?: number }): unknown =>
      adaptiveLayerNorm(x, zeros([1, 2]), zeros([1, 2]), options).data;
    expect(output({})).toEqual(output({ eps: 1e-6 }));
    expect(output({})).not.toEqual(output({ eps: 1e-5 }));
  });

  test("a constant slice with eps 0 gives the shift, and no gradient but the shift's", () => {
    const x = tensor([[0.1, 0.1, 0.1]], { requiresGrad: true });
    const [scale, shift] = [tensor([[1, 2, 3]], { requiresGrad: true }), tensor([[4, 5, 6]], { requiresGrad: true })];
    const y = adaptiveLayerNorm(x, scale, shift, { eps: 0 });
    expect(y.toArray()).toEqual([[4, 5, 6]]);
    const gradients = grad(y, [x, scale, shift], { gradOutput: tensor([[1, 2, 4]]) });
    expect(gradients.map(({ data }) => [...data].map((value) => value + 0))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 2, 4],
    ]);
  });

  test("an empty batch, and no positions, give an empty output and gradients of 0", () => {
    for (const shape of [
      [0, 4, 3],
      [2, 0, 3],
    ]) {
      const scale = zeros([shape[0] ?? 0, 3], { requiresGrad: true });
      const y = adaptiveLayerNorm(zeros(shape), scale, scale);
      expect(y.shape).toEqual(shape);
      expect(grad(y.sum(), [scale])[0]?.data.every((value) => value === 0)).toBe(true);
    }
  });
});

describe("AdaptiveLayerNorm", () => {
  test("begins as layer normalization without parameters, whatever the condition, and the projection learns", () => {
    manualSeed(1);
    const norm = new AdaptiveLayerNorm(4, 3);
    const x = randn([2, 5, 4]);
    const y = norm.forward(x, randn([2, 3]));
    expectClose("output", y.value, layerNorm(x, [4], { eps: 1e-6 }).value, 1e-15);
    y.mul(randn([2, 5, 4]))
      .sum()
      .backward();
    for (const parameter of norm.parameters()) expect(parameter.grad?.data.every((value) => value !== 0)).toBe(true);
  });

  test("(shift, scale) = linear(silu(condition)): the shift comes first", () => {
    const norm = new AdaptiveLayerNorm(2, 1, { eps: 0 });
    norm.loadStateDict({
      "linear.weight": tensor([[1], [2], [3], [4]]),
      "linear.bias": tensor([0.5, 0, -1, 0]),
    });
    const silu = 2 / (1 + Math.exp(-2));
    const y = norm.forward(tensor([[1, 3]]), tensor([[2]]));
    const expected = [-(1 + 3 * silu - 1) + silu + 0.5, 1 + 4 * silu + 2 * silu];
    expectClose("output", y.value, tensor([expected]).value, 1e-15);
  });

  test("scaleShift: scale, shift = linear(silu(condition)).chunk(2), as in diffusers' AdaLayerNorm", () => {
    const state = { "linear.weight": randn([6, 2]), "linear.bias": randn([6]) };
    const [x, condition] = [randn([2, 4, 3]), randn([2, 2])];
    const silu = condition.mul(condition.sigmoid());
    const both = silu.matmul(state["linear.weight"].transpose(0, 1)).add(state["linear.bias"]);
    const [first, second] = [both.slice(1, 0, 3).reshape([2, 1, 3]), both.slice(1, 3).reshape([2, 1, 3])];
    const plain = layerNorm(x, [3], { eps: 1e-5 });
    const theirs = new AdaptiveLayerNorm(3, 2, { order: "scaleShift", eps: 1e-5 });
    theirs.loadStateDict(state);
    expectClose("diffusers", theirs.forward(x, condition).value, plain.mul(first.add(1)).add(second).value, 1e-14);
    const ours = new AdaptiveLayerNorm(3, 2, { eps: 1e-5 });
    ours.loadStateDict(state);
    expectClose("DiT", ours.forward(x, condition).value, plain.mul(second.add(1)).add(first).value, 1e-14);
    const { inputs } = theirs.normCase(x, condition);
    expect(inputs.map(({ data }) => data)).toEqual([x.data, both.slice(1, 0, 3).data, both.slice(1, 3).data]);
    expect(String(theirs)).toContain("AdaptiveLayerNorm(3, 2, eps=1e-5, order=scaleShift");
  });

  test("its gradient reaches the condition", () => {
    const norm = new AdaptiveLayerNorm(2, 3);
    norm.loadStateDict({ "linear.weight": randn([4, 3]), "linear.bias": zeros([4]) });
    const condition = randn([1, 3], { requiresGrad: true });
    const y = norm.forward(tensor([[1, 3]]), condition);
    expect(grad(y.square().sum(), [condition])[0]?.data.some((value) => value !== 0)).toBe(true);
  });

  test("its state has diffusers' names, it prints its options, and its case is the op that it runs", () => {
    const norm = new AdaptiveLayerNorm(2, 3, { dtype: "float32" });
    expect(Object.entries(norm.stateDict()).map(([key, { shape, dtype }]) => [key, shape, dtype])).toEqual([
      ["linear.weight", [4, 3], "float32"],
      ["linear.bias", [4], "float32"],
    ]);
    expect(String(norm).split("\n")[0]).toBe("AdaptiveLayerNorm(2, 3, eps=1e-6");
    expect(String(norm)).toContain("(linear): ZeroLinear(3, 4)");
    const [x, condition] = [randn([2, 5, 2], { dtype: "float32" }), randn([2, 3], { dtype: "float32" })];
    const { case: normCase, inputs } = norm.normCase(x, condition);
    expect(normCase.op(inputs).data).toEqual(norm.forward(x, condition).data);
  });
});
