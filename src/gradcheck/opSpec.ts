/** The types of an op that a user gives to checkOp: its sizes and options, its inputs, its functions. */
import type { Dtype, FloatArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";

/** An input's shape, and the range of its values where the op does not take every number. */
export type InputSpec = Shape | { readonly shape: Shape; readonly range: readonly [min: number, max: number] };

export type Params = Readonly<Record<string, unknown>>;
type Named<Name extends string, T> = Readonly<Record<Name, T>>;
/** The sizes and options of one case, together. */
export type Settings<Dim extends string, P extends Params> = Named<Dim, number> & P;

/** Sizes, options and inputs of an op. */
export interface OpDomain<Name extends string, Dim extends string, P extends Params, D extends Dtype = "float64"> {
  /** For each size its smallest and largest value: { N: [1, 3], C: [1, 6] }. */
  readonly dims: Named<Dim, readonly [min: number, max: number]>;
  /** For each option the values it may have: { eps: [1e-5, 1] }. Default: no options. */
  readonly params?: { readonly [K in keyof P]: readonly P[K][] };
  /** Which combinations are allowed. Default: all. */
  readonly where?: (settings: Settings<Dim, P>) => boolean;
  /** Of inputs and gradOutput, drawn for each case. float32 needs a formula as the forward. Default: ["float64"]. */
  readonly dtypes?: readonly D[];
  /** Names and shapes of the differentiable inputs. The first is the one that is drawn with offsets and odd spreads. */
  readonly inputs: (settings: Settings<Dim, P>) => Named<Name, InputSpec>;
}

/** Gradients by name or in the order of the inputs; what is left out counts as zero. */
export type Gradients<Name extends string, T> = Readonly<Partial<Record<Name, T | null>>> | readonly (T | null)[];

export type Formula<Name extends string, S> = <A extends Num<A>>(inputs: Named<Name, A>, settings: S) => A;
/** What plain code is given: the array of the case's dtype. */
export type PlainArray<D extends Dtype> = D extends "float32" ? Float32Array : Float64Array;
export type PlainForward<Name extends string, S, D extends Dtype = "float64"> = (
  inputs: Named<Name, PlainArray<D>>,
  settings: S,
) => FloatArray | readonly number[] | number;
export type FormulaBackward<Name extends string, S> = <A extends Num<A>>(
  gradOutput: A,
  inputs: Named<Name, A>,
  settings: S,
) => Gradients<Name, A>;
export type PlainBackward<Name extends string, S, D extends Dtype = "float64"> = (
  gradOutput: PlainArray<D>,
  inputs: Named<Name, PlainArray<D>>,
  settings: S,
) => Gradients<Name, FloatArray | readonly number[]>;
export type TensorOp<Name extends string, S> = (inputs: Named<Name, Tensor>, settings: S) => Tensor;

/** The op itself: one forward, and one of the three kinds of backward. */
export interface OpSpec<
  Name extends string,
  Dim extends string,
  P extends Params,
  D extends Dtype = "float64",
> extends OpDomain<Name, Dim, P, D> {
  /** A formula, generic in `Num`. (JavaScript callers may put plain functions here and under `backward`: it is noticed.) */
  readonly forward?: Formula<Name, Settings<Dim, P>>;
  /** Instead of a formula: a plain function on typed arrays. */
  readonly plainForward?: PlainForward<Name, Settings<Dim, P>, D>;
  /** A plain function on typed arrays. */
  readonly backward?: PlainBackward<Name, Settings<Dim, P>, D>;
  /** The backward as a formula; its own rounding bound is the tolerance then. */
  readonly formulaBackward?: FormulaBackward<Name, Settings<Dim, P>>;
  /** An op on tensors, whose tape is checked. */
  readonly op?: TensorOp<Name, Settings<Dim, P>>;
}
