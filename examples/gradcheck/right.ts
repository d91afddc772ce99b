/**
 * RMSNorm: y = x̂ · weight,  x̂ = x · rstd,  rstd = 1/√(mean(x²) + eps), over the last dim.
 *
 *   ∂L/∂x = rstd · (ĝ − x̂ · mean(ĝ · x̂))      ĝ = ∂L/∂y · weight
 */
import { checkOp } from "normgrad/gradcheck";

type Row = Float64Array;
const mean = (row: Row): number => row.reduce((a, b) => a + b, 0) / row.length;
const scaled = (row: Row, factor: number): Row => row.map((value) => value * factor);
const times = (a: Row, b: Row): Row => a.map((value, i) => value * (b[i] ?? NaN));
const minus = (a: Row, b: Row): Row => a.map((value, i) => value - (b[i] ?? NaN));
const plus = (a: Row, b: Row): Row => a.map((value, i) => value + (b[i] ?? NaN));

function backward(gradOutput: Row, x: Row, weight: Row, eps: number): Row[] {
  const gradX = new Float64Array(x.length);
  let gradWeight: Row = new Float64Array(weight.length);
  for (let start = 0; start < x.length; start += weight.length) {
    const row = x.subarray(start, start + weight.length);
    const g = gradOutput.subarray(start, start + weight.length);
    const rstd = 1 / Math.sqrt(mean(times(row, row)) + eps);
    const xhat = scaled(row, rstd);
    const gradXhat = times(g, weight);
    const viaRstd = scaled(xhat, mean(times(gradXhat, xhat)));
    gradX.set(scaled(minus(gradXhat, viaRstd), rstd), start);
    gradWeight = plus(gradWeight, times(g, xhat));
  }
  return [gradX, gradWeight];
}

checkOp("rmsNorm", {
  dims: { N: [1, 4], n: [1, 6] },
  params: { eps: [1e-6, 1e-5, 1] },
  inputs: ({ N, n }) => ({ x: [N, n], weight: [n] }),
  forward: ({ x, weight }, { eps }) => x.mul(x.square().mean([1], true).add(eps).rsqrt()).mul(weight),
  backward: (gradOutput, { x, weight }, { eps }) => backward(gradOutput, x, weight, eps),
});
