/**
 * Drawing the cases of an op: its sizes, options and inputs, from the generators that reach the traps.
 *
 * Sizes are drawn first and the values in a chain behind them, so that a failure shrinks to the smallest shape before its
 * values shrink.
 */
import type * as FastCheck from "fast-check";
import { describeValue, formatValue } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { drawNoise, generators, OTHERS, PLAIN, placed } from "./generators.ts";
import type { FastCheckModule, Placement, Trap } from "./generators.ts";
import { OpFault } from "./answers.ts";
import type { UserFunction } from "./answers.ts";
import type { AnySettings } from "./subject.ts";

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

/** How many settings are drawn before it is taken that none is allowed: one in a thousand is found. */
const TRIES = 20_000;

/** @throws OpFault if no combination of sizes and options is allowed, or a shape is none */
export function caseArbitrary(fc: FastCheckModule, domain: Domain, maxCells = 200): FastCheck.Arbitrary<Case> {
  const sizes = fc.record(
    Object.fromEntries(
      Object.entries(domain.dims).map(([name, [min, max]]) => [name, generators(fc).sizes({ min, max })]),
    ),
  );
  const options = fc.record(
    Object.fromEntries(Object.entries(domain.params ?? {}).map(([name, values]) => [name, fc.constantFrom(...values)])),
  );
  // One in six is square: what fails only where two sizes are alike shrinks in all of them at once.
  const settings: FastCheck.Arbitrary<AnySettings> = fc
    .tuple(sizes, options, fc.nat({ max: 5 }))
    .map(([dims, params, square]) => Object.freeze({ ...(square === 5 ? alike(dims, domain) : dims), ...params }));
  const { placements } = generators(fc);
  const among = domain.dtypes ?? ["float64"];
  const dtypes = among.length > 1 ? fc.constantFrom<Dtype[]>(...among) : fc.constant(among[0] ?? "float64");
  // The placement stands beside the sizes: a failure that shows in a plain place alone is shrunk in sizes again.
  return fc.tuple(allowed(fc, settings, domain, maxCells), placements(), dtypes).chain(([drawn, placement, dtype]) => {
    const shapes = shapesOf(domain, drawn);
    const [first] = shapes.values();
    const other = fc.constantFrom(...OTHERS);
    const arrays = [...shapes.values()].map((shape, i) =>
      i === 0
        ? arrayArbitrary(fc, shape, placement)
        : other.chain((drawnPlacement) => arrayArbitrary(fc, shape, drawnPlacement)),
    );
    // From a seed that does not shrink: simple incoming gradients make terms cancel, and the path to replay stays short.
    const noise = fc.noShrink(fc.nat()).map((seed) => drawNoise(seed, NOISE));
    return fc.tuple(fc.tuple(...arrays), noise).map(([inputs, numbers]) => ({
      settings: drawn,
      names: [...shapes.keys()],
      inputs: inputs.map((input) => input.to(dtype)),
      noise: numbers,
      trap: first?.range === null ? placement.trap : PLAIN.trap,
    }));
  });
}

/** All sizes the first one's, as far as their ranges let them. */
function alike(sizes: Readonly<Record<string, number>>, { dims }: Domain): Readonly<Record<string, number>> {
  const [first = 0] = Object.values(sizes);
  return Object.fromEntries(
    Object.entries(dims).map(([name, [min, max]]) => [name, Math.max(min, Math.min(max, first))]),
  );
}

/**
 * Those that `where` allows and that are not too large, having made sure that there are some: a filter that passes nothing
 * would never end.
 */
function allowed(
  fc: FastCheckModule,
  settings: FastCheck.Arbitrary<AnySettings>,
  domain: Domain,
  maxCells: number,
): FastCheck.Arbitrary<AnySettings> {
  const passes = (drawn: AnySettings): boolean => isAllowed(domain, drawn);
  const fits = (drawn: AnySettings): boolean => cellsOfCase(domain, drawn) <= maxCells;
  let byWhere = false;
  for (let seed = 0; seed < TRIES / 200; seed++) {
    const drawn = fc.sample(settings, { numRuns: 200, seed }).filter(passes);
    byWhere ||= drawn.length > 0;
    if (drawn.some(fits)) return settings.filter((one) => passes(one) && fits(one));
  }
  throw new OpFault(
    byWhere
      ? `expected sizes whose inputs have at most maxCells ${maxCells} values together, got none in ${TRIES} draws`
      : `expected sizes and options that "where" allows, got none in ${TRIES} draws`,
  );
}

/** Whether the domain's `where` allows these sizes and options. */
export function isAllowed({ where }: Domain, settings: AnySettings): boolean {
  if (where === undefined) return true;
  const answer: unknown = guarded("where", settings, () => Reflect.apply(where, undefined, [settings]));
  if (typeof answer === "boolean") return answer;
  throw new OpFault(`expected where to answer true or false, got ${describeValue(answer)}`);
}

export function cellsOfCase(domain: Domain, settings: AnySettings): number {
  return Array.from(shapesOf(domain, settings).values(), ({ shape }) => sizeOf(shape)).reduce((a, b) => a + b, 0);
}

/** What a function of the domain throws is told with the sizes and options that it was given. */
function guarded<T>(what: string, settings: AnySettings, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new OpFault(`expected ${what} to answer for ${JSON.stringify(settings)}, it threw "${message}"`, {
      cause: error,
    });
  }
}

interface Ranged {
  readonly shape: Shape;
  readonly range: readonly [number, number] | null;
}

export function shapesOf({ inputs }: Domain, settings: AnySettings): Map<string, Ranged> {
  const answer: unknown = guarded("inputs", settings, () => Reflect.apply(inputs, undefined, [settings]));
  if (typeof answer !== "object" || answer === null || Array.isArray(answer) || Object.keys(answer).length === 0) {
    throw new OpFault(
      `expected inputs to answer { name: shape }, with one input or more, got ${describeValue(answer)}`,
    );
  }
  return new Map(Object.entries(answer).map(([name, spec]) => [name, rangedShape(name, spec)]));
}

function rangedShape(name: string, spec: unknown): Ranged {
  const isObject = typeof spec === "object" && spec !== null && "shape" in spec;
  const shape: unknown = isObject ? spec.shape : spec;
  const isShape = (value: unknown): value is Shape =>
    Array.isArray(value) && value.every((size: unknown) => Number.isSafeInteger(size) && Number(size) >= 0);
  if (!isShape(shape)) {
    throw new OpFault(`expected the shape of input ${name} as an array of whole numbers, got ${describeValue(shape)}`);
  }
  if (!isObject || !("range" in spec) || spec.range === undefined) return { shape, range: null };
  const { range } = spec;
  const [min, max]: unknown[] = Array.isArray(range) && range.length === 2 ? range : [];
  if (typeof min === "number" && typeof max === "number" && min <= max && Number.isFinite(max - min)) {
    return { shape, range: [min, max] };
  }
  throw new OpFault(`expected the range of input ${name} as [min, max] with min ≤ max, got ${describeValue(range)}`);
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

/** x [1, 4] float32, eps 1e-5; float64 goes without saying. */
export function describeCase({ names, inputs, settings }: Case): string {
  const shapes = names.map((input, i) => {
    const { shape, dtype } = inputs[i] ?? { shape: [], dtype: "float64" };
    return `${input} ${formatShape(shape)}${dtype === "float64" ? "" : ` ${dtype}`}`;
  });
  return [...shapes, ...Object.entries(settings).map(([key, value]) => `${key} ${formatValue(value)}`)].join(", ");
}
