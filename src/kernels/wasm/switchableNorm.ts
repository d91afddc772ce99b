/**
 * SwitchableNorm in SIMD: ../switchableNorm.ts with other loops over x, and with its own ones for what is too small or too unusual
 * to gain. float32 is as exact as norm.ts says.
 */
import type { FloatArray } from "../floatArray.ts";
import * as typescript from "../switchableNorm.ts";
import { instanceLoops } from "./instanceLoops.ts";
import { hasUnusual } from "./savedStatistics.ts";

type Forward = typeof typescript.switchableNormForward;
type Backward = typeof typescript.switchableNormBackward;

/** Fewer cells, and shorter instances, gain nothing. */
const FEWEST_CELLS = 1024;
const SHORTEST_INSTANCE = 32;

const isLarge = (x: FloatArray, { positions }: typescript.SwitchableNormSizes): boolean =>
  x.length >= FEWEST_CELLS && positions >= SHORTEST_INSTANCE;

/** As in ../switchableNorm.ts. */
export const switchableNormForward: Forward = (x, weight, bias, meanLogits, varLogits, running, sizes, settings) => {
  const call = [x, weight, bias, meanLogits, varLogits, running, sizes, settings] as const;
  const loops = isLarge(x, sizes) ? instanceLoops(x) : null;
  const answer = typescript.switchableNormForward(...call, loops);
  // float64 bears variances of all sizes.
  const isRight = loops === null || x instanceof Float64Array || !hasUnusual(answer.saved.mixed.rstd);
  return isRight ? answer : typescript.switchableNormForward(...call);
};

/** As in ../switchableNorm.ts. */
export const switchableNormBackward: Backward = (gradOutput, x, weight, saved, sizes, settings, needs) => {
  const bears = x instanceof Float64Array || !hasUnusual(saved.mixed.rstd);
  const loops = isLarge(x, sizes) && bears ? instanceLoops(x) : null;
  return typescript.switchableNormBackward(gradOutput, x, weight, saved, sizes, settings, needs, loops);
};
