/**
 * The statistics that SwitchableNorm mixes, composed of those of N·C instances, and the way back through them. Formulas and
 * names as in src/norms/switchableNorm.ts.
 */
import type { FloatArray } from "./floatArray.ts";
import type { NormStatistics } from "./normLayout.ts";
import { emptyStatistics, rsqrtOrZero } from "./normMoments.ts";

export type SwitchableStatistic = "IN" | "LN" | "BN";

/** Instances that share a statistic: lines of `count` of them, `step` apart. */
interface Lines {
  readonly count: number;
  readonly step: number;
}

export interface Mixed {
  readonly name: SwitchableStatistic;
  readonly meanShare: number;
  readonly varShare: number;
  /** m_in − mₖ, and vₖ, of each instance. */
  readonly apart: Float64Array;
  readonly variance: Float64Array;
  /** What Σ (m_in − mₖ)² is divided by. */
  readonly count: number;
  /** null for constants. IN has lines of one. */
  readonly lines: Lines | null;
}

/** The lines of instances [N, C]. */
export function linesOf(name: SwitchableStatistic, samples: number, channels: number): Lines {
  return { IN: { count: 1, step: 1 }, LN: { count: channels, step: 1 }, BN: { count: samples, step: channels } }[name];
}

/** Lines of step 1 follow each other; lines of a larger step lie side by side, all of them. */
function forEachLine(sets: number, { count, step }: Lines, visit: (first: number, end: number) => void): void {
  for (let k = 0; k < sets / count; k++) {
    const first = step === 1 ? k * count : k;
    visit(first, first + count * step);
  }
}

/** The mean and variance of lines of instances, of the same number of cells each. */
export function composed(
  { mean, correction, variance }: NormStatistics,
  lines: Lines,
  count: number,
): Pick<Mixed, "apart" | "variance"> {
  const { step } = lines;
  const apart = new Float64Array(mean.length);
  const whole = new Float64Array(mean.length);
  forEachLine(mean.length, lines, (first, end) => {
    // Differences of neighbours first, so that a large mean does no harm; and centred twice, as x is.
    const origin = mean[first]!;
    let sum = 0;
    for (let i = first; i < end; i += step) sum += apart[i] = mean[i]! - origin + correction[i]!;
    const center = sum / lines.count;
    let rest = 0;
    for (let i = first; i < end; i += step) rest += apart[i]! -= center;
    rest /= lines.count;
    let within = 0;
    let between = 0;
    for (let i = first; i < end; i += step) {
      const a = (apart[i]! -= rest);
      within += variance[i]!;
      between += a * a;
    }
    const v = within / lines.count + between / count;
    for (let i = first; i < end; i += step) whole[i] = v;
  });
  return { apart, variance: whole };
}

/** Those of a running mean and variance. */
export function apartFrom(
  { mean, correction }: NormStatistics,
  running: { readonly mean: FloatArray; readonly variance: FloatArray },
): Pick<Mixed, "apart" | "variance"> {
  const apart = new Float64Array(mean.length);
  const variance = new Float64Array(mean.length);
  for (let i = 0, c = 0; i < mean.length; i++, c = c + 1 === running.mean.length ? 0 : c + 1) {
    apart[i] = mean[i]! - running.mean[c]! + correction[i]!;
    variance[i] = running.variance[c]!;
  }
  return { apart, variance };
}

/** μ, as m_in less a correction, and v. */
export function mix(instances: NormStatistics, statistics: readonly Mixed[], eps: number): NormStatistics {
  const sets = instances.mean.length;
  const { correction, variance, rstd } = emptyStatistics(sets);
  for (const { meanShare, varShare, apart, variance: own } of statistics) {
    for (let i = 0; i < sets; i++) {
      correction[i]! += apart[i]! * meanShare;
      variance[i]! += own[i]! * varShare;
    }
  }
  for (let i = 0; i < sets; i++) {
    correction[i] = instances.correction[i]! - correction[i]!;
    rstd[i] = rsqrtOrZero(variance[i]! + eps);
  }
  return { mean: instances.mean, correction, variance, rstd };
}

/**
 * From ∂μ and ∂v / unit of each instance to −∂m_in / M, and −2 ∂v_in / n_in / rstd, which x − m_in is multiplied by; that is 0
 * where rstd is.
 */
export function towardsX(
  gradMean: Float64Array,
  gradVar: Float64Array,
  unit: number,
  rstd: Float64Array,
  statistics: readonly Mixed[],
  positions: number,
  ownCount: number,
): { readonly shift: Float64Array; readonly slope: Float64Array } {
  const shift = new Float64Array(rstd.length);
  const slope = new Float64Array(rstd.length);
  for (const { meanShare, varShare, apart, count, lines } of statistics) {
    if (lines === null) continue;
    const { step } = lines;
    forEachLine(rstd.length, lines, (first, end) => {
      let ofMean = 0;
      let ofVar = 0;
      for (let i = first; i < end; i += step) {
        ofMean += gradMean[i]!;
        ofVar += gradVar[i]!;
      }
      const toMean = (ofMean / lines.count) * meanShare;
      const toVar = (2 * ((ofVar / lines.count) * varShare)) / ownCount;
      for (let i = first; i < end; i += step) {
        const viaSpread = ((2 * apart[i]! * (ofVar * varShare)) / count) * unit;
        shift[i]! -= (toMean + viaSpread) / positions;
        slope[i]! -= toVar;
      }
    });
  }
  for (let i = 0; i < rstd.length; i++) slope[i]! *= unit / (rstd[i]! || Infinity);
  return { shift, slope };
}

/** The largest: what squares that do not fit a number are divided by. 1 where all are 0. */
export function unitOf(rstd: Float64Array): number {
  let most = 0;
  for (let i = 0; i < rstd.length; i++) if (rstd[i]! > most) most = rstd[i]!;
  return most || 1;
}

export function softmax(logits: FloatArray): Float64Array {
  const max = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Its backward: pₖ · (aₖ − Σ p · a). */
export function softmaxBackward(shares: readonly number[], slopes: readonly number[]): Float64Array {
  const mean = shares.reduce((sum, share, k) => sum + share * slopes[k]!, 0);
  return Float64Array.from(shares, (share, k) => share * (slopes[k]! - mean));
}
