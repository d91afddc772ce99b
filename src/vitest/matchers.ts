/** Matchers for vitest's expect. */
import { tensor } from "../autograd/creation.ts";
import { describeValue, formatNumber } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import { formatShape } from "../autograd/shape.ts";
import { Tensor } from "../autograd/tensor.ts";
import type { NestedArray } from "../autograd/tensor.ts";
import { gradcheck, GradcheckError } from "../gradcheck/gradcheck.ts";
import { compare } from "./closeness.ts";
import type { Given, Tolerance } from "./closeness.ts";
import type { CheckOptions, Extendable, TensorLike } from "./types.ts";

/** What expect.extend wants to know. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
}

/** No interface: expect.extend takes a record, which only a type can be. */
type Matchers = {
  readonly toPassGradcheck: (f: unknown, inputs: readonly Tensor[], options?: CheckOptions) => MatcherResult;
  readonly toBeCloseToTensor: (actual: unknown, expected: TensorLike, tolerance?: Tolerance) => MatcherResult;
};

/**
 * `toPassGradcheck(inputs, options?)`: the function's gradients are those of central differences; options and defaults are
 * gradcheck's. `toBeCloseToTensor(expected, tolerance?)`: same shape, same dtype, and every value within
 * `{ ulps }` (representable numbers apart, default 4) or within `{ scale }` (of the largest expected magnitude). NaN equals
 * NaN only with `equalNan`. Tensors, NdArrays, typed arrays, nested arrays and numbers can be compared with each other;
 * nested arrays and numbers have no dtype, and take that of the other side.
 *
 * What is no function, no numbers, or no tolerance is a TypeError or RangeError, with `.not` as well.
 * @example
 * import { expect } from "vitest";
 * import { matchers } from "normgrad/vitest";
 * expect.extend(matchers);
 *
 * const x = randn([2, 3], { requiresGrad: true });
 * expect((x: Tensor) => x.tanh()).toPassGradcheck([x]);
 * expect(x.mul(0.1)).toBeCloseToTensor(x.div(10), { ulps: 2 });
 * expect(x.mul(0.1)).not.toBeCloseToTensor(x, { scale: 1e-3 });
 */
export const matchers: Matchers = { toPassGradcheck, toBeCloseToTensor };

/** The same as `expect.extend(matchers)`, for the `expect` of a test's context. */
export function register(expect: Extendable): void {
  expect.extend(matchers);
}

function toPassGradcheck(f: unknown, inputs: readonly Tensor[], options: CheckOptions = {}): MatcherResult {
  if (!isFunction(f)) throw new TypeError(`toPassGradcheck: expected expect(a function), got ${describeValue(f)}`);
  try {
    gradcheck(f, inputs, { ...options, raiseException: true });
  } catch (error) {
    if (!(error instanceof GradcheckError)) throw error;
    return { pass: false, message: () => `toPassGradcheck: ${error.message}` };
  }
  const { atol = 1e-5, rtol = 1e-3 } = options;
  const checked = inputs.flatMap(({ requiresGrad, shape }, i) =>
    requiresGrad ? [`input ${i} ${formatShape(shape)}`] : [],
  );
  const message = (): string =>
    `toPassGradcheck: expected a wrong gradient, got none: those of ${checked.join(", ")} are within ` +
    `${formatNumber(atol)} + ${formatNumber(rtol)}·|numeric|`;
  return { pass: true, message };
}

function toBeCloseToTensor(actual: unknown, expected: TensorLike, tolerance: Tolerance = {}): MatcherResult {
  checkTolerance(tolerance);
  const { pass, found } = compare(read("the actual value", actual), read("the expected value", expected), tolerance);
  const message = pass ? `expected a value that is too far off, got none: ${found}` : found;
  return { pass, message: () => `toBeCloseToTensor: ${message}` };
}

const TOLERANCES = ["ulps", "scale", "equalNan"];

function checkTolerance(tolerance: { readonly ulps?: number; readonly scale?: number }): void {
  const unknown = Object.keys(tolerance).find((key) => !TOLERANCES.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`toBeCloseToTensor: expected options out of ${TOLERANCES.join(", ")}, got ${unknown}`);
  }
  const { ulps, scale } = tolerance;
  if (ulps !== undefined && scale !== undefined) {
    throw new TypeError(`toBeCloseToTensor: expected ulps or scale, got ulps ${ulps} and scale ${scale}`);
  }
  for (const [name, value] of Object.entries({ ulps, scale })) {
    if (value !== undefined && !(value >= 0)) {
      throw new RangeError(`toBeCloseToTensor: expected ${name} of at least 0, got ${describeValue(value)}`);
    }
  }
}

/** Int32Array and Uint8Array hold whole numbers, of no dtype of ours. */
function read(what: string, value: unknown): Given {
  if (value instanceof Tensor) return { array: value.value, dtype: value.dtype };
  if (value instanceof NdArray) return { array: value, dtype: value.dtype };
  if (value instanceof Float32Array || value instanceof Float64Array) {
    const array = new NdArray(value, [value.length]);
    return { array, dtype: array.dtype };
  }
  if (!isNumbers(value)) {
    throw new TypeError(
      `toBeCloseToTensor: expected ${what} as a tensor or an array of numbers, got ${describeValue(value)}`,
    );
  }
  try {
    return { array: tensor(value, { dtype: "float64" }).value, dtype: null };
  } catch (error) {
    throw new TypeError(`toBeCloseToTensor: ${what} is no tensor; ${String(error)}`, { cause: error });
  }
}

/** What is in a nested array is checked by `tensor`. */
function isNumbers(value: unknown): value is NestedArray | Int32Array | Uint8Array {
  return (
    typeof value === "number" || Array.isArray(value) || value instanceof Int32Array || value instanceof Uint8Array
  );
}

function isFunction(value: unknown): value is (...inputs: readonly Tensor[]) => Tensor {
  return typeof value === "function";
}
