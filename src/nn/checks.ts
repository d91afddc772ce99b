/** Checks that several layers make of their options and inputs. */
import { checkNumber } from "../autograd/checks.ts";
import { describeValue, formatValue } from "../autograd/format.ts";
import { formatShape } from "../autograd/shape.ts";
import { checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";

/** A size along height and width: one number for both, or each. */
export type PairOption = number | readonly [height: number, width: number];
export type Pair = readonly [height: number, width: number];

/** A count of features, channels, groups or cells. */
export function checkCount(name: string, what: string, count: number): number {
  if (!Number.isInteger(checkNumber(name, what, count)) || count < 1) {
    throw new RangeError(`${name}: expected ${what} to be a positive whole number, got ${formatValue(count)}`);
  }
  return count;
}

/** Whole numbers of at least `least`. */
export function checkSizes(name: string, what: string, sizes: readonly number[], least: number): void {
  if (!sizes.every((size) => Number.isInteger(size) && size >= least)) {
    throw new RangeError(
      `${name}: expected ${what} in whole numbers of at least ${least}, got ${describeValue(sizes.length === 1 ? sizes[0] : sizes)}`,
    );
  }
}

/** Height and width of an option that may be one number for both. */
export function toPair(name: string, what: string, option: PairOption, least: number): Pair {
  const pair: Pair = typeof option === "number" ? [option, option] : option;
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new TypeError(
      `${name}: expected ${what} as a number or a pair [height, width], got ${describeValue(option)}`,
    );
  }
  checkSizes(name, what, pair, least);
  return pair;
}

/** An input of `spatial` trailing dims after its channels, with or without a batch dim before them. */
export function checkSpatialInput(name: string, input: Tensor, spatial: 1 | 2): void {
  checkTensor(name, "input", input);
  if (input.ndim !== spatial + 1 && input.ndim !== spatial + 2) {
    const dims = spatial === 1 ? "length" : "height, width";
    throw new RangeError(
      `${name}: expected input [batch, channels, ${dims}] or [channels, ${dims}], got shape ${formatShape(input.shape)}`,
    );
  }
}

/** Options as PyTorch prints them: kernelSize=2, padding=[1, 0]. */
export function formatOptions(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(", ");
}
