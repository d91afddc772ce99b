import type { NdArray } from "../../../src/autograd/index.ts";
import type { PlainOracle } from "./oracle.ts";

/** An input that the case must have. */
function given(inputs: Readonly<Record<string, NdArray | undefined>>, name: string): NdArray {
  const array = inputs[name];
  if (array === undefined) throw new RangeError(`expected an input ${name}, got none`);
  return array;
}

/** The cells of each set of the partition, in their order. */
function setsOf(partition: Int32Array): number[][] {
  const sets = new Map<number, number[]>();
  partition.forEach((set, cell) => sets.set(set, [...(sets.get(set) ?? []), cell]));
  return [...sets.values()];
}

function total(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

const rmsNorm: PlainOracle = ({ partition }, inputs, eps) => {
  const { data } = given(inputs, "x");
  const weight = inputs["weight"]?.data;
  const output: number[] = [];
  for (const cells of setsOf(partition)) {
    const meanSquare = total(cells.map((cell) => (data[cell] ?? NaN) ** 2)) / cells.length;
    const rms = Math.sqrt(meanSquare + eps);
    cells.forEach((cell, i) => {
      output[cell] = (rms === 0 ? 0 : (data[cell] ?? NaN) / rms) * (weight?.[i] ?? 1);
    });
  }
  return output;
};

const scaleNorm: PlainOracle = ({ partition }, inputs, eps) => {
  const { data } = given(inputs, "x");
  const [factor = 1] = inputs["weight"]?.data ?? [];
  const output: number[] = [];
  for (const cells of setsOf(partition)) {
    const divisor = Math.max(eps, Math.sqrt(total(cells.map((cell) => (data[cell] ?? NaN) ** 2))));
    for (const cell of cells) output[cell] = divisor === 0 ? 0 : (factor * (data[cell] ?? NaN)) / divisor;
  }
  return output;
};

const normalize: PlainOracle = ({ partition, label }, inputs, eps) => {
  const { data } = given(inputs, "x");
  const p = Number(/p (\d+|Infinity)$/.exec(label)?.[1]);
  const output: number[] = [];
  for (const cells of setsOf(partition)) {
    const values = cells.map((cell) => Math.abs(data[cell] ?? NaN));
    const norm = p === Infinity ? Math.max(...values) : total(values.map((value) => value ** p)) ** (1 / p);
    const divisor = Math.max(norm, eps);
    for (const cell of cells) output[cell] = divisor === 0 ? 0 : (data[cell] ?? NaN) / divisor;
  }
  return output;
};

const dynamicTanh: PlainOracle = (_, inputs) => {
  const [alpha = NaN] = given(inputs, "alpha").data;
  const [weight, bias] = [inputs["weight"]?.data ?? [1], inputs["bias"]?.data ?? [0]];
  return Array.from(given(inputs, "x").data, (value, cell) => {
    return Math.tanh(alpha * value) * (weight[cell % weight.length] ?? NaN) + (bias[cell % bias.length] ?? NaN);
  });
};

const localResponseNorm: PlainOracle = ({ label }, inputs, k) => {
  const { data, shape } = given(inputs, "x");
  const [size = NaN, alpha = NaN, beta = NaN] = Array.from(label.matchAll(/ ([\d.]+)/g), ([, found]) => Number(found));
  const [, channels = 0] = shape;
  const positions = shape.slice(2).reduce((a, b) => a * b, 1);
  return Array.from(data, (value, cell) => {
    const channel = Math.floor(cell / positions) % channels;
    let squares = 0;
    for (let j = channel - Math.floor(size / 2); j <= channel + Math.floor((size - 1) / 2); j++) {
      if (j >= 0 && j < channels) squares += (data[cell + (j - channel) * positions] ?? NaN) ** 2;
    }
    return value / (k + (alpha / size) * squares) ** beta;
  });
};

const adaptiveLayerNorm: PlainOracle = ({ partition }, inputs, eps) => {
  const { data, shape } = given(inputs, "x");
  const [scale, shift] = [given(inputs, "scale").data, given(inputs, "shift").data];
  const features = shape.at(-1) ?? 0;
  const cellsOfSample = data.length / (shape[0] ?? 0);
  const output: number[] = [];
  for (const cells of setsOf(partition)) {
    const [first = 0] = cells;
    const shifted = cells.map((cell) => (data[cell] ?? NaN) - (data[first] ?? NaN));
    const mean = total(shifted) / cells.length;
    const deviations = shifted.map((value) => value - mean);
    const std = Math.sqrt(total(deviations.map((value) => value * value)) / cells.length + eps);
    cells.forEach((cell, i) => {
      const at = Math.floor(cell / cellsOfSample) * features + i;
      const xhat = std === 0 ? 0 : (deviations[i] ?? NaN) / std;
      output[cell] = xhat * (1 + (scale[at] ?? NaN)) + (shift[at] ?? NaN);
    });
  }
  return output;
};

export const simpleOracles: Readonly<Record<string, PlainOracle>> = {
  rmsNorm,
  scaleNorm,
  normalize,
  dynamicTanh,
  localResponseNorm,
  adaptiveLayerNorm,
};
