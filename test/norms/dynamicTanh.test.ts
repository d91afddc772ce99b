import { describe, expect, test } from "vitest";
import { grad, tensor, zeros } from "../../src/autograd/index.ts";
import { DynamicTanh, dynamicTanh, explainBackward, normPartition } from "../../src/norms/index.ts";

// Laws for all shapes and options: descriptors.test.ts; values: simpleFixtures.test.ts.

describe("dynamicTanh", () => {
  test("is weight · tanh(alpha · x) + bias, cell by cell", () => {
    const y = dynamicTanh(tensor([[2, -4]]), [2], tensor(0.5), { weight: tensor([3, 5]), bias: tensor([10, 0]) });
    expect(y.toArray()).toEqual([[3 * Math.tanh(1) + 10, 5 * Math.tanh(-2)]]);
    expect(dynamicTanh(tensor([[2, -4]]), [2], tensor([0.5]), { bias: tensor([1, 1]) }).shape).toEqual([1, 2]);
  });

  test("far out it is flat: weight and bias, and no gradient", () => {
    const x = tensor([1e8, -1e8, Infinity], { requiresGrad: true });
    const y = dynamicTanh(x, [3], tensor(0.5));
    expect(y.toArray()).toEqual([1, -1, 1]);
    expect(grad(y.sum(), [x])[0]?.toArray()).toEqual([0, 0, 0]);
  });

  test("alpha gets a gradient of its own shape, [] or [1]", () => {
    for (const alpha of [tensor(0.5, { requiresGrad: true }), tensor([0.5], { requiresGrad: true })]) {
      const [gradAlpha] = grad(dynamicTanh(tensor([[0, 2]]), [2], alpha).sum(), [alpha]);
      expect(gradAlpha?.shape).toEqual(alpha.shape);
      expect(gradAlpha?.data[0]).toBeCloseTo(2 * (1 - Math.tanh(1) ** 2), 15);
    }
  });

  test("an empty batch gives an empty output and parameter gradients of 0", () => {
    const [alpha, weight] = [tensor(0.5, { requiresGrad: true }), tensor([1, 2], { requiresGrad: true })];
    const y = dynamicTanh(zeros([0, 2]), [2], alpha, { weight });
    expect(y.shape).toEqual([0, 2]);
    expect(grad(y.sum(), [alpha, weight]).map((gradient) => gradient.toArray())).toEqual([0, [0, 0]]);
  });
});

describe("DynamicTanh", () => {
  test("begins with alpha 0.5 of shape [1], weight 1 and bias 0", () => {
    const layer = new DynamicTanh([1, 2]);
    const state = Object.entries(layer.stateDict()).map(([key, value]) => [key, value.toArray()]);
    expect(state).toEqual([
      ["alpha", [0.5]],
      ["weight", [[1, 1]]],
      ["bias", [[0, 0]]],
    ]);
    expect(String(layer)).toBe("DynamicTanh([1, 2], alphaInitValue=0.5, elementwiseAffine=true)");
  });

  test("without an affine map its state is alpha alone", () => {
    const layer = new DynamicTanh(2, { alphaInitValue: 0.25, elementwiseAffine: false, dtype: "float32" });
    expect(Object.keys(layer.stateDict())).toEqual(["alpha"]);
    expect(layer.forward(tensor([[4, 8]], { dtype: "float32" })).dtype).toBe("float32");
    expect(String(layer)).toBe("DynamicTanh([2], alphaInitValue=0.25, elementwiseAffine=false)");
  });

  test("is the functional op, in training and in evaluation", () => {
    const layer = new DynamicTanh(2);
    layer.loadStateDict({ alpha: tensor([2]), weight: tensor([3, 4]), bias: tensor([5, 6]) });
    const x = tensor([[0.5, -1]]);
    const { alpha, weight, bias } = layer;
    expect(layer.forward(x).data).toEqual(dynamicTanh(x, [2], alpha, { weight, bias }).data);
    expect(layer.eval().forward(x).data).toEqual(layer.train().forward(x).data);
  });

  test("no cell shares anything with another, and all of the gradient is direct", () => {
    const layer = new DynamicTanh(2);
    expect(normPartition(layer, [2, 2])).toEqual(Int32Array.of(0, 1, 2, 3));
    const { direct, gradInput, viaVariance, gradWeight } = explainBackward(layer, tensor([[1, 2]]), tensor([[1, 1]]));
    expect(direct.data).toEqual(gradInput.data);
    expect(viaVariance.toArray()).toEqual([[0, 0]]);
    expect(gradWeight?.toArray()).toEqual([Math.tanh(0.5), Math.tanh(1)]);
  });
});
