/** What makes a norm known to the tables, the explorer, the verifier and the laws. */
import type { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import type { Shape } from "../autograd/shape.ts";
import { Module } from "../autograd/module.ts";
import type { Traced } from "../autograd/tape.ts";
import type { Tensor } from "../autograd/tensor.ts";

/** ∂L/∂x path by path. The three arrays add up to gradInput. */
export interface NormTerms<A> {
  /** Through x̂ with the statistics held constant. */
  readonly direct: A;
  /** Through the mean. */
  readonly viaMean: A;
  /** Through the variance. */
  readonly viaVariance: A;
}

export interface NormTrace<A> extends Traced<A> {
  readonly terms: (gradOutput: A) => NormTerms<A>;
}

/** A norm with its options and the shapes of its inputs fixed. */
export interface NormCase {
  /** The functional op's name: "layerNorm". */
  readonly norm: string;
  /** The options in words: "normalizedShape [3, 4], weight, no bias". */
  readonly label: string;
  /** Names and shapes of the inputs that are differentiable. The first is the one that is normalized: x, content, weight. */
  readonly inputs: readonly { readonly name: string; readonly shape: Shape }[];
  /** The pure pair, generic in the reading; inputs as listed. */
  readonly trace: <A extends Num<A>>(inputs: readonly A[]) => NormTrace<A>;
  /** The functional op; inputs as listed. */
  readonly op: (inputs: readonly Tensor[]) => Tensor;
  /** For each cell of x, row-major, the index of the set of cells that it shares its statistics with. */
  readonly partition: Int32Array;
  /**
   * For a norm whose definition takes something that moves with the inputs for a constant (stop-gradient): the op with it
   * held at its value at these inputs. The gradient of `op` there is that of this function, not that of `op` itself.
   */
  readonly held?: (at: readonly NdArray[]) => NormCase["op"];
}

export interface NormDescriptor {
  readonly name: string;
  /** Every combination of optional inputs and modes, for an x of this shape. */
  readonly cases: (shape: Shape, eps?: number) => readonly NormCase[];
}

/** A normalization layer: besides running, it can say which case it is, and with which inputs. */
export abstract class Norm<Inputs extends readonly unknown[] = readonly [input: Tensor]> extends Module<Inputs> {
  abstract normCase(...inputs: Inputs): { readonly case: NormCase; readonly inputs: readonly Tensor[] };
}

/** Which of weight and bias are there. */
export interface Affine {
  readonly hasWeight: boolean;
  readonly hasBias: boolean;
}

/** With and without each of weight and bias. */
export const affineCombinations: readonly Affine[] = [
  { hasWeight: true, hasBias: true },
  { hasWeight: true, hasBias: false },
  { hasWeight: false, hasBias: true },
  { hasWeight: false, hasBias: false },
];

/** The inputs of a case whose weight and bias, if there, have one shape. */
export function affineInputs(x: Shape, affine: Shape, { hasWeight, hasBias }: Affine): NormCase["inputs"] {
  return [
    { name: "x", shape: [...x] },
    ...(hasWeight ? [{ name: "weight", shape: [...affine] }] : []),
    ...(hasBias ? [{ name: "bias", shape: [...affine] }] : []),
  ];
}

/** Takes listed inputs apart again. */
export function splitAffine<A>(
  inputs: readonly A[],
  { hasWeight, hasBias }: Affine,
): readonly [x: A, weight: A | null, bias: A | null] {
  const [x, second = null, third = null] = inputs;
  if (x === undefined || inputs.length !== 1 + Number(hasWeight) + Number(hasBias)) {
    throw new RangeError(`normCase: expected ${1 + Number(hasWeight) + Number(hasBias)} inputs, got ${inputs.length}`);
  }
  return hasWeight ? [x, second, third] : [x, null, second];
}

/** The gradients of the inputs that are there. */
export function presentGrads<A>(
  [gradX, gradWeight, gradBias]: readonly [A, A | null, A | null],
  { hasWeight, hasBias }: Affine,
): readonly (A | null)[] {
  return [gradX, ...(hasWeight ? [gradWeight] : []), ...(hasBias ? [gradBias] : [])];
}

export function affineLabel({ hasWeight, hasBias }: Affine): string {
  return hasWeight && hasBias ? "weight, bias" : hasWeight ? "weight" : hasBias ? "bias" : "no affine";
}
