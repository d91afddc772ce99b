/**
 * The loops for an array, and the statistics they fill: means in two parts, biased variances, in float64.
 *
 * With K the first cell of a set, m = K + Σ (x − K) / n, which makes the mean of equal cells exact; then Σ (x − m) / n is what
 * rounding has left of the mean, and Σ (x − m)² / n less its square the variance. Not centered: 0 and the mean square.
 */
import type { FloatArray } from "./floatArray.ts";
import type { NormLayout, NormLoops, NormOptions, NormStatistics } from "./normLayout.ts";
import * as columns32 from "./normColumnsFloat32.ts";
import * as columns64 from "./normColumnsFloat64.ts";
import * as rows32 from "./normRowsFloat32.ts";
import * as rows64 from "./normRowsFloat64.ts";
import * as runs32 from "./normRunsFloat32.ts";
import * as runs64 from "./normRunsFloat64.ts";
import * as small32 from "./normSmallFloat32.ts";
import * as small64 from "./normSmallFloat64.ts";

const others32 = { ...rows32, ...small32, allocate: (n: number) => new Float32Array(n) };
const others64 = { ...rows64, ...small64, allocate: (n: number) => new Float64Array(n) };
const columnLoops: Readonly<Record<"float32" | "float64", NormLoops>> = {
  float32: { ...columns32, ...others32 },
  float64: { ...columns64, ...others64 },
};
const runLoops: Readonly<Record<"float32" | "float64", NormLoops>> = {
  float32: { ...runs32, ...others32 },
  float64: { ...runs64, ...others64 },
};

/** Those for arrays like x, and for sets of this length. */
export function loopsFor(x: FloatArray, { length }: NormLayout): NormLoops {
  return (length === 1 ? columnLoops : runLoops)[x instanceof Float32Array ? "float32" : "float64"];
}

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

/** Whether the cells of a set lie side by side and are so few that a set is not worth loops of its own. */
export function isSmall({ repeats, length }: NormLayout): boolean {
  return repeats === 1 && length < 16;
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
      loopsFor(x, layout).momentsSmall(x, 0, layout.sets, layout, options, statistics);
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
