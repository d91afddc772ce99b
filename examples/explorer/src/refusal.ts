/** What the library itself says to an input that it does not take. */
import {
  adaptiveInstanceNorm,
  batchNorm,
  BatchRenorm2d,
  conditionalInstanceNorm,
  groupNorm,
  instanceNorm,
  SwitchableNorm2d,
  weightStandardization,
  zeros,
} from "normgrad";
import type { Tensor } from "normgrad";
import type { State } from "./state.ts";
import { toGiven, toTensor } from "./subject.ts";

const CALLS: Readonly<Record<string, (x: Tensor, option: string) => unknown>> = {
  batchNorm: (x) => batchNorm(x, null, null, { training: true }),
  instanceNorm: (x) => instanceNorm(x),
  groupNorm: (x, option) => groupNorm(x, Number(/^numGroups (\d+)/.exec(option)?.[1] ?? 1)),
  batchRenorm: (x) => new BatchRenorm2d(x.shape[1] ?? 0).forward(x),
  switchableNorm: (x, option) => {
    const options = { usingBn: option.includes("BN"), unbiased: option.includes("unbiased") };
    return new SwitchableNorm2d(x.shape[1] ?? 0, options).forward(x);
  },
  adaptiveInstanceNorm: (x) => adaptiveInstanceNorm(x, x),
  conditionalInstanceNorm: (x) => {
    const weight = zeros([1, x.shape[1] ?? 0]);
    const styles = Array.from({ length: x.shape[0] ?? 0 }, () => 0);
    return conditionalInstanceNorm(x, styles, { weight });
  },
  weightStandardization: (x) => weightStandardization(x, { unbiased: true }),
};

export function refusalOf({ norm, option, layout, shape, x }: State): string {
  try {
    CALLS[norm]?.(toGiven(toTensor(x, shape), layout), option);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return `${norm}: there is no case “${option}” for the shape [${shape.join(", ")}]`;
}
