import { describe, expect, test } from "vitest";
import { MultiStepLR } from "../../src/nn/multiStepLR.ts";
import { StepLR } from "../../src/nn/lrScheduler.ts";
import { scheduleCases } from "../helpers/recurrentFixture.ts";
import { expectAsPyTorchSchedules, twoGroups } from "../helpers/scheduleFixture.ts";

type Options = ConstructorParameters<typeof MultiStepLR>[1];

describe("MultiStepLR", () => {
  test.each(scheduleCases<Options>("MultiStepLR"))("goes PyTorch's way: $options", (entry) => {
    expectAsPyTorchSchedules(entry, (optimizer) => new MultiStepLR(optimizer, entry.options));
  });

  test("another gamma is found", () => {
    const [entry] = scheduleCases<Options>("MultiStepLR");
    expect(
      () =>
        entry &&
        expectAsPyTorchSchedules(entry, (optimizer) => new MultiStepLR(optimizer, { ...entry.options, gamma: 0.2 })),
    ).toThrow(/MultiStepLR: rates: expected/);
  });

  test("with equal distances is StepLR", () => {
    const [a, b] = [twoGroups(), twoGroups()];
    const schedules = [new MultiStepLR(a, { milestones: [3, 6, 9] }), new StepLR(b, { stepSize: 3 })];
    for (let epoch = 0; epoch < 11; epoch++) {
      for (const schedule of schedules) schedule.step();
      expect(schedules[0]?.getLastLr()).toEqual(schedules[1]?.getLastLr());
    }
  });

  test("keeps a copy of the milestones", () => {
    const milestones = [1];
    const schedule = new MultiStepLR(twoGroups(), { milestones, gamma: 0.5 });
    milestones[0] = 9;
    schedule.step();
    expect(schedule.getLastLr()).toEqual([0.15, 0.05]);
  });
});
