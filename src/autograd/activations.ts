/** The kernels of the activation functions that tensors have as methods. Their formulas are in num.ts and rules.ts. */
import * as typescript from "../kernels/pointwise.ts";
import { mapGradients, mapValues } from "../kernels/pointwise.ts";
import * as wasm from "../kernels/wasm/elementwise.ts";
import { choose } from "./backend.ts";
import { erf } from "./erf.ts";
import { NdArray } from "./ndarray.ts";
import type { Traced } from "./tape.ts";

export type Pointwise = (x: NdArray) => Traced<NdArray, readonly [gradInput: NdArray]>;

export const reluKernel: Pointwise = (x) => {
  const reluForward = choose(typescript.reluForward, wasm.reluForward);
  const reluGradInput = choose(typescript.reluGradInput, wasm.reluGradInput);
  return {
    output: new NdArray(reluForward(x.data), x.shape),
    pullback: (gradOutput) => [new NdArray(reluGradInput(gradOutput.data, x.data), x.shape)],
  };
};

export const tanhKernel: Pointwise = /* @__PURE__ */ pointwise(Math.tanh, (_, y) => 1 - y * y);

export const sigmoidKernel: Pointwise = /* @__PURE__ */ pointwise(
  (x) => {
    const z = Math.exp(-Math.abs(x)); // never overflows
    return x < 0 ? z / (1 + z) : 1 / (1 + z);
  },
  (_, y) => y * (1 - y),
);

export const geluKernel: Pointwise = /* @__PURE__ */ pointwise(
  (x) => x * 0.5 * (1 + erf(x * Math.SQRT1_2)),
  (x, y) => (x === 0 ? 0.5 : y / x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
);

/** The kernel of a function of one value, whose derivative is given in terms of x and y. */
export function pointwise(f: (x: number) => number, slope: (x: number, y: number) => number): Pointwise {
  return (x) => {
    const output = new NdArray(mapValues(x.data, f), x.shape);
    return {
      output,
      pullback: (gradOutput) => [new NdArray(mapGradients(gradOutput.data, x.data, output.data, slope), x.shape)],
    };
  };
}
