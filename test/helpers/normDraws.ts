/** Random cases of a norm, for shapes and values at which wrong backwards have been let through elsewhere. */
import fc from "fast-check";
import type { NdArray } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import type { NormCase, NormDescriptor } from "../../src/norms/index.ts";
import { arrayOf, arraysOf, values } from "./generators.ts";

/** Everything random that the laws need. */
export interface NormDraw {
  readonly normCase: NormCase;
  readonly inputs: readonly NdArray[];
  /** A direction for each input, and weights on each gradient. */
  readonly tangents: readonly NdArray[];
  readonly weights: readonly NdArray[];
  readonly gradOutput: NdArray;
  readonly gradOutputTangent: NdArray;
  readonly eps: number;
  readonly offset: number;
  readonly spread: number;
}

/** x is `offset` plus `spread` times values between −3 and 3. */
export interface Profile {
  readonly eps: readonly number[];
  readonly ranges: readonly { readonly offset: number; readonly spread: number }[];
}

/** eps as large as the variance, so that a misplaced one shows, and 5-point differences are good to 1e-9. */
export const tame: Profile = {
  eps: [1, 0.25, 2],
  ranges: [
    { offset: 0, spread: 1 },
    { offset: 8, spread: 1 },
  ],
};

/** What plain differences cannot judge: means up to 1e8, no eps, variances far below and above it. */
export const extreme: Profile = {
  eps: [1e-5, 0],
  ranges: [
    { offset: 0, spread: 1 },
    { offset: 1e8, spread: 1 },
    { offset: 1e4, spread: 1e-3 },
    { offset: 0, spread: 1e-7 },
    { offset: -1e6, spread: 1e3 },
    { offset: 1, spread: 1e-8 },
  ],
};

/**
 * Small, then awkward: all dims different, none of them powers of two where it matters, groups of two values, one value
 * a group, more than four sets, more than eight cells a set.
 */
const awkward: readonly Shape[] = [
  [2, 3],
  [3, 2, 2],
  [1, 6, 5],
  [7, 3],
  [2, 6, 3],
  [5, 2],
  [3, 10],
  [2, 3, 5],
  [2, 9, 1],
  [19, 3],
  [2, 2, 11],
  [1, 3, 13],
  [5, 6, 1],
  [1, 4, 2, 3],
  [2, 2, 3, 5],
  [2, 3, 1, 5],
  [3, 6, 1, 2],
  [3, 2, 2, 1, 3],
  [1, 6, 1, 5, 1],
];

const shapes: fc.Arbitrary<Shape> = fc.oneof(
  { arbitrary: fc.constantFrom(...awkward), weight: 3 },
  {
    arbitrary: fc
      .tuple(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
      )
      .map(([batch, channels, positions]) => [batch, channels].concat(positions)),
    weight: 1,
  },
);

/** Dims first, then the case, then the values: a failure shrinks to a small shape before the numbers shrink. */
export function normDraws(descriptor: NormDescriptor, { eps, ranges }: Profile): fc.Arbitrary<NormDraw> {
  const cases = fc
    .tuple(shapes, fc.constantFrom(...eps))
    .map(([shape, e]) => ({ eps: e, cases: descriptor.cases(shape, e) }))
    .filter((drawn) => drawn.cases.length > 0)
    .chain((drawn) => fc.record({ eps: fc.constant(drawn.eps), normCase: fc.constantFrom(...drawn.cases) }));
  return fc.tuple(cases, fc.constantFrom(...ranges)).chain(([{ normCase, eps: e }, { offset, spread }]) => {
    const inputShapes = normCase.inputs.map(({ shape }) => shape);
    const [x = [], ...parameters] = inputShapes;
    const placed = values().map((value) => offset + spread * value);
    return fc.record({
      normCase: fc.constant(normCase),
      eps: fc.constant(e),
      offset: fc.constant(offset),
      spread: fc.constant(spread),
      inputs: fc.tuple(arrayOf(x, placed), ...parameters.map((shape) => arrayOf(shape))),
      tangents: arraysOf(inputShapes),
      weights: arraysOf(inputShapes),
      gradOutput: arrayOf(x),
      gradOutputTangent: arrayOf(x),
    });
  });
}
