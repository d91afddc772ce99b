/**
 * The laws of double-double arithmetic: results are normalized, and their errors stay within the bounds that are published
 * for the algorithms. Each is decided in exact arithmetic, and answers the error in units of u².
 */
import type { Generator } from "../../src/autograd/index.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { dyadic, exactly, lastBit, minus, noLarger, plus, ratio, times } from "./dyadic.ts";
import type { Dyadic } from "./dyadic.ts";

export type Arithmetic = Pick<Field<DoubleDouble>, "add" | "sub" | "mul" | "div" | "pow">;
export type Operation = "add" | "sub" | "mul" | "div" | "sqrt";
export const OPERATIONS: readonly Operation[] = ["add", "sub", "mul", "div", "sqrt"];

/** Relative, as a multiple of 2⁻¹⁵⁹ = u³: c₂u² + c₃u³ is c₂ · 2⁵³ + c₃. */
const BOUNDS: Readonly<Record<Operation, bigint>> = {
  add: 3n * 2n ** 53n + 13n,
  sub: 3n * 2n ** 53n + 13n,
  mul: 5n * 2n ** 53n,
  div: 15n * 2n ** 53n + 56n,
  sqrt: (25n * 2n ** 53n) / 8n,
};

/** The published bound in units of u². */
export function publishedBound(operation: Operation): number {
  return Number(BOUNDS[operation]) / 2 ** 53;
}

/** Throws if the result is further from the exact one than published, or not normalized; answers the error over u². */
export function errorOf(operation: Operation, field: Arithmetic, x: DoubleDouble, y: DoubleDouble): number {
  const z = operation === "sqrt" ? field.pow(x, 0.5) : field[operation](x, y);
  const shown = `${operation} of (${x.hi}, ${x.lo}) and (${y.hi}, ${y.lo})`;
  if (z.hi + z.lo !== z.hi) throw new Error(`${shown}: expected a normalized result, got (${z.hi}, ${z.lo})`);
  const [error, size] = residual(operation, exactly(x), exactly(y), exactly(z));
  // √ is halved: |z² − x| = |z − √x| · (z + √x), and z + √x is 2√x but for one part in 2¹⁰⁴, which 25/8 u² has to spare.
  const allowed = times(size, { m: BOUNDS[operation] * (operation === "sqrt" ? 2n : 1n), e: -159 });
  const units = ratio(error, size.m === 0n ? dyadic(1) : size, operation === "sqrt" ? 105 : 106);
  if (!noLarger(error, allowed)) throw new Error(`${shown}: expected at most the published bound, got ${units} u²`);
  return units;
}

/** An error and what it is relative to, multiplied out so that both are exact. */
function residual(operation: Operation, x: Dyadic, y: Dyadic, z: Dyadic): readonly [error: Dyadic, size: Dyadic] {
  switch (operation) {
    case "add":
      return [minus(z, plus(x, y)), plus(x, y)];
    case "sub":
      return [minus(z, minus(x, y)), minus(x, y)];
    case "mul":
      return [minus(z, times(x, y)), times(x, y)];
    case "div":
      return [minus(times(z, y), x), x];
    case "sqrt":
      return [minus(times(z, z), x), x];
  }
}

/** What operands are made of, by name, so that a test can see that each kind has been drawn. */
const MANTISSAS = ["random", "power of two", "next above", "next below", "few bits"] as const;
const TAILS = ["random", "none", "half an ulp", "just below half an ulp", "tiny", "power of two"] as const;
const RELATIONS = ["unrelated", "opposite", "neighbours", "same hi", "nearly equal", "far apart"] as const;

export type Counts = Map<string, number>;

/** Every name that `drawOperands` counts. */
export const KINDS: readonly string[] = [...MANTISSAS, ...TAILS, ...RELATIONS].map((name, i) => `${i}: ${name}`);

/** Two operands for an operation; the results stay within 10±²⁹⁰. */
export function drawOperands(
  operation: Operation,
  random: Generator,
  counts: Counts,
): readonly [x: DoubleDouble, y: DoubleDouble] {
  const choose = (names: readonly string[], offset: number): string => {
    const i = random.integer(names.length);
    const kind = KINDS[offset + i] ?? "";
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return names[i] ?? "";
  };
  const sign = (): number => (random.integer(2) === 0 ? -1 : 1);
  const number = (exponent: number): DoubleDouble => {
    const hi = mantissa(choose(MANTISSAS, 0), random) * sign() * 2 ** exponent;
    return withTail(hi, choose(TAILS, MANTISSAS.length));
  };
  const withTail = (hi: number, kind: string): DoubleDouble => {
    return normalized(hi, tail(kind, random) * sign() * 2 ** (lastBit(hi) - 1));
  };

  const exponent = random.integer(841) - 420;
  const x = number(exponent);
  if (operation === "sqrt") return [x.hi < 0 ? { hi: -x.hi, lo: -x.lo } : x, x];
  const ulp = 2 ** lastBit(x.hi);
  switch (choose(RELATIONS, MANTISSAS.length + TAILS.length)) {
    case "opposite":
      return [x, { hi: -x.hi, lo: -x.lo }];
    case "neighbours":
      return [x, withTail(-x.hi + (random.integer(9) - 4) * ulp, "random")];
    case "same hi":
      return [x, withTail(sign() * x.hi, choose(TAILS, MANTISSAS.length))];
    case "nearly equal":
      return [x, withTail(sign() * x.hi * (1 + sign() * 2 ** -(1 + random.integer(52))), "random")];
    case "far apart":
      return [x, number(exponent + random.integer(241) - 120)];
    default:
      return [x, number(random.integer(841) - 420)];
  }
}

function mantissa(kind: string, random: Generator): number {
  if (kind === "power of two") return 1;
  if (kind === "next above") return 1 + 2 ** -52;
  if (kind === "next below") return 1 - 2 ** -53;
  return 1 + (kind === "few bits" ? random.integer(16) / 16 : random.uniform());
}

/** In half ulps. */
function tail(kind: string, random: Generator): number {
  if (kind === "none") return 0;
  if (kind === "half an ulp") return 1;
  if (kind === "just below half an ulp") return 1 - 2 ** -53;
  if (kind === "tiny") return random.uniform() * 2 ** -random.integer(60);
  return kind === "power of two" ? 2 ** -random.integer(60) : random.uniform();
}

/** hi + lo with |lo| ≤ ½ ulp(hi): a half ulp goes to the even neighbour. */
function normalized(hi: number, lo: number): DoubleDouble {
  const sum = hi + lo;
  return { hi: sum, lo: lo - (sum - hi) };
}
