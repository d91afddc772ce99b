/** The parts of test/pytorch/nn.json on losses, optimizers, clipping and schedules. Its README describes all of it. */
import { readFileSync } from "node:fs";
import { NdArray } from "../../src/autograd/index.ts";

export interface EncodedArray {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface LossCase {
  readonly op: string;
  readonly name: string;
  readonly options: {
    readonly reduction: "mean" | "sum" | "none";
    readonly labelSmoothing?: number;
    readonly ignoreIndex?: number;
  };
  readonly inputs: { readonly input: EncodedArray; readonly target: EncodedArray };
  readonly gradOutput: EncodedArray;
  readonly output: EncodedArray;
  readonly gradInput: EncodedArray;
}

export interface NnFixture {
  readonly ops: readonly LossCase[];
  readonly optimizers: readonly {
    readonly optimizer: "SGD" | "Adam" | "AdamW";
    readonly name: string;
    readonly options: { readonly lr: number };
    readonly params: readonly EncodedArray[];
    readonly steps: readonly { readonly grads: readonly EncodedArray[]; readonly params: readonly EncodedArray[] }[];
  }[];
  readonly clipping: readonly {
    readonly clip: "clipGradNorm_" | "clipGradValue_";
    readonly grads: readonly EncodedArray[];
    readonly maxNorm?: number;
    readonly normType?: number | "inf";
    readonly totalNorm?: number;
    readonly clipValue?: number;
    readonly clipped: readonly EncodedArray[];
  }[];
  readonly schedulers: readonly {
    readonly scheduler: "CosineAnnealingLR" | "StepLR";
    readonly options: { readonly tMax: number; readonly etaMin: number } & {
      readonly stepSize: number;
      readonly gamma: number;
    };
    readonly lr: number;
    readonly lrs: EncodedArray;
  }[];
}

/** Tolerance, relative to max(1, largest expected value), that the fixture's README names for PyTorch's own rounding. */
export const PYTORCH = 1e-13;

export function nnFixture(): NnFixture {
  return JSON.parse(readFileSync(new URL("../pytorch/nn.json", import.meta.url), "utf8"));
}

export function decoded({ shape, data }: EncodedArray): NdArray {
  return new NdArray(Float64Array.from(data), shape);
}
