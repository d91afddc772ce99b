// @ts-nocheck: loops over typed arrays without a guard at every index, as users write them.
/** The first diagnosis of a planted bug, each beside the right backward, which passes. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const sizes = { dims: { N: [1, 4], n: [1, 6] }, inputs: ({ N, n }) => ({ x: [N, n] }) };

/** log Σ exp over the last dim: no norm, no eps. */
const logSumExp = {
  ...sizes,
  forward: ({ x }) => {
    const top = x.detach().max([1], true).detach();
    return x.sub(top).exp().sum([1], true).log().add(top);
  },
};
const ofLogSumExp =
  (post = (v) => v) =>
  (g, { x }, { n }) => {
    const row = (i) => x.subarray(Math.floor(i / n) * n, Math.floor(i / n) * n + n);
    const softmax = (v, values) => {
      const top = Math.max(...values);
      return Math.exp(v - top) / values.reduce((sum, a) => sum + Math.exp(a - top), 0);
    };
    return { x: x.map((v, i) => post(g[Math.floor(i / n)] * softmax(v, row(i)), v, i, { x, n })) };
  };

/** x + x̂ · weight + bias, with x̂ = x / √(mean(x²) + eps). */
const residual = {
  ...sizes,
  params: { eps: [1e-5, 1] },
  inputs: ({ N, n }) => ({ x: [N, n], weight: [n], bias: [n] }),
  forward: ({ x, weight, bias }, { eps }) =>
    x.add(x.mul(x.square().mean([1], true).add(eps).rsqrt()).mul(weight)).add(bias),
};
const ofResidual =
  (post = (gradients) => gradients, times = 1) =>
  (g, { x, weight }, { N, n, eps }) => {
    const gradX = new Float64Array(N * n);
    const [gradWeight, gradBias] = [new Float64Array(n), new Float64Array(n)];
    for (let start = 0; start < N * n; start += n) {
      const row = x.subarray(start, start + n);
      const rstd = 1 / Math.sqrt(row.reduce((sum, v) => sum + v * v, 0) / n + eps);
      const along = row.reduce((sum, v, j) => sum + g[start + j] * weight[j] * v * rstd, 0) / n;
      row.forEach((v, j) => {
        const gradOutput = g[start + j];
        gradX[start + j] = times * gradOutput + rstd * (gradOutput * weight[j] - v * rstd * along);
        gradWeight[j] += gradOutput * v * rstd;
        gradBias[j] += gradOutput;
      });
    }
    return post({ x: gradX, weight: gradWeight, bias: gradBias }, { g, N, n });
  };

/** x · y summed over the last dim. */
const dot = {
  ...sizes,
  inputs: ({ N, n }) => ({ x: [N, n], y: [N, n] }),
  forward: ({ x, y }) => x.mul(y).sum([1]),
};
const ofDot =
  (swap = false) =>
  (g, { x, y }, { n }) => {
    const by = (values) => values.map((v, i) => v * g[Math.floor(i / n)]);
    return swap ? { x: by(x), y: by(y) } : { x: by(y), y: by(x) };
  };

const overwritten = (g, inputs, { N, n, eps }) => {
  const right = ofResidual()(g, inputs, { N, n, eps });
  return { ...right, bias: right.bias.map((_, j) => right.x.reduce((sum, v, i) => sum + (i % n === j ? v : 0), 0)) };
};
const kept = new Map();
const memo = (g, inputs, { N, n }) => {
  const key = `${N} ${n}`;
  if (!kept.has(key)) kept.set(key, ofLogSumExp()(new Float64Array(N).fill(1), inputs, { n }).x);
  return { x: kept.get(key).map((v, i) => v * g[Math.floor(i / n)]) };
};
const lse = (post) => [logSumExp, ofLogSumExp(post)];
const res = (post, times) => [residual, ofResidual(post, times)];

