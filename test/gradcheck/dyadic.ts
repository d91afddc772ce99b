/** Exact numbers m · 2ᵉ with whole m of any length: every double is one, and so are their sums and products. */
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";

export interface Dyadic {
  readonly m: bigint;
  readonly e: number;
}

const view = new DataView(new ArrayBuffer(8));

/** The exponent of the last bit of a double. */
export function lastBit(x: number): number {
  view.setFloat64(0, x);
  return Math.max(1, (view.getUint32(0) >>> 20) & 0x7ff) - 1075;
}

/** A finite double, exactly. */
export function dyadic(x: number): Dyadic {
  if (!Number.isFinite(x)) throw new RangeError(`dyadic: expected a finite number, got ${x}`);
  const e = lastBit(x);
  // Dividing by 2ᵉ in two steps, since 2⁻¹⁰⁷⁴ has no reciprocal: both are exact.
  return { m: BigInt(x / 2 ** Math.ceil(e / 2) / 2 ** Math.floor(e / 2)), e };
}

export function exactly({ hi, lo }: DoubleDouble): Dyadic {
  return plus(dyadic(hi), dyadic(lo));
}

export function plus(a: Dyadic, b: Dyadic): Dyadic {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const e = Math.min(a.e, b.e);
  return { m: at(a, e) + at(b, e), e };
}

export function minus(a: Dyadic, b: Dyadic): Dyadic {
  return plus(a, { m: -b.m, e: b.e });
}

export function times(a: Dyadic, b: Dyadic): Dyadic {
  return { m: a.m * b.m, e: a.e + b.e };
}

/** |a| ≤ |b| */
export function noLarger(a: Dyadic, b: Dyadic): boolean {
  const e = Math.min(a.e, b.e);
  return abs(at(a, e)) <= abs(at(b, e));
}

/** |a/b| · 2ᵏ as a double, good to 2⁻⁴⁰ for quotients below 2¹³: how large an error is in units of 2⁻ᵏ. */
export function ratio(a: Dyadic, b: Dyadic, k: number): number {
  if (a.m === 0n) return 0;
  const shift = a.e - b.e + k + 40;
  const [p, q] = shift < 0 ? [a.m, b.m << BigInt(-shift)] : [a.m << BigInt(shift), b.m];
  return Number(abs(p) / abs(q)) / 2 ** 40;
}

/** The number as a multiple of 2ᵉ, where it is one. */
function at({ m, e: own }: Dyadic, e: number): bigint {
  return m << BigInt(own - e);
}

function abs(m: bigint): bigint {
  return m < 0n ? -m : m;
}
