/**
 * What each norm is, in plain loops over sixty-digit numbers. Shares nothing with the library: the cells of each set are
 * enumerated, their mean and variance taken, and the output written down.
 *
 * The three ways by which x enters are kept apart: its own value, the mean, the variance. Differences by one of them,
 * with the others frozen, say what `direct`, `viaMean` and `viaVariance` are.
 */
import { NdArray, sizeOf } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { exactGradient, fixed, over, squareRoot, sum, times, toNumber } from "./fixedPoint.ts";
import type { Fixed } from "./fixedPoint.ts";

/** Cells that share a mean and a variance, and for each the weight and bias that it meets. */
export interface CellSet {
  readonly cells: readonly number[];
  readonly parameters: readonly number[];
  /** Constants in place of the cells' own statistics. */
  readonly running: { readonly mean: number; readonly variance: number } | null;
}

type Cell = readonly [cell: number, parameter: number];

function cellSet(cells: readonly Cell[], running: CellSet["running"] = null): CellSet {
  return { cells: cells.map(([cell]) => cell), parameters: cells.map(([, parameter]) => parameter), running };
}

/** A channel of all samples. */
export function batchNormSets([N = 0, C = 0, ...rest]: Shape, running: readonly CellSet["running"][] = []): CellSet[] {
  const positions = sizeOf(rest);
  const sets: CellSet[] = [];
  for (let c = 0; c < C; c++) {
    const cells: Cell[] = [];
    for (let n = 0; n < N; n++) for (let p = 0; p < positions; p++) cells.push([(n * C + c) * positions + p, c]);
    sets.push(cellSet(cells, running[c] ?? null));
  }
  return sets;
}

/** The last dims of each row. */
export function layerNormSets(shape: Shape, normalizedShape: Shape): CellSet[] {
  const n = sizeOf(normalizedShape);
  const sets: CellSet[] = [];
  for (let row = 0; row < sizeOf(shape.slice(0, shape.length - normalizedShape.length)); row++) {
    const cells: Cell[] = [];
    for (let i = 0; i < n; i++) cells.push([row * n + i, i]);
    sets.push(cellSet(cells));
  }
  return sets;
}

/** A channel of one sample. */
export function instanceNormSets([N = 0, C = 0, ...rest]: Shape): CellSet[] {
  const positions = sizeOf(rest);
  const sets: CellSet[] = [];
  for (let n = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      const cells: Cell[] = [];
      for (let p = 0; p < positions; p++) cells.push([(n * C + c) * positions + p, c]);
      sets.push(cellSet(cells));
    }
  }
  return sets;
}

/** C/G consecutive channels of one sample. */
export function groupNormSets([N = 0, C = 0, ...rest]: Shape, numGroups: number): CellSet[] {
  const positions = sizeOf(rest);
  const perGroup = C / numGroups;
  const sets: CellSet[] = [];
  for (let n = 0; n < N; n++) {
    for (let group = 0; group < numGroups; group++) {
      const cells: Cell[] = [];
      for (let k = 0; k < perGroup; k++) {
        const c = group * perGroup + k;
        for (let p = 0; p < positions; p++) cells.push([(n * C + c) * positions + p, c]);
      }
      sets.push(cellSet(cells));
    }
  }
  return sets;
}

/** The constants of a case in evaluation: −0.75, −0.25, … and 0.625, 0.875, …, as `exampleRunningStats` promises. */
function exampleConstants(channels: number): CellSet["running"][] {
  return Array.from({ length: channels }, (_, c) => ({ mean: c / 2 - 0.75, variance: c / 4 + 0.625 }));
}

/** The sets of a case, from its name, its label and its shape. A new norm needs an entry here. */
export const setsByNorm: Readonly<Record<string, (label: string, shape: Shape) => CellSet[]>> = {
  batchNorm: (label, shape) =>
    batchNormSets(shape, label.startsWith("evaluation, ") ? exampleConstants(shape[1] ?? 0) : []),
  layerNorm: (label, shape) =>
    layerNormSets(
      shape,
      shape.slice(shape.length - (/^normalizedShape \[(.*?)\]/.exec(label)?.[1] ?? "").split(",").length),
    ),
  instanceNorm: (label, shape) =>
    label.startsWith("running statistics, ")
      ? batchNormSets(shape, exampleConstants(shape[1] ?? 0))
      : instanceNormSets(shape),
  groupNorm: (label, shape) => groupNormSets(shape, Number(/^numGroups (\d+)/.exec(label)?.[1])),
};

export function setsOf({ norm, label, inputs }: NormCase): CellSet[] {
  const sets = setsByNorm[norm]?.(label, inputs[0]?.shape ?? []);
  if (sets === undefined) throw new RangeError(`setsOf: expected an oracle for ${norm}, got none`);
  return sets;
}

