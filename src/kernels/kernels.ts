/** The kernels that have variants: what a backend has to offer. A variant has the same parameters and results. */
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from "./conv2d.ts";
import { linearForward, linearGradInput, linearGradWeight } from "./linear.ts";
import type { FloatArray } from "./floatArray.ts";
import { matmul } from "./matmul.ts";
import { normalizeBackward, normalizeForward, normBackward, normForward } from "./norm.ts";
import { reluForward, reluGradInput } from "./pointwise.ts";
import { addRun, divRun, mulRun, subRun } from "./strided.ts";
import type { BinaryRun } from "./strided.ts";
import { switchableNormBackward, switchableNormForward } from "./switchableNorm.ts";

/** out[i] = a[i] ∘ b[i], for arrays of one length. */
export type BinaryLoop = (out: FloatArray, a: FloatArray, b: FloatArray) => void;

export interface Kernels {
  readonly add: BinaryLoop;
  readonly sub: BinaryLoop;
  readonly mul: BinaryLoop;
  readonly div: BinaryLoop;
  readonly reluForward: typeof reluForward;
  readonly reluGradInput: typeof reluGradInput;
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

const loop =
  (run: BinaryRun): BinaryLoop =>
  (out, a, b) =>
    run(out, 0, a, 0, 1, b, 0, 1, out.length);

export const typescriptKernels: Kernels = {
  add: loop(addRun),
  sub: loop(subRun),
  mul: loop(mulRun),
  div: loop(divRun),
  reluForward,
  reluGradInput,
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
