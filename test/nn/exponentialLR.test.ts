import { describe, expect, test } from "vitest";
import { ExponentialLR } from "../../src/nn/exponentialLR.ts";
import { scheduleCases } from "../helpers/recurrentFixture.ts";
import { expectAsPyTorchSchedules, twoGroups } from "../helpers/scheduleFixture.ts";

describe("ExponentialLR", () => {
  test.each(scheduleCases<{ readonly gamma: number }>("ExponentialLR"))("goes PyTorch's way: $options", (entry) => {
    expectAsPyTorchSchedules(entry, (optimizer) => new ExponentialLR(optimizer, entry.options));
  });

  test("leaves the rate alone until the first step", () => {
    const optimizer = twoGroups();
    const schedule = new ExponentialLR(optimizer, { gamma: 0.5 });
    expect(schedule.getLastLr()).toEqual([0.3, 0.1]);
    schedule.step();
    expect(schedule.getLastLr()).toEqual([0.15, 0.05]);
  });
});
