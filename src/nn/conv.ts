/**
 * Convolution as deep learning says it: the kernel is not flipped.
 *
 *   y[n, o, p] = bias[o] + Σ over c, k of weight[o, c, k] · x[n, group(o) · C/G + c, stride · p − padding + dilation · k]
 *
 * As a matrix product, for each sample n and group: the columns of the matrix X are the cells that one output sees
 * (im2col; 0 in padding), and
 *
 *   y = W · X + bias          W [O/G, K], X [K, P], K = C/G · kernel size, P = number of output positions
 *
 * Shapes: x [N, C, H, W], weight [O, C/G, kernelHeight, kernelWidth], bias [O], y [N, O, OH, OW] with
 *
 *   OH = ⌊(H + 2 · padding − dilation · (kernelHeight − 1) − 1) / stride⌋ + 1        and OW likewise
 *
 * conv1d is the same with a height of 1. Backward, with g = ∂L/∂y:
 *
 *   ∂L/∂bias   = Σ g                   over samples and positions
 *   ∂L/∂weight = Σₙ g · Xᵀ
 *   ∂L/∂x      = col2im(Wᵀ · g)        every cell of x gets the sum over its copies in X
 */
import { choose } from "../autograd/backend.ts";
import { checkOptions } from "../autograd/checks.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Kernel, Rule } from "../autograd/tape.ts";
import { apply } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { conv2dForward, conv2dGradInput, conv2dGradWeight, im2colIndex } from "../kernels/conv2d.ts";
import type { Conv2dGeometry } from "../kernels/conv2d.ts";
import { addProduct } from "../kernels/product.ts";
import { addProduct as wasmAddProduct } from "../kernels/wasm/product.ts";
import type { PairOption } from "./checks.ts";
import { convGeometry } from "./convGeometry.ts";
import type { Padding, Sizes } from "./convGeometry.ts";

/** What has a default in a convolution whose sizes are of type `Size`. */
export interface ConvOptions<Size> {
  /** [O]. Default: none. */
  readonly bias?: Tensor | null;
  /** Step from output to output. Default 1. */
  readonly stride?: Size;
  /** Zeros around the input: a size, "valid" for none, or "same" for an output of the input's size. Default 0. */
  readonly padding?: Padding<Size>;
  /** Step from cell to cell of the kernel. Default 1. */
  readonly dilation?: Size;
  /** Channels are cut into this many groups that do not see each other. Default 1. */
  readonly groups?: number;
}

/** A size along the only spatial dim. */
export type LengthOption = number | readonly [length: number];

/** One convolution with its sizes. */
export interface Convolution {
  readonly geometry: Conv2dGeometry;
  readonly outputShape: Shape;
  /** Whether somebody asks for ∂L/∂x: the first layer of a network seldom needs it. */
  readonly needsGradInput: boolean;
}

type ConvArgs = readonly [input: Tensor, weight: Tensor, bias: Tensor | null];

export const convRule =
  ({ geometry, outputShape, needsGradInput }: Convolution): Rule<ConvArgs> =>
  <A extends Num<A>>(x: A, weight: A, bias: A | null) => {
    const { batch, inChannels, outChannels, groups, kernelHeight, kernelWidth, outHeight, outWidth } = geometry;
    const taps = (inChannels / groups) * kernelHeight * kernelWidth;
    const positions = outHeight * outWidth;
    const index = im2colIndex(geometry);
    const columns = x.take(index).reshape([batch, groups, taps, positions]);
    const matrix = weight.reshape([groups, outChannels / groups, taps]);
    const product = matrix.matmul(columns).reshape([batch, outChannels, positions]);
    const output = bias === null ? product : product.add(bias.reshape([outChannels, 1]));
    return {
      output: output.reshape(outputShape),
      pullback: (gradOutput: A) => {
        const g = gradOutput.reshape([batch, groups, outChannels / groups, positions]);
        const gradColumns = (): A => matrix.transpose(-2, -1).matmul(g);
        return [
          needsGradInput ? gradColumns().putAdd(index, sizeOf(x.shape)).reshape(x.shape) : null,
          g.matmul(columns.transpose(-2, -1)).sum([0]).reshape(weight.shape),
          bias && gradOutput.reshape([batch, outChannels, positions]).sum([0, 2]),
        ];
      },
    };
  };

