/** The questions that learners ask, each with an answer and scenes to look at. The address of a preset is its name. */
import type { PartName } from "./partNames.ts";
import { defaultGradOutput, initial } from "./state.ts";
import type { State } from "./state.ts";
import type { Shape4 } from "./subject.ts";

export interface Scene {
  readonly caption: string;
  readonly state: Partial<State>;
}

export interface Preset {
  readonly name: string;
  readonly question: string;
  readonly answer: string;
  /** What the page is set to. */
  readonly state: Partial<State>;
  /** Shown side by side; "maps" are the three paths and their sum, "partition" is who shares statistics. */
  readonly picture: "maps" | "partition" | "constants" | "running" | "momentum" | "single";
  readonly scenes: readonly Scene[];
  /** What to do next on the page, with a link to the part concerned. */
  readonly next: {
    readonly before: string;
    readonly link: string;
    readonly after: string;
    readonly part: PartName;
  };
  /** With the backward's formula above the picture. */
  readonly formula?: boolean;
}

const row = (...x: readonly number[]): Pick<State, "shape" | "x"> => {
  const shape: Shape4 = [1, x.length, 1, 1];
  return { shape, x };
};

/** One sample of n values, normalized over them. */
const layer = (x: readonly number[], gradOutput: readonly number[]): Partial<State> => ({
  norm: "layerNorm",
  option: `normalizedShape [${x.length}], no affine`,
  layout: "NHWC",
  ...row(...x),
  gradOutput,
});

const FOUR = [1, 2, 4, 8];
/** 2y of [1, 2, 4, 8], to the digits of a double. */
const TWICE_Y = [-2.051_530_9, -1.305_519_7, 0.186_502_8, 3.170_547_8];

/** Numbers that are not simple. */
const RANDOM = defaultGradOutput([1, 4, 1, 1]);

const columns: Partial<State> = {
  norm: "batchNorm",
  option: "training, no affine",
  shape: [8, 2, 1, 1],
  x: [1, 4, 2, 4, 4, 6, 8, 2, 3, 5, 1, 3, 6, 4, 7, 8],
  gradOutput: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, -1, 0, 0, 0],
};

