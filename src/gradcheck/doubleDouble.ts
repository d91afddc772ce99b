/**
 * Double-double arithmetic: a number is the unevaluated sum hi + lo of two doubles, |lo| ≤ ½ ulp(hi), good for about 106
 * bits. With u = 2⁻⁵³, relative errors at most:
 *
 *   add, sub   3u² + 13u³    AccurateDWPlusDW
 *   mul        5u²           DWTimesDW1
 *   div        15u² + 56u³   DWDivDW2
 *   sqrt       25/8 u²       SQRTDWtoDW
 *
 * M. Joldes, J.-M. Muller, V. Popescu, "Tight and rigorous error bounds for basic building blocks of double-word
 * arithmetic", ACM TOMS 44 (2017), https://doi.org/10.1145/3121432, with the bound of mul from J.-M. Muller, L. Rideau (2022);
 * sqrt: V. Lefèvre and others, "Accurate calculation of Euclidean norms using double-word arithmetic" (2023). exp, log, tanh
 * and erf have no published bound: the tests hold them to 2⁻⁹⁸. Results must stay within 10±²⁹⁰: splitting a product
 * overflows above, and the low parts become subnormal below.
 */
import { centerTwice } from "./field.ts";
import type { Field } from "./field.ts";

export interface DoubleDouble {
  readonly hi: number;
  readonly lo: number;
}

const SPLITTER = 2 ** 27 + 1;

/** a + b exactly, as sum and error (Knuth). */
function twoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  const part = hi - a;
  return { hi, lo: a - (hi - part) + (b - part) };
}

/** The same for |a| ≥ |b| (Dekker). */
function fastTwoSum(a: number, b: number): DoubleDouble {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

/** a · b exactly (Dekker, with Veltkamp's splitting: JavaScript has no fused multiply-add). */
function twoProduct(a: number, b: number): DoubleDouble {
  const hi = a * b;
  const bigA = SPLITTER * a;
  const highA = bigA - (bigA - a);
  const lowA = a - highA;
  const bigB = SPLITTER * b;
  const highB = bigB - (bigB - b);
  const lowB = b - highB;
  return { hi, lo: highA * highB - hi + highA * lowB + lowA * highB + lowA * lowB };
}

function of(value: number): DoubleDouble {
  return { hi: value, lo: 0 };
}

function add(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const high = twoSum(x.hi, y.hi);
  const low = twoSum(x.lo, y.lo);
  const first = fastTwoSum(high.hi, high.lo + low.hi);
  return fastTwoSum(first.hi, low.lo + first.lo);
}

function neg(x: DoubleDouble): DoubleDouble {
  return { hi: -x.hi, lo: -x.lo };
}

function sub(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  return add(x, neg(y));
}

function mul(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const high = twoProduct(x.hi, y.hi);
  return fastTwoSum(high.hi, high.lo + (x.hi * y.lo + x.lo * y.hi));
}

function timesNumber(x: DoubleDouble, y: number): DoubleDouble {
  const high = twoProduct(x.hi, y);
  const first = fastTwoSum(high.hi, x.lo * y);
  return fastTwoSum(first.hi, first.lo + high.lo);
}

function div(x: DoubleDouble, y: DoubleDouble): DoubleDouble {
  const quotient = x.hi / y.hi;
  if (quotient === 0 || !Number.isFinite(quotient)) return of(quotient);
  const product = timesNumber(y, quotient);
  const rest = x.hi - product.hi + (x.lo - product.lo);
  return fastTwoSum(quotient, rest / y.hi);
}

function sqrt(x: DoubleDouble): DoubleDouble {
  const root = Math.sqrt(x.hi);
  if (root === 0 || !Number.isFinite(root)) return of(root);
  const square = twoProduct(root, root);
  const rest = x.lo + (x.hi - square.hi - square.lo);
  return fastTwoSum(root, rest / (2 * root));
}

/** A power of two times x, exactly. */
function scale(x: DoubleDouble, power: number): DoubleDouble {
  return { hi: x.hi * power, lo: x.lo * power };
}

/** ln 2 to 160 bits: the third part keeps k · ln 2 exact enough for the largest k. */
const LN2: DoubleDouble = { hi: 0.6931471805599453, lo: 2.3190468138462996e-17 };
const LN2_REST = 5.707708438416212e-34;
const HALVINGS = 9;

/** eˣ − 1 for |x| ≤ 0.4: Taylor's series of x/2⁹, then (1 + y)² − 1 = y² + 2y nine times. */
function expm1Small(x: DoubleDouble): DoubleDouble {
  const small = scale(x, 2 ** -HALVINGS);
  let term = small;
  let sum = small;
  for (let i = 2; i <= 10; i++) {
    term = div(mul(term, small), of(i));
    sum = add(sum, term);
  }
  for (let i = 0; i < HALVINGS; i++) sum = add(scale(sum, 2), mul(sum, sum));
  return sum;
}

function exp(x: DoubleDouble): DoubleDouble {
  if (!(Math.abs(x.hi) < 670)) return of(Math.exp(x.hi));
  const k = Math.round(x.hi / LN2.hi);
  const rest = sub(sub(x, timesNumber(LN2, k)), of(LN2_REST * k));
  return scale(add(expm1Small(rest), of(1)), 2 ** k);
}

/** One Newton step from the double's logarithm: y + (x e⁻ʸ − 1) − …, in the form whose error is cubic. */
function log(x: DoubleDouble): DoubleDouble {
  const start = Math.log(x.hi);
  if (!Number.isFinite(start)) return of(start);
  let y = of(start);
  for (let i = 0; i < 2; i++) {
    const power = exp(neg(y));
    const error = sub(mul(x, power), of(1));
    y = add(y, error);
  }
  return y;
}

/** (e²ˣ − 1)/(e²ˣ + 1), with e²ˣ − 1 from its own series near 0. */
function tanh(x: DoubleDouble): DoubleDouble {
  if (Math.abs(x.hi) > 40) return of(Math.sign(x.hi));
  const double = scale(x, 2);
  const m = Math.abs(double.hi) < 0.4 ? expm1Small(double) : sub(exp(double), of(1));
  return div(m, add(m, of(2)));
}

/** 2/√π to 106 bits. */
const TWO_OVER_SQRT_PI: DoubleDouble = { hi: 1.1283791670955126, lo: 1.533545961316588e-17 };

/** (2/√π) e^(−x²) Σ 2ⁿ x²ⁿ⁺¹/(1·3·…·(2n+1)): all terms have one sign (Abramowitz & Stegun 7.1.6). */
function erf(x: DoubleDouble): DoubleDouble {
  if (Math.abs(x.hi) > 9) return of(Math.sign(x.hi));
  const square = mul(x, x);
  let term = x;
  let sum = x;
  for (let i = 1; Math.abs(term.hi) > 1e-34 * Math.abs(sum.hi); i++) {
    term = div(mul(term, scale(square, 2)), of(2 * i + 1));
    sum = add(sum, term);
  }
  return mul(mul(TWO_OVER_SQRT_PI, exp(neg(square))), sum);
}

/** Double-double as a field. */
export const doubleDouble: Field<DoubleDouble> = {
  name: "double-double",
  zero: of(0),
  of,
  value: (x) => x.hi + x.lo,
  add,
  sub,
  mul,
  div,
  sqrt,
  exp,
  log,
  tanh,
  erf,
  sum: (terms) => terms.reduce(add, of(0)),
  center: (group) => centerTwice(doubleDouble, group),
};
