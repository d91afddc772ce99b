/** Functions of one value at a time, and the loops of their gradients. */
import type { FloatArray } from "./floatArray.ts";

/** y[i] = f(x[i]) */
export function mapValues(x: FloatArray, f: (value: number) => number): FloatArray {
  const y = allocateLike(x);
  for (let i = 0; i < x.length; i++) y[i] = f(x[i]!);
  return y;
}

/** ∂L/∂x[i] = g[i] · slope(x[i], y[i]) */
export function mapGradients(
  gradOutput: FloatArray,
  x: FloatArray,
  y: FloatArray,
  slope: (x: number, y: number) => number,
): FloatArray {
  const gradInput = allocateLike(gradOutput);
  for (let i = 0; i < x.length; i++) gradInput[i] = gradOutput[i]! * slope(x[i]!, y[i]!);
  return gradInput;
}

/** y[i] = x[i], or 0 where x[i] ≤ 0. NaN stays. */
export function reluForward(x: FloatArray): FloatArray {
  const y = allocateLike(x);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    y[i] = value <= 0 ? 0 : value;
  }
  return y;
}

/** ∂L/∂x[i] = g[i], or 0 where x[i] ≤ 0. No product: an infinite gradient must not become NaN there. */
export function reluGradInput(gradOutput: FloatArray, x: FloatArray): FloatArray {
  const gradInput = allocateLike(gradOutput);
  for (let i = 0; i < x.length; i++) gradInput[i] = x[i]! <= 0 ? 0 : gradOutput[i]!;
  return gradInput;
}

function allocateLike(data: FloatArray): FloatArray {
  return data instanceof Float32Array ? new Float32Array(data.length) : new Float64Array(data.length);
}
