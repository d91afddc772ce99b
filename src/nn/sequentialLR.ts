import { checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { checkList } from "../autograd/shape.ts";
import { LRScheduler } from "./lrScheduler.ts";
import type { LRSchedulerState, Scheduled } from "./lrScheduler.ts";

/**
 * One schedule after the other: at milestone k the (k + 2)-th begins at its own step 0, with the initial rate. As
 * torch.optim.lr_scheduler.SequentialLR. The schedules are read only: step this one, and not them.
 *
 * @param options.schedulers at least one, all of the same optimizer
 * @param options.milestones steps at which the next one begins: one fewer than schedules, ascending
 * @throws TypeError if something is of the wrong kind; RangeError if there is none, milestones are too many, too few or
 * not ascending, or a schedule belongs to another optimizer
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const warmup = new LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
 * const decay = new ExponentialLR(optimizer, { gamma: 0.9 });
 * const scheduler = new SequentialLR(optimizer, { schedulers: [warmup, decay], milestones: [2] });
 * const rates = [0, 1, 2, 3].map((epoch) => scheduler.settingsAt(epoch)[0]?.lr);
 * rates; // [0.05, 0.075, 0.1, 0.09]
 */
export class SequentialLR extends LRScheduler {
  readonly schedulers: readonly LRScheduler[];
  readonly milestones: readonly number[];

  constructor(
    optimizer: Scheduled,
    options: { readonly schedulers: readonly LRScheduler[]; readonly milestones: readonly number[] },
  ) {
    super(optimizer);
    const { schedulers, milestones } = checkOptions("SequentialLR", options, ["schedulers", "milestones"]);
    checkList("SequentialLR", "schedulers", schedulers);
    checkList("SequentialLR", "milestones", milestones);
    const odd = schedulers.findIndex((schedule) => !(schedule instanceof LRScheduler));
    if (odd >= 0) {
      throw new TypeError(`SequentialLR: expected schedulers[${odd}] to be one, got ${describeValue(schedulers[odd])}`);
    }
    const foreign = schedulers.findIndex((schedule) => schedule.optimizer !== optimizer);
    if (foreign >= 0) {
      throw new RangeError(`SequentialLR: expected schedulers of this optimizer, got another's at ${foreign}`);
    }
    if (schedulers.length === 0 || milestones.length !== schedulers.length - 1) {
      throw new RangeError(
        `SequentialLR: expected one milestone between two schedulers, got ${milestones.length} for ${schedulers.length}`,
      );
    }
    if (!milestones.every((at, i) => Number.isInteger(at) && at > (milestones[i - 1] ?? 0))) {
      throw new RangeError(
        `SequentialLR: expected milestones in ascending positive whole numbers, got ${describeValue(milestones)}`,
      );
    }
    this.schedulers = [...schedulers];
    this.milestones = [...milestones];
    this.begin();
  }

  /** As the base; the schedules take over its initial rates. */
  override loadStateDict(state: LRSchedulerState): void {
    super.loadStateDict(state);
    for (const schedule of this.schedulers) schedule.loadStateDict({ ...state, lastEpoch: 0 });
    super.loadStateDict(state);
  }

  protected override lrAt(baseLr: number, epoch: number, group: number): number {
    return this.at(epoch, group)?.lr ?? baseLr;
  }

  protected override momentumAt(epoch: number, group: number): number | null {
    return this.at(epoch, group)?.momentum ?? null;
  }

  private at(epoch: number, group: number): { readonly lr: number; readonly momentum: number | null } | undefined {
    const index = this.milestones.filter((milestone) => milestone <= epoch).length;
    return this.schedulers[index]?.settingsAt(epoch - (this.milestones[index - 1] ?? 0))[group];
  }
}
