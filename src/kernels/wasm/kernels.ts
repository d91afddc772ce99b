import { conv2dForward, conv2dGradInput, conv2dGradWeight } from "../conv2d.ts";
import { typescriptKernels } from "../kernels.ts";
import type { Kernels } from "../kernels.ts";
import { linearForward, linearGradInput, linearGradWeight } from "../linear.ts";
import { add, div, mul, reluForward, reluGradInput, sub } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { normBackward, normForward } from "./norm.ts";
import { isAvailable } from "./memory.ts";
import { addProduct } from "./product.ts";

/**
 * The kernels in WebAssembly, each compiled when it is first used; those that have none are the ones in TypeScript. null
 * where the engine has no WebAssembly with SIMD, or may not use it.
 */
export function wasmKernels(): Kernels | null {
  return isAvailable() ? kernels : null;
}

const kernels: Kernels = {
  ...typescriptKernels,
  add,
  sub,
  mul,
  div,
  reluForward,
  reluGradInput,
  matmul,
  linearForward: (x, weight, bias, sizes) => linearForward(x, weight, bias, sizes, matmul),
  linearGradInput: (gradOutput, weight, sizes) => linearGradInput(gradOutput, weight, sizes, matmul),
  linearGradWeight: (gradOutput, x, sizes) => linearGradWeight(gradOutput, x, sizes, matmul),
  conv2dForward: (input, weight, bias, geometry) => conv2dForward(input, weight, bias, geometry, addProduct),
  conv2dGradInput: (gradOutput, weight, geometry) => conv2dGradInput(gradOutput, weight, geometry, addProduct),
  conv2dGradWeight: (gradOutput, input, geometry) => conv2dGradWeight(gradOutput, input, geometry, addProduct),
  normForward,
  normBackward,
};
