/**
 * SwitchableNorm, forward and backward: the moments of the N·C instances in loops over x, and all else, the statistics that
 * are composed of them and the way back through these, on N·C numbers. Formulas and names as in src/norms/switchableNorm.ts.
 */
import type { FloatArray } from "./floatArray.ts";
import type { NormGradients, NormLayout, NormNeeds, NormStatistics } from "./normLayout.ts";
import { emptyStatistics, loopsFor, rsqrtOrZero } from "./normMoments.ts";
import { addRunSums, emptySums, parametersOf, roundSums } from "./normSums.ts";

export interface SwitchableNormSizes {
  readonly samples: number;
  readonly channels: number;
  /** M, the values of an instance. */
  readonly positions: number;
}

export interface SwitchableNormSettings {
  readonly eps: number;
  /** Which statistics are mixed, in the order of the logits. */
  readonly names: readonly SwitchableStatistic[];
  /** What their sums of squares are divided by. */
  readonly counts: Readonly<Record<SwitchableStatistic, number>>;
}

export type SwitchableStatistic = "IN" | "LN" | "BN";

/** Neighbours in a line of instances that share a statistic: lines of `count` instances, `step` apart. */
interface Lines {
  readonly count: number;
  readonly step: number;
}

interface Mixed {
  readonly name: SwitchableStatistic;
  readonly meanShare: number;
  readonly varShare: number;
  /** m_in − mₖ, and vₖ, of each instance. */
  readonly apart: Float64Array;
  readonly variance: Float64Array;
  /** null: each instance has its own, or it is a constant. */
  readonly lines: Lines | null;
}

export interface SwitchableNormSaved {
  /** Those of the instances. */
  readonly instances: NormStatistics;
  /** μ and v, mixed. */
  readonly mixed: NormStatistics;
  readonly statistics: readonly Mixed[];
}

/** `batch` is m_bn and v_bn, one a channel; null where BN takes no part. x must not be empty. */
export function switchableNormForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  meanLogits: FloatArray,
  varLogits: FloatArray,
  running: { readonly mean: FloatArray; readonly variance: FloatArray } | null,
  sizes: SwitchableNormSizes,
  { eps, names, counts }: SwitchableNormSettings,
): {
  readonly output: FloatArray;
  readonly saved: SwitchableNormSaved;
  readonly batch: { readonly mean: Float64Array; readonly variance: Float64Array } | null;
} {
  const { samples, channels } = sizes;
  const layout = layoutOf(sizes);
  const instances = instanceStatistics(x, layout, counts.IN);
  const meanShares = softmax(meanLogits);
  const varShares = softmax(varLogits);
  const statistics = names.map((name, k): Mixed => {
    const shares = { name, meanShare: meanShares[k]!, varShare: varShares[k]! };
    if (name === "IN") {
      return { ...shares, apart: new Float64Array(layout.sets), variance: instances.variance, lines: null };
    }
    if (name === "BN" && running !== null) return { ...shares, ...apartFrom(instances, running), lines: null };
    const lines = name === "LN" ? { count: channels, step: 1 } : { count: samples, step: channels };
    return { ...shares, ...composed(instances, lines, counts[name]), lines };
  });

  const mixed = emptyStatistics(layout.sets);
  for (let i = 0; i < layout.sets; i++) {
    let fromMean = 0;
    let variance = 0;
    for (const { meanShare, varShare, apart, variance: own } of statistics) {
      fromMean += apart[i]! * meanShare;
      variance += own[i]! * varShare;
    }
    mixed.mean[i] = instances.mean[i]!;
    mixed.correction[i] = instances.correction[i]! - fromMean;
    mixed.variance[i] = variance;
    mixed.rstd[i] = rsqrtOrZero(variance + eps);
  }
  const loops = loopsFor(x, layout);
  const output = loops.allocate(x.length);
  const scales = parametersOf(loops, weight, layout, 1);
  const shifts = parametersOf(loops, bias, layout, -0);
  loops.scaleRuns(output, x, 0, layout.sets, layout, mixed, scales, shifts);
  const ofBatch = statistics.find(({ name }) => name === "BN");
  const batch = ofBatch && {
    mean: instances.mean.slice(0, channels).map((m, c) => m + (instances.correction[c]! - ofBatch.apart[c]!)),
    variance: ofBatch.variance.slice(0, channels),
  };
  return { output, saved: { instances, mixed, statistics }, batch: batch ?? null };
}

