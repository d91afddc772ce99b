/** Laws that know what the norm is: exact values, exact gradients, and what follows from shared statistics. */
import { NdArray } from "../../src/autograd/index.ts";
import { toNumber } from "./fixedPoint.ts";
import type { NormDraw } from "./normDraws.ts";
import { runOp } from "./normLaws.ts";
import type { Law } from "./normLaws.ts";
import { exactGradientAlong, exactInputs, exactOutput, setsOf, sizesOf, throughAll } from "./normOracles.ts";
import type { Along, CellSet } from "./normOracles.ts";

/**
 * Each law compares with sixty digits, so what is left is the library's own rounding: some hundred roundings of 1.1e-16,
 * relative to the largest of the terms that a result is made of (they may cancel).
 */
export const ROUNDING = 1e-14;

function expectWithin(
  what: string,
  actual: Readonly<ArrayLike<number>>,
  expected: readonly number[],
  scale: readonly number[],
  tolerance = ROUNDING,
): void {
  if (actual.length !== expected.length) throw new Error(`${what}: expected ${expected.length}, got ${actual.length}`);
  expected.forEach((value, i) => {
    const error = Math.abs((actual[i] ?? NaN) - value);
    if (!(error <= tolerance * (scale[i] ?? NaN))) {
      throw new Error(`${what}: expected ${value} at ${i}, got ${actual[i]} (error ${error}, scale ${scale[i]})`);
    }
  });
}

/** Everything about a draw that the laws measure by; all arrays but `sets` have an entry for each cell of x. */
export interface Measured {
  readonly sets: readonly CellSet[];
  readonly exact: ReturnType<typeof exactInputs>;
  readonly rstd: readonly number[];
  readonly xhat: readonly number[];
  /** The weight that each cell meets; 1 without. */
  readonly weight: readonly number[];
  /** ĝ = gradOutput · weight */
  readonly gradXhat: readonly number[];
  /** rstd times the largest |ĝ| of the cell's set: the size of the terms of gradInput. */
  readonly gradScale: readonly number[];
}

export function measure({ normCase, eps, inputs, gradOutput }: NormDraw): Measured {
  const sets = setsOf(normCase);
  const exact = exactInputs(normCase, inputs);
  const { rstd, xhat } = sizesOf(sets, eps, exact.x);
  const weight: number[] = [];
  for (const { cells, parameters } of sets) {
    cells.forEach((cell, i) => (weight[cell] = exact.weight ? toNumber(exact.weight[parameters[i] ?? 0] ?? 0n) : 1));
  }
  const gradXhat = weight.map((w, cell) => w * (gradOutput.data[cell] ?? NaN));
  const gradScale: number[] = [];
  for (const { cells } of sets) {
    const largest = Math.max(...cells.map((cell) => Math.abs(gradXhat[cell] ?? NaN)));
    for (const cell of cells) gradScale[cell] = (rstd[cell] ?? NaN) * largest;
  }
  return { sets, exact, rstd, xhat, weight, gradXhat, gradScale };
}

/** Without eps a set of equal values is a kink, where no difference says anything. */
function hasKink({ sets, rstd }: Measured): boolean {
  return sets.some(({ cells }) => cells.length > 1 && rstd[cells[0] ?? 0] === 0);
}

function ownStatistics({ sets }: Measured): boolean {
  return sets.every(({ running }) => running === null);
}

/** The partition of the case is that of the oracle, and its output the oracle's. */
export const outputIsExact: Law = (draw) => {
  const { normCase, eps, inputs, gradOutput } = draw;
  const measured = measure(draw);
  const { sets, exact, xhat, weight } = measured;
  const expected = exactOutput(sets, eps, throughAll(exact.x), exact).map(toNumber);
  const scale: number[] = [];
  for (const { cells, parameters } of sets) {
    const largest = Math.max(...cells.map((cell) => Math.abs(xhat[cell] ?? NaN)));
    cells.forEach((cell, i) => {
      const shift = exact.bias ? toNumber(exact.bias[parameters[i] ?? 0] ?? 0n) : 0;
      scale[cell] = largest * Math.abs(weight[cell] ?? NaN) + Math.abs(shift);
    });
  }
  expectWithin("output", runOp(normCase, inputs, gradOutput).output.data, expected, scale);
};

