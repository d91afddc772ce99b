/**
 * Draws for fast-check that reach what lets wrong gradients through: unequal and awkward sizes, sets of one and two values,
 * offsets that ruin one-pass variances, spreads near eps, constants, gradOutputs that are not ones.
 *
 * fast-check is an optional peer dependency, so it is handed in and only its types are imported.
 */
import type * as FastCheck from "fast-check";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import { Generator } from "../autograd/random.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { Tensor } from "../autograd/tensor.ts";

/** As `import fc from "fast-check"` gives it; `import * as fc` will do as well. */
export type FastCheckModule = typeof FastCheck.default;

/** How the values of an array are spread. */
export type Trap = "plain" | "offset" | "near eps" | "large" | "constant" | "zeros";

/** Values become offset + spread · value; constant ones all become the first value, and of zeros a third or all become 0. */
export interface Placement {
  readonly trap: Trap;
  readonly offset: number;
  readonly spread: number;
}

/** Also for weights and biases: 1 and 0 hide mistakes there, and large ones the other terms. */
export const PLAIN: Placement = { trap: "plain", offset: 0, spread: 1 };

/** The first is the one that others shrink to; twice, since that is what data usually looks like. */
const PLACEMENTS: readonly Placement[] = [
  PLAIN,
  PLAIN,
  { trap: "near eps", offset: 0, spread: 2 ** -9 },
  { trap: "offset", offset: 10, spread: 1 },
  { trap: "offset", offset: 1e4, spread: 1 },
  { trap: "offset", offset: -1e5, spread: 1 },
  { trap: "offset", offset: 1e8, spread: 1 },
  { trap: "large", offset: 0, spread: 2 ** 10 },
  { trap: "constant", offset: 0, spread: 0 },
  { trap: "zeros", offset: 0, spread: 1 },
  { trap: "zeros", offset: 0, spread: 0 },
];

/** Of the inputs after the first: mostly plain; now and then 0 or 1, which code likes to treat by itself, or far away. */
export const OTHERS: readonly Placement[] = [
  ...Array.from({ length: 12 }, () => PLAIN),
  { trap: "zeros", offset: 0, spread: 1 },
  { trap: "zeros", offset: 0, spread: 0 },
  { trap: "constant", offset: 1, spread: 0 },
  { trap: "offset", offset: 1e4, spread: 1 },
];

export interface ArrayOptions {
  /** Which traps are drawn. Default: all. For weights and biases: ["plain"]. */
  readonly traps?: readonly Trap[];
  /** "any" draws one of the two. Default "float64". */
  readonly dtype?: Dtype | "any";
}

/** What `generators(fc)` answers. All sizes shrink to the smallest, all values to ±1 and all traps to "plain". */
export interface Generators {
  /** Sizes from `min` (default 1) to `max` (default 7), half of them out of min, min + 1, 3, 5, 7, max. */
  readonly sizes: (range?: { readonly min?: number; readonly max?: number }) => FastCheck.Arbitrary<number>;
  /**
   * Shapes of `minDims` (1) to `maxDims` (4) sizes up to `maxSize` (7), with at most `maxCells` (60) values. No two sizes
   * but ones are alike, so that exchanged axes show.
   */
  readonly shapes: (limits?: {
    readonly minDims?: number;
    readonly maxDims?: number;
    readonly maxSize?: number;
    readonly maxCells?: number;
  }) => FastCheck.Arbitrary<number[]>;
  /** [N, C, L] and a numGroups that divides C, with sets of C / numGroups · L values: often one, two, three, five. */
  readonly groupedShapes: () => FastCheck.Arbitrary<{ readonly shape: number[]; readonly numGroups: number }>;
  /** Decimals of both signs from 0.123 to 3.999: no neighbours of 0. */
  readonly values: () => FastCheck.Arbitrary<number>;
  /** Where the values of an array lie: mean 0, 10, 1e4, −1e5, 1e8; variance near 1e-5, 1 or 1e6; all alike; some or all 0. */
  readonly placements: (traps?: readonly Trap[]) => FastCheck.Arbitrary<Placement>;
  /** An array of this shape, its values placed. */
  readonly arrays: (shape: Shape, options?: ArrayOptions) => FastCheck.Arbitrary<NdArray>;
  /** As `arrays`, as leaves. requiresGrad is true unless told otherwise. */
  readonly tensors: (
    shape: Shape,
    options?: ArrayOptions & { readonly requiresGrad?: boolean },
  ) => FastCheck.Arbitrary<Tensor>;
  /**
   * Decimals of both signs from 0.5 to 3, none of them 1: simple incoming gradients make terms cancel. One in four arrays
   * has sizes from 1e-3 to 1e3, and zeros. Not shrunk.
   */
  readonly gradOutputs: (shape: Shape) => FastCheck.Arbitrary<NdArray>;
}

/**
 * Draws for your own property tests, where `checkOp` does not fit. Draw sizes first and values in a `chain` behind them: a
 * failure then shrinks to the smallest shape before its values shrink.
 *
 * @param fc your fast-check module
 * @throws RangeError, from the generator, for sizes or traps that nothing satisfies
 * @example
 * import fc from "fast-check";
 * const { shapes, arrays, gradOutputs } = generators(fc);
 * const draws = shapes({ minDims: 2 }).chain((shape) => fc.tuple(arrays(shape), gradOutputs(shape)));
 * fc.assert(
 *   fc.property(draws, ([x, gradOutput]) => {
 *     const { output, saved } = layerNormForward(x, null, null, { normalizedShape: x.shape, eps: 1e-5 });
 *     const [gradInput] = layerNormBackward(gradOutput, saved);
 *     return output.data.length === gradInput.data.length;
 *   }),
 * );
 */
