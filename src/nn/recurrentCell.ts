/** What RNNCell, GRUCell and LSTMCell share: parameters under PyTorch's names, checks, and a state of zeros. */
import { zeros } from "../autograd/creation.ts";
import { checkOptions } from "../autograd/checks.ts";
import { Module, Parameter } from "../autograd/module.ts";
import { formatShape, sameShape } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkCount } from "./checks.ts";
import { uniform } from "./init.ts";
import type { DrawOptions } from "./init.ts";

/** The shifts of the functional cells, each [gates · hiddenSize]. */
export interface CellBiases {
  /** Added to input · weightIhᵀ. Default: none. */
  readonly biasIh?: Tensor | null;
  /** Added to h · weightHhᵀ. Default: none. */
  readonly biasHh?: Tensor | null;
}

export interface CellOptions extends DrawOptions {
  /** Learn both biases. Default true. */
  readonly bias?: boolean;
}

export const CELL_OPTIONS = ["bias", "generator", "dtype"] as const;

/**
 * The base of the cells. Every parameter begins uniform within 1/√hiddenSize, as in PyTorch.
 *
 * @throws RangeError if a size is not a positive whole number
 */
export abstract class RecurrentCell<State, Output> extends Module<readonly [input: Tensor, hx?: State | null], Output> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | null;
  readonly biasHh: Parameter | null;

  constructor(name: string, gates: number, inputSize: number, hiddenSize: number, options: CellOptions) {
    super();
    const { bias = true, generator, dtype } = checkOptions(name, options, CELL_OPTIONS);
    this.inputSize = checkCount(name, "inputSize", inputSize);
    this.hiddenSize = checkCount(name, "hiddenSize", hiddenSize);
    const rows = gates * hiddenSize;
    const draw = (shape: Shape): Parameter =>
      new Parameter(uniform(shape, 1 / Math.sqrt(hiddenSize), { generator, dtype }));
    this.weightIh = draw([rows, inputSize]);
    this.weightHh = draw([rows, hiddenSize]);
    this.biasIh = bias ? draw([rows]) : null;
    this.biasHh = bias ? draw([rows]) : null;
  }

  /** The state where none is passed: zeros, one row for each of the input. */
  protected initialState(name: string, input: Tensor): Tensor {
    const leading = checkTensor(name, "input", input).shape.slice(0, -1);
    return zeros([...leading, this.hiddenSize], { dtype: input.dtype });
  }

  protected override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ", bias=false" : ""}`;
  }
}

/** The arrays of a cell: those of the state by their names. */
export interface CellInputs extends CellBiases {
  readonly input: Tensor;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly weightIh: Tensor;
  readonly weightHh: Tensor;
}

/** Refuses shapes that do not fit; `gates` is how often hiddenSize goes into the rows of the weights. */
export function checkCell(
  name: string,
  gates: number,
  { input, state, weightIh, weightHh, biasIh = null, biasHh = null }: CellInputs,
): void {
  const rowsOf = gates === 1 ? "hiddenSize" : `${gates} · hiddenSize`;
  const [rows = 0, hiddenSize = 0] = checkTensor(name, "weightHh", weightHh).shape;
  if (weightHh.ndim !== 2 || rows !== gates * hiddenSize) {
    throw new RangeError(
      `${name}: expected weightHh [${rowsOf}, hiddenSize], got shape ${formatShape(weightHh.shape)}`,
    );
  }
  const inputSize = checkTensor(name, "weightIh", weightIh).shape[1];
  if (weightIh.ndim !== 2 || weightIh.shape[0] !== rows) {
    throw new RangeError(`${name}: expected weightIh [${rows}, inputSize], got shape ${formatShape(weightIh.shape)}`);
  }
  const { shape } = checkTensor(name, "input", input);
  if ((shape.length !== 1 && shape.length !== 2) || shape.at(-1) !== inputSize) {
    throw new RangeError(
      `${name}: expected input [batch, ${inputSize}] or [${inputSize}], got shape ${formatShape(shape)}`,
    );
  }
  const stateShape = [...shape.slice(0, -1), hiddenSize];
  for (const [what, tensor] of Object.entries(state)) checkShape(name, what, tensor, stateShape);
  if (biasIh !== null) checkShape(name, "biasIh", biasIh, [rows]);
  if (biasHh !== null) checkShape(name, "biasHh", biasHh, [rows]);
}

function checkShape(name: string, what: string, tensor: Tensor, shape: Shape): void {
  if (!sameShape(checkTensor(name, what, tensor).shape, shape)) {
    throw new RangeError(`${name}: expected ${what} of shape ${formatShape(shape)}, got ${formatShape(tensor.shape)}`);
  }
}
