/**
 * Drawing cases that reach the traps: unequal and awkward sizes, groups of one and two, offsets that ruin one-pass
 * variances, spreads near eps, constant inputs, values that are no neighbours of 0 or 1.
 *
 * Sizes are drawn first and the values in a chain behind them, so that a failure shrinks to the smallest shape before its
 * values shrink. Values are decimals with three digits that shrink towards 1.
 */
import type * as FastCheck from "fast-check";
import { NdArray } from "../autograd/ndarray.ts";
import { Generator } from "../autograd/random.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { OpFault } from "./subject.ts";
import type { AnySettings, UserFunction } from "./subject.ts";

export interface Domain {
  readonly dims: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly params?: Readonly<Record<string, readonly unknown[]>> | undefined;
  readonly inputs: UserFunction;
  readonly where?: UserFunction | undefined;
}

/** How the values of a case are spread. */
export type Trap = "plain" | "offset" | "near eps" | "large" | "constant";

export interface Case {
  readonly settings: AnySettings;
  readonly names: readonly string[];
  readonly inputs: readonly NdArray[];
  readonly noise: readonly number[];
  readonly trap: Trap;
}

interface Placed {
  readonly trap: Trap;
  readonly offset: number;
  readonly spread: number;
}

/** The first is the one that others shrink to. */
const PLACES: readonly Placed[] = [
  { trap: "plain", offset: 0, spread: 1 },
  { trap: "plain", offset: 0, spread: 1 },
  { trap: "near eps", offset: 0, spread: 2 ** -9 },
  { trap: "offset", offset: 10, spread: 1 },
  { trap: "offset", offset: 1e4, spread: 1 },
  { trap: "offset", offset: 1e8, spread: 1 },
  { trap: "large", offset: 0, spread: 2 ** 10 },
  { trap: "constant", offset: 0, spread: 0 },
];

/** More than the output of any small case has; longer ones repeat it. */
const NOISE = 251;

/** @throws OpFault if no combination of sizes and options is allowed, or a shape is none */
export function caseArbitrary(fc: typeof FastCheck, domain: Domain): FastCheck.Arbitrary<Case> {
  const sizes = fc.record(
    Object.fromEntries(Object.entries(domain.dims).map(([name, range]) => [name, sizeArbitrary(fc, name, range)])),
  );
  const options = fc.record(
    Object.fromEntries(
      Object.entries(domain.params ?? {}).map(([name, values]) => {
        if (values.length === 0) throw new OpFault(`expected at least one value for the option ${name}, got none`);
        return [name, fc.constantFrom(...values)];
      }),
    ),
  );
  const settings: FastCheck.Arbitrary<AnySettings> = fc
    .tuple(sizes, options)
    .map(([dims, params]) => ({ ...dims, ...params }));
  return allowed(fc, settings, domain).chain((drawn) => {
    const shapes = shapesOf(domain, drawn);
    const names = [...shapes.keys()];
    const arrays = [...shapes.values()].map((shape, i) => arrayArbitrary(fc, shape, i === 0));
    // From a seed that does not shrink: simple incoming gradients make terms cancel, and the path to replay stays short.
    const noise = fc.noShrink(fc.nat()).map(drawNoise);
    return fc.tuple(fc.tuple(...arrays), noise).map(([inputs, numbers]) => ({
      settings: drawn,
      names,
      inputs: inputs.map(({ array }) => array),
      noise: numbers,
      trap: inputs[0]?.trap ?? "plain",
    }));
  });
}

function sizeArbitrary(
  fc: typeof FastCheck,
  name: string,
  [min, max]: readonly [number, number],
): FastCheck.Arbitrary<number> {
  if (!Number.isInteger(min) || !Number.isInteger(max) || min < 0 || max < min) {
    throw new OpFault(
      `expected dims.${name} as [smallest, largest] whole numbers, got [${String(min)}, ${String(max)}]`,
    );
  }
  return fc.integer({ min, max });
}

/** Filters by `where`, having made sure that something passes: a filter that passes nothing would never end. */
function allowed(
  fc: typeof FastCheck,
  settings: FastCheck.Arbitrary<AnySettings>,
  { where }: Domain,
): FastCheck.Arbitrary<AnySettings> {
  if (where === undefined) return settings;
  const passes = (drawn: AnySettings): boolean => Reflect.apply(where, undefined, [drawn]) === true;
  const tries = 2000;
  if (!fc.sample(settings, { numRuns: tries, seed: 0 }).some(passes)) {
    throw new OpFault(`expected sizes and options that "where" allows, got none in ${tries} draws`);
  }
  return settings.filter(passes);
}

interface Ranged {
  readonly shape: Shape;
  readonly range: readonly [number, number] | null;
}

function shapesOf({ inputs }: Domain, settings: AnySettings): Map<string, Ranged> {
  const answer: unknown = Reflect.apply(inputs, undefined, [settings]);
  if (typeof answer !== "object" || answer === null) {
    throw new OpFault(`expected inputs to answer { name: shape }, got ${String(answer)}`);
  }
  return new Map(Object.entries(answer).map(([name, spec]) => [name, rangedShape(name, spec)]));
}

function rangedShape(name: string, spec: unknown): Ranged {
  const isShape = (shape: unknown): shape is Shape =>
    Array.isArray(shape) && shape.every((size: unknown) => Number.isInteger(size) && Number(size) >= 0);
  if (isShape(spec)) return { shape: spec, range: null };
  if (typeof spec === "object" && spec !== null && "shape" in spec && isShape(spec.shape)) {
    const range = "range" in spec && Array.isArray(spec.range) ? spec.range.map(Number) : [];
    const [min, max] = range;
    return { shape: spec.shape, range: min !== undefined && max !== undefined ? [min, max] : null };
  }
  throw new OpFault(`expected the shape of input ${name} as an array of whole numbers, got ${JSON.stringify(spec)}`);
}

function arrayArbitrary(
  fc: typeof FastCheck,
  { shape, range }: Ranged,
  isFirst: boolean,
): FastCheck.Arbitrary<{ readonly array: NdArray; readonly trap: Trap }> {
  const size = sizeOf(shape);
  const values = fc.array(decimal(fc), { minLength: size, maxLength: size });
  if (range !== null) {
    const [min, max] = range;
    const inside = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: size, maxLength: size });
    return inside.map((parts) => ({
      array: new NdArray(
        Float64Array.from(parts, (part) => min + ((max - min) * (part + 0.5)) / 1001),
        shape,
      ),
      trap: "plain",
    }));
  }
  if (!isFirst) return values.map((data) => ({ array: new NdArray(Float64Array.from(data), shape), trap: "plain" }));
  return fc.tuple(fc.constantFrom(...PLACES), values).map(([{ trap, offset, spread }, data]) => ({
    array: new NdArray(
      Float64Array.from(data, (v) => (trap === "constant" ? (data[0] ?? 1) : offset + spread * v)),
      shape,
    ),
    trap,
  }));
}

/** 0.123 … 3.999, of both signs, which shrink to 1. */
function decimal(fc: typeof FastCheck): FastCheck.Arbitrary<number> {
  return fc
    .tuple(fc.integer({ min: -877, max: 2999 }), fc.boolean())
    .map(([thousandths, negative]) => (negative ? -1 : 1) * (1 + thousandths / 1000));
}

/** Decimals with three digits, of both signs, none near 0. */
function drawNoise(seed: number): number[] {
  const generator = new Generator(seed);
  return Array.from(
    { length: NOISE },
    () => (generator.uniform() < 0.5 ? -1 : 1) * (0.5 + generator.integer(2500) / 1000),
  );
}
