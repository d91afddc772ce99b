/**
 * SwitchableNorm on [N, C, *] in plain float64 loops. With the statistics μᵢ, vᵢ of IN, and those of LN and BN as
 * means of these (v of a union = mean(v + μ²) − mean(μ)²), and p, q the softmax of the two rows of logits:
 *
 *   μ = p₀·μ_IN + p₁·μ_LN + p₂·μ_BN,   v = q₀·v_IN + q₁·v_LN + q₂·v_BN,   y = (x − μ)/√(v + ε) · weight + bias
 *
 * The gradient follows the chain rule step by step, from y to μ and v, to the six statistics, to x.
 */
import { EPS } from "./cases.ts";
import type { NormCase } from "./cases.ts";
import { normInputs } from "./data.ts";

export function switchableReference(norm: NormCase): readonly Float64Array[] {
  const { x, weight, bias, gradOutput, meanWeight, varWeight } = normInputs(norm);
  const [samples = 1, channels = 1, ...positions] = norm.shape;
  const run = positions.reduce((a, b) => a * b, 1);
  const planes = samples * channels;
  const at = (array: ArrayLike<number>, i: number): number => array[i] ?? 0;
  const sumPlane = (plane: number, value: (i: number) => number): number => {
    let sum = 0;
    for (let i = plane * run; i < (plane + 1) * run; i++) sum += value(i);
    return sum;
  };

  const meanIN = Float64Array.from({ length: planes }, (_, k) => sumPlane(k, (i) => at(x, i)) / run);
  const varIN = meanIN.map((mean, k) => sumPlane(k, (i) => (at(x, i) - mean) ** 2) / run);
  const squares = varIN.map((variance, k) => variance + at(meanIN, k) ** 2);
  /** A union: the planes of one sample, or those of one channel. */
  const unions = [(k: number): number => Math.floor(k / channels), (k: number): number => k % channels] as const;
  const counts = [channels, samples] as const;
  const grouped = unions.map((unionOf, u) => {
    const sums = { mean: new Float64Array(planes), square: new Float64Array(planes) };
    for (let k = 0; k < planes; k++) {
      sums.mean[unionOf(k)] = at(sums.mean, unionOf(k)) + at(meanIN, k) / (counts[u] ?? 1);
      sums.square[unionOf(k)] = at(sums.square, unionOf(k)) + at(squares, k) / (counts[u] ?? 1);
    }
    return { mean: sums.mean, variance: sums.square.map((square, i) => square - at(sums.mean, i) ** 2) };
  });
  const [LN, BN] = [grouped[0] ?? { mean: meanIN, variance: varIN }, grouped[1] ?? { mean: meanIN, variance: varIN }];
  const [ofLN, ofBN] = unions;
  const p = softmax(meanWeight);
  const q = softmax(varWeight);
  const mean = meanIN.map(
    (own, k) => at(p, 0) * own + at(p, 1) * at(LN.mean, ofLN(k)) + at(p, 2) * at(BN.mean, ofBN(k)),
  );
  const variance = varIN.map(
    (own, k) => at(q, 0) * own + at(q, 1) * at(LN.variance, ofLN(k)) + at(q, 2) * at(BN.variance, ofBN(k)),
  );
  const rstd = variance.map((value) => 1 / Math.sqrt(value + EPS));

  const output = new Float64Array(x.length);
  const gradInput = new Float64Array(x.length);
  const gradWeight = new Float64Array(channels);
  const gradBias = new Float64Array(channels);
  const gradMean = new Float64Array(planes);
  const gradVar = new Float64Array(planes);
  for (let k = 0; k < planes; k++) {
    const c = k % channels;
    const xhat = (i: number): number => (at(x, i) - at(mean, k)) * at(rstd, k);
    for (let i = k * run; i < (k + 1) * run; i++) output[i] = xhat(i) * at(weight, c) + at(bias, c);
    const sum = sumPlane(k, (i) => at(gradOutput, i));
    const dot = sumPlane(k, (i) => at(gradOutput, i) * xhat(i));
    gradBias[c] = at(gradBias, c) + sum;
    gradWeight[c] = at(gradWeight, c) + dot;
    gradMean[k] = -at(weight, c) * at(rstd, k) * sum;
    gradVar[k] = -0.5 * at(weight, c) * dot * at(rstd, k) ** 2;
  }
  const total = (of: Float64Array, statistic: (k: number) => number): number =>
    of.reduce((sum, value, k) => sum + value * statistic(k), 0);
  const throughSoftmax = (shares: readonly number[], direct: readonly number[]): Float64Array => {
    const mixed = shares.reduce((sum, share, j) => sum + share * at(direct, j), 0);
    return Float64Array.from(shares, (share, j) => share * (at(direct, j) - mixed));
  };
  const gradMeanWeight = throughSoftmax(p, [
    total(gradMean, (k) => at(meanIN, k)),
    total(gradMean, (k) => at(LN.mean, ofLN(k))),
    total(gradMean, (k) => at(BN.mean, ofBN(k))),
  ]);
  const gradVarWeight = throughSoftmax(q, [
    total(gradVar, (k) => at(varIN, k)),
    total(gradVar, (k) => at(LN.variance, ofLN(k))),
    total(gradVar, (k) => at(BN.variance, ofBN(k))),
  ]);

  // A value moves the mean of each set that it is in by 1/n, and the variance by 2 (x − mean)/n.
  const viaUnions = unions.map((unionOf) => {
    const sums = { mean: new Float64Array(planes), variance: new Float64Array(planes) };
    for (let k = 0; k < planes; k++) {
      sums.mean[unionOf(k)] = at(sums.mean, unionOf(k)) + at(gradMean, k);
      sums.variance[unionOf(k)] = at(sums.variance, unionOf(k)) + at(gradVar, k);
    }
    return sums;
  });
  for (let k = 0; k < planes; k++) {
    for (let i = k * run; i < (k + 1) * run; i++) {
      let grad = at(gradOutput, i) * at(weight, k % channels) * at(rstd, k);
      grad += (at(p, 0) * at(gradMean, k) + 2 * at(q, 0) * at(gradVar, k) * (at(x, i) - at(meanIN, k))) / run;
      for (const [u, sums] of viaUnions.entries()) {
        const union = unions[u]?.(k) ?? 0;
        const center = at((u === 0 ? LN : BN).mean, union);
        const moved =
          at(p, u + 1) * at(sums.mean, union) + 2 * at(q, u + 1) * at(sums.variance, union) * (at(x, i) - center);
        grad += moved / ((counts[u] ?? 1) * run);
      }
      gradInput[i] = grad;
    }
  }
  return [output, gradInput, gradWeight, gradBias, gradMeanWeight, gradVarWeight];
}

function softmax(logits: ArrayLike<number>): number[] {
  const powers = Array.from(logits, Math.exp);
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
