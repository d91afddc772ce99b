/** gradcheck and gradgradcheck as torch.autograd has them: central differences, a chosen step, a chosen tolerance. */
import { concat } from "../autograd/creation.ts";
import { Dual } from "../autograd/dual.ts";
import { describeValue } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import { Generator } from "../autograd/random.ts";
import { formatShape, sameShape, sizeOf } from "../autograd/shape.ts";
import { grad, Tensor } from "../autograd/tensor.ts";
import { checkArguments } from "./gradcheckOptions.ts";
import type { GradcheckOptions, TensorFunction } from "./gradcheckOptions.ts";

/** A gradient check that has failed. */
export class GradcheckError extends Error {
  override readonly name = "GradcheckError";
}

/**
 * Compares the gradients of a function with central differences. The names, defaults and meaning of the options are
 * torch.autograd.gradcheck's; for a check whose tolerance is derived instead of chosen see `checkOp`.
 *
 * Of torch's options these are not here: `check_batched_grad` and `check_batched_forward_grad` (there is no vmap),
 * `masked` and `check_sparse_nnz` (no sparse tensors), `is_complex` and what goes with it (no complex numbers). Where torch
 * allows several outputs, f has one: concatenate them. `nondetTol` is `nondet_tol`, and so on. Outputs and gradients that are
 * not finite fail by name; in torch they fail the comparison.
 *
 * @param f a function of tensors with one tensor as its result
 * @param inputs float64; those that require a gradient are checked
 * @returns true, or false with `raiseException: false`
 * @throws GradcheckError naming the input, its cell, the output's cell and both derivatives
 * @throws TypeError if an input is float32, whose rounding is larger than any useful step; RangeError if none requires a
 *   gradient
 * @example
 * const x = randn([2, 3], { requiresGrad: true });
 * gradcheck((x) => x.tanh(), [x]); // true
 */
export function gradcheck(f: TensorFunction, inputs: readonly Tensor[], options: GradcheckOptions = {}): boolean {
  checkArguments("gradcheck", f, inputs, options);
  try {
    runChecks(f, inputs, options);
    return true;
  } catch (error) {
    if (error instanceof GradcheckError && options.raiseException === false) return false;
    throw error;
  }
}

/**
 * Checks second derivatives: gradcheck of the gradients, as functions of the inputs and of gradOutput.
 *
 * @param options.gradOutput where the gradients are taken. Default: a random one, never ones
 * @throws as gradcheck
 * @example
 * const x = randn([2, 3], { requiresGrad: true });
 * gradgradcheck((x) => x.square().mul(x), [x]); // true
 */
export function gradgradcheck(
  f: TensorFunction,
  inputs: readonly Tensor[],
  settings: GradcheckOptions & { readonly gradOutput?: Tensor } = {},
): boolean {
  checkArguments("gradgradcheck", f, inputs, settings);
  const { gradOutput, ...options } = settings;
  const generator = options.generator ?? new Generator(0);
  const { shape } = checkOutput("gradgradcheck", f(...inputs));
  if (gradOutput !== undefined && !(gradOutput instanceof Tensor && sameShape(gradOutput.shape, shape))) {
    const got = gradOutput instanceof Tensor ? `shape ${formatShape(gradOutput.shape)}` : describeValue(gradOutput);
    throw new RangeError(`gradgradcheck: expected gradOutput as a Tensor of shape ${formatShape(shape)}, got ${got}`);
  }
  const g = new Tensor(gradOutput?.value ?? normal(shape, generator), true);
  const gradients: TensorFunction = (...all) => {
    const own = all.slice(0, -1);
    const checked = own.filter((input) => input.requiresGrad);
    const last = all.at(-1) ?? g;
    const output = f(...own);
    if (!output.requiresGrad) return last.mul(0); // it depends on none of them
    const found = grad(output, checked, { gradOutput: last, createGraph: true, allowUnused: true });
    const parts = found.flatMap((gradient) => (gradient ? [gradient.reshape([-1])] : []));
    return parts.length > 0 ? concat(parts) : last.mul(0);
  };
  return gradcheck(gradients, [...inputs, g], options);
}

