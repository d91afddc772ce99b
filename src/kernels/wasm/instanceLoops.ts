/** The loops over x of SwitchableNorm, for all instances: chunks of whole ones, or pieces of one that the scratch does not hold. */
import type { FloatArray } from "../floatArray.ts";
import type { NormLayout, NormStatistics } from "../normLayout.ts";
import { loopsFor } from "../normRunLoops.ts";
import type { InstanceLoops } from "../switchableNorm.ts";
import { unitOf } from "../switchableStatistics.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { instantiate, lazily } from "./memory.ts";
import { DOT, instanceModule, SCALE, SHIFT, SLOPE, SUM } from "./normInstances.ts";
import type { InstanceExports } from "./normInstances.ts";
import { measureLargeSet } from "./normLargeSets.ts";
import { CELLS, CHUNK_BYTES, GRAD_OUTPUT, MAX_SETS, MEAN, SAVED } from "./normScratch.ts";
import { readStatistics } from "./savedStatistics.ts";

const kernelsOf = (lanes: Lanes) => (): ReturnType<typeof instantiate<InstanceExports>> =>
  instantiate<InstanceExports>(instanceModule(lanes));
const float32Kernels = /* @__PURE__ */ lazily(/* @__PURE__ */ kernelsOf(float32Lanes));
const float64Kernels = /* @__PURE__ */ lazily(/* @__PURE__ */ kernelsOf(float64Lanes));

/** float32 arithmetic bears coefficients up to this. */
const USUAL_HIGH = 1e30;

/** What is written to a larger float64 array is copied from a cache that it does not fit in: as slow as the arithmetic in TypeScript. */
const LARGE_BYTES: number = 2 ** 23;
const isSlow = (x: FloatArray): boolean => x.BYTES_PER_ELEMENT === 8 && x.length * 8 > LARGE_BYTES;

type Tables = readonly (readonly [place: number, values: Float64Array])[];

