/** Ordinary doubles as a field: FieldArray over it is a second, plain implementation of NdArray. */
import { erf } from "../autograd/erf.ts";
import { centerTwice } from "./field.ts";
import type { Field } from "./field.ts";

export const real: Field<number> = {
  name: "real",
  zero: 0,
  of: (value) => value,
  value: (x) => x,
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  rsqrtOrZero: (x) => (x === 0 ? 0 : 1 / Math.sqrt(x)),
  pow: (x, exponent) => (exponent === 0.5 ? Math.sqrt(x) : exponent === -0.5 ? 1 / Math.sqrt(x) : x ** exponent),
  exp: Math.exp,
  log: Math.log,
  tanh: Math.tanh,
  erf,
  sum: (terms) => terms.reduce((total, x) => total + x, 0),
  center: (group) => centerTwice(real, group),
};
