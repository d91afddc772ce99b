import type { NdArray } from "../../../src/autograd/index.ts";
import type { NormCase } from "../../../src/norms/index.ts";

/** The output, row-major. Options are read from the case's label, inputs are found by their names. */
export type PlainOracle = (
  normCase: NormCase,
  inputs: Readonly<Record<string, NdArray | undefined>>,
  eps: number,
) => readonly number[];
