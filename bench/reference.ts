/** What is right: float64 and two passes, whatever the dtype of the case. Independent of the library and of its peers. */
import { EPS, layoutOf } from "./cases.ts";
import type { Case, MatmulCase, NormCase } from "./cases.ts";
import { matmulInputs, normInputs } from "./data.ts";
import { mlpReference } from "./referenceMlp.ts";
import { switchableReference } from "./referenceSwitchable.ts";

/**
 * - a norm: output, gradInput, gradWeight, gradBias (RMSNorm has none); SwitchableNorm's logits last
 * - matmul: the product
 * - a training step: what each parameter is after it
 *
 * @param slope of ReLU below zero
 */
export function reference(measured: Case, slope = 0): readonly Float64Array[] {
  if (measured.op === "matmul") return [product(measured)];
  if (measured.op === "mlp") return mlpReference(measured, slope);
  if (measured.op === "switchableNorm") return switchableReference(measured);
  return normReference(measured);
}

function normReference(norm: NormCase): readonly Float64Array[] {
  const { x, weight, bias, gradOutput } = normInputs(norm);
  const { repeats, sets, length, period, run } = layoutOf(norm);
  const centered = norm.op !== "rmsNorm";
  const count = repeats * length;
  const output = new Float64Array(x.length);
  const gradInput = new Float64Array(x.length);
  const gradWeight = new Float64Array(weight.length);
  const gradBias = new Float64Array(weight.length);
  for (let set = 0; set < sets; set++) {
    const parameter = (l: number): number => (set % period) * (length / run) + Math.floor(l / run);
    const each = (use: (cell: number, parameter: number) => void): void => {
      for (let r = 0; r < repeats; r++) {
        for (let l = 0; l < length; l++) use((r * sets + set) * length + l, parameter(l));
      }
    };
    let mean = 0;
    if (centered) each((i) => (mean += (x[i] ?? 0) / count));
    let variance = 0;
    each((i) => (variance += ((x[i] ?? 0) - mean) ** 2 / count));
    const rstd = 1 / Math.sqrt(variance + EPS);
    let meanGrad = 0;
    let meanDot = 0;
    each((i, p) => {
      const xhat = ((x[i] ?? 0) - mean) * rstd;
      const grad = gradOutput[i] ?? 0;
      output[i] = xhat * (weight[p] ?? 0) + (centered ? (bias[p] ?? 0) : 0);
      gradWeight[p] = (gradWeight[p] ?? 0) + grad * xhat;
      gradBias[p] = (gradBias[p] ?? 0) + grad;
      meanGrad += (grad * (weight[p] ?? 0)) / count;
      meanDot += (grad * (weight[p] ?? 0) * xhat) / count;
    });
    each((i, p) => {
      const xhat = ((x[i] ?? 0) - mean) * rstd;
      gradInput[i] = rstd * ((gradOutput[i] ?? 0) * (weight[p] ?? 0) - (centered ? meanGrad : 0) - xhat * meanDot);
    });
  }
  return centered ? [output, gradInput, gradWeight, gradBias] : [output, gradInput, gradWeight];
}

function product(matmul: MatmulCase): Float64Array {
  const [a, b] = matmulInputs(matmul);
  const n = matmul.size;
  const result = new Float64Array(n * n);
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < n; k++) {
      const factor = a[row * n + k] ?? 0;
      for (let column = 0; column < n; column++) {
        result[row * n + column] = (result[row * n + column] ?? 0) + factor * (b[k * n + column] ?? 0);
      }
    }
  }
  return result;
}
