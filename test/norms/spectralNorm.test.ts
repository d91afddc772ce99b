import { describe, expect, test } from "vitest";
import { grad, randn, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import { powerIteration, spectralNorm } from "../../src/norms/index.ts";
import { expectAdaptiveFixtures } from "../helpers/adaptiveFixtures.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";

// Laws for all shapes and dims: descriptors.test.ts; the layer: test/nn/spectralNorm.test.ts.

describe("spectralNorm", () => {
  test("output, gradients and second derivatives are PyTorch's, with u and v as constants", () => {
    expectAdaptiveFixtures("spectralNorm", ({ weight = zeros([]) }, { u = [], v = [], dim }) =>
      spectralNorm(weight, tensor(u), tensor(v), { dim: dim ?? 0 }),
    );
  });

  test("u and v get no gradient, though they ask for one, and enter as they were", () => {
    const weight = tensor(
      [
        [2, 1],
        [0, 1],
      ].flat(),
      { shape: [2, 2], requiresGrad: true },
    );
    const [u, v] = [tensor([1, 0], { requiresGrad: true }), tensor([0, 1], { requiresGrad: true })];
    const output = spectralNorm(weight, u, v);
    u.value = tensor([0, 1]).value;
    const [byWeight, byU, byV] = grad(output.square().sum(), [weight, u, v], { createGraph: true, allowUnused: true });
    expect([byU, byV]).toEqual([null, null]);
    const expected = grad(
      spectralNorm(weight, tensor([1, 0]), v)
        .square()
        .sum(),
      [weight],
    );
    expect(byWeight?.data).toEqual(expected[0]?.data);
  });

  test("the scale of the weight does not count, so that its gradient along the weight is 0", () => {
    holds(arrayOf([2, 3]), (array) => {
      const weight = new Tensor(array, true);
      const [u, v] = powerIteration(weight, tensor([1, 2]), tensor([1, 2, 3]), { iterations: 50 });
      const output = spectralNorm(weight, u, v);
      expectClose("scaled", spectralNorm(weight.mul(8), u, v).value, output.value, 1e-15);
      const [byWeight] = grad(output.pow(3).sum(), [weight]);
      if (!byWeight) throw new Error("expected a gradient");
      expectClose("along", byWeight.mul(weight).sum().value, zeros([]).value, 1e-12);
    });
  });

  test("with the true singular vectors the largest singular value is 1", () => {
    const weight = tensor(
      [
        [3, 0],
        [4, 5],
      ].flat(),
      { shape: [2, 2] },
    );
    const [u, v] = powerIteration(weight, tensor([1, 1]), tensor([1, 1]), { iterations: 60 });
    // MᵀM = [[25, 20], [20, 25]] has the eigenvalues 45 and 5.
    expectClose("output", spectralNorm(weight, u, v).value, weight.div(Math.sqrt(45)).value, 1e-14);
  });
});

describe("powerIteration", () => {
  const weight = tensor(
    [
      [1, 2, 0],
      [0, 1, 3],
    ].flat(),
    { shape: [2, 3] },
  );
  const [u, v] = [tensor([0.6, 0.8]), tensor([1, 0, 0])];

  test("one step is v then u, or u then v: from the same vectors other numbers", () => {
    // v = (0.6, 2, 2.4) / √10.12, u = (4.6, 9.2) / ‖·‖
    const [u1, v1] = powerIteration(weight, u, v);
    expectClose("v", v1.value, tensor([0.6, 2, 2.4]).div(Math.sqrt(10.12)).value, 1e-15);
    expectClose("u", u1.value, tensor([1, 2]).div(Math.sqrt(5)).value, 1e-15);
    // u = (1, 0), v = (1, 2, 0) / √5
    const [u2, v2] = powerIteration(weight, u, v, { order: "uThenV" });
    expect(u2.toArray()).toEqual([1, 0]);
    expectClose("v", v2.value, tensor([1, 2, 0]).div(Math.sqrt(5)).value, 1e-15);
  });

  test("two iterations are one after the other, and change nothing that goes in", () => {
    for (const order of ["vThenU", "uThenV"] as const) {
      const twice = powerIteration(weight, ...powerIteration(weight, u, v, { order }), { order });
      const [u2, v2] = powerIteration(weight, u, v, { order, iterations: 2 });
      expect([u2.data, v2.data]).toEqual(twice.map(({ data }) => data));
    }
    expect([u.toArray(), v.toArray()]).toEqual([
      [0.6, 0.8],
      [1, 0, 0],
    ]);
  });

  test("a norm below eps is taken for eps: a weight of zeros gives zeros", () => {
    const [u1, v1] = powerIteration(zeros([2, 3]), u, v);
    expect([...u1.data, ...v1.data].every((value) => value === 0)).toBe(true);
    const small = powerIteration(weight.mul(1e-3), u, v, { eps: 1 });
    expectClose("v", small[1].value, tensor([6e-4, 2e-3, 2.4e-3]).value, 1e-18);
  });

  test("dim is the matrix's first, the others keep their order", () => {
    const cube = randn([2, 3, 4]);
    const [a, b] = [randn([3]), randn([8])];
    const flat = cube.permute([1, 0, 2]).reshape([3, 8]);
    const [moved, expected] = [powerIteration(cube, a, b, { dim: 1 }), powerIteration(flat, a, b)];
    expect(moved.map(({ data }) => data)).toEqual(expected.map(({ data }) => data));
    const sigma = spectralNorm(cube, a, b, { dim: -2 });
    expectClose("σ", sigma.value, cube.div(a.reshape([1, 3]).matmul(flat).matmul(b).item()).value, 1e-13);
  });

  test("float32 vectors stay float32", () => {
    const narrow = powerIteration(weight.to("float32"), u.to("float32"), v.to("float32"));
    expect(narrow.map(({ dtype }) => dtype)).toEqual(["float32", "float32"]);
  });
});
