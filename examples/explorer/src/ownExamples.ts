/** LayerNorm with its backward as plain loops, right or with a planted fault: what the editor begins with. */

const LINES = {
  ghat: "g[i] * weight[i]",
  variance: "mean((i) => (row[i] - mu) ** 2)",
  rstd: "1 / Math.sqrt(variance + eps)",
  mean: "const mean = (f) => row.reduce((sum, _, i) => sum + f(i), 0) / D;",
  gradX: "rstd * (ghat(i) - viaMean - xhat(i) * viaVariance)",
};

function source(changed: Partial<typeof LINES> = {}): string {
  const { ghat, variance, rstd, mean, gradX } = { ...LINES, ...changed };
  return `({
  dims: { N: [1, 3], D: [1, 6] },
  params: { eps: [1e-5, 1] },
  inputs: ({ N, D }) => ({ x: [N, D], weight: [D] }),

  // What it should compute, as a formula: its exact derivative is the judge.
  forward: ({ x, weight }, { eps }) => {
    const centered = x.center([1]);
    const rstd = centered.square().mean([1], true).add(eps).rsqrt();
    return centered.mul(rstd).mul(weight);
  },

  // Your backward, on plain arrays.
  backward: (gradOutput, { x, weight }, { N, D, eps }) => {
    const gradX = new Float64Array(N * D);
    const gradWeight = new Float64Array(D);
    for (let n = 0; n < N; n++) {
      const row = x.subarray(n * D, (n + 1) * D);
      const g = gradOutput.subarray(n * D, (n + 1) * D);
      ${mean}
      const mu = row.reduce((sum, value) => sum + value, 0) / D;
      const variance = ${variance};
      const rstd = ${rstd};
      const xhat = (i) => (row[i] - mu) * rstd;
      const ghat = (i) => ${ghat};
      const viaMean = mean(ghat);
      const viaVariance = mean((i) => ghat(i) * xhat(i));
      for (let i = 0; i < D; i++) {
        gradX[n * D + i] = ${gradX};
        gradWeight[i] += g[i] * xhat(i);
      }
    }
    return { x: gradX, weight: gradWeight };
  },
})
`;
}

export interface OwnExample {
  readonly words: string;
  readonly code: string;
  /** The name that checkOp gives to the fault. */
  readonly fault: string | null;
}

export const examples: readonly [OwnExample, ...OwnExample[]] = [
  {
    words: "Via mean forgotten",
    code: source({ gradX: "rstd * (ghat(i) - xhat(i) * viaVariance)" }),
    fault: "mean path",
  },
  { words: "Via variance forgotten", code: source({ gradX: "rstd * (ghat(i) - viaMean)" }), fault: "variance path" },
  {
    words: "Divided by n − 1",
    code: source({
      mean: "const mean = (f) => row.reduce((sum, _, i) => sum + f(i), 0) / Math.max(1, D - 1);",
      variance: "row.reduce((sum, value) => sum + (value - mu) ** 2, 0) / D",
    }),
    fault: "count",
  },
  { words: "eps outside the root", code: source({ rstd: "1 / (Math.sqrt(variance) + eps)" }), fault: "rstd" },
  { words: "Weight forgotten", code: source({ ghat: "g[i]" }), fault: "parameter" },
  { words: "Right", code: source(), fault: null },
];
