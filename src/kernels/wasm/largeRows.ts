/** Rows that the scratch does not hold: every pass copies them again, in pieces. */
import type { FloatArray } from "../floatArray.ts";
import type { NormLayout, NormOptions, NormStatistics } from "../normLayout.ts";
import { emptyStatistics } from "../normMoments.ts";
import { measureLargeSet } from "./normLargeSets.ts";
import type { LargeSetKernels } from "./normLargeSets.ts";
import type { RowNormExports } from "./normModule.ts";
import {
  BIAS,
  CELLS,
  CHUNK_BYTES,
  GRAD_BIAS,
  GRAD_OUTPUT,
  GRAD_WEIGHT,
  PARTIAL_SUMS,
  SAVED,
  WEIGHT,
} from "./normScratch.ts";
import { allocateLike, writeStatistics } from "./savedStatistics.ts";

/** So that x, both gradients and the float64 sums of parameters stay in the L2 cache together. */
const PIECE_BYTES: number = CHUNK_BYTES / 8;

type Kernels = LargeSetKernels<RowNormExports>;

/** Calls `visit` for pieces of a row. */
function forEachPiece(length: number, bytes: number, visit: (from: number, to: number) => void): void {
  const most = PIECE_BYTES / bytes;
  for (let from = 0; from < length; from += most) visit(from, Math.min(from + most, length));
}

function write(
  { cells, bytes }: Kernels,
  place: number,
  values: FloatArray | null,
  from: number,
  to: number,
  otherwise = 1,
): void {
  if (values === null) cells.fill(otherwise, place / bytes, place / bytes + to - from);
  else cells.set(values.subarray(from, to), place / bytes);
}

/** As normForward. The statistics may be too large or small for float32 arithmetic: see normStatistics.ts. */
export function forwardLargeRows(
  plan: Kernels,
  output: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): NormStatistics {
  const { kernels, cells, bytes } = plan;
  const { sets, length } = layout;
  const saved = emptyStatistics(sets);
  const { mean, correction, rstd } = saved;
  for (let s = 0; s < sets; s++) {
    measureLargeSet(plan, x, { ...layout, run: length }, s, options, saved);
    forEachPiece(length, bytes, (from, to) => {
      write(plan, CELLS, x, s * length + from, s * length + to);
      write(plan, WEIGHT, weight, from, to);
      write(plan, BIAS, bias, from, to, 0);
      kernels.affineCells(CELLS, to - from, mean[s]!, rstd[s]!, -correction[s]! * rstd[s]!, 0);
      output.set(cells.subarray(CELLS / bytes, CELLS / bytes + to - from), s * length + from);
    });
  }
  return saved;
}

/** As normBackward. */
export function backwardLargeRows(
  plan: Kernels,
  gradInput: FloatArray | null,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  { sets, length }: NormLayout,
  centered: boolean,
): { readonly gradWeight: FloatArray; readonly gradBias: FloatArray } {
  const { kernels, cells, float64, bytes } = plan;
  const [gradWeight, gradBias] = [allocateLike(x, length), allocateLike(x, length)];
  const [viaMean, viaRstd] = [new Float64Array(sets), new Float64Array(sets)];
  const copyIn = (s: number, from: number, to: number): void => {
    write(plan, CELLS, x, s * length + from, s * length + to);
    write(plan, GRAD_OUTPUT, gradOutput, s * length + from, s * length + to);
  };
  forEachPiece(length, bytes, (from, to) => {
    write(plan, WEIGHT, weight, from, to);
    for (const place of [GRAD_BIAS / 8, GRAD_WEIGHT / 8]) float64.fill(0, place, place + to - from);
    for (let s = 0; s < sets; s++) {
      copyIn(s, from, to);
      writeStatistics(float64, saved, s, 1, bytes);
      kernels.backward1(CELLS, SAVED, to - from, 0, 0, 0);
      const sums = PARTIAL_SUMS / 8;
      viaMean[s]! += float64[sums]! + float64[sums + 1]!;
      viaRstd[s]! += float64[sums + 2]! + float64[sums + 3]!;
    }
    gradBias.set(float64.subarray(GRAD_BIAS / 8, GRAD_BIAS / 8 + to - from), from);
    gradWeight.set(float64.subarray(GRAD_WEIGHT / 8, GRAD_WEIGHT / 8 + to - from), from);
  });
  if (gradInput === null) return { gradWeight, gradBias };
  for (let s = 0; s < sets; s++) {
    const rstd = saved.rstd[s]!;
    const mean = bytes === 4 ? Math.fround(saved.mean[s]!) : saved.mean[s]!;
    const slope = (-rstd * viaRstd[s]!) / length;
    const shift = (centered ? -viaMean[s]! / length : 0) - slope * (saved.mean[s]! - mean + saved.correction[s]!);
    forEachPiece(length, bytes, (from, to) => {
      copyIn(s, from, to);
      write(plan, WEIGHT, weight, from, to);
      kernels.gradientCells(CELLS, to - from, mean, rstd, slope, shift, 0);
      gradInput.set(cells.subarray(CELLS / bytes, CELLS / bytes + to - from), s * length + from);
    });
  }
  return { gradWeight, gradBias };
}
