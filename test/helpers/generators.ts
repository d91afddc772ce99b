/** Data for properties: shapes that are awkward, values that are spread and shrink to small decimals. */
import fc from "fast-check";
import { NdArray, sizeOf } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";

/** The seed of every property in the tests; a failure prints the path that replays it. */
export const SEED = 20_261_120;

/** Decimals between −3 and 3 that are no neighbours of 0, and shrink towards 0.125. */
export function values(): fc.Arbitrary<number> {
  return fc
    .tuple(fc.integer({ min: 1, max: 24 }), fc.boolean(), fc.integer({ min: 0, max: 99 }))
    .map(([eighths, negative, fine]) => (negative ? -1 : 1) * (eighths / 8 + fine / 1000));
}

/** An array of this shape, of values or of what `of` draws. */
export function arrayOf(shape: Shape, of: fc.Arbitrary<number> = values()): fc.Arbitrary<NdArray> {
  const size = sizeOf(shape);
  return fc
    .array(of, { minLength: size, maxLength: size })
    .map((data) => new NdArray(Float64Array.from(data), [...shape]));
}

/** Arrays of these shapes. */
export function arraysOf(shapes: readonly Shape[], of?: fc.Arbitrary<number>): fc.Arbitrary<NdArray[]> {
  return fc.tuple(...shapes.map((shape) => arrayOf(shape, of)));
}

/** Shapes of `minDims` to `maxDims` dims with sizes 1 to `maxSize`. */
export function shapes({
  minDims = 1,
  maxDims = 4,
  maxSize = 4,
}: { minDims?: number; maxDims?: number; maxSize?: number } = {}): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: maxSize }), { minLength: minDims, maxLength: maxDims });
}

/** Checks a property with the fixed seed. */
export function holds<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void, numRuns = 60): void {
  fc.assert(
    fc.property(arbitrary, (value) => property(value)),
    { seed: SEED, numRuns },
  );
}

/** What broke a property: the message of the error that a failing `holds` was caused by; "" if nothing did. */
export function causeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
  }
  return "";
}
