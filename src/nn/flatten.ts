import { checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { Module } from "../autograd/module.ts";
import { reshape } from "../autograd/rules.ts";
import { normalizeDim, sizeOf } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";

/**
 * Makes one dim of the dims startDim to endDim: torch.flatten.
 *
 * @param options.startDim first dim of those. Default 0 (the module's: 1)
 * @param options.endDim last dim of those. Default −1
 * @returns the same values; a tensor without dims becomes [1]
 * @throws RangeError if a dim does not exist, or startDim comes after endDim
 * @example
 * flatten(zeros([2, 3, 4]), { startDim: 1 }).shape; // [2, 12]
 */
export function flatten(input: Tensor, options: { readonly startDim?: number; readonly endDim?: number } = {}): Tensor {
  const { startDim = 0, endDim = -1 } = checkOptions("flatten", options, ["startDim", "endDim"]);
  const ndim = Math.max(1, checkTensor("flatten", "input", input).ndim);
  const start = normalizeDim(startDim, ndim, "flatten");
  const end = normalizeDim(endDim, ndim, "flatten");
  if (start > end) {
    throw new RangeError(`flatten: expected startDim to come before endDim ${endDim}, got ${startDim}`);
  }
  if (start === end && input.ndim > 0) return input;
  const { shape } = input;
  const flat = [...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)];
  return apply("flatten", { rule: reshape(flat), attributes: { startDim, endDim } }, input);
}

/**
 * Makes one dim of the dims startDim to endDim: torch.nn.Flatten. By default the batch dim stays.
 *
 * @param startDim default 1
 * @param endDim default −1
 * @throws TypeError if a dim is not a whole number
 * @example
 * const layer = new Flatten();
 * String(layer); // Flatten(startDim=1, endDim=-1)
 * layer.forward(zeros([2, 3, 4])).shape; // [2, 12]
 */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    if (!Number.isInteger(startDim) || !Number.isInteger(endDim)) {
      throw new TypeError(
        `Flatten: expected whole numbers as startDim and endDim, got ${describeValue(startDim)} and ${describeValue(endDim)}`,
      );
    }
    this.startDim = startDim;
    this.endDim = endDim;
  }

  override forward(input: Tensor): Tensor {
    return flatten(input, { startDim: this.startDim, endDim: this.endDim });
  }

  protected override extraRepr(): string {
    return `startDim=${this.startDim}, endDim=${this.endDim}`;
  }
}
