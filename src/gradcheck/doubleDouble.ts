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
 * arithmetic", ACM TOMS 44 (2017), https://doi.org/10.1145/3121432; the bound of mul: J.-M. Muller, L. Rideau (2022),
 * https://doi.org/10.1145/3484514; sqrt: V. Lefèvre and others, "Accurate calculation of Euclidean norms using double-word
 * arithmetic" (2023), https://doi.org/10.1145/3568672. exp, log, tanh and erf have no published bound: the tests hold them
 * to 2⁻¹⁰¹.
 *
 * Operands and results must stay within 10±²⁹⁰: above, splitting a product overflows to NaN, and below, low parts are lost.
 * Beyond that range exp, log, tanh and erf are as good as a double's; arithmetic with infinities answers NaN.
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

const ONE = of(1);

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

/** ln 2 in parts of 42, 42 and 53 bits: k times the first two is exact for every exponent k. */
const LN2 = [0.6931471805598903, 5.4979230187085024e-14, -1.3124698417785255e-27];
const HALVINGS = 9;

/** eˣ − 1 for |x| ≤ 0.4: Taylor's series of x/2⁹, then (1 + y)² − 1 = y² + 2y nine times. */
function expm1Small(x: DoubleDouble): DoubleDouble {
  const small = scale(x, 2 ** -HALVINGS);
  let term = small;
  let sum = small;
  for (let i = 2; i <= 9; i++) {
    term = div(mul(term, small), of(i));
    sum = add(sum, term);
  }
  for (let i = 0; i < HALVINGS; i++) sum = add(scale(sum, 2), mul(sum, sum));
  return sum;
}

/** eˣ = 2ᵏ · eʳ with |r| ≤ ½ ln 2. */
function exp(x: DoubleDouble): DoubleDouble {
  if (!(Math.abs(x.hi) < 670)) return of(Math.exp(x.hi));
  const k = Math.round(x.hi / Math.LN2);
  const rest = LN2.reduce((r, part) => sub(r, of(part * k)), x);
  return scale(add(expm1Small(rest), ONE), 2 ** k);
}

/**
 * From the double's logarithm y: log x = y + log(1 + r) with r = x e⁻ʸ − 1, of the size of a rounding error, so that
 * r − r²/2 is enough. Near 1, where log x is small itself, r = (x − 1) + x (e⁻ʸ − 1) loses nothing to cancellation.
 */
function log(x: DoubleDouble): DoubleDouble {
  const y = Math.log(x.hi);
  if (!(Math.abs(y) < 670)) return of(y);
  const r = Math.abs(y) < 0.4 ? add(sub(x, ONE), mul(x, expm1Small(of(-y)))) : sub(mul(x, exp(of(-y))), ONE);
  return add(of(y), sub(r, of(0.5 * r.hi * r.hi)));
}

/** (e²ˣ − 1)/(e²ˣ + 1), with e²ˣ − 1 from its own series near 0. */
function tanh(x: DoubleDouble): DoubleDouble {
  const size = Math.abs(x.hi);
  if (size > 40) return of(Math.sign(x.hi)); // off by 2e-35
  if (size < 2 ** -54) return x; // off by x³/3
  const double = scale(x, 2);
  const m = size < 0.2 ? expm1Small(double) : sub(exp(double), ONE);
  return div(m, add(m, of(2)));
}

const TWO_OVER_SQRT_PI: DoubleDouble = { hi: 1.1283791670955126, lo: 1.533545961316588e-17 };

/**
 * Below 3 the series (2/√π) e^(−x²) Σ 2ⁿ x²ⁿ⁺¹/(1·3·…·(2n+1)), all of whose terms have one sign (Abramowitz & Stegun
 * 7.1.6); above, where erf is nearly 1, one minus erfc by its continued fraction (7.1.14).
 */
function erf(x: DoubleDouble): DoubleDouble {
  if (x.hi < 0) return neg(erf(neg(x)));
  if (x.hi > 9) return ONE; // off by erfc(9) = 4e-37
  const square = mul(x, x);
  const scaled = mul(TWO_OVER_SQRT_PI, exp(neg(square)));
  if (x.hi > 3) {
    let fraction = x;
    for (let i = 80; i > 0; i--) fraction = add(x, div(of(i / 2), fraction));
    return sub(ONE, div(scale(scaled, 0.5), fraction));
  }
  let term = x;
  let sum = x;
  for (let i = 1; term.hi > 1e-34 * sum.hi; i++) {
    term = div(mul(term, scale(square, 2)), of(2 * i + 1));
    sum = add(sum, term);
  }
  return mul(scaled, sum);
}

/** Whole powers by squaring, halves by a square root as well, others as exp(p · log x). */
function pow(x: DoubleDouble, exponent: number): DoubleDouble {
  if (exponent < 0) return div(ONE, pow(x, -exponent));
  if (x.hi === 0 || !Number.isInteger(2 * exponent)) {
    return x.hi > 0 ? exp(mul(of(exponent), log(x))) : of(x.hi ** exponent);
  }
  let product = Number.isInteger(exponent) ? ONE : sqrt(x);
  let square = x;
  for (let rest = Math.floor(exponent); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) product = mul(product, square);
    if (rest > 1) square = mul(square, square);
  }
  return product;
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
  rsqrtOrZero: (x) => (x.hi === 0 ? x : div(ONE, sqrt(x))),
  pow,
  exp,
  log,
  tanh,
  erf,
  sum: (terms) => terms.reduce(add, of(0)),
  center: (group) => centerTwice(doubleDouble, group),
};
