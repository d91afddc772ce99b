/**
 * The linear map with a shift: y = x · Wᵀ + b.
 *
 * Shapes: x [*, inFeatures], W [outFeatures, inFeatures], b [outFeatures], y [*, outFeatures].
 *
 * Backward, with g = ∂L/∂y and the leading dims of x and g read as rows:
 *
 *   ∂L/∂x = g · W        ∂L/∂W = gᵀ · x        ∂L/∂b = Σ g over the rows
 */
import { choose } from "../autograd/backend.ts";
import { checkOptions } from "../autograd/checks.ts";
import { Module, Parameter } from "../autograd/module.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Kernel, Rule } from "../autograd/tape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { linearForward, linearGradInput, linearGradWeight } from "../kernels/linear.ts";
import { matmul } from "../kernels/matmul.ts";
import { matmul as wasmMatmul } from "../kernels/wasm/matmul.ts";
import { checkCount } from "./checks.ts";
import { defaultBias, defaultWeight } from "./init.ts";
import type { DrawOptions } from "./init.ts";

type LinearArgs = readonly [input: Tensor, weight: Tensor, bias: Tensor | null];

/** The rule; a first layer, whose input needs no gradient, does not compute one. */
export const linearRule =
  (needsGradInput: boolean): Rule<LinearArgs> =>
  <A extends Num<A>>(x: A, weight: A, bias: A | null) => {
    const [outFeatures = 0, inFeatures = 0] = weight.shape;
    const leading = x.shape.slice(0, -1);
    const rows = x.reshape([sizeOf(leading), inFeatures]);
    const product = rows.matmul(weight.transpose(0, 1));
    const output = bias === null ? product : product.add(bias);
    return {
      output: output.reshape([...leading, outFeatures]),
      pullback: (gradOutput: A) => {
        const gradRows = gradOutput.reshape([sizeOf(leading), outFeatures]);
        return [
          needsGradInput ? gradRows.matmul(weight).reshape(x.shape) : null,
          gradRows.transpose(0, 1).matmul(rows),
          bias && gradRows.sum([0]),
        ];
      },
    };
  };

/** The same, without a transposed copy of the weight. */
export const linearKernel =
  (needsGradInput: boolean): Kernel<LinearArgs> =>
  (x: NdArray, weight: NdArray, bias: NdArray | null) => {
    const [outFeatures = 0, inFeatures = 0] = weight.shape;
    const leading = x.shape.slice(0, -1);
    const sizes = { rows: sizeOf(leading), inFeatures, outFeatures };
    const multiply = choose(matmul, wasmMatmul);
    return {
      output: new NdArray(linearForward(x.data, weight.data, bias && bias.data, sizes, multiply), [
        ...leading,
        outFeatures,
      ]),
      pullback: (gradOutput: NdArray) => [
        needsGradInput ? new NdArray(linearGradInput(gradOutput.data, weight.data, sizes, multiply), x.shape) : null,
        new NdArray(linearGradWeight(gradOutput.data, x.data, sizes, multiply), weight.shape),
        bias && gradOutput.reshape([sizes.rows, outFeatures]).sum([0]),
      ],
    };
  };

/**
 * y = x · weightᵀ + bias: torch.nn.functional.linear.
 *
 * @param input [*, inFeatures], any number of leading dims
 * @param weight [outFeatures, inFeatures]
 * @param bias [outFeatures]. Default: none
 * @returns [*, outFeatures]
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ
 * @example
 * linear(tensor([1, 2]), tensor([[1, 0], [3, 4]]), tensor([0, 5])).toArray(); // [1, 16]
 */
export function linear(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  checkTensor("linear", "input", input);
  const [outFeatures, inFeatures] = checkTensor("linear", "weight", weight).shape;
  if (weight.ndim !== 2) {
    throw new RangeError(`linear: expected weight [outFeatures, inFeatures], got shape ${formatShape(weight.shape)}`);
  }
  if (input.ndim === 0 || input.shape.at(-1) !== inFeatures) {
    throw new RangeError(
      `linear: expected input [*, ${inFeatures}] for weight ${formatShape(weight.shape)}, got shape ${formatShape(input.shape)}`,
    );
  }
  if (bias !== null && (checkTensor("linear", "bias", bias).ndim !== 1 || bias.shape[0] !== outFeatures)) {
    throw new RangeError(`linear: expected bias of shape [${outFeatures}], got ${formatShape(bias.shape)}`);
  }
  const needsGradInput = input.requiresGrad;
  return apply(
    "linear",
    { rule: linearRule(needsGradInput), kernel: linearKernel(needsGradInput) },
    input,
    weight,
    bias,
  );
}

export interface LinearOptions extends DrawOptions {
  /** Learn a bias. Default true. */
  readonly bias?: boolean;
}

/**
 * A learnable linear map with a shift: torch.nn.Linear. Weight and bias begin uniform within 1/√inFeatures.
 *
 * @param options.bias default true
 * @param options.generator draws the initial numbers. Default: the one that `manualSeed` seeds
 * @param options.dtype of the parameters. Default: the default dtype, float64 (PyTorch: float32)
 * @throws RangeError if a count is not a positive whole number
 * @example
 * const layer = new Linear(256, 10);
 * String(layer); // Linear(inFeatures=256, outFeatures=10, bias=true)
 * layer.forward(randn([32, 256])).shape; // [32, 10]
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const { bias = true, generator, dtype } = checkOptions("Linear", options, ["bias", "generator", "dtype"]);
    this.inFeatures = checkCount("Linear", "inFeatures", inFeatures);
    this.outFeatures = checkCount("Linear", "outFeatures", outFeatures);
    const shape = [outFeatures, inFeatures];
    this.weight = new Parameter(defaultWeight(shape, { generator, dtype }));
    this.bias = bias ? new Parameter(defaultBias(shape, { generator, dtype })) : null;
  }

  override forward(input: Tensor): Tensor {
    return this.forwardWith(input, this.weight);
  }

  /** The layer with another weight in the place of its own, as WeightNorm computes one. */
  forwardWith(input: Tensor, weight: Tensor): Tensor {
    return linear(input, weight, this.bias);
  }

  protected override extraRepr(): string {
    return `inFeatures=${this.inFeatures}, outFeatures=${this.outFeatures}, bias=${this.bias !== null}`;
  }
}
