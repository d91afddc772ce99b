/**
 * One step of the gated recurrent unit. Cho et al. (2014), https://arxiv.org/abs/1406.1078, with the reset gate where
 * PyTorch has it: after the product with Wₕₙ and its bias (Cho: before the product).
 *
 *   u = x · Wᵢₕᵀ + bᵢₕ        v = h · Wₕₕᵀ + bₕₕ        both [batch, 3 · hiddenSize]: the parts r, z, n
 *   r = σ(uᵣ + vᵣ)            reset
 *   z = σ(u_z + v_z)          update: the share of the old state
 *   n = tanh(uₙ + r · vₙ)     candidate
 *   h′ = (1 − z) · n + z · h
 *
 * Backward of the gates, with g = ∂L/∂h′:
 *
 *   aₙ = g · (1 − z) · (1 − n²)                          the gradients before tanh and σ
 *   aᵣ = aₙ · vₙ · r · (1 − r)
 *   a_z = g · (h − n) · z · (1 − z)
 *   ∂L/∂u = (aᵣ, a_z, aₙ)        ∂L/∂v = (aᵣ, a_z, aₙ · r)        ∂L/∂h = g · z, and what comes through v
 */
import { checkOptions } from "../autograd/checks.ts";
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

/** What the backward reads. */
export interface GRUGatesSaved<A> {
  readonly h: A;
  readonly vn: A;
  readonly r: A;
  readonly z: A;
  readonly n: A;
}

export function gruGatesForward<A extends Num<A>>(
  u: A,
  v: A,
  h: A,
): { readonly output: A; readonly saved: GRUGatesSaved<A> } {
  const size = h.shape.at(-1) ?? 0;
  const vn = gateOf(v, 2, size);
  const r = gateOf(u, 0, size)
    .add(gateOf(v, 0, size))
    .sigmoid();
  const z = gateOf(u, 1, size)
    .add(gateOf(v, 1, size))
    .sigmoid();
  const n = gateOf(u, 2, size).add(r.mul(vn)).tanh();
  return { output: n.add(z.mul(h.sub(n))), saved: { h, vn, r, z, n } };
}

export function gruGatesBackward<A extends Num<A>>(
  gradOutput: A,
  { h, vn, r, z, n }: GRUGatesSaved<A>,
): readonly [gradU: A, gradV: A, gradH: A] {
  const viaN = gradOutput.sub(gradOutput.mul(z)).mul(tanhSlope(n));
  const viaR = viaN.mul(vn).mul(sigmoidSlope(r));
  const viaZ = gradOutput.mul(h.sub(n)).mul(sigmoidSlope(z));
  return [viaR.concat([viaZ, viaN], -1), viaR.concat([viaZ, viaN.mul(r)], -1), gradOutput.mul(z)];
}

export const gruGatesRule: Rule<readonly [u: Tensor, v: Tensor, h: Tensor]> = (u, v, h) => {
  const { output, saved } = gruGatesForward(u, v, h);
  return { output, pullback: (gradOutput) => gruGatesBackward(gradOutput, saved) };
};

/** The same pair as loops. */
export const gruGatesKernel: Kernel<readonly [u: Tensor, v: Tensor, h: Tensor]> = (u, v, h) => {
  const sizes = { rows: sizeOf(h.shape.slice(0, -1)), size: h.shape.at(-1) ?? 0 };
  const output = new Float64Array(h.data.length);
  const saved = new Float64Array(u.data.length);
  kernels.gruGates(output, saved, u.data, v.data, h.data, sizes);
  return {
    output: new NdArray(output, h.shape),
    pullback: (gradOutput) => {
      const [gradU, gradV] = [new Float64Array(u.data.length), new Float64Array(u.data.length)];
      const gradH = new Float64Array(h.data.length);
      kernels.gruGatesBackward(gradU, gradV, gradH, gradOutput.data, saved, v.data, h.data, sizes);
      return [new NdArray(gradU, u.shape), new NdArray(gradV, v.shape), new NdArray(gradH, h.shape)];
    },
  };
};

/**
 * One step of a gated recurrent unit on given weights, whose rows are those of r, z, n: torch.gru_cell.
 *
 * @param input [batch, inputSize] or [inputSize]
 * @param hx the state before, [batch, hiddenSize] or [hiddenSize]
 * @param weightIh [3 · hiddenSize, inputSize]
 * @param weightHh [3 · hiddenSize, hiddenSize]
 * @param options.biasIh, options.biasHh [3 · hiddenSize]. Default: none
 * @returns the state after, in the shape of hx
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ
 * @example
 * const [x, h] = [tensor([1]), tensor([4])]; // with weights of 0, r = z = ½ and n = 0
 * gruCell(x, h, zeros([3, 1]), zeros([3, 1])).toArray(); // [2]
 */
export function gruCell(
  input: Tensor,
  hx: Tensor,
  weightIh: Tensor,
  weightHh: Tensor,
  options: CellBiases = {},
): Tensor {
  const { biasIh = null, biasHh = null } = checkOptions("gruCell", options, ["biasIh", "biasHh"]);
  checkCell("gruCell", 3, { input, state: { hx }, weightIh, weightHh, biasIh, biasHh });
  const op = { rule: gruGatesRule, kernel: gruGatesKernel, computeIn: "float64" } as const;
  return apply("gruGates", op, linear(input, weightIh, biasIh), linear(hx, weightHh, biasHh), hx);
}

/**
 * A learnable step of a gated recurrent unit: torch.nn.GRUCell. Its parameters weightIh, weightHh, biasIh and biasHh have
 * the rows of r, z, n in this order, and begin uniform within 1/√hiddenSize.
 *
 * `forward(input, hx)` takes input [batch, inputSize] or [inputSize], and hx [batch, hiddenSize] or [hiddenSize], zeros
 * where it is left out; it answers the state after.
 *
 * @param options.bias default true
 * @param options.generator draws the initial numbers. Default: the one that `manualSeed` seeds
 * @param options.dtype of the parameters. Default: the default dtype, float64 (PyTorch: float32)
 * @throws RangeError if a size is not a positive whole number
 * @example
 * const cell = new GRUCell(8, 16);
 * String(cell); // GRUCell(8, 16)
 * let h = cell.forward(randn([32, 8])); // from a state of zeros
 * h = cell.forward(randn([32, 8]), h);
 * h.shape; // [32, 16]
 */
export class GRUCell extends RecurrentCell<Tensor, Tensor> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super("GRUCell", 3, inputSize, hiddenSize, options);
  }

  override forward(input: Tensor, hx: Tensor | null = null): Tensor {
    const { weightIh, weightHh, biasIh, biasHh } = this;
    return gruCell(input, hx ?? this.initialState("gruCell", input), weightIh, weightHh, { biasIh, biasHh });
  }
}
