/**
 * exp, log, tanh and erf in fixed point with 420 bits after the point, by series that share nothing with the ones under
 * test: the oracle of the long runs, where a fixture would be too long.
 */
import type { Dyadic } from "./dyadic.ts";
import type { FunctionName } from "./reference.ts";

const BITS = 420;
const ONE = 1n << BigInt(BITS);

function fixed({ m, e }: Dyadic): bigint {
  const shift = BITS + e;
  return shift < 0 ? m >> BigInt(-shift) : m << BigInt(shift);
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) >> BigInt(BITS);
}

function over(a: bigint, b: bigint): bigint {
  return (a << BigInt(BITS)) / b;
}

type Term = (term: bigint, n: bigint) => bigint;

/** Σ weigh(termₙ, n) from n = 0, each term made from the one before, until they vanish. */
function series(first: bigint, next: Term, weigh: Term = (term) => term): bigint {
  let sum = 0n;
  for (let term = first, n = 1n; term !== 0n && term !== -1n; term = next(term, n), n++) sum += weigh(term, n - 1n);
  return sum;
}

/** ln 2 = Σ 1/(n 2ⁿ) */
const LN2 = series(
  ONE >> 1n,
  (term) => term >> 1n,
  (term, n) => term / (n + 1n),
);
/** π = 16 atan(1/5) − 4 atan(1/239) (Machin) */
const PI = 16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n);
const TWO_OVER_ROOT_PI = over(2n * ONE, squareRoot(PI));

function arctanOfInverse(k: bigint): bigint {
  return series(
    ONE / k,
    (term) => -term / (k * k),
    (term, n) => term / (2n * n + 1n),
  );
}

function squareRoot(a: bigint): bigint {
  const square = a << BigInt(BITS);
  let root = a > ONE ? a : ONE;
  for (let next = (root + square / root) >> 1n; next < root; next = (root + square / root) >> 1n) root = next;
  return root;
}

/** eˣ = 2ᵏ eʳ with eʳ from Taylor's series of r/2¹⁶, squared sixteen times; a fixed point number and a power of two. */
function expParts(x: bigint): { readonly significand: bigint; readonly k: number } {
  const k = (2n * x + LN2) / (2n * LN2);
  const r = (x - k * LN2) >> 16n;
  let power = ONE + series(r, (term, n) => times(term, r) / (n + 1n));
  for (let i = 0; i < 16; i++) power = times(power, power);
  return { significand: power, k: Number(k) };
}

function exp(x: bigint): Dyadic {
  const { significand, k } = expParts(x);
  return { m: significand, e: k - BITS };
}

/** Newton's iteration y + 2 (x − eʸ)/(x + eʸ), whose error is cubic, on x = s · 2ᵏ with s near 1. */
function log({ m, e }: Dyadic): Dyadic {
  const k = m.toString(2).length - 1;
  const s = k > BITS ? m >> BigInt(k - BITS) : m << BigInt(BITS - k);
  let y = BigInt(Math.round(Math.log(Number(s >> BigInt(BITS - 60)) / 2 ** 60) * 2 ** 60)) << BigInt(BITS - 60);
  for (let i = 0; i < 3; i++) {
    const parts = expParts(y);
    const power = parts.k < 0 ? parts.significand >> BigInt(-parts.k) : parts.significand << BigInt(parts.k);
    y += over(2n * (s - power), s + power);
  }
  return { m: y + BigInt(k + e) * LN2, e: -BITS };
}

function tanh(x: bigint): Dyadic {
  const { m, e } = exp(2n * x);
  const power = e + BITS < 0 ? m >> BigInt(-e - BITS) : m << BigInt(e + BITS);
  return { m: over(power - ONE, power + ONE), e: -BITS };
}

/** (2/√π) Σ (−1)ⁿ x²ⁿ⁺¹/(n! (2n + 1)): its terms reach 2¹¹⁷ at x = 9 and leave 300 bits. */
function erf(x: bigint): Dyadic {
  const square = times(x, x);
  const sum = series(
    x,
    (term, n) => -times(term, square) / n,
    (term, n) => term / (2n * n + 1n),
  );
  return { m: times(TWO_OVER_ROOT_PI, sum), e: -BITS };
}

/** The value at x to some 300 bits; |x| of 2⁻⁶⁰ or more, or for log |log x|. */
export const elementary: Readonly<Record<FunctionName, (x: Dyadic) => Dyadic>> = {
  exp: (x) => exp(fixed(x)),
  log,
  tanh: (x) => tanh(fixed(x)),
  erf: (x) => erf(fixed(x)),
};
