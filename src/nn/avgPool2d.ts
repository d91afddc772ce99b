/**
 * Average pooling: y[p] = Σ over window p of x / d, for windows that slide over each plane [H, W].
 *
 * The divisor d is kernelHeight · kernelWidth: cells in padding count as zeros. With `countIncludePad: false` it is the
 * number of cells inside of the input. Backward: see averagePool.ts.
 */
import { checkOptions } from "../autograd/checks.ts";
import { Module } from "../autograd/module.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { averagePool, windowSizes } from "./averagePool.ts";
import { formatOptions } from "./checks.ts";
import type { PairOption } from "./checks.ts";
import { checkSliding, slidingPooling } from "./pooling.ts";

export interface AvgPool2dOptions {
  /** Step from window to window. Default: kernelSize. */
  readonly stride?: PairOption;
  /** Zeros around the input; at most half of kernelSize. Default 0. */
  readonly padding?: PairOption;
  /** Divide by the size of the window, cells in padding included. Default true. */
  readonly countIncludePad?: boolean;
}

/**
 * The mean of each window: torch.nn.functional.avg_pool2d.
 *
 * @param input [N, C, H, W] or [C, H, W]
 * @param kernelSize of a window: a number, or [height, width]
 * @param options.stride default kernelSize
 * @param options.padding zeros around the input, at most half of kernelSize. Default 0
 * @param options.countIncludePad divide by the size of the window, cells in padding included. Default true
 * @returns [N, C, OH, OW] or [C, OH, OW], OH = ⌊(H + 2·padding − kernelSize) / stride⌋ + 1
 * @throws RangeError if an option is out of range, or no window fits
 * @example
 * avgPool2d(tensor([[[1, 2], [3, 4]]]), 2).toArray(); // [[[2.5]]]
 */
export function avgPool2d(input: Tensor, kernelSize: PairOption, options: AvgPool2dOptions = {}): Tensor {
  const {
    stride = kernelSize,
    padding = 0,
    countIncludePad = true,
  } = checkOptions("avgPool2d", options, ["stride", "padding", "countIncludePad"]);
  const sliding = checkSliding("avgPool2d", { kernelSize, stride, padding, dilation: 1 });
  const pooling = slidingPooling("avgPool2d", input, sliding);
  const sizes = windowSizes(pooling.windows);
  const divisors = countIncludePad ? sizes.fill(sizeOf(sliding.kernelSize)) : sizes;
  const { dilation: _, ...attributes } = sliding;
  return averagePool("avgPool2d", input, pooling, divisors, { ...attributes, countIncludePad });
}

/**
 * The mean of each window: torch.nn.AvgPool2d. Options as `avgPool2d`.
 *
 * @example
 * const pool = new AvgPool2d([2, 1], { padding: [1, 0] });
 * String(pool); // AvgPool2d(kernelSize=[2, 1], stride=[2, 1], padding=[1, 0])
 * pool.forward(randn([1, 3, 8, 8])).shape; // [1, 3, 5, 8]
 */
export class AvgPool2d extends Module {
  readonly kernelSize: PairOption;
  readonly stride: PairOption;
  readonly padding: PairOption;
  readonly countIncludePad: boolean;

  constructor(kernelSize: PairOption, options: AvgPool2dOptions = {}) {
    super();
    const {
      stride = kernelSize,
      padding = 0,
      countIncludePad = true,
    } = checkOptions("AvgPool2d", options, ["stride", "padding", "countIncludePad"]);
    checkSliding("AvgPool2d", { kernelSize, stride, padding, dilation: 1 });
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
    this.countIncludePad = countIncludePad;
  }

  override forward(input: Tensor): Tensor {
    const { stride, padding, countIncludePad } = this;
    return avgPool2d(input, this.kernelSize, { stride, padding, countIncludePad });
  }

  protected override extraRepr(): string {
    const { kernelSize, stride, padding } = this;
    return formatOptions({ kernelSize, stride, padding });
  }
}