function runChecks(f: TensorFunction, inputs: readonly Tensor[], options: GradcheckOptions): void {
  const { eps = 1e-6, nondetTol = 0, checkUndefinedGrad = true, checkGradDtypes = false } = options;
  const { checkForwardAd = null, checkBackwardAd = true, fastMode = false, generator = new Generator(0) } = options;
  const leaves = inputs.map((input) => new Tensor(input.value, input.requiresGrad));
  const checked = leaves.flatMap((leaf, i) => (leaf.requiresGrad ? [i] : []));
  const at = (arrays: readonly NdArray[]): NdArray =>
    checkOutput("gradcheck", f(...arrays.map((array, i) => new Tensor(array, inputs[i]?.requiresGrad)))).value;
  const values = leaves.map((leaf) => leaf.value);
  const output = checkOutput("gradcheck", f(...leaves));
  checkFinite("an output", "output", output.value);
  const backward = (gradOutput: NdArray): (NdArray | null)[] => {
    if (!output.requiresGrad) return checked.map(() => null);
    const wanted = checked.flatMap((i) => leaves[i] ?? []);
    const found = grad(output, wanted, { gradOutput: new Tensor(gradOutput), retainGraph: true, allowUnused: true });
    if (checkGradDtypes) checkDtypes(found, wanted);
    return found.map((gradient) => gradient?.value ?? null);
  };
  const forward = (i: number, tangent: NdArray): NdArray | null => {
    if (checkForwardAd === null) return null;
    return checkForwardAd(...values.map((value, k) => new Dual(value, k === i ? tangent : value.mul(0)))).tangent;
  };

  if (checkBackwardAd) checkDeterminism(backward, output.value, nondetTol, generator);
  if (checkBackwardAd && checkUndefinedGrad) checkZero(backward, output.value);

  const outputDirections = fastMode ? [normal(output.shape, generator)] : basisOf(output.shape);
  const backwards = checkBackwardAd ? outputDirections.map(backward) : [];
  checked.forEach((i, position) => {
    const value = values[i];
    if (value === undefined) return;
    const inputDirections = fastMode ? [normal(value.shape, generator)] : basisOf(value.shape);
    inputDirections.forEach((u, cell) => {
      const moved = (step: number): NdArray => at(values.with(i, value.add(u.mul(step))));
      const numeric = moved(eps)
        .sub(moved(-eps))
        .div(2 * eps);
      const byForward = forward(i, u);
      outputDirections.forEach((v, outputCell) => {
        const where = fastMode
          ? `input ${i} along one random direction`
          : `input ${i}${cellName(cell, value.shape)}, output${cellName(outputCell, output.shape)}`;
        const expected = dot(v, numeric);
        if (checkBackwardAd) {
          const gradient = backwards[outputCell]?.[position];
          compare("backward", where, gradient ? dot(gradient, u) : 0, expected, options);
        }
        if (byForward) compare("forward mode", where, dot(v, byForward), expected, options);
      });
    });
  });
}

function compare(
  what: string,
  where: string,
  analytic: number,
  numeric: number,
  { atol = 1e-5, rtol = 1e-3 }: GradcheckOptions,
): void {
  const tolerance = atol + rtol * Math.abs(numeric);
  if (Math.abs(analytic - numeric) <= tolerance) return;
  throw new GradcheckError(
    `gradcheck: ${what} is wrong at ${where}: analytic ${analytic}, numeric ${numeric}, ` +
      `difference ${Math.abs(analytic - numeric).toExponential(2)}, tolerance ${tolerance.toExponential(2)}`,
  );
}

function checkDeterminism(
  backward: (gradOutput: NdArray) => readonly (NdArray | null)[],
  output: NdArray,
  nondetTol: number,
  generator: Generator,
): void {
  const gradOutput = normal(output.shape, generator);
  const second = backward(gradOutput);
  second.forEach((gradient, i) => {
    if (gradient) checkFinite("gradients", `checked input ${i}`, gradient);
  });
  backward(gradOutput).forEach((gradient, i) => {
    const again = second[i];
    const difference = gradient && again ? Math.max(0, ...gradient.sub(again).abs().data) : 0;
    if (!(difference <= nondetTol)) {
      throw new GradcheckError(
        `gradcheck: expected a backward that answers the same twice, got gradients of checked input ${i} that differ by ${difference}`,
      );
    }
  });
}

/** What is not finite has no differences to compare with. */
function checkFinite(what: string, place: string, { data, shape }: NdArray): void {
  const cell = data.findIndex((value: number) => !Number.isFinite(value));
  if (cell < 0) return;
  throw new GradcheckError(
    `gradcheck: expected ${what} of finite numbers, got ${data[cell]} at ${place}${cellName(cell, shape)}`,
  );
}

function checkZero(backward: (gradOutput: NdArray) => readonly (NdArray | null)[], output: NdArray): void {
  backward(output.mul(0)).forEach((gradient, i) => {
    const worst = gradient?.data.findIndex((value) => value !== 0) ?? -1;
    if (gradient && worst >= 0) {
      throw new GradcheckError(
        `gradcheck: expected a zero gradOutput to give zero gradients, got ${gradient.data[worst]} at ` +
          `checked input ${i}${cellName(worst, gradient.shape)}`,
      );
    }
  });
}

function checkDtypes(gradients: readonly (Tensor | null)[], inputs: readonly Tensor[]): void {
  gradients.forEach((gradient, i) => {
    const dtype = inputs[i]?.dtype;
    if (gradient && gradient.dtype !== dtype) {
      throw new GradcheckError(`gradcheck: expected gradient ${i} in ${dtype}, got ${gradient.dtype}`);
    }
  });
}

function checkOutput(name: string, output: Tensor): Tensor {
  if (output instanceof Tensor) return output;
  throw new TypeError(`${name}: expected a function that answers a Tensor, got ${describeValue(output)}`);
}

function normal(shape: readonly number[], generator: Generator): NdArray {
  return new NdArray(
    Float64Array.from({ length: sizeOf(shape) }, () => generator.normal()),
    shape,
  );
}

function basisOf(shape: readonly number[]): NdArray[] {
  return Array.from({ length: sizeOf(shape) }, (_, cell) => {
    const data = new Float64Array(sizeOf(shape));
    data[cell] = 1;
    return new NdArray(data, shape);
  });
}

function dot(a: NdArray, b: NdArray): number {
  return a.mul(b).sum().data[0] ?? NaN;
}

/** [0, 2], the position of a cell. */
export function cellName(cell: number, shape: readonly number[]): string {
  let rest = cell;
  const position = shape.toReversed().map((size) => {
    const at = rest % size;
    rest = Math.floor(rest / size);
    return at;
  });
  return formatShape(position.toReversed());
}
