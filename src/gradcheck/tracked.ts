/**
 * Numbers that bound their own rounding error: `value` is what doubles compute, and |value − exact| ≤ `error`, where
 * "exact" is the same formula in real arithmetic on the same inputs. Running error analysis: N. Higham, Accuracy and
 * Stability of Numerical Algorithms (2002), §3.3. With u = 2⁻⁵³:
 *
 *   z = x ± y      e = eₓ + e_y + u|z|
 *   z = x · y      e = |x|e_y + |y|eₓ + 3eₓe_y + u|z|
 *   z = x / y      e = (eₓ + e_y (|x| + eₓ)/(|y| − e_y))/(|y| − 2e_y) + u|z|
 *   z = √x         e = min(√eₓ, eₓ/(√(x − eₓ) + √(x − 2eₓ))) + u|z|
 *   z = xᵖ         e = eₓ |p| (|x| ± 2eₓ)ᵖ⁻¹ + max(2, |p|) u|z|
 *   z = Σ x        e = Σ eₓ + (n − 1) u Σ (|x| + 2eₓ)
 *
 * The exact number lies within eₓ of x, and so does what any other order of summation has led to: that number is within
 * 2eₓ of x. So the bound is one for NdArray as well, whose sums run in another order.
 *
 * Limits: there must be no under- or overflow; it grows with the length of a sum; and where a formula chooses by value
 * (max, relu, clamp, a sign) it is the bound of the branch that these doubles have chosen.
 *
 * For float32 u is 2⁻²⁴: the values are still doubles, which differ from what float32 computes by less than the bound.
 */
import { erf } from "../autograd/erf.ts";
import type { Field } from "./field.ts";

export interface Tracked {
  readonly value: number;
  /** Of the value, absolute. Infinity where nothing can be said. */
  readonly error: number;
}

/** Unit roundoff of a double: half the distance from 1 to the next. */
export const UNIT_ROUNDOFF: number = 2 ** -53;

/** Covers the rounding of the bound itself, a few u in each step, and terms in u². */
const SLACK = 1 + 2 ** -48;

/**
 * Relative errors of functions in units of u. The worst that `npm run soak:fields` finds for exp, log, tanh and pow, which JavaScript
 * engines take from fdlibm, is 1.2u, 1.4u, 2.7u and 1.4u; fdlibm promises less than an ulp, 2u, but for tanh. For our own
 * erf it is 12u, just below 2, where its series is longest.
 */
const LIBRARY = 2;
const TANH = 5;
const ERF = 20;