/** x, and the arrays that the mean and the variance are taken of: x again, unless one of the paths is to be frozen. */
export interface Paths {
  readonly x: readonly Fixed[];
  readonly forMean: readonly Fixed[];
  readonly forVariance: readonly Fixed[];
}

export interface Parameters {
  readonly weight: readonly Fixed[] | null;
  readonly bias: readonly Fixed[] | null;
}

export function throughAll(x: readonly Fixed[]): Paths {
  return { x, forMean: x, forVariance: x };
}

/** Mean and biased variance. */
export function meanOf(values: readonly Fixed[]): Fixed {
  return sum(values) / BigInt(values.length);
}

export function varianceOf(values: readonly Fixed[]): Fixed {
  const mean = meanOf(values);
  return meanOf(values.map((value) => times(value - mean, value - mean)));
}

/** 1/√(variance + eps), and 0 where there is nothing under the root. */
export function rstdOf(variance: Fixed, eps: number): Fixed {
  const root = squareRoot(variance + fixed(eps));
  return root === 0n ? 0n : over(fixed(1), root);
}

export function exactOutput(sets: readonly CellSet[], eps: number, paths: Paths, parameters: Parameters): Fixed[] {
  const output: Fixed[] = paths.x.map(() => 0n);
  for (const { cells, parameters: of, running } of sets) {
    const pick = (values: readonly Fixed[]): Fixed[] => cells.map((cell) => values[cell] ?? 0n);
    const mean = running ? fixed(running.mean) : meanOf(pick(paths.forMean));
    const rstd = rstdOf(running ? fixed(running.variance) : varianceOf(pick(paths.forVariance)), eps);
    cells.forEach((cell, i) => {
      const xhat = times((paths.x[cell] ?? 0n) - mean, rstd);
      const weight = parameters.weight?.[of[i] ?? 0] ?? fixed(1);
      output[cell] = times(xhat, weight) + (parameters.bias?.[of[i] ?? 0] ?? 0n);
    });
  }
  return output;
}

/** The inputs of a case as exact numbers, by name. */
export function exactInputs({ inputs: names }: NormCase, inputs: readonly NdArray[]): { x: Fixed[] } & Parameters {
  const find = (name: string): Fixed[] | null => {
    const array = inputs[names.findIndex((input) => input.name === name)];
    return array ? Array.from(array.data, fixed) : null;
  };
  return { x: find("x") ?? [], weight: find("weight"), bias: find("bias") };
}

/** Where a derivative is asked for: by x on all its paths or on one of them, or by a parameter. */
export type Along = "x" | "weight" | "bias" | "direct" | "viaMean" | "viaVariance";

/** ∂⟨gradOutput, y⟩ along one of the ways, by central differences in sixty digits. */
export function exactGradientAlong(
  along: Along,
  sets: readonly CellSet[],
  eps: number,
  { x, weight, bias }: { readonly x: readonly Fixed[] } & Parameters,
  gradOutput: NdArray,
): number[] {
  const g = Array.from(gradOutput.data, fixed);
  const loss = (paths: Paths, parameters: Parameters): Fixed =>
    sum(exactOutput(sets, eps, paths, parameters).map((y, cell) => times(y, g[cell] ?? 0n)));
  const all = throughAll(x);
  const given = { weight, bias };
  switch (along) {
    case "x":
      return exactGradient((moved) => loss(throughAll(moved), given), x);
    case "direct":
      return exactGradient((moved) => loss({ ...all, x: moved }, given), x);
    case "viaMean":
      return exactGradient((moved) => loss({ ...all, forMean: moved }, given), x);
    case "viaVariance":
      return exactGradient((moved) => loss({ ...all, forVariance: moved }, given), x);
    case "weight":
      return exactGradient((moved) => loss(all, { ...given, weight: moved }), weight ?? []);
    case "bias":
      return exactGradient((moved) => loss(all, { ...given, bias: moved }), bias ?? []);
  }
}

/** 1/√(σ² + eps) and x̂ at every cell, as doubles: the sizes that rounding is measured by. */
export function sizesOf(
  sets: readonly CellSet[],
  eps: number,
  x: readonly Fixed[],
): { readonly rstd: number[]; readonly xhat: number[]; readonly setOf: number[] } {
  const rstd: number[] = [];
  const setOf: number[] = [];
  for (const [set, { cells, running }] of sets.entries()) {
    const variance = running ? fixed(running.variance) : varianceOf(cells.map((cell) => x[cell] ?? 0n));
    for (const cell of cells) {
      rstd[cell] = toNumber(rstdOf(variance, eps));
      setOf[cell] = set;
    }
  }
  const xhat = exactOutput(sets, eps, throughAll(x), { weight: null, bias: null }).map(toNumber);
  return { rstd, xhat, setOf };
}
