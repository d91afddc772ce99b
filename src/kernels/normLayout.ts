/** Which cells share a mean and a variance, and what passes between the forward and the backward of a norm. */
import type { FloatArray } from "./floatArray.ts";

/**
 * x seen as [repeats, sets, length], row-major: cell (r, s, l) belongs to set s, of n = repeats · length cells. BatchNorm,
 * LayerNorm, GroupNorm, InstanceNorm and RMSNorm differ in nothing else:
 *
 *              repeats   sets    length         period   run
 *   LN, RMS    1         rows    n              1        1
 *   GN         1         N · G   (C/G) · HW     G        HW
 *   IN         1         N · C   HW             C        HW
 *   BN         N         C       HW             C        HW
 */
export interface NormLayout {
  readonly repeats: number;
  readonly sets: number;
  readonly length: number;
  /** The parameter of cell (r, s, l) is number (s % period) · (length / run) + floor(l / run). */
  readonly period: number;
  readonly run: number;
}

export interface NormOptions {
  readonly eps: number;
  /** false subtracts no mean and takes the mean square for the variance: RMSNorm. */
  readonly centered: boolean;
}

/** What the backward needs besides x: one number a set, always in float64. */
export interface NormStatistics {
  /** The mean is the sum of the two: a double alone holds a mean of 1e8 only to 7e-9. */
  readonly mean: Float64Array;
  readonly correction: Float64Array;
  /** Biased. */
  readonly variance: Float64Array;
  /** 1 / √(variance + eps), 0 where that is 0. */
  readonly rstd: Float64Array;
}

export interface NormNeeds {
  readonly gradInput: boolean;
  readonly gradWeight: boolean;
  readonly gradBias: boolean;
}

/** In the dtype of x; null for what was not asked for. */
export interface NormGradients {
  readonly gradInput: FloatArray | null;
  readonly gradWeight: FloatArray | null;
  readonly gradBias: FloatArray | null;
}

/**
 * What a set subtracts: from ĝ, from ∂x, and from ĝ for each unit of x − mean. The first entries are of the first set. The
 * slope is ⟨ĝ · x̂⟩ · rstd; the other rstd of ∂x comes last: their product does not fit a number where x is near 1e±155.
 */
export interface NormSlopes {
  readonly center: Float64Array;
  readonly shift: Float64Array;
  readonly slope: Float64Array;
}

/** Sums over the cells of a run in all repeats, of g and of g · (x − mean); the first entry is of the first set's first run. */
export interface RunSums {
  readonly sums: Float64Array;
  readonly dots: Float64Array;
}

/** Sums over the cells of a parameter, of g · x̂ and of g. */
export interface NormSums {
  readonly gradWeight: Float64Array;
  readonly gradBias: Float64Array;
}

/**
 * The loops, once for each dtype: a loop that has seen both kinds of array is 1.4 to 1.5 times slower. They are methods,
 * whose parameters TypeScript compares loosely; each set of loops takes arrays of its own kind only.
 *
 * They take sets [first, end) of all repeats. "Runs" are stretches of cells with one parameter, "rows" are sets whose every
 * cell has its own. Statistics begin with those of set `first`.
 */
export interface NormLoops {
  allocate(length: number): FloatArray;
  /** Writes all statistics, which are 0 before. */
  moments(
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    options: NormOptions,
    statistics: NormStatistics,
  ): void;
  /** The forward of all sets, where isSmall. Writes the statistics, too. */
  scaleSmall(
    y: FloatArray,
    x: FloatArray,
    layout: NormLayout,
    options: NormOptions,
    statistics: NormStatistics,
    weight: FloatArray,
    bias: FloatArray,
  ): void;
  /** Their backward. Statistics begin with those of set 0; adds to the sums, which begin with those of parameter `base`. */
  gradSmall(
    dx: FloatArray | null,
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    centered: boolean,
    statistics: NormStatistics,
    weight: FloatArray,
    sums: NormSums,
    base: number,
  ): void;
  /** The forward of sets of one cell, which are centered. */
  scaleSingles(y: FloatArray, x: FloatArray, period: number, rstd: number, weight: FloatArray, bias: FloatArray): void;
  /** Their backward; adds to the sums. */
  gradSingles(
    dx: FloatArray | null,
    g: FloatArray,
    x: FloatArray,
    period: number,
    rstd: number,
    weight: FloatArray,
    sums: NormSums,
  ): void;
}

export interface RunLoops extends NormLoops {
  /** y = (x − mean) · (rstd · weight) + bias */
  scaleRuns(
    y: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: FloatArray,
    bias: FloatArray,
  ): void;
  dotRuns(
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    sums: RunSums,
  ): void;
  /** dx = (g · weight − center − (x − mean) · slope) · rstd − shift */
  gradRuns(
    dx: FloatArray,
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: FloatArray,
    slopes: NormSlopes,
  ): void;
}

export interface RowLoops extends NormLoops {
  /** As scaleRuns. */
  scaleRows(
    y: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: FloatArray,
    bias: FloatArray,
  ): void;
  /** Writes center and slope. */
  dotRows(
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    centered: boolean,
    statistics: NormStatistics,
    weight: FloatArray,
    slopes: NormSlopes,
  ): void;
  /** For cells [from, to) of the rows: as gradRuns with shift 0, and adds to the sums, which begin at `from`. */
  gradRows(
    dx: FloatArray | null,
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    from: number,
    to: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: FloatArray,
    slopes: NormSlopes,
    sums: NormSums,
  ): void;
}