export const partitionIsExact: Law = ({ normCase }) => {
  const indices = setsOf(normCase).map(({ cells }) => cells.map((cell) => normCase.partition[cell]));
  if (
    indices.some((set) => new Set(set).size !== 1) ||
    new Set(indices.map(([first]) => first)).size !== indices.length
  ) {
    throw new Error(`partition: expected the sets ${JSON.stringify(setsOf(normCase).map(({ cells }) => cells))}`);
  }
};

function expectAlong(
  what: string,
  along: Along,
  draw: NormDraw,
  measured: Measured,
  actual: NdArray | undefined,
): void {
  if (!actual) return;
  const expected = exactGradientAlong(along, measured.sets, draw.eps, measured.exact, draw.gradOutput);
  const isParameter = along === "weight" || along === "bias";
  expectWithin(what, actual.data, expected, isParameter ? sumScale(along, draw, measured) : measured.gradScale);
}

/** The sum of the sizes of what a parameter's gradient is the sum of. */
function sumScale(along: "weight" | "bias", { gradOutput }: NormDraw, { sets, xhat }: Measured): number[] {
  const scale: number[] = [];
  for (const { cells, parameters } of sets) {
    const largest = Math.max(...cells.map((cell) => Math.abs(xhat[cell] ?? NaN)));
    cells.forEach((cell, i) => {
      const parameter = parameters[i] ?? 0;
      const size = Math.abs(gradOutput.data[cell] ?? NaN) * (along === "weight" ? largest : 1);
      scale[parameter] = (scale[parameter] ?? 0) + size;
    });
  }
  return scale;
}

/** gradInput, gradWeight and gradBias, by differences in sixty digits, cell by cell. */
export const gradientsAreExact: Law = (draw) => {
  const measured = measure(draw);
  if (hasKink(measured)) return;
  const { gradients } = runOp(draw.normCase, draw.inputs, draw.gradOutput);
  draw.normCase.inputs.forEach(({ name }, i) => {
    if (name !== "x" && name !== "weight" && name !== "bias") throw new Error(`no oracle for the input ${name}`);
    expectAlong(`gradient of ${name}`, name, draw, measured, gradients[i]);
  });
};

/**
 * Each term is what its name says: the derivative by x on that path alone, with the mean, the variance or both and the
 * x that is normalized held where they are.
 */
export const termsAreTheirPaths: Law = (draw) => {
  const measured = measure(draw);
  if (hasKink(measured)) return;
  const terms = draw.normCase.trace(draw.inputs).terms(draw.gradOutput);
  for (const path of ["direct", "viaMean", "viaVariance"] as const) {
    expectAlong(path, path, draw, measured, terms[path]);
  }
};

/** Whole numbers over 2^20: sums with whole numbers up to 2^30 and small multiples are exact. */
function dyadic(x: NdArray): NdArray {
  return new NdArray(
    x.data.map((value) => Math.round((value % 1024) * 2 ** 20) / 2 ** 20),
    x.shape,
  );
}

function outputFor({ normCase, gradOutput, inputs }: NormDraw, x: NdArray): NdArray {
  return runOp(normCase, [x, ...inputs.slice(1)], gradOutput).output;
}

/** A constant that is added to all cells of a set leaves the output. */
export const shiftInvariance: Law = (draw) => {
  const [given] = draw.inputs;
  if (!given) return;
  const x = dyadic(given);
  const measured = measure({ ...draw, inputs: [x, ...draw.inputs.slice(1)] });
  if (!ownStatistics(measured)) return;
  const shifted = x.data.slice();
  measured.sets.forEach(({ cells }, set) => {
    for (const cell of cells) shifted[cell] = (x.data[cell] ?? NaN) + (2 ** 22 + 7) * (set - 1);
  });
  const expected = outputFor(draw, x);
  const scale = Array.from(expected.data, (y) => Math.abs(y) + 10);
  expectWithin("output", outputFor(draw, new NdArray(shifted, x.shape)).data, [...expected.data], scale);
};

