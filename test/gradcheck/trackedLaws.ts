/** The law of tracked numbers: what doubles compute is never further from the exact value than the bound says. */
import { Dual, NdArray } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import type { Tracked } from "../../src/gradcheck/tracked.ts";
import { given } from "../helpers/given.ts";

/** A formula with one or several results, generic in the reading. */
export type Formula = <A extends Num<A>>(inputs: readonly A[]) => readonly A[];

/** What a comparison has seen. */
export interface Seen {
  readonly components: number;
  /** Components of which the bound says nothing. */
  readonly unbounded: number;
  /** The largest error/bound. */
  readonly worst: number;
}

/** What a broken law of this file says. */
export const OUTSIDE: RegExp = /outside of the bound/;

export const NOTHING_SEEN: Seen = { components: 0, unbounded: 0, worst: 0 };

export function both(a: Seen, b: Seen): Seen {
  return {
    components: a.components + b.components,
    unbounded: a.unbounded + b.unbounded,
    worst: Math.max(a.worst, b.worst),
  };
}

/**
 * Reads a formula in doubles, in double-double and in tracked numbers. Throws where plain doubles, or the doubles of the
 * tracked numbers, which are summed in another order, lie outside of the bound.
 */
export function expectWithinBound(
  what: string,
  formula: Formula,
  inputs: readonly NdArray[],
  field: Field<Tracked> = tracked,
): Seen {
  const exact = formula(read(doubleDouble, inputs));
  return expectResultsWithinBound(what, formula(inputs), exact, formula(read(field, inputs)));
}

export function expectResultsWithinBound(
  what: string,
  plain: readonly NdArray[],
  exact: readonly FieldArray<DoubleDouble>[],
  bounds: readonly FieldArray<Tracked>[],
): Seen {
  return exact
    .map((array, k) => {
      let unbounded = 0;
      let worst = 0;
      array.data.forEach((target, cell) => {
        const { value, error } = given(bounds[k]?.data[cell]);
        for (const found of [given(plain[k]?.data[cell]), value]) {
          const off = distance(found, target);
          if (!(off <= error || (error === Infinity && Number.isNaN(off)))) {
            throw new Error(`${what}: outside of the bound, result ${k} at ${cell}: off by ${off}, bound ${error}`);
          }
          if (off > 0 && error < Infinity) worst = Math.max(worst, off / error);
        }
        if (error === Infinity) unbounded++;
      });
      return { components: array.data.length, unbounded, worst };
    })
    .reduce(both, NOTHING_SEEN);
}

export function read<S>(field: Field<S>, inputs: readonly NdArray[]): FieldArray<S>[] {
  return inputs.map((input) => FieldArray.from(field, input));
}

function distance(found: number, { hi, lo }: DoubleDouble): number {
  return found === hi ? Math.abs(lo) : Math.abs(found - hi - lo);
}

/** ⟨gradOutput, f⟩ differentiated along each cell of each input, by duals over any reading. */
export function gradientsByDuals<A extends Num<A>>(
  forward: <B extends Num<B>>(inputs: readonly B[]) => B,
  inputs: readonly A[],
  gradOutput: A,
  join: (cells: readonly A[], like: A) => A,
): A[] {
  const still = inputs.map((input) => new Dual(input, along(input, -1)));
  return inputs.map((input, k) => {
    const cells = Array.from({ length: input.shape.reduce((a, b) => a * b, 1) }, (_, cell) =>
      forward(still.with(k, new Dual(input, along(input, cell))))
        .tangent.mul(gradOutput)
        .sum(),
    );
    return join(cells, input);
  });
}

/** One at a cell, zero elsewhere. */
function along<A extends Num<A>>(input: A, cell: number): A {
  return input.constant((values) => Float64Array.from({ length: values.length }, (_, i) => (i === cell ? 1 : 0)));
}

export function joinPlain(cells: readonly NdArray[], like: NdArray): NdArray {
  return new NdArray(
    Float64Array.from(cells, (cell) => cell.data[0] ?? NaN),
    like.shape,
  );
}

export function joinField<S>(cells: readonly FieldArray<S>[], like: FieldArray<S>): FieldArray<S> {
  return new FieldArray(
    like.field,
    cells.map(({ data }) => given(data[0])),
    like.shape,
  );
}
