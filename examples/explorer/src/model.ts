/** Everything shown that follows from the state, computed by the library when the state changes. */
import { computed } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { explainBackward, normPartition, Tensor, tensor } from "normgrad";
import type { Explained, NormCase } from "normgrad";
import { state } from "./state.ts";
import type { State } from "./state.ts";
import { casesOf, closestCase, defaultParameter, fromGiven, givenShape, toGiven, toTensor } from "./subject.ts";

export interface SetStatistics {
  readonly cells: readonly number[];
  readonly mean: number;
  /** Divided by n. */
  readonly biased: number;
  /** Divided by n − 1; NaN for a single cell. */
  readonly unbiased: number;
}

export interface Maps {
  readonly direct: readonly number[];
  readonly viaMean: readonly number[];
  readonly viaVariance: readonly number[];
  readonly gradInput: readonly number[];
}

export interface Subject {
  readonly norm: Explained;
  readonly case: NormCase;
  readonly inputs: readonly Tensor[];
}

/** The case of the descriptor with its inputs, as `explainBackward` takes it; null if the library has none for the shape. */
export function subjectOf(now: State): Subject | null {
  const { norm, option, layout, shape, eps, x, parameters } = now;
  const found = closestCase(casesOf(norm, shape, layout, eps), option);
  if (!found) return null;
  const others = found.inputs
    .slice(1)
    .map((input) => toTensor(parameters[input.name] ?? defaultParameter(input.name, input.shape), input.shape));
  const given = new Tensor(toGiven(toTensor(x, shape), layout).value);
  const inputs = [given, ...others];
  return { norm: { normCase: (input) => ({ case: found, inputs: [input, ...others] }) }, case: found, inputs };
}

export const subject: ReadonlySignal<Subject | null> = computed(() => subjectOf(state.value));

/** For every cell the number of its set, in the order of the page. */
export const partition: ReadonlySignal<readonly number[]> = computed(() => {
  const now = subject.value;
  return now ? partitionOf(state.value, now) : [];
});

export function partitionOf({ shape, layout }: State, { norm }: Subject): readonly number[] {
  const given = givenShape(shape, layout);
  const sets = new Float64Array(normPartition(norm, given));
  return [...fromGiven(tensor(sets, { shape: given }), layout).data];
}

export const statistics: ReadonlySignal<readonly SetStatistics[]> = computed(() => {
  const { x, shape } = state.value;
  const members = new Map<number, number[]>();
  partition.value.forEach((set, cell) => members.set(set, [...(members.get(set) ?? []), cell]));
  const values = toTensor(x, shape);
  return [...members.keys()]
    .toSorted((a, b) => a - b)
    .map((set) => {
      const cells = members.get(set) ?? [];
      const own = values.take(Int32Array.from(cells));
      const biased = own.variance([0], { correction: 0 }).item();
      const unbiased = cells.length > 1 ? own.variance([0]).item() : NaN;
      return { cells, mean: own.mean().item(), biased, unbiased };
    });
});

/** The whole of `explainBackward`, in the order of the page. */
export const maps: ReadonlySignal<Maps | null> = computed(() => {
  const now = subject.value;
  return now ? mapsOf(state.value, now) : null;
});

export function mapsOf({ gradOutput, shape, layout }: State, { norm, inputs }: Subject): Maps {
  const [given = toTensor([], [0])] = inputs;
  const explained = explainBackward(norm, given, toGiven(toTensor(gradOutput, shape), layout));
  const show = (array: Tensor): readonly number[] => [...fromGiven(array, layout).data];
  return {
    direct: show(explained.direct),
    viaMean: show(explained.viaMean),
    viaVariance: show(explained.viaVariance),
    gradInput: show(explained.gradInput),
  };
}

/** What the page calls the gradient: with the statistics taken for constants it is the direct path alone. */
export const shownGradient: ReadonlySignal<readonly number[]> = computed(() => {
  const now = maps.value;
  return (state.value.constants ? now?.direct : now?.gradInput) ?? [];
});

export const forward: ReadonlySignal<{ readonly xhat: readonly number[]; readonly y: readonly number[] } | null> =
  computed(() => {
    const now = subject.value;
    const { layout } = state.value;
    if (!now) return null;
    const run = (inputs: readonly Tensor[]): readonly number[] => [...fromGiven(now.case.op(inputs), layout).data];
    // x̂ is y with a weight of ones and a bias of zeros.
    const neutral = now.inputs.map((input, i) => {
      const name = i === 0 ? "x" : now.case.inputs[i]?.name;
      return name === "weight" ? input.mul(0).add(1) : name === "bias" ? input.mul(0) : input;
    });
    return { xhat: run(neutral), y: run(now.inputs) };
  });
