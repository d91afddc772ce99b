import { describe, expect, test } from "vitest";
import { loadImages } from "../../../examples/digits/data.ts";
import { NORMS } from "../../../examples/digits/model.ts";
import type { NormName } from "../../../examples/digits/model.ts";
import type { Images } from "../../../examples/digits/data.ts";
import type { Settings } from "../../../examples/digits/settings.ts";
import { train } from "../../../examples/digits/train.ts";
import type { Epoch, Step, Trained } from "../../../examples/digits/train.ts";
import { DIGITS, settingsWith, someDigits } from "./files.ts";

interface Run {
  readonly steps: Step[];
  readonly epochs: Epoch[];
  readonly trained: Trained;
}

function run(norm: NormName, images: Images, given: Partial<Settings> = {}): Run {
  const steps: Step[] = [];
  const epochs: Epoch[] = [];
  const trained = train(norm, images, settingsWith(given), {
    onStep: (step) => steps.push(step),
    onEpoch: (epoch) => epochs.push({ ...epoch, seconds: 0 }), // the one thing that no seed decides
  });
  return { steps, epochs, trained };
}

const few = someDigits(130);

describe("train", () => {
  test.each(NORMS)("%s: a seed decides the whole run", (norm) => {
    const first = run(norm, few);
    expect(run(norm, few)).toEqual(first);
    expect(run(norm, few, { seed: 2 }).steps).not.toEqual(first.steps);
    expect(first.steps.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  test("recognizes more than 90 % of the digits after two epochs", () => {
    const { epochs } = run("batchNorm", loadImages(DIGITS), { epochs: 2 });
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(epochs.at(-1)?.testAccuracy).toBeGreaterThan(0.9);
    expect(epochs.at(-1)?.trainLoss).toBeLessThan(epochs[0]?.trainLoss ?? NaN);
  });

  test("tells every step, and the mean loss of each epoch", () => {
    const { steps, epochs } = run("groupNorm", few, { epochs: 2, dtype: "float64" });
    const perEpoch = steps.length / 2;
    expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1));
    expect(new Set(steps.map((step) => step.steps))).toEqual(new Set([steps.length]));
    epochs.forEach(({ trainLoss }, i) => {
      const losses = steps.slice(i * perEpoch, (i + 1) * perEpoch).map(({ loss }) => loss);
      expect(trainLoss).toBeCloseTo(losses.reduce((a, b) => a + b) / perEpoch, 12);
    });
  });

  test("hands back the model, its size and the tape of the first step with the parameters' names", () => {
    const { trained } = run("groupNorm", few);
    // 8·9 + 8, a norm's 2·8, 16·8·9 + 16, a norm's 2·16, 256·10 + 10
    expect(trained.parameters).toBe(80 + 16 + 1168 + 32 + 2570);
    expect(trained.model).toMatch(/^Sequential\(/);
    expect(trained.model).toContain("GroupNorm(4, 8");
    for (const name of ["conv2d", "groupNorm", "crossEntropy", "0.weight"]) expect(trained.tape).toContain(name);
  });

  test.each([
    [17, 6], // 103 = 6 · 17 + 1: the one is left out
    [51, 2],
    [34, 3],
    [50, 3], // a rest of three is a batch
    [103, 1],
    [200, 1],
  ])("of 103 images, batches of %i: %i steps", (batchSize, count) => {
    expect(run("batchNorm", someDigits(129), { batchSize }).steps).toHaveLength(count);
  });

  test("a network on 2×2 images trains with batch normalization whatever the batch size", () => {
    const labels = Int32Array.from({ length: 11 }, (_, i) => i % 2);
    const images = { side: 2, classes: 2, labels, pixels: Float64Array.from({ length: 44 }, (_, i) => (i % 7) / 7) };
    for (const batchSize of [2, 3, 4, 5, 8, 100]) {
      const { epochs } = run("batchNorm", images, { batchSize });
      expect(epochs).toHaveLength(1);
      expect(Number.isFinite(epochs[0]?.trainLoss)).toBe(true);
    }
  });
});
