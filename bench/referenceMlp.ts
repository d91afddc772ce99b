/** One training step of the multilayer perceptron in plain float64 loops. */
import { EPS } from "./cases.ts";
import type { MlpCase } from "./cases.ts";
import { mlpBatch, mlpParameters } from "./data.ts";

/** Its rows are samples. */
type Matrix = readonly Float64Array[];

/** What each parameter is after the step. `slope` is that of ReLU below zero. */
export function mlpReference(mlp: MlpCase, slope: number): readonly Float64Array[] {
  const relu = (x: Matrix): Matrix => x.map((row) => row.map((value) => (value > 0 ? value : slope * value)));
  const reluBackward = (gradient: Matrix, x: Matrix): Matrix =>
    gradient.map((row, i) => row.map((value, k) => ((x[i]?.[k] ?? 0) > 0 ? value : slope * value)));
  const { x, labels } = mlpBatch(mlp);
  const start = mlpParameters(mlp).map(({ data }) => Float64Array.from(data));
  const after = start.map((data) => data.slice());
  const at = (i: number): Float64Array => start[i] ?? new Float64Array();
  /** after ← start − lr · gradient */
  const learn = (i: number, cell: number, gradient: number): void => {
    const data = after[i];
    if (data) data[cell] = (data[cell] ?? 0) - mlp.lr * gradient;
  };
  const input = labels.map((_, row) => Float64Array.from(x.subarray(row * mlp.sizes[0], (row + 1) * mlp.sizes[0])));

  const linear1 = linear(input, at(0), at(1));
  const norm1 = norm(linear1, at(2), at(3));
  const hidden1 = relu(norm1.output);
  const linear2 = linear(hidden1, at(4), at(5));
  const norm2 = norm(linear2, at(6), at(7));
  const hidden2 = relu(norm2.output);
  const logits = linear(hidden2, at(8), at(9));

  const gradLogits = logits.map((row, i) => {
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    return row.map((value, k) => (Math.exp(value) / total - (k === labels[i] ? 1 : 0)) / mlp.batch);
  });
  const gradHidden2 = linearBackward(gradLogits, hidden2, at(8), learn, 8);
  const gradLinear2 = normBackward(reluBackward(gradHidden2, norm2.output), norm2, at(6), learn, 6);
  const gradHidden1 = linearBackward(gradLinear2, hidden1, at(4), learn, 4);
  const gradLinear1 = normBackward(reluBackward(gradHidden1, norm1.output), norm1, at(2), learn, 2);
  linearBackward(gradLinear1, input, at(0), learn, 0);
  return after;
}

type Learn = (parameter: number, cell: number, gradient: number) => void;

function linear(x: Matrix, weight: Float64Array, bias: Float64Array): Matrix {
  return x.map((row) =>
    bias.map((shift, out) => row.reduce((sum, value, k) => sum + value * (weight[out * row.length + k] ?? 0), shift)),
  );
}

function linearBackward(gradient: Matrix, x: Matrix, weight: Float64Array, learn: Learn, parameter: number): Matrix {
  return gradient.map((row, i) => {
    const input = x[i] ?? new Float64Array();
    const gradInput = new Float64Array(input.length);
    for (const [out, value] of row.entries()) {
      learn(parameter + 1, out, value);
      for (let k = 0; k < input.length; k++) {
        learn(parameter, out * input.length + k, value * (input[k] ?? 0));
        gradInput[k] = (gradInput[k] ?? 0) + value * (weight[out * input.length + k] ?? 0);
      }
    }
    return gradInput;
  });
}

interface Normalized {
  readonly output: Matrix;
  readonly xhat: Matrix;
  readonly rstd: readonly number[];
}

const meanOf = (row: Float64Array): number => row.reduce((sum, value) => sum + value, 0) / row.length;

function norm(x: Matrix, weight: Float64Array, bias: Float64Array): Normalized {
  const centered = x.map((row) => row.map((value, _, all) => value - meanOf(all)));
  const rstd = centered.map((row) => 1 / Math.sqrt(meanOf(row.map((value) => value ** 2)) + EPS));
  const xhat = centered.map((row, i) => row.map((value) => value * (rstd[i] ?? 0)));
  return { output: xhat.map((row) => row.map((value, k) => value * (weight[k] ?? 0) + (bias[k] ?? 0))), xhat, rstd };
}

function normBackward(
  gradient: Matrix,
  { xhat, rstd }: Normalized,
  weight: Float64Array,
  learn: Learn,
  parameter: number,
): Matrix {
  return gradient.map((row, i) => {
    const hat = xhat[i] ?? new Float64Array();
    for (const [k, value] of row.entries()) {
      learn(parameter, k, value * (hat[k] ?? 0));
      learn(parameter + 1, k, value);
    }
    const scaled = row.map((value, k) => value * (weight[k] ?? 0));
    const mean = meanOf(scaled);
    const dot = meanOf(scaled.map((value, k) => value * (hat[k] ?? 0)));
    return scaled.map((value, k) => (rstd[i] ?? 0) * (value - mean - (hat[k] ?? 0) * dot));
  });
}
