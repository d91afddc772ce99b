import { Generator, type Module, noGrad, setDefaultDtype } from "normgrad";
import { AdaptiveAvgPool2d, Conv2d, CosineAnnealingLR, crossEntropy, DataLoader, Flatten, Linear } from "normgrad/nn";
import { ReLU, Sequential, SGD, TensorDataset } from "normgrad/nn";
import { BatchNorm2d, GroupNorm, LayerNorm } from "normgrad/norms";
import { percentOf, rightOf } from "./shared/accuracy.ts";
import { curves } from "./shared/chart.ts";
import { type Labelled, loadDigits, splitDigits } from "./shared/digits.ts";
import { lesson } from "./shared/lesson.ts";
import { spreadOf, spreadPoint, spreadText } from "./shared/spread.ts";
import { tune } from "./shared/tuning.ts";

const { quick, seed, heading, say, table, figure, check, progress } = lesson(import.meta.url, {
  title: "Batch size 32 → 2",
  claim:
    "BatchNorm's test error grows as the batch shrinks to 2 images, which know their mean and variance badly; GroupNorm's and LayerNorm's do not.",
  source: "Wu, He (2018), Group normalization, figures 1 and 5, https://arxiv.org/abs/1803.08494",
});

setDefaultDtype("float32");
const SIZES = quick ? [16, 2] : [32, 16, 8, 4, 2];
const RATES = quick ? [0.15] : [0.05, 0.15, 0.45];
const [EPOCHS, COUNT] = [quick ? 3 : 5, 384];
const SEEDS = Array.from({ length: quick ? 2 : 4 }, (_, i) => seed + i);

type Part = "known" | "held" | "test";
type MakeNorm = (channels: number, side: number) => Module;
const NORMS: Readonly<Record<string, MakeNorm>> = {
  BatchNorm: (channels) => new BatchNorm2d(channels),
  GroupNorm: (channels) => new GroupNorm(2, channels),
  LayerNorm: (channels, side) => new LayerNorm([channels, side, side]),
};

/** As a ResNet does, it comes down to few pixels, here 2×2, and ends in their mean. */
function network(norm: MakeNorm, generator: Generator): { features: Sequential; model: Sequential } {
  const block = (from: number, side: number, stride: number): Module[] => [
    new Conv2d(from, 8, 3, { stride, padding: 1, bias: false, generator }),
    norm(8, side),
    new ReLU(),
  ];
  const features = new Sequential(...block(1, 4, 2), ...block(8, 2, 2), ...block(8, 2, 1));
  const model = new Sequential(features, new AdaptiveAvgPool2d(1), new Flatten(), new Linear(8, 10, { generator }));
  return { features, model };
}

/** A fifth of the images to test; of the others a fifth held back to choose the learning rate with, the rest to learn from. */
function digitsOf(one: number): Record<Part, Labelled> {
  const { train, test } = loadDigits({ seed: one });
  const { train: known, test: held } = splitDigits(train, { seed: one, share: quick ? 0.42 : 1 });
  return { known, held, test };
}
const digits = new Map(SEEDS.map((one) => [one, digitsOf(one)]));

heading("What a batch knows of its mean");
const { features } = network((channels) => new BatchNorm2d(channels), new Generator(seed));
const some = new Generator(seed).permutation(COUNT); // in the file the digits of one writer stand together
const { known } = digits.get(seed) ?? digitsOf(seed);
const cells = noGrad(() => features.forward(known.images.indexSelect(0, some))); // [384, 8, 2, 2]
const mean = cells.mean([0, 2, 3]);
const variance = cells
  .sub(mean.reshape([8, 1, 1]))
  .square()
  .mean([0, 2, 3]);
const distances = [32, 16, 8, 4, 2].map((size) => {
  const batches = cells.reshape([COUNT / size, size, 8, 4]).mean([1, 3]);
  return { name: `batch ${size}`, off: batches.sub(mean).square().div(variance).mean().sqrt().item() };
});
say(`${COUNT} images went through the layers of an untrained network, to 2×2 pixels. Each batch of them has a mean for each
  channel. How far is it from the mean of all of them, in standard deviations?`);
table(["", ...distances.map(({ name }) => name)], [["off by", ...distances.map(({ off }) => off.toFixed(2))]]);
const farther = (distances.at(-1)?.off ?? NaN) / (distances[0]?.off ?? NaN);
say(`Each halving adds a factor of about √2; from 32 to 2 it is ${farther.toFixed(1)}. BatchNorm subtracts this mean: with two images,
  what is left of one depends on which other happened to be beside it.`);
check("with 2 images the mean is off at least 3 times as far as with 32", farther > 3);

