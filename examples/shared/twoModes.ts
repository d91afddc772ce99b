/** The same images asked twice: in train(), where BatchNorm takes the statistics of the batch, and in eval(). */
import { concat, noGrad, range } from "normgrad";
import type { Module, Tensor } from "normgrad";
import { crossEntropy } from "normgrad/nn";
import { percentOf, rightOf } from "./accuracy.ts";
import type { Point } from "./chart.ts";
import type { Labelled } from "./digits.ts";
import { spreadOf, spreadPoint, spreadText } from "./spread.ts";
import type { Spread } from "./spread.ts";

export interface TwoModes {
  /** Of the training images, in train(), in batches of the size of the training. */
  readonly trainLoss: number;
  /** Of the training images, in eval(). */
  readonly evalLoss: number;
  /** How far the scores of the two lie apart, in % of the size of those of eval(). */
  readonly gap: number;
  /** Right answers in % to the test images, in eval(). */
  readonly right: number;
  /** In train(), in batches of 32 as they come. */
  readonly mixed: number;
  /** In train(), all images of one digit as a batch. */
  readonly alone: number;
}

/** One value a seed: its mean, smallest and largest. */
export function spreadIn(runs: readonly TwoModes[], key: keyof TwoModes): Spread {
  return spreadOf(runs.map((run) => run[key]));
}

/** The same as a point of a curve with its band. */
export function pointIn(name: string, x: number, runs: readonly TwoModes[], key: keyof TwoModes): Point {
  return spreadPoint(
    name,
    x,
    runs.map((run) => run[key]),
  );
}

/** As text, losses to three digits and percentages to one. */
export function textsOf(runs: readonly TwoModes[], ...keys: readonly (keyof TwoModes)[]): string[] {
  return keys.map((key) =>
    spreadText(
      runs.map((run) => run[key]),
      key.endsWith("Loss") ? 3 : 1,
    ),
  );
}

/** The model is left as it was, running statistics and all. */
export function askTwice(model: Module, known: Labelled, test: Labelled, batchSize: number): TwoModes {
  const [training, labels] = scoresInTraining(model, known, mixedBatches(known, batchSize));
  const evaluation = scoresInEvaluation(model, known).indexSelect(0, range(labels.length));
  const share = training.sub(evaluation).square().mean().item() / evaluation.square().mean().item();
  return {
    trainLoss: crossEntropy(training, labels).item(),
    evalLoss: crossEntropy(evaluation, labels).item(),
    gap: 100 * Math.sqrt(share),
    right: rightInEvaluation(model, test),
    mixed: percentOf(rightOf(...scoresInTraining(model, test, mixedBatches(test, 32)))),
    alone: percentOf(rightOf(...scoresInTraining(model, test, batchesOfOneDigit(test)))),
  };
}

/** In %. */
export function rightInEvaluation(model: Module, asked: Labelled): number {
  return percentOf(rightOf(scoresInEvaluation(model, asked), asked.labels));
}

function scoresInEvaluation(model: Module, { images }: Labelled): Tensor {
  return noGrad(() => model.eval().forward(images));
}

/** Of the rows of all batches, and their labels. */
function scoresInTraining(
  model: Module,
  { images, labels }: Labelled,
  batches: readonly (readonly number[])[],
): [Tensor, Int32Array] {
  const state = model.stateDict();
  const scores = batches.map((rows) => {
    model.loadStateDict(state); // the batch before has moved the running statistics
    return noGrad(() => model.train().forward(images.indexSelect(0, rows)));
  });
  model.loadStateDict(state);
  return [concat(scores), Int32Array.from(batches.flat(), (row) => labels[row] ?? 0)];
}

/** Rows in batches of `size`, as they come; what does not fill one is left out. */
function mixedBatches({ labels }: Labelled, size: number): number[][] {
  return range(Math.floor(labels.length / size)).map((i) => range(size).map((j) => i * size + j));
}

/** All rows of each digit as a batch of their own. */
function batchesOfOneDigit({ labels }: Labelled): number[][] {
  return range(10).map((digit) => range(labels.length).filter((row) => labels[row] === digit));
}
