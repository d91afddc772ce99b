/**
 * The norms in SIMD: the functions of ../norm.ts, which they call for what is too small, too large or too unusual to gain.
 *
 * float64 is as exact as there. float32 is computed in float32, with float64 sums: errors stay within 4 ulp of the largest
 * value at any mean up to 10⁴ (1 or 2 in practice), of a gradient's largest term. Where gradInput is a small
 * difference of large terms, as for sets of two cells, that is more than ../norm.ts leaves.
 */
import type { FloatArray } from "../floatArray.ts";
import * as typescript from "../norm.ts";
import type { NormGradients, NormLayout, NormNeeds, NormOptions, NormStatistics } from "../normLayout.ts";
import { emptyStatistics } from "../normMoments.ts";
import { columnBackward, columnForward } from "./columnNorm.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import { instantiate, lazily } from "./memory.ts";
import { backwardLargeSets, forwardLargeSets } from "./normLargeSets.ts";
import { normModule } from "./normModule.ts";
import type { NormExports } from "./normModule.ts";
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
import { rowNormBackward, rowNormForward } from "./rowNorm.ts";
import { allocateLike, hasUnusual, inCells, readStatistics, writeStatistics } from "./savedStatistics.ts";
import { shortSetBackward, shortSetForward } from "./shortSetNorm.ts";

const float32Kernels = /* @__PURE__ */ lazily(() => instantiate<NormExports>(normModule(float32Lanes)));
const float64Kernels = /* @__PURE__ */ lazily(() => instantiate<NormExports>(normModule(float64Lanes)));

/** Chunks of x and of its gradient that stay in the L2 cache together; strided copies of less cost more than that saves. */
const CONTIGUOUS_BYTES: number = CHUNK_BYTES / 2;
/** Fewer cells, and shorter runs, gain nothing. */
const FEWEST_CELLS = 512;
const SHORTEST_RUN = 16;

/** The kernels for arrays like x, and their memory; null where there are none. */
export function normKernels(x: FloatArray): Pick<Plan, "kernels" | "cells" | "float64" | "bytes"> | null {
  const bytes = x.BYTES_PER_ELEMENT;
  const instance = bytes === 4 ? float32Kernels() : float64Kernels();
  if (instance === null) return null;
  const { exports: kernels, float32, float64 } = instance;
  return { kernels, cells: bytes === 4 ? float32 : float64, float64, bytes };
}

/** How a call is cut into chunks of whole sets. */
interface Plan {
  readonly kernels: NormExports;
  readonly cells: FloatArray;
  readonly float64: Float64Array;
  /** Bytes of a cell. */
  readonly bytes: number;
  readonly parameters: number;
  /** Sets of a chunk; 0 if one is larger than a chunk. */
  readonly together: number;
}

function planFor(x: FloatArray, { repeats, sets, length, period, run }: NormLayout): Plan | null {
  if (x.length < FEWEST_CELLS) return null;
  const found = normKernels(x);
  if (found === null) return null;
  const { bytes } = found;
  const parameters = (period * length) / run;
  if (run < SHORTEST_RUN || parameters * 8 > CHUNK_BYTES) return null;
  const most = (repeats === 1 ? CONTIGUOUS_BYTES : CHUNK_BYTES) / bytes / (repeats * length);
  const fits = repeats * length * bytes <= CHUNK_BYTES;
  const together = fits ? Math.min(sets, MAX_SETS, Math.max(Math.floor(most), 1)) : 0;
  return { ...found, parameters, together };
}

/** Whether each cell of a set has a parameter of its own, or only a few share one. */
function hasRows({ repeats, run }: NormLayout): boolean {
  return repeats === 1 && run < SHORTEST_RUN;
}

export function normForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  if (hasRows(layout)) return rowNormForward(x, weight, bias, layout, options, typescript.normForward);
  const special = shortSetForward(x, weight, bias, layout, options) ?? columnForward(x, weight, bias, layout, options);
  if (special !== null) return special;
  const plan = planFor(x, layout);
  if (plan === null) return typescript.normForward(x, weight, bias, layout, options);
  const { kernels, float64, bytes, parameters, together } = plan;
  const { repeats, sets, length, run } = layout;
  const { eps } = options;
  const centered = options.centered ? 1 : 0;
  const output = allocateLike(x);
  if (together === 0) {
    const saved = forwardLargeSets(plan, output, x, weight, bias, layout, options);
    if (bytes === 4 && hasUnusual(saved.rstd)) return typescript.normForward(x, weight, bias, layout, options);
    return { output, saved };
  }
  const saved = emptyStatistics(sets);
  writeParameters(plan, WEIGHT, weight, 1);
  writeParameters(plan, BIAS, bias, 0);
  let unusual = 0;
  for (let first = 0; first < sets; first += together) {
    const count = Math.min(together, sets - first);
    copyIn(plan, CELLS, x, layout, first, count);
    unusual |= kernels.forwardRuns(
      CELLS,
      SAVED,
      count,
      length,
      repeats,
      count * length * bytes,
      run,
      firstParameter(layout, first),
      parameters * 8,
      eps,
      centered,
    );
    copyOut(plan, output, layout, first, count);
    readStatistics(float64, saved, first, count);
  }
  // float64 bears them, and gives what the formula gives.
  if (unusual !== 0 && bytes === 4) return typescript.normForward(x, weight, bias, layout, options);
  return { output, saved };
}

