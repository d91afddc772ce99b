import { describe, expect, test } from "vitest";
import { ones, zeros } from "../../src/autograd/index.ts";
import { checkCount, checkEps, checkMomentum, checkPerChannel, checkRunning } from "../../src/norms/checks.ts";

describe("checks", () => {
  test.each([0, 1e-5, 3])("eps %d passes through", (eps) => {
    expect(checkEps("norm", eps)).toBe(eps);
  });

  test.each([-1e-9, NaN, Infinity])("eps %d is refused by name, expectation and value", (eps) => {
    const message = `norm: expected eps to be a finite number of at least 0, got ${eps}`;
    expect(() => checkEps("norm", eps)).toThrow(new RangeError(message));
  });

  test.each([0, 0.1, 1])("momentum %d passes through", (momentum) => {
    expect(checkMomentum("norm", momentum)).toBe(momentum);
  });

  test.each([-0.1, 1.1, NaN, Infinity])("momentum %d is refused", (momentum) => {
    const message = `norm: expected momentum, the weight of the new value, in [0, 1], got ${momentum}`;
    expect(() => checkMomentum("norm", momentum)).toThrow(new RangeError(message));
  });

  test.each([0, -1, 1.5, NaN, Infinity])("a count of %d is refused, and 1 is not", (count) => {
    const message = `norm: expected groups to be a positive whole number, got ${count}`;
    expect(() => checkCount("norm", "groups", count)).toThrow(new RangeError(message));
    expect(checkCount("norm", "groups", 1)).toBe(1);
  });

  test("tensors for each channel have one dim of as many values, where they are given", () => {
    expect(() => checkPerChannel("norm", 3, { weight: ones([3]), bias: null, other: undefined })).not.toThrow();
    for (const shape of [[2], [1], [], [1, 3], [3, 1]]) {
      const message = `norm: expected bias of shape [3], one value a channel, got [${shape.join(", ")}]`;
      expect(() => checkPerChannel("norm", 3, { weight: ones([3]), bias: ones(shape) })).toThrow(
        new RangeError(message),
      );
    }
  });

  test("running statistics are constants of the input's dtype, where they are given", () => {
    const x = zeros([2, 3]);
    expect(() => checkRunning("norm", x, { runningMean: ones([3]), runningVar: null })).not.toThrow();
    expect(() => checkRunning("norm", x, { runningMean: ones([3], { dtype: "float32" }) })).toThrow(
      new TypeError("norm: expected runningMean in the input's dtype float64, got float32"),
    );
    for (const runningVar of [ones([3], { requiresGrad: true }), ones([3], { requiresGrad: true }).mul(2)]) {
      expect(() => checkRunning("norm", x, { runningVar })).toThrow(
        /^norm: expected runningVar to be a constant, got a tensor that requires a gradient/,
      );
    }
  });
});
