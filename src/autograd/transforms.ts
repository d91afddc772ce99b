/** Derivatives of functions, as in torch.autograd.functional: jvp, vjp, hvp. */
import { Dual } from "./dual.ts";
import type { NdArray } from "./ndarray.ts";
import type { Num } from "./num.ts";
import { formatShape, sameShape } from "./shape.ts";
import { grad, Tensor } from "./tensor.ts";

/** A function of arrays, generic in the reading: built from the operations of `Num` alone. */
export type Formula = <A extends Num<A>>(...inputs: readonly A[]) => A;

/**
 * J·v by forward mode: the formula is read once with dual numbers. Exact, with no step size.
 *
 * @param tangents one per input, in its shape
 * @throws RangeError if their number or a shape differs
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
 * vᵀ·J by reverse mode.
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
  const leaves = inputs.map((input) => new Tensor(input.value, true));
  const output = f(...leaves);
  const gradients = grad(output, leaves, { allowUnused: true, ...(gradOutput && { gradOutput }) });
  return [output.detach(), gradients.map((gradient, i) => gradient ?? zerosLike(leaves[i]))];
}

/**
 * H·v, the Hessian of a function with one value times a vector: the gradient of ⟨∇f, v⟩.
 *
 * @param vectors one per input, in its shape
 * @throws RangeError if the output is not a single value, or a vector's shape differs
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
  const leaves = inputs.map((input) => new Tensor(input.value, true));
  const output = f(...leaves);
  const slopes = grad(output, leaves, { createGraph: true, allowUnused: true });
  const along = slopes.flatMap((slope, i) => {
    const vector = vectors[i];
    return slope?.requiresGrad && vector ? [slope.mul(vector.detach()).sum()] : [];
  });
  const [first, ...others] = along;
  const products = first
    ? grad(
        others.reduce((a, b) => a.add(b), first),
        leaves,
        { allowUnused: true },
      )
    : leaves.map(() => null);
  return [output.detach(), products.map((product, i) => product ?? zerosLike(leaves[i]))];
}

function checkVectors(name: string, what: string, inputs: readonly Tensor[], vectors: readonly Tensor[]): void {
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
  });
}

function zerosLike(tensor: Tensor | undefined): Tensor {
  if (tensor === undefined) throw new RangeError("zerosLike: expected a tensor");
  return new Tensor(tensor.value.constant((values) => new Float64Array(values.length)));
}
