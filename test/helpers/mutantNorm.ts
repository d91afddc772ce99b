/**
 * A norm whose parts can be replaced by wrong ones. It is derived once more, on its own: the cells of x are gathered into
 * rows [sets, n], one row for each set that shares its statistics, and every formula is about rows.
 *
 * With no part replaced it is right and the laws accept it, so that a law which rejects a mutant rejects its one change.
 */
import { apply, sizeOf } from "../../src/autograd/index.ts";
import type { Num, Shape, Tensor, Traced } from "../../src/autograd/index.ts";
import type { NormCase, NormTrace } from "../../src/norms/index.ts";
import type { CellSet } from "./normOracles.ts";

/** What the forward has at hand; arrays are rows. */
export interface Forward<A> {
  readonly x: A;
  readonly centered: A;
  readonly variance: A;
  readonly rstd: A;
  readonly xhat: A;
  /** The weight and the bias that each cell meets; 1 and 0 if there is none. */
  readonly weight: A;
  readonly bias: A;
  readonly n: number;
  readonly eps: number;
  /** Of x, as it was given. */
  readonly shape: Shape;
  /** How many values the weight has; 0 if there is none. */
  readonly weights: number;
}

/** What the backward has at hand. `g` is ∂L/∂y in rows, `xhat` and `rstd` are those that were saved for it. */
export interface Backward<A> extends Forward<A> {
  readonly output: A;
  readonly g: A;
  readonly gradXhat: A;
  readonly viaMean: A;
  readonly viaVariance: A;
  readonly gradInput: A;
  readonly gradWeight: A;
  readonly gradBias: A;
}

type ForwardPart = <A extends Num<A>>(context: Forward<A>) => A;
type BackwardPart = <A extends Num<A>>(context: Backward<A>) => A;

export const average = <A extends Num<A>>(a: A): A => a.mean([1], true);

/**
 * Each part on its own. The forward fills its context from top to bottom, then the backward does. A part that replaces
 * another finds the right value in the context, under the part's name.
 */
export interface Parts {
  readonly centered: ForwardPart;
  readonly variance: ForwardPart;
  readonly rstd: ForwardPart;
  readonly xhat: ForwardPart;
  readonly output: ForwardPart;
  readonly savedXhat: BackwardPart;
  readonly savedRstd: BackwardPart;
  readonly gradOutput: BackwardPart;
  readonly gradXhat: BackwardPart;
  readonly viaMean: BackwardPart;
  readonly viaVariance: BackwardPart;
  readonly gradInput: BackwardPart;
  /** Cell by cell; the sum over the cells of a parameter comes after it. */
  readonly gradWeight: BackwardPart;
  readonly gradBias: BackwardPart;
}

/** What is right for one kind of array, which may read arrays of that kind from around it. */
export type PartsOf<A> = {
  readonly [K in "centered" | "variance" | "rstd" | "xhat" | "output"]: (context: Forward<A>) => A;
} & {
  readonly [K in Exclude<keyof Parts, "centered" | "variance" | "rstd" | "xhat" | "output">]: (
    context: Backward<A>,
  ) => A;
};

export const rightParts: Parts = {
  centered: ({ x }) => x.center([1]),
  variance: ({ centered }) => average(centered.square()),
  rstd: ({ variance, eps }) => variance.add(eps).rsqrtOrZero(),
  xhat: ({ centered, rstd }) => centered.mul(rstd),
  output: ({ xhat, weight, bias }) => xhat.mul(weight).add(bias),
  savedXhat: ({ xhat }) => xhat,
  savedRstd: ({ rstd }) => rstd,
  gradOutput: ({ g }) => g,
  gradXhat: ({ g, weight }) => g.mul(weight),
  viaMean: ({ gradXhat }) => average(gradXhat),
  viaVariance: ({ gradXhat, xhat }) => xhat.mul(average(gradXhat.mul(xhat))),
  gradInput: ({ gradXhat, viaMean, viaVariance, rstd }) => gradXhat.sub(viaMean).sub(viaVariance).mul(rstd),
  gradWeight: ({ g, xhat }) => g.mul(xhat),
  gradBias: ({ g }) => g,
};

export interface Mutation {
  readonly parts?: Partial<Parts>;
  /** Other sets in the forward, and a backward that shares the mistake. */
  readonly sets?: (sets: readonly CellSet[]) => readonly CellSet[];
  /** Other sets in the backward alone. */
  readonly backwardSets?: (sets: readonly CellSet[]) => readonly CellSet[];
  /** Computes in float32 what is stored in float32. */
  readonly narrow?: boolean;
  /** The case's partition still shows the right sets. */
  readonly silent?: boolean;
}

