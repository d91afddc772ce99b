import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { checkCount } from "./checks.ts";
import { LRScheduler } from "./lrScheduler.ts";
import type { Scheduled } from "./lrScheduler.ts";

/**
 * A straight line between two factors of the rate, as to warm up; the second one stays:
 *
 *   lr = lr₀ · (startFactor + (endFactor − startFactor) · min(t, totalIters) / totalIters)
 *
 * As torch.optim.lr_scheduler.LinearLR. The first rate is set when the schedule is made.
 *
 * @param options.startFactor in [0, 1]. Default 1/3
 * @param options.endFactor in [0, 1]. Default 1
 * @param options.totalIters steps from the one to the other. Default 5
 * @throws RangeError if a factor is not in [0, 1], or totalIters no positive whole number
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const scheduler = new LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * optimizer.lr; // 0.05
 * scheduler.step();
 * optimizer.lr; // 0.075
 */
export class LinearLR extends LRScheduler {
  readonly startFactor: number;
  readonly endFactor: number;
  readonly totalIters: number;

  constructor(
    optimizer: Scheduled,
    options: { readonly startFactor?: number; readonly endFactor?: number; readonly totalIters?: number } = {},
  ) {
    super(optimizer);
    const {
      startFactor = 1 / 3,
      endFactor = 1,
      totalIters = 5,
    } = checkOptions("LinearLR", options, ["startFactor", "endFactor", "totalIters"]);
    this.startFactor = checkFactor("startFactor", startFactor);
    this.endFactor = checkFactor("endFactor", endFactor);
    this.totalIters = checkCount("LinearLR", "totalIters", totalIters);
    this.begin();
  }

  protected override lrAt(baseLr: number, epoch: number): number {
    const share = Math.min(epoch, this.totalIters) / this.totalIters;
    return baseLr * (this.startFactor + (this.endFactor - this.startFactor) * share);
  }
}

function checkFactor(what: string, factor: number): number {
  if (checkNumber("LinearLR", what, factor) >= 0 && factor <= 1) return factor;
  throw new RangeError(`LinearLR: expected ${what} in [0, 1], got ${String(factor)}`);
}
