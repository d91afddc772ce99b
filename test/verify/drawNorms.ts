/** Case number `index` of a seed: a norm, its options, a shape and values. Each can be drawn alone. */
import { Generator, NdArray, sizeOf } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase, NormDescriptor } from "../../src/norms/index.ts";

export interface DrawnNorm {
  readonly normCase: NormCase;
  readonly shape: Shape;
  readonly eps: number;
  /** Where the values of x lie. */
  readonly place: string;
  readonly inputs: readonly NdArray[];
  /** What gradOutput and the weights of the second order are taken from. */
  readonly noise: readonly number[];
  /** Whether every cell is a set of its own: one value to a mean. */
  readonly groupsOfOne: boolean;
}

export const MEAN_1E8 = "mean 1e8";

/** Offsets to 1e8, spreads near eps, constants; the first three are what data usually looks like. */
const PLACES = [
  { place: "mean 0", offset: 0, spread: 1 },
  { place: "mean 10", offset: 10, spread: 1 },
  { place: "scale 1e3", offset: 0, spread: 1e3 },
  { place: "mean 1e4", offset: 1e4, spread: 1 },
  { place: MEAN_1E8, offset: 1e8, spread: 1 },
  { place: "variance near eps", offset: 0, spread: 2 ** -8 },
  { place: "constant", offset: 0.1, spread: 0 },
] as const;

const EPS = [1e-5, 1e-5, 1e-3, 1, 0] as const;
/** A judged case costs a pass through the formula for each cell. */
const MOST_CELLS = 48;

/** The norms take turns, so that each gets its share whatever the seed, and the cases of one norm can be counted out. */
export function descriptorOf(index: number): NormDescriptor {
  return normDescriptors[index % normDescriptors.length] ?? fail();
}

/** The norms' turns before this one. */
export function roundOf(index: number): number {
  return Math.floor(index / normDescriptors.length);
}

export function drawNorm(seed: number, index: number): DrawnNorm {
  const generator = new Generator(seed * 1_000_003 + index);
  const pick = <T>(of: readonly T[]): T => of[generator.integer(of.length)] ?? fail();
  const { shape, eps, cases } = drawCases(descriptorOf(index), generator, pick);
  const normCase = pick(cases);
  const { place, offset, spread } = pick(PLACES);
  const decimal = (): number => (generator.uniform() < 0.5 ? -1 : 1) * (0.3 + generator.integer(2500) / 1000);
  const inputs = normCase.inputs.map(({ shape: of }, position) => {
    const data = Float64Array.from({ length: sizeOf(of) }, () =>
      position === 0 ? offset + spread * decimal() : decimal(),
    );
    return new NdArray(data, of);
  });
  const sets = new Set(normCase.partition).size;
  return {
    normCase,
    shape,
    eps,
    place,
    inputs,
    noise: Array.from({ length: 101 }, decimal),
    groupsOfOne: sets === normCase.partition.length,
  };
}

interface Cases {
  readonly shape: Shape;
  readonly eps: number;
  readonly cases: readonly NormCase[];
}

/** A shape that the norm takes, which not every norm does for every shape. */
function drawCases(descriptor: NormDescriptor, generator: Generator, pick: <T>(of: readonly T[]) => T): Cases {
  for (let tries = 0; tries < 1000; tries++) {
    const shape = drawShape(generator);
    const eps = pick(EPS);
    const cases = descriptor.cases(shape, eps);
    if (cases.length > 0) return { shape, eps, cases };
  }
  throw new RangeError(`${descriptor.name}: expected cases for some shape [N, C, *], got none for 1000 shapes`);
}

function drawShape(generator: Generator): Shape {
  const size = (most: number): number => 1 + generator.integer(most);
  for (;;) {
    const positions = Array.from({ length: generator.integer(3) }, () => size(5));
    const shape = [size(3), size(6), ...positions];
    if (sizeOf(shape) <= MOST_CELLS && sizeOf(shape) > 1) return shape;
  }
}

function fail(): never {
  throw new RangeError("pick: expected something to pick from");
}
