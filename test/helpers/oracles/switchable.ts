/** SwitchableNorm and BatchRenorm in plain loops, from the definition of their moments. */
import type { PlainOracle } from "./oracle.ts";

/** The mean, without the rounding error of a large one: a value of the set is subtracted first. */
function mean(values: readonly number[]): number {
  const [first = 0] = values;
  return first + values.reduce((sum, value) => sum + (value - first), 0) / values.length;
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  return powers.map((power) => power / powers.reduce((a, b) => a + b));
}

/** Σ (value − mean)² / divisor */
function spread(values: readonly number[], divisor: number): number {
  const center = mean(values);
  return values.reduce((sum, value) => sum + (value - center) ** 2, 0) / divisor;
}

/**
 * Everything is computed of x less its first value, but for the statistics that are given: all means move along with x, and
 * no variance moves. One instance after the other, with all moments made anew for each.
 */
const switchableNorm: PlainOracle = ({ label }, { x, weight, bias, meanWeight, varWeight }, eps) => {
  if (!x || !meanWeight || !varWeight) throw new RangeError("expected x, meanWeight and varWeight");
  const [samples = 0, channels = 0, ...rest] = x.shape;
  const positions = rest.reduce((a, b) => a * b, 1);
  const flat = rest.length === 0;
  const [origin = 0] = x.data;
  const data = Array.from(x.data, (value) => value - origin);
  const instance = (n: number, c: number): number[] =>
    data.slice((n * channels + c) * positions, (n * channels + c + 1) * positions);
  const all = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

  const less = label.includes("unbiased") ? 1 : 0;
  const ownVariance = (values: readonly number[]): number => (flat ? 0 : spread(values, positions - less));
  const composed = (set: readonly (readonly number[])[]): { m: number; v: number } => {
    const means = set.map(mean);
    const divisor = flat ? set.length - less : set.length;
    return { m: mean(means), v: mean(set.map(ownVariance)) + spread(means, divisor) };
  };
  const [shares, varShares] = [softmax([...meanWeight.data]), softmax([...varWeight.data])];
  const names = ["IN", "LN", "BN"].filter((name) => label.includes(name));

  return data.map((value, cell) => {
    const row = Math.floor(cell / positions);
    const [n, c] = [Math.floor(row / channels), row % channels];
    const moments = names.map((name) => {
      if (name === "IN") return { m: mean(instance(n, c)), v: ownVariance(instance(n, c)) };
      if (name === "LN") return composed(all(channels, (k) => instance(n, k)));
      // Those of exampleRunningStats.
      if (label.startsWith("evaluation")) return { m: 0.5 * c - 0.75 - origin, v: 0.625 + 0.25 * c };
      return composed(all(samples, (k) => instance(k, c)));
    });
    const mixedMean = moments.reduce((sum, { m }, k) => sum + m * (shares[k] ?? NaN), 0);
    const variance = moments.reduce((sum, { v }, k) => sum + v * (varShares[k] ?? NaN), 0);
    const xhat = variance + eps === 0 ? 0 : (value - mixedMean) / Math.sqrt(variance + eps);
    return xhat * (weight?.data[c] ?? 1) + (bias?.data[c] ?? 0);
  });
};

function clip(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

/** Running statistics are those of exampleRunningStats, the variance taken for the standard deviation. */
const batchRenorm: PlainOracle = ({ label }, { x, weight, bias }, eps) => {
  if (!x) throw new RangeError("expected x");
  const [, channels = 0, ...rest] = x.shape;
  const positions = rest.reduce((a, b) => a * b, 1);
  const channelOf = (cell: number): number => Math.floor(cell / positions) % channels;
  const [, rMax = NaN, dMax = NaN] = (/rMax (\S+), dMax (\S+),/.exec(label) ?? []).map(Number);
  return Array.from(x.data, (value, cell) => {
    const c = channelOf(cell);
    const [runningMean, runningStd] = [0.5 * c - 0.75, 0.625 + 0.25 * c];
    const affine = (corrected: number): number => corrected * (weight?.data[c] ?? 1) + (bias?.data[c] ?? 0);
    if (label.startsWith("evaluation")) return affine((value - runningMean) / runningStd);
    const own = Array.from(x.data).filter((_, other) => channelOf(other) === c);
    const batchMean = mean(own);
    const variance = spread(own, own.length);
    const std = label.includes("ludvb") ? Math.sqrt(variance) + eps : Math.sqrt(variance + eps);
    // value − batchMean, without the rounding error of a large mean
    const [first = 0] = own;
    const apart = value - first - mean(own.map((other) => other - first));
    const r = clip(std / runningStd, 1 / rMax, rMax);
    const d = clip((batchMean - runningMean) / runningStd, -dMax, dMax);
    return affine((std === 0 ? 0 : apart / std) * r + d);
  });
};

export const switchableOracles: Readonly<Record<string, PlainOracle>> = { switchableNorm, batchRenorm };