/** The gradients of x, weight and bias, and of the logits. */
export function switchableNormBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  { instances, mixed, statistics }: SwitchableNormSaved,
  sizes: SwitchableNormSizes,
  { counts }: Pick<SwitchableNormSettings, "counts">,
  needs: NormNeeds,
): NormGradients & { readonly gradMeanLogits: FloatArray; readonly gradVarLogits: FloatArray } {
  const { channels, positions } = sizes;
  const layout = layoutOf(sizes);
  const loops = loopsFor(x, layout);
  const scales = parametersOf(loops, weight, layout, 1);
  const sums = emptySums(channels);
  const ofSets = { gradXhat: new Float64Array(layout.sets), gradXhatXhat: new Float64Array(layout.sets) };
  const ofRuns = { sums: new Float64Array(layout.sets), dots: new Float64Array(layout.sets) };
  loops.dotRuns(gradOutput, x, 0, layout.sets, layout, mixed, ofRuns);
  addRunSums(ofRuns, 0, layout.sets, layout, mixed, scales, ofSets, sums, 0);
  // ∂μ and ∂v / unit of each instance, in place of their sums: where x is near 1e±155, rstd² does not fit a number.
  const { gradXhat: gradMean, gradXhatXhat: gradVar } = ofSets;
  const unit = mixed.rstd.reduce((most, r) => (r > most ? r : most), 0) || 1;
  for (let i = 0; i < layout.sets; i++) {
    const r = mixed.rstd[i]!;
    gradMean[i]! *= -r;
    gradVar[i]! *= -0.5 * r * (r / unit);
  }

  let gradInput: FloatArray | null = null;
  if (needs.gradInput) {
    gradInput = loops.allocate(x.length);
    // −∂m_in / M, and −2 ∂v_in / n_in / rstd, which x − m_in is multiplied by; that is 0 where rstd is.
    const [shift, slope] = [new Float64Array(layout.sets), new Float64Array(layout.sets)];
    for (const { name, meanShare, varShare, apart, lines } of statistics) {
      if (lines === null && name !== "IN") continue; // constants
      const [ofMean, ofVar] = lines ? [sumLines(gradMean, lines), sumLines(gradVar, lines)] : [gradMean, gradVar];
      const n = lines?.count ?? 1;
      for (let i = 0; i < layout.sets; i++) {
        const viaSpread = ((2 * apart[i]! * (ofVar[i]! * varShare)) / counts[name]) * unit;
        shift[i]! -= ((ofMean[i]! / n) * meanShare + viaSpread) / positions;
        slope[i]! -= ((2 * ((ofVar[i]! / n) * varShare)) / counts.IN) * (unit / (mixed.rstd[i] || Infinity));
      }
    }
    const slopes = { center: new Float64Array(layout.sets), shift, slope };
    const direct = { ...instances, rstd: mixed.rstd };
    loops.gradRuns(gradInput, gradOutput, x, 0, layout.sets, layout, direct, scales, slopes);
  }
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const meanSlopes = statistics.map(({ apart }) => -dot(gradMean, apart));
  const varSlopes = statistics.map(({ variance }) => dot(gradVar, variance) * unit);
  const throughSoftmax = (shares: readonly number[], slopes: readonly number[]): FloatArray => {
    const mean = shares.reduce((sum, share, k) => sum + share * slopes[k]!, 0);
    return loops.allocate(shares.length).map((_, k) => shares[k]! * (slopes[k]! - mean));
  };
  const gradients = {
    gradInput,
    gradWeight: needs.gradWeight ? loops.allocate(channels) : null,
    gradBias: needs.gradBias ? loops.allocate(channels) : null,
  };
  roundSums(gradients, sums, 0, channels);
  return {
    ...gradients,
    gradMeanLogits: throughSoftmax(
      statistics.map(({ meanShare }) => meanShare),
      meanSlopes,
    ),
    gradVarLogits: throughSoftmax(
      statistics.map(({ varShare }) => varShare),
      varSlopes,
    ),
  };
}

function layoutOf({ samples, channels, positions }: SwitchableNormSizes): NormLayout {
  return { repeats: 1, sets: samples * channels, length: positions, period: channels, run: positions };
}

/** Of each instance; `variance` is Σ (x − m_in)² / count. */
function instanceStatistics(x: FloatArray, layout: NormLayout, count: number): NormStatistics {
  const statistics = emptyStatistics(layout.sets);
  const loops = loopsFor(x, layout);
  loops.moments(x, 0, layout.sets, layout, { eps: 0, centered: true }, statistics);
  if (count === layout.length) return statistics;
  return { ...statistics, variance: statistics.variance.map((v) => (v * layout.length) / count) };
}

/** The mean and variance of lines of instances, of the same number of cells each. */
function composed(
  { mean, correction, variance }: NormStatistics,
  lines: Lines,
  count: number,
): Pick<Mixed, "apart" | "variance"> {
  const firsts = spread(mean, lines);
  // Differences of neighbours first, so that a large mean does no harm; and centred twice, as x is.
  const fromFirst = mean.map((m, i) => m - firsts[i]! + correction[i]!);
  const once = less(fromFirst, sumLines(fromFirst, lines), lines.count);
  const apart = less(once, sumLines(once, lines), lines.count);
  const within = sumLines(variance, lines);
  const between = sumLines(
    apart.map((a) => a * a),
    lines,
  );
  return { apart, variance: within.map((sum, i) => sum / lines.count + between[i]! / count) };
}

function apartFrom(
  { mean, correction }: NormStatistics,
  running: { readonly mean: FloatArray; readonly variance: FloatArray },
): Pick<Mixed, "apart" | "variance"> {
  const channels = running.mean.length;
  return {
    apart: mean.map((m, i) => m - running.mean[i % channels]! + correction[i]!),
    variance: mean.map((_, i) => running.variance[i % channels]!),
  };
}

function less(values: Float64Array, sums: Float64Array, count: number): Float64Array {
  return values.map((value, i) => value - sums[i]! / count);
}

/** For each instance the first one of its line. */
function spread(values: Float64Array, lines: Lines): Float64Array {
  return values.map((_, i) => values[firstOf(i, lines)]!);
}

/** For each instance the sum over its line. */
function sumLines(values: Float64Array, lines: Lines): Float64Array {
  const sums = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) sums[firstOf(i, lines)]! += values[i]!;
  return spread(sums, lines);
}

/** Lines of step 1 follow each other; lines of a larger step lie side by side. */
function firstOf(i: number, { count, step }: Lines): number {
  return i - (i % (count * step)) + (i % step);
}

function softmax(logits: FloatArray): Float64Array {
  const max = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