/** Without eps a factor on x leaves the output; a power of two to the last bit, and a negative one turns x̂ around. */
export const scaleInvariance: Law = (draw) => {
  const [given, ...parameters] = draw.inputs;
  if (!given || draw.eps !== 0) return;
  const x = dyadic(given);
  const measured = measure({ ...draw, inputs: [x, ...parameters] });
  if (!ownStatistics(measured) || hasKink(measured)) return;
  const expected = outputFor(draw, x);
  const scale = Array.from(expected.data, (y) => Math.abs(y) + 10);
  expectWithin("output for 4 x", outputFor(draw, x.mul(4)).data, [...expected.data], scale, 0);
  expectWithin("output for 3 x", outputFor(draw, x.mul(3)).data, [...expected.data], scale);
  const turned = Array.from(
    expected.data,
    (y, cell) => y - 2 * (measured.weight[cell] ?? NaN) * (measured.xhat[cell] ?? NaN),
  );
  expectWithin("output for −x", outputFor(draw, x.neg()).data, turned, scale);
};

/** Σ gradInput = 0 and Σ gradInput · x̂ = eps · rstd³ · Σ ĝ · x̂ over each set. */
export const gradInputIsOrthogonal: Law = (draw) => {
  const measured = measure(draw);
  if (!ownStatistics(measured)) return;
  const { sets, rstd, xhat, gradXhat, gradScale } = measured;
  const [gradInput] = runOp(draw.normCase, draw.inputs, draw.gradOutput).gradients;
  for (const [set, { cells }] of sets.entries()) {
    const over = (f: (cell: number) => number): number => cells.reduce((total, cell) => total + f(cell), 0);
    const dx = (cell: number): number => gradInput?.data[cell] ?? NaN;
    const xh = (cell: number): number => xhat[cell] ?? NaN;
    const [first = 0] = cells;
    const s = rstd[first] ?? NaN;
    const size = cells.length * (gradScale[first] ?? NaN) * Math.max(1, ...cells.map((cell) => Math.abs(xh(cell))));
    expectWithin(`Σ gradInput of set ${set}`, [over(dx)], [0], [size]);
    const expected = draw.eps * s ** 3 * over((cell) => (gradXhat[cell] ?? NaN) * xh(cell));
    expectWithin(`Σ gradInput · x̂ of set ${set}`, [over((cell) => dx(cell) * xh(cell))], [expected], [size]);
  }
};

/** Where ĝ is constant over a set, nothing is left of it. */
export const constantGradientVanishes: Law = (draw) => {
  const measured = measure(draw);
  if (!ownStatistics(measured)) return;
  const g = draw.gradOutput.data.slice();
  measured.sets.forEach(({ cells }, set) => {
    for (const cell of cells) g[cell] = (set + 1.25) / (measured.weight[cell] ?? NaN);
  });
  const gradOutput = new NdArray(g, draw.gradOutput.shape);
  const [gradInput] = runOp(draw.normCase, draw.inputs, gradOutput).gradients;
  const { gradScale } = measure({ ...draw, gradOutput });
  expectWithin(
    "gradInput",
    gradInput?.data ?? [],
    [...g].map(() => 0),
    gradScale,
  );
};

/** Where the statistics are the input's own, a cell moves some other cell of its set: they do share them. */
export const partitionIsShared: Law = (draw) => {
  const measured = measure(draw);
  const [x] = draw.inputs;
  if (!x || !ownStatistics(measured) || draw.eps === 0) return;
  const before = outputFor(draw, x).data;
  for (const { cells } of measured.sets) {
    const [first, ...others] = cells;
    const moved = outputFor(
      draw,
      new NdArray(x.data.with(first ?? 0, (x.data[first ?? 0] ?? NaN) + draw.spread), x.shape),
    ).data;
    const same = others.filter((cell) => moved[cell] === before[cell]);
    if (same.length > 0) throw new Error(`cell ${first} did not move cells ${String(same)} of its set`);
  }
};

/** Laws of norms that have an oracle in normOracles.ts, by what they say. */
export const oracleLaws: Readonly<Record<string, Law>> = {
  "the output is the plain-loop oracle's": outputIsExact,
  "the partition is the oracle's": partitionIsExact,
  "all cells of a set of the partition share their statistics": partitionIsShared,
  "each gradient is the derivative in sixty digits": gradientsAreExact,
  "each term is the derivative along its path, the others frozen": termsAreTheirPaths,
  "a constant added to a set leaves the output": shiftInvariance,
  "without eps a factor on x leaves the output": scaleInvariance,
  "gradInput sums to zero over each set, and is orthogonal to x̂ but for eps": gradInputIsOrthogonal,
  "a constant ĝ gives gradInput 0": constantGradientVanishes,
};
