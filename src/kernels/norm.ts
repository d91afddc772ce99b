/**
 * BatchNorm, LayerNorm, GroupNorm, InstanceNorm and RMSNorm, forward and backward: one pair for all of them, since they
 * differ only in which cells share a mean and a variance (see normLayout.ts). The formulas are those of src/norms.
 *
 * Arithmetic and statistics are float64; outputs and gradients are rounded once, to the dtype of x. Nothing of the size of
 * x is kept: the backward computes x̂ again.
 */
import type { FloatArray } from "./floatArray.ts";
import type {
  NormGradients,
  NormLayout,
  NormLoops,
  NormNeeds,
  NormOptions,
  NormStatistics,
  NormSums,
} from "./normLayout.ts";
import { emptyStatistics, loopsFor, moments, rsqrtOrZero, setsTogether } from "./normMoments.ts";

/**
 * x, not empty, as `layout` says; weight and bias have period · length / run values, null for 1 and 0: to be exact for −0,
 * which changes nothing, not even a −0.
 */
export function normForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  { eps, centered }: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  const loops = loopsFor(x, layout);
  const output = loops.allocate(x.length);
  const saved = emptyStatistics(layout.sets);
  const rows = hasRows(layout);
  const parameters = countParameters(layout);
  const scales = rows ? null : float64(weight, parameters, 1);
  const shifts = rows ? null : float64(bias, parameters, -0);
  const rowScales = weight ?? loops.allocate(rows ? parameters : 0).fill(1);
  const rowShifts = bias ?? loops.allocate(rows ? parameters : 0).fill(-0);
  const together = setsTogether(layout);
  for (let first = 0; first < layout.sets; first += together) {
    const end = Math.min(layout.sets, first + together);
    moments(loops, x, layout, saved, first, end, centered);
    for (let s = first; s < end; s++) saved.rstd[s] = rsqrtOrZero(saved.variance[s]! + eps);
    if (scales && shifts) loops.scaleRuns(output, x, first, end, layout, saved, scales, shifts);
    else loops.scaleRows(output, x, first, end, layout, saved, rowScales, rowShifts);
  }
  return { output, saved };
}

/** The gradients of normForward; `saved` is what it returned. */
export function normBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  { centered }: Pick<NormOptions, "centered">,
): NormGradients {
  const loops = loopsFor(x, layout);
  const parameters = countParameters(layout);
  const sums = emptySums(parameters);
  const gradInput = needs.gradInput ? loops.allocate(x.length) : null;
  if (hasRows(layout)) {
    const scales = weight ?? loops.allocate(parameters).fill(1);
    loops.backwardRows(gradInput, gradOutput, x, layout, centered, saved, scales, sums);
  } else backwardRuns(gradInput, gradOutput, x, float64(weight, parameters, 1), saved, layout, centered, sums);
  return {
    gradInput,
    gradWeight: needs.gradWeight ? roundSums(loops, sums.gradWeight, parameters) : null,
    gradBias: needs.gradBias ? roundSums(loops, sums.gradBias, parameters) : null,
  };
}

function backwardRuns(
  gradInput: FloatArray | null,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: Float64Array,
  saved: NormStatistics,
  layout: NormLayout,
  centered: boolean,
  ofParameters: Pick<NormSums, "gradWeight" | "gradBias">,
): void {
  const loops = loopsFor(x, layout);
  const { repeats, sets, length } = layout;
  const sums = { ...ofParameters, gradXhat: new Float64Array(sets), gradXhatXhat: new Float64Array(sets) };
  const { gradXhat: center, gradXhatXhat: slope } = sums;
  const slopes = { center, shift: new Float64Array(sets), slope };
  const together = setsTogether(layout);
  for (let first = 0; first < sets; first += together) {
    const end = Math.min(sets, first + together);
    loops.dotRuns(gradOutput, x, first, end, layout, saved, weight, sums);
    if (gradInput === null) continue;
    // ∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩), with x̂ = (x − mean) · rstd
    for (let s = first; s < end; s++) {
      const r = saved.rstd[s]!;
      center[s] = centered ? center[s]! / (repeats * length) : 0;
      slope[s] = r * r * (slope[s]! / (repeats * length));
    }
    loops.gradRuns(gradInput, gradOutput, x, first, end, layout, saved, weight, slopes);
  }
}

/** y = (x − mean) · rstd · weight + bias with statistics that are given: [sets] each. `layout` has runs, not rows. */
export function normalizeForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  statistics: NormStatistics,
  layout: NormLayout,
): FloatArray {
  const loops = loopsFor(x, layout);
  const output = loops.allocate(x.length);
  const parameters = countParameters(layout);
  const [scales, shifts] = [float64(weight, parameters, 1), float64(bias, parameters, -0)];
  loops.scaleRuns(output, x, 0, layout.sets, layout, statistics, scales, shifts);
  return output;
}

/** Its gradients; the statistics are constants. */
export function normalizeBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  statistics: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
): NormGradients {
  const loops = loopsFor(x, layout);
  const parameters = countParameters(layout);
  const scales = float64(weight, parameters, 1);
  const sums = {
    ...emptySums(parameters),
    gradXhat: new Float64Array(layout.sets),
    gradXhatXhat: new Float64Array(layout.sets),
  };
  if (needs.gradWeight || needs.gradBias) {
    loops.dotRuns(gradOutput, x, 0, layout.sets, layout, statistics, scales, sums);
  }
  let gradInput: FloatArray | null = null;
  if (needs.gradInput) {
    // A gradient is scaled as x is, but nothing is subtracted from it.
    gradInput = loops.allocate(x.length);
    const still = { ...emptyStatistics(layout.sets), rstd: statistics.rstd };
    const none = new Float64Array(parameters).fill(-0);
    loops.scaleRuns(gradInput, gradOutput, 0, layout.sets, layout, still, scales, none);
  }
  return {
    gradInput,
    gradWeight: needs.gradWeight ? roundSums(loops, sums.gradWeight, parameters) : null,
    gradBias: needs.gradBias ? roundSums(loops, sums.gradBias, parameters) : null,
  };
}

/** Whether every cell of a set has a parameter of its own, in one repeat; a single cell is a column instead. */
function hasRows({ repeats, length, run }: NormLayout): boolean {
  return repeats === 1 && run === 1 && length > 1;
}

function countParameters({ length, period, run }: NormLayout): number {
  return period * (length / run);
}

/** Parameters of runs are few, so that a copy of them costs nothing. */
export function float64(values: FloatArray | null, length: number, otherwise: number): Float64Array {
  if (values instanceof Float64Array) return values;
  return values === null ? new Float64Array(length).fill(otherwise) : new Float64Array(values);
}

/** Up to this many parameters, sums are taken in arrays that are there already: a new small one costs 100 ns. */
const FEW = 1024;
const scratch = { gradWeight: new Float64Array(FEW), gradBias: new Float64Array(FEW) };

/** Zeros; valid until the next call. */
export function emptySums(parameters: number): Pick<NormSums, "gradWeight" | "gradBias"> {
  if (parameters > FEW) return { gradWeight: new Float64Array(parameters), gradBias: new Float64Array(parameters) };
  scratch.gradWeight.fill(0, 0, parameters);
  scratch.gradBias.fill(0, 0, parameters);
  return scratch;
}

/** A new array, in the dtype of the loops. */
export function roundSums(loops: NormLoops, sums: Float64Array, parameters: number): FloatArray {
  const rounded = loops.allocate(parameters);
  for (let p = 0; p < parameters; p++) rounded[p] = sums[p]!;
  return rounded;
}
