// @ts-nocheck: loops over typed arrays without a guard at every index, as users write them.
/** Backwards that are right by accident of the data are found. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const sizes = { dims: { N: [1, 3], n: [1, 5] }, inputs: ({ N, n }) => ({ x: [N, n] }) };
const square = { ...sizes, forward: ({ x }) => x.mul(x) };
const scaled = {
  ...sizes,
  inputs: ({ N, n }) => ({ x: [N, n], weight: [n] }),
  forward: ({ x, weight }) => x.mul(weight),
};
const centered = { ...sizes, forward: ({ x }) => x.center([-1]) };
/** A gradient cell by cell: v of gradOutput, x there, and the cell. */
const cells =
  (f) =>
  (g, { x, ...others }, settings) => ({ x: g.map((v, i) => f(v, x[i], i, { g, x, ...others, ...settings })) });
const rowMean = (values, i, n) => {
  const start = Math.floor(i / n) * n;
  return values.subarray(start, start + n).reduce((a, b) => a + b, 0) / n;
};
const rightScaled = (g, { x, weight }, { n }) => {
  const gradWeight = new Float64Array(n);
  g.forEach((v, i) => (gradWeight[i % n] += v * x[i]));
  return { x: g.map((v, i) => v * weight[i % n]), weight: gradWeight };
};

describe("a backward that is right by accident", () => {
  test.each([
    ["where weight is 1", scaled, (g, inputs, s) => ({ ...rightScaled(g, inputs, s), x: g }), "gradX"],
    [
      "where weight is not negative",
      scaled,
      (g, inputs, s) => ({
        ...rightScaled(g, inputs, s),
        x: rightScaled(g, { ...inputs, weight: inputs.weight.map(Math.abs) }, s).x,
      }),
      "gradX",
    ],
    [
      "where x is 1, for weight",
      scaled,
      (g, inputs, s) => ({
        ...rightScaled(g, inputs, s),
        weight: rightScaled(g, { ...inputs, x: inputs.x.map(() => 1) }, s).weight,
      }),
      "gradWeight",
    ],
    [
      "where N = 1, for weight",
      scaled,
      (g, inputs, s) => ({ ...rightScaled(g, inputs, s), weight: g.slice(0, s.n).map((v, i) => v * inputs.x[i]) }),
      "gradWeight",
    ],
    [
      "where x is positive",
      { ...sizes, forward: ({ x }) => x.mul(x.constant((v) => v.map((a) => (a > 0 ? 1 : 0)))) },
      cells((v) => v),
      "gradX",
    ],
    ["where x is positive: x|x| for x²", square, cells((v, x) => 2 * v * Math.abs(x)), "gradX"],
    ["where x is 1 or -1", square, cells((v, x) => 2 * v * Math.sign(x)), "gradX"],
    [
      "where n = 2",
      { ...sizes, forward: ({ x }) => x.mean([-1]) },
      (g, { x }, { n }) => ({ x: x.map((_, i) => g[Math.floor(i / n)] / 2) }),
      "gradX",
    ],
    ["where N = 1", { ...sizes, forward: ({ x }) => x.sum([-1]) }, (g, { x }) => ({ x: x.map(() => g[0]) }), "gradX"],
    [
      "where N is not 1",
      { ...sizes, forward: ({ x }) => x.mul(3) },
      cells((v, _, i, { N }) => (N === 1 ? v : 3 * v)),
      "gradX",
    ],
    [
      "where n is not 5",
      { ...sizes, forward: ({ x }) => x.mul(3) },
      cells((v, _, i, { n }) => (n === 5 ? v : 3 * v)),
      "gradX",
    ],
    [
      "where the mean is 0",
      { ...sizes, forward: ({ x }) => x.center([-1]).square().mul(0.5).sum([-1]) },
      (g, { x }, { n }) => ({ x: x.map((v, i) => v * g[Math.floor(i / n)]) }),
      "gradX",
    ],
    ["where gradOutput sums to 0", centered, cells((v) => v), "gradX"],
    ["where gradOutput is 1", { ...sizes, forward: ({ x }) => x.mul(3) }, cells(() => 3), "gradX"],
    [
      "where gradOutput is positive",
      { ...sizes, forward: ({ x }) => x.mul(3) },
      cells((v) => 3 * Math.abs(v)),
      "gradX",
    ],
    ["where all gradOutputs are one", centered, cells(() => 0), "gradX"],
    ["but at the first cell", square, cells((v, x, i) => (i === 0 ? v : 2 * v * x)), "gradX"],
    ["but at the last cell", square, cells((v, x, i, all) => (i === all.x.length - 1 ? 0 : 2 * v * x)), "gradX"],
    ["but at cell 7", square, cells((v, x, i) => (i === 7 ? -1 : 1) * 2 * v * x), "gradX"],
    ["but for an offset of 1e4", square, cells((v, x) => (x > 5000 ? 1 : 2) * v * x), "gradX"],
    ["but for 1e-9 of it", square, cells((v, x) => 2 * v * x * (1 + 1e-9)), "gradX"],
    [
      "where eps is small",
      { ...sizes, params: { eps: [1e-5, 1] }, forward: ({ x }, { eps }) => x.mul(eps + 1) },
      cells((v) => v * (1 + 1e-5)),
      "gradX",
    ],
    [
      "where all x of a row are alike",
      { ...sizes, forward: ({ x }) => x.mul(x.sum([-1], true)) },
      (g, { x }, { n }) => ({ x: x.map((v, i) => n * v * (g[i] + rowMean(g, i, n))) }),
      "gradX",
    ],
    ["where a square is its transpose", { ...sizes, forward: ({ x }) => x.permute([1, 0]) }, cells((v) => v), "gradX"],
  ])("%s is found", (_, spec, backward, array) => {
    const { ok, failure } = checkOp("accident", { ...spec, backward }, { raiseException: false });
    expect(ok).toBe(false);
    expect(failure.mismatch.array).toBe(array);
  });
});
