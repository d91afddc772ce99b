/**
 * Max pooling: y[p] = the largest x of window p, for windows that slide over each plane [H, W].
 *
 * Backward, with g = ∂L/∂y: g[p] goes to the cell that was chosen, and adds up where several windows chose the same.
 */
import { checkOptions } from "../autograd/checks.ts";
import { Module } from "../autograd/module.ts";
import type { Values } from "../autograd/num.ts";
import { gather } from "../autograd/rules.ts";
import type { Rule } from "../autograd/tape.ts";
import { apply } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { largestOfWindows } from "../kernels/pool2d.ts";
import { formatOptions } from "./checks.ts";
import type { PairOption } from "./checks.ts";
import { checkSliding, slidingPooling } from "./pooling.ts";
import type { Pooling } from "./pooling.ts";

export interface MaxPool2dOptions {
  /** Step from window to window. Default: kernelSize. */
  readonly stride?: PairOption;
  /** Cells around the input that never win; at most half of kernelSize. Default 0. */
  readonly padding?: PairOption;
  /** Step from cell to cell of a window. Default 1. */
  readonly dilation?: PairOption;
}

/** A selection of cells that the values choose; a rule that runs again on other values chooses again. */
export const maxPool2dRule = ({ planes, planeSize, windows, outputShape }: Pooling): Rule<readonly [Tensor]> =>
  gather((values: Values) => largestOfWindows(values, planes, planeSize, windows), outputShape);

/**
 * The largest value of each window: torch.nn.functional.max_pool2d. The gradient goes to the first of equal values, in
 * row-major order; NaN wins.
 *
 * @param input [N, C, H, W] or [C, H, W]
 * @param kernelSize of a window: a number, or [height, width]
 * @param options.stride default kernelSize
 * @param options.padding cells that never win, at most half of kernelSize. Default 0
 * @param options.dilation step from cell to cell of a window. Default 1
 * @returns [N, C, OH, OW] or [C, OH, OW], OH = ⌊(H + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1
 * @throws RangeError if an option is out of range, no window fits, or one would lie in padding alone
 * @example
 * maxPool2d(tensor([[[1, 2], [3, 4]]]), 2).toArray(); // [[[4]]]
 */
export function maxPool2d(input: Tensor, kernelSize: PairOption, options: MaxPool2dOptions = {}): Tensor {
  const {
    stride = kernelSize,
    padding = 0,
    dilation = 1,
  } = checkOptions("maxPool2d", options, ["stride", "padding", "dilation"]);
  const sliding = checkSliding("maxPool2d", { kernelSize, stride, padding, dilation });
  const rule = maxPool2dRule(slidingPooling("maxPool2d", input, sliding));
  return apply("maxPool2d", { rule, attributes: { ...sliding } }, input);
}

/**
 * The largest value of each window: torch.nn.MaxPool2d. Options as `maxPool2d`.
 *
 * @example
 * const pool = new MaxPool2d(2);
 * String(pool); // MaxPool2d(kernelSize=2, stride=2, padding=0, dilation=1)
 * pool.forward(randn([1, 3, 8, 8])).shape; // [1, 3, 4, 4]
 */
export class MaxPool2d extends Module {
  readonly kernelSize: PairOption;
  readonly stride: PairOption;
  readonly padding: PairOption;
  readonly dilation: PairOption;

  constructor(kernelSize: PairOption, options: MaxPool2dOptions = {}) {
    super();
    const {
      stride = kernelSize,
      padding = 0,
      dilation = 1,
    } = checkOptions("MaxPool2d", options, ["stride", "padding", "dilation"]);
    checkSliding("MaxPool2d", { kernelSize, stride, padding, dilation });
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
  }

  override forward(input: Tensor): Tensor {
    const { stride, padding, dilation } = this;
    return maxPool2d(input, this.kernelSize, { stride, padding, dilation });
  }

  protected override extraRepr(): string {
    const { kernelSize, stride, padding, dilation } = this;
    return formatOptions({ kernelSize, stride, padding, dilation });
  }
}
