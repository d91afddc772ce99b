import { describe, expect, test } from "vitest";
import { LambdaLR } from "../../src/nn/lambdaLR.ts";
import { scheduleCases } from "../helpers/recurrentFixture.ts";
import { expectAsPyTorchSchedules, twoGroups } from "../helpers/scheduleFixture.ts";

/** Those of test/pytorch/recurrent.py. */
const lambdas = [(t: number) => 0.95 ** t, (t: number) => 1 / (1 + t)];

describe("LambdaLR", () => {
  test.each(scheduleCases("LambdaLR"))("goes PyTorch's way, with a function a group", (entry) => {
    expectAsPyTorchSchedules(entry, (optimizer) => new LambdaLR(optimizer, { lrLambda: lambdas }));
  });

  test("one function serves all groups, from the beginning", () => {
    const schedule = new LambdaLR(twoGroups(), { lrLambda: (epoch) => (epoch === 0 ? 0 : 2) });
    expect(schedule.getLastLr()).toEqual([0, 0]);
    schedule.step();
    expect(schedule.getLastLr()).toEqual([0.6, 0.2]);
  });

  test("a function that fails in a step has changed nothing", () => {
    const schedule = new LambdaLR(twoGroups(), {
      lrLambda: [
        () => 0.5,
        (epoch) => {
          if (epoch > 0) throw new Error("planted");
          return 1;
        },
      ],
    });
    const before = schedule.getLastLr();
    expect(() => schedule.step()).toThrow("planted");
    expect(schedule.getLastLr()).toEqual(before);
    expect(schedule.lastEpoch).toBe(0);
  });
});
