/** Softmax and LogSoftmax as layers; the operations are those of the engine's tensors. */
import { describeValue } from "../autograd/format.ts";
import { Module } from "../autograd/module.ts";
import { checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";

/**
 * e^x / Σ e^x over `dim`: torch.nn.Softmax. (PyTorch guesses `dim` where it is left out, and warns; here it is required.)
 *
 * @param dim the sums are over this one; negative dims count from the end
 * @throws TypeError if it is not a whole number; RangeError from `forward` if the input has no such dim
 * @example
 * new Softmax(1).forward(tensor([[0, 0]])).toArray(); // [[0.5, 0.5]]
 */
export class Softmax extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = checkDim("Softmax", dim);
  }

  override forward(input: Tensor): Tensor {
    return checkTensor("Softmax", "input", input).softmax(this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/**
 * x − log Σ e^x over `dim`, without overflow: torch.nn.LogSoftmax. `dim` is required, as in `Softmax`.
 *
 * @example
 * String(new LogSoftmax(-1)); // LogSoftmax(dim=-1)
 */
export class LogSoftmax extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = checkDim("LogSoftmax", dim);
  }

  override forward(input: Tensor): Tensor {
    return checkTensor("LogSoftmax", "input", input).logSoftmax(this.dim);
  }

  protected override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

function checkDim(name: string, dim: number): number {
  if (!Number.isInteger(dim))
    throw new TypeError(`${name}: expected dim to be a whole number, got ${describeValue(dim)}`);
  return dim;
}
