/** Norms by statistics that are given, such as BatchNorm's running ones: normalizeForward and normalizeBackward of ../norm.ts. */
import type { FloatArray } from "../floatArray.ts";
import * as typescript from "../norm.ts";
import type { NormGradients, NormLayout, NormNeeds, NormStatistics } from "../normLayout.ts";
import { columnsOf, spread, walk } from "./columns.ts";
import { normKernels } from "./norm.ts";
import { COLUMN_PRODUCTS, COLUMN_SUMS, MEANS, SCALES, SHIFTS } from "./normColumns.ts";
import { CELLS, CHUNK_BYTES, GRAD_OUTPUT, SUMS } from "./normScratch.ts";
import { allocateLike, hasUnusual, inCells } from "./savedStatistics.ts";

/** Fewer cells gain nothing, nor do short runs that are copied one by one. */
const FEWEST_CELLS = 512;
const SHORTEST_PIECE = 192;

/** Coefficients of a run: y = (x − mean) · scale + shift. */
interface Affine {
  readonly mean: Float64Array;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** [mean as cells hold it, the rest of it]. */
function meanOf(statistics: NormStatistics, s: number, bytes: number): readonly [number, number] {
  const mean = statistics.mean[s]!;
  const rounded = bytes === 4 ? Math.fround(mean) : mean;
  return [rounded, mean - rounded + statistics.correction[s]!];
}

/** Whether a call is for these kernels: sets are channels, and their runs lie side by side. */
function fits(x: FloatArray, { sets, length, period, run }: NormLayout, { rstd }: NormStatistics): boolean {
  if (x.length < FEWEST_CELLS || length !== run || period !== sets) return false;
  return x.BYTES_PER_ELEMENT === 8 || !hasUnusual(rstd);
}

export function normalizeForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  statistics: NormStatistics,
  layout: NormLayout,
): FloatArray {
  const { sets } = layout;
  if (fits(x, layout, statistics)) {
    const affine = { mean: new Float64Array(sets), scale: new Float64Array(sets), shift: new Float64Array(sets) };
    for (let s = 0; s < sets; s++) {
      const [mean, rest] = meanOf(statistics, s, x.BYTES_PER_ELEMENT);
      affine.mean[s] = mean;
      affine.scale[s] = statistics.rstd[s]! * (weight === null ? 1 : weight[s]!);
      affine.shift[s] = (bias === null ? 0 : bias[s]!) - rest * affine.scale[s]!;
    }
    const output = scale(x, affine, layout);
    if (output !== null) return output;
  }
  return typescript.normalizeForward(x, weight, bias, statistics, layout);
}

export function normalizeBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  statistics: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
): NormGradients {
  const sums = fits(x, layout, statistics) ? sumsOf(gradOutput, x, statistics, layout, needs) : null;
  if (sums === null) return typescript.normalizeBackward(gradOutput, x, weight, statistics, layout, needs);
  const zeros = new Float64Array(layout.sets);
  const slopes = statistics.rstd.map((rstd, s) => rstd * (weight === null ? 1 : weight[s]!));
  return {
    gradInput: needs.gradInput ? scale(gradOutput, { mean: zeros, scale: slopes, shift: zeros }, layout) : null,
    gradWeight: needs.gradWeight ? inCells(x.BYTES_PER_ELEMENT, sums.gradWeight) : null,
    gradBias: needs.gradBias ? inCells(x.BYTES_PER_ELEMENT, sums.gradBias) : null,
  };
}

/** null where there are no kernels. */
function scale(x: FloatArray, { mean, scale: scales, shift }: Affine, layout: NormLayout): FloatArray | null {
  const columns = columnsOf(x, layout);
  const output = allocateLike(x);
  for (const some of columns ?? []) {
    spread(some, MEANS, mean);
    spread(some, SCALES, scales);
    spread(some, SHIFTS, shift);
    walk(some, "columnAffine", [[CELLS, x]], { output });
  }
  if (columns !== null) return output;
  const found = normKernels(x);
  if (found === null || layout.run < SHORTEST_PIECE) return null;
  const { kernels, cells, bytes } = found;
  forEachPiece(x, layout, (start, count, s) => {
    cells.set(x.subarray(start, start + count), CELLS / bytes);
    kernels.affine(CELLS, count, mean[s]!, scales[s]!, shift[s]!);
    output.set(cells.subarray(CELLS / bytes, CELLS / bytes + count), start);
  });
  return output;
}

/** Σ g · x̂ and Σ g of each channel; zeros where neither is needed, and null where there are no kernels. */
function sumsOf(
  gradOutput: FloatArray,
  x: FloatArray,
  statistics: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
): { readonly gradWeight: Float64Array; readonly gradBias: Float64Array } | null {
  const { sets, length } = layout;
  const [gradWeight, gradBias] = [new Float64Array(sets), new Float64Array(sets)];
  const columns = columnsOf(x, layout);
  const found = normKernels(x);
  if (found === null || (columns === null && layout.run < SHORTEST_PIECE)) return null;
  if (!needs.gradWeight && !needs.gradBias) return { gradWeight, gradBias };
  const { kernels, cells, float64, bytes } = found;
  const add = (s: number, sum: number, product: number): void => {
    gradBias[s]! += sum;
    gradWeight[s]! += statistics.rstd[s]! * (product - meanOf(statistics, s, bytes)[1] * sum);
  };
  for (const some of columns ?? []) {
    spread(some, MEANS, statistics.mean);
    walk(some, "columnDots", [
      [CELLS, x],
      [GRAD_OUTPUT, gradOutput],
    ]);
    for (let i = 0; i < some.sets * length; i++) {
      add(some.first + Math.floor(i / length), float64[COLUMN_SUMS / 8 + i]!, float64[COLUMN_PRODUCTS / 8 + i]!);
    }
  }
  if (columns !== null) return { gradWeight, gradBias };
  forEachPiece(x, layout, (start, count, s) => {
    cells.set(x.subarray(start, start + count), CELLS / bytes);
    cells.set(gradOutput.subarray(start, start + count), GRAD_OUTPUT / bytes);
    kernels.dots(CELLS, count, meanOf(statistics, s, bytes)[0], 1, 0);
    add(s, float64[SUMS / 8]!, float64[SUMS / 8 + 1]!);
  });
  return { gradWeight, gradBias };
}

function forEachPiece(
  x: FloatArray,
  { sets, run }: NormLayout,
  visit: (start: number, count: number, set: number) => void,
): void {
  const most = CHUNK_BYTES / x.BYTES_PER_ELEMENT;
  for (let start = 0, s = 0; start < x.length; start += run, s = s + 1 === sets ? 0 : s + 1) {
    for (let at = 0; at < run; at += most) visit(start + at, Math.min(most, run - at), s);
  }
}
