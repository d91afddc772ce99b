/**
 * The norms of rows, of which every cell has a weight and a bias of its own: LayerNorm and RMSNorm. As norm.ts, of which it is a
 * part, but alone: a page that has no other norm is spared the rest.
 */
import type { FloatArray } from "../floatArray.ts";
import type { NormGradients, NormLayout, NormNeeds, NormOptions, NormStatistics } from "../normLayout.ts";
import { emptyStatistics } from "../normMoments.ts";
import * as typescript from "../rowNorm.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import { backwardLargeRows, forwardLargeRows } from "./largeRows.ts";
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
import { shortSetBackward, shortSetForward } from "./shortSetNorm.ts";

const float32Kernels = /* @__PURE__ */ lazily(() => instantiate<RowNormExports>(rowNormModule(float32Lanes)));
const float64Kernels = /* @__PURE__ */ lazily(() => instantiate<RowNormExports>(rowNormModule(float64Lanes)));

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
  /** Cells that have a weight each, and how many of them share it in its array. */
  readonly parameters: number;
  readonly run: number;
  /** Rows of a chunk; 0 if one is larger than a chunk. */
  readonly together: number;
}

function planFor(x: FloatArray, { sets, length, period, run }: NormLayout): Plan | null {
  const bytes = x.BYTES_PER_ELEMENT;
  const parameters = period * length;
  const isLarge = parameters * bytes > CHUNK_BYTES;
  if (x.length < FEWEST_CELLS || length < SHORTEST_ROW || (isLarge && (period > 1 || run > 1))) return null;
  const instance = bytes === 4 ? float32Kernels() : float64Kernels();
  if (instance === null) return null;
  // Chunks of x and of its gradient that stay in the L2 cache together.
  const most = Math.floor(CHUNK_BYTES / 2 / bytes / length);
  const { exports: kernels, float32, float64 } = instance;
  const together = isLarge ? 0 : Math.min(sets, MAX_SETS, Math.max(most, 1));
  return { kernels, cells: bytes === 4 ? float32 : float64, float64, bytes, parameters, run, together };
}

/** `layout` has one repeat, and parameters for runs that are not long; if they are not for cells, `otherwise` must bear it. */
export function rowNormForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
  otherwise: typeof typescript.rowNormForward = typescript.rowNormForward,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  const ofShortSets = shortSetForward(x, weight, bias, layout, options);
  if (ofShortSets !== null) return ofShortSets;
  const plan = planFor(x, layout);
  if (plan === null) return otherwise(x, weight, bias, layout, options);
  const { kernels, cells, float64, bytes, parameters, together } = plan;
  const { sets, length } = layout;
  const output = allocateLike(x);
  if (together === 0) {
    const saved = forwardLargeRows(plan, output, x, weight, bias, layout, options);
    if (bytes === 4 && hasUnusual(saved.rstd)) return otherwise(x, weight, bias, layout, options);
    return { output, saved };
  }
  const saved = emptyStatistics(sets);
  writeParameters(plan, WEIGHT, weight, 1);
  writeParameters(plan, BIAS, bias, 0);
  const start = CELLS / bytes;
  let unusual = 0;
  for (let first = 0; first < sets; first += together) {
    const count = Math.min(together, sets - first);
    cells.set(rowsOf(x, length, first, count), start);
    const parameter = (first * length) % parameters;
    unusual |= kernels.forwardRows(
      CELLS,
      SAVED,
      count,
      length,
      parameter * bytes,
      parameters * bytes,
      options.eps,
      options.centered ? 1 : 0,
    );
    output.set(cells.subarray(start, start + count * length), first * length);
    readStatistics(float64, saved, first, count);
  }
  // float64 bears them, and gives what the formula gives.
  if (unusual !== 0 && bytes === 4) return otherwise(x, weight, bias, layout, options);
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
  otherwise: typeof typescript.rowNormBackward = typescript.rowNormBackward,
): NormGradients {
  const ofShortSets = shortSetBackward(gradOutput, x, weight, saved, layout, needs, options);
  if (ofShortSets !== null) return ofShortSets;
  const plan = planFor(x, layout);
  if (plan === null || (plan.bytes === 4 && hasUnusual(saved.rstd))) {
    return otherwise(gradOutput, x, weight, saved, layout, needs, options);
  }
  const { kernels, cells, float64, bytes, parameters, together } = plan;
  const { sets, length } = layout;
  const gradInput = needs.gradInput ? allocateLike(x) : null;
  if (together === 0) {
    const sums = backwardLargeRows(plan, gradInput, gradOutput, x, weight, saved, layout, options.centered);
    return {
      gradInput,
      gradWeight: needs.gradWeight ? sums.gradWeight : null,
      gradBias: needs.gradBias ? sums.gradBias : null,
    };
  }
  writeParameters(plan, WEIGHT, weight, 1);
  float64.fill(0, GRAD_BIAS / 8, GRAD_BIAS / 8 + parameters);
  float64.fill(0, GRAD_WEIGHT / 8, GRAD_WEIGHT / 8 + parameters);
  const start = CELLS / bytes;
  for (let first = 0; first < sets; first += together) {
    const count = Math.min(together, sets - first);
    cells.set(rowsOf(x, length, first, count), start);
    cells.set(rowsOf(gradOutput, length, first, count), GRAD_OUTPUT / bytes);
    writeStatistics(float64, saved, first, count, bytes);
    const parameter = (first * length) % parameters;
    kernels.backwardRows(CELLS, SAVED, count, length, parameter * bytes, parameters * bytes, options.centered ? 1 : 0);
    gradInput?.set(cells.subarray(start, start + count * length), first * length);
  }
  return {
    gradInput,
    gradWeight: needs.gradWeight ? readSums(plan, GRAD_WEIGHT) : null,
    gradBias: needs.gradBias ? readSums(plan, GRAD_BIAS) : null,
  };
}

function writeParameters(
  { cells, bytes, parameters, run }: Plan,
  place: number,
  values: FloatArray | null,
  otherwise: number,
): void {
  const at = place / bytes;
  if (values === null) cells.fill(otherwise, at, at + parameters);
  else if (run === 1) cells.set(values, at);
  else for (let i = 0; i < parameters; i++) cells[at + i] = values[Math.floor(i / run)]!;
}

function readSums({ float64, bytes, parameters, run }: Plan, place: number): FloatArray {
  const ofCells = float64.subarray(place / 8, place / 8 + parameters);
  if (run === 1) return inCells(bytes, ofCells);
  const sums = new Float64Array(parameters / run);
  for (let i = 0; i < parameters; i++) sums[Math.floor(i / run)]! += ofCells[i]!;
  return inCells(bytes, sums);
}

function rowsOf(x: FloatArray, length: number, first: number, count: number): FloatArray {
  return count * length === x.length ? x : x.subarray(first * length, (first + count) * length);
}
