/** The inputs of a case. Every language computes the same ones: a hash of the index, and no state. */
import { elementsOf, parametersOf } from "./cases.ts";
import type { Dtype, MatmulCase, MlpCase, NormCase } from "./cases.ts";

export type Floats = Float32Array | Float64Array;

interface Moments {
  readonly mean?: number;
  readonly std?: number;
}

/** Evenly distributed over mean ± √3 · std. */
export function values(seed: number, count: number, dtype: Dtype, { mean = 0, std = 1 }: Moments = {}): Floats {
  const result = empty(dtype, count);
  const width = std * Math.sqrt(12);
  for (let i = 0; i < count; i++)
    result[i] = mean + width * ((hash(i + Math.imul(seed, 0x9e3779b9)) + 0.5) / 2 ** 32 - 0.5);
  return result;
}

export function empty(dtype: Dtype, count: number): Floats {
  return dtype === "float32" ? new Float32Array(count) : new Float64Array(count);
}

/** MurmurHash3's finalizer. */
function hash(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export interface NormInputs {
  readonly x: Floats;
  readonly weight: Floats;
  readonly bias: Floats;
  readonly gradOutput: Floats;
  /** SwitchableNorm's logits, of IN, LN and BN. */
  readonly meanWeight: Floats;
  readonly varWeight: Floats;
}

export function normInputs(norm: NormCase): NormInputs {
  const { dtype, mean } = norm;
  const [count, parameters] = [elementsOf(norm), parametersOf(norm)];
  return {
    x: values(1, count, dtype, { mean }),
    weight: values(2, parameters, dtype, { mean: 1, std: 0.25 }),
    bias: values(3, parameters, dtype, { std: 0.25 }),
    gradOutput: values(4, count, dtype),
    meanWeight: values(5, 3, dtype),
    varWeight: values(6, 3, dtype),
  };
}

export function matmulInputs({ size, dtype }: MatmulCase): readonly [a: Floats, b: Floats] {
  return [values(1, size * size, dtype), values(2, size * size, dtype)];
}

export interface MlpParameter {
  /** Its key in a state dict of the Sequential. */
  readonly name: string;
  /** [outFeatures, inFeatures] or [features]. */
  readonly shape: readonly number[];
  readonly data: Floats;
}

/** The first weights, in the order in which results are compared: layer by layer, weight before bias. */
export function mlpParameters({ sizes, dtype }: MlpCase): readonly MlpParameter[] {
  const [inputs, hidden, hidden2, classes] = sizes;
  const linear = (layer: number, from: number, to: number): MlpParameter[] => [
    {
      name: `${layer}.weight`,
      shape: [to, from],
      data: values(10 + layer, to * from, dtype, { std: 1 / Math.sqrt(from) }),
    },
    { name: `${layer}.bias`, shape: [to], data: values(20 + layer, to, dtype, { std: 0.1 }) },
  ];
  const norm = (layer: number, features: number): MlpParameter[] => [
    { name: `${layer}.weight`, shape: [features], data: values(10 + layer, features, dtype, { mean: 1, std: 0.25 }) },
    { name: `${layer}.bias`, shape: [features], data: values(20 + layer, features, dtype, { std: 0.1 }) },
  ];
  return [
    ...linear(0, inputs, hidden),
    ...norm(1, hidden),
    ...linear(3, hidden, hidden2),
    ...norm(4, hidden2),
    ...linear(6, hidden2, classes),
  ];
}

export function mlpBatch({ sizes, batch, dtype }: MlpCase): { readonly x: Floats; readonly labels: number[] } {
  const labels = Array.from({ length: batch }, (_, i) => (7 * i) % sizes[3]);
  return { x: values(1, batch * sizes[0], dtype), labels };
}
