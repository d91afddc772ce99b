import { describe, expect, test } from "vitest";
import { grad, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import { weightNorm, weightNormShape } from "../../src/norms/index.ts";
import { expectAdaptiveFixtures } from "../helpers/adaptiveFixtures.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";

// Laws for all shapes and dims: descriptors.test.ts; the layer: test/nn/weightNorm.test.ts.

describe("weightNorm", () => {
  test("output, gradients and second derivatives are PyTorch's, for each dim and the whole", () => {
    expectAdaptiveFixtures("weightNorm", ({ v = zeros([]), g = zeros([]) }, { dim = 0 }) => weightNorm(v, g, { dim }));
  });

  test("each row has the length g, and its gradient by v is orthogonal to v", () => {
    holds(
      arraysOf([
        [3, 4],
        [3, 1],
        [3, 4],
      ]),
      ([vArray, gArray, gradOutput]) => {
        if (!vArray || !gArray || !gradOutput) throw new Error("expected three arrays");
        const [v, g] = [new Tensor(vArray, true), new Tensor(gArray)];
        const w = weightNorm(v, g);
        expectClose("lengths", w.square().sum([1], true).sqrt().value, g.abs().value, 1e-14);
        const [byV] = grad(w, [v], { gradOutput: new Tensor(gradOutput) });
        if (!byV) throw new Error("expected a gradient");
        expectClose("along v", byV.mul(v).sum([1]).value, zeros([3]).value, 1e-13);
      },
    );
  });

  test("the scale of v does not count", () => {
    const [v, g] = [
      tensor(
        [
          [3, 4],
          [0, 2],
        ].flat(),
        { shape: [2, 2] },
      ),
      tensor([[10], [1]]),
    ];
    expectClose("w", weightNorm(v, g).value, tensor([6, 8, 0, 1], { shape: [2, 2] }).value, 1e-15);
    expect(weightNorm(v.mul(1024), g).data).toEqual(weightNorm(v, g).data);
  });

  test("dim null is one norm for the whole, and a negative dim counts from the end", () => {
    const v = tensor(
      [
        [1, 1],
        [1, 1],
      ].flat(),
      { shape: [2, 2] },
    );
    expect(weightNorm(v, tensor(4), { dim: null }).data).toEqual(Float64Array.of(2, 2, 2, 2));
    const g = tensor([[2, 3]]);
    expect(weightNorm(v, g, { dim: -1 }).data).toEqual(weightNorm(v, g, { dim: 1 }).data);
    expect(weightNormShape([2, 3, 4], 1)).toEqual([1, 3, 1]);
    expect(weightNormShape([2, 3, 4], null)).toEqual([]);
  });

  test("a direction of zeros gives 0, and gradients of 0 for v and g", () => {
    const v = zeros([1, 2], { requiresGrad: true });
    const g = tensor([[3]], { requiresGrad: true });
    const w = weightNorm(v, g);
    expect(w.toArray()).toEqual([[0, 0]]);
    const gradients = grad(w, [v, g], { gradOutput: tensor([[1, 2]]) });
    expect(gradients.map((gradient) => gradient.toArray())).toEqual([[[0, 0]], [[0]]]);
  });
});
