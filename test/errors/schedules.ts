// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Schedules of the learning rate, and clipping of gradients. */
import { clipGradNorm, clipGradValue, CosineAnnealingLR, Linear, SGD, StepLR, tensor } from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const w = tensor([1, 2], { requiresGrad: true });
w.square().sum().backward();
const model = new Linear(2, 1);
const sgd = new SGD([w], { lr: 0.1 });
const schedule = new StepLR(sgd, { stepSize: 2 });
const withGrad = (gradient) => Object.assign(tensor([1, 2], { requiresGrad: true }), { grad: gradient });
const exploded = withGrad(tensor([Infinity, 1]));

export const schedules: WrongCalls = {
  fixtures: { w, exploded, sgd, schedule },
  rows: [
    {
      call: "new CosineAnnealingLR(sgd)",
      run: () => new CosineAnnealingLR(sgd),
      kind: TypeError,
      message: "CosineAnnealingLR: expected options as an object { tMax, etaMin }, got undefined",
    },
    {
      call: "new CosineAnnealingLR(sgd, { tMax: 0 })",
      run: () => new CosineAnnealingLR(sgd, { tMax: 0 }),
      kind: RangeError,
      message: "CosineAnnealingLR: expected tMax to be a positive number, got 0",
    },
    {
      call: 'new CosineAnnealingLR(sgd, { tMax: "10" })',
      run: () => new CosineAnnealingLR(sgd, { tMax: "10" }),
      kind: TypeError,
      message: 'CosineAnnealingLR: expected tMax to be a number, got "10"',
    },
    {
      call: "new CosineAnnealingLR(sgd, { tMax: 10, etaMin: -0.1 })",
      run: () => new CosineAnnealingLR(sgd, { tMax: 10, etaMin: -0.1 }),
      kind: RangeError,
      message: "CosineAnnealingLR: expected etaMin to be a number of at least 0, got -0.1",
    },
    {
      call: "new StepLR({ stepSize: 2 })",
      run: () => new StepLR({ stepSize: 2 }),
      kind: TypeError,
      message: "StepLR: expected an optimizer, got an object",
    },
    {
      call: "new StepLR(sgd, 30)",
      run: () => new StepLR(sgd, 30),
      kind: TypeError,
      message: "StepLR: expected options as an object { stepSize, gamma }, got 30",
    },
    {
      call: "new StepLR(sgd, { stepSize: 2.5 })",
      run: () => new StepLR(sgd, { stepSize: 2.5 }),
      kind: RangeError,
      message: "StepLR: expected stepSize to be a positive whole number, got 2.5",
    },
    {
      call: "new StepLR(sgd, { stepSize: 2, gamma: -1 })",
      run: () => new StepLR(sgd, { stepSize: 2, gamma: -1 }),
      kind: RangeError,
      message: "StepLR: expected gamma to be a number of at least 0, got -1",
    },
    {
      call: "schedule.loadStateDict()",
      run: () => schedule.loadStateDict(),
      kind: TypeError,
      message: "loadStateDict: expected a state dict as an object { name: value }, got undefined",
    },
    {
      call: "schedule.loadStateDict({ lastEpoch: 1 })",
      run: () => schedule.loadStateDict({ lastEpoch: 1 }),
      kind: TypeError,
      message: "loadStateDict: expected its baseLrs in an array, got undefined",
    },
    {
      call: "schedule.loadStateDict({ lastEpoch: 1, baseLrs: [0.1, 0.2] })",
      run: () => schedule.loadStateDict({ lastEpoch: 1, baseLrs: [0.1, 0.2] }),
      kind: RangeError,
      message: "loadStateDict: expected 1 baseLrs, one a group, got 2",
    },
    {
      call: 'schedule.loadStateDict({ lastEpoch: 1, baseLrs: ["0.1"] })',
      run: () => schedule.loadStateDict({ lastEpoch: 1, baseLrs: ["0.1"] }),
      kind: TypeError,
      message: 'loadStateDict: expected each baseLr to be a number, got "0.1"',
    },
    {
      call: "schedule.loadStateDict({ lastEpoch: -1, baseLrs: [0.1] })",
      run: () => schedule.loadStateDict({ lastEpoch: -1, baseLrs: [0.1] }),
      kind: RangeError,
      message: "loadStateDict: expected lastEpoch to be a whole number of at least 0, got -1",
    },
    {
      call: "clipGradNorm(model, 1)",
      run: () => clipGradNorm(model, 1),
      kind: TypeError,
      message: "clipGradNorm: expected one tensor or several, as of model.parameters(), got a Linear",
    },
    {
      call: "clipGradNorm([w])",
      run: () => clipGradNorm([w]),
      kind: TypeError,
      message: "clipGradNorm: expected maxNorm to be a number, got undefined",
    },
    {
      call: "clipGradNorm([w], -1)",
      run: () => clipGradNorm([w], -1),
      kind: RangeError,
      message: "clipGradNorm: expected maxNorm to be a number of at least 0, got -1",
    },
    {
      call: "clipGradNorm([w, null], 1)",
      run: () => clipGradNorm([w, null], 1),
      kind: TypeError,
      message: "clipGradNorm: expected a parameter to be a tensor, got null",
    },
    {
      call: "clipGradNorm([w, withGrad([1, 1])], 1)",
      run: () => clipGradNorm([w, withGrad([1, 1])], 1),
      kind: TypeError,
      message: "clipGradNorm: expected a gradient to be a tensor, got [1, 1]",
    },
    {
      call: "clipGradNorm([w], 1, 2)",
      run: () => clipGradNorm([w], 1, 2),
      kind: TypeError,
      message: "clipGradNorm: expected options as an object { normType, errorIfNonfinite }, got 2",
    },
    {
      call: "clipGradNorm([w], 1, { normType: 0 })",
      run: () => clipGradNorm([w], 1, { normType: 0 }),
      kind: RangeError,
      message: "clipGradNorm: expected normType to be a positive number, got 0",
    },
    {
      call: "clipGradNorm([w, exploded], 1, { errorIfNonfinite: true })",
      run: () => clipGradNorm([w, exploded], 1, { errorIfNonfinite: true }),
      kind: RangeError,
      message: "clipGradNorm: expected gradients of finite norm, got Infinity; it cannot be scaled",
    },
    {
      call: "clipGradValue(model.parameters, 1)",
      run: () => clipGradValue(model.parameters, 1),
      kind: TypeError,
      message: "clipGradValue: expected one tensor or several, as of model.parameters(), got a function",
    },
    {
      call: 'clipGradValue([w], "1")',
      run: () => clipGradValue([w], "1"),
      kind: TypeError,
      message: 'clipGradValue: expected clipValue to be a number, got "1"',
    },
    {
      call: "clipGradValue([w], -1)",
      run: () => clipGradValue([w], -1),
      kind: RangeError,
      message: "clipGradValue: expected clipValue to be a number of at least 0, got -1",
    },
  ],
};
