/**
 * The one-cycle policy. Smith & Topin (2018), https://arxiv.org/abs/1708.07120
 *
 * The rate rises from maxLr / divFactor to maxLr in the first part of the steps, and falls in the rest to
 * maxLr / divFactor / finalDivFactor; the momentum moves against it. A part from step s to step e goes, with
 * q = (t − s) / (e − s), from a to b:
 *
 *   "cos"     b + (a − b) · (1 + cos(π q)) / 2
 *   "linear"  a + (b − a) · q
 *
 * With T = totalSteps the parts end at pctStart · T − 1 and T − 1, or with three phases, where the rate first falls back
 * to where it began, at pctStart · T − 1, 2 · pctStart · T − 2 and T − 1.
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue, formatValue } from "../autograd/format.ts";
import { checkCount } from "./checks.ts";
import { LRScheduler } from "./lrScheduler.ts";
import type { Scheduled } from "./lrScheduler.ts";

/** One number for all groups of the optimizer, or one for each. */
export type PerGroup = number | readonly number[];

export interface OneCycleLROptions {
  /** The highest rate. */
  readonly maxLr: PerGroup;
  /** How many steps there are. Default: epochs · stepsPerEpoch. */
  readonly totalSteps?: number;
  readonly epochs?: number;
  readonly stepsPerEpoch?: number;
  /** The share of the steps in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** Default "cos". */
  readonly annealStrategy?: "cos" | "linear";
  /** Move the momentum (betas[0] of Adam) too. Default true. */
  readonly cycleMomentum?: boolean;
  /** The momentum at the highest rate. Default 0.85. */
  readonly baseMomentum?: PerGroup;
  /** The momentum at the lowest rates. Default 0.95. */
  readonly maxMomentum?: PerGroup;
  /** maxLr over the first rate. Default 25. */
  readonly divFactor?: number;
  /** The first rate over the last one. Default 1e4. */
  readonly finalDivFactor?: number;
  /** Fall to the first rate as fast as it rose, and only then to the last one. Default false. */
  readonly threePhase?: boolean;
}

/** A part of the cycle: up to which step it goes, and between which of the group's numbers. */
interface Phase {
  readonly end: number;
  readonly lr: readonly [from: Mark, to: Mark];
  readonly momentum: readonly [from: Mark, to: Mark];
}
type Mark = "initial" | "highest" | "last";

/**
 * One rise and fall of the rate over the whole training: torch.optim.lr_scheduler.OneCycleLR. Call `step` once a batch.
 * The optimizer's own rate and momentum are replaced when the schedule is made.
 *
 * After totalSteps steps, which a loop with one `step` a batch takes, the rate stays at its last value; PyTorch's goes on
 * along the curve there, up again or below zero.
 *
 * @param options.maxLr the highest rate: a number, or one for each group
 * @param options.totalSteps how many steps there are; or options.epochs and options.stepsPerEpoch
 * @param options.pctStart the share of the steps in which the rate rises, in [0, 1]. Default 0.3
 * @param options.annealStrategy "cos" or "linear". Default "cos"
 * @param options.cycleMomentum move the momentum (betas[0] of Adam) against the rate. Default true
 * @param options.baseMomentum, options.maxMomentum its bounds, numbers or one for each group. Default 0.85 and 0.95
 * @param options.divFactor maxLr over the first rate. Default 25
 * @param options.finalDivFactor the first rate over the last one. Default 1e4
 * @param options.threePhase fall to the first rate as fast as it rose, then to the last one. Default false
 * @throws RangeError if a number is out of range, and from `step` after totalSteps; TypeError if something is of the wrong
 * kind, or the optimizer has no momentum to move
 * @example
 * const optimizer = new SGD([tensor(1, { requiresGrad: true })], { lr: 0.1, momentum: 0.9 });
 * const scheduler = new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 10 });
 * optimizer.lr; // 0.04
 * for (let step = 0; step < 2; step++) scheduler.step();
 * optimizer.lr; // 1
 * optimizer.paramGroups[0]?.momentum; // 0.85
 */
export class OneCycleLR extends LRScheduler {
  readonly totalSteps: number;
  readonly #phases: readonly Phase[];
  readonly #anneal: (from: number, to: number, share: number) => number;
  readonly #lrs: readonly Readonly<Record<Mark, number>>[];
  readonly #momenta: readonly Readonly<Record<Mark, number>>[] | null;

