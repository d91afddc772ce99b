import { describe, expect, test } from "vitest";
import { OneCycleLR } from "../../src/nn/oneCycleLR.ts";
import type { OneCycleLROptions } from "../../src/nn/oneCycleLR.ts";
import { given } from "../helpers/given.ts";
import { scheduleCases } from "../helpers/recurrentFixture.ts";
import { expectAsPyTorchSchedules, twoGroups } from "../helpers/scheduleFixture.ts";

describe("OneCycleLR", () => {
  test.each(scheduleCases<OneCycleLROptions>("OneCycleLR"))("goes PyTorch's way: $options", (entry) => {
    expectAsPyTorchSchedules(entry, (optimizer) => new OneCycleLR(optimizer, entry.options));
  });

  test("a momentum that goes with the rate, and one that stays, are found", () => {
    const entry = given(scheduleCases<OneCycleLROptions>("OneCycleLR")[0]);
    for (const planted of [{ baseMomentum: 0.95, maxMomentum: 0.85 }, { cycleMomentum: false }]) {
      expect(() =>
        expectAsPyTorchSchedules(entry, (optimizer) => new OneCycleLR(optimizer, { ...entry.options, ...planted })),
      ).toThrow(/OneCycleLR: momenta: expected/);
    }
  });

  test("rises to maxLr and falls to maxLr / divFactor / finalDivFactor", () => {
    const options = { maxLr: 1, totalSteps: 11, pctStart: 6 / 11, divFactor: 10, finalDivFactor: 5 };
    const rates = Array.from(
      { length: 11 },
      (_, step) => given(new OneCycleLR(twoGroups(), options).settingsAt(step)[0]).lr,
    );
    expect(rates[0]).toBeCloseTo(0.1, 15);
    expect(rates.indexOf(Math.max(...rates))).toBe(5);
    expect(rates[5]).toBe(1);
    expect(rates[10]).toBeCloseTo(0.02, 15);
  });

  test("after the last step it stays where it is, and then refuses", () => {
    for (const annealStrategy of ["cos", "linear"] as const) {
      const schedule = new OneCycleLR(twoGroups(), { maxLr: 1, totalSteps: 5, annealStrategy });
      for (let step = 0; step < 4; step++) schedule.step();
      const last = schedule.getLastLr();
      schedule.step();
      expect(schedule.getLastLr()).toEqual(last);
      expect(() => schedule.step()).toThrow("OneCycleLR: expected at most totalSteps 5 steps, got 6");
      expect(schedule.lastEpoch).toBe(5);
    }
  });

  test("a rise without length begins at the top", () => {
    const schedule = new OneCycleLR(twoGroups(), { maxLr: 1, totalSteps: 10, pctStart: 0.1 });
    expect(schedule.getLastLr()).toEqual([1, 1]);
    expect(new OneCycleLR(twoGroups(), { maxLr: 1, totalSteps: 1 }).getLastLr().every(Number.isFinite)).toBe(true);
  });

  test("leaves the momentum alone with cycleMomentum false", () => {
    const optimizer = twoGroups();
    new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 5, cycleMomentum: false }).step();
    expect(optimizer.paramGroups[0]).toMatchObject({ momentum: 0.5 });
  });

  test("goes on from a saved state", () => {
    const make = (): OneCycleLR => new OneCycleLR(twoGroups("Adam"), { maxLr: 1, totalSteps: 9 });
    const [first, resumed] = [make(), make()];
    for (let step = 0; step < 4; step++) first.step();
    resumed.loadStateDict(first.stateDict());
    expect(resumed.optimizer.paramGroups[0]?.betas).toEqual(first.optimizer.paramGroups[0]?.betas);
    expect(resumed.getLastLr()).toEqual(first.getLastLr());
  });
});
