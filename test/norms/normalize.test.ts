import { describe, expect, test } from "vitest";
import { grad, tensor, zeros } from "../../src/autograd/index.ts";
import { normalize } from "../../src/norms/index.ts";

// Laws for all shapes and options: descriptors.test.ts; values: simpleFixtures.test.ts.

const zeroGradient = (values: Float64Array | Float32Array | undefined): boolean =>
  values !== undefined && values.every((value) => value === 0);

describe("normalize", () => {
  test.each([
    [1, [0.375, -0.625]],
    [2, [3 / Math.sqrt(34), -5 / Math.sqrt(34)]],
    [3, [3 / Math.cbrt(152), -5 / Math.cbrt(152)]],
    [Infinity, [0.6, -1]],
  ])("p %d of [3, -5] is %j", (p, expected) => {
    normalize(tensor([[3, -5]]), { p }).data.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? NaN, 15));
  });

  test("the default dim is 1, not the last one, and −1 is the last one", () => {
    const x = tensor([3, 5, 4, 12], { shape: [1, 2, 2] });
    expect(normalize(x).data[0]).toBeCloseTo(0.6, 15);
    expect(normalize(x).data).toEqual(normalize(x, { dim: -2 }).data);
    expect(normalize(x, { dim: -1 }).data[3]).toBeCloseTo(12 / Math.sqrt(160), 15);
  });

  test.each([0.5, 1, 1.5, 2, 3, Infinity])(
    "p %d: below eps a vector is divided by eps, and no gradient passes through its norm",
    (p) => {
      const x = tensor([[0, -2, 0]], { requiresGrad: true }); // of norm 2, whatever p is
      for (const eps of [4, 8]) {
        const y = normalize(x, { p, eps });
        expect(y.data[1]).toBe(-2 / eps);
        const [gradInput] = grad(y, [x], { gradOutput: tensor([[1, 2, 3]]) });
        expect(gradInput?.data).toEqual(Float64Array.of(1 / eps, 2 / eps, 3 / eps));
      }
      const [above] = grad(normalize(x, { p, eps: 1.5 }), [x], { gradOutput: tensor([[1, 2, 3]]) });
      [0.5, 0, 1.5].forEach((value, i) => expect(above?.data[i]).toBeCloseTo(value, 14));
    },
  );

  test.each([0.5, 1, 1.5, 2, 3, Infinity])("p %d: a vector of zeros gives zeros, at second order too", (p) => {
    for (const eps of [0, 1e-12]) {
      const x = tensor([[0, 0]], { requiresGrad: true });
      const y = normalize(x, { p, eps });
      expect(zeroGradient(y.data)).toBe(true);
      const [first] = grad(y.sum(), [x], { createGraph: true });
      const slope = eps === 0 ? 0 : 1 / eps;
      expect(first?.data).toEqual(Float64Array.of(slope, slope));
      expect(zeroGradient(first && grad(first.square().sum(), [x])[0]?.data)).toBe(true);
    }
  });

  test("p ∞: equal largest cells share the gradient evenly, as in PyTorch", () => {
    const x = tensor([[2, -2, 1, 2]], { requiresGrad: true });
    const y = normalize(x, { p: Infinity });
    expect(y.toArray()).toEqual([[1, -1, 0.5, 1]]);
    // s (g − u Σ g y) with s = ½, g = [0, 0, 1, 0], Σ g y = ½, u = [⅓, −⅓, 0, ⅓]
    const [gradInput] = grad(y, [x], { gradOutput: tensor([[0, 0, 1, 0]]) });
    [-1 / 12, 1 / 12, 0.5, -1 / 12].forEach((value, i) => expect(gradInput?.data[i]).toBeCloseTo(value, 15));
  });

  test("NaN stays NaN, and in its vector", () => {
    for (const p of [1, 2, 3, Infinity]) {
      const y = normalize(tensor([NaN, 1, 3, 4], { shape: [2, 2] }), { p });
      expect(y.data.slice(0, 2)).toEqual(Float64Array.of(NaN, NaN));
      expect(y.data.slice(2).every(Number.isFinite)).toBe(true);
    }
  });

  test("nothing gives nothing", () => {
    for (const p of [1, 2, 3, Infinity]) {
      const x = zeros([2, 0], { requiresGrad: true });
      const y = normalize(x, { p });
      expect([y.shape, y.record?.name]).toEqual([[2, 0], "normalize"]);
      expect(grad(y.sum(), [x])[0]?.shape).toEqual([2, 0]);
    }
  });

  test("the record shows the dim counted from the front", () => {
    const y = normalize(tensor([[3, 4]], { requiresGrad: true }), { dim: -1, p: 1 });
    expect(y.record?.attributes).toEqual({ p: 1, dim: 1, eps: 1e-12 });
  });
});
