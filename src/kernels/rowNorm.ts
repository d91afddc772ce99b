/**
 * Norms of rows, of which every cell has a weight and a bias of its own: LayerNorm and RMSNorm. A file of their own, so that a page
 * that has no other norm is spared the rest; and what all norms share.
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
  RowLoops,
} from "./normLayout.ts";
import { emptyStatistics, isSingle, isSmall, setsTogether, SingleStatistics, statisticsFrom } from "./normMoments.ts";
import * as rows32 from "./normRowsFloat32.ts";
import * as rows64 from "./normRowsFloat64.ts";
import { moments as moments32 } from "./normRunsFloat32.ts";
import { moments as moments64 } from "./normRunsFloat64.ts";
import * as small32 from "./normSmallFloat32.ts";
import * as small64 from "./normSmallFloat64.ts";
import { emptySums, FEW, parametersOf, roundSums, scratch } from "./normSums.ts";

const float32Loops: RowLoops = { ...rows32, ...small32, moments: moments32, allocate: (n) => new Float32Array(n) };
const float64Loops: RowLoops = { ...rows64, ...small64, moments: moments64, allocate: (n) => new Float64Array(n) };

function rowLoopsFor(x: FloatArray): RowLoops {
  return x instanceof Float32Array ? float32Loops : float64Loops;
}

/** normForward of norm.ts, for such rows. */
export function rowNormForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  const loops = rowLoopsFor(x);
  return forwardBy(loops, loops.scaleRows, x, weight, bias, layout, options);
}

/** normBackward of norm.ts, for such rows. */
export function rowNormBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  options: Pick<NormOptions, "centered">,
): NormGradients {
  return backwardBy(rowLoopsFor(x), backwardRows, gradOutput, x, weight, saved, layout, needs, options);
}

export function forwardBy(
  loops: NormLoops,
  scale: RowLoops["scaleRows"],
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } {
  const output = loops.allocate(x.length);
  const scales = parametersOf(loops, weight, layout, 1);
  const shifts = parametersOf(loops, bias, layout, -0);
  if (isSingle(layout, options)) {
    const saved = new SingleStatistics(x, layout, options);
    loops.scaleSingles(output, x, layout.period, saved.root, scales, shifts);
    return { output, saved };
  }
  const saved = emptyStatistics(layout.sets);
  if (isSmall(layout)) {
    loops.scaleSmall(output, x, layout, options, saved, scales, shifts);
    return { output, saved };
  }
  const together = setsTogether(layout);
  for (let first = 0; first < layout.sets; first += together) {
    const end = Math.min(layout.sets, first + together);
    const statistics = statisticsFrom(saved, first, end);
    loops.moments(x, first, end, layout, options, statistics);
    scale(output, x, first, end, layout, statistics, scales, shifts);
  }
  return { output, saved };
}

type Backward<Loops> = (
  loops: Loops,
  gradients: NormGradients,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray,
  saved: NormStatistics,
  layout: NormLayout,
  centered: boolean,
) => void;

export function backwardBy<Loops extends NormLoops>(
  loops: Loops,
  backward: Backward<Loops>,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  { centered }: Pick<NormOptions, "centered">,
): NormGradients {
  const scales = parametersOf(loops, weight, layout, 1);
  const gradInput = needs.gradInput ? loops.allocate(x.length) : null;
  const gradWeight = needs.gradWeight ? loops.allocate(scales.length) : null;
  const gradBias = needs.gradBias ? loops.allocate(scales.length) : null;
  const gradients = { gradInput, gradWeight, gradBias };
  if (saved instanceof SingleStatistics) {
    const sums = emptySums(scales.length);
    loops.gradSingles(gradInput, gradOutput, x, layout.period, saved.root, scales, sums);
    roundSums(gradients, sums, 0, scales.length);
  } else if (isSmall(layout)) backwardSmall(loops, gradients, gradOutput, x, scales, saved, layout, centered);
  else backward(loops, gradients, gradOutput, x, scales, saved, layout, centered);
  return gradients;
}

/** All sets at once; but where their parameters are their own, fewer, whose sums take little memory. */
function backwardSmall(
  loops: NormLoops,
  gradients: NormGradients,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray,
  saved: NormStatistics,
  layout: NormLayout,
  centered: boolean,
): void {
  const { sets, length, period, run } = layout;
  const own = period === sets;
  const together = own ? Math.min(sets, FEW / 4) : sets;
  const parameters = own ? together * (length / run) : weight.length;
  for (let first = 0, base = 0; first < sets; first += together, base += parameters) {
    const end = Math.min(sets, first + together);
    const sums = emptySums(parameters);
    loops.gradSmall(gradients.gradInput, gradOutput, x, first, end, layout, centered, saved, weight, sums, base);
    roundSums(gradients, sums, base, Math.min(base + parameters, weight.length));
  }
}

/** A few rows at a time; but columns, all rows at a time, if there are so many that their sums would take much memory. */
function backwardRows(
  loops: RowLoops,
  gradients: NormGradients,
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray,
  saved: NormStatistics,
  layout: NormLayout,
  centered: boolean,
): void {
  const { sets, length, period } = layout;
  const wide = weight.length > FEW && period === 1;
  const together = wide ? sets : setsTogether(layout);
  const slopes = { center: scratch.center(together), slope: scratch.slope(together), shift: scratch.shift(0) };
  const width = wide ? FEW : length;
  let sums = emptySums(wide ? width : weight.length);
  for (let first = 0; first < sets; first += together) {
    const end = Math.min(sets, first + together);
    const statistics = statisticsFrom(saved, first, end);
    if (gradients.gradInput) loops.dotRows(gradOutput, x, first, end, layout, centered, statistics, weight, slopes);
    for (let from = 0; from < length; from += width) {
      const to = Math.min(length, from + width);
      loops.gradRows(
        gradients.gradInput,
        gradOutput,
        x,
        first,
        end,
        from,
        to,
        layout,
        statistics,
        weight,
        slopes,
        sums,
      );
      if (!wide) continue;
      roundSums(gradients, sums, from, to);
      sums = emptySums(width);
    }
  }
  if (!wide) roundSums(gradients, sums, 0, weight.length);
}
