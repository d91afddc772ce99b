/**
 * The norms of rows, of which every cell has a weight and a bias of its own: LayerNorm and RMSNorm. As norm.ts, of which it is a
 * part, but alone: a page that has no other norm is spared the rest.
 */
import type { FloatArray } from "../floatArray.ts";
import * as typescript from "../norm.ts";
import type { NormGradients, NormLayout, NormNeeds, NormOptions, NormStatistics } from "../normLayout.ts";
import { emptyStatistics } from "../normMoments.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import { instantiate, lazily } from "./memory.ts";
import { rowNormModule } from "./normModule.ts";
import type { RowNormExports } from "./normModule.ts";
import {
  BIAS,
  CELLS,
  CHUNK_BYTES,
  GRAD_BIAS,
  GRAD_OUTPUT,
  GRAD_WEIGHT,
  MAX_SETS,
  SAVED,
  WEIGHT,
} from "./normScratch.ts";
import { allocateLike, hasUnusual, inCells, readStatistics, writeStatistics } from "./savedStatistics.ts";

const float32Kernels = lazily(() => instantiate<RowNormExports>(rowNormModule(float32Lanes)));
const float64Kernels = lazily(() => instantiate<RowNormExports>(rowNormModule(float64Lanes)));

/** Fewer cells, and shorter rows, gain nothing. */
const FEWEST_CELLS = 512;
const SHORTEST_ROW = 8;

/** How a call is cut into chunks of whole rows. */
interface Plan {
  readonly kernels: RowNormExports;
  readonly cells: FloatArray;
  readonly float64: Float64Array;
  /** Bytes of a cell. */
  readonly bytes: number;
  /** Rows of a chunk. */
  readonly together: number;
}

function planFor(x: FloatArray, { sets, length, period }: NormLayout): Plan | null {
  const bytes = x.BYTES_PER_ELEMENT;
  if (x.length < FEWEST_CELLS || length < SHORTEST_ROW || length * bytes > CHUNK_BYTES || period !== 1) return null;
  const instance = bytes === 4 ? float32Kernels() : float64Kernels();
  if (instance === null) return null;
  // Chunks of x and of its gradient that stay in the L2 cache together.
  const most = Math.floor(CHUNK_BYTES / 2 / bytes / length);
  const { exports: kernels, float32, float64 } = instance;
  const together = Math.min(sets, MAX_SETS, Math.max(most, 1));
  return { kernels, cells: bytes === 4 ? float32 : float64, float64, bytes, together };
}

export function rowNormForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  const plan = planFor(x, layout);
  if (plan === null) return typescript.normForward(x, weight, bias, layout, options);
  const { kernels, cells, float64, bytes, together } = plan;
  const { sets, length } = layout;
  const output = allocateLike(x);
  const saved = emptyStatistics(sets);
  writeParameters(plan, WEIGHT, length, weight, 1);
  writeParameters(plan, BIAS, length, bias, 0);
  const start = CELLS / bytes;
  let unusual = 0;
  for (let first = 0; first < sets; first += together) {
    const count = Math.min(together, sets - first);
    cells.set(rowsOf(x, length, first, count), start);
    unusual |= kernels.forwardRows(CELLS, SAVED, count, length, options.eps, options.centered ? 1 : 0);
    output.set(cells.subarray(start, start + count * length), first * length);
    readStatistics(float64, saved, first, count);
  }
  // float64 bears them, and gives what the formula gives.
  if (unusual !== 0 && bytes === 4) return typescript.normForward(x, weight, bias, layout, options);
  return { output, saved };
}

export function rowNormBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  options: Pick<NormOptions, "centered">,
): NormGradients {
  const plan = planFor(x, layout);
  if (plan === null || (plan.bytes === 4 && hasUnusual(saved.rstd))) {
    return typescript.normBackward(gradOutput, x, weight, saved, layout, needs, options);
  }
  const { kernels, cells, float64, bytes, together } = plan;
  const { sets, length } = layout;
  const gradInput = needs.gradInput ? allocateLike(x) : null;
  writeParameters(plan, WEIGHT, length, weight, 1);
  float64.fill(0, GRAD_BIAS / 8, GRAD_BIAS / 8 + length);
  float64.fill(0, GRAD_WEIGHT / 8, GRAD_WEIGHT / 8 + length);
  const start = CELLS / bytes;
  for (let first = 0; first < sets; first += together) {
    const count = Math.min(together, sets - first);
    cells.set(rowsOf(x, length, first, count), start);
    cells.set(rowsOf(gradOutput, length, first, count), GRAD_OUTPUT / bytes);
    writeStatistics(float64, saved, first, count, bytes);
    kernels.backwardRows(CELLS, SAVED, count, length, options.centered ? 1 : 0);
    gradInput?.set(cells.subarray(start, start + count * length), first * length);
  }
  const sums = (place: number): FloatArray => inCells(bytes, float64.subarray(place / 8, place / 8 + length));
  return {
    gradInput,
    gradWeight: needs.gradWeight ? sums(GRAD_WEIGHT) : null,
    gradBias: needs.gradBias ? sums(GRAD_BIAS) : null,
  };
}

function writeParameters(
  { cells, bytes }: Plan,
  place: number,
  length: number,
  values: FloatArray | null,
  otherwise: number,
): void {
  if (values === null) cells.fill(otherwise, place / bytes, place / bytes + length);
  else cells.set(values, place / bytes);
}

function rowsOf(x: FloatArray, length: number, first: number, count: number): FloatArray {
  return count * length === x.length ? x : x.subarray(first * length, (first + count) * length);
}
