/** What is made of the losses of a batch, and the way back. */
import type { Num } from "../autograd/num.ts";
import type { Shape } from "../autograd/shape.ts";

/** Their mean, their sum, or nothing. */
export type Reduction = "mean" | "sum" | "none";

/** `total` is what a mean divides by: the number of losses, unless they are weighted. */
export interface ReductionOptions {
  readonly reduction: Reduction;
  readonly total: number;
}

export function reduce<A extends Num<A>>(losses: A, { reduction, total }: ReductionOptions): A {
  return reduction === "none" ? losses : reduction === "sum" ? losses.sum() : losses.sum().div(total);
}

/** ∂L/∂loss for every loss, in `shape`. A total of 0 means that none counts; their gradients are 0 then, not NaN. */
export function reduceBackward<A extends Num<A>>(
  gradOutput: A,
  shape: Shape,
  { reduction, total }: ReductionOptions,
): A {
  if (reduction === "none") return gradOutput.reshape(shape);
  return (reduction === "sum" ? gradOutput : gradOutput.div(total || 1)).expand(shape);
}

export function checkReduction(name: string, reduction: Reduction): void {
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none") {
    throw new RangeError(`${name}: expected reduction "mean", "sum" or "none", got ${String(reduction)}`);
  }
}
