/**
 * Statistics, and the loops that fill them: means in two parts, biased variances, in float64.
 *
 * With K the first cell of a set, m = K + Σ (x − K) / n, which makes the mean of equal cells exact; then Σ (x − m) / n is what
 * rounding has left of the mean, and Σ (x − m)² / n less its square the variance. Not centered: 0 and the mean square.
 */
import type { FloatArray } from "./floatArray.ts";
import type { NormLayout, NormOptions, NormStatistics } from "./normLayout.ts";
import { moments as moments32 } from "./normRunsFloat32.ts";
import { moments as moments64 } from "./normRunsFloat64.ts";

export function emptyStatistics(sets: number): NormStatistics {
  return {
    mean: new Float64Array(sets),
    correction: new Float64Array(sets),
    variance: new Float64Array(sets),
    rstd: new Float64Array(sets),
  };
}

/** Up to about this many cells go through all passes before the next ones do, so that they are still in a cache. */
const BLOCK = 8192;
/** As many cells of a repeat, so that they are whole cache lines. */
const LINES = 64;

/** How many sets that is: a multiple of four, as the loops over rows take them. */
export function setsTogether({ repeats, length }: NormLayout): number {
  return 4 * Math.max(1, Math.floor(BLOCK / (4 * repeats * length)), Math.floor(LINES / (4 * length)));
}

/** Those of sets [first, end). */
export function statisticsFrom(all: NormStatistics, first: number, end: number): NormStatistics {
  if (first === 0) return all;
  return {
    mean: all.mean.subarray(first, end),
    correction: all.correction.subarray(first, end),
    variance: all.variance.subarray(first, end),
    rstd: all.rstd.subarray(first, end),
  };
}

/**
 * Whether sets are so small that they are not worth loops of their own, with their cells equally far from each other and with
 * parameters for all or for each.
 */
export function isSmall({ repeats, length, run }: NormLayout): boolean {
  return repeats * length <= 4 && (repeats === 1 || length === 1) && (run === 1 || run === length);
}

/** Whether sets are single cells, each its own mean. */
export function isSingle({ repeats, length }: NormLayout, { centered }: NormOptions): boolean {
  return repeats === 1 && length === 1 && centered;
}

/** Statistics of a few cells each, computed if they are asked for: they may take more memory than x. */
export class LateStatistics implements NormStatistics {
  readonly eps: number;
  readonly #compute: () => NormStatistics;
  #computed: NormStatistics | null = null;

  constructor(x: FloatArray, layout: NormLayout, options: NormOptions) {
    this.eps = options.eps;
    this.#compute = () => {
      const statistics = emptyStatistics(layout.sets);
      if (x instanceof Float32Array) moments32(x, 0, layout.sets, layout, options, statistics);
      else moments64(x, 0, layout.sets, layout, options, statistics);
      return statistics;
    };
  }

  get #all(): NormStatistics {
    return (this.#computed ??= this.#compute());
  }

  get mean(): Float64Array {
    return this.#all.mean;
  }

  get correction(): Float64Array {
    return this.#all.correction;
  }

  get variance(): Float64Array {
    return this.#all.variance;
  }

  get rstd(): Float64Array {
    return this.#all.rstd;
  }
}

/** Statistics of single cells, which their backward does without. */
export class SingleStatistics extends LateStatistics {
  /** rstd, where x is finite. */
  get root(): number {
    return rsqrtOrZero(this.eps);
  }
}

export function rsqrtOrZero(value: number): number {
  return value === 0 ? 0 : 1 / Math.sqrt(value);
}
