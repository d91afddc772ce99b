/**
 * BatchNorm, LayerNorm, GroupNorm, InstanceNorm and RMSNorm, forward and backward: one pair for all of them, since they
 * differ only in which cells share a mean and a variance (see normLayout.ts). The formulas are those of src/norms.
 */
import type { FloatArray } from "./floatArray.ts";
import type {
  NormGradients,
  NormLayout,
  NormNeeds,
  NormOptions,
  NormStatistics,
  NormSums,
  RunLoops,
} from "./normLayout.ts";
import { emptyStatistics, setsTogether, statisticsFrom } from "./normMoments.ts";
import { loopsFor } from "./normRunLoops.ts";
import { addRunSums, emptySums, parametersOf, roundSums, scratch } from "./normSums.ts";
import { backwardBy, forwardBy, rowNormBackward, rowNormForward } from "./rowNorm.ts";

/**
 * x, not empty, as `layout` says; weight and bias have period · length / run values, null for 1 and 0: to be exact for −0,
 * which changes nothing, not even a −0.
 */
export function normForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  if (hasRows(layout)) return rowNormForward(x, weight, bias, layout, options);
  const loops = loopsFor(x, layout);
  return forwardBy(loops, loops.scaleRuns, x, weight, bias, layout, options);
}

/** The gradients of normForward; `saved` is what it returned. */
export function normBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  options: Pick<NormOptions, "centered">,
): NormGradients {
  if (hasRows(layout)) return rowNormBackward(gradOutput, x, weight, saved, layout, needs, options);
  return backwardBy(loopsFor(x, layout), backwardRuns, gradOutput, x, weight, saved, layout, needs, options);
}

/** Whether every cell of a set has a parameter of its own, in one repeat; a single cell is a column instead. */
function hasRows({ repeats, length, run }: NormLayout): boolean {
  return repeats === 1 && run === 1 && length > 1;
}

function backwardRuns(
  loops: RunLoops,
  gradients: NormGradients,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray,
  saved: NormStatistics,
  layout: NormLayout,
  centered: boolean,
): void {
  const { repeats, sets, length, run, period } = layout;
  const together = setsTogether(layout);
  const most = Math.min(sets, together);
  const runs = length / run;
  const ofRuns = { sums: scratch.sums(most * runs), dots: scratch.dots(most * runs) };
  const slopes = { center: scratch.center(most), slope: scratch.slope(most), shift: scratch.shift(most) };
  const { center, slope } = slopes;
  // Parameters of one set each: what is added to their sums is all there is.
  const own = period === sets;
  let sums = emptySums(own ? most * runs : weight.length);
  for (let first = 0; first < sets; first += together) {
    const end = Math.min(sets, first + together);
    const statistics = statisticsFrom(saved, first, end);
    loops.dotRuns(gradOutput, x, first, end, layout, statistics, ofRuns);
    const base = own ? first * runs : 0;
    addRunSums(ofRuns, first, end, layout, statistics, weight, { gradXhat: center, gradXhatXhat: slope }, sums, base);
    if (own) {
      roundSums(gradients, sums, base, end * runs);
      sums = emptySums(most * runs);
    }
    if (gradients.gradInput === null) continue;
    // ∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩), with x̂ = (x − mean) · rstd
    for (let k = 0; k < end - first; k++) {
      center[k] = centered ? center[k]! / (repeats * length) : 0;
      slope[k] = statistics.rstd[k]! * (slope[k]! / (repeats * length));
    }
    loops.gradRuns(gradients.gradInput, gradOutput, x, first, end, layout, statistics, weight, slopes);
  }
  if (!own) roundSums(gradients, sums, 0, weight.length);
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
  const scales = parametersOf(loops, weight, layout, 1);
  const shifts = parametersOf(loops, bias, layout, -0);
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
  const { sets, length, run } = layout;
  const loops = loopsFor(x, layout);
  const scales = parametersOf(loops, weight, layout, 1);
  const gradients = {
    gradInput: needs.gradInput ? loops.allocate(x.length) : null,
    gradWeight: needs.gradWeight ? loops.allocate(scales.length) : null,
    gradBias: needs.gradBias ? loops.allocate(scales.length) : null,
  };
  if (needs.gradWeight || needs.gradBias) {
    const count = sets * (length / run);
    const ofRuns = { sums: scratch.sums(count), dots: scratch.dots(count) };
    const sums: NormSums = emptySums(scales.length);
    const ofSets = { gradXhat: scratch.center(sets), gradXhatXhat: scratch.slope(sets) };
    loops.dotRuns(gradOutput, x, 0, sets, layout, statistics, ofRuns);
    addRunSums(ofRuns, 0, sets, layout, statistics, scales, ofSets, sums, 0);
    roundSums(gradients, sums, 0, scales.length);
  }
  if (gradients.gradInput) {
    // A gradient is scaled as x is, but nothing is subtracted from it.
    const still = { ...emptyStatistics(sets), rstd: statistics.rstd };
    const none = loops.allocate(scales.length).fill(-0);
    loops.scaleRuns(gradients.gradInput, gradOutput, 0, sets, layout, still, scales, none);
  }
  return gradients;
}
