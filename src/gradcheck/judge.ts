/** Is an array as close to the exact one as it should be? */
import type { NdArray } from "../autograd/ndarray.ts";
import type { Shape } from "../autograd/shape.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import type { FieldArray } from "./fieldArray.ts";
import type { Tracked } from "./tracked.ts";

/** Where the tolerance of a check came from. */
export type Basis =
  | "rounding bound of the forward"
  | "rounding bound of the backward"
  | "rounding bound of all paths through the forward"
  | "error estimate of finite differences"
  | "the first of two equal calls"
  | "chosen tolerance";

/** An array that is wrong, with all that is known of it. */
export interface Mismatch {
  /** "output", "gradX", …: an input's name with grad before it; at second order "second gradX". */
  readonly array: string;
  readonly shape: Shape;
  readonly analytic: Float64Array;
  /** Rounded to doubles. */
  readonly exact: Float64Array;
  /** What `exact` holds: an estimate by differences if the forward is plain code, the first answer of two equal calls. */
  readonly reference: "exact" | "estimate" | "before";
  /** |analytic − exact|, taken before `exact` was rounded. */
  readonly error: Float64Array;
  /** How large the error may be, cell by cell. Infinity: not judged, for there is no derivative to compare with. */
  readonly bound: Float64Array;
  /** The cell whose error is largest against its bound. */
  readonly worst: number;
  readonly basis: Basis;
}

/** "skip": the exact result is not finite, or differences find no derivative anywhere, so nothing can be said. */
export type Verdict = "right" | "skip" | Mismatch;

/** An array of numbers that know their error. */
export interface Bounds {
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
export const PATHS = "rounding bound of all paths through the forward";
const REPEATED = "the first of two equal calls";
export const DIFFERENCES = "error estimate of finite differences";

export function judge(
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
  const scale = Math.max(...rounded.data.map(Math.abs).filter(Number.isFinite), 0);
  const error = Float64Array.from(exact.data, ({ hi, lo }, cell) => {
    const distance = Math.abs((analytic.data[cell] ?? NaN) - hi - lo);
    return Number.isNaN(distance) ? Infinity : distance;
  });
  // What rounds in one cell may end in another: a total less a prefix, say, for a suffix that is 0.
  const errors = bounds?.data.map(({ error }) => error) ?? [];
  const least = basis === PATHS ? Math.max(0, ...errors.filter(Number.isFinite)) : 0;
  const bound = Float64Array.from(exact.data, (_, cell) => {
    if (errors[cell] === Infinity && basis === DIFFERENCES) return Infinity;
    if (tolerance !== "proven") return tolerance * scale;
    return safety * Math.max(least, errors[cell] ?? 0) + SUBNORMAL[analytic.dtype];
  });
  const ratios = error.map((e, cell) => (e === 0 || bound[cell] === Infinity ? 0 : e / (bound[cell] ?? 0)));
  const worst = ratios.indexOf(Math.max(...ratios));
  seen?.(ratios[worst] ?? 0, array);
  if (!ratios.some((ratio) => ratio > 1)) return null;
  return {
    array,
    shape,
    analytic: Float64Array.from(analytic.data),
    exact: Float64Array.from(rounded.data),
    reference: basis === DIFFERENCES ? "estimate" : "exact",
    error,
    bound,
    worst,
    basis: tolerance === "proven" ? basis : "chosen tolerance",
  };
}

/**
 * The same call again has to give the same bits: what differs by an ulp today comes from something that is kept or random.
 * Under a chosen tolerance it is not asked.
 */
export function judgeRepeat(
  names: readonly string[],
  gradients: readonly NdArray[],
  again: () => readonly NdArray[],
  { tolerance }: CaseOptions,
): Mismatch | null {
  if (tolerance !== "proven") return null;
  const before = gradients.map(({ data }) => Float64Array.from(data)); // an op may answer the same buffer again
  const after = again();
  for (const [i, name] of names.entries()) {
    const [exact, analytic] = [before[i] ?? new Float64Array(), Float64Array.from(after[i]?.data ?? [])];
    const error = exact.map((value, cell) => {
      const difference = Math.abs(value - (analytic[cell] ?? NaN));
      if (Object.is(value, analytic[cell])) return 0;
      return Number.isNaN(difference) ? Infinity : difference;
    });
    const worst = error.indexOf(Math.max(...error));
    if (!error.some((difference) => difference > 0)) continue;
    const bound = new Float64Array(exact.length);
    const shape = after[i]?.shape ?? [];
    const found = { shape, analytic, exact, error, bound, worst };
    return { array: gradName(name), ...found, reference: "before", basis: REPEATED };
  }
  return null;
}

/** gradX of x. */
export function gradName(input: string): string {
  return `grad${input.slice(0, 1).toUpperCase()}${input.slice(1)}`;
}
