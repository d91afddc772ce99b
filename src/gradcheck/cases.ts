/**
 * Drawing the cases of an op: its sizes, options and inputs, from the generators that reach the traps.
 *
 * Sizes are drawn first and the values in a chain behind them, so that a failure shrinks to the smallest shape before its
 * values shrink.
 */
import type * as FastCheck from "fast-check";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { drawNoise, generators, PLAIN, placed } from "./generators.ts";
import type { FastCheckModule, Placement, Trap } from "./generators.ts";
import { OpFault } from "./subject.ts";
import type { AnySettings, UserFunction } from "./subject.ts";

export interface Domain {
  readonly dims: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly params?: Readonly<Record<string, readonly unknown[]>> | undefined;
  readonly dtypes?: readonly Dtype[] | undefined;
  readonly inputs: UserFunction;
  readonly where?: UserFunction | undefined;
}

export type { Trap };

export interface Case {
  readonly settings: AnySettings;
  readonly names: readonly string[];
  readonly inputs: readonly NdArray[];
  readonly noise: readonly number[];
  readonly trap: Trap;
}

/** More than the output of any small case has; longer ones repeat it. */
const NOISE = 251;

/** @throws OpFault if no combination of sizes and options is allowed, or a shape is none */
export function caseArbitrary(fc: FastCheckModule, domain: Domain): FastCheck.Arbitrary<Case> {
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
  const { placements } = generators(fc);
  // The placement stands beside the sizes: a failure that shows in a plain place alone is shrunk in sizes again.
  return fc.tuple(allowed(fc, settings, domain), placements()).chain(([drawn, placement]) => {
    const shapes = shapesOf(domain, drawn);
    const [first] = shapes.values();
    const arrays = [...shapes.values()].map((shape, i) => arrayArbitrary(fc, shape, i === 0 ? placement : PLAIN));
    // From a seed that does not shrink: simple incoming gradients make terms cancel, and the path to replay stays short.
    const noise = fc.noShrink(fc.nat()).map((seed) => drawNoise(seed, NOISE));
    return fc.tuple(fc.tuple(...arrays), noise).map(([inputs, numbers]) => ({
      settings: drawn,
      names: [...shapes.keys()],
      inputs,
      noise: numbers,
      trap: first?.range === null ? placement.trap : PLAIN.trap,
    }));
  });
}

function sizeArbitrary(
  fc: FastCheckModule,
  name: string,
  [min, max]: readonly [number, number],
): FastCheck.Arbitrary<number> {
  if (!Number.isInteger(min) || !Number.isInteger(max) || min < 0 || max < min) {
    throw new OpFault(
      `expected dims.${name} as [smallest, largest] whole numbers, got [${String(min)}, ${String(max)}]`,
    );
  }
  return generators(fc).sizes({ min, max });
}

/** Filters by `where`, having made sure that something passes: a filter that passes nothing would never end. */
function allowed(
  fc: FastCheckModule,
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

export function shapesOf({ inputs }: Domain, settings: AnySettings): Map<string, Ranged> {
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

/** Values in the range, if there is one; otherwise where the placement says. */
function arrayArbitrary(
  fc: FastCheckModule,
  { shape, range }: Ranged,
  placement: Placement,
): FastCheck.Arbitrary<NdArray> {
  const size = sizeOf(shape);
  const cells = <T>(of: FastCheck.Arbitrary<T>): FastCheck.Arbitrary<T[]> =>
    fc.array(of, { minLength: size, maxLength: size });
  if (range === null) {
    return cells(generators(fc).values()).map((values) => new NdArray(placed(placement, values), shape));
  }
  const [min, max] = range;
  return cells(fc.integer({ min: 0, max: 1000 })).map(
    (parts) =>
      new NdArray(
        Float64Array.from(parts, (part) => min + ((max - min) * (part + 0.5)) / 1001),
        shape,
      ),
  );
}