export const presets: readonly Preset[] = [
  {
    name: "why-zero",
    question: "The chain rule gives 1 − 1 = 0. Is the gradient always zero?",
    answer:
      "No. A cell moves the mean by a fraction of its own step: ∂μ/∂xᵢ = 1/n. So what is left is 1 − 1/n, and 1 − 1 = 0 is the case n = 1. A single value is its own mean, x̂ is 0 whatever x is, and the 221.4 that flow directly (a gradOutput of 0.7 times r = 1/√ε = 316.2) are taken back through the mean. With four values the direct path reaches one cell, the other two spread over all: their sum over the row is zero, the cells are not. There are other gradients that vanish, and each has its own reason: see the questions on a gradOutput of ones and on two values.",
    state: layer(FOUR, [1, 0, 0, 0]),
    picture: "maps",
    scenes: [
      { caption: "One value: direct and via mean cancel", state: layer([3], [0.7]) },
      { caption: "Four values: they do not", state: layer(FOUR, [1, 0, 0, 0]) },
    ],
    next: {
      before: "The page is set to the four values. Change a cell of x or gradOutput",
      link: "in the tables of forward and backward",
      after: ", and watch the paths.",
      part: "forward-backward",
    },
  },
  {
    name: "constants",
    question: "μ and σ² are numbers. Why differentiate them?",
    answer:
      "Because they move when a cell moves. Take them for constants, and only the direct path is left. A finite difference, which knows nothing of derivatives and only runs the forward twice, disagrees at once.",
    state: { ...layer(FOUR, [1, 0, 0, 0]), constants: true },
    picture: "constants",
    scenes: [],
    next: {
      before: "Turn the switch “Take mean and variance for constants” off and on again: it stands",
      link: "beside gradOutput",
      after: ", and the line of numbers strikes out what is lost.",
      part: "forward-backward",
    },
  },
  {
    name: "three-terms",
    question: "What does each term of the formula mean?",
    answer:
      "Each term is a path from x to the loss. Direct: the cell moves its own output. Via mean: it moves the mean, and with it every output of its colour by the same amount. Via variance: it moves the spread, and every output in proportion to how far it lies from the mean.",
    state: {},
    picture: "maps",
    scenes: [{ caption: "GroupNorm with two groups: the three maps add up to gradInput", state: {} }],
    formula: true,
    next: {
      before: "The page is set to this example. Mark a cell",
      link: "in the tables of forward and backward",
      after: ": its terms stand in one line, in these colours.",
      part: "forward-backward",
    },
  },
  {
    name: "ones",
    question: "A gradient of ones fails to check anything. Why?",
    answer:
      "Without weight and bias, the loss sum(y) has a gradOutput of 1 everywhere, and direct cancels via mean: any backward that returns zeros would pass. For sum(y²) gradOutput is 2y, and direct cancels via variance, but for eps. So check with a gradOutput of numbers that are not simple, as randn gives them: then nothing cancels, and a term that is missing shows.",
    state: layer(FOUR, [1, 1, 1, 1]),
    picture: "maps",
    scenes: [
      { caption: "sum(y): gradOutput is 1", state: layer(FOUR, [1, 1, 1, 1]) },
      { caption: "sum(y²): gradOutput is 2y", state: layer(FOUR, TWICE_Y) },
      { caption: "sum(y · randn): gradOutput is random", state: layer(FOUR, RANDOM) },
    ],
    next: {
      before: "The page is set to sum(y). Give gradOutput other numbers",
      link: "in the tables of forward and backward",
      after: ", and gradInput is no longer zero.",
      part: "forward-backward",
    },
  },
  {
    name: "two-values",
    question: "Why do two values have almost no gradient?",
    answer:
      "Two values normalized by their own mean and variance are always −1 and +1, whatever they were. Nothing that x does changes them, but for eps: what is left of the gradient is a few millionths.",
    state: layer([1, 3], [1, 0]),
    picture: "maps",
    scenes: [{ caption: "n = 2, gradOutput [1, 0]", state: layer([1, 3], [1, 0]) }],
    next: {
      before: "The page is set to these two values. Move one cell of x, or move eps up,",
      link: "in the tables of forward and backward",
      after: ": only eps gives the gradient a size.",
      part: "forward-backward",
    },
  },
  {
    name: "running-var",
    question: "Is running_var biased?",
    answer:
      "No: it is unbiased. A batch is normalized with the biased variance, divided by n. What is stored for evaluation is the unbiased one, divided by n − 1. PyTorch does both in one layer; with n = 4 they differ by a third.",
    state: { ...columns, ...row(1, 2, 4, 8), shape: [4, 1, 1, 1], gradOutput: [1, 0, 0, 0] },
    picture: "running",
    scenes: [
      {
        caption: "One training step with momentum 1: the running statistics are the batch's",
        state: { ...columns, ...row(1, 2, 4, 8), shape: [4, 1, 1, 1], gradOutput: [1, 0, 0, 0] },
      },
    ],
    next: {
      before: "Both variances of each set stand side by side",
      link: "where cells share their statistics",
      after: "; choose “evaluation” in its options to normalize by running ones, which you can edit there.",
      part: "shared-statistics",
    },
  },
  {
    name: "group-or-layer",
    question: "Is GroupNorm with one group LayerNorm?",
    answer:
      "In its statistics yes, in its weight no. The statistics are those of LayerNorm over C, H and W: one set a sample. But GroupNorm's weight has one number a channel, LayerNorm's one a cell. And the LayerNorm of transformers is another one again: over C alone, one set a position.",
    state: { norm: "groupNorm", option: "numGroups 1, weight, bias" },
    picture: "partition",
    scenes: [
      {
        caption: "LayerNorm over C",
        state: { norm: "layerNorm", option: "normalizedShape [4], weight, bias", layout: "NHWC" },
      },
      {
        caption: "LayerNorm over C, H, W",
        state: { norm: "layerNorm", option: "normalizedShape [4, 2, 2], weight, bias" },
      },
      { caption: "GroupNorm(1)", state: { norm: "groupNorm", option: "numGroups 1, weight, bias" } },
    ],
    next: {
      before: "The page is set to GroupNorm with one group. Move its groups, or press the two Layer buttons,",
      link: "where cells share their statistics",
      after: "; the weights stand below x in the shape that they have.",
      part: "shared-statistics",
    },
  },
  {
    name: "batch-of-one",
    question: "Why does BatchNorm refuse a batch of one?",
    answer:
      "With one value a channel the mean is that value, the variance is 0, and x̂ is 0 whatever x is: the layer would return its bias, and no gradient would reach what stands before it. The refusal says so before a training run is lost. It is about values, not samples: one sample with several positions (H·W > 1) is fine. What helps: drop the last, smaller batch (dropLast: true in the DataLoader), call eval() before a single sample is predicted, or take a norm that does not look at the batch, as GroupNorm.",
    state: { norm: "batchNorm", option: "training, no affine", shape: [1, 1, 1, 1], x: [3], gradOutput: [1] },
    picture: "single",
    scenes: [
      {
        caption: "BatchNorm, one sample with four positions: taken",
        state: {
          norm: "batchNorm",
          option: "training, no affine",
          shape: [1, 1, 2, 2],
          x: FOUR,
          gradOutput: [1, 0, 0, 0],
        },
      },
      { caption: "A set of one value, as LayerNorm computes it: nothing arrives", state: layer([3], [1]) },
    ],
    next: {
      before: "The page is set to BatchNorm with this single value. Give it a second sample, or switch to evaluation,",
      link: "where the shape is chosen",
      after: ".",
      part: "shared-statistics",
    },
  },
  {
    name: "momentum",
    question: "Which momentum is it, 0.1 or 0.99?",
    answer:
      "Both, of different things. PyTorch's momentum is the weight of the new value, 0.1 by default. Keras's is the weight of the old one, 0.99 by default, which PyTorch would call 0.01. Mixed up, either way, the last batch has almost all the weight: 0.99 given to PyTorch, or 0.1 given to Keras, and the running mean jumps with every batch instead of averaging them. The curves are those of a running mean whose batches have a mean near 1.",
    state: columns,
    picture: "momentum",
    scenes: [],
    next: {
      before: "What the running mean and variance are for: choose “evaluation” in the options,",
      link: "where cells share their statistics",
      after: ", and edit them there.",
      part: "shared-statistics",
    },
  },
];

/** A scene as a whole state. */
export function sceneState({ state }: Scene): State {
  return { ...initial, ...state };
}
