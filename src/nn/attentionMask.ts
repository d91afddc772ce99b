/** Masks of attention as constants that are added to the scores: 0 where a key takes part, −∞ where it does not. */
import { range } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { flattenNested } from "./nested.ts";
import type { Nested } from "./nested.ts";

/** Booleans, nested as deep as there are dims. */
export type NestedBooleans = Nested<boolean>;

/** An array that no gradient reaches. */
export interface ConstantMask {
  readonly data: Float64Array;
  readonly shape: Shape;
}

/**
 * What is added to scores [*, L, S].
 *
 * @param mask true where a key takes part; null for no mask
 * @param isCausal key j takes part for the queries i ≥ j, where there is no mask
 */
export function additiveMask(
  name: string,
  mask: NestedBooleans | null,
  isCausal: boolean,
  scores: Shape,
): ConstantMask | null {
  if (mask !== null) {
    const expected = "attnMask as a tensor or nested arrays of booleans";
    const { values, shape } = flattenNested<boolean>(name, expected, mask, (entry) => typeof entry === "boolean");
    return { data: Float64Array.from(values, (takesPart) => (takesPart ? 0 : -Infinity)), shape };
  }
  if (!isCausal) return null;
  const [queries = 0, keys = 0] = scores.slice(-2);
  const cells = range(queries).flatMap((i) => range(keys).map((j) => (j <= i ? 0 : -Infinity)));
  return { data: Float64Array.from(cells), shape: [queries, keys] };
}
