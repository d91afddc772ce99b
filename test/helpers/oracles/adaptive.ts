import type { NdArray } from "../../../src/autograd/index.ts";
import type { NormCase } from "../../../src/norms/index.ts";
import type { PlainOracle } from "./oracle.ts";

/** An input that the case must have. */
function given(inputs: Readonly<Record<string, NdArray | undefined>>, name: string): NdArray {
  const array = inputs[name];
  if (array === undefined) throw new RangeError(`expected an input ${name}, got none`);
  return array;
}

/** What stands after a word of the label: the 0.75 of "unbiased, alpha 0.75". */
function numberAfter(word: string, { label }: NormCase): number {
  return Number(new RegExp(`${word} (-?[\\d.]+)`).exec(label)?.[1]);
}

function total(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** Mean, and Σ (x − mean)², of values that may lie far from 0. */
function momentsOf(values: readonly number[]): { readonly mean: number; readonly deviations: readonly number[] } {
  const [first = 0] = values;
  const shifted = values.map((value) => value - first);
  const mean = total(shifted) / values.length;
  return { mean: first + mean, deviations: shifted.map((value) => value - mean) };
}

function squares(values: readonly number[]): number {
  return total(values.map((value) => value * value));
}

/** (x − mean) / √(variance + eps), 0 where there is nothing under the root. */
function standardized(deviations: readonly number[], variance: number, eps: number): number[] {
  return deviations.map((deviation) => (variance + eps === 0 ? 0 : deviation / Math.sqrt(variance + eps)));
}

/** The runs of `length` values that an array consists of. */
function runsOf({ data }: NdArray, length: number): number[][] {
  return Array.from({ length: data.length / length }, (_, i) => Array.from(data.slice(i * length, (i + 1) * length)));
}

function positionsOf({ shape }: NdArray): number {
  return shape.slice(2).reduce((a, b) => a * b, 1);
}

const adaptiveInstanceNorm: PlainOracle = (normCase, inputs, eps) => {
  const [content, style] = [given(inputs, "content"), given(inputs, "style")];
  const alpha = numberAfter("alpha", normCase);
  const correction = normCase.label.startsWith("unbiased") ? 1 : 0;
  const styles = runsOf(style, positionsOf(style));
  return runsOf(content, positionsOf(content)).flatMap((values, row) => {
    const of = momentsOf(values);
    const wanted = momentsOf(styles[row] ?? []);
    const variance = squares(wanted.deviations) / (wanted.deviations.length - correction);
    const z = standardized(of.deviations, squares(of.deviations) / (values.length - correction), eps);
    return z.map((value, i) => {
      const adapted = value * Math.sqrt(variance + eps) + wanted.mean;
      return alpha * adapted + (1 - alpha) * (values[i] ?? NaN);
    });
  });
};

const conditionalInstanceNorm: PlainOracle = ({ label }, inputs, eps) => {
  const x = given(inputs, "x");
  const [batch = 0, channels = 0] = x.shape;
  const labels = /^labels \[(.*?)\]/.exec(label)?.[1]?.split(", ").map(Number);
  const chosen = (table: NdArray | undefined, n: number, c: number, otherwise: number): number => {
    if (table === undefined) return otherwise;
    const [numStyles = 0] = table.shape;
    const cell = (s: number): number => table.data[s * channels + c] ?? NaN;
    if (labels) return cell(labels[n] ?? NaN);
    let sum = 0;
    for (let s = 0; s < numStyles; s++) sum += (inputs["blend"]?.data[n * numStyles + s] ?? NaN) * cell(s);
    return sum;
  };
  const rows = runsOf(x, positionsOf(x));
  if (rows.length !== batch * channels) throw new RangeError(`expected ${batch * channels} rows, got ${rows.length}`);
  return rows.flatMap((values, row) => {
    const [n, c] = [Math.floor(row / channels), row % channels];
    const { deviations } = momentsOf(values);
    const xhat = standardized(deviations, squares(deviations) / values.length, eps);
    return xhat.map((value) => value * chosen(inputs["weight"], n, c, 1) + chosen(inputs["bias"], n, c, 0));
  });
};

const filterResponseNorm: PlainOracle = (_, inputs, eps) => {
  const x = given(inputs, "x");
  const [, channels = 0] = x.shape;
  const learned = Math.abs(inputs["epsL"]?.data[0] ?? 0);
  const at = (name: string, c: number, otherwise: number): number =>
    inputs[name] ? (inputs[name].data[c] ?? NaN) : otherwise;
  return runsOf(x, positionsOf(x)).flatMap((values, row) => {
    const c = row % channels;
    const guarded = squares(values) / values.length + eps + learned;
    return values.map((value) => {
      const xhat = guarded === 0 ? 0 : value / Math.sqrt(guarded);
      return Math.max(xhat * at("weight", c, 1) + at("bias", c, 0), at("tau", c, -Infinity));
    });
  });
};

const weightStandardization: PlainOracle = ({ label }, inputs, eps) => {
  const weight = given(inputs, "weight");
  const unbiased = label.startsWith("unbiased");
  return runsOf(weight, weight.data.length / (weight.shape[0] ?? 1)).flatMap((values) => {
    const { deviations } = momentsOf(values);
    if (!unbiased) return standardized(deviations, squares(deviations) / values.length, eps);
    const divisor = Math.sqrt(squares(deviations) / (values.length - 1)) + eps;
    return deviations.map((deviation) => (divisor === 0 ? 0 : deviation / divisor));
  });
};

/** The position of each cell along a dim. */
function positionsAlong({ shape, data }: NdArray, dim: number): number[] {
  const inner = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  return Array.from(data, (_, cell) => Math.floor(cell / inner) % (shape[dim] ?? 1));
}

const weightNorm: PlainOracle = (normCase, inputs) => {
  const [v, g] = [given(inputs, "v"), given(inputs, "g")];
  const of = normCase.label === "whole" ? Array.from(v.data, () => 0) : positionsAlong(v, numberAfter("dim", normCase));
  return Array.from(v.data, (value, cell) => {
    const own = Array.from(v.data).filter((_, other) => of[other] === of[cell]);
    const norm = Math.sqrt(squares(own));
    return norm === 0 ? 0 : ((g.data[of[cell] ?? 0] ?? NaN) * value) / norm;
  });
};

/** With the vectors that the case promises: u = 0.5, 0.625, …, and v = 0.75, 1, 1.25, 1.5, 1.75, 0.75, …. */
const spectralNorm: PlainOracle = (normCase, inputs) => {
  const weight = given(inputs, "weight");
  const row = positionsAlong(weight, numberAfter("dim", normCase));
  const seen = new Map<number, number>();
  const terms = Array.from(weight.data, (value, cell) => {
    const i = row[cell] ?? 0;
    const j = seen.get(i) ?? 0; // cells of one row come in the order of the other dims
    seen.set(i, j + 1);
    return value * (0.5 + i / 8) * (0.75 + (j % 5) / 4);
  });
  const sigma = total(terms);
  return Array.from(weight.data, (value) => value / sigma);
};

export const adaptiveOracles: Readonly<Record<string, PlainOracle>> = {
  adaptiveInstanceNorm,
  conditionalInstanceNorm,
  filterResponseNorm,
  weightStandardization,
  weightNorm,
  spectralNorm,
};
