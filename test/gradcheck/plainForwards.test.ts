// @ts-nocheck: loops over typed arrays without a guard at every index, as users write them.
/** A forward in plain code: right backwards pass, wherever the data lies, and a lost term is found. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const sum = (values) => values.reduce((a, b) => a + b, 0);
const mean = (values) => sum(values) / values.length;
const variance = (values) => mean(values.map((v) => (v - mean(values)) ** 2));
const softmax = (values) => {
  const exps = values.map((v) => Math.exp(v - Math.max(...values)));
  return exps.map((v) => v / sum(exps));
};
const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const each = (f) => (x) => x.map(f);
/** gradOutput · slope, cell by cell. */
const slopes = (f) => (g, x) => x.map((v, i) => g[i] * f(v));
const layerNorm = (x, { eps }) => x.map((v) => (v - mean(x)) / Math.sqrt(variance(x) + eps));
const layerNormBackward =
  (part) =>
  (g, x, { eps }) => {
    const rstd = 1 / Math.sqrt(variance(x) + eps);
    const xhat = x.map((v) => (v - mean(x)) * rstd);
    const along = mean(g.map((v, i) => v * xhat[i]));
    return x.map((_, i) => rstd * (g[i] - mean(g) - part * xhat[i] * along));
  };
const rough = (x) => [sum(x.map((v, i) => (i === 0 ? 0 : Math.abs(v - x[i - 1]))))];
const roughBackward = (last) => (g, x) => {
  const gradX = new Float64Array(x.length);
  for (let i = 1; i < x.length; i++) {
    const slope = g[0] * Math.sign(x[i] - x[i - 1]);
    gradX[i] += slope;
    gradX[i - 1] -= i === x.length - 1 ? last * slope : slope;
  }
  return gradX;
};

/** Name, forward, a right backward, a wrong one. */
const table = [
  ["tanh", each(Math.tanh), slopes((v) => 1 - Math.tanh(v) ** 2), slopes((v) => 1 - Math.tanh(v))],
  ["sigmoid", each(sigmoid), slopes((v) => sigmoid(v) * (1 - sigmoid(v))), slopes((v) => sigmoid(v))],
  ["relu", each((v) => Math.max(v, 0)), slopes((v) => (v > 0 ? 1 : 0)), slopes(() => 1)],
  [
    "sum of squares",
    (x) => [sum(x.map((v) => v * v))],
    (g, x) => x.map((v) => 2 * v * g[0]),
    (g, x) => x.map((v) => v * g[0]),
  ],
  [
    "l2 norm",
    (x) => [Math.hypot(...x)],
    (g, x) => x.map((v) => (g[0] * v) / Math.hypot(...x)),
    (g, x) => x.map((v) => g[0] * v),
  ],
  [
    "max",
    (x) => [Math.max(...x)],
    (g, x) => x.map((_, i) => (i === x.indexOf(Math.max(...x)) ? g[0] : 0)),
    (g, x) => x.map((_, i) => (i === 0 ? g[0] : 0)),
  ],
  [
    "softmax",
    softmax,
    (g, x) => softmax(x).map((p, i, all) => p * (g[i] - sum(all.map((q, k) => q * g[k])))),
    (g, x) => softmax(x).map((p, i) => p * g[i] * (1 - p)),
  ],
  [
    "log-sum-exp",
    (x) => [Math.max(...x) + Math.log(sum(x.map((v) => Math.exp(v - Math.max(...x)))))],
    (g, x) => softmax(x).map((p) => p * g[0]),
    (g, x) => softmax(x).map((p) => p * p * g[0]),
  ],
  [
    "two-pass variance",
    (x) => [variance(x)],
    (g, x) => x.map((v) => (2 * g[0] * (v - mean(x))) / x.length),
    (g, x) => x.map((v) => (2 * g[0] * v) / x.length),
  ],
  ["two-pass layerNorm", layerNorm, layerNormBackward(1), layerNormBackward(0)],
  ["the sum of |xᵢ − xᵢ₋₁|", rough, roughBackward(1), roughBackward(0)],
];

function check(forward, backward, seed) {
  return checkOp(
    "plain",
    {
      dims: { n: [1, 6] },
      params: { eps: [1e-5, 1] },
      inputs: ({ n }) => ({ x: [n] }),
      plainForward: ({ x }, settings) => forward(x, settings),
      backward: (g, { x }, settings) => ({ x: backward(g, x, settings) }),
    },
    { runs: 60, seed, raiseException: false },
  );
}

describe("a plain forward", () => {
  const seeds = [1, 2, 3, 4];

  test.each(table)("%s: a right backward passes from every seed", (_, forward, right) => {
    expect(
      seeds.map((seed) => check(forward, right, seed).report).filter((report) => !report.startsWith("ok")),
    ).toEqual([]);
  });

  test.each(table)("%s: a wrong backward is found from every seed", (_, forward, right, wrong) => {
    expect(seeds.map((seed) => check(forward, wrong, seed).ok)).toEqual(seeds.map(() => false));
  });

  test("an error of 1e-11 is found, and one cell of many", () => {
    const cube = (factor) => slopes((v) => factor * v * v);
    expect(
      check(
        each((v) => v ** 3),
        cube(3),
        5,
      ).ok,
    ).toBe(true);
    expect(
      check(
        each((v) => v ** 3),
        cube(3 + 3e-11),
        5,
      ).ok,
    ).toBe(false);
    const last = (g, x) => cube(3)(g, x).map((v, i) => (i === 5 ? 0 : v));
    expect(
      check(
        each((v) => v ** 3),
        last,
        5,
      ).ok,
    ).toBe(false);
  });

  test("cells at a kink are not judged; a case that has no other counts as skipped", () => {
    const atZero = (plainForward, slope) =>
      checkOp(
        "kinks",
        {
          dims: { n: [2, 4] },
          inputs: ({ n }) => ({ x: { shape: [n], range: [0, 0] } }),
          plainForward: ({ x }) => x.map(plainForward),
          backward: (g) => ({ x: g.map((v, i) => v * slope(i)) }),
        },
        { runs: 20, raiseException: false },
      );
    expect(() => atZero(Math.abs, () => NaN)).toThrow("got none in 20 draws");
    const abs = (v, i) => (i === 0 ? v : Math.abs(v));
    expect(atZero(abs, (i) => (i === 0 ? 1 : NaN)).report).toMatch(/^ok {3}kinks: 20 cases/);
    expect(atZero(abs, (i) => (i === 0 ? 2 : NaN)).report).toMatch(/error map +@\?/);
  });
});
