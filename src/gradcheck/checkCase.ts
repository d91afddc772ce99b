/** One case of an op: is its value, and is each gradient, as close to the exact one as rounding allows? */
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import { formatShape, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { estimateGradients } from "./differences.ts";
import { doubleDouble } from "./doubleDouble.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import type { Field } from "./field.ts";
import { FieldArray } from "./fieldArray.ts";
import {
  boundOfBackward,
  boundOfForward,
  boundOfSecondOrder,
  exactGradients,
  exactOutput,
  exactSecondGradients,
} from "./oracle.ts";
import type { GenericForward } from "./oracle.ts";
import { OpFault } from "./answers.ts";
import type { Subject } from "./subject.ts";
import { tracked, trackedSingle } from "./tracked.ts";
import type { Tracked } from "./tracked.ts";

/** Where the tolerance of a check came from. */
export type Basis =
  | "rounding bound of the forward"
  | "rounding bound of the backward"
  | "rounding bound of all paths through the forward"
  | "error estimate of finite differences"
  | "chosen tolerance";

/** An array that is wrong, with all that is known of it. */
export interface Mismatch {
  /** "output", "gradX", …: an input's name with grad before it; at second order "second gradX". */
  readonly array: string;
  readonly shape: Shape;
  readonly analytic: Float64Array;
  /** Rounded to doubles. */
  readonly exact: Float64Array;
  /** |analytic − exact|, taken before `exact` was rounded. */
  readonly error: Float64Array;
  /** How large the error may be, cell by cell. */
  readonly bound: Float64Array;
  /** The cell whose error is largest against its bound. */
  readonly worst: number;
  readonly basis: Basis;
}

/** "skip": the exact result is not finite, so nothing can be said. */
export type Verdict = "right" | "skip" | Mismatch;

/** An array of numbers that know their error. */
interface Bounds {
  readonly data: readonly Tracked[];
}

export interface CaseOptions {
  readonly order: 1 | 2;
  /** "proven", or a tolerance relative to the largest exact value of an array. */
  readonly tolerance: "proven" | number;
  /** Is told the largest error of each array as a part of what is allowed, right or wrong. */
  readonly seen?: ((ratio: number, array: string) => void) | undefined;
}

/** A bound is itself computed in doubles: twice it covers that, and what is subnormal. */
const SAFETY = 2;
/** A backward that is written otherwise than the paths may round twice as often on the way. */
const SAFETY_OF_PATHS = 4;
const SUBNORMAL = { float64: 2 ** -1070, float32: 2 ** -145 };
const PATHS = "rounding bound of all paths through the forward";

/** `noise` is where gradOutput and the weights of the second order are taken from. */
export function checkCase(
  subject: Subject,
  names: readonly string[],
  inputs: readonly NdArray[],
  noise: readonly number[],
  options: CaseOptions,
): Verdict {
  if (subject.forward === null) return checkPlain(subject, names, inputs, noise, options);
  const { forward } = subject;
  const output = exactOutput(forward, inputs);
  const dtype = inputs[0]?.dtype ?? "float64";
  if (!isFinite(output, dtype)) return "skip";
  const precision = dtype === "float32" ? trackedSingle : tracked;
  const gradOutput = noiseOf(output.shape, noise, 0).to(dtype);
  const exact = exactGradients(forward, inputs, gradOutput);
  if (!exact.every((array) => isFinite(array, dtype))) return "skip";

  const value = subject.value(inputs);
  if (value !== null) {
    if (!sameShape(value.shape, output.shape)) {
      const [expected, got] = [formatShape(output.shape), formatShape(value.shape)];
      throw new OpFault(`expected op to answer shape ${expected}, as the forward does, got ${got}`);
    }
    const bound = forward(inputs.map((input) => FieldArray.from(precision, input)));
    const wrong = judge("output", value, output, bound, options, "rounding bound of the forward");
    if (wrong !== null) return wrong;
  }
  const { genericBackward } = subject;
  const ofDuals = genericBackward === null;
  const bounds = ofDuals
    ? boundOfForward(forward, inputs, gradOutput, precision)
    : boundOfBackward(genericBackward, inputs, gradOutput, precision);
  const basis = ofDuals ? PATHS : "rounding bound of the backward";
  const gradients = subject.gradients(inputs, gradOutput);
  for (const [i, name] of names.entries()) {
    const wrong = judgeAt(gradName(name), i, gradients, exact, bounds, options, basis);
    if (wrong !== null) return wrong;
  }
  return options.order === 2
    ? checkSecond(subject, forward, names, inputs, gradOutput, noise, options, precision)
    : "right";
}

function checkSecond(
  { second }: Subject,
  forward: GenericForward,
  names: readonly string[],
  inputs: readonly NdArray[],
  gradOutput: NdArray,
  noise: readonly number[],
  options: CaseOptions,
  precision: Field<Tracked>,
): Verdict {
  if (second === null) return "right";
  const weights = inputs.map((input, i) => noiseOf(input.shape, noise, 7 * (i + 1)).to(input.dtype));
  const exact = exactSecondGradients(forward, inputs, gradOutput, weights);
  if (!exact.every((array) => isFinite(array, gradOutput.dtype))) return "skip";
  const gradients = second(inputs, gradOutput, weights);
  const bounds = boundOfSecondOrder(forward, inputs, gradOutput, weights, precision);
  for (const [i, name] of [...names, "output"].entries()) {
    const wrong = judgeAt(`second ${gradName(name)}`, i, gradients, exact, bounds, options, PATHS);
    if (wrong !== null) return wrong;
  }
  return "right";
}

/** A plain forward: differences take the place of the exact gradient, and their error estimate that of the bound. */
function checkPlain(
  subject: Subject,
  names: readonly string[],
  inputs: readonly NdArray[],
  noise: readonly number[],
  options: CaseOptions,
): Verdict {
  const f = (arrays: readonly NdArray[]): NdArray => subject.value(arrays) ?? new NdArray(Float64Array.of(NaN), [1]);
  const output = f(inputs);
  const again = f(inputs);
  const cell = output.data.findIndex((x: number, i: number) => !Object.is(x, again.data[i]));
  if (cell >= 0) {
    throw new OpFault(
      `expected plainForward to answer the same for the same inputs, got ${output.data[cell]} and then ${again.data[cell]} at index ${cell}`,
    );
  }
  if (!output.data.every(Number.isFinite)) return "skip";
  const gradOutput = noiseOf(output.shape, noise, 0);
  const estimates = estimateGradients(f, inputs, gradOutput);
  if (!estimates.flat().every(({ error }) => Number.isFinite(error))) return "skip";
  const gradients = subject.gradients(inputs, gradOutput);
  for (const [i, name] of names.entries()) {
    const cells = estimates[i] ?? [];
    const shape = inputs[i]?.shape ?? [];
    const exact = new FieldArray(
      doubleDouble,
      cells.map(({ value }) => doubleDouble.of(value)),
      shape,
    );
    const bound = new FieldArray(
      tracked,
      cells.map(({ value, error }) => ({ value, error })),
      shape,
    );
    const analytic = gradients[i] ?? NdArray.full(shape, 0, "float64");
    const wrong = judge(gradName(name), analytic, exact, bound, options, "error estimate of finite differences");
    if (wrong !== null) return wrong;
  }
  return "right";
}

function judgeAt(
  array: string,
  i: number,
  gradients: readonly NdArray[],
  exact: readonly FieldArray<DoubleDouble>[],
  bounds: readonly (Bounds | null)[],
  options: CaseOptions,
  basis: Basis,
): Mismatch | null {
  const analytic = gradients[i];
  const expected = exact[i];
  return analytic && expected ? judge(array, analytic, expected, bounds[i] ?? null, options, basis) : null;
}

function judge(
  array: string,
  analytic: NdArray,
  exact: FieldArray<DoubleDouble>,
  bounds: Bounds | null,
  { tolerance, seen }: CaseOptions,
  basis: Basis,
): Mismatch | null {
  const { shape } = exact;
  const rounded = exact.toNdArray();
  const safety = basis === PATHS ? SAFETY_OF_PATHS : SAFETY;
  const scale = Math.max(...rounded.data.map(Math.abs), 0);
  const error = Float64Array.from(exact.data, ({ hi, lo }, cell) => {
    const distance = Math.abs((analytic.data[cell] ?? NaN) - hi - lo);
    return Number.isNaN(distance) ? Infinity : distance;
  });
  const bound = Float64Array.from(exact.data, (_, cell) =>
    tolerance === "proven" ? safety * (bounds?.data[cell]?.error ?? 0) + SUBNORMAL[analytic.dtype] : tolerance * scale,
  );
  const ratios = error.map((e, cell) => (e === 0 ? 0 : e / (bound[cell] ?? 0)));
  const worst = ratios.indexOf(Math.max(...ratios));
  seen?.(ratios[worst] ?? 0, array);
  if (!ratios.some((ratio) => ratio > 1)) return null;
  return {
    array,
    shape,
    analytic: Float64Array.from(analytic.data),
    exact: Float64Array.from(rounded.data),
    error,
    bound,
    worst,
    basis: tolerance === "proven" ? basis : "chosen tolerance",
  };
}

/** gradX of x. */
export function gradName(input: string): string {
  return `grad${input.slice(0, 1).toUpperCase()}${input.slice(1)}`;
}

const LARGEST = { float64: Number.MAX_VALUE, float32: 2 ** 127 };

function isFinite({ data }: FieldArray<DoubleDouble>, dtype: Dtype): boolean {
  return data.every(({ hi }) => Math.abs(hi) <= LARGEST[dtype]);
}

/** Never ones: a gradient of ones hides most mistakes, since the terms of a norm's backward cancel. */
function noiseOf(shape: Shape, noise: readonly number[], from: number): NdArray {
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => noise[(from + i) % noise.length] ?? 1);
  return new NdArray(data, shape);
}
