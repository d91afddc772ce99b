import { Generator, noGrad, setDefaultDtype } from "normgrad";
import type { Module } from "normgrad";
import { AvgPool2d, Conv2d, CosineAnnealingLR, crossEntropy, DataLoader, Flatten, Identity, Linear } from "normgrad/nn";
import { ReLU, Sequential, SGD, TensorDataset } from "normgrad/nn";
import { BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm } from "normgrad/norms";
import { percentOf, rightOf } from "./shared/accuracy.ts";
import { curves } from "./shared/chart.ts";
import { loadDigits, type Split, splitDigits } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { pointsAlong, spreadOf, spreadText } from "./shared/spread.ts";
import { type Batches, farthest, readTorchRun, writeLosses } from "./shared/torchRun.ts";
import { tune } from "./shared/tuning.ts";

const { quick, seed, out, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "Digits with every norm",
  claim:
    "With a norm, and each network at its best learning rate, fewer steps of training reach the accuracy of the network without one. And the loop is PyTorch's: it has PyTorch's losses.",
  source:
    "Ioffe, Szegedy (2015), Batch normalization: accelerating deep network training, https://arxiv.org/abs/1502.03167",
});

const names = ["none", "BatchNorm", "LayerNorm", "InstanceNorm", "GroupNorm"] as const;
type NormName = (typeof names)[number];
const NORMS: Readonly<Record<NormName, (channels: number, side: number) => Module>> = {
  none: () => new Identity(),
  BatchNorm: (channels) => new BatchNorm2d(channels),
  LayerNorm: (channels, side) => new LayerNorm([channels, side, side]),
  InstanceNorm: (channels) => new InstanceNorm2d(channels, { affine: true }),
  GroupNorm: (channels) => new GroupNorm(4, channels),
};

function network(name: NormName, generator: Generator): Sequential {
  const norm = NORMS[name];
  return new Sequential(
    new Conv2d(1, 8, 3, { padding: 1, generator }),
    norm(8, 8),
    new ReLU(),
    new AvgPool2d(2),
    new Conv2d(8, 16, 3, { padding: 1, generator }),
    norm(16, 4),
    new ReLU(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(64, 10, { generator }),
  );
}

/** 04-digitsWithEveryNorm.py has the same lines in PyTorch. */
function* train(model: Sequential, loader: Batches, epochs: number, lr: number): IterableIterator<number> {
  const optimizer = new SGD(model.parameters(), { lr, momentum: 0.9, weightDecay: 1e-4 });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: epochs * loader.length });
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const [images, labels] of loader) {
      model.train();
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(images), labels);
      loss.backward();
      optimizer.step();
      scheduler.step();
      yield loss.item();
    }
  }
}

heading("The same losses as PyTorch");
setDefaultDtype("float64");
const [torch, STEPS] = [readTorchRun(), quick ? 25 : 100];
const compared = names.map((name) => {
  const model = network(name, new Generator(seed));
  model.loadStateDict(torch.start, { strict: false }); // the norms begin with weight 1 and bias 0 in any case
  const theirs = torch.lossesOf(name).slice(0, STEPS);
  const losses: number[] = [];
  for (const loss of train(model, torch.batches, 1, 0.3)) if (losses.push(loss) === STEPS) break;
  return { name, losses, theirs, apart: farthest(losses, theirs) };
});
say(`${STEPS} steps in float64, from the same initial weights and on the same batches as
  04-digitsWithEveryNorm.py takes. The loss of the last step, and the largest difference of all steps:`);
const lastOf = (losses: readonly number[]): string => losses.at(-1)?.toFixed(13) ?? "";
table(
  ["", "PyTorch", "normgrad", "largest difference"],
  compared.map(({ name, losses, theirs, apart }) => [name, lastOf(theirs), lastOf(losses), apart.toExponential(0)]),
);
const apart = Math.max(...compared.map((one) => one.apart));
check(`each of ${STEPS} losses is PyTorch's within 1e-9, with every norm and without`, apart < 1e-9);
if (!quick)
  say(`Where there is PyTorch, it takes these steps by python3 examples/04-digitsWithEveryNorm.py
    ${writeLosses(out, compared)}`);

