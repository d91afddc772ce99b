/**
 * Mistakes of tutorials and peers, executed: the number that the wrong formula gives, beside the right one. The column is
 * x = [1, 2, 3, 4], eps = 1e-5, the running statistics start at 0 and 1.
 */
import { describe, expect, test } from "vitest";
import { grad, NdArray, ones, Tensor, tensor, withBackend, zeros } from "../../src/autograd/index.ts";
import { batchNorm, groupNorm, instanceNorm, layerNorm, updateRunningStats } from "../../src/norms/index.ts";
import { mutantOp } from "../helpers/mutantNorm.ts";
import type { Mutation } from "../helpers/mutantNorm.ts";
import { backwardMutants, forwardMutants } from "../helpers/normMutants.ts";
import { batchNormSets } from "../helpers/normOracles.ts";

const column = tensor([[1], [2], [3], [4]]);

function mutated(x: Tensor, mutation: Mutation | undefined, eps = 1e-5): Tensor {
  return mutantOp([x, null, null], batchNormSets(x.shape), eps, mutation);
}

function right(x: Tensor): Tensor {
  return batchNorm(x, null, null, { training: true });
}

function rounded({ data }: { readonly data: Iterable<number> }, digits: number): number[] {
  return Array.from(data, (value) => Number(value.toFixed(digits)));
}

describe("statistics", () => {
  test("momentum is the weight of the new value: 0.25, and not 2.25", () => {
    const [runningMean, runningVar] = [zeros([1]), ones([1])];
    batchNorm(column, runningMean, runningVar, { training: true });
    expect(runningMean.item()).toBe(0.25);
    const inverted = updateRunningStats(zeros([1]).value, column.value.mean([0]), { momentum: 1 - 0.1 });
    expect(inverted.data[0]).toBe(2.25);
  });

  test("the running variance is unbiased: 1.0667, and not 1.025", () => {
    const runningVar = ones([1]);
    batchNorm(column, null, runningVar, { training: true });
    expect(rounded(runningVar, 7)).toEqual([1.0666667]);
    const biased = column.value.variance([0], { correction: 0 });
    expect(rounded(updateRunningStats(ones([1]).value, biased, { momentum: 0.1 }), 7)).toEqual([1.025]);
  });

  test("the normalization is biased: −1.3416, and not −1.1619", () => {
    expect(rounded(right(column), 7)).toEqual([-1.3416354, -0.4472118, 0.4472118, 1.3416354]);
    expect(rounded(mutated(column, forwardMutants["unbiased variance"]?.mutation), 4)[0]).toBe(-1.1619);
  });

  test("eps is inside of the root: −1.3416354, and not −1.3416288", () => {
    expect(rounded(mutated(column, forwardMutants["eps outside of the root"]?.mutation), 7)[0]).toBe(-1.3416288);
  });

  test("the variance is of squares: without them it is 0, and 1/√eps = 316 scales everything", () => {
    const wrong = mutated(column, forwardMutants["variance without the square"]?.mutation);
    expect(rounded(wrong, 0)).toEqual([-474, -158, 158, 474]);
  });

  test("the variance takes two passes: at a mean of 1e8, E[x²] − E[x]² leaves no digit", () => {
    const far = column.add(1e8);
    expect(rounded(right(far), 7)).toEqual([-1.3416354, -0.4472118, 0.4472118, 1.3416354]);
    const wrong = mutated(far, forwardMutants["one-pass variance"]?.mutation);
    expect(Math.abs((wrong.data[0] ?? 0) + 1.3416354)).toBeGreaterThan(0.1);
  });

  test("in float32 at a mean of 1e4 the library keeps every digit that is stored, and float32 arithmetic does not", () => {
    const far = tensor(new Float32Array([10_001, 10_002, 10_003, 10_004]), { shape: [4, 1] });
    expect(rounded(right(far), 6)).toEqual([-1.341635, -0.447212, 0.447212, 1.341635]);
    const mutation = { ...forwardMutants["one-pass variance"]?.mutation, narrow: true };
    expect(Math.abs((mutated(far, mutation).data[0] ?? 0) + 1.341635)).toBeGreaterThan(0.1);
  });
});

