import { Generator, setDefaultDtype, tensor } from "normgrad";
import { Conv2d, CosineAnnealingLR, crossEntropy, DataLoader, Flatten, Linear } from "normgrad/nn";
import { ReLU, Sequential, SGD, TensorDataset } from "normgrad/nn";
import { BatchNorm1d, BatchNorm2d, BatchRenorm2d } from "normgrad/norms";
import type { Norm } from "normgrad/norms";
import { curves } from "./shared/chart.ts";
import { loadDigits, splitDigits } from "./shared/digits.ts";
import type { Labelled } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { tune } from "./shared/tuning.ts";
import { askTwice, pointIn, rightInEvaluation, spreadIn, textsOf } from "./shared/twoModes.ts";
import type { TwoModes } from "./shared/twoModes.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "Training statistics against running statistics",
  claim:
    "With BatchNorm a network is one function in training and another in evaluation, the farther apart the smaller the batch. Batch Renormalization trains the function of evaluation: the gap closes.",
  source:
    "Ioffe (2017), Batch renormalization: towards reducing minibatch dependence in batch-normalized models, https://arxiv.org/abs/1702.03275",
});

heading("Which momentum is it?");
const five = tensor([[4], [6]]); // a batch with the mean 5
const walks = [0.1, 0.01, 0.99].map((momentum) => {
  const norm = new BatchNorm1d(1, { momentum });
  const means = Array.from({ length: 200 }, () => (norm.forward(five), norm.runningMean?.item() ?? NaN));
  const error = Math.max(...means.map((mean, i) => Math.abs(mean - 5 * (1 - (1 - momentum) ** (i + 1)))));
  return { momentum, means, error };
});
say(`Every batch has the mean 5, and the running mean begins at 0. PyTorch's momentum m, and ours, is the weight of the NEW
  value: running ← (1 − m) · running + m · new. That of Keras weighs the OLD one. The running mean after some batches:`);
table(
  ["momentum", "1 batch", "10 batches", "100 batches", "200 batches"],
  walks.map(({ momentum: m, means }) => [
    `${m}; in Keras ${(1 - m).toFixed(2)}`,
    ...[1, 10, 100, 200].map((k) => means[k - 1] ?? NaN),
  ]),
);
check("after k batches it is 5 · (1 − (1 − m)ᵏ)", Math.max(...walks.map(({ error }) => error)) < 1e-12);
say(
  "Keras's default, 0.99, is 0.01 here. Taken over as 0.99, the running mean is nearly that of the last batch alone.",
);

setDefaultDtype("float32");
const seeds = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);
const [epochs, share, fewest] = quick ? [2, 0.45, 8] : [4, 0.5, 2];
const kinds = ["BatchNorm", "BatchRenorm"] as const;
type Kind = (typeof kinds)[number];

/** Batch Renormalization begins as BatchNorm; its limits open between a tenth and four tenths of the steps. */
function normOf(kind: Kind, channels: number, momentum: number, steps: number): Norm {
  if (kind === "BatchNorm") return new BatchNorm2d(channels, { momentum });
  const open = (batches: number): number => Math.min(1, Math.max(0, (batches / steps - 0.1) / 0.3));
  return new BatchRenorm2d(channels, { momentum, rMax: (t) => 1 + 2 * open(t), dMax: (t) => 5 * open(t) });
}

type Train = { readonly kind: Kind; readonly batchSize: number; readonly momentum: number; readonly lr: number };
function train({ kind, batchSize, momentum, lr }: Train, one: number, { images, labels }: Labelled): Sequential {
  const generator = new Generator(one);
  const dataset = new TensorDataset(images, labels);
  const loader = new DataLoader(dataset, { batchSize, shuffle: true, generator, dropLast: true });
  const steps = epochs * loader.length;
  const model = new Sequential(
    new Conv2d(1, 8, 3, { stride: 2, padding: 1, generator }),
    normOf(kind, 8, momentum, steps),
    new ReLU(),
    new Conv2d(8, 16, 3, { stride: 2, padding: 1, generator }),
    normOf(kind, 16, momentum, steps),
    new ReLU(),
    new Flatten(),
    new Linear(64, 10, { generator }),
  );
  const optimizer = new SGD(model.parameters(), { lr: (lr * batchSize) / 32, momentum: 0.9 });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: steps });
  for (let epoch = 0; epoch < epochs; epoch++) {
    progress(`${kind}, ${batchSize} images a batch, seed ${one}: epoch ${epoch + 1} of ${epochs}`);
    for (const [x, y] of loader) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(x), y).backward();
      optimizer.step();
      scheduler.step();
    }
  }
  return model;
}

