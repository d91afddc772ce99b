import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { LRScheduler } from "./lrScheduler.ts";
import type { Scheduled } from "./lrScheduler.ts";

/** The factor of the initial rate after `epoch` steps. */
export type LRLambda = (epoch: number) => number;

/**
 * Multiplies the initial rate by what a function says: lr = lr₀ · lrLambda(t). As torch.optim.lr_scheduler.LambdaLR. The
 * first rate, with lrLambda(0), is set when the schedule is made.
 *
 * @param options.lrLambda one function, or one for each group of the optimizer
 * @throws TypeError if something else is passed, or a function answers no number; RangeError if there are too many or too
 * few
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const scheduler = new LambdaLR(optimizer, { lrLambda: (epoch) => 1 / Math.sqrt(1 + epoch) });
 * for (let epoch = 0; epoch < 3; epoch++) scheduler.step();
 * optimizer.lr; // 0.05
 */
export class LambdaLR extends LRScheduler {
  readonly lrLambdas: readonly LRLambda[];

  constructor(optimizer: Scheduled, options: { readonly lrLambda: LRLambda | readonly LRLambda[] }) {
    super(optimizer);
    const { lrLambda } = checkOptions("LambdaLR", options, ["lrLambda"]);
    const count = optimizer.paramGroups.length;
    const lambdas = typeof lrLambda === "function" ? Array.from({ length: count }, () => lrLambda) : lrLambda;
    if (!Array.isArray(lambdas) || !lambdas.every((lambda) => typeof lambda === "function")) {
      throw new TypeError(`LambdaLR: expected lrLambda as a function or several, got ${describeValue(lrLambda)}`);
    }
    if (lambdas.length !== count) {
      throw new RangeError(`LambdaLR: expected one function a group (${count}), got ${lambdas.length}`);
    }
    this.lrLambdas = [...lambdas];
    this.begin();
  }

  protected override lrAt(baseLr: number, epoch: number, group: number): number {
    return baseLr * checkNumber("LambdaLR", `lrLambda(${epoch})`, this.lrLambdas[group]?.(epoch) ?? NaN);
  }
}
