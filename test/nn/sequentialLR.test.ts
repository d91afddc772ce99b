import { describe, expect, test } from "vitest";
import { ExponentialLR } from "../../src/nn/exponentialLR.ts";
import { LinearLR } from "../../src/nn/linearLR.ts";
import { CosineAnnealingLR, StepLR } from "../../src/nn/lrScheduler.ts";
import type { LRScheduler, Scheduled } from "../../src/nn/lrScheduler.ts";
import { OneCycleLR } from "../../src/nn/oneCycleLR.ts";
import { SequentialLR } from "../../src/nn/sequentialLR.ts";
import { given } from "../helpers/given.ts";
import { scheduleCases } from "../helpers/recurrentFixture.ts";
import { expectAsPyTorchSchedules, twoGroups } from "../helpers/scheduleFixture.ts";

interface Part {
  readonly scheduler: string;
  readonly options: never;
}
interface Options {
  readonly schedulers: readonly Part[];
  readonly milestones: readonly number[];
}

const makers: Readonly<Record<string, (optimizer: Scheduled, options: never) => LRScheduler>> = {
  LinearLR: (optimizer, options) => new LinearLR(optimizer, options),
  CosineAnnealingLR: (optimizer, options) => new CosineAnnealingLR(optimizer, options),
  ExponentialLR: (optimizer, options) => new ExponentialLR(optimizer, options),
  StepLR: (optimizer, options) => new StepLR(optimizer, options),
};

function warmup(optimizer: Scheduled): SequentialLR {
  const schedulers = [
    new LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 }),
    new ExponentialLR(optimizer, { gamma: 0.9 }),
  ];
  return new SequentialLR(optimizer, { schedulers, milestones: [2] });
}

describe("SequentialLR", () => {
  test.each(scheduleCases<Options>("SequentialLR"))("goes PyTorch's way: $options.milestones", (entry) => {
    expectAsPyTorchSchedules(entry, (optimizer) => {
      const schedulers = entry.options.schedulers.map(({ scheduler, options }) =>
        given(makers[scheduler])(optimizer, options),
      );
      return new SequentialLR(optimizer, { schedulers, milestones: entry.options.milestones });
    });
  });

  test("goes on from a saved state, with its initial rates", () => {
    const [first, other] = [twoGroups(), twoGroups()];
    const schedule = warmup(first);
    for (let epoch = 0; epoch < 3; epoch++) schedule.step();
    other.lr = 7;
    const resumed = warmup(other);
    resumed.loadStateDict(schedule.stateDict());
    expect(resumed.getLastLr()).toEqual(schedule.getLastLr());
    schedule.step();
    resumed.step();
    expect(resumed.getLastLr()).toEqual(schedule.getLastLr());
    expect(resumed.stateDict()).toEqual({ lastEpoch: 4, baseLrs: [0.3, 0.1] });
  });

  test("is a schedule that may stand in another one, and moves the momentum of a one-cycle part", () => {
    const optimizer = twoGroups();
    const cycle = new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 4, pctStart: 0.5 });
    const decay = new ExponentialLR(optimizer, { gamma: 0.5 });
    const inner = new SequentialLR(optimizer, { schedulers: [decay, cycle], milestones: [1] });
    const last = new StepLR(optimizer, { stepSize: 1 });
    const outer = new SequentialLR(optimizer, { schedulers: [inner, last], milestones: [3] });
    expect(outer.getLastLr()).toEqual([0.3, 0.1]);
    const seen = [1, 2, 3, 4].map(() => {
      outer.step();
      return { lr: optimizer.lr, momentum: outer.optimizer.paramGroups[0]?.momentum };
    });
    expect(seen.map(({ lr }) => lr)).toEqual([0.04, 1, 0.3, 0.03].map((lr) => expect.closeTo(lr, 15)));
    expect(seen.slice(0, 2).map(({ momentum }) => momentum)).toEqual([0.95, 0.85]);
  });
});
