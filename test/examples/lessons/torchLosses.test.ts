/** The 100 losses of test/pytorch/lesson04.json: PyTorch's loop, taken here from the same weights on the same batches. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { farthest, readTorchRun } from "../../../examples/shared/torchRun.ts";
import type { Module } from "../../../src/autograd/index.ts";
import {
  AvgPool2d,
  Conv2d,
  CosineAnnealingLR,
  crossEntropy,
  Flatten,
  Identity,
  Linear,
  ReLU,
  Sequential,
  SGD,
} from "../../../src/nn/index.ts";
import { BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm } from "../../../src/norms/index.ts";
import { ROOT } from "../../helpers/cli.ts";

type MakeNorm = (channels: number, side: number) => Module;

const run = readTorchRun();
const norms: Readonly<Record<string, MakeNorm>> = {
  none: () => new Identity(),
  BatchNorm: (channels) => new BatchNorm2d(channels),
  LayerNorm: (channels, side) => new LayerNorm([channels, side, side]),
  InstanceNorm: (channels) => new InstanceNorm2d(channels, { affine: true }),
  GroupNorm: (channels) => new GroupNorm(4, channels),
};

/** Absolute; the losses are between 0.05 and 3. PyTorch with the norms written out is 2e-14 away from itself. */
const TOLERANCE = 1e-9;

function losses(norm: MakeNorm, { momentum = 0.9, weightDecay = 1e-4, schedule = true, steps = 100 } = {}): number[] {
  const model = new Sequential(
    new Conv2d(1, 8, 3, { padding: 1 }),
    norm(8, 8),
    new ReLU(),
    new AvgPool2d(2),
    new Conv2d(8, 16, 3, { padding: 1 }),
    norm(16, 4),
    new ReLU(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(64, 10),
  );
  model.loadStateDict(run.start, { strict: false });
  const optimizer = new SGD(model.parameters(), { lr: 0.3, momentum, weightDecay });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: run.batches.length });
  return [...run.batches].slice(0, steps).map(([images, labels]) => {
    optimizer.zeroGrad();
    const loss = crossEntropy(model.forward(images), labels);
    loss.backward();
    optimizer.step();
    if (schedule) scheduler.step();
    return loss.item();
  });
}

describe("100 steps from PyTorch's weights on PyTorch's batches", () => {
  test.each(Object.entries(norms))(
    "%s: each loss is PyTorch's",
    (name, norm) => {
      const theirs = run.lossesOf(name);
      expect(theirs).toHaveLength(100);
      expect(Math.min(...theirs)).toBeLessThan(0.7 * (theirs[0] ?? NaN));
      expect(farthest(losses(norm), theirs)).toBeLessThan(TOLERANCE);
    },
    60_000,
  );

  test("another momentum, weight decay, eps, or no schedule is found within ten steps", () => {
    const { BatchNorm, GroupNorm: group } = norms;
    if (!BatchNorm || !group) throw new Error("expected the norms");
    const theirs = run.lossesOf("BatchNorm").slice(0, 10);
    const wrong = [
      losses(BatchNorm, { steps: 10, momentum: 0.9 + 1e-6 }),
      losses(BatchNorm, { steps: 10, weightDecay: 0 }),
      losses(BatchNorm, { steps: 10, schedule: false }),
      losses((channels) => new BatchNorm2d(channels, { eps: 1.001e-5 }), { steps: 10 }),
      losses(group, { steps: 10 }),
    ];
    for (const other of wrong) expect(farthest(other, theirs)).toBeGreaterThan(TOLERANCE);
    expect(farthest(losses(BatchNorm, { steps: 10 }), theirs)).toBeLessThan(TOLERANCE);
  }, 60_000);
});

describe("04-digitsWithEveryNorm.ts and .py", () => {
  const CALLS =
    /\b(sequential|conv2d|norm|relu|avgpool2d|flatten|linear|train|sgd|cosineannealinglr|zero_?grad|cross_?entropy|backward|step|item)\(/gi;
  const callsIn = (file: string, from: string, to: string): string[] => {
    const source = readFileSync(join(ROOT, "examples", file), "utf8");
    const body = source.slice(source.indexOf(from), source.indexOf(to));
    return Array.from(body.matchAll(CALLS), ([, name = ""]) => name.replaceAll("_", "").toLowerCase());
  };

  test("have the same layers and the same steps in the same order", () => {
    const ours = callsIn("04-digitsWithEveryNorm.ts", "function network", "\nheading(");
    expect(ours).toHaveLength(21);
    expect(ours).toEqual(callsIn("04-digitsWithEveryNorm.py", "def network", "def batches_of"));
  });
});
