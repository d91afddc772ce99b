/** Cases of SwitchableNorm, and what the errors of its gradients are relative to. */
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import type { SwitchableNormSaved, SwitchableNormSettings } from "../../../src/kernels/switchableNorm.ts";
import { groups, makeCase } from "./normCases.ts";
import type { Kind } from "./normCases.ts";

export type Size = readonly [samples: number, channels: number, positions: number];
export const MODES: readonly ["training", "evaluation", "without BN"] = ["training", "evaluation", "without BN"];

export interface Given {
  readonly size: Size;
  readonly mean: number;
  /** How far the means of instances are apart, whose deviations are about 0.5. */
  readonly apart: number;
  readonly mode: (typeof MODES)[number];
  readonly unbiased: boolean;
  readonly hasWeight: boolean;
  readonly hasBias: boolean;
  readonly eps: number;
  /** What x, as drawn, is multiplied by. */
  readonly scale: number;
  readonly gradScale: number;
}

export const usual: Omit<Given, "size"> = {
  mean: 1e4,
  apart: 1,
  mode: "training",
  unbiased: false,
  hasWeight: true,
  hasBias: true,
  eps: 1e-5,
  scale: 1,
  gradScale: 1,
};

export const SIZES: readonly (readonly [string, Size])[] = [
  ["few cells", [2, 3, 5]],
  ["instances of one cell", [40, 30, 1]],
  ["instances that are too short", [9, 13, 11]],
  ["the shortest instances", [3, 11, 32]],
  ["odd sizes", [5, 7, 37]],
  ["one sample", [1, 6, 211]],
  ["one channel", [7, 1, 149]],
  ["one instance", [1, 1, 1031]],
];

/** The scratch holds 131072 float32 cells of one array, or half as many float64, and numbers of 2048 instances. */
export const LARGE: readonly (readonly [string, Size])[] = [
  ["several chunks", [5, 7, 4099]],
  ["more instances than a chunk holds", [43, 49, 32]],
  ["an instance larger than the scratch", [1, 1, 131101]],
  ["more float64 than 8 MB", [2, 2, 262147]],
];

export interface Arrays {
  readonly x: FloatArray;
  readonly gradOutput: FloatArray;
  readonly weight: FloatArray | null;
  readonly bias: FloatArray | null;
  readonly meanLogits: FloatArray;
  readonly varLogits: FloatArray;
  readonly running: { readonly mean: FloatArray; readonly variance: FloatArray } | null;
}

/** float32 numbers, in arrays of either kind. */
export function draw(kind: Kind, { size, mean, apart, mode, hasWeight, hasBias, scale, gradScale }: Given): Arrays {
  const [samples, channels, positions] = size;
  const { x, gradOutput, weight, bias } = makeCase(Float32Array, groups(samples, channels, 1, positions), 0);
  const logits = positions === 1 || mode === "without BN" ? 2 : 3;
  const rounded = (values: ArrayLike<number>, of = (value: number, _i: number): number => value): FloatArray => {
    const numbers = Float32Array.from(values, of);
    return kind === Float32Array ? numbers : new Float64Array(numbers);
  };
  return {
    x: rounded(x, (value, i) => (mean + apart * Math.sin(Math.floor(i / positions)) + value) * scale),
    gradOutput: rounded(gradOutput, (value) => value * gradScale),
    weight: hasWeight && weight ? rounded(weight) : null,
    bias: hasBias && bias ? rounded(bias) : null,
    meanLogits: rounded([0.3, -0.2, 0.5].slice(0, logits)),
    varLogits: rounded([-0.1, 0.4, 0.2].slice(0, logits)),
    running:
      mode === "evaluation"
        ? {
            mean: rounded(new Float32Array(channels), (_, c) => (mean + Math.sin(c)) * scale),
            variance: rounded(new Float32Array(channels), (_, c) => (1.5 + Math.sin(c)) * scale * scale),
          }
        : null,
  };
}

export function settingsOf({
  size: [samples, channels, positions],
  mode,
  unbiased,
  eps,
}: Given): SwitchableNormSettings {
  const ofMeans = unbiased && positions === 1 ? 1 : 0;
  const counts = {
    IN: Math.max(1, positions - (unbiased ? 1 : 0)),
    LN: Math.max(1, channels - ofMeans),
    BN: Math.max(1, samples - ofMeans),
  };
  if (positions === 1) return { eps, counts, names: ["LN", "BN"] };
  return { eps, counts, names: mode === "without BN" ? ["IN", "LN"] : ["IN", "LN", "BN"] };
}

export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** What gradients' errors are relative to where terms cancel: a single term, or a sum of terms if their signs were random. */
export function termsOf(
  { x, gradOutput, weight }: Arrays,
  [, channels, positions]: Size,
  saved: SwitchableNormSaved,
): number[] {
  const { mixed, statistics } = saved;
  let direct = 0;
  const squares = { weight: new Float64Array(channels), mean: [0, 0, 0], variance: [0, 0, 0] };
  x.forEach((value, cell) => {
    const i = Math.floor(cell / positions);
    const c = i % channels;
    const [rstd = NaN, g = NaN] = [mixed.rstd[i], gradOutput[cell]];
    const xhat = (value - (mixed.mean[i] ?? NaN) - (mixed.correction[i] ?? NaN)) * rstd;
    const gradX = rstd * g * (weight?.[c] ?? 1);
    direct = Math.max(direct, Math.abs(gradX));
    squares.weight[c] = (squares.weight[c] ?? 0) + (g * xhat) ** 2;
    statistics.forEach(({ apart, variance }, k) => {
      squares.mean[k] = (squares.mean[k] ?? NaN) + (gradX * (apart[i] ?? NaN)) ** 2;
      squares.variance[k] = (squares.variance[k] ?? NaN) + (0.5 * gradX * xhat * rstd * (variance[i] ?? NaN)) ** 2;
    });
  });
  const likely = (of: ArrayLike<number>): number => Math.sqrt(largest(of));
  return [direct, likely(squares.weight), largest(gradOutput), likely(squares.mean), likely(squares.variance)];
}