  constructor(optimizer: Scheduled, options: OneCycleLROptions) {
    super(optimizer);
    const checked = checkOptions("OneCycleLR", options, KNOWN);
    const { maxLr, pctStart = 0.3, annealStrategy = "cos", cycleMomentum = true, threePhase = false } = checked;
    const { baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4 } = checked;
    this.totalSteps = countSteps(checked);
    if (!(checkNumber(NAME, "pctStart", pctStart) >= 0 && pctStart <= 1)) {
      throw new RangeError(`${NAME}: expected pctStart in [0, 1], got ${String(pctStart)}`);
    }
    if (annealStrategy !== "cos" && annealStrategy !== "linear") {
      throw new TypeError(`${NAME}: expected annealStrategy "cos" or "linear", got ${describeValue(annealStrategy)}`);
    }
    checkPositive("divFactor", divFactor);
    checkPositive("finalDivFactor", finalDivFactor);
    const groups = optimizer.paramGroups;
    const highest = perGroup("maxLr", maxLr, groups.length);
    const [least, most] = [
      perGroup("baseMomentum", baseMomentum, groups.length),
      perGroup("maxMomentum", maxMomentum, groups.length),
    ];
    if (cycleMomentum && !groups.every((group) => group.momentum !== undefined || group.betas !== undefined)) {
      throw new TypeError(`${NAME}: expected an optimizer with momentum or cycleMomentum false, got one without`);
    }
    this.#phases = phasesOf(this.totalSteps, pctStart, threePhase);
    this.#anneal = annealStrategy === "cos" ? cosine : line;
    this.#lrs = highest.map((lr) => ({
      initial: lr / divFactor,
      highest: lr,
      last: lr / divFactor / finalDivFactor,
    }));
    const momenta = most.map((initial, i) => ({ initial, highest: least[i] ?? NaN, last: initial }));
    this.#momenta = cycleMomentum ? momenta : null;
    this.begin();
  }

  protected override lrAt(_: number, epoch: number, group: number): number {
    if (epoch > this.totalSteps) {
      throw new RangeError(`${NAME}: expected at most totalSteps ${this.totalSteps} steps, got ${epoch}`);
    }
    const { phase, share } = this.at(epoch);
    return this.between(this.#lrs[group], phase.lr, share);
  }

  protected override momentumAt(epoch: number, group: number): number | null {
    const { phase, share } = this.at(epoch);
    return this.#momenta && this.between(this.#momenta[group], phase.momentum, share);
  }

  private between(marks: Readonly<Record<Mark, number>> | undefined, [from, to]: Phase["lr"], share: number): number {
    return this.#anneal(marks?.[from] ?? NaN, marks?.[to] ?? NaN, share);
  }

  /** The phase of a step, and how much of it is over; one without length is over. */
  private at(epoch: number): { readonly phase: Phase; readonly share: number } {
    const index = this.#phases.findIndex(({ end }, i) => epoch <= end || i === this.#phases.length - 1);
    const phase = this.#phases[index] ?? { end: 0, lr: ["last", "last"], momentum: ["last", "last"] };
    const start = this.#phases[index - 1]?.end ?? 0;
    return { phase, share: phase.end > start ? Math.min(1, (epoch - start) / (phase.end - start)) : 1 };
  }
}

const NAME = "OneCycleLR";
const KNOWN = [
  "maxLr",
  "totalSteps",
  "epochs",
  "stepsPerEpoch",
  "pctStart",
  "annealStrategy",
  "cycleMomentum",
  "baseMomentum",
  "maxMomentum",
  "divFactor",
  "finalDivFactor",
  "threePhase",
] as const;

function phasesOf(steps: number, pctStart: number, threePhase: boolean): readonly Phase[] {
  const rise: Phase = { end: pctStart * steps - 1, lr: ["initial", "highest"], momentum: ["initial", "highest"] };
  if (!threePhase) return [rise, { end: steps - 1, lr: ["highest", "last"], momentum: ["highest", "last"] }];
  return [
    rise,
    { end: 2 * pctStart * steps - 2, lr: ["highest", "initial"], momentum: ["highest", "initial"] },
    { end: steps - 1, lr: ["initial", "last"], momentum: ["initial", "last"] },
  ];
}

function cosine(from: number, to: number, share: number): number {
  return to + ((from - to) / 2) * (Math.cos(Math.PI * share) + 1);
}

function line(from: number, to: number, share: number): number {
  return (to - from) * share + from;
}

function countSteps({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  if (totalSteps !== undefined) return checkCount(NAME, "totalSteps", totalSteps);
  if (epochs === undefined || stepsPerEpoch === undefined) {
    throw new TypeError(
      `${NAME}: expected totalSteps, or epochs and stepsPerEpoch, got ${String(epochs)} and ${String(stepsPerEpoch)}`,
    );
  }
  return checkCount(NAME, "epochs", epochs) * checkCount(NAME, "stepsPerEpoch", stepsPerEpoch);
}

function perGroup(what: string, value: PerGroup, count: number): readonly number[] {
  const values = typeof value === "number" ? Array.from({ length: count }, () => value) : value;
  if (!Array.isArray(values)) {
    throw new TypeError(`${NAME}: expected ${what} as a number or one for each group, got ${describeValue(value)}`);
  }
  if (values.length !== count) {
    throw new RangeError(`${NAME}: expected one number a group (${count}) for ${what}, got ${values.length}`);
  }
  for (const entry of values) {
    if (!(checkNumber(NAME, what, entry) >= 0 && entry < Infinity)) {
      throw new RangeError(`${NAME}: expected ${what} to be a number of at least 0, got ${formatValue(entry)}`);
    }
  }
  return [...values];
}

function checkPositive(what: string, value: number): void {
  if (!(checkNumber(NAME, what, value) > 0 && value < Infinity)) {
    throw new RangeError(`${NAME}: expected ${what} to be a positive number, got ${formatValue(value)}`);
  }
}