/** For one forward or one backward of an array like this; null where there are no kernels. */
export function instanceLoops(like: FloatArray): InstanceLoops | null {
  const instance = like instanceof Float32Array ? float32Kernels() : float64Kernels();
  if (instance === null) return null;
  const { exports: kernels, float32, float64 } = instance;
  const bytes = like.BYTES_PER_ELEMENT;
  const cells = bytes === 4 ? float32 : float64;
  /** Cells of a chunk at most: smaller ones gain nothing. */
  const most = CHUNK_BYTES / bytes;
  /** Whether all cells are in the scratch from the pass before. */
  let copied = false;

  /** Runs a pass on all instances, with coefficients of each. */
  const walk = (
    pass: Exclude<keyof InstanceExports, "deviations">,
    { sets, length }: NormLayout,
    inputs: readonly (readonly [place: number, from: FloatArray])[],
    coefficients: Tables,
    parameter: number,
    visit: (first: number, count: number, start: number, size: number) => void,
  ): void => {
    const together = Math.max(1, Math.min(MAX_SETS, Math.floor(most / length)));
    for (let first = 0; first < sets; first += together) {
      const count = Math.min(together, sets - first);
      for (const [place, values] of coefficients) {
        float64.set(values.subarray(first, first + count), (SAVED + place) / 8);
      }
      const end = (first + count) * length;
      for (let start = first * length; start < end; start += most) {
        const size = Math.min(most, end - start);
        for (const [place, from] of copied ? [] : inputs) cells.set(from.subarray(start, start + size), place / bytes);
        copied = size === sets * length;
        kernels[pass](count, Math.min(length, size), parameter);
        visit(first, count, start, size);
      }
    }
  };
  const copyOut =
    (to: FloatArray) =>
    (_first: number, _count: number, start: number, size: number): void =>
      to.set(cells.subarray(CELLS / bytes, CELLS / bytes + size), start);

  return {
    moments: (x, _first, _end, layout, options, statistics) => {
      if (layout.length > most) {
        const plan = { kernels, cells, float64, bytes };
        for (let s = 0; s < layout.sets; s++) measureLargeSet(plan, x, layout, s, options, statistics);
        return;
      }
      walk("momentSets", layout, [[CELLS, x]], [], options.eps, (first, count) =>
        readStatistics(float64, statistics, first, count),
      );
    },

    scaleRuns: (y, x, first, end, layout, statistics, weight, bias) => {
      if (isSlow(x)) {
        loopsFor(x, layout).scaleRuns(y, x, first, end, layout, statistics, weight, bias);
        return;
      }
      const { mean, rest } = split(statistics, bytes);
      const scale = new Float64Array(layout.sets);
      const shift = new Float64Array(layout.sets);
      for (let i = 0, c = 0; i < layout.sets; i++, c = c + 1 === layout.period ? 0 : c + 1) {
        scale[i] = statistics.rstd[i]! * weight[c]!;
        shift[i] = bias[c]! - rest[i]! * scale[i]!;
      }
      const coefficients: Tables = [
        [MEAN, mean],
        [SCALE, scale],
        [SHIFT, shift],
      ];
      walk("affineSets", layout, [[CELLS, x]], coefficients, 0, copyOut(y));
    },

    dotRuns: (g, x, _first, _end, layout, statistics, { sums, dots }) => {
      const { mean, rest } = split(statistics, bytes);
      const inputs = [
        [CELLS, x],
        [GRAD_OUTPUT, g],
      ] as const;
      sums.fill(0);
      dots.fill(0);
      walk("dotSets", layout, inputs, [[MEAN, mean]], 0, (first, count) => {
        for (let i = first, at = SAVED / 8; i < first + count; i++, at++) {
          const sum = float64[at + SUM / 8]!;
          sums[i]! += sum;
          dots[i]! += float64[at + DOT / 8]! - rest[i]! * sum;
        }
      });
    },

    gradRuns: (dx, g, x, first, end, layout, statistics, weight, slopes) => {
      const { mean, rest } = split(statistics, bytes);
      const unit = unitOf(statistics.rstd);
      const scale = new Float64Array(layout.sets);
      const slope = new Float64Array(layout.sets);
      const shift = new Float64Array(layout.sets);
      let largest = 0;
      for (let i = 0, c = 0; i < layout.sets; i++, c = c + 1 === layout.period ? 0 : c + 1) {
        const part = statistics.rstd[i]! / unit; // at most 1: products with it fit a number
        scale[i] = weight[c]! * part;
        slope[i] = -slopes.slope[i]! * part;
        shift[i] = -slopes.center[i]! * part - slopes.shift[i]! / unit - rest[i]! * slope[i]!;
        largest = Math.max(largest, Math.abs(slope[i]!), Math.abs(shift[i]!));
      }
      if (isSlow(x) || (bytes === 4 && !(largest <= USUAL_HIGH))) {
        loopsFor(x, layout).gradRuns(dx, g, x, first, end, layout, statistics, weight, slopes);
        return;
      }
      const inputs = [
        [CELLS, x],
        [GRAD_OUTPUT, g],
      ] as const;
      const coefficients: Tables = [
        [MEAN, mean],
        [SCALE, scale],
        [SLOPE, slope],
        [SHIFT, shift],
      ];
      walk("gradientSets", layout, inputs, coefficients, unit, copyOut(dx));
    },
  };
}

/** Means as cells hold them, and the rest of them. */
function split(
  { mean, correction }: NormStatistics,
  bytes: number,
): { readonly mean: Float64Array; readonly rest: Float64Array } {
  if (bytes === 8) return { mean, rest: correction };
  const rounded = new Float64Array(mean.length);
  const rest = new Float64Array(mean.length);
  for (let i = 0; i < mean.length; i++) {
    rounded[i] = Math.fround(mean[i]!);
    rest[i] = mean[i]! - rounded[i]! + correction[i]!;
  }
  return { mean: rounded, rest };
}