describe("a diagnosis", () => {
  test.each([
    ["log-sum-exp", logSumExp, ofLogSumExp()],
    ["a residual", residual, ofResidual()],
    ["a dot product", dot, ofDot()],
  ])("is not made of what is right: %s", (_, spec, backward) => {
    expect(checkOp("right", { ...spec, backward }, { raiseException: false }).ok).toBe(true);
  });

  test.each([
    ["of a sign at negative values", ...lse((v, x) => (x < 0 ? -v : v)), "indices", "only where x < 0"],
    ["of zeros below −3", ...lse((v, x) => (x < -3 ? 0 : v)), "indices", /only where x < about -\d/],
    ["of equal values", ...lse((v, x, i, all) => (i % all.n > 0 && x === all.x[i - 1] ? 0 : v)), "indices", "equal"],
    ["of a factor 1 + 1e-12", ...lse((v) => v * (1 + 1e-12)), "factor", "1 + 1.0e-12 times"],
    ["of a factor 1 + 5e-13", ...lse((v) => v * (1 + 5e-13)), "factor", "1 + 5.0e-13 times"],
    [
      "of a factor 1 − 2e-14",
      ...res((all) => ({ ...all, x: all.x.map((v) => v * (1 - 2e-14)) })),
      "factor",
      "1 − 2.0e-14",
    ],
    ["of an added constant", ...lse((v) => v + 1e-9), "gradOutput", "when gradOutput is 0"],
    ["of what is kept by shape", logSumExp, memo, "state", "does not change with the inputs"],
    ["of a residual that is counted twice", ...res(undefined, 2), "factor", "plus 1 · gradOutput"],
    ["of a residual that is lost", ...res(undefined, 0), "factor", "plus -1 · gradOutput"],
    ["of swapped gradients", dot, ofDot(true), "parameter gradient", "of x and y are swapped"],
    [
      "of n = 1",
      ...res((all, { n }) => ({ ...all, x: n === 1 ? all.x.map(() => 0) : all.x })),
      "axes",
      "only when n = 1",
    ],
    ["of a gradOutput that was overwritten", residual, overwritten, "gradOutput", "overwritten by the gradient of x"],
    ["of a detached parameter", ...res((all) => ({ ...all, weight: null })), "parameter gradient", "it is 0, as if"],
    [
      "of a parameter in float32",
      ...res((all) => ({ ...all, weight: all.weight.map(Math.fround) })),
      "parameter gradient",
      "bits (float32 has 24)",
    ],
    [
      "of a parameter without its last channel",
      ...res((all, { n }) => ({ ...all, bias: all.bias.map((v, j) => (n > 2 && j === n - 1 ? v / 2 : v)) })),
      "parameter gradient",
      /bias is not: it is wrong where dim 0 is \d/,
    ],
    [
      "of a parameter that sees one sample",
      ...res((all, { g, n }) => ({ ...all, bias: g.slice(0, n) })),
      "parameter gradient",
      /bias is not: gradOutput does not arrive where dim 0 is 1/,
    ],
    [
      "of a gradOutput that is clipped",
      logSumExp,
      (g, inputs, s) =>
        ofLogSumExp()(
          g.map((v) => Math.max(-100, Math.min(100, v))),
          inputs,
          s,
        ),
      "gradOutput",
      /when gradOutput (doubles|is 128 times larger), the gradient of x does not/,
    ],
  ])("%s names it, and says what was seen", (_, spec, backward, fault, evidence) => {
    const { failure } = checkOp("wrong", { ...spec, backward }, { raiseException: false });
    expect(failure.diagnosis[0].evidence).toMatch(evidence);
    expect(failure.diagnosis[0].fault).toBe(fault);
    const norms = failure.diagnosis.filter((one) => one.fault === "rstd" && spec.params === undefined);
    expect(norms).toEqual([]);
  });
});

describe("a backward whose bits change from call to call", () => {
  const noisy = (factor) => ({
    ...logSumExp,
    backward: (g, inputs, s) => ({ x: ofLogSumExp()(g, inputs, s).x.map((v) => v * factor()) }),
  });
  let calls = 0;
  const alternating = () => 1 + (calls++ % 2) * 2 ** -52;

  test("is wrong, though each answer is within its bound; under a chosen tolerance it is not asked", () => {
    const check = (options) => checkOp("noisy", { ...noisy(alternating), dims: { N: [1, 1], n: [3, 3] } }, { raiseException: false, ...options }); // prettier-ignore
    const { report, failure } = check({});
    expect(report).toContain("the first of two equal calls");
    expect(report).toMatch(/got \S+ +before \S+ +error/);
    expect(failure.diagnosis[0].fault).toBe("state");
    expect(check({ tolerance: 1e-12 }).ok).toBe(true);
  });
});

describe("a report", () => {
  test("shows as many digits as tell an error from what is allowed", () => {
    const slope = 2 + 2e-8;
    const { report } = checkOp(
      "double",
      {
        ...sizes,
        forward: ({ x }) => x.mul(2),
        backward: (g) => ({ x: g.map((v) => slope * v) }),
      },
      { raiseException: false, tolerance: 0.9999e-8 },
    );
    const [, error, allowed] = /error (\S+) .* allowed (\S+)/.exec(report);
    expect(error).not.toBe(allowed);
    expect(Number(error)).toBeCloseTo(Number(allowed), 9);
  });
});