describe("the backward", () => {
  const gradInput = (mutation: Mutation | undefined, gradOutput: Tensor): NdArray => {
    const x = new Tensor(column.value, true);
    // By formula, of which the wrong ones are mutations: a kernel rounds elsewhere.
    const output = mutation ? mutated(x, mutation) : withBackend("formula", () => right(x));
    return grad(output, [x], { gradOutput })[0]!.value;
  };
  const sum = (array: NdArray): number => array.sum().data[0] ?? NaN;

  test("without the mean term a constant gradient does not vanish", () => {
    expect(Math.max(...gradInput(undefined, ones([4, 1])).abs().data)).toBeLessThan(1e-15);
    const wrong = gradInput(backwardMutants["mean term dropped"]?.mutation, ones([4, 1]));
    expect(rounded(wrong, 3)).toEqual([0.894, 0.894, 0.894, 0.894]);
  });

  test("without the variance term the gradient is not orthogonal to x̂", () => {
    const g = right(column).detach();
    const along = (mutation: Mutation | undefined): number => sum(gradInput(mutation, g).mul(g.value));
    const s = 1 / Math.sqrt(1.25 + 1e-5);
    const squares = 4 * 1.25 * s * s; // Σ x̂²
    expect(along(undefined)).toBeCloseTo(1e-5 * s ** 3 * squares, 15);
    expect(along(backwardMutants["variance term dropped"]?.mutation)).toBeCloseTo(s * squares, 14);
  });

  test("a gradient of y against a loss of Σ y² hides a missing mean term: only a random one shows it", () => {
    const dropped = backwardMutants["mean term dropped"]?.mutation;
    const ofSquares = right(column).detach().mul(2);
    expect(rounded(gradInput(dropped, ofSquares), 9)).toEqual(rounded(gradInput(undefined, ofSquares), 9));
    const random = tensor([[0.3], [-1.2], [0.7], [2.1]]);
    expect(rounded(gradInput(dropped, random), 3)).not.toEqual(rounded(gradInput(undefined, random), 3));
  });

  test("in evaluation it has neither term", () => {
    const x = new Tensor(column.value, true);
    const y = batchNorm(x, tensor([2.5]), tensor([4]), { eps: 0 });
    expect(grad(y, [x], { gradOutput: ones([4, 1]) })[0]?.toArray()).toEqual([[0.5], [0.5], [0.5], [0.5]]);
  });
});

describe("which cells", () => {
  const x = tensor(
    Array.from({ length: 24 }, (_, i) => Math.sin(3 * i) * (i + 1)),
    { shape: [1, 4, 2, 3] },
  );

  test("groups come from the arguments, the output has the input's shape, and the affine is one a channel", () => {
    expect(groupNorm(x, 2).shape).toEqual([1, 4, 2, 3]);
    expect(groupNorm(x, 2).data).not.toEqual(groupNorm(x, 4).data);
    expect(() => groupNorm(x, 2, { weight: ones([2]) })).toThrow(RangeError);
  });

  test("layerNorm over the channels has a statistic for each position, and over all but the batch one for a sample", () => {
    const last = x.permute([0, 2, 3, 1]);
    const perPosition = layerNorm(last, [4], { eps: 0 }).value.mean([3]);
    expect(Math.max(...perPosition.abs().data)).toBeLessThan(1e-15);
    const perSample = layerNorm(last, [2, 3, 4], { eps: 0 }).value;
    expect(Math.max(...perSample.mean([3]).abs().data)).toBeGreaterThan(0.1);
    // A statistic for each sample and channel is instanceNorm's.
    expect(Math.max(...instanceNorm(x, { eps: 0 }).value.mean([2, 3]).abs().data)).toBeLessThan(1e-15);
  });
});