export const convKernel =
  ({ geometry, outputShape, needsGradInput }: Convolution): Kernel<ConvArgs> =>
  (x: NdArray, weight: NdArray, bias: NdArray | null) => {
    const { batch, outChannels, outHeight, outWidth } = geometry;
    const multiply = choose(addProduct, wasmAddProduct);
    return {
      output: new NdArray(conv2dForward(x.data, weight.data, bias && bias.data, geometry, multiply), outputShape),
      pullback: (gradOutput: NdArray) => [
        needsGradInput ? new NdArray(conv2dGradInput(gradOutput.data, weight.data, geometry, multiply), x.shape) : null,
        new NdArray(conv2dGradWeight(gradOutput.data, x.data, geometry, multiply), weight.shape),
        bias && gradOutput.reshape([batch, outChannels, outHeight * outWidth]).sum([0, 2]),
      ],
    };
  };

/**
 * Convolution over [height, width]: torch.nn.functional.conv2d.
 *
 * @param input [N, C, H, W] or [C, H, W]
 * @param weight [O, C / groups, kernelHeight, kernelWidth]
 * @param options.bias [O]. Default: none
 * @param options.stride a number, or [height, width]. Default 1
 * @param options.padding zeros on each side: a number, or [height, width]; "valid" is 0; "same" gives the output the
 *   input's size (for stride 1; an odd number of zeros has the one more at the end). Default 0
 * @param options.dilation a number, or [height, width]. Default 1
 * @param options.groups divides C and O. Default 1
 * @returns [N, O, OH, OW] or [O, OH, OW]
 * @throws RangeError if a size does not fit; TypeError if dtypes differ or an option is of the wrong kind
 * @example
 * const image = ones([1, 3, 3]);
 * conv2d(image, ones([1, 1, 2, 2])).toArray(); // [[[4, 4], [4, 4]]]
 */
export function conv2d(input: Tensor, weight: Tensor, options: ConvOptions<PairOption> = {}): Tensor {
  return convolve("conv2d", 2, input, weight, checkOptions("conv2d", options, CONV_OPTIONS));
}

/**
 * Convolution over [length]: torch.nn.functional.conv1d. Options as `conv2d`, with one size instead of two.
 *
 * @param input [N, C, L] or [C, L]
 * @param weight [O, C / groups, kernelSize]
 * @returns [N, O, OL] or [O, OL]
 * @throws RangeError if a size does not fit; TypeError if dtypes differ or an option is of the wrong kind
 * @example
 * conv1d(tensor([[1, 2, 4]]), tensor([[[-1, 1]]])).toArray(); // [[1, 2]]
 */
export function conv1d(input: Tensor, weight: Tensor, options: ConvOptions<LengthOption> = {}): Tensor {
  return convolve("conv1d", 1, input, weight, checkOptions("conv1d", options, CONV_OPTIONS));
}

const CONV_OPTIONS = ["bias", "stride", "padding", "dilation", "groups"] as const;

/** Both, for 1 or 2 spatial dims. */
export function convolve(
  name: string,
  spatial: 1 | 2,
  input: Tensor,
  weight: Tensor,
  { bias = null, stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvOptions<Sizes>,
): Tensor {
  const options = { stride, padding, dilation, groups };
  const { geometry, outputShape } = convGeometry(name, spatial, input, weight, bias, options);
  const convolution: Convolution = { geometry, outputShape, needsGradInput: input.requiresGrad };
  const op = { rule: convRule(convolution), kernel: convKernel(convolution), attributes: options };
  return apply(name, op, input, weight, bias);
}
