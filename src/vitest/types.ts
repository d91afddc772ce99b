/** What vitest's `expect` can do once the matchers are registered. Types only: nothing of vitest is loaded. */
import type { ExpectStatic } from "vitest";
import type { NdArray } from "../autograd/ndarray.ts";
import type { NestedArray, Tensor } from "../autograd/tensor.ts";
import type { GradcheckOptions } from "../gradcheck/gradcheckOptions.ts";
import type { Tolerance } from "./closeness.ts";

/** Numbers with a shape, in any of the ways in which they are written. */
export type TensorLike = Tensor | NdArray | Float32Array | Float64Array | Int32Array | Uint8Array | NestedArray;

/** A throw is the failure of an expectation, so there is no raiseException. */
export type CheckOptions = Omit<GradcheckOptions, "raiseException">;

export interface TensorMatchers {
  /** The function's gradients at these inputs are those of central differences; the options are gradcheck's. */
  toPassGradcheck: (inputs: readonly Tensor[], options?: CheckOptions) => void;
  /** Same shape, same dtype, and every value within `ulps` (default 4) or within `scale` of the largest magnitude. */
  toBeCloseToTensor: (expected: TensorLike, tolerance?: Tolerance) => void;
}

/** vitest's expect, as far as it takes matchers. */
export type Extendable = Pick<ExpectStatic, "extend">;

/** Since vitest 3.2: also within another expectation, `toEqual({ weight: expect.toBeCloseToTensor([1, 2]) })`. */
declare module "vitest" {
  interface Matchers<T> extends TensorMatchers {}
}