/** Puts the right value into the context, then, if there is one, the wrong value that is made of it. */
export function fill<A, C>(
  context: C,
  put: (context: C, value: A) => C,
  right: (context: C) => A,
  wrong: ((context: C) => A) | undefined,
): C {
  const filled = put(context, right(context));
  return wrong ? put(filled, wrong(filled)) : filled;
}

/** Rows from cells and back, and parameters at the cells. All sets must have the same number of cells. */
function layoutOf(sets: readonly CellSet[]): {
  toRows: <A extends Num<A>>(array: A) => A;
  fromRows: <A extends Num<A>>(rows: A, shape: Shape) => A;
  atCells: <A extends Num<A>>(parameter: A) => A;
  toParameter: <A extends Num<A>>(rows: A, shape: Shape) => A;
} {
  const order = Int32Array.from(sets.flatMap(({ cells }) => cells));
  const parameters = Int32Array.from(sets.flatMap((set) => set.parameters));
  const back = new Int32Array(order.length);
  order.forEach((cell, i) => (back[cell] = i));
  const rows = [sets.length, order.length / Math.max(1, sets.length)];
  return {
    toRows: (array) => array.take(order).reshape(rows),
    fromRows: (array, shape) => array.take(back).reshape(shape),
    atCells: (parameter) => parameter.take(parameters).reshape(rows),
    toParameter: (array, shape) =>
      array
        .reshape([order.length])
        .putAdd(
          parameters,
          shape.reduce((a, b) => a * b, 1),
        )
        .reshape(shape),
  };
}

/** The pure pair with some parts replaced. `right` is what is right: RMSNorm's parts are not those of the others. */
export function mutantTrace<A extends Num<A>>(
  [given, scale, shift]: readonly [x: A, weight: A | null, bias: A | null],
  sets: readonly CellSet[],
  eps: number,
  { parts = {}, sets: otherSets, backwardSets }: Mutation = {},
  right: NoInfer<PartsOf<A>> = rightParts,
): Omit<NormTrace<A>, "pullback"> & { readonly pullback: (gradOutput: A) => readonly [A, A | null, A | null] } {
  const { shape } = given;
  const forwardSets = otherSets ? otherSets(sets) : sets;
  const build = (layout: ReturnType<typeof layoutOf>): Forward<A> => {
    const x = layout.toRows(given);
    const constant = (value: number): A => x.constant((values) => new Float64Array(values.length).fill(value));
    let forward: Forward<A> = {
      x,
      centered: x,
      variance: x,
      rstd: x,
      xhat: x,
      weight: scale ? layout.atCells(scale) : constant(1),
      bias: shift ? layout.atCells(shift) : constant(0),
      n: x.shape[1] ?? 0,
      eps,
      shape,
      weights: scale ? sizeOf(scale.shape) : 0,
    };
    forward = fill(forward, (c, centered: A) => ({ ...c, centered }), right.centered, parts.centered);
    forward = fill(forward, (c, variance: A) => ({ ...c, variance }), right.variance, parts.variance);
    forward = fill(forward, (c, rstd: A) => ({ ...c, rstd }), right.rstd, parts.rstd);
    return fill(forward, (c, xhat: A) => ({ ...c, xhat }), right.xhat, parts.xhat);
  };
  const layout = layoutOf(forwardSets);
  const rows = build(layout);
  const outputOf = parts.output ?? right.output;
  const output = layout.fromRows(outputOf(rows), shape);

  const backLayout = backwardSets ? layoutOf(backwardSets(forwardSets)) : layout;
  const backward = (gradOutput: A): Backward<A> => {
    const saved = backwardSets ? build(backLayout) : rows;
    const g = backLayout.toRows(gradOutput);
    const unset = { gradXhat: g, viaMean: g, viaVariance: g, gradInput: g, gradWeight: g, gradBias: g };
    let context: Backward<A> = { ...saved, output: outputOf(saved), g, ...unset };
    context = fill(context, (c, xhat: A) => ({ ...c, xhat }), right.savedXhat, parts.savedXhat);
    context = fill(context, (c, rstd: A) => ({ ...c, rstd }), right.savedRstd, parts.savedRstd);
    context = fill(context, (c, used: A) => ({ ...c, g: used }), right.gradOutput, parts.gradOutput);
    context = fill(context, (c, gradXhat: A) => ({ ...c, gradXhat }), right.gradXhat, parts.gradXhat);
    context = fill(context, (c, viaMean: A) => ({ ...c, viaMean }), right.viaMean, parts.viaMean);
    context = fill(context, (c, viaVariance: A) => ({ ...c, viaVariance }), right.viaVariance, parts.viaVariance);
    context = fill(context, (c, gradInput: A) => ({ ...c, gradInput }), right.gradInput, parts.gradInput);
    context = fill(context, (c, gradWeight: A) => ({ ...c, gradWeight }), right.gradWeight, parts.gradWeight);
    return fill(context, (c, gradBias: A) => ({ ...c, gradBias }), right.gradBias, parts.gradBias);
  };
  return {
    output,
    pullback: (gradOutput) => {
      const context = backward(gradOutput);
      return [
        backLayout.fromRows(context.gradInput, shape),
        scale && backLayout.toParameter(context.gradWeight, scale.shape),
        shift && backLayout.toParameter(context.gradBias, shift.shape),
      ];
    },
    terms: (gradOutput) => {
      const { gradXhat, viaMean, viaVariance, rstd } = backward(gradOutput);
      return {
        direct: backLayout.fromRows(gradXhat.mul(rstd), shape),
        viaMean: backLayout.fromRows(viaMean.mul(rstd).neg().expand(gradXhat.shape), shape),
        viaVariance: backLayout.fromRows(viaVariance.mul(rstd).neg(), shape),
      };
    },
  };
}

