/** Ops from plain functions on typed arrays. */
import { checkOptions } from "./checks.ts";
import { describeValue } from "./format.ts";
import { NdArray } from "./ndarray.ts";
import type { Dtype, FloatArray } from "./ndarray.ts";
import { formatShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import type { Traced } from "./tape.ts";
import { apply } from "./tensor.ts";
import type { Tensor } from "./tensor.ts";

export interface CustomOpOptions {
  /** As the tape prints it. Default: the name of the forward function, else "customOp". */
  readonly name?: string;
  /** The output's shape from those of the inputs. Default: the first input's. */
  readonly outputShape?: (...shapes: readonly Shape[]) => Shape;
}

/**
 * An op from plain functions on typed arrays, for code that knows nothing of this library. It has a first derivative;
 * `createGraph` through it throws and names it.
 *
 * @param forward gets the inputs' values, row-major (copies, in their dtype), and answers the output's
 * @param backward gets ∂L/∂output and the inputs' values, and answers ∂L/∂input for each, or null where there is none
 * @throws TypeError or RangeError if what they answer is not a typed array of the right length
 * @example
 * const cube = customOp(
 *   (x) => x.map((v) => v ** 3),
 *   (gradOutput, x) => [gradOutput.map((g, i) => 3 * g * (x[i] ?? 0) ** 2)],
 *   { name: "cube" },
 * );
 * const x = tensor([1, 2], { requiresGrad: true });
 * cube(x).sum().backward();
 * x.grad?.toArray(); // [3, 12]
 */
export function customOp(
  forward: (...inputs: FloatArray[]) => FloatArray,
  backward: (gradOutput: FloatArray, ...inputs: FloatArray[]) => readonly (FloatArray | null)[],
  options: CustomOpOptions = {},
): (...inputs: readonly Tensor[]) => Tensor {
  const checked = checkOptions("customOp", options, ["name", "outputShape"]);
  const { name = forward?.name || "customOp", outputShape = (first = []) => first } = checked;
  if (typeof forward !== "function" || typeof backward !== "function") {
    const got = `${describeValue(forward)} and ${describeValue(backward)}`;
    throw new TypeError(`customOp: expected two functions, forward and backward, got ${got}`);
  }
  const wrap = (what: string, data: FloatArray, shape: Shape, dtype: Dtype): NdArray => {
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw new TypeError(`${name}: expected ${what} as a Float32Array or Float64Array, got ${describeValue(data)}`);
    }
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(`${name}: expected ${what} of shape ${formatShape(shape)}, got ${data.length} values`);
    }
    return new NdArray(data.slice(), shape).to(dtype);
  };
  const kernel = (...inputs: readonly NdArray[]): Traced<NdArray> => {
    const [first] = inputs;
    if (first === undefined) throw new RangeError(`${name}: expected at least one input, got none`);
    const copies = (): FloatArray[] => inputs.map((input) => input.data.slice());
    const output = wrap("the output", forward(...copies()), outputShape(...inputs.map((x) => x.shape)), first.dtype);
    return {
      output,
      pullback: (gradOutput) =>
        backward(gradOutput.data.slice(), ...copies()).map((gradient, i) => {
          const input = inputs[i] ?? first;
          return gradient && wrap(`gradient ${i}`, gradient, input.shape, input.dtype);
        }),
    };
  };
  return (...inputs) => apply(name, { kernel }, ...inputs);
}
