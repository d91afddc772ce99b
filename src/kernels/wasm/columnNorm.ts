/** BatchNorm of [N, C] and of few positions: a set is a few columns of a matrix (columns.ts). */
import type { FloatArray } from "../floatArray.ts";
import type { NormGradients, NormLayout, NormNeeds, NormOptions, NormStatistics } from "../normLayout.ts";
import { emptyStatistics, rsqrtOrZero } from "../normMoments.ts";
import { columnsOf, spread, sumOfSet, walk } from "./columns.ts";
import type { Columns } from "./columns.ts";
import { BLOCK_ROWS, COLUMN_PRODUCTS, COLUMN_SUMS, MEANS, RSTDS, SCALES, SHIFTS, SLOPES } from "./normColumns.ts";
import { CELLS, GRAD_OUTPUT } from "./normScratch.ts";
import { allocateLike, hasUnusual, inCells } from "./savedStatistics.ts";

/** Runs of so many cells have faster kernels of their own (normRuns.ts), but in large batches, whose runs lie far apart. */
const LONG_RUN = 16;
const LARGE_BATCH = 64;

function columnsFor(x: FloatArray, layout: NormLayout): readonly Columns[] | null {
  return layout.run >= LONG_RUN && layout.repeats < LARGE_BATCH ? null : columnsOf(x, layout);
}

/** As normForward; null where another kernel is to be called. */
export function columnForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } | null {
  const all = columnsFor(x, layout);
  if (all === null) return null;
  const { length, period, run } = layout;
  const output = allocateLike(x);
  const saved = emptyStatistics(layout.sets);
  for (const columns of all) {
    measure(columns, x, options, saved);
    const { cells, bytes, first, sets } = columns;
    for (let k = 0, at = 0; k < sets; k++) {
      const rstd = saved.rstd[first + k]!;
      const correction = saved.correction[first + k]!;
      for (let l = 0, p = ((first + k) % period) * (length / run); l < length; p++) {
        const scale = weight === null ? rstd : rstd * weight[p]!;
        const shift = (bias === null ? 0 : bias[p]!) - correction * scale;
        for (const end = l + run; l < end; l++, at++) {
          cells[SCALES / bytes + at] = scale;
          cells[SHIFTS / bytes + at] = shift;
        }
      }
    }
    walk(columns, "columnAffine", [[CELLS, x]], { copied: true, output });
  }
  if (x instanceof Float32Array && hasUnusual(saved.rstd)) return null;
  return { output, saved };
}

/** As in normStatistics.ts: about a first guess of the mean, and again if the sums say that it was a bad one. */
function measure(columns: Columns, x: FloatArray, { eps, centered }: NormOptions, saved: NormStatistics): void {
  const { layout, first, sets } = columns;
  const { mean, correction, variance, rstd } = saved;
  const n = layout.repeats * layout.length;
  const round = columns.bytes === 4 ? Math.fround : Number;
  const sums = (rows: number, copied: boolean): void => {
    spread(columns, MEANS, mean);
    walk(columns, "columnDeviations", [[CELLS, x]], { rows, copied });
  };
  const about = (copied: boolean): boolean => {
    sums(layout.repeats, copied);
    let good = true;
    for (let k = 0; k < sets; k++) {
      const rest = centered ? sumOfSet(columns, COLUMN_SUMS, k) / n : 0;
      const v = Math.max(0, sumOfSet(columns, COLUMN_PRODUCTS, k) / n - rest * rest);
      if (rest * rest > v / 4) good = false;
      correction[first + k] = rest;
      variance[first + k] = v;
      rstd[first + k] = rsqrtOrZero(v + eps);
    }
    return good;
  };
  const correct = (rows: number): void => {
    for (let k = 0; k < sets; k++) {
      mean[first + k] = round(mean[first + k]! + sumOfSet(columns, COLUMN_SUMS, k) / (rows * layout.length));
    }
  };
  const head = Math.min(layout.repeats, BLOCK_ROWS);
  if (centered) for (let k = 0; k < sets; k++) mean[first + k] = x[(first + k) * layout.length]!;
  sums(head, false);
  if (centered) correct(head);
  if (about(head === layout.repeats)) return;
  correct(layout.repeats);
  about(true);
}

/** As normBackward; null where another kernel is to be called. */
export function columnBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  { centered }: Pick<NormOptions, "centered">,
): NormGradients | null {
  const all = columnsFor(x, layout);
  if (all === null || (x instanceof Float32Array && hasUnusual(saved.rstd))) return null;
  const { repeats, length, period, run } = layout;
  const gradInput = needs.gradInput ? allocateLike(x) : null;
  const gradWeight = new Float64Array(period * (length / run));
  const gradBias = new Float64Array(period * (length / run));
  const n = repeats * length;
  for (const columns of all) {
    const { cells, bytes, float64, first, sets } = columns;
    const inputs = [
      [CELLS, x],
      [GRAD_OUTPUT, gradOutput],
    ] as const;
    spread(columns, MEANS, saved.mean);
    walk(columns, "columnDots", inputs);
    spread(columns, RSTDS, saved.rstd);
    for (let k = 0, at = 0; k < sets; k++) {
      const rstd = saved.rstd[first + k]!;
      const mean = saved.mean[first + k]!;
      const correction = mean - (bytes === 4 ? Math.fround(mean) : mean) + saved.correction[first + k]!;
      let viaMean = 0;
      let viaRstd = 0;
      for (let l = 0, p = ((first + k) % period) * (length / run); l < length; p++) {
        const w = weight === null ? 1 : weight[p]!;
        for (const end = l + run; l < end; l++, at++) {
          const sum = float64[COLUMN_SUMS / 8 + at]!;
          const product = rstd * (float64[COLUMN_PRODUCTS / 8 + at]! - correction * sum);
          gradBias[p]! += sum;
          gradWeight[p]! += product;
          viaMean += w * sum;
          viaRstd += w * product;
          cells[SCALES / bytes + at] = w;
        }
      }
      const slope = (-rstd * viaRstd) / n;
      const shift = (centered ? -viaMean / n : 0) - slope * correction;
      for (let c = at - length; c < at; c++) {
        cells[SLOPES / bytes + c] = slope;
        cells[SHIFTS / bytes + c] = shift;
      }
    }
    if (gradInput === null) continue;
    walk(columns, "columnGradient", inputs, { copied: true, output: gradInput });
  }
  return {
    gradInput,
    gradWeight: needs.gradWeight ? inCells(x.BYTES_PER_ELEMENT, gradWeight) : null,
    gradBias: needs.gradBias ? inCells(x.BYTES_PER_ELEMENT, gradBias) : null,
  };
}
