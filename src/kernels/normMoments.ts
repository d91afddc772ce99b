/** The statistics of sets of cells, in float64. */
import type { FloatArray } from "./floatArray.ts";
import type { NormLayout, NormLoops, NormStatistics } from "./normLayout.ts";
import * as columns32 from "./normColumnsFloat32.ts";
import * as columns64 from "./normColumnsFloat64.ts";
import { backwardRows as backwardRows32, scaleRows as scaleRows32 } from "./normRowsFloat32.ts";
import { backwardRows as backwardRows64, scaleRows as scaleRows64 } from "./normRowsFloat64.ts";
import * as runs32 from "./normRunsFloat32.ts";
import * as runs64 from "./normRunsFloat64.ts";

const rows32 = { scaleRows: scaleRows32, backwardRows: backwardRows32, allocate: (n: number) => new Float32Array(n) };
const rows64 = { scaleRows: scaleRows64, backwardRows: backwardRows64, allocate: (n: number) => new Float64Array(n) };
const columnLoops: Readonly<Record<"float32" | "float64", NormLoops>> = {
  float32: { ...columns32, ...rows32 },
  float64: { ...columns64, ...rows64 },
};
const runLoops: Readonly<Record<"float32" | "float64", NormLoops>> = {
  float32: { ...runs32, ...rows32 },
  float64: { ...runs64, ...rows64 },
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

/** How many sets that is: a multiple of four, as the loops over rows take them. */
export function setsTogether({ repeats, length }: NormLayout): number {
  return 4 * Math.max(1, Math.floor(BLOCK / (4 * repeats * length)));
}

/**
 * Means in two parts, and biased variances. With K the first cell of a set, m = K + Σ (x − K) / n, which makes the mean of
 * equal cells exact; then Σ (x − m) / n is what rounding has left of the mean, and Σ (x − m)² / n less its square the
 * variance. Not centered: 0 and the mean square.
 */
export function moments(
  loops: NormLoops,
  x: FloatArray,
  layout: NormLayout,
  statistics: NormStatistics,
  first: number,
  end: number,
  centered: boolean,
): void {
  const { mean, correction, variance } = statistics;
  const n = layout.repeats * layout.length;
  if (centered) {
    loops.sums(x, first, end, layout, statistics);
    for (let s = first; s < end; s++) {
      mean[s]! += correction[s]! / n;
      correction[s] = 0;
    }
  }
  loops.deviations(x, first, end, layout, statistics);
  for (let s = first; s < end; s++) {
    const left = centered ? correction[s]! / n : 0;
    correction[s] = left;
    // Below 0 by rounding only, where all cells are nearly equal.
    variance[s] = Math.max(0, variance[s]! / n - left * left);
  }
}

export function rsqrtOrZero(value: number): number {
  return value === 0 ? 0 : 1 / Math.sqrt(value);
}