/** The op on tensors with some parts replaced. */
export function mutantOp(
  inputs: readonly [x: Tensor, weight: Tensor | null, bias: Tensor | null],
  sets: readonly CellSet[],
  eps: number,
  mutation: Mutation = {},
  right: Parts = rightParts,
): Tensor {
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
  ): Traced<A, readonly [A, A | null, A | null]> => mutantTrace([x, weight, bias], sets, eps, mutation, right);
  return apply("mutant", { rule, ...(!mutation.narrow && { computeIn: "float64" }) }, ...inputs);
}

/** A case of a norm, in training, with some parts replaced. */
export function mutantCase(
  normCase: NormCase,
  sets: readonly CellSet[],
  eps: number,
  mutation: Mutation = {},
): NormCase {
  const names = normCase.inputs.map(({ name }) => name);
  const split = <A>(inputs: readonly A[]): readonly [A, A | null, A | null] => {
    const find = (name: string): A | null => inputs[names.indexOf(name)] ?? null;
    const [x] = inputs;
    if (x === undefined) throw new RangeError("mutantCase: expected x");
    return [x, find("weight"), find("bias")];
  };
  const present = [0, ...(names.includes("weight") ? [1] : []), ...(names.includes("bias") ? [2] : [])];
  return {
    ...normCase,
    partition: partitionOf(mutation.sets && !mutation.silent ? mutation.sets(sets) : sets),
    trace: (inputs) => {
      const { output, pullback, terms } = mutantTrace(split(inputs), sets, eps, mutation);
      return {
        output,
        terms,
        pullback: (gradOutput) => {
          const gradients = pullback(gradOutput);
          return present.map((i) => gradients[i] ?? null);
        },
      };
    },
    op: (inputs) => mutantOp(split(inputs), sets, eps, mutation),
  };
}

function partitionOf(sets: readonly CellSet[]): Int32Array {
  const partition = new Int32Array(sets.reduce((n, { cells }) => n + cells.length, 0));
  sets.forEach(({ cells }, set) => {
    for (const cell of cells) partition[cell] = set;
  });
  return partition;
}

/** The sets with other cells: the i-th of set s is what was at `from` when the sets stood one after the other. */
export function redeal(
  sets: readonly CellSet[],
  from: (s: number, i: number, n: number, count: number) => number,
): CellSet[] {
  const cells = sets.flatMap((set) => set.cells);
  const parameters = sets.flatMap((set) => set.parameters);
  return sets.map((set, s) => {
    const picks = set.cells.map((_, i) => from(s, i, set.cells.length, sets.length) % cells.length);
    return {
      ...set,
      cells: picks.map((pick) => cells[pick] ?? 0),
      parameters: picks.map((pick) => parameters[pick] ?? 0),
    };
  });
}
