/** Layouts and values that reach what the kernels treat in ways of their own. */
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import type { NormLayout } from "../../../src/kernels/normLayout.ts";
import type { NormCase } from "./normOracle.ts";

export type Kind = Float32ArrayConstructor | Float64ArrayConstructor;

export const rows = (sets: number, length: number): NormLayout => ({ repeats: 1, sets, length, period: 1, run: 1 });
export const groups = (batch: number, numGroups: number, channels: number, run: number): NormLayout => {
  return { repeats: 1, sets: batch * numGroups, length: channels * run, period: numGroups, run };
};
const instances = (batch: number, channels: number, run: number): NormLayout => groups(batch, channels, 1, run);
export const batches = (batch: number, channels: number, run: number): NormLayout => {
  return { repeats: batch, sets: channels, length: run, period: channels, run };
};

export const LAYOUTS: readonly (readonly [string, NormLayout])[] = [
  ["rows 67 × 8", rows(67, 8)],
  ["rows 53 × 13", rows(53, 13)],
  ["rows 23 × 31", rows(23, 31)],
  ["rows 8 × 64", rows(8, 64)],
  ["one row of 997", rows(1, 997)],
  ["rows 3 × 769", rows(3, 769)],
  ["more rows than a chunk holds", rows(2053, 11)],
  ["columns: rows of one cell", rows(600, 1)],
  ["groups of runs of 17", groups(5, 3, 4, 17)],
  ["groups of runs of 49", groups(2, 4, 2, 49)],
  ["groups with short runs", groups(13, 3, 5, 4)],
  ["instances of 37 cells", instances(4, 5, 37)],
  ["more instances than a chunk holds", instances(103, 20, 17)],
  ["batches of 29 cells", batches(7, 3, 29)],
  ["batches of 16 cells", batches(3, 17, 16)],
  ["batches of one cell", batches(31, 19, 1)],
  ["repeats of several runs", { repeats: 3, sets: 6, length: 57, period: 3, run: 19 }],
  ["rows of two cells", rows(301, 2)],
  ["rows of three cells", rows(211, 3)],
  ["rows of five cells", rows(103, 5)],
  ["rows of seven cells", rows(75, 7)],
  ["rows of nine cells", rows(57, 9)],
  ["rows of 23 cells", rows(29, 23)],
  ["instances of one cell", instances(90, 6, 1)],
  ["instances of three cells", instances(27, 7, 3)],
  ["instances of four cells", instances(9, 16, 4)],
  ["groups of [N, C]", groups(50, 3, 4, 1)],
  ["groups of two runs of three", groups(29, 6, 2, 3)],
  ["long groups of short runs", groups(5, 3, 37, 3)],
  ["long groups of [N, C]", groups(17, 2, 41, 1)],
  ["a batch of one channel", batches(601, 1, 1)],
  ["a batch of two channels", batches(301, 2, 1)],
  ["a batch of three channels", batches(200, 3, 1)],
  ["a batch of five channels", batches(103, 5, 1)],
  ["a batch of 130 channels", batches(17, 130, 1)],
  ["a batch of two samples", batches(2, 300, 2)],
  ["a batch of seven positions", batches(19, 17, 7)],
  ["a batch of nine positions", batches(33, 2, 9)],
  ["a batch of ten samples of few positions", batches(10, 13, 9)],
  ["a batch of ten samples", batches(10, 67, 1)],
  ["a batch of many samples of 17 positions", batches(67, 3, 17)],
  ["repeats of several short runs", { repeats: 18, sets: 8, length: 15, period: 4, run: 3 }],
  ["one cell", rows(1, 1)],
  ["one column", rows(1, 8)],
];

/** What takes a while. The scratch holds 131072 float32 cells of one array, or half as many float64. */
export const LARGE: readonly (readonly [string, NormLayout])[] = [
  ["rows that fill several chunks", rows(5, 17011)],
  ["batches that fill several chunks", batches(3, 5, 11003)],
  ["a batch larger than the scratch", batches(2, 1, 67003)],
  ["more channels than a chunk holds", batches(16, 17011, 1)],
  ["more samples than a chunk holds", batches(30011, 3, 1)],
  ["short rows that fill several chunks", rows(30011, 3)],
  ["groups larger than the scratch", groups(1, 2, 3, 45007)],
  ["a row larger than the scratch", rows(1, 140009)],
];

/** Numbers between −1 and 1 without a pattern, a little like a normal distribution. */
function draw(kind: Kind, length: number, seed: number, mean = 0): FloatArray {
  const values = new kind(length);
  let state = seed * 2654435761 + 1;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < 3; k++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      sum += state / 2 ** 32 - 0.5;
    }
    values[i] = mean + sum;
  }
  return values;
}

export function makeCase(kind: Kind, layout: NormLayout, mean: number, change: Partial<NormCase> = {}): NormCase {
  const size = layout.repeats * layout.sets * layout.length;
  const parameters = (layout.period * layout.length) / layout.run;
  return {
    x: draw(kind, size, 1, mean),
    gradOutput: draw(kind, size, 2),
    weight: draw(kind, parameters, 3, 1),
    bias: draw(kind, parameters, 4),
    layout,
    eps: 1e-5,
    centered: true,
    ...change,
  };
}
