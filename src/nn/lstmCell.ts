/**
 * One step of the long short-term memory. Hochreiter & Schmidhuber (1997), https://doi.org/10.1162/neco.1997.9.8.1735,
 * with the forget gate of Gers et al. (2000), without peepholes.
 *
 *   a = x · Wᵢₕᵀ + bᵢₕ + h · Wₕₕᵀ + bₕₕ                  [batch, 4 · hiddenSize]: the parts i, f, g, o
 *   i = σ(aᵢ)   f = σ(a_f)   g = tanh(a_g)   o = σ(aₒ)   input, forget, cell and output gate
 *   c′ = f · c + i · g
 *   h′ = o · tanh(c′)
 *
 * Backward of the gates, with t = tanh(c′):
 *
 *   k = ∂L/∂c′ + ∂L/∂h′ · o · (1 − t²)                   all that reaches c′
 *   ∂L/∂aᵢ = k · g · i · (1 − i)        ∂L/∂a_f = k · c · f · (1 − f)
 *   ∂L/∂a_g = k · i · (1 − g²)          ∂L/∂aₒ = ∂L/∂h′ · t · o · (1 − o)
 *   ∂L/∂c = k · f
 */
import { checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Kernel, Rule } from "../autograd/tape.ts";
import { apply } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import * as kernels from "../kernels/gates.ts";
import { gateOf, sigmoidSlope, tanhSlope } from "./gates.ts";
import { linear } from "./linear.ts";
import { checkCell, RecurrentCell } from "./recurrentCell.ts";
import type { CellBiases, CellOptions } from "./recurrentCell.ts";

/** What the backward reads; t is tanh(c′). */
export interface LSTMGatesSaved<A> {
  readonly c: A;
  readonly i: A;
  readonly f: A;
  readonly g: A;
  readonly o: A;
  readonly t: A;
}

/** An op has one output: h′ and c′ stand side by side, [*, 2 · hiddenSize]. */
export function lstmGatesForward<A extends Num<A>>(
  a: A,
  c: A,
): { readonly output: A; readonly saved: LSTMGatesSaved<A> } {
  const size = c.shape.at(-1) ?? 0;
  const i = gateOf(a, 0, size).sigmoid();
  const f = gateOf(a, 1, size).sigmoid();
  const g = gateOf(a, 2, size).tanh();
  const o = gateOf(a, 3, size).sigmoid();
  const nextC = f.mul(c).add(i.mul(g));
  const t = nextC.tanh();
  return { output: o.mul(t).concat([nextC], -1), saved: { c, i, f, g, o, t } };
}

export function lstmGatesBackward<A extends Num<A>>(
  gradOutput: A,
  { c, i, f, g, o, t }: LSTMGatesSaved<A>,
): readonly [gradA: A, gradC: A] {
  const size = c.shape.at(-1) ?? 0;
  const gradH = gateOf(gradOutput, 0, size);
  const reachesC = gateOf(gradOutput, 1, size).add(gradH.mul(o).mul(tanhSlope(t)));
  const viaI = reachesC.mul(g).mul(sigmoidSlope(i));
  const viaF = reachesC.mul(c).mul(sigmoidSlope(f));
  const viaG = reachesC.mul(i).mul(tanhSlope(g));
  const viaO = gradH.mul(t).mul(sigmoidSlope(o));
  return [viaI.concat([viaF, viaG, viaO], -1), reachesC.mul(f)];
}

export const lstmGatesRule: Rule<readonly [a: Tensor, c: Tensor]> = (a, c) => {
  const { output, saved } = lstmGatesForward(a, c);
  return { output, pullback: (gradOutput) => lstmGatesBackward(gradOutput, saved) };
};

