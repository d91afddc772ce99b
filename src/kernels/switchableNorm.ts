/**
 * SwitchableNorm, forward and backward: the moments of the N·C instances in loops over x, and all else on N·C numbers
 * (switchableStatistics.ts). Formulas and names as in src/norms/switchableNorm.ts.
 */
import type { FloatArray } from "./floatArray.ts";
import type { NormGradients, NormLayout, NormNeeds, NormStatistics, RunLoops } from "./normLayout.ts";
import { emptyStatistics } from "./normMoments.ts";
import { loopsFor } from "./normRunLoops.ts";
import { addRunSums, emptySums, parametersOf, roundSums } from "./normSums.ts";
import {
  apartFrom,
  composed,
  linesOf,
  mix,
  softmax,
  softmaxBackward,
  towardsX,
  unitOf,
} from "./switchableStatistics.ts";
import type { Mixed, SwitchableStatistic } from "./switchableStatistics.ts";

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

export interface SwitchableNormSaved {
  /** Those of the instances. */
  readonly instances: NormStatistics;
  /** μ and v, mixed. */
  readonly mixed: NormStatistics;
  readonly statistics: readonly Mixed[];
}

/** The loops over x, which are called for all instances at once. */
export type InstanceLoops = Pick<RunLoops, "moments" | "scaleRuns" | "dotRuns" | "gradRuns">;

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
  others: InstanceLoops | null = null,
): {
  readonly output: FloatArray;
  readonly saved: SwitchableNormSaved;
  readonly batch: { readonly mean: Float64Array; readonly variance: Float64Array } | null;
} {
  const { samples, channels } = sizes;
  const layout = layoutOf(sizes);
  const ours = loopsFor(x, layout);
  const loops = others ?? ours;
  const instances = instanceStatistics(loops, x, layout, counts.IN);
  const meanShares = softmax(meanLogits);
  const varShares = softmax(varLogits);
  const statistics = names.map((name, k): Mixed => {
    const isConstant = name === "BN" && running !== null;
    const lines = isConstant ? null : linesOf(name, samples, channels);
    const { apart, variance } = isConstant
      ? apartFrom(instances, running)
      : composed(instances, linesOf(name, samples, channels), counts[name]);
    return { name, meanShare: meanShares[k]!, varShare: varShares[k]!, apart, variance, count: counts[name], lines };
  });
  const mixed = mix(instances, statistics, eps);
  const output = ours.allocate(x.length);
  const scales = parametersOf(ours, weight, layout, 1);
  const shifts = parametersOf(ours, bias, layout, -0);
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
  others: InstanceLoops | null = null,
): NormGradients & { readonly gradMeanLogits: FloatArray; readonly gradVarLogits: FloatArray } {
  const { channels, positions } = sizes;
  const layout = layoutOf(sizes);
  const { sets } = layout;
  const ours = loopsFor(x, layout);
  const loops = others ?? ours;
  const scales = parametersOf(ours, weight, layout, 1);
  const sums = emptySums(channels);
  const ofSets = { gradXhat: new Float64Array(sets), gradXhatXhat: new Float64Array(sets) };
  const ofRuns = { sums: new Float64Array(sets), dots: new Float64Array(sets) };
  loops.dotRuns(gradOutput, x, 0, sets, layout, mixed, ofRuns);
  addRunSums(ofRuns, 0, sets, layout, mixed, scales, ofSets, sums, 0);
  // ∂μ and ∂v / unit of each instance, in place of their sums: where x is near 1e±155, rstd² does not fit a number.
  const { gradXhat: gradMean, gradXhatXhat: gradVar } = ofSets;
  const { rstd } = mixed;
  const unit = unitOf(rstd);
  for (let i = 0; i < sets; i++) {
    gradMean[i]! *= -rstd[i]!;
    gradVar[i]! *= -0.5 * rstd[i]! * (rstd[i]! / unit);
  }
  const gradients = {
    gradInput: needs.gradInput ? ours.allocate(x.length) : null,
    gradWeight: needs.gradWeight ? ours.allocate(channels) : null,
    gradBias: needs.gradBias ? ours.allocate(channels) : null,
  };
  if (gradients.gradInput !== null) {
    const viaStatistics = towardsX(gradMean, gradVar, unit, rstd, statistics, positions, counts.IN);
    const slopes = { center: new Float64Array(sets), ...viaStatistics };
    loops.gradRuns(gradients.gradInput, gradOutput, x, 0, sets, layout, { ...instances, rstd }, scales, slopes);
  }
  roundSums(gradients, sums, 0, channels);
  const inDtype = (values: Float64Array): FloatArray => ours.allocate(values.length).map((_, k) => values[k]!);
  return {
    ...gradients,
    gradMeanLogits: inDtype(
      softmaxBackward(
        statistics.map(({ meanShare }) => meanShare),
        statistics.map(({ apart }) => -dot(gradMean, apart)),
      ),
    ),
    gradVarLogits: inDtype(
      softmaxBackward(
        statistics.map(({ varShare }) => varShare),
        statistics.map(({ variance }) => dot(gradVar, variance) * unit),
      ),
    ),
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function layoutOf({ samples, channels, positions }: SwitchableNormSizes): NormLayout {
  return { repeats: 1, sets: samples * channels, length: positions, period: channels, run: positions };
}

/** Of each instance; `variance` is Σ (x − m_in)² / count. */
function instanceStatistics(loops: InstanceLoops, x: FloatArray, layout: NormLayout, count: number): NormStatistics {
  const statistics = emptyStatistics(layout.sets);
  loops.moments(x, 0, layout.sets, layout, { eps: 0, centered: true }, statistics);
  if (count === layout.length) return statistics;
  return { ...statistics, variance: statistics.variance.map((v) => (v * layout.length) / count) };
}
