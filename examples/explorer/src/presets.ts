/** The questions that learners ask, each with an answer and scenes to look at. The address of a preset is its name. */
import { initial } from "./state.ts";
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
      "Only with a single value: there x̂ is 0 whatever x is, and what flows directly is taken back through the mean. With four values it is not zero: the direct path reaches one cell, the other two spread over all, and only their sum over the row is zero.",
    state: layer(FOUR, [1, 0, 0, 0]),
    picture: "maps",
    scenes: [
      { caption: "One value: direct and via mean cancel", state: layer([3], [0.7]) },
      { caption: "Four values: they do not", state: layer(FOUR, [1, 0, 0, 0]) },
    ],
  },
  {
    name: "constants",
    question: "μ and σ² are numbers. Why differentiate them?",
    answer:
      "Because they move when a cell moves. Take them for constants, and only the direct path is left. A finite difference, which knows nothing of derivatives and only runs the forward twice, disagrees at once. The switch for it is further down, beside gradOutput.",
    state: { ...layer(FOUR, [1, 0, 0, 0]), constants: true },
    picture: "constants",
    scenes: [],
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
  },
  {
    name: "ones",
    question: "A gradient of ones fails to check anything. Why?",
    answer:
      "For the loss sum(y) gradOutput is 1 everywhere, and direct cancels via mean: any backward that returns zeros would pass. For sum(y²) gradOutput is 2y, and direct cancels via variance, but for eps. Check with numbers that are not simple.",
    state: layer(FOUR, [1, 1, 1, 1]),
    picture: "maps",
    scenes: [
      { caption: "sum(y): gradOutput is 1", state: layer(FOUR, [1, 1, 1, 1]) },
      { caption: "sum(y²): gradOutput is 2y", state: layer(FOUR, TWICE_Y) },
    ],
  },
  {
    name: "two-values",
    question: "Why do two values have almost no gradient?",
    answer:
      "Two values normalized by their own mean and variance are always −1 and +1, whatever they were. Nothing that x does changes them, but for eps: what is left of the gradient is a few millionths.",
    state: layer([1, 3], [1, 0]),
    picture: "maps",
    scenes: [{ caption: "n = 2, gradOutput [1, 0]", state: layer([1, 3], [1, 0]) }],
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
  },
  {
    name: "batch-of-one",
    question: "Why does BatchNorm refuse a batch of one?",
    answer:
      "With one value a channel the mean is that value, the variance is 0, and x̂ is 0 whatever x is: the layer would return its bias, and no gradient would reach what stands before it. The refusal says so before a training run is lost.",
    state: layer([3], [1]),
    picture: "single",
    scenes: [{ caption: "A set of one value, as LayerNorm would compute it", state: layer([3], [1]) }],
  },
  {
    name: "momentum",
    question: "Which momentum is it, 0.1 or 0.99?",
    answer:
      "Both, of different things. PyTorch's momentum is the weight of the new value, 0.1 by default. Keras's is the weight of the old one, 0.99 by default, which PyTorch would call 0.01. Mixed up, a running mean follows each batch, or never arrives. The curves are those of a running mean whose batches have a mean near 1.",
    state: columns,
    picture: "momentum",
    scenes: [],
  },
];

/** A scene as a whole state. */
export function sceneState({ state }: Scene): State {
  return { ...initial, ...state };
}
