/** The reference of the benchmark is written apart from the library; both must say the same in float64. */
import { describe, expect, test } from "vitest";
import { EPS, NORMS } from "../../bench/cases.ts";
import type { MlpCase, NormCase, NormKind } from "../../bench/cases.ts";
import { matmulInputs, mlpBatch, mlpParameters, normInputs, values } from "../../bench/data.ts";
import type { Floats } from "../../bench/data.ts";
import { reference } from "../../bench/reference.ts";
import { errorOf, median } from "../../bench/statistics.ts";
import {
  batchNorm,
  crossEntropy,
  groupNorm,
  instanceNorm,
  layerNorm,
  LayerNorm,
  Linear,
  NdArray,
  ReLU,
  rmsNorm,
  Sequential,
  SGD,
  switchableNorm,
  tensor,
} from "../../src/index.ts";
import type { Tensor } from "../../src/index.ts";

const TOLERANCE = 1e-12; // some hundred roundings of float64

const make = (data: Floats, shape: readonly number[]): Tensor => tensor(data, { shape, requiresGrad: true });

function ours(norm: NormCase): readonly (Tensor | null)[] {
  const inputs = normInputs(norm);
  const x = make(inputs.x, norm.shape);
  const size = [inputs.weight.length];
  const [weight, bias] = [make(inputs.weight, size), make(inputs.bias, size)];
  const [means, variances] = [make(inputs.meanWeight, [3]), make(inputs.varWeight, [3])];
  const options = { weight, bias, eps: EPS };
  const apply: Readonly<Record<NormKind, () => Tensor>> = {
    layerNorm: () => layerNorm(x, size, options),
    rmsNorm: () => rmsNorm(x, size, { weight, eps: EPS }),
    batchNorm: () => batchNorm(x, null, null, { ...options, training: true }),
    groupNorm: () => groupNorm(x, norm.numGroups, options),
    instanceNorm: () => instanceNorm(x, options),
    switchableNorm: () => switchableNorm(x, means, variances, { ...options, training: true }),
  };
  const output = apply[norm.op]();
  output.backward(tensor(inputs.gradOutput, { shape: norm.shape }));
  return [output, x.grad, weight.grad, bias.grad, means.grad, variances.grad];
}

describe("reference", () => {
  test.each(NORMS)("%s: output and gradients are those of the library", (op) => {
    const shape = op === "layerNorm" || op === "rmsNorm" ? [3, 7] : [3, 4, 5];
    const norm: NormCase = { id: "", title: "", op, shape, numGroups: 2, dtype: "float64", mean: 3 };
    const expected = reference(norm);
    const got = ours(norm).flatMap((array) => (array ? [array.data] : []));
    expect(got.length).toBe(expected.length);
    for (const [i, array] of expected.entries()) {
      expect(errorOf(got[i] ?? [], array).relative, `array ${i}`).toBeLessThan(TOLERANCE);
    }
  });

  test("matmul: rows of a by columns of b", () => {
    const matmul = { id: "", title: "", op: "matmul", size: 5, dtype: "float64" } as const;
    const [a, b] = matmulInputs(matmul).map((data) => new NdArray(data, [5, 5]));
    if (!a || !b) throw new Error("two matrices");
    expect(errorOf(a.matmul(b).data, reference(matmul)[0] ?? []).relative).toBeLessThan(TOLERANCE);
  });

  test("a training step leaves the same parameters", () => {
    const mlp: MlpCase = { id: "", title: "", op: "mlp", sizes: [5, 6, 7, 3], batch: 4, lr: 0.5, dtype: "float64" };
    const model = new Sequential(
      new Linear(5, 6),
      new LayerNorm(6),
      new ReLU(),
      new Linear(6, 7),
      new LayerNorm(7),
      new ReLU(),
      new Linear(7, 3),
    );
    model.loadStateDict(
      Object.fromEntries(mlpParameters(mlp).map(({ name, shape, data }) => [name, tensor(data, { shape })])),
    );
    const { x, labels } = mlpBatch(mlp);
    crossEntropy(model.forward(tensor(x, { shape: [4, 5] })), labels).backward();
    new SGD(model.parameters(), { lr: mlp.lr }).step();
    const after = Object.values(model.stateDict());
    for (const [i, array] of reference(mlp).entries()) {
      expect(errorOf(after[i]?.data ?? [], array).relative, `parameter ${i}`).toBeLessThan(TOLERANCE);
    }
  });
});

describe("values", () => {
  test("they are the same each time, have the asked mean and deviation, and differ between seeds", () => {
    const drawn = Array.from(values(1, 10_000, "float64", { mean: 5, std: 2 }));
    expect(Array.from(values(1, 10_000, "float64", { mean: 5, std: 2 }))).toEqual(drawn);
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
    expect(Math.abs(mean - 5)).toBeLessThan(5 * (2 / 100)); // five standard errors
    expect(Math.abs(Math.sqrt(variance) - 2)).toBeLessThan(5 * (2 / 100));
    expect(Math.abs(median(drawn) - 5)).toBeLessThan(0.2);
    expect(values(2, 3, "float64")).not.toEqual(values(1, 3, "float64"));
  });
});
