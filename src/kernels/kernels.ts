/** The kernels that have variants: what a backend has to offer. A variant has the same parameters and results. */
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from "./conv2d.ts";
import { linearForward, linearGradInput, linearGradWeight } from "./linear.ts";
import { matmul } from "./matmul.ts";
import { normalizeBackward, normalizeForward, normBackward, normForward } from "./norm.ts";
import { switchableNormBackward, switchableNormForward } from "./switchableNorm.ts";

export interface Kernels {
  readonly matmul: typeof matmul;
  readonly linearForward: typeof linearForward;
  readonly linearGradInput: typeof linearGradInput;
  readonly linearGradWeight: typeof linearGradWeight;
  readonly conv2dForward: typeof conv2dForward;
  readonly conv2dGradInput: typeof conv2dGradInput;
  readonly conv2dGradWeight: typeof conv2dGradWeight;
  readonly normForward: typeof normForward;
  readonly normBackward: typeof normBackward;
  readonly normalizeForward: typeof normalizeForward;
  readonly normalizeBackward: typeof normalizeBackward;
  readonly switchableNormForward: typeof switchableNormForward;
  readonly switchableNormBackward: typeof switchableNormBackward;
}

export const typescriptKernels: Kernels = {
  matmul,
  linearForward,
  linearGradInput,
  linearGradWeight,
  conv2dForward,
  conv2dGradInput,
  conv2dGradWeight,
  normForward,
  normBackward,
  normalizeForward,
  normalizeBackward,
  switchableNormForward,
  switchableNormBackward,
};
