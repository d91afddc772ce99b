/**
 * Local response normalization. Krizhevsky, Sutskever, Hinton (2012), §3.3 of "ImageNet classification with deep
 * convolutional neural networks"
 *
 *   W(a)_c = Σ a_j                   over the channels j from c − ⌊size/2⌋ to c + ⌊(size − 1)/2⌋ that there are, at one
 *                                    position of one sample
 *   d      = k + (α/size) · W(x²)    always ÷ size, at the edges too, where fewer channels are in the window
 *   y      = x · d^(−β)
 *
 * Shapes: x, y, d [N, C, *].
 *
 * Backward, with g = ∂L/∂y:
 *
 *   1. dd = (2α/size) · W(x · dx), and dy = d^(−β) · dx − β · x · d^(−β−1) · dd = d^(−β) · dx − β · (y/d) · dd
 *   2. Wᵀ(a)_j = Σ a_c over the windows c that hold j, which are those from j − ⌊(size − 1)/2⌋ to j + ⌊size/2⌋: the window
 *      mirrored, another one if size is even
 *   3. Transposed:
 *          ∂L/∂x = g · d^(−β) − (2αβ/size) · x · Wᵀ(g · y/d)
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { formatNumber } from "../autograd/format.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkCount } from "./checks.ts";
import { Norm, splitAffine } from "./descriptor.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface LocalResponseNormOptions {
  /** How many channels a window has. */
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

/** What the backward reads. */
export interface LocalResponseNormSaved<A> {
  readonly x: A;
  /** k + (α/size) · W(x²) */
  readonly divisor: A;
  /** d^(−β) */
  readonly scale: A;
  readonly options: LocalResponseNormOptions;
}

