import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { checkList } from "../autograd/shape.ts";
import { LRScheduler } from "./lrScheduler.ts";
import type { Scheduled } from "./lrScheduler.ts";

/**
 * Multiplies the rate by `gamma` at each milestone: lr = lr₀ · gamma^(milestones up to t). As
 * torch.optim.lr_scheduler.MultiStepLR.
 *
 * @param options.milestones numbers of steps, in any order; one that stands there twice counts twice
 * @param options.gamma the factor. Default 0.1
 * @throws RangeError if a milestone is no positive whole number, or gamma is negative
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const scheduler = new MultiStepLR(optimizer, { milestones: [30, 80], gamma: 0.5 });
 * for (let epoch = 0; epoch < 80; epoch++) scheduler.step();
 * optimizer.lr; // 0.025
 */
export class MultiStepLR extends LRScheduler {
  readonly milestones: readonly number[];
  readonly gamma: number;

  constructor(optimizer: Scheduled, options: { readonly milestones: readonly number[]; readonly gamma?: number }) {
    super(optimizer);
    const { milestones, gamma = 0.1 } = checkOptions("MultiStepLR", options, ["milestones", "gamma"]);
    const odd = checkList("MultiStepLR", "milestones", milestones).find((at) => !Number.isInteger(at) || at < 1);
    if (odd !== undefined) {
      throw new RangeError(`MultiStepLR: expected milestones in positive whole numbers, got ${describeValue(odd)}`);
    }
    if (!(checkNumber("MultiStepLR", "gamma", gamma) >= 0 && gamma < Infinity)) {
      throw new RangeError(`MultiStepLR: expected gamma to be a number of at least 0, got ${String(gamma)}`);
    }
    this.milestones = [...milestones];
    this.gamma = gamma;
  }

  protected override lrAt(baseLr: number, epoch: number): number {
    return baseLr * this.gamma ** this.milestones.filter((milestone) => milestone <= epoch).length;
  }
}
