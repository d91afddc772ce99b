/**
 * Schedules of the learning rate. Each is a function of the initial rate and of the number of `step` calls, so that the
 * rates do not drift; PyTorch's recursions give the same numbers but for rounding. A rate that is set by hand is
 * overwritten by the next `step`.
 */
import { checkNumber, checkObject, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { checkList } from "../autograd/shape.ts";

/** A group of parameters as a schedule sees it; momentum is what OneCycleLR changes too, betas[0] where there are betas. */
export interface ScheduledGroup {
  lr: number;
  momentum?: number;
  betas?: readonly [beta1: number, beta2: number];
}

/** What a schedule needs of an optimizer. */
export interface Scheduled {
  readonly paramGroups: readonly ScheduledGroup[];
}

/** What a schedule sets in a group; null for a momentum that it leaves alone. */
export interface GroupSettings {
  readonly lr: number;
  readonly momentum: number | null;
}

export interface LRSchedulerState {
  readonly lastEpoch: number;
  readonly baseLrs: readonly number[];
}

/** The rate of each group before any schedule changed it: PyTorch's initial_lr. */
const initialRates = new WeakMap<ScheduledGroup, number>();

/**
 * The base of all schedules. Call `step` once an epoch (with OneCycleLR: once a batch), after the optimizer's steps.
 *
 * The initial rate of a group is the one before any schedule changed it, as in PyTorch: a second schedule of the same
 * optimizer does not begin where the first has led. To put one after the other, see SequentialLR.
 */
export abstract class LRScheduler {
  readonly optimizer: Scheduled;
  #lastEpoch = 0;
  #baseLrs: readonly number[];

  constructor(optimizer: Scheduled) {
    if (!Array.isArray(optimizer?.paramGroups)) {
      throw new TypeError(`${this.constructor.name}: expected an optimizer, got ${describeValue(optimizer)}`);
    }
    this.optimizer = optimizer;
    this.#baseLrs = optimizer.paramGroups.map((group) => initialRates.get(group) ?? group.lr);
  }

  /** The rate after `epoch` steps of the group of this index, whose initial rate is `baseLr`. */
  protected abstract lrAt(baseLr: number, epoch: number, group: number): number;

  /** Its momentum; null to leave it alone. */
  protected momentumAt(_epoch: number, _group: number): number | null {
    return null;
  }

  /** How many times `step` was called. */
  get lastEpoch(): number {
    return this.#lastEpoch;
  }

  /** Sets the rate of the next epoch in every group of the optimizer. */
  step(): void {
    this.goTo(this.#lastEpoch + 1, this.#baseLrs);
  }

  /** The present rate of every group. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map((group) => group.lr);
  }

  /** What every group has after `epoch` steps, to draw a schedule before it is used. Changes nothing. */
  settingsAt(epoch: number): readonly GroupSettings[] {
    return this.settingsFrom(epoch, this.#baseLrs);
  }

  stateDict(): LRSchedulerState {
    return { lastEpoch: this.#lastEpoch, baseLrs: [...this.#baseLrs] };
  }

  /**
   * Goes on from another schedule's state, and sets the rates of its epoch.
   *
   * @throws RangeError if the number of groups differs, or lastEpoch is no count; nothing has been changed then
   */
  loadStateDict(state: LRSchedulerState): void {
    const { lastEpoch, baseLrs } = checkObject("loadStateDict", "a state dict", state);
    for (const lr of checkList("loadStateDict", "its baseLrs", baseLrs))
      checkNumber("loadStateDict", "each baseLr", lr);
    const count = this.optimizer.paramGroups.length;
    if (baseLrs.length !== count) {
      throw new RangeError(`loadStateDict: expected ${count} baseLrs, one a group, got ${baseLrs.length}`);
    }
    if (!Number.isInteger(lastEpoch) || lastEpoch < 0) {
      throw new RangeError(
        `loadStateDict: expected lastEpoch to be a whole number of at least 0, got ${describeValue(lastEpoch)}`,
      );
    }
    this.goTo(lastEpoch, [...baseLrs]);
  }

  /** Sets what stands at the beginning: for the constructors of schedules that do not begin with the initial rate. */
  protected begin(): void {
    this.goTo(0, this.#baseLrs);
  }

  private settingsFrom(epoch: number, baseLrs: readonly number[]): readonly GroupSettings[] {
    return this.optimizer.paramGroups.map((group, i) => ({
      lr: this.lrAt(baseLrs[i] ?? group.lr, epoch, i),
      momentum: this.momentumAt(epoch, i),
    }));
  }

  private goTo(epoch: number, baseLrs: readonly number[]): void {
    const settings = this.settingsFrom(epoch, baseLrs); // all before any: one may throw
    this.#lastEpoch = epoch;
    this.#baseLrs = baseLrs;
    this.optimizer.paramGroups.forEach((group, i) => {
      const { lr = group.lr, momentum = null } = settings[i] ?? {};
      if (!initialRates.has(group)) initialRates.set(group, baseLrs[i] ?? group.lr);
      group.lr = lr;
      if (momentum === null) return;
      if (group.betas === undefined) group.momentum = momentum;
      else group.betas = [momentum, group.betas[1]];
    });
  }
}

/**
 * Half a cosine, from the initial rate down to `etaMin` in `tMax` steps, and up again in the next `tMax`:
 *
 *   lr = etaMin + (lr₀ − etaMin) · (1 + cos(π · t / tMax)) / 2
 *
 * Loshchilov and Hutter (2017), https://arxiv.org/abs/1608.03983, without restarts; as
 * torch.optim.lr_scheduler.CosineAnnealingLR.
 *
 * @param options.tMax steps from the highest to the lowest rate
 * @param options.etaMin the lowest rate. Default 0
 * @throws RangeError if tMax is not positive or etaMin negative
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const scheduler = new CosineAnnealingLR(optimizer, { tMax: 2 });
 * scheduler.step();
 * optimizer.lr; // 0.05
 */
export class CosineAnnealingLR extends LRScheduler {
  readonly tMax: number;
  readonly etaMin: number;

  constructor(optimizer: Scheduled, options: { readonly tMax: number; readonly etaMin?: number }) {
    super(optimizer);
    const { tMax, etaMin = 0 } = checkOptions("CosineAnnealingLR", options, ["tMax", "etaMin"]);
    checkNumber("CosineAnnealingLR", "tMax", tMax);
    checkNumber("CosineAnnealingLR", "etaMin", etaMin);
    if (!(tMax > 0 && tMax < Infinity)) {
      throw new RangeError(`CosineAnnealingLR: expected tMax to be a positive number, got ${String(tMax)}`);
    }
    if (!(etaMin >= 0 && etaMin < Infinity)) {
      throw new RangeError(`CosineAnnealingLR: expected etaMin to be a number of at least 0, got ${String(etaMin)}`);
    }
    this.tMax = tMax;
    this.etaMin = etaMin;
  }

  protected override lrAt(baseLr: number, epoch: number): number {
    return this.etaMin + ((baseLr - this.etaMin) * (1 + Math.cos((Math.PI * epoch) / this.tMax))) / 2;
  }
}

/**
 * Multiplies the rate by `gamma` every `stepSize` steps: lr = lr₀ · gamma^⌊t / stepSize⌋. As
 * torch.optim.lr_scheduler.StepLR.
 *
 * @param options.stepSize steps between two changes
 * @param options.gamma the factor. Default 0.1
 * @throws RangeError if stepSize is no positive whole number or gamma negative
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1 });
 * const scheduler = new StepLR(optimizer, { stepSize: 30, gamma: 0.5 });
 * for (let epoch = 0; epoch < 60; epoch++) scheduler.step();
 * optimizer.lr; // 0.025
 */
export class StepLR extends LRScheduler {
  readonly stepSize: number;
  readonly gamma: number;

  constructor(optimizer: Scheduled, options: { readonly stepSize: number; readonly gamma?: number }) {
    super(optimizer);
    const { stepSize, gamma = 0.1 } = checkOptions("StepLR", options, ["stepSize", "gamma"]);
    checkNumber("StepLR", "stepSize", stepSize);
    checkNumber("StepLR", "gamma", gamma);
    if (!Number.isInteger(stepSize) || stepSize < 1) {
      throw new RangeError(`StepLR: expected stepSize to be a positive whole number, got ${String(stepSize)}`);
    }
    if (!(gamma >= 0 && gamma < Infinity)) {
      throw new RangeError(`StepLR: expected gamma to be a number of at least 0, got ${String(gamma)}`);
    }
    this.stepSize = stepSize;
    this.gamma = gamma;
  }

  protected override lrAt(baseLr: number, epoch: number): number {
    return baseLr * this.gamma ** Math.floor(epoch / this.stepSize);
  }
}