heading("A learning rate for each");
const rates = quick ? [0.1] : [0.01, 0.03, 0.1, 0.3];
const { heads, rows, rateOf } = tune(kinds, rates, seeds.slice(0, seeds.length / 2), (kind, lr, one) => {
  const { train: known, test: held } = splitDigits(loadDigits({ seed: one, share }).train, { seed: one });
  return rightInEvaluation(train({ kind, batchSize: 32, momentum: 0.1, lr }, one, known), held);
});
say(`Right answers in % in eval(), of training images that were held back, at 32 images a batch. Smaller batches take the rate
  in proportion to their size.`);
table(heads, rows);

heading("One network, two functions");
const runsOf = (kind: Kind, batchSize: number, momentum: number): TwoModes[] =>
  seeds.map((one) => {
    const { train: known, test } = loadDigits({ seed: one, share });
    return askTwice(train({ kind, batchSize, momentum, lr: rateOf(kind) }, one, known), known, test, batchSize);
  });
const at = (size: number): Readonly<Record<Kind, TwoModes[]>> & { readonly size: number } => {
  const [BatchNorm, BatchRenorm] = [runsOf("BatchNorm", size, 0.1), runsOf("BatchRenorm", size, 0.1)];
  return { size, BatchNorm, BatchRenorm };
};
const [at32, last] = [at(32), at(fewest)];
const bySize = [at32, ...(quick ? [] : [16, 8, 4].map(at)), last];
say(`The training images are asked again when all is learned: in train(), in batches of the size of the training, and in
  eval(). How far the scores lie apart, both losses, and the right answers to the test images in eval():`);
table(
  ["", "batch", "apart by, %", "loss in train()", "in eval()", "test images, %"],
  bySize.flatMap((runs) =>
    kinds.map((kind) => [kind, runs.size, ...textsOf(runs[kind], "gap", "trainLoss", "evalLoss", "right")]),
  ),
);
const points = bySize.flatMap((runs) => kinds.map((kind) => pointIn(kind, runs.size, runs[kind], "gap")));
await figure(
  "gap",
  curves(points, { x: "images a batch", y: "scores of train() and eval() apart by, %", xScale: "log2", zero: true }),
  "How far the function of training is from that of evaluation: mean, smallest and largest of the seeds",
);
const grows = spreadIn(last.BatchNorm, "gap").low > spreadIn(at32.BatchNorm, "gap").high;
check(`BatchNorm: with ${fewest} images a batch every seed is farther apart than any with 32`, grows);
check(
  "BatchRenorm: at every size less than a tenth as far as BatchNorm",
  bySize.every((runs) => spreadIn(runs.BatchRenorm, "gap").high < 0.1 * spreadIn(runs.BatchNorm, "gap").low),
);
const better = spreadIn(last.BatchRenorm, "right").low > spreadIn(last.BatchNorm, "right").high;
say(`Ioffe's networks also answered better with Renorm where batches were small. With ${fewest} images a batch that
  ${better ? "reproduces here" : "does not reproduce here: the seeds overlap"}.`);

heading("Forget eval(), and the company answers too");
say(`The networks of 32 images a batch, asked about the test images: in eval(), in train() in mixed batches of 32, and in
  train() with all images of one digit as a batch. Right answers in %:`);
table(
  ["", "eval()", "train(), mixed", "train(), one digit"],
  kinds.map((kind) => [kind, ...textsOf(at32[kind], "right", "mixed", "alone")]),
);
const [lost = NaN, kept = NaN] = kinds.map((k) => spreadIn(at32[k], "right").mean - spreadIn(at32[k], "alone").mean);
check("among its like BatchNorm loses at least 10 of 100 answers, BatchRenorm at most 3", lost >= 10 && kept <= 3);

heading("A running mean must arrive");
const late = runsOf("BatchNorm", 32, 0.02);
const [near, far] = [at32.BatchNorm, late].map((runs) => textsOf(runs, "trainLoss", "evalLoss").join(" in train(), "));
say(`BatchNorm trains alike whatever its momentum; what it stores differs. With momentum 0.1 the loss of the training images is
  ${near} in eval(). With 0.02 it is ${far}.`);
const worse = spreadIn(late, "evalLoss").low > spreadIn(at32.BatchNorm, "evalLoss").high;
check("with momentum 0.02 every seed is worse in eval() than any with 0.1", worse);
