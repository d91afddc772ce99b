/** Nested arrays of something else than a tensor's numbers: indices, booleans. */
import { describeValue } from "../autograd/format.ts";
import { formatShape, sameShape } from "../autograd/shape.ts";

/** Values, nested as deep as there are dims. */
export type Nested<T> = T | readonly Nested<T>[];

/**
 * The values in row-major order, and the shape in which they are nested.
 *
 * @param what is expected, for the errors: "indices as numbers or nested arrays"
 * @throws TypeError if something is neither a value nor an array; RangeError if arrays beside each other differ in shape
 */
export function flattenNested<T>(
  caller: string,
  what: string,
  nested: Nested<T>,
  isValue: (entry: Nested<T>) => entry is T,
): { readonly values: readonly T[]; readonly shape: readonly number[] } {
  const values: T[] = [];
  const visit = (entry: Nested<T>): readonly number[] => {
    if (isValue(entry)) {
      values.push(entry);
      return [];
    }
    if (!Array.isArray(entry)) throw new TypeError(`${caller}: expected ${what}, got ${describeValue(entry)}`);
    const shapes = entry.map(visit);
    const [first = []] = shapes;
    const odd = shapes.find((shape) => !sameShape(shape, first));
    if (odd !== undefined) {
      throw new RangeError(
        `${caller}: expected ${what} of one shape beside each other, got ${formatShape(first)} and ${formatShape(odd)}`,
      );
    }
    return [entry.length, ...first];
  };
  return { shape: visit(nested), values };
}
