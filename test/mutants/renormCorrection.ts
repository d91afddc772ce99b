/** BatchRenorm's r and d with steps that can be replaced, and the running statistics that its mutants start from. */
import type { Num } from "../../src/autograd/index.ts";
import type { Setting } from "./mutant.ts";
import { turn } from "./steps.ts";
import type { Steps } from "./steps.ts";

export interface Running<A> {
  readonly mean: A;
  readonly std: A;
}

/** Other ones for each channel, around those of ordinary data: some are clipped and some are not. */
export function runningOf<A extends Num<A>>(weight: A): Running<A> {
  return {
    mean: weight.constant((values) => Float64Array.from(values, (_, c) => c / 4 - 0.375)),
    std: weight.constant((values) => Float64Array.from(values, (_, c) => c / 4 + 1.125)),
  };
}

/** As batchRenormCorrection; r and d, [1, C, 1], are constants unless `attached` names one of them. */
export function renormCorrection<A extends Num<A>>(
  x: A,
  running: Running<A>,
  setting: Setting,
  steps: Partial<Steps> = {},
  attached: "scale" | "shift" | null = null,
): { readonly scale: A; readonly shift: A } {
  const { eps, rMax = 3, dMax = 5 } = setting;
  const perChannel = [1, x.shape[1] ?? 0, 1];
  const [runningMean, runningStd] = [running.mean.reshape(perChannel), running.std.reshape(perChannel)];
  const guarded = x.center([0, 2]).square().mean([0, 2], true).add(eps);
  const std = guarded.mul(guarded.rsqrtOrZero());
  const apart = x.sub(runningMean).mean([0, 2], true);
  const scale = turn(steps.renormScale, std.div(runningStd).clamp(1 / rMax, rMax), { std, runningStd }, setting);
  const right = apart.div(runningStd).clamp(-dMax, dMax);
  const shift = turn(steps.renormShift, right, { apart, std, runningStd }, setting);
  return {
    scale: attached === "scale" ? scale : scale.detach(),
    shift: attached === "shift" ? shift : shift.detach(),
  };
}
