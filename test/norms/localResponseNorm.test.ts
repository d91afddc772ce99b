import { describe, expect, test } from "vitest";
import { grad, tensor, zeros } from "../../src/autograd/index.ts";
import {
  LocalResponseNorm,
  localResponseNorm,
  localResponseNormForward,
  normPartition,
} from "../../src/norms/index.ts";

// Laws for all shapes and options: descriptors.test.ts; values: simpleFixtures.test.ts.

/** The sums of squares of the windows about 1, 2, 3, 4. */
function sums(size: number): number[] {
  const x = tensor([1, 2, 3, 4], { shape: [1, 4, 1] }).value;
  return [...localResponseNormForward(x, { size, alpha: size, beta: 1, k: 0 }).saved.divisor.data];
}

describe("localResponseNorm", () => {
  test.each([
    [1, [1, 4, 9, 16]],
    [2, [1, 5, 13, 25]], // torch's; ONNX's are [5, 13, 25, 16]
    [3, [5, 14, 29, 25]],
    [4, [5, 14, 30, 29]],
    [9, [30, 30, 30, 30]],
    [1e6, [30, 30, 30, 30]],
  ])("a window of %d channels, which leans to the lower ones, sums %j", (size, expected) => {
    expect(sums(size)).toEqual(expected);
  });

  test("the sum is divided by size at the edges too", () => {
    const x = tensor([2, 0, 0], { shape: [1, 3, 1] });
    expect(localResponseNorm(x, 4, { alpha: 1, beta: 1, k: 1 }).data[0]).toBe(1);
  });

  test("defaults are alpha 1e-4, beta 0.75, k 1", () => {
    const x = tensor([20, -30, 10], { shape: [1, 3, 1], requiresGrad: true });
    const y = localResponseNorm(x, 3);
    expect(y.data).toEqual(localResponseNorm(x, 3, { alpha: 1e-4, beta: 0.75, k: 1 }).data);
    expect(y.data[0]).toBeCloseTo(20 / (1 + (1e-4 / 3) * 1300) ** 0.75, 13);
    expect(y.record?.attributes).toEqual({ size: 3, alpha: 1e-4, beta: 0.75, k: 1 });
  });

  test("positions and samples are apart", () => {
    const x = tensor([1, 10, 2, 20], { shape: [1, 2, 2] });
    const alone = localResponseNorm(tensor([1, 2], { shape: [1, 2, 1] }), 2, { alpha: 1 });
    expect([localResponseNorm(x, 2, { alpha: 1 }).data[0], localResponseNorm(x, 2, { alpha: 1 }).data[2]]).toEqual([
      ...alone.data,
    ]);
  });

  test("nothing gives nothing", () => {
    for (const shape of [
      [0, 3, 2],
      [2, 0, 3],
      [2, 3, 0],
    ]) {
      const x = zeros(shape, { requiresGrad: true });
      const y = localResponseNorm(x, 5);
      expect(y.shape).toEqual(shape);
      expect(grad(y.sum(), [x])[0]?.shape).toEqual(shape);
    }
  });
});

describe("LocalResponseNorm", () => {
  test("is the functional op, has no state, and prints its options", () => {
    const norm = new LocalResponseNorm(2, { alpha: 0.5, beta: 1, k: 2 });
    const x = tensor([1, 2, 3, 4], { shape: [1, 4, 1] });
    expect(norm.forward(x).data).toEqual(localResponseNorm(x, 2, { alpha: 0.5, beta: 1, k: 2 }).data);
    expect(norm.stateDict()).toEqual({});
    expect(String(norm)).toBe("LocalResponseNorm(2, alpha=0.5, beta=1, k=2)");
  });

  test("all channels of a position are connected by their windows, and none by windows of one", () => {
    expect(normPartition(new LocalResponseNorm(2), [1, 3, 2])).toEqual(Int32Array.of(0, 1, 0, 1, 0, 1));
    expect(normPartition(new LocalResponseNorm(1), [1, 3, 2])).toEqual(Int32Array.of(0, 1, 2, 3, 4, 5));
  });
});
