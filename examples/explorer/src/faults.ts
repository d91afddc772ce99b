/** Backwards that are wrong on purpose, each made of the library's own terms. */
import { Generator, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { formulasOf } from "./formulas.ts";
import { mapsOf, subjectOf } from "./model.ts";
import type { Maps, SetStatistics } from "./model.ts";
import type { State } from "./state.ts";

export interface Fault {
  readonly name: string;
  readonly words: string;
  /** How it is recognized. */
  readonly sign: string;
  readonly gradient: (now: State, right: Maps, sets: readonly SetStatistics[]) => readonly number[];
}

const sum = (...terms: readonly (readonly number[])[]): readonly number[] =>
  (terms[0] ?? []).map((_, i) => terms.reduce((total, term) => total + (term[i] ?? NaN), 0));

/**
 * What a mean becomes that is divided by n − 1: n/(n − 1) of it, n being the size of the cell's set. The library has no
 * backward that does this, so the factor is the page's; it is taken on the library's terms, in norms whose formula has
 * means over the sets and nothing else.
 */
function overLess(values: readonly number[], sizes: Tensor): readonly number[] {
  return [
    ...tensor([...values])
      .mul(sizes)
      .div(sizes.sub(1)).data,
  ];
}

/** For each cell the size of its set. */
function sizesOf(sets: readonly SetStatistics[]): Tensor {
  const sizes: number[] = [];
  for (const { cells } of sets) for (const cell of cells) sizes[cell] = cells.length;
  return tensor(sizes);
}

function gradInputOf(now: State): readonly number[] {
  const subject = subjectOf(now);
  return subject ? mapsOf(now, subject).gradInput : [];
}

export const faults: readonly Fault[] = [
  {
    name: "mean",
    words: "the term via mean is dropped",
    sign: "The error is one number in each colour: the mean moves all of its cells alike.",
    gradient: (_, { direct, viaVariance }) => sum(direct, viaVariance),
  },
  {
    name: "variance",
    words: "the term via variance is dropped",
    sign: "The error follows x̂: it grows with the distance from the mean, and has no sum in a colour.",
    gradient: (_, { direct, viaMean }) => sum(direct, viaMean),
  },
  {
    name: "count",
    words: "means are divided by n − 1",
    sign: "The error is a small fraction of via mean and via variance together, smaller where sets are larger.",
    gradient: ({ norm, option }, { direct, viaMean, viaVariance, gradInput }, sets) => {
      if (!formulasOf(norm, option)?.hasMeans) return gradInput;
      const sizes = sizesOf(sets);
      return sum(direct, overLess(viaMean, sizes), overLess(viaVariance, sizes));
    },
  },
  {
    name: "eps",
    words: "eps is forgotten",
    sign: "The error is tiny and looks like gradInput: with a small eps only a tight check sees it. Move eps up to see it grow.",
    gradient: (now) => gradInputOf({ ...now, eps: 0 }),
  },
  {
    name: "weight",
    words: "the weight is forgotten",
    sign: "The error is zero where the weight is 1, and differs from channel to channel.",
    gradient: (now) => {
      const weight = subjectOf(now)
        ?.case.inputs.slice(1)
        .find(({ name }) => name === "weight");
      if (!weight) return gradInputOf(now);
      const ones = Array.from({ length: weight.shape.reduce((a, b) => a * b, 1) }, () => 1);
      return gradInputOf({ ...now, parameters: { ...now.parameters, weight: ones } });
    },
  },
];

export interface Broken {
  readonly fault: Fault;
  readonly gradient: readonly number[];
  readonly error: readonly number[];
}

/** The faults that show in this norm: nothing is lost through a mean that is not there. */
export function visibleFaults(now: State, right: Maps, sets: readonly SetStatistics[]): readonly Broken[] {
  return faults
    .map((fault) => {
      const gradient = fault.gradient(now, right, sets);
      return { fault, gradient, error: gradient.map((value, i) => value - (right.gradInput[i] ?? NaN)) };
    })
    .filter(({ error }) => error.every(Number.isFinite) && error.some((value) => Math.abs(value) > 1e-11));
}

/** The fault of a round: never the one of the round before, where there is another. */
export function faultOfRound(round: number, broken: readonly Broken[]): Broken | undefined {
  if (broken.length === 0) return undefined;
  const order = new Generator(11 + Math.floor((round - 1) / broken.length)).permutation(broken.length);
  return broken[order[(round - 1) % broken.length] ?? 0];
}
