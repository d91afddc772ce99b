/** Sets that the scratch does not hold, such as the channels of a large batch: every pass copies them again, in pieces. */
import type { FloatArray } from "../floatArray.ts";
import type { NormLayout, NormOptions, NormStatistics } from "../normLayout.ts";
import { emptyStatistics, rsqrtOrZero } from "../normMoments.ts";
import type { NormExports } from "./normModule.ts";
import { CELLS, CHUNK_BYTES, GRAD_OUTPUT, SUMS } from "./normScratch.ts";

/** The first guess of a mean is that of so many cells. */
const HEAD = 64;

export interface LargeSetKernels<Kernels = NormExports> {
  readonly kernels: Kernels;
  readonly cells: FloatArray;
  readonly float64: Float64Array;
  readonly bytes: number;
}

/** Calls `visit` for pieces of the set's runs that fit in a chunk. */
export function forEachPiece(
  { repeats, sets, length, period, run }: NormLayout,
  set: number,
  most: number,
  visit: (start: number, count: number, parameter: number) => void,
): void {
  const perSet = length / run;
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (let i = 0; i < perSet; i++) {
      const first = (repeat * sets + set) * length + i * run;
      for (let at = 0; at < run; at += most) visit(first + at, Math.min(most, run - at), (set % period) * perSet + i);
    }
  }
}

/** Statistics of set s, as in normStatistics.ts: about a mean that is guessed, and about a better one if the sums say so. */
export function measureLargeSet(
  { kernels, cells, float64, bytes }: LargeSetKernels<Pick<NormExports, "deviations">>,
  x: FloatArray,
  layout: NormLayout,
  s: number,
  { eps, centered }: NormOptions,
  saved: NormStatistics,
): void {
  const n = layout.repeats * layout.length;
  const round = bytes === 4 ? Math.fround : Number;
  const start = s * layout.length;
  let mean = centered ? x[start]! : 0;
  let correction = 0;
  let variance = 0;
  const measure = (): void => {
    let sum = 0;
    let squares = 0;
    forEachPiece(layout, s, CHUNK_BYTES / bytes, (start, count) => {
      cells.set(x.subarray(start, start + count), CELLS / bytes);
      kernels.deviations(CELLS, count, mean, 1, 0);
      sum += float64[SUMS / 8]!;
      squares += float64[SUMS / 8 + 1]!;
    });
    correction = centered ? sum / n : 0;
    variance = Math.max(0, squares / n - correction * correction);
  };
  if (centered) {
    const head = Math.min(HEAD, layout.length);
    cells.set(x.subarray(start, start + head), CELLS / bytes);
    kernels.deviations(CELLS, head, mean, 1, 0);
    mean = round(mean + float64[SUMS / 8]! / head);
  }
  measure();
  if (correction * correction > variance / 4) {
    mean = round(mean + correction);
    measure();
  }
  saved.mean[s] = mean;
  saved.correction[s] = correction;
  saved.variance[s] = variance;
  saved.rstd[s] = rsqrtOrZero(variance + eps);
}

/** As normForward. The statistics may be too large or small for float32 arithmetic: see normStatistics.ts. */
export function forwardLargeSets(
  plan: LargeSetKernels,
  output: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): NormStatistics {
  const { kernels, cells, bytes } = plan;
  const saved = emptyStatistics(layout.sets);
  const most = CHUNK_BYTES / bytes;
  for (let s = 0; s < layout.sets; s++) {
    measureLargeSet(plan, x, layout, s, options, saved);
    const [mean, correction, rstd] = [saved.mean[s]!, saved.correction[s]!, saved.rstd[s]!];
    forEachPiece(layout, s, most, (start, count, parameter) => {
      const scale = rstd * (weight === null ? 1 : weight[parameter]!);
      const shift = (bias === null ? 0 : bias[parameter]!) - correction * scale;
      cells.set(x.subarray(start, start + count), CELLS / bytes);
      kernels.affine(CELLS, count, mean, scale, shift);
      output.set(cells.subarray(CELLS / bytes, CELLS / bytes + count), start);
    });
  }
  return saved;
}

/** As normBackward. */
export function backwardLargeSets(
  { kernels, cells, float64, bytes }: LargeSetKernels,
  gradInput: FloatArray | null,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  centered: boolean,
): { readonly gradWeight: Float64Array; readonly gradBias: Float64Array } {
  const { repeats, sets, length, period, run } = layout;
  const gradWeight = new Float64Array((period * length) / run);
  const gradBias = new Float64Array((period * length) / run);
  const n = repeats * length;
  const most = CHUNK_BYTES / bytes;
  const copyIn = (start: number, count: number): void => {
    cells.set(x.subarray(start, start + count), CELLS / bytes);
    cells.set(gradOutput.subarray(start, start + count), GRAD_OUTPUT / bytes);
  };
  for (let s = 0; s < sets; s++) {
    const mean = bytes === 4 ? Math.fround(saved.mean[s]!) : saved.mean[s]!;
    const correction = saved.mean[s]! - mean + saved.correction[s]!;
    const rstd = saved.rstd[s]!;
    let viaMean = 0;
    let viaRstd = 0;
    forEachPiece(layout, s, most, (start, count, parameter) => {
      copyIn(start, count);
      kernels.dots(CELLS, count, mean, 1, 0);
      const sum = float64[SUMS / 8]!;
      const product = rstd * (float64[SUMS / 8 + 1]! - correction * sum);
      const w = weight === null ? 1 : weight[parameter]!;
      viaMean += w * sum;
      viaRstd += w * product;
      gradBias[parameter]! += sum;
      gradWeight[parameter]! += product;
    });
    if (gradInput === null) continue;
    const slope = (-rstd * viaRstd) / n;
    const shift = centered ? -viaMean / n - slope * correction : 0;
    forEachPiece(layout, s, most, (start, count, parameter) => {
      copyIn(start, count);
      kernels.gradient(CELLS, count, mean, rstd, slope, shift, weight === null ? 1 : weight[parameter]!);
      gradInput.set(cells.subarray(CELLS / bytes, CELLS / bytes + count), start);
    });
  }
  return { gradWeight, gradBias };
}