heading("A learning rate for each network");
setDefaultDtype("float32");
const [epochs, share, every] = quick ? [2, 0.35, 4] : [4, 1, 9];
const seeds = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);

/** Trains on some images. Answers the accuracy on the others, in %, after every few steps. */
function accuracies(name: NormName, lr: number, one: number, { train: known, test }: Split, every: number): number[] {
  const generator = new Generator(one);
  const dataset = new TensorDataset(known.images, known.labels);
  const loader = new DataLoader(dataset, { batchSize: 32, shuffle: true, generator });
  const model = network(name, generator);
  const found: number[] = [];
  let step = 0;
  for (const _ of train(model, loader, epochs, lr)) {
    progress(`${name}, rate ${lr}, seed ${one}: step ${++step} of ${epochs * loader.length}`);
    if (step % every > 0 && step < epochs * loader.length) continue;
    const scores = noGrad(() => model.eval().forward(test.images));
    found.push(percentOf(rightOf(scores, test.labels)));
  }
  return found;
}

const rates = quick ? [0.16] : [0.02, 0.08, 0.32, 1.28];
const { heads, rows, rateOf } = tune(names, rates, seeds.slice(0, seeds.length / 2), (name, rate, one) => {
  const held = splitDigits(loadDigits({ seed: one, share }).train, { seed: one });
  return accuracies(name, rate, one, held, Infinity)[0] ?? NaN;
});
say(`A fifth of the training images is held back to choose with. How many of them are named rightly after ${epochs} epochs, in %:
  the mean of the seeds, the smallest and the largest. Look along the rows: how many rates serve each network?`);
table(heads, rows);

heading("Learning the digits");
const learned = names.map((name) => {
  const runs = seeds.map((one) => accuracies(name, rateOf(name), one, loadDigits({ seed: one, share }), every));
  return { name, runs, ends: runs.map((run) => run.at(-1) ?? NaN) };
});
const [without = NaN, ...normed] = learned.map(({ ends }) => spreadOf(ends).mean);
const goal = Math.max(without, 30); // in a short run the network without a norm has hardly begun
const stepsOf = learned.map(({ runs }) => runs.map((run) => every * (run.findIndex((right) => right >= goal) + 1)));
const stepsText = (steps: readonly number[]): string => (steps.includes(0) ? "–" : spreadText(steps, 0));
say(`Each at its rate, on all training images now and asked about the test images: the accuracy at the end in %, and the first
  step at which it is ${goal.toFixed(1)} %, ${goal > without ? "beyond" : "which is"} where the network without a norm ends (– if a seed does not get there).`);
table(
  ["", "rate", "accuracy at the end", `steps to ${goal.toFixed(1)} %`],
  learned.map(({ name, ends }, i) => [name, `${rateOf(name)}`, spreadText(ends), stepsText(stepsOf[i] ?? [])]),
);
const points = learned.flatMap(({ name, runs }) => pointsAlong(name, every, runs));
const chart = curves(points, { x: "step", y: "test images named rightly, %" });
await figure("accuracy", chart, "Test accuracy along the training: mean, smallest and largest of the seeds");
check("every norm ends above the network without", Math.min(...normed) > without);
const longest = every * (learned[0]?.runs[0]?.length ?? 0);
const soon = stepsOf.slice(1).every((steps) => !steps.includes(0) && spreadOf(steps).mean <= 0.75 * longest);
check(`every norm is there in at most three quarters of the ${longest} steps, in the mean`, soon);
const [, , , instance = [], group = []] = learned.map(({ ends }) => ends);
const ahead = spreadOf(group).low > spreadOf(instance).high;
say(`On ImageNet, with 32 images a batch, GroupNorm was ahead of InstanceNorm (Wu, He, 2018, Group normalization, figure 4,
  https://arxiv.org/abs/1803.08494). That ${ahead ? "reproduces" : "does not reproduce"} here: ${spreadText(group)} and ${spreadText(instance)}.`);
