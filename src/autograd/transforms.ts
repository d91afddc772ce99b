/** Derivatives of functions, as in torch.autograd.functional: jvp, vjp, hvp. */
import { Dual } from "./dual.ts";
import { NdArray } from "./ndarray.ts";
import type { Num } from "./num.ts";
import { checkList, formatShape, sameShape } from "./shape.ts";
import { withGrad } from "./tape.ts";
import { checkTensor, gradFor, Tensor } from "./tensor.ts";
import type { GradOptions } from "./tensor.ts";

/** A function of arrays, generic in the reading: built from the operations of `Num` alone. */
export type Formula = <A extends Num<A>>(...inputs: readonly A[]) => A;

/**
 * J·v by forward mode: the formula is read once with dual numbers. Exact, with no step size.
 *
 * @param tangents one per input, in its shape and dtype
 * @throws RangeError if their number or a shape differs; TypeError if a dtype does
 * @example
 * const [output, tangent] = jvp((x) => x.square().sum(), [tensor([1, 2])], [tensor([1, 0])]);
 * tangent.item(); // 2
 */
export function jvp(
  formula: Formula,
  inputs: readonly Tensor[],
  tangents: readonly Tensor[],
): [output: Tensor, tangent: Tensor] {
  checkVectors("jvp", "tangents", inputs, tangents);
  const duals = inputs.map((input, i) => new Dual<NdArray>(input.value, (tangents[i] ?? input).value));
  const { primal, tangent } = formula<Dual<NdArray>>(...duals);
  return [new Tensor(primal), new Tensor(tangent)];
}

/**
 * vᵀ·J by reverse mode. The answers are off the tape: to differentiate them again, use `grad` with `createGraph`.
 *
 * @param gradOutput v, in the output's shape; may be left out for a single value, where it is 1
 * @example
 * const [output, [gradX]] = vjp((x) => x.square(), [tensor([1, 2])], tensor([1, 10]));
 * gradX.toArray(); // [2, 40]
 */
export function vjp(
  f: (...inputs: readonly Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  gradOutput?: Tensor,
): [output: Tensor, gradInputs: Tensor[]] {
  checkTensors("vjp", "inputs", inputs);
  return withGrad(true, () => {
    const leaves = inputs.map((input) => new Tensor(input.value, true));
    const output = checkTensor("vjp", "what the function answers", f(...leaves));
    return [output.detach(), gradOrZeros("vjp", output, leaves, gradOutput && { gradOutput })];
  });
}

/**
 * H·v, the Hessian of a function with one value times a vector: the gradient of ⟨∇f, v⟩. Off the tape, as of `vjp`.
 *
 * @param vectors one per input, in its shape and dtype
 * @throws RangeError if the output is not a single value, or a vector's shape differs; TypeError if its dtype does
 * @example
 * const [output, [hv]] = hvp((x) => x.pow(3).sum(), [tensor([1, 2])], [tensor([1, 1])]);
 * hv.toArray(); // [6, 12]
 */
export function hvp(
  f: (...inputs: readonly Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  vectors: readonly Tensor[],
): [output: Tensor, products: Tensor[]] {
  checkVectors("hvp", "vectors", inputs, vectors);
  return withGrad(true, () => {
    const leaves = inputs.map((input) => new Tensor(input.value, true));
    const output = checkTensor("hvp", "what the function answers", f(...leaves));
    if (output.numel !== 1) {
      throw new RangeError(`hvp: expected a function that answers one value, got shape ${formatShape(output.shape)}`);
    }
    const slopes = gradOrZeros("hvp", output, leaves, { createGraph: true });
    const along = slopes.map((slope, i) =>
      slope
        .mul((vectors[i] ?? slope).detach())
        .sum()
        .to(output.dtype),
    );
    const total = along.reduce((a, b) => a.add(b), new Tensor(NdArray.full([], 0, output.dtype)));
    return [output.detach(), gradOrZeros("hvp", total, leaves)];
  });
}

/** The gradient of a function that does not depend on an input is zero, as forward mode answers too. */
function gradOrZeros(caller: string, output: Tensor, leaves: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  const gradients = output.requiresGrad ? gradFor(caller, output, leaves, { ...options, allowUnused: true }) : [];
  return leaves.map((leaf, i) => gradients[i] ?? new Tensor(NdArray.full(leaf.shape, 0, leaf.dtype)));
}

function checkTensors(name: string, what: string, tensors: readonly Tensor[]): void {
  checkList(name, what, tensors).forEach((entry, i) => checkTensor(name, `${what}[${i}]`, entry));
}

function checkVectors(name: string, what: string, inputs: readonly Tensor[], vectors: readonly Tensor[]): void {
  checkTensors(name, "inputs", inputs);
  checkTensors(name, what, vectors);
  if (vectors.length !== inputs.length) {
    throw new RangeError(`${name}: expected ${inputs.length} ${what}, one per input, got ${vectors.length}`);
  }
  inputs.forEach((input, i) => {
    const vector = vectors[i];
    if (vector && !sameShape(input.shape, vector.shape)) {
      throw new RangeError(
        `${name}: expected ${what}[${i}] of shape ${formatShape(input.shape)}, got ${formatShape(vector.shape)}`,
      );
    }
    if (vector && vector.dtype !== input.dtype) {
      throw new TypeError(`${name}: expected ${what}[${i}] in ${input.dtype}, got ${vector.dtype}`);
    }
  });
}
