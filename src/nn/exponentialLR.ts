import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { LRScheduler } from "./lrScheduler.ts";
import type { Scheduled } from "./lrScheduler.ts";

/**
 * Multiplies the rate by `gamma` in every step: lr = lr₀ · gamma^t. As torch.optim.lr_scheduler.ExponentialLR.
 *
 * @param options.gamma the factor
 * @throws RangeError if gamma is negative
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const scheduler = new ExponentialLR(optimizer, { gamma: 0.5 });
 * scheduler.step();
 * scheduler.step();
 * optimizer.lr; // 0.025
 */
export class ExponentialLR extends LRScheduler {
  readonly gamma: number;

  constructor(optimizer: Scheduled, options: { readonly gamma: number }) {
    super(optimizer);
    const { gamma } = checkOptions("ExponentialLR", options, ["gamma"]);
    if (!(checkNumber("ExponentialLR", "gamma", gamma) >= 0 && gamma < Infinity)) {
      throw new RangeError(`ExponentialLR: expected gamma to be a number of at least 0, got ${String(gamma)}`);
    }
    this.gamma = gamma;
  }

  protected override lrAt(baseLr: number, epoch: number): number {
    return baseLr * this.gamma ** epoch;
  }
}
