/** Trains one network: the loop that every other example of this project resembles. */
import { Generator, noGrad, printTape, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { CosineAnnealingLR, crossEntropy, DataLoader, SGD, stratifiedSplit, TensorDataset } from "normgrad/nn";
import type { Images } from "./data.ts";
import { buildModel } from "./model.ts";
import type { NormName } from "./model.ts";
import type { Settings } from "./settings.ts";

/** What is known after an epoch. */
export interface Epoch {
  readonly norm: NormName;
  readonly epoch: number;
  /** Mean loss over the epoch's steps. */
  readonly trainLoss: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  readonly seconds: number;
}

export interface Step {
  readonly norm: NormName;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
}

export interface Trained {
  readonly norm: NormName;
  readonly model: string;
  readonly parameters: number;
  /** The tape of the first step, printed. */
  readonly tape: string;
}

export interface Watch {
  readonly onStep: (step: Step) => void;
  readonly onEpoch: (epoch: Epoch) => void;
}

export function train(norm: NormName, images: Images, settings: Settings, watch: Watch): Trained {
  const { epochs, batchSize, seed, dtype } = settings;
  const { side, labels } = images;
  const started = performance.now();
  const all = tensor(images.pixels, { shape: [labels.length, 1, side, side], dtype });
  const [trainRows, testRows] = stratifiedSplit(labels, 0.8, { generator: new Generator(seed) });
  const pick = (rows: Int32Array): [Tensor, Int32Array] => [
    all.indexSelect(0, rows),
    rows.map((row) => labels[row] ?? 0),
  ];
  const [trainImages, trainLabels] = pick(trainRows);
  const [testImages, testLabels] = pick(testRows);

  const generator = new Generator(seed);
  const model = buildModel(norm, images, { generator, dtype });
  // A last batch of one image would leave batch normalization without a variance, in networks on tiny images.
  const loader = new DataLoader(new TensorDataset(trainImages, trainLabels), {
    batchSize,
    shuffle: true,
    generator,
    dropLast: trainLabels.length % batchSize === 1,
  });
  const optimizer = new SGD(model.parameters(), { lr: 0.05, momentum: 0.9, weightDecay: 1e-3 });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: epochs });
  const steps = epochs * loader.length;

  let step = 0;
  let tape = "";
  for (let epoch = 1; epoch <= epochs; epoch++) {
    model.train();
    let sum = 0;
    for (const [batch, target] of loader) {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(batch), target);
      tape ||= printTape(loss, { names: model });
      loss.backward();
      optimizer.step();
      sum += loss.item();
      watch.onStep({ norm, step: ++step, steps, loss: loss.item() });
    }
    scheduler.step();

    model.eval();
    const logits = noGrad(() => model.forward(testImages));
    const testLoss = crossEntropy(logits, testLabels).item();
    const seconds = (performance.now() - started) / 1000;
    watch.onEpoch({
      norm,
      epoch,
      trainLoss: sum / loader.length,
      testLoss,
      testAccuracy: accuracy(logits, testLabels),
      seconds,
    });
  }
  const parameters = model.parameters().reduce((count, parameter) => count + parameter.numel, 0);
  return { norm, model: String(model), parameters, tape };
}

/** The share of rows whose largest logit is the label's. */
function accuracy(logits: Tensor, labels: Int32Array): number {
  const [rows = 0, classes = 0] = logits.shape;
  let right = 0;
  for (let row = 0; row < rows; row++) {
    const scores = logits.data.subarray(row * classes, (row + 1) * classes);
    if (scores.indexOf(Math.max(...scores)) === labels[row]) right++;
  }
  return right / rows;
}
