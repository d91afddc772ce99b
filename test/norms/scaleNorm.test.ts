import { describe, expect, test } from "vitest";
import { grad, tensor, zeros } from "../../src/autograd/index.ts";
import { explainBackward, normPartition, ScaleNorm, scaleNorm } from "../../src/norms/index.ts";

// Laws for all shapes and options: descriptors.test.ts; values: simpleFixtures.test.ts.

describe("scaleNorm", () => {
  test("a row of norm above eps is divided by it, one below by eps: clamped, not added", () => {
    const x = tensor([
      [3, 4],
      [0.3, 0.4],
    ]);
    expect(scaleNorm(x, { eps: 4 }).toArray()).toEqual([
      [3 * 0.2, 4 * 0.2],
      [0.3 / 4, 0.1],
    ]);
  });

  test("at or below eps no gradient passes through the norm", () => {
    const x = tensor([[3, 4]], { requiresGrad: true });
    const gradients = [5, 5.5, 4.5].map((eps) => grad(scaleNorm(x, { eps }), [x], { gradOutput: tensor([[1, 0]]) })[0]);
    expect(gradients[0]?.toArray()).toEqual([[0.2, 0]]); // at the kink
    expect(gradients[1]?.toArray()).toEqual([[1 / 5.5, 0]]);
    expect(gradients[2]?.data[1]).toBeCloseTo(-0.096, 15);
  });

  test("a row of zeros gives zeros, and 0 as gradient with eps 0, at second order too", () => {
    for (const eps of [0, 1e-5]) {
      const x = tensor([[0, 0]], { requiresGrad: true });
      const weight = tensor(3, { requiresGrad: true });
      const y = scaleNorm(x, { weight, eps });
      expect(y.toArray()).toEqual([[0, 0]]);
      const [first] = grad(y.sum(), [x], { createGraph: true });
      expect(first?.data).toEqual(Float64Array.of(...(eps === 0 ? [0, 0] : [3 * (1 / eps), 3 * (1 / eps)])));
      const second = first && grad(first.square().sum(), [x, weight]);
      expect(second?.[0]?.data.every((value) => value === 0)).toBe(true);
    }
  });

  test("a weight of shape [] and of shape [1] do the same, and get a gradient of their shape", () => {
    const x = tensor([
      [3, 4],
      [6, 8],
    ]);
    for (const weight of [tensor(10, { requiresGrad: true }), tensor([10], { requiresGrad: true })]) {
      const y = scaleNorm(x, { weight });
      expect(y.shape).toEqual([2, 2]);
      const [gradWeight] = grad(y.sum(), [weight]);
      expect(gradWeight?.shape).toEqual(weight.shape);
      expect(gradWeight?.data[0]).toBeCloseTo(2.8, 14);
    }
  });

  test("NaN stays NaN, and in its row", () => {
    const y = scaleNorm(
      tensor([
        [NaN, 1],
        [3, 4],
      ]),
    );
    expect(y.data.slice(0, 2)).toEqual(Float64Array.of(NaN, NaN));
    expect(y.data[2]).toBeCloseTo(0.6, 15);
  });

  test("an empty batch and rows of nothing give an empty output and a weight gradient of 0", () => {
    for (const shape of [
      [0, 3],
      [2, 0],
    ]) {
      const weight = tensor(2, { requiresGrad: true });
      const y = scaleNorm(zeros(shape), { weight });
      expect(y.shape).toEqual(shape);
      expect(grad(y.sum(), [weight])[0]?.item()).toBe(0);
    }
  });
});

describe("ScaleNorm", () => {
  test("begins at √numFeatures, prints its options, and its state is the authors' `scale`", () => {
    const norm = new ScaleNorm(16, { eps: 1e-6, dtype: "float32" });
    expect([norm.scale.item(), norm.scale.shape, norm.scale.dtype]).toEqual([4, [], "float32"]);
    expect(Object.keys(norm.stateDict())).toEqual(["scale"]);
    norm.loadStateDict({ scale: tensor(2.5) });
    expect(norm.scale.item()).toBe(2.5);
    expect(String(norm)).toBe("ScaleNorm(16, eps=1e-6)");
    expect(norm.parameters()).toEqual([norm.scale]);
  });

  test("is the functional op, in training and in evaluation", () => {
    const norm = new ScaleNorm(2);
    const x = tensor([[3, 4]]);
    expect(norm.forward(x).data).toEqual(scaleNorm(x, { weight: norm.scale }).data);
    expect(norm.eval().forward(x).data).toEqual(norm.train().forward(x).data);
  });

  test("its sets are the rows, and it can be explained", () => {
    const norm = new ScaleNorm(2);
    expect(normPartition(norm, [2, 1, 2])).toEqual(Int32Array.of(0, 0, 1, 1));
    const { viaMean, gradWeight } = explainBackward(norm, tensor([[3, 4]]), tensor([[1, 0]]));
    expect(viaMean.toArray()).toEqual([[0, 0]]);
    expect(gradWeight?.item()).toBeCloseTo(0.6, 15);
  });
});