/** The same pair as loops. */
export const lstmGatesKernel: Kernel<readonly [a: Tensor, c: Tensor]> = (a, c) => {
  const leading = c.shape.slice(0, -1);
  const sizes = { rows: sizeOf(leading), size: c.shape.at(-1) ?? 0 };
  const output = new Float64Array(2 * c.data.length);
  const saved = new Float64Array(5 * c.data.length);
  kernels.lstmGates(output, saved, a.data, c.data, sizes);
  return {
    output: new NdArray(output, [...leading, 2 * sizes.size]),
    pullback: (gradOutput) => {
      const gradA = new Float64Array(a.data.length);
      const gradC = new Float64Array(c.data.length);
      kernels.lstmGatesBackward(gradA, gradC, gradOutput.data, saved, c.data, sizes);
      return [new NdArray(gradA, a.shape), new NdArray(gradC, c.shape)];
    },
  };
};

/** What an LSTM carries from step to step: h goes out as well, c stays inside. */
export type LSTMState = readonly [h: Tensor, c: Tensor];

/**
 * One step of a long short-term memory on given weights, whose rows are those of i, f, g, o: torch.lstm_cell.
 *
 * @param input [batch, inputSize] or [inputSize]
 * @param hx the state before: [h, c], each [batch, hiddenSize] or [hiddenSize]
 * @param weightIh [4 · hiddenSize, inputSize]
 * @param weightHh [4 · hiddenSize, hiddenSize]
 * @param options.biasIh, options.biasHh [4 · hiddenSize]. Default: none
 * @returns the state after, [h, c]
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ or hx is no pair
 * @example
 * const before = [tensor([0]), tensor([4])] as const; // with weights of 0, i = f = o = ½ and g = 0
 * const [h, c] = lstmCell(tensor([1]), before, zeros([4, 1]), zeros([4, 1]));
 * c.toArray(); // [2]
 * h.toArray(); // [0.4820], which is tanh(2) / 2
 */
export function lstmCell(
  input: Tensor,
  hx: LSTMState,
  weightIh: Tensor,
  weightHh: Tensor,
  options: CellBiases = {},
): LSTMState {
  const { biasIh = null, biasHh = null } = checkOptions("lstmCell", options, ["biasIh", "biasHh"]);
  if (!Array.isArray(hx) || hx.length !== 2) {
    throw new TypeError(`lstmCell: expected hx as a pair [h, c], got ${describeValue(hx)}`);
  }
  const [h, c] = hx;
  checkCell("lstmCell", 4, { input, state: { h, c }, weightIh, weightHh, biasIh, biasHh });
  const gates = linear(input, weightIh, biasIh).add(linear(h, weightHh, biasHh));
  const op = { rule: lstmGatesRule, kernel: lstmGatesKernel, computeIn: "float64" } as const;
  const both = apply("lstmGates", op, gates, c);
  const size = c.shape.at(-1) ?? 0;
  return [gateOf(both, 0, size), gateOf(both, 1, size)];
}

/**
 * A learnable step of a long short-term memory: torch.nn.LSTMCell. Its parameters weightIh, weightHh, biasIh and biasHh
 * have the rows of i, f, g, o in this order, and begin uniform within 1/√hiddenSize, the forget gate's bias too.
 *
 * `forward(input, hx)` takes input [batch, inputSize] or [inputSize], and hx = [h, c], each [batch, hiddenSize] or
 * [hiddenSize], zeros where it is left out; it answers the pair after.
 *
 * @param options.bias default true
 * @param options.generator draws the initial numbers. Default: the one that `manualSeed` seeds
 * @param options.dtype of the parameters. Default: the default dtype, float64 (PyTorch: float32)
 * @throws RangeError if a size is not a positive whole number
 * @example
 * const cell = new LSTMCell(8, 16);
 * String(cell); // LSTMCell(8, 16)
 * let state = cell.forward(randn([32, 8])); // from a state of zeros
 * state = cell.forward(randn([32, 8]), state);
 * state[0].shape; // [32, 16]
 */
export class LSTMCell extends RecurrentCell<LSTMState, LSTMState> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super("LSTMCell", 4, inputSize, hiddenSize, options);
  }

  override forward(input: Tensor, hx: LSTMState | null = null): LSTMState {
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return lstmCell(input, hx ?? this.zeroState(input), weightIh, weightHh, { biasIh, biasHh });
  }

  private zeroState(input: Tensor): LSTMState {
    const zero = this.initialState("lstmCell", input);
    return [zero, zero];
  }
}
