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

/** What a set subtracts: from ĝ, from ∂x, and from ∂x for each unit of x − mean. */
export interface NormSlopes {
  readonly center: Float64Array;
  readonly shift: Float64Array;
  readonly slope: Float64Array;
}

/** Sums over a set of ĝ = g · weight and ĝ · x̂; sums over the cells of a parameter of g · x̂ and g. */
export interface NormSums {
  readonly gradXhat: Float64Array;
  readonly gradXhatXhat: Float64Array;
  readonly gradWeight: Float64Array;
  readonly gradBias: Float64Array;
}

/**
 * The loops, once for each dtype: a loop that has seen both kinds of array is 1.4 to 1.5 times slower. They are methods,
 * whose parameters TypeScript compares loosely; each set of loops takes arrays of its own kind only.
 *
 * They take sets [first, end) of all repeats. "Runs" are stretches of cells with one parameter, "rows" are sets whose every cell has its own.
 */
export interface NormLoops {
  allocate(length: number): FloatArray;
  /** mean = the first cell of each set, and correction += Σ (x − mean) */
  sums(x: FloatArray, first: number, end: number, layout: NormLayout, statistics: NormStatistics): void;
  /** correction += Σ (x − mean) and variance += Σ (x − mean)² */
  deviations(x: FloatArray, first: number, end: number, layout: NormLayout, statistics: NormStatistics): void;
  /** y = (x − mean) · (rstd · weight) + bias */
  scaleRuns(
    y: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: Float64Array,
    bias: Float64Array,
  ): void;
  /** Adds to all four sums. */
  dotRuns(
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: Float64Array,
    sums: NormSums,
  ): void;
  /** dx = (g · weight − center) · rstd − shift − (x − mean) · slope */
  gradRuns(
    dx: FloatArray,
    g: FloatArray,
    x: FloatArray,
    first: number,
    end: number,
    layout: NormLayout,
    statistics: NormStatistics,
    weight: Float64Array,
    slopes: NormSlopes,
  ): void;
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
  /** dotRuns and gradRuns in one; dx may be null. */
  backwardRows(
    dx: FloatArray | null,
    g: FloatArray,
    x: FloatArray,
    layout: NormLayout,
    centered: boolean,
    statistics: NormStatistics,
    weight: FloatArray,
    sums: Pick<NormSums, "gradWeight" | "gradBias">,
  ): void;
}
