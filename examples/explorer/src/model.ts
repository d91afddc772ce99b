/** Everything shown that follows from the state, computed by the library when the state changes. */
import { computed } from "@preact/signals";
import type { ReadonlySignal } from "@preact/signals";
import { explainBackward, normPartition, Tensor, tensor } from "normgrad";
import type { Explained, NormCase } from "normgrad";
import { state } from "./state.ts";
import type { State } from "./state.ts";
import { runningCase, runningInputs, usesRunning } from "./running.ts";
import { caseFor, casesOf, defaultParameter, fromGiven, givenShape, toGiven, toTensor } from "./subject.ts";

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
  /** Constants that it normalizes by, in evaluation. */
  readonly running: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** The case of the descriptor with its inputs, as `explainBackward` takes it; null if the library has none for the shape. */
export function subjectOf(now: State): Subject | null {
  const { norm, option, layout, shape, eps, x, parameters } = now;
  const listed = caseFor(casesOf(norm, shape, layout, eps), option);
  if (!listed) return null;
  const valuesOf = ({ name, shape }: NormCase["inputs"][number]): readonly number[] =>
    parameters[name] ?? defaultParameter(name, shape);
  const given = new Tensor(toGiven(toTensor(x, shape), layout).value);
  const running = runningInputs(norm, listed.label, given.shape).map((input) => ({
    name: input.name,
    values: valuesOf(input),
  }));
  const found =
    running.length > 0
      ? runningCase(
          listed,
          given,
          eps,
          running.map(({ values }) => values),
        )
      : listed;
  const others = found.inputs.slice(1).map((input) => toTensor(valuesOf(input), input.shape));
  const inputs = [given, ...others];
  return { norm: { normCase: (input) => ({ case: found, inputs: [input, ...others] }) }, case: found, inputs, running };
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

/** Whether cells share statistics of their own: running ones are constants. */
export const isRunning: ReadonlySignal<boolean> = computed(() => usesRunning(state.value.norm, state.value.option));

/** For tables that mark the whole set of a cell; undefined where cells share nothing. */
export const sharing: ReadonlySignal<readonly number[] | undefined> = computed(() =>
  isRunning.value ? undefined : partition.value,
);

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

/** What the formula's letters are for a cell: its own x̂ and ĝ, and r and the two means of its set. */
export interface Letters {
  readonly r: number;
  readonly ghat: number;
  readonly meanGhat: number;
  readonly xhat: number;
  readonly meanGhatXhat: number;
}

/** Norms whose backward is r ĝ − r ⟨ĝ⟩ − r x̂ ⟨ĝ x̂⟩, with x̂ as the page shows it. */
const THREE_TERMS: ReadonlySet<string> = new Set(["batchNorm", "layerNorm", "instanceNorm", "groupNorm"]);

/** Null where the formula has other letters. The direct path is r ĝ: ĝ is taken from it. */
export function lettersOf(cell: number): Letters | null {
  const { norm, eps } = state.value;
  const now = maps.value;
  const set = statistics.value.find(({ cells }) => cells.includes(cell));
  if (!now || !set || isRunning.value || !THREE_TERMS.has(norm)) return null;
  const of = (values: readonly number[]): Tensor => tensor(set.cells.map((each) => values[each] ?? NaN));
  const r = tensor([set.biased]).add(eps).rsqrt();
  const ghat = of(now.direct).div(r);
  const xhat = of(forward.value?.xhat ?? []);
  const at = set.cells.indexOf(cell);
  return {
    r: r.item(),
    ghat: ghat.data[at] ?? NaN,
    meanGhat: ghat.mean().item(),
    xhat: xhat.data[at] ?? NaN,
    meanGhatXhat: ghat.mul(xhat).mean().item(),
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