heading("A learning rate for each method and batch size");
/** Of the images learned, held back and tested: how many in 100 are named rightly after training. */
function train(norm: MakeNorm, batchSize: number, rate: number, one: number): Record<Part, number> {
  const { known, held, test } = digits.get(one) ?? digitsOf(one);
  progress(`batches of ${batchSize}, rate ${rate}, seed ${one}`);
  const generator = new Generator(one);
  const { model } = network(norm, generator);
  const dataset = new TensorDataset(known.images, known.labels);
  const loader = new DataLoader(dataset, { batchSize, shuffle: true, generator, dropLast: true });
  const optimizer = new SGD(model.parameters(), { lr: (rate * batchSize) / 32, momentum: 0.9 });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: EPOCHS });
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const [images, labels] of loader) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(images), labels).backward();
      optimizer.step();
    }
    scheduler.step();
  }
  model.eval();
  const right = (part: Labelled): number => percentOf(rightOf(model.forward(part.images), part.labels));
  return noGrad(() => ({ known: right(known), held: right(held), test: right(test) }));
}

const trained = new Map<string, Record<Part, number>>(); // what was tried for its rate is not trained again
const once: typeof train = (norm, size, rate, one) => {
  const key = [norm.name, size, rate, one].join();
  const run = trained.get(key) ?? train(norm, size, rate, one);
  trained.set(key, run);
  return run;
};
const tuned = Object.entries(NORMS).map(([name, norm]) => {
  const heldOf = (size: string, rate: number, one: number): number => once(norm, Number(size), rate, one).held;
  return { name, norm, ...tune(SIZES.map(String), RATES, SEEDS.slice(0, 2), heldOf) };
});
say(`${EPOCHS} epochs; the rate is multiplied by batch size / 32, as in the paper. How many of the images held back are named
  rightly, in %, mean of two seeds (smallest … largest). The best is taken; the test images have no say in it.`);
table(
  tuned[0]?.heads ?? [],
  tuned.flatMap(({ name, rows }) => rows.map(([size, ...cells]) => [`${name}, ${size}`, ...cells])),
);

heading("The error against the batch size");
const results = tuned.flatMap(({ name, norm, rateOf }) =>
  SIZES.map((size) => {
    const runs = SEEDS.map((one) => once(norm, size, rateOf(`${size}`), one));
    return { name, size, test: runs.map(({ test }) => 100 - test), known: runs.map(({ known }) => 100 - known) };
  }),
);
say(`In %, mean of ${SEEDS.length} seeds (smallest … largest): of the test images, and of those that were learned.`);
const names = Object.keys(NORMS);
const errors = (name: string, size: number, part: "test" | "known"): readonly number[] =>
  results.find((one) => one.name === name && one.size === size)?.[part] ?? [];
const rowsOf = (part: "test" | "known"): string[][] =>
  SIZES.map((size) => [`batch ${size}`, ...names.map((name) => spreadText(errors(name, size, part)))]);
table(["tested", ...names], rowsOf("test"));
table(["learned", ...names], rowsOf("known"));
const points = results.map(({ name, size, test }) => spreadPoint(name, size, test));
const axes = { x: "images in a batch", y: "test error, %", xScale: "log2", zero: true } as const;
await figure("error", curves(points, axes), `Test error: mean, smallest and largest of ${SEEDS.length} seeds`);
const [largest = 0] = SIZES;
const meanOf = (...which: Parameters<typeof errors>): number => spreadOf(errors(...which)).mean;
const growth = (name: string, part: "test" | "known"): number => meanOf(name, 2, part) - meanOf(name, largest, part);
const before = errors("BatchNorm", largest, "test");
const grown = errors("BatchNorm", 2, "test").filter((error, i) => error > (before[i] ?? NaN)).length;
const behind = meanOf("BatchNorm", 2, "test") - meanOf("GroupNorm", 2, "test");
say(`From ${largest} to 2 images the test error changes by ${names.map((name) => `${growth(name, "test").toFixed(1)} with ${name}`).join(", ")}.
  GroupNorm and LayerNorm know no batch; if they gain, it is from the steps, of which the same epochs have more. In the
  paper, with 50 layers on ImageNet, BatchNorm is 10.6 points behind GroupNorm at 2; here ${behind.toFixed(1)}. The claim reproduces in the
  mean: of the seeds, ${grown} in ${SEEDS.length} have a larger error with 2 images than with ${largest}.`);
const rest = (part: "test" | "known"): number => Math.max(growth("GroupNorm", part), growth("LayerNorm", part));
const [ofTest, ofKnown] = [growth("BatchNorm", "test"), growth("BatchNorm", "known")];
check("BatchNorm's test error grows by at least a fifth", ofTest > 0.2 * meanOf("BatchNorm", largest, "test"));
check("the others' grows by less than half as much, if at all", rest("test") < ofTest / 2);
check("so it is with the images that were learned", rest("known") < ofKnown / 2);
