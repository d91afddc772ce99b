import { describe, expect, test } from "vitest";
import { LinearLR } from "../../src/nn/linearLR.ts";
import { scheduleCases } from "../helpers/recurrentFixture.ts";
import { expectAsPyTorchSchedules, twoGroups } from "../helpers/scheduleFixture.ts";

type Options = NonNullable<ConstructorParameters<typeof LinearLR>[1]>;

describe("LinearLR", () => {
  test.each(scheduleCases<Options>("LinearLR"))("goes PyTorch's way: $options", (entry) => {
    expectAsPyTorchSchedules(entry, (optimizer) => new LinearLR(optimizer, entry.options));
  });

  test("begins at startFactor when it is made, and ends at endFactor for good", () => {
    const schedule = new LinearLR(twoGroups(), { startFactor: 0, endFactor: 0.5, totalIters: 2 });
    expect(schedule.getLastLr()).toEqual([0, 0]);
    for (let epoch = 0; epoch < 2; epoch++) schedule.step();
    expect(schedule.getLastLr()).toEqual([0.15, 0.05]);
    schedule.step();
    expect(schedule.getLastLr()).toEqual([0.15, 0.05]);
  });

  test("knows the initial rate from a saved state", () => {
    const [first, second] = [new LinearLR(twoGroups()), new LinearLR(twoGroups())];
    first.step();
    second.loadStateDict(first.stateDict());
    expect(second.stateDict()).toEqual({ lastEpoch: 1, baseLrs: [0.3, 0.1] });
    expect(second.getLastLr()).toEqual(first.getLastLr());
  });
});