/** Σ over the channels from `below` before each to `above` after it. */
function sumOfWindow<A extends Num<A>>(array: A, below: number, above: number): A {
  const channels = array.shape[1] ?? 0;
  // No window reaches further than all channels; amounts begin at the last dim.
  const [before, after] = [Math.min(below, channels), Math.min(above, channels)];
  const padded = array.pad([...array.shape.slice(2).flatMap(() => [0, 0]), before, after]);
  const shifted = range(before + after).map((i) => padded.slice(1, i + 1, i + 1 + channels));
  return shifted.reduce((sum, channel) => sum.add(channel), padded.slice(1, 0, channels));
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; options and
 * shapes are not checked.
 *
 * @param x [N, C, *]
 * @returns output, of x's shape, and what localResponseNormBackward reads
 * @example
 * const x = tensor([[[1], [2], [3], [4]]]).value;
 * const { saved } = localResponseNormForward(x, { size: 2, alpha: 2, beta: 0.75, k: 0 });
 * saved.divisor.data; // [1, 5, 13, 25]: each channel's square and that of the one before
 */
export function localResponseNormForward<A extends Num<A>>(
  x: A,
  options: LocalResponseNormOptions,
): { readonly output: A; readonly saved: LocalResponseNormSaved<A> } {
  const { size, alpha, beta, k } = options;
  const squares = sumOfWindow(x.square(), Math.floor(size / 2), Math.floor((size - 1) / 2));
  const divisor = squares.mul(alpha).div(size).add(k);
  const scale = divisor.pow(-beta);
  return { output: x.mul(scale), saved: { x, divisor, scale, options } };
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as localResponseNormForward returned it
 * @returns gradInput of x's shape
 * @example
 * const x = tensor([[[1], [2], [3], [4]]]).value;
 * const { saved } = localResponseNormForward(x, { size: 2, alpha: 2, beta: 0.75, k: 0 });
 * const [gradInput] = localResponseNormBackward(tensor([[[0], [0], [1], [0]]]).value, saved);
 * gradInput.data; // [0, -0.1011, -0.0056, 0]: y of channel 2 reads channels 1 and 2
 */
export function localResponseNormBackward<A extends Num<A>>(
  gradOutput: A,
  saved: LocalResponseNormSaved<A>,
): readonly [gradInput: A] {
  return [gradOutput.mul(saved.scale).add(viaSquares(gradOutput, saved))];
}

/** −(2αβ/size) · x · Wᵀ(g · y/d) */
function viaSquares<A extends Num<A>>(gradOutput: A, { x, divisor, scale, options }: LocalResponseNormSaved<A>): A {
  const { size, alpha, beta } = options;
  const gradDivisor = gradOutput.mul(x).mul(scale).div(divisor);
  const gathered = sumOfWindow(gradDivisor, Math.floor((size - 1) / 2), Math.floor(size / 2));
  return x.mul(gathered).mul((-2 * alpha * beta) / size);
}

/**
 * gradInput path by path: `direct` and `viaVariance`, the path through the squares of the window, add up to it; `viaMean`
 * is zero, as no mean is subtracted. All have x's shape.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as localResponseNormForward returned it
 * @example
 * const x = tensor([[[1], [2], [3], [4]]]).value;
 * const { saved } = localResponseNormForward(x, { size: 2, alpha: 2, beta: 0.75, k: 0 });
 * const { direct, viaVariance } = localResponseNormTerms(tensor([[[0], [0], [1], [0]]]).value, saved);
 * direct.data; // [0, 0, 0.1461, 0]
 * viaVariance.data; // [0, -0.1011, -0.1517, 0]
 */
export function localResponseNormTerms<A extends Num<A>>(
  gradOutput: A,
  saved: LocalResponseNormSaved<A>,
): NormTerms<A> {
  return {
    direct: gradOutput.mul(saved.scale),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: viaSquares(gradOutput, saved),
  };
}

/**
 * Local response normalization: y_c = x_c / (k + alpha/size · Σ x_j²)^beta, the sum over a window of `size` channels about
 * c, cut at the first and last channel. As torch.nn.functional.local_response_norm. For an even size the window holds one
 * more of the LOWER channels; ONNX's LRN holds one more of the higher ones: with size 2 and x = [1, 2, 3, 4] the sums are
 * [1, 5, 13, 25] here and [5, 13, 25, 16] there. float32 is computed in float64.
 *
 * @param input [N, C, *] with at least one position dim
 * @param size how many channels a window has
 * @param options.alpha default 1e-4. It is divided by size, as in PyTorch and unlike in the paper
 * @param options.beta exponent. Default 0.75
 * @param options.k default 1 (the paper: 2). With 0, a window of zeros gives NaN, as in PyTorch
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if the input has less than 3 dims, size is no positive whole number, or another option not finite
 * @example
 * const x = tensor([[[1], [2], [3], [4]]]);
 * localResponseNorm(x, 2, { alpha: 2, beta: 0.5, k: 0 }).reshape([4]); // [1, 0.8944, 0.8321, 0.8]
 */
export function localResponseNorm(
  input: Tensor,
  size: number,
  options: { readonly alpha?: number; readonly beta?: number; readonly k?: number } = {},
): Tensor {
  const { alpha = 1e-4, beta = 0.75, k = 1 } = checkOptions("localResponseNorm", options, ["alpha", "beta", "k"]);
  const attributes = checkLocalResponseNorm("localResponseNorm", { size, alpha, beta, k });
  if (checkTensor("localResponseNorm", "input", input).ndim < 3) {
    throw new RangeError(
      `localResponseNorm: expected input [N, C, *] of 3 dims or more, got ${formatShape(input.shape)}`,
    );
  }
  const rule = <A extends Num<A>>(x: A): { output: A; pullback: (gradOutput: A) => readonly [A] } => {
    const { output, saved } = localResponseNormForward(x, attributes);
    return { output, pullback: (gradOutput) => localResponseNormBackward(gradOutput, saved) };
  };
  return apply("localResponseNorm", { rule, computeIn: "float64", attributes: { ...attributes } }, input);
}

/**
 * Local response normalization. As torch.nn.LocalResponseNorm; see localResponseNorm for the window, which for an even
 * size is not ONNX's. It has no parameters, and training and evaluation do not differ.
 *
 * @param size how many channels a window has
 * @param options.alpha default 1e-4
 * @param options.beta exponent. Default 0.75
 * @param options.k default 1
 * @throws RangeError if size is no positive whole number, or another option not finite
 * @example
 * const norm = new LocalResponseNorm(5);
 * String(norm); // LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1)
 * norm.forward(randn([2, 8, 4, 4])).shape; // [2, 8, 4, 4]
 */
export class LocalResponseNorm extends Norm {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(size: number, options: { readonly alpha?: number; readonly beta?: number; readonly k?: number } = {}) {
    super();
    const { alpha = 1e-4, beta = 0.75, k = 1 } = checkOptions("LocalResponseNorm", options, ["alpha", "beta", "k"]);
    checkLocalResponseNorm("LocalResponseNorm", { size, alpha, beta, k });
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  override forward(input: Tensor): Tensor {
    const { size, alpha, beta, k } = this;
    return localResponseNorm(input, size, { alpha, beta, k });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.forward(input); // which checks it
    const { size, alpha, beta, k } = this;
    return { case: localResponseNormCase(input.shape, { size, alpha, beta, k }), inputs: [input] };
  }

  protected override extraRepr(): string {
    const { size, alpha, beta, k } = this;
    return `${size}, alpha=${formatNumber(alpha)}, beta=${formatNumber(beta)}, k=${formatNumber(k)}`;
  }
}

/** Windows of an even and of odd sizes, with an alpha that is felt and the default one. k takes the place of eps. */
export const localResponseNormDescriptor: NormDescriptor = {
  name: "localResponseNorm",
  cases: (shape, eps = 1e-5) =>
    shape.length < 3
      ? []
      : [
          { size: 2, alpha: 1, beta: 0.75 },
          { size: 3, alpha: 2, beta: 0.75 },
          { size: 5, alpha: 2, beta: 1.25 },
          { size: 5, alpha: 1e-4, beta: 0.75 },
        ].map((options) => localResponseNormCase(shape, { ...options, k: eps })),
};

const noParameters = { hasWeight: false, hasBias: false };

function localResponseNormCase(shape: Shape, options: LocalResponseNormOptions): NormCase {
  const { size, alpha, beta, k } = options;
  const [, channels = 0] = shape;
  const positions = sizeOf(shape.slice(2));
  return {
    norm: "localResponseNorm",
    label: `size ${size}, alpha ${alpha}, beta ${beta}`,
    inputs: [{ name: "x", shape: [...shape] }],
    // Windows overlap, so that all channels of a position are connected, if a window has more than one.
    partition: Int32Array.from({ length: sizeOf(shape) }, (_, cell) =>
      size === 1 ? cell : Math.floor(cell / (channels * positions)) * positions + (cell % positions),
    ),
    trace: (inputs) => {
      const { output, saved } = localResponseNormForward(splitAffine(inputs, noParameters)[0], options);
      return {
        output,
        pullback: (gradOutput) => localResponseNormBackward(gradOutput, saved),
        terms: (gradOutput) => localResponseNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => localResponseNorm(splitAffine(inputs, noParameters)[0], size, { alpha, beta, k }),
  };
}

function checkLocalResponseNorm(name: string, options: LocalResponseNormOptions): LocalResponseNormOptions {
  const { size, ...others } = options;
  checkCount(name, "size", size);
  for (const [what, value] of Object.entries(others)) {
    if (!Number.isFinite(checkNumber(name, what, value))) {
      throw new RangeError(`${name}: expected ${what} to be a finite number, got ${String(value)}`);
    }
  }
  return options;
}
