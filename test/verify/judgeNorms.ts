/** Draws cases of every norm of the list of descriptors and judges them. */
import { Generator, NdArray, sizeOf, Tensor } from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import { checkCase } from "../../src/gradcheck/checkCase.ts";
import type { Verdict } from "../../src/gradcheck/checkCase.ts";
import type { Subject } from "../../src/gradcheck/subject.ts";
import { subjectOf } from "../../src/gradcheck/subject.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";

export interface Judged {
  readonly norm: string;
  readonly label: string;
  readonly place: string;
  readonly shape: Shape;
  readonly verdict: Verdict;
  /** Whether every cell is a set of its own: one value to a mean. */
  readonly groupsOfOne: boolean;
}

/** Offsets to 1e8, spreads near eps, constants; the first three are what data usually looks like. */
const PLACES = [
  { place: "mean 0", offset: 0, spread: 1 },
  { place: "mean 10", offset: 10, spread: 1 },
  { place: "scale 1e3", offset: 0, spread: 1e3 },
  { place: "mean 1e4", offset: 1e4, spread: 1 },
  { place: "mean 1e8", offset: 1e8, spread: 1 },
  { place: "variance near eps", offset: 0, spread: 2 ** -8 },
  { place: "constant", offset: 0.1, spread: 0 },
] as const;

const EPS = [1e-5, 1e-5, 1e-3, 1, 0] as const;
/** A judged case costs a pass through the formula for each cell. */
const MOST_CELLS = 48;

/** The case number `index` of a run with this seed: each can be repeated alone. */
export function judge(
  seed: number,
  index: number,
  order: 1 | 2,
  wrong: (normCase: NormCase) => NormCase = (c) => c,
): Judged {
  const generator = new Generator(seed * 1_000_003 + index);
  const pick = <T>(of: readonly T[]): T => of[generator.integer(of.length)] ?? fail();
  const shape = drawShape(generator);
  const cases = pick(normDescriptors).cases(shape, pick(EPS));
  if (cases.length === 0) return judge(seed + 1, index, order, wrong); // no such norm for this shape
  const normCase = pick(cases);
  const { place, offset, spread } = pick(PLACES);
  const decimal = (): number => (generator.uniform() < 0.5 ? -1 : 1) * (0.3 + generator.integer(2500) / 1000);
  const inputs = normCase.inputs.map(({ name, shape: of }) => {
    const data = Float64Array.from({ length: sizeOf(of) }, () =>
      name === "x" ? offset + spread * decimal() : decimal(),
    );
    return new NdArray(data, of);
  });
  const noise = Array.from({ length: 101 }, decimal);
  const names = normCase.inputs.map(({ name }) => name);
  const sets = new Set(normCase.partition).size;
  return {
    norm: normCase.norm,
    label: normCase.label,
    place,
    shape,
    verdict: checkCase(subjectOfNorm(wrong(normCase), inputs), names, inputs, noise, { order, tolerance: "proven" }),
    groupsOfOne: sets === normCase.partition.length,
  };
}

/** The formula as the judge, the backward as written for the bound, and the op's tape for the values. */
function subjectOfNorm({ trace, op, inputs: named }: NormCase, inputs: readonly NdArray[]): Subject {
  const names = named.map(({ name }) => name);
  const list = <A>(arrays: Readonly<Record<string, A | undefined>>): A[] => names.flatMap((name) => arrays[name] ?? []);
  const forward = <A extends Num<A>>(arrays: readonly A[]): A => trace(arrays).output;
  const tape = subjectOf(
    {
      forward: <A extends Num<A>>(arrays: Readonly<Record<string, A>>): A => forward(list(arrays)),
      op: (arrays: Readonly<Record<string, Tensor>>): Tensor => op(list(arrays)),
    },
    names,
    {},
    inputs,
  );
  return { ...tape, forward, genericBackward: (gradOutput, arrays) => trace(arrays).pullback(gradOutput) };
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
