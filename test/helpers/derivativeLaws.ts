/** All laws of an op's derivatives on one random draw: differences, adjoint, second order. */
import fc from "fast-check";
import type { NdArray, Shape } from "../../src/autograd/index.ts";
import { arrayOf, arraysOf } from "./generators.ts";
import { expectAdjointLaw, expectBackwardIsDifferences, expectSecondOrderIsForwardOverReverse } from "./laws.ts";
import type { GenericTrace, OpOnTensors } from "./laws.ts";

/** Everything random that the laws need. */
export interface DerivativeDraw {
  readonly inputs: readonly NdArray[];
  /** A direction for each input, and weights on each gradient. */
  readonly tangents: readonly NdArray[];
  readonly weights: readonly NdArray[];
  readonly gradOutput: NdArray;
  readonly gradOutputTangent: NdArray;
}

/** Draws for inputs of these shapes; `of` may narrow the values of an input. */
export function derivativeDraws(
  inputShapes: readonly Shape[],
  outputShape: Shape,
  of: readonly (fc.Arbitrary<number> | undefined)[] = [],
): fc.Arbitrary<DerivativeDraw> {
  return fc.record({
    inputs: fc.tuple(...inputShapes.map((shape, i) => arrayOf(shape, of[i]))),
    tangents: arraysOf(inputShapes),
    weights: arraysOf(inputShapes),
    gradOutput: arrayOf(outputShape),
    gradOutputTangent: arrayOf(outputShape),
  });
}

/** First order against differences, which need a smooth op, and against forward mode; second order against itself. */
export function expectDerivativeLaws(op: OpOnTensors, trace: GenericTrace, draw: DerivativeDraw): void {
  const { inputs, tangents, weights, gradOutput, gradOutputTangent } = draw;
  expectBackwardIsDifferences(op, inputs, gradOutput);
  expectAdjointLaw(op, (arrays) => trace(arrays).output, inputs, tangents, gradOutput);
  expectSecondOrderIsForwardOverReverse(op, trace, inputs, tangents, gradOutput, gradOutputTangent, weights);
}

/** What a broken law of this file says: a planted error must be found by a law, and not by something that crashed. */
export const BROKEN_LAW: RegExp = /against differences|adjoint law|second order:/;
