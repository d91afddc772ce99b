/**
 * y = x · Wᵀ + b on rows, and its gradients: x [rows, inFeatures], W [outFeatures, inFeatures], y [rows, outFeatures].
 * `multiply` is what computes the product.
 */
import type { FloatArray } from "./floatArray.ts";
import { matmul } from "./matmul.ts";

export interface LinearSizes {
  readonly rows: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export function linearForward(
  x: FloatArray,
  weight: FloatArray,
  bias: FloatArray | null,
  { rows, inFeatures, outFeatures }: LinearSizes,
  multiply: typeof matmul = matmul,
): FloatArray {
  const output = zerosLike(x, rows * outFeatures);
  if (bias !== null) for (let row = 0; row < rows; row++) output.set(bias, row * outFeatures);
  multiply(output, x, weight, rows, inFeatures, outFeatures, { transposeB: true, accumulate: true });
  return output;
}

/** g · W */
export function linearGradInput(
  gradOutput: FloatArray,
  weight: FloatArray,
  { rows, inFeatures, outFeatures }: LinearSizes,
  multiply: typeof matmul = matmul,
): FloatArray {
  const gradInput = zerosLike(weight, rows * inFeatures);
  multiply(gradInput, gradOutput, weight, rows, outFeatures, inFeatures);
  return gradInput;
}

/** gᵀ · x */
export function linearGradWeight(
  gradOutput: FloatArray,
  x: FloatArray,
  { rows, inFeatures, outFeatures }: LinearSizes,
  multiply: typeof matmul = matmul,
): FloatArray {
  const gradWeight = zerosLike(x, outFeatures * inFeatures);
  multiply(gradWeight, gradOutput, x, outFeatures, rows, inFeatures, { transposeA: true });
  return gradWeight;
}

function zerosLike(data: FloatArray, length: number): FloatArray {
  return data instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}
