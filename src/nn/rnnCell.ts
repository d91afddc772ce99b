/**
 * One step of Elman's network. Elman (1990), https://doi.org/10.1207/s15516709cog1402_1
 *
 *   h′ = tanh(x · Wᵢₕᵀ + bᵢₕ + h · Wₕₕᵀ + bₕₕ)        or max(0, …) with nonlinearity "relu"
 *
 * Shapes: x [batch, inputSize], h and h′ [batch, hiddenSize], Wᵢₕ [hiddenSize, inputSize], Wₕₕ [hiddenSize, hiddenSize],
 * both b [hiddenSize]; or x and h without the batch dim.
 *
 * It is made of `linear` and an activation, whose backwards stand in their files.
 */
import { checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { relu, tanh } from "./activations.ts";
import { linear } from "./linear.ts";
import { CELL_OPTIONS, checkCell, RecurrentCell } from "./recurrentCell.ts";
import type { CellBiases, CellOptions } from "./recurrentCell.ts";

export type RNNNonlinearity = "tanh" | "relu";

export interface RNNCellBiases extends CellBiases {
  /** Default "tanh". */
  readonly nonlinearity?: RNNNonlinearity;
}

/**
 * One step of a recurrent network on given weights: torch.rnn_tanh_cell and torch.rnn_relu_cell.
 *
 * @param input [batch, inputSize] or [inputSize]
 * @param hx the state before, [batch, hiddenSize] or [hiddenSize]
 * @param weightIh [hiddenSize, inputSize]
 * @param weightHh [hiddenSize, hiddenSize]
 * @param options.biasIh, options.biasHh [hiddenSize]. Default: none
 * @param options.nonlinearity "tanh" or "relu". Default "tanh"
 * @returns the state after, in the shape of hx
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ or there is no such nonlinearity
 * @example
 * const [x, h] = [tensor([1, 2]), tensor([3])];
 * rnnCell(x, h, tensor([[1, 1]]), tensor([[2]]), { nonlinearity: "relu" }).toArray(); // [9]
 */
export function rnnCell(
  input: Tensor,
  hx: Tensor,
  weightIh: Tensor,
  weightHh: Tensor,
  options: RNNCellBiases = {},
): Tensor {
  const {
    biasIh = null,
    biasHh = null,
    nonlinearity = "tanh",
  } = checkOptions("rnnCell", options, ["biasIh", "biasHh", "nonlinearity"]);
  checkNonlinearity("rnnCell", nonlinearity);
  checkCell("rnnCell", 1, { input, state: { hx }, weightIh, weightHh, biasIh, biasHh });
  const sum = linear(input, weightIh, biasIh).add(linear(hx, weightHh, biasHh));
  return nonlinearity === "tanh" ? tanh(sum) : relu(sum);
}

export interface RNNCellOptions extends CellOptions {
  /** Default "tanh". */
  readonly nonlinearity?: RNNNonlinearity;
}

/**
 * A learnable step of a recurrent network: torch.nn.RNNCell. Its parameters weightIh, weightHh, biasIh and biasHh begin
 * uniform within 1/√hiddenSize.
 *
 * `forward(input, hx)` takes input [batch, inputSize] or [inputSize], and hx [batch, hiddenSize] or [hiddenSize], zeros
 * where it is left out; it answers the state after.
 *
 * @param options.bias default true
 * @param options.nonlinearity "tanh" or "relu". Default "tanh"
 * @param options.generator draws the initial numbers. Default: the one that `manualSeed` seeds
 * @param options.dtype of the parameters. Default: the default dtype, float64 (PyTorch: float32)
 * @throws RangeError if a size is not a positive whole number; TypeError if there is no such nonlinearity
 * @example
 * const cell = new RNNCell(8, 16);
 * String(cell); // RNNCell(8, 16)
 * let h = cell.forward(randn([32, 8])); // from a state of zeros
 * h = cell.forward(randn([32, 8]), h);
 * h.shape; // [32, 16]
 */
export class RNNCell extends RecurrentCell<Tensor, Tensor> {
  readonly nonlinearity: RNNNonlinearity;

  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    const { nonlinearity = "tanh", ...others } = checkOptions("RNNCell", options, [...CELL_OPTIONS, "nonlinearity"]);
    super("RNNCell", 1, inputSize, hiddenSize, others);
    this.nonlinearity = checkNonlinearity("RNNCell", nonlinearity);
  }

  override forward(input: Tensor, hx: Tensor | null = null): Tensor {
    const { weightIh, weightHh, biasIh, biasHh, nonlinearity } = this;
    const state = hx ?? this.initialState("rnnCell", input);
    return rnnCell(input, state, weightIh, weightHh, { biasIh, biasHh, nonlinearity });
  }

  protected override extraRepr(): string {
    return `${super.extraRepr()}${this.nonlinearity === "tanh" ? "" : `, nonlinearity=${this.nonlinearity}`}`;
  }
}

function checkNonlinearity(name: string, nonlinearity: RNNNonlinearity): RNNNonlinearity {
  if (nonlinearity === "tanh" || nonlinearity === "relu") return nonlinearity;
  throw new TypeError(`${name}: expected nonlinearity "tanh" or "relu", got ${describeValue(nonlinearity)}`);
}