/** The field with this unit roundoff: 2⁻⁵³ for doubles, 2⁻²⁴ for float32. */
export function trackedWith(unit: number, name: string): Field<Tracked> {
  function rounded(value: number, propagated: number, units = 1): Tracked {
    const error = (propagated + units * unit * Math.abs(value)) * SLACK;
    return { value, error: Number.isNaN(error) ? Infinity : error };
  }

  function of(value: number): Tracked {
    return { value, error: 0 };
  }

  const ONE = of(1);

  function add(x: Tracked, y: Tracked): Tracked {
    return rounded(x.value + y.value, x.error + y.error);
  }

  function sub(x: Tracked, y: Tracked): Tracked {
    return rounded(x.value - y.value, x.error + y.error);
  }

  function mul(x: Tracked, y: Tracked): Tracked {
    const propagated = Math.abs(x.value) * y.error + Math.abs(y.value) * x.error + 3 * x.error * y.error;
    return rounded(x.value * y.value, propagated);
  }

  function div(x: Tracked, y: Tracked): Tracked {
    const size = Math.abs(y.value);
    const largest = (Math.abs(x.value) + x.error) / (size - y.error);
    const distance = size - 2 * y.error;
    return rounded(x.value / y.value, distance > 0 ? (x.error + largest * y.error) / distance : Infinity);
  }

  function sqrt(x: Tracked): Tracked {
    const root = (value: number): number => Math.sqrt(Math.max(0, value));
    const roots = root(x.value - x.error) + root(x.value - 2 * x.error);
    return rounded(Math.sqrt(x.value), x.error === 0 ? 0 : Math.min(Math.sqrt(x.error), x.error / roots));
  }

  /** A root and a division, as doubles do it. A zero is only certain where there is no error. */
  function rsqrtOrZero(x: Tracked): Tracked {
    if (x.value === 0) return { value: 0, error: x.error === 0 ? 0 : Infinity };
    return div(ONE, sqrt(x));
  }

  function pow(x: Tracked, exponent: number): Tracked {
    if (exponent === 0) return ONE;
    if (exponent === 0.5) return sqrt(x);
    if (exponent === -0.5) return div(ONE, sqrt(x));
    const size = Math.abs(exponent);
    const steepest = Math.abs(x.value) + (exponent < 1 ? -2 : 2) * x.error;
    const slope = exponent < 1 && steepest <= 0 ? Infinity : size * steepest ** (exponent - 1);
    const propagated = x.error === 0 ? 0 : slope * x.error;
    return rounded(x.value ** exponent, propagated, Math.max(2, size));
  }

  function exp(x: Tracked): Tracked {
    const value = Math.exp(x.value);
    return rounded(value, value * Math.exp(x.error) * Math.expm1(x.error), LIBRARY);
  }

  function log(x: Tracked): Tracked {
    const distance = x.value - 2 * x.error;
    return rounded(Math.log(x.value), distance > 0 ? x.error / distance : Infinity, LIBRARY);
  }

  function sum(terms: readonly Tracked[]): Tracked {
    const value = terms.reduce((total, x) => total + x.value, 0);
    return rounded(value, total(terms.map((x) => x.error)) + roundingOfSum(terms), 0);
  }

  /** (n − 1) u Σ |x| bounds the rounding of a sum in every order, with no term in u² (Jeannerod and Rump, 2013). */
  function roundingOfSum(terms: readonly Tracked[]): number {
    return Math.max(0, terms.length - 1) * unit * total(terms.map(largest));
  }

  /** Of numbers that are not negative, rounded up. */
  function total(values: readonly number[]): number {
    return values.reduce((partial, value) => partial + value, 0) * (1 + values.length * unit);
  }

  /** How large the number of another order of summation may be. */
  function largest(x: Tracked): number {
    return Math.abs(x.value) + 2 * x.error;
  }

  /**
   * x − mean(x) = (x − m) − mean(x − m) for every constant m. The m that the first centring computes is one, so its own
   * rounding error does not matter: this is why centring twice is exact where centring once is not. It matters only for
   * how large x − m may be in another order of summation.
   */
  function center(group: readonly Tracked[]): readonly Tracked[] {
    const [first] = group;
    if (first === undefined) return group;
    const known = Number.isFinite(first.value) && first.error < Infinity;
    const constant = group.length === 1 || group.every((x) => x.value === first.value && x.error === 0);
    if (known && constant) return group.map(() => of(0));
    const n = of(group.length);
    const m = add(first, div(sum(group.map((x) => sub(x, first))), n));
    const rough = group.map((x) => sub(x, m));
    const centered = group.map((x, i) => {
      const { value, error } = rough[i] ?? x;
      return { value, error: x.error + unit * (Math.abs(value) + 2 * error) };
    });
    const errors = total(centered.map((x) => x.error)) + roundingOfSum(rough);
    const rest = div({ value: centered.reduce((partial, x) => partial + x.value, 0), error: errors }, n);
    const roundingOfRest = 2 * unit * m.error;
    return centered.map((x) => rounded(x.value - rest.value, x.error + rest.error + roundingOfRest));
  }

  return {
    name,
    zero: of(0),
    of,
    value: (x) => x.value,
    add,
    sub,
    mul,
    div,
    rsqrtOrZero,
    pow,
    exp,
    log,
    /** The slope is at most 1. */
    tanh: (x) => rounded(Math.tanh(x.value), x.error, TANH),
    /** The slope is at most 2/√π. */
    erf: (x) => rounded(erf(x.value), (2 / Math.sqrt(Math.PI)) * x.error, ERF),
    sum,
    center,
  };
}

/** Doubles with their rounding bounds, as a field. */
export const tracked: Field<Tracked> = trackedWith(UNIT_ROUNDOFF, "tracked");

/** The bounds of float32 arithmetic. */
export const trackedSingle: Field<Tracked> = trackedWith(2 ** -24, "tracked float32");
