/**
 * Numbers that bound their own rounding error: `value` is what doubles compute, and |value − exact| ≤ `error`, where
 * "exact" is the same formula in real arithmetic on the same inputs. Running error analysis: N. Higham, Accuracy and
 * Stability of Numerical Algorithms (2002), §3.3. With u = 2⁻⁵³:
 *
 *   z = x + y      e = eₓ + e_y + u|z|                         z = √x    e = eₓ/(√x + √(x − eₓ)) + u|z|
 *   z = x · y      e = |x|e_y + |y|eₓ + eₓe_y + u|z|           z = Σ x   e = Σ eₓ + (n − 1) u Σ (|x| + eₓ), in any order
 *   z = x / y      e = (eₓ + |z|e_y)/(|y| − e_y) + u|z|
 *
 * Limits: the bound itself is computed in doubles, a relative 1e-15 or so that users of it cover with a factor of 2; there
 * must be no under- or overflow; it grows with the length of a sum.
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

/** exp, log, tanh of JavaScript engines (fdlibm) err by less than one ulp, 2u; ours for erf by 4e-16. */
const LIBRARY = 2 * UNIT_ROUNDOFF;
const ERF = 4e-16;

function rounded(value: number, propagated: number, unit: number = UNIT_ROUNDOFF): Tracked {
  return { value, error: Number.isNaN(propagated) ? Infinity : propagated + unit * Math.abs(value) };
}

function of(value: number): Tracked {
  return { value, error: 0 };
}

function add(x: Tracked, y: Tracked): Tracked {
  return rounded(x.value + y.value, x.error + y.error);
}

function sub(x: Tracked, y: Tracked): Tracked {
  return rounded(x.value - y.value, x.error + y.error);
}

function mul(x: Tracked, y: Tracked): Tracked {
  const propagated = Math.abs(x.value) * y.error + Math.abs(y.value) * x.error + x.error * y.error;
  return rounded(x.value * y.value, propagated);
}

function div(x: Tracked, y: Tracked): Tracked {
  const value = x.value / y.value;
  const distance = Math.abs(y.value) - y.error;
  return rounded(value, distance > 0 ? (x.error + Math.abs(value) * y.error) / distance : Infinity);
}

function sqrt(x: Tracked): Tracked {
  const value = Math.sqrt(x.value);
  return rounded(value, x.error === 0 ? 0 : x.error / (value + Math.sqrt(Math.max(0, x.value - x.error))));
}

function exp(x: Tracked): Tracked {
  const value = Math.exp(x.value);
  return rounded(value, value * Math.expm1(x.error), LIBRARY);
}

function log(x: Tracked): Tracked {
  const distance = x.value - x.error;
  return rounded(Math.log(x.value), distance > 0 ? x.error / distance : Infinity, LIBRARY);
}

/** Computed where the computed value is; the slope is at most 1. */
function tanh(x: Tracked): Tracked {
  return rounded(Math.tanh(x.value), x.error, LIBRARY);
}

function sum(terms: readonly Tracked[]): Tracked {
  const value = terms.reduce((total, x) => total + x.value, 0);
  const errors = terms.reduce((total, x) => total + x.error, 0);
  const sizes = terms.reduce((total, x) => total + Math.abs(x.value) + x.error, 0);
  return { value, error: errors + Math.max(0, terms.length - 1) * UNIT_ROUNDOFF * sizes };
}

/**
 * x − mean(x) = (x − m) − mean(x − m) for every constant m. The m that the first centring computes is one, so its own
 * rounding error does not matter: this is why centring twice is exact where centring once is not.
 */
function center(group: readonly Tracked[]): readonly Tracked[] {
  const first = group[0]?.value ?? 0;
  const m = of(first + group.reduce((total, x) => total + (x.value - first), 0) / group.length);
  const centered = group.map((x) => sub(x, m));
  const rest = div(sum(centered), of(group.length));
  return centered.map((x) => sub(x, rest));
}

/** Doubles with their rounding bounds, as a field. */
export const tracked: Field<Tracked> = {
  name: "tracked",
  zero: of(0),
  of,
  value: (x) => x.value,
  add,
  sub,
  mul,
  div,
  sqrt,
  exp,
  log,
  tanh,
  erf: (x) => ({ value: erf(x.value), error: (2 / Math.sqrt(Math.PI)) * x.error + ERF }),
  sum,
  center,
};
