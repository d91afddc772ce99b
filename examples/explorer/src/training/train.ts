/** Tiny networks on the digits of the project: seconds, so that a page can train them. */
import { Generator, noGrad, tensor } from "normgrad";
import {
  AvgPool2d,
  Conv2d,
  crossEntropy,
  DataLoader,
  Flatten,
  Linear,
  ReLU,
  Sequential,
  SGD,
  TensorDataset,
} from "normgrad/nn";
import { BatchNorm1d, GroupNorm, SwitchableNorm2d } from "normgrad/norms";
import type { Module, Tensor } from "normgrad";

export const TRAINED = ["batch", "group", "switchable"] as const;
export type Trained = (typeof TRAINED)[number];

export interface Training {
  readonly norm: Trained;
  readonly batchSize: number;
  readonly seed: number;
}

export interface Epoch {
  /** 0 is before the first step. */
  readonly epoch: number;
  /** Of the test images, in %. */
  readonly error: number;
  /** What SwitchableNorm mixes its means and variances with: IN, LN, BN; null for the others. */
  readonly weights: { readonly mean: readonly number[]; readonly variance: readonly number[] } | null;
}

export const EPOCHS = 8;
const TRAIN = 400;
const TEST = 400;
const CHANNELS = 8;
const HIDDEN = 64;
/** For a batch of 32; it goes with the batch, so that the batch is all that differs. */
const RATE = 0.15;

/** Where each unit has one value a sample, so that BatchNorm's sets are as large as the batch. */
function perceptron(norm: "batch" | "group", generator: Generator): Module<[Tensor]> {
  const layer = (): Module => (norm === "batch" ? new BatchNorm1d(HIDDEN) : new GroupNorm(4, HIDDEN));
  return new Sequential(
    new Flatten(),
    new Linear(64, HIDDEN, { generator }),
    layer(),
    new ReLU(),
    new Linear(HIDDEN, HIDDEN, { generator }),
    layer(),
    new ReLU(),
    new Linear(HIDDEN, 10, { generator }),
  );
}

/** Where an instance has values of its own to be normalized by. */
function convolutional(layer: SwitchableNorm2d, generator: Generator): Module<[Tensor]> {
  return new Sequential(
    new Conv2d(1, CHANNELS, 3, { padding: 1, generator }),
    layer,
    new ReLU(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(CHANNELS * 16, 10, { generator }),
  );
}

/** @param csv rows of 64 pixels and a label */
export function train(csv: string, { norm, batchSize, seed }: Training, onEpoch: (epoch: Epoch) => void): void {
  const generator = new Generator(seed);
  const rows = csv
    .trim()
    .split("\n")
    .map((line) => line.split(",").map(Number));
  const order = [...generator.permutation(rows.length)];
  const pick = (from: number, count: number): readonly [Tensor, Int32Array] => {
    const chosen = order.slice(from, from + count).map((row) => rows[row] ?? []);
    const pixels = Float32Array.from(chosen.flatMap((row) => row.slice(0, 64).map((value) => value / 16)));
    return [tensor(pixels, { shape: [count, 1, 8, 8] }).to("float64"), Int32Array.from(chosen, (row) => row[64] ?? 0)];
  };
  const [images, labels] = pick(0, TRAIN);
  const [testImages, testLabels] = pick(TRAIN, TEST);
  const mixing = new SwitchableNorm2d(CHANNELS);
  const model = norm === "switchable" ? convolutional(mixing, generator) : perceptron(norm, generator);
  const loader = new DataLoader(new TensorDataset(images, labels), {
    batchSize,
    shuffle: true,
    generator,
    dropLast: true,
  });
  const optimizer = new SGD(model.parameters(), { lr: (RATE * batchSize) / 32, momentum: 0.9 });
  const tell = (epoch: number): void => {
    model.eval();
    const logits = noGrad(() => model.forward(testImages));
    model.train();
    onEpoch({
      epoch,
      error: 100 * errorOf(logits, testLabels),
      weights: norm === "switchable" ? weightsOf(mixing) : null,
    });
  };
  tell(0);
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    for (const [batch, target] of loader) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(batch), target).backward();
      optimizer.step();
    }
    tell(epoch);
  }
}

function weightsOf({ meanWeight, varWeight }: SwitchableNorm2d): Epoch["weights"] {
  return noGrad(() => ({ mean: [...meanWeight.softmax(0).data], variance: [...varWeight.softmax(0).data] }));
}

function errorOf(logits: Tensor, labels: Int32Array): number {
  const classes = 10;
  let wrong = 0;
  for (let row = 0; row < labels.length; row++) {
    const scores = logits.data.subarray(row * classes, (row + 1) * classes);
    if (scores.indexOf(Math.max(...scores)) !== labels[row]) wrong++;
  }
  return wrong / labels.length;
}
