import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Parameter, tensor } from "../../src/autograd/index.ts";
import { CosineAnnealingLR, StepLR } from "../../src/nn/lrScheduler.ts";
import type { LRScheduler } from "../../src/nn/lrScheduler.ts";
import { SGD } from "../../src/nn/sgd.ts";
import { holds } from "../helpers/generators.ts";
import { decoded, nnFixture, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";

/** Two groups with rates of their own. */
function optimizerOf(lr: number): SGD {
  const groups = [{ params: [new Parameter(tensor(1))] }, { params: [new Parameter(tensor(2))], lr: lr / 3 }];
  return new SGD(groups, { lr });
}

function expectNear(what: string, actual: number, expected: number, scale: number): void {
  if (!(Math.abs(actual - expected) <= PYTORCH * scale))
    throw new Error(`${what}: expected ${expected}, got ${actual}`);
}

/** PyTorch's `get_lr`: the next rate from the last one. */
type Recursion = (last: number, base: number, epoch: number) => number;

/** Every group goes the way of a recursion; each step of it rounds a few times, far below 1e-13 after 30 of them. */
function expectFollows(schedule: LRScheduler, recursion: Recursion, steps: number): void {
  const bases = schedule.getLastLr();
  let rates = bases;
  for (let epoch = 1; epoch <= steps; epoch++) {
    schedule.step();
    rates = rates.map((rate, i) => recursion(rate, bases[i] ?? NaN, epoch));
    schedule.getLastLr().forEach((rate, i) => expectNear("rate", rate, rates[i] ?? NaN, bases[0] ?? 1));
  }
}

const cosines = fc.record({
  lr: fc.constantFrom(0.3, 1),
  tMax: fc.integer({ min: 1, max: 12 }),
  etaMin: fc.constantFrom(0, 0.01),
  steps: fc.integer({ min: 1, max: 30 }),
});

const stairs = fc.record({
  lr: fc.constantFrom(0.3, 1),
  stepSize: fc.integer({ min: 1, max: 8 }),
  gamma: fc.constantFrom(0.1, 0.5, 0.9),
  steps: fc.integer({ min: 1, max: 30 }),
});

const cosineRecursion =
  (tMax: number, etaMin: number): Recursion =>
  (last, base, epoch) => {
    if ((epoch - 1 - tMax) % (2 * tMax) === 0) return last + ((base - etaMin) * (1 - Math.cos(Math.PI / tMax))) / 2;
    const growth = (1 + Math.cos((Math.PI * epoch) / tMax)) / (1 + Math.cos((Math.PI * (epoch - 1)) / tMax));
    return growth * (last - etaMin) + etaMin;
  };

const stairsRecursion =
  (stepSize: number, gamma: number, delay = 0): Recursion =>
  (last, _, epoch) =>
    epoch > delay && (epoch - delay) % stepSize === 0 ? last * gamma : last;

describe("CosineAnnealingLR", () => {
  test("follows PyTorch's recursion, for every group", () => {
    holds(cosines, ({ lr, tMax, etaMin, steps }) => {
      const schedule = new CosineAnnealingLR(optimizerOf(lr), { tMax, etaMin });
      expectFollows(schedule, cosineRecursion(tMax, etaMin), steps);
    });
  });

  test("the law rejects another period", () => {
    breaks(
      cosines,
      ({ lr, tMax, etaMin, steps }) => {
        const schedule = new CosineAnnealingLR(optimizerOf(lr), { tMax: tMax + 1, etaMin });
        expectFollows(schedule, cosineRecursion(tMax, etaMin), steps);
      },
      /rate: expected/,
    );
  });

  test("goes from the initial rate to etaMin in tMax steps", () => {
    const optimizer = optimizerOf(1);
    const schedule = new CosineAnnealingLR(optimizer, { tMax: 4, etaMin: 0.2 });
    expect(optimizer.lr).toBe(1);
    for (let epoch = 0; epoch < 4; epoch++) schedule.step();
    expect(schedule.getLastLr()).toEqual([0.2, 0.2]);
    expect(schedule.lastEpoch).toBe(4);
  });

  test("refuses options that are out of range", () => {
    expect(() => new CosineAnnealingLR(optimizerOf(1), { tMax: 0 })).toThrow(
      new RangeError("CosineAnnealingLR: expected tMax to be a positive number, got 0"),
    );
    expect(() => new CosineAnnealingLR(optimizerOf(1), { tMax: 3, etaMin: -1 })).toThrow(/etaMin/);
  });
});

describe("StepLR", () => {
  test("follows PyTorch's recursion, for every group", () => {
    holds(stairs, ({ lr, stepSize, gamma, steps }) => {
      expectFollows(new StepLR(optimizerOf(lr), { stepSize, gamma }), stairsRecursion(stepSize, gamma), steps);
    });
  });

  test("the law rejects a change that comes one step late", () => {
    breaks(
      stairs,
      ({ lr, stepSize, gamma, steps }) =>
        expectFollows(new StepLR(optimizerOf(lr), { stepSize, gamma }), stairsRecursion(stepSize, gamma, 1), steps),
      /rate: expected/,
    );
  });

  test("gamma is 0.1 by default", () => {
    const optimizer = optimizerOf(1);
    new StepLR(optimizer, { stepSize: 1 }).step();
    expect(optimizer.lr).toBe(0.1);
  });

  test("refuses options that are out of range", () => {
    expect(() => new StepLR(optimizerOf(1), { stepSize: 0 })).toThrow(/stepSize to be a positive whole number, got 0/);
    expect(() => new StepLR(optimizerOf(1), { stepSize: 1, gamma: NaN })).toThrow(/gamma/);
  });
});

describe("PyTorch", () => {
  for (const { scheduler, options, lr, lrs } of nnFixture().schedulers) {
    test(`agrees: ${scheduler} ${JSON.stringify(options)}`, () => {
      const optimizer = new SGD([new Parameter(tensor(1))], { lr });
      const schedule = new (scheduler === "StepLR" ? StepLR : CosineAnnealingLR)(optimizer, options);
      for (const expected of decoded(lrs).data) {
        expectNear("rate", optimizer.lr, expected, lr);
        schedule.step();
      }
    });
  }
});

describe("stateDict and loadStateDict", () => {
  test("a schedule goes on where the saved one stopped, and knows the initial rates", () => {
    const [first, second] = [optimizerOf(1), optimizerOf(1)];
    const schedule = new CosineAnnealingLR(first, { tMax: 10 });
    for (let epoch = 0; epoch < 3; epoch++) schedule.step();
    second.loadStateDict(first.stateDict());
    const resumed = new CosineAnnealingLR(second, { tMax: 10 });
    resumed.loadStateDict(schedule.stateDict());
    expect(resumed.getLastLr()).toEqual(schedule.getLastLr());
    schedule.step();
    resumed.step();
    expect(resumed.getLastLr()).toEqual(schedule.getLastLr());
  });

  test("refuses another number of groups, or a lastEpoch that is no count; nothing has changed then", () => {
    const schedule = new StepLR(optimizerOf(1), { stepSize: 1 });
    expect(() => schedule.loadStateDict({ lastEpoch: 1, baseLrs: [1] })).toThrow(/2 baseLrs, one a group, got 1/);
    expect(() => schedule.loadStateDict({ lastEpoch: -1, baseLrs: [1, 1] })).toThrow(/lastEpoch/);
    expect(schedule.stateDict()).toEqual({ lastEpoch: 0, baseLrs: [1, 1 / 3] });
  });
});

describe("the initial rate", () => {
  test("is that before any schedule, for a second schedule too; a rate that is set by hand before the first counts", () => {
    const optimizer = optimizerOf(1);
    optimizer.lr = 0.5;
    const first = new StepLR(optimizer, { stepSize: 1 });
    first.step();
    expect(first.getLastLr()).toEqual([0.05, 0.05]);
    const second = new StepLR(optimizer, { stepSize: 1, gamma: 0.5 });
    expect(second.getLastLr()).toEqual([0.05, 0.05]);
    second.step();
    expect(second.getLastLr()).toEqual([0.25, 0.25]);
  });
});

describe("settingsAt", () => {
  test("foretells the rates of every group, and changes nothing", () => {
    const schedule = new StepLR(optimizerOf(1), { stepSize: 2 });
    const foretold = [0, 1, 2, 3].map((epoch) => schedule.settingsAt(epoch).map(({ lr }) => lr));
    expect(schedule.lastEpoch).toBe(0);
    expect(schedule.getLastLr()).toEqual(foretold[0]);
    for (const rates of foretold.slice(1)) {
      schedule.step();
      expect(schedule.getLastLr()).toEqual(rates);
    }
    expect(schedule.settingsAt(1)[0]?.momentum).toBeNull();
  });
});