export function generators(fc: FastCheckModule): Generators {
  const sizes: Generators["sizes"] = ({ min = 1, max = 7 } = {}) => awkwardSizes(fc, min, max);
  // Without fast-check's bias to the ends and the middle of a range: values that are nearly all ±1 hide mistakes.
  const values = (): FastCheck.Arbitrary<number> =>
    fc
      .tuple(fc.noBias(fc.integer({ min: -877, max: 2999 })), fc.boolean())
      .map(([thousandths, negative]) => (negative ? -1 : 1) * (1 + thousandths / 1000));
  const placements: Generators["placements"] = (traps) => {
    const among = PLACEMENTS.filter(({ trap }) => traps?.includes(trap) ?? true);
    if (among.length === 0) throw new RangeError(`placements: expected a trap or more, got [${traps?.join(", ")}]`);
    return fc.constantFrom(...among);
  };
  const arrays: Generators["arrays"] = (shape, { traps, dtype = "float64" } = {}) => {
    const size = sizeOf(shape);
    const dtypes = dtype === "any" ? fc.constantFrom<Dtype>("float64", "float32") : fc.constant(dtype);
    return fc
      .tuple(placements(traps), fc.array(values(), { minLength: size, maxLength: size }), dtypes)
      .map(([placement, data, drawn]) => new NdArray(placed(placement, data), shape).to(drawn));
  };
  return {
    sizes,
    shapes: ({ minDims = 1, maxDims = 4, maxSize = 7, maxCells = 60 } = {}) =>
      fc
        .array(sizes({ max: maxSize }), { minLength: minDims, maxLength: maxDims })
        .map((drawn) => unequal(drawn, maxCells)),
    groupedShapes: () =>
      fc
        .tuple(sizes({ max: 3 }), sizes({ max: 5 }), sizes({ max: 12 }), fc.nat({ max: 11 }))
        .map(([batch, numGroups, valuesPerGroup, choice]) => {
          const divisors = Array.from({ length: valuesPerGroup }, (_, i) => i + 1).filter(
            (divisor) => valuesPerGroup % divisor === 0,
          );
          const positions = divisors[choice % divisors.length] ?? 1;
          return { shape: [batch, (numGroups * valuesPerGroup) / positions, positions], numGroups };
        }),
    values,
    placements,
    arrays,
    tensors: (shape, { requiresGrad = true, ...options } = {}) =>
      arrays(shape, options).map((array) => new Tensor(array, requiresGrad)),
    gradOutputs: (shape) =>
      fc.noShrink(fc.nat()).map((seed) => new NdArray(Float64Array.from(drawNoise(seed, sizeOf(shape))), shape)),
  };
}

/** Puts values where the placement says. */
export function placed({ trap, offset, spread }: Placement, values: readonly number[]): Float64Array {
  return Float64Array.from(values, (value) => {
    if (trap === "constant") return offset === 0 ? (values[0] ?? 1) : offset;
    // By its decimals, so that a value stays what it is while others shrink; 1, to which it shrinks, stays.
    if (trap === "zeros") return Math.round(1000 * value) % 3 === 0 ? 0 : spread * value;
    return offset + spread * value;
  });
}

/**
 * Decimals of both signs, none 1 and, three times in four, none near 0: else of all sizes from 1e-3 to 1e3, with zeros.
 * From a seed, so that the path of a replay stays short.
 */
export function drawNoise(seed: number, length: number): number[] {
  const generator = new Generator(seed);
  const isWide = seed % 4 === 1;
  return Array.from({ length }, () => {
    const sign = generator.uniform() < 0.5 ? -1 : 1;
    const size = 0.5 + (generator.integer(2500) + 0.5) / 1000;
    if (!isWide) return sign * size;
    return generator.integer(5) === 0 ? 0 : sign * size * 10 ** (generator.integer(6) - 3);
  });
}

/** Half of the draws are out of all sizes, half out of the awkward ones. */
function awkwardSizes(fc: FastCheckModule, min: number, max: number): FastCheck.Arbitrary<number> {
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min < 0 || max < min) {
    throw new RangeError(`sizes: expected whole numbers min ≤ max, got min ${min}, max ${max}`);
  }
  const awkward = [...new Set([min, min + 1, 3, 5, 7, max])]
    .filter((size) => size >= min && size <= max)
    .toSorted((a, b) => a - b);
  const all = max - min + 1;
  const repeats = Math.ceil(all / awkward.length);
  // One number behind all sizes in order, the awkward ones repeated: so it shrinks to the smallest size that still fails.
  return fc.nat({ max: all + repeats * awkward.length - 1 }).map((drawn) => {
    let rest = drawn;
    let from = min;
    for (const size of awkward) {
      if (rest < size - from) return from + rest;
      rest -= size - from;
      if (rest <= repeats) return size;
      rest -= repeats + 1;
      from = size + 1;
    }
    return from + rest;
  });
}

/** Sizes that came before, or would make the shape too large, become 1: nothing is rejected, so nothing can hang. */
function unequal(sizes: readonly number[], maxCells: number): number[] {
  const kept: number[] = [];
  for (const size of sizes) kept.push(kept.includes(size) || sizeOf([...kept, size]) > maxCells ? 1 : size);
  return kept;
}