export function normBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  options: Pick<NormOptions, "centered">,
): NormGradients {
  if (hasRows(layout)) {
    return rowNormBackward(gradOutput, x, weight, saved, layout, needs, options, typescript.normBackward);
  }
  const special =
    shortSetBackward(gradOutput, x, weight, saved, layout, needs, options) ??
    columnBackward(gradOutput, x, weight, saved, layout, needs, options);
  if (special !== null) return special;
  const plan = planFor(x, layout);
  if (plan === null || (plan.bytes === 4 && hasUnusual(saved.rstd))) {
    return typescript.normBackward(gradOutput, x, weight, saved, layout, needs, options);
  }
  const { kernels, float64, bytes, parameters, together } = plan;
  const { repeats, sets, length, run } = layout;
  const centered = options.centered ? 1 : 0;
  const gradInput = needs.gradInput ? allocateLike(x) : null;
  if (together === 0) {
    const sums = backwardLargeSets(plan, gradInput, gradOutput, x, weight, saved, layout, options.centered);
    return {
      gradInput,
      gradWeight: needs.gradWeight ? inCells(bytes, sums.gradWeight) : null,
      gradBias: needs.gradBias ? inCells(bytes, sums.gradBias) : null,
    };
  }
  writeParameters(plan, WEIGHT, weight, 1);
  float64.fill(0, GRAD_BIAS / 8, GRAD_BIAS / 8 + parameters);
  float64.fill(0, GRAD_WEIGHT / 8, GRAD_WEIGHT / 8 + parameters);
  for (let first = 0; first < sets; first += together) {
    const count = Math.min(together, sets - first);
    copyIn(plan, CELLS, x, layout, first, count);
    copyIn(plan, GRAD_OUTPUT, gradOutput, layout, first, count);
    writeStatistics(float64, saved, first, count, bytes);
    kernels.backwardRuns(
      CELLS,
      SAVED,
      count,
      length,
      repeats,
      count * length * bytes,
      run,
      firstParameter(layout, first),
      parameters * 8,
      centered,
    );
    if (gradInput !== null) copyOut(plan, gradInput, layout, first, count);
  }
  return {
    gradInput,
    gradWeight: needs.gradWeight ? readSums(plan, GRAD_WEIGHT) : null,
    gradBias: needs.gradBias ? readSums(plan, GRAD_BIAS) : null,
  };
}

/** Where the parameter of a set's first cell lies, in bytes. */
function firstParameter({ length, period, run }: NormLayout, set: number): number {
  return (set % period) * (length / run) * 8;
}

/** Runs have parameters in float64. */
function writeParameters(
  { float64, parameters }: Plan,
  place: number,
  values: FloatArray | null,
  otherwise: number,
): void {
  if (values === null) float64.fill(otherwise, place / 8, place / 8 + parameters);
  else float64.set(values, place / 8);
}

function readSums(plan: Plan, place: number): FloatArray {
  return inCells(plan.bytes, plan.float64.subarray(place / 8, place / 8 + plan.parameters));
}

/** Sets [first, first + count) of each repeat, side by side. */
function copyIn(plan: Plan, place: number, from: FloatArray, layout: NormLayout, first: number, count: number): void {
  const { cells, bytes } = plan;
  const size = count * layout.length;
  if (size === from.length) {
    cells.set(from, place / bytes);
    return;
  }
  for (let repeat = 0, to = place / bytes; repeat < layout.repeats; repeat++, to += size) {
    const start = (repeat * layout.sets + first) * layout.length;
    cells.set(from.subarray(start, start + size), to);
  }
}

function copyOut({ cells, bytes }: Plan, to: FloatArray, layout: NormLayout, first: number, count: number): void {
  const size = count * layout.length;
  for (let repeat = 0, from = CELLS / bytes; repeat < layout.repeats; repeat++, from += size) {
    to.set(cells.subarray(from, from + size), (repeat * layout.sets + first) * layout.length);
  }
}
