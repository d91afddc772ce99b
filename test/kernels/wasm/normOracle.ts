/** The norms in plain loops over float64, with sums that are as good as exact. */
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import type { NormLayout } from "../../../src/kernels/normLayout.ts";

export interface NormCase {
  readonly x: FloatArray;
  readonly gradOutput: FloatArray;
  readonly weight: FloatArray | null;
  readonly bias: FloatArray | null;
  readonly layout: NormLayout;
  readonly eps: number;
  readonly centered: boolean;
}

export interface NormAnswer {
  readonly output: Float64Array;
  readonly gradInput: Float64Array;
  readonly gradWeight: Float64Array;
  readonly gradBias: Float64Array;
  /** Of the terms of gradInput the largest: what its rounding errors are relative to. */
  readonly largestTerm: number;
  /**
   * Of the root of the sum of squares of gradWeight's terms the largest: what the sum would be like if their signs were random.
   * A sum that cancels more than that has errors relative to this, as its terms are rounded.
   */
  readonly likelyGradWeight: number;
}

/** Neumaier's sum: what each addition rounds away is added at the end. */
function sumOf(values: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

export function normOracle({ x, gradOutput, weight, bias, layout, eps, centered }: NormCase): NormAnswer {
  const { repeats, sets, length, period, run } = layout;
  const perSet = length / run;
  const n = repeats * length;
  const output = new Float64Array(x.length);
  const gradInput = new Float64Array(x.length);
  const ofWeight = Array.from({ length: period * perSet }, (): number[] => []);
  const ofBias = Array.from({ length: period * perSet }, (): number[] => []);
  let largestTerm = 0;
  for (let s = 0; s < sets; s++) {
    const cells = Array.from({ length: n }, (_, i) => {
      const l = i % length;
      return {
        at: (Math.floor(i / length) * sets + s) * length + l,
        parameter: (s % period) * perSet + Math.floor(l / run),
      };
    });
    const values = cells.map(({ at }) => x[at] ?? NaN);
    const origin = centered ? (values[0] ?? NaN) : 0;
    // Differences from a cell are exact where cells are near each other, and so is their mean.
    const shifted = values.map((value) => value - origin);
    const mean = centered ? sumOf(shifted) / n : 0;
    const c = shifted.map((value) => value - mean);
    const variance = sumOf(c.map((value) => value * value)) / n + eps;
    const rstd = variance === 0 ? 0 : 1 / Math.sqrt(variance);
    const xhat = c.map((value) => value * rstd);
    const g = cells.map(({ at }) => gradOutput[at] ?? NaN);
    const gradXhat = cells.map(({ parameter }, i) => (g[i] ?? NaN) * (weight?.[parameter] ?? 1));
    const viaMean = centered ? sumOf(gradXhat) / n : 0;
    const viaRstd = sumOf(gradXhat.map((value, i) => value * (xhat[i] ?? NaN))) / n;
    cells.forEach(({ at, parameter }, i) => {
      const [xh, gi, gx] = [xhat[i] ?? NaN, g[i] ?? NaN, gradXhat[i] ?? NaN];
      output[at] = xh * (weight?.[parameter] ?? 1) + (bias?.[parameter] ?? 0);
      gradInput[at] = rstd * (gx - viaMean - xh * viaRstd);
      largestTerm = Math.max(largestTerm, rstd * Math.abs(gx), rstd * Math.abs(xh * viaRstd));
      ofWeight[parameter]?.push(gi * xh);
      ofBias[parameter]?.push(gi);
    });
  }
  return {
    output,
    gradInput,
    gradWeight: Float64Array.from(ofWeight, sumOf),
    gradBias: Float64Array.from(ofBias, sumOf),
    largestTerm,
    likelyGradWeight: Math.max(...ofWeight.map((terms) => Math.sqrt(sumOf(terms.map((term) => term * term))))),
  };
}
