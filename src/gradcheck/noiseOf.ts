/** The gradOutput of a case, and the weights of its second order. */
import { NdArray } from "../autograd/ndarray.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";

/** Never ones: a gradient of ones hides most mistakes, since the terms of a norm's backward cancel. */
export function noiseOf(shape: Shape, noise: readonly number[], from: number): NdArray {
  const data = Float64Array.from({ length: sizeOf(shape) }, (_, i) => noise[(from + i) % noise.length] ?? 1);
  return new NdArray(data, shape);
}
