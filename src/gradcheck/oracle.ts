/**
 * The judge: the gradient as exact as it gets, and a computed bound on the rounding error that a correct backward may have.
 *
 * The gradient of ⟨gradOutput, f(x)⟩ with respect to a cell is the tangent that dual numbers carry through f when that cell
 * moves at speed 1. Over double-double numbers it is correct to about 100 bits, and no step size is involved.
 */
import { Dual } from "../autograd/dual.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import type { Shape } from "../autograd/shape.ts";
import { sizeOf } from "../autograd/shape.ts";
import { doubleDouble } from "./doubleDouble.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import type { Field } from "./field.ts";
import { FieldArray } from "./fieldArray.ts";
import { moving, pathsOver } from "./paths.ts";
import type { PathNumber } from "./paths.ts";
import { tracked } from "./tracked.ts";
import type { Tracked } from "./tracked.ts";

/** A function of arrays, generic in the reading. */
export type GenericForward = <A extends Num<A>>(inputs: readonly A[]) => A;
/** Its hand-derived backward, generic too: one gradient per input, null where there is none. */
export type GenericBackward = <A extends Num<A>>(gradOutput: A, inputs: readonly A[]) => readonly (A | null)[];

/** The value of f in double-double. */
export function exactOutput(forward: GenericForward, inputs: readonly NdArray[]): FieldArray<DoubleDouble> {
  return forward(inputs.map((input) => FieldArray.from(doubleDouble, input)));
}

/** For each input the gradient of ⟨gradOutput, f⟩, cell by cell, in double-double. */
export function exactGradients(
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
): readonly FieldArray<DoubleDouble>[] {
  return gradientsByDuals(doubleDouble, forward, inputs, gradOutput);
}

/**
 * The gradient of ⟨weights, gradients of f⟩, with respect to each input and, last, to gradOutput: the second order, by
 * dual numbers over dual numbers.
 */
export function exactSecondGradients(
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  weights: readonly NdArray[],
): readonly FieldArray<DoubleDouble>[] {
  return secondGradientsByDuals(doubleDouble, forward, inputs, gradOutput, weights);
}

/** How far the numbers of a precision may be from the exact gradient when the backward is evaluated as it is written. */
export function boundOfBackward(
  backward: GenericBackward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  precision: Field<Tracked> = tracked,
): readonly (FieldArray<Tracked> | null)[] {
  return backward(
    FieldArray.from(precision, gradOutput),
    inputs.map((input) => FieldArray.from(precision, input)),
  );
}

/**
 * The same where the backward is plain code: the rounding error of all paths through the forward, in whatever order they are
 * added, stands in for it. Only `error` of the numbers has a meaning.
 */
export function boundOfForward(
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  precision: Field<Tracked> = tracked,
): readonly FieldArray<PathNumber>[] {
  return gradientsByDuals(pathsOver(precision), forward, inputs, gradOutput, moving);
}

/** The bound of the second order: the rounding error of all paths of `exactSecondGradients`. */
export function boundOfSecondOrder(
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  weights: readonly NdArray[],
  precision: Field<Tracked> = tracked,
): readonly FieldArray<PathNumber>[] {
  return secondGradientsByDuals(pathsOver(precision), forward, inputs, gradOutput, weights, moving);
}

function gradientsByDuals<S>(
  field: Field<S>,
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  start: (speed: S) => S = (speed) => speed,
): readonly FieldArray<S>[] {
  const still = inputs.map((input) => new Dual(FieldArray.from(field, input), zeros(field, input.shape)));
  const g = FieldArray.from(field, gradOutput);
  return inputs.map((input, k) => {
    const { primal } = still[k] ?? { primal: FieldArray.from(field, input) };
    const cells = Array.from(input.data, (_, cell) => {
      const moved = still.with(k, new Dual(primal, basis(field, input.shape, cell, start)));
      return only(forward(moved).tangent.mul(g).sum());
    });
    return new FieldArray(field, cells, input.shape);
  });
}

function secondGradientsByDuals<S>(
  field: Field<S>,
  forward: GenericForward,
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  weights: readonly NdArray[],
  start: (speed: S) => S = (speed) => speed,
): readonly FieldArray<S>[] {
  const g = FieldArray.from(field, gradOutput);
  // The inner duals move along the weights, the outer ones along one cell.
  const along = inputs.map((input, k) => {
    const speeds = FieldArray.from(field, weights[k] ?? input);
    return new Dual(FieldArray.from(field, input), new FieldArray(field, speeds.data.map(start), input.shape));
  });
  const rest = inputs.map(({ shape }) => new Dual(zeros(field, shape), zeros(field, shape)));
  const seconds = inputs.map((input, k) => {
    const cells = Array.from(input.data, (_, cell) => {
      const moved = along.map((dual, i) => {
        const speed = rest[i] ?? dual;
        return new Dual(dual, i === k ? new Dual(basis(field, input.shape, cell, start), speed.tangent) : speed);
      });
      return only(forward(moved).tangent.tangent.mul(g).sum());
    });
    return new FieldArray(field, cells, input.shape);
  });
  return [...seconds, forward(along).tangent];
}

function zeros<S>(field: Field<S>, shape: Shape): FieldArray<S> {
  return FieldArray.from(field, NdArray.full(shape, 0, "float64"));
}

function basis<S>(field: Field<S>, shape: Shape, cell: number, start: (speed: S) => S): FieldArray<S> {
  const data = Array.from({ length: sizeOf(shape) }, (_, i) => (i === cell ? start(field.of(1)) : field.zero));
  return new FieldArray(field, data, shape);
}

function only<S>({ data, field }: FieldArray<S>): S {
  return data[0] ?? field.zero;
}
