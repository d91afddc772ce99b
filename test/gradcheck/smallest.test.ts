// @ts-nocheck: loops over typed arrays without a guard at every index, as users write them.
/** Which case is reported, and which one the diagnosis looks at. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const seeds = [0, 1, 2, 3];
const mean = (row) => row.reduce((a, b) => a + b, 0) / row.length;

const centre = (n, seed) =>
  checkOp(
    "centre",
    {
      dims: { n },
      inputs: ({ n: size }) => ({ x: [size] }),
      forward: ({ x }) => x.sub(x.mean()),
      backward: (g) => ({ x: g }), // the path through the mean is missing
    },
    { raiseException: false, seed },
  );

/** x / √(mean(x²) + eps), whose backward divides by n − 1. */
const rms = (options) =>
  checkOp(
    "rms",
    {
      dims: { N: [1, 4], n: [2, 6] },
      params: { eps: [1e-6, 1] },
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }, { eps }) => x.mul(x.square().mean([1], true).add(eps).rsqrt()),
      backward: (g, { x }, { n, eps }) => {
        const gradX = new Float64Array(x.length);
        for (let start = 0; start < x.length; start += n) {
          const row = x.subarray(start, start + n);
          const rstd = 1 / Math.sqrt(mean(row.map((v) => v * v)) + eps);
          const along = row.reduce((sum, v, i) => sum + g[start + i] * v * rstd, 0) / (n - 1);
          row.forEach((v, i) => {
            gradX[start + i] = rstd * (g[start + i] - v * rstd * along);
          });
        }
        return { x: gradX };
      },
    },
    { raiseException: false, ...options },
  );

/** Standardizes; the backward has no eps, and answers NaN where all values are alike. */
const withoutEps = (seed) =>
  checkOp(
    "standardize",
    {
      dims: { n: [2, 6] },
      params: { eps: [1e-5] },
      inputs: ({ n }) => ({ x: [n] }),
      forward: ({ x }, { eps }) => {
        const centered = x.center([0]);
        return centered.mul(centered.square().mean([0], true).add(eps).rsqrt());
      },
      backward: (g, { x }) => {
        const centered = x.map((value) => value - mean(x));
        const rstd = 1 / Math.sqrt(mean(centered.map((value) => value ** 2)));
        const xhat = centered.map((value) => value * rstd);
        const share = mean(g.map((v, i) => v * xhat[i]));
        return { x: g.map((v, i) => rstd * (v - mean(g) - xhat[i] * share)) };
      },
    },
    { runs: 20, raiseException: false, seed },
  );

describe("a smallest case in which the whole gradient is 0", () => {
  test.each(seeds)("is shown, and the diagnosis is made where the paths can be told, from seed %i", (seed) => {
    const { failure, report } = centre([1, 6], seed);
    expect(failure.case.settings).toEqual({ n: 1 });
    expect(failure.diagnosis[0].fault).toBe("mean path");
    expect(report).toMatch(/^diagnosed at +x \[6\], n 6$/m);
  });

  test("is looked at if there is no other, and is no stray connection", () => {
    const { failure, report } = centre([1, 1], 0);
    expect(failure.diagnosis.map(({ fault }) => fault)).not.toContain("axes");
    expect(report).not.toContain("diagnosed at");
  });
});

describe("the smallest case", () => {
  test.each(seeds)("has no smaller size that fails, from seed %i", (seed) => {
    expect(rms({ seed }).failure.case.settings).toMatchObject({ N: 1, n: 2 });
  });

  test("is met again by its seed and path", () => {
    const { failure, report } = rms({ seed: 2 });
    const again = rms({ seed: failure.seed, path: failure.path });
    const withoutCounts = (text) => text.split("\n").slice(1).join("\n");
    expect(withoutCounts(again.report)).toBe(withoutCounts(report));
  });

  test.each(seeds)("shows a number that is wrong and no NaN, where there are both, from seed %i", (seed) => {
    const { failure } = withoutEps(seed);
    expect(failure.mismatch.analytic.every(Number.isFinite)).toBe(true);
    expect(failure.diagnosis.map(({ fault }) => fault)).toEqual(["rstd", "not finite"]);
    expect(failure.diagnosis[1].evidence).toMatch(
      /^gradX\[\d\] was NaN in a case that was drawn, with -?[\d.]+ exact$/,
    );
  });
});

describe("a plain forward", () => {
  /** y = w · (x − mean(x)) over n, in N rows. */
  const affine = (backward) =>
    checkOp(
      "affine",
      {
        dims: { N: [1, 3], n: [1, 4] },
        inputs: ({ N, n }) => ({ x: [N, n], w: [n], b: [n] }),
        plainForward: ({ x, w, b }, { n }) =>
          x.map((v, i) => {
            const start = i - (i % n);
            return w[i % n] * (v - mean(x.subarray(start, start + n))) + b[i % n];
          }),
        backward,
      },
      { runs: 40, raiseException: false },
    );
  const gradients = (g, { x, w }, { N, n }) => {
    const [gradX, gradW, gradB] = [new Float64Array(N * n), new Float64Array(n), new Float64Array(n)];
    for (let start = 0; start < N * n; start += n) {
      const row = x.subarray(start, start + n);
      const flow = row.map((_, i) => g[start + i] * w[i]);
      row.forEach((v, i) => {
        gradX[start + i] = flow[i] - mean(flow);
        gradW[i] += g[start + i] * (v - mean(row));
        gradB[i] += g[start + i];
      });
    }
    return { x: gradX, w: gradW, b: gradB };
  };

  test("is not said to pass where the gradient is 0 whatever the backward does", () => {
    const lost = (g, { x, w, b }, s) => ({ ...gradients(g, { x, w, b }, s), x: g.map((v, i) => v * w[i % s.n]) });
    expect(affine(gradients).ok).toBe(true);
    const { failure } = affine(lost);
    expect(failure.diagnosis[0].fault).toBe("mean path");
    expect(failure.diagnosis.map(({ evidence }) => evidence).join()).not.toContain("w = 0");
  });

  test("has cells, and no dims, that gradOutput does not arrive in", () => {
    const first = (g, inputs, s) => ({ ...gradients(g, inputs, s), b: g.slice(0, s.n) });
    const { failure } = affine(first);
    expect(failure.diagnosis[0].evidence).toContain("gradOutput does not arrive in cells 4 … 11 (of 0 … 11)");
  });

  test("is not told a factor that does not explain all of the gradient", () => {
    const { failure } = checkOp(
      "relu",
      {
        dims: { n: [1, 6] },
        inputs: ({ n }) => ({ x: [n] }),
        plainForward: ({ x }) => x.map((v) => Math.max(v, 0)),
        backward: (g) => ({ x: g }),
      },
      { raiseException: false },
    );
    const faults = failure.diagnosis.map(({ fault }) => fault);
    expect(faults).toContain("indices");
    expect(faults).not.toContain("factor");
  });
});
