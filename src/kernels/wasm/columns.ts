/**
 * x as a matrix of a row for each repeat, of which a set is a few neighbouring columns. Each pass copies some rows after the other,
 * so that a matrix may be of any size.
 */
import type { FloatArray } from "../floatArray.ts";
import type { NormLayout } from "../normLayout.ts";
import { ModuleBuilder } from "./assembler.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { instantiate, lazily } from "./memory.ts";
import { addColumns, COLUMN_KERNELS, COLUMN_PRODUCTS, COLUMN_SUMS, WIDTH_BYTES } from "./normColumns.ts";
import type { ColumnExports } from "./normColumns.ts";
import { CELLS, CHUNK_BYTES } from "./normScratch.ts";

const kernelsOf = (lanes: Lanes) => (): ReturnType<typeof instantiate<ColumnExports>> => {
  const module = new ModuleBuilder();
  addColumns(module, lanes);
  return instantiate<ColumnExports>(module);
};
const float32Kernels = /* @__PURE__ */ lazily(/* @__PURE__ */ kernelsOf(float32Lanes));
const float64Kernels = /* @__PURE__ */ lazily(/* @__PURE__ */ kernelsOf(float64Lanes));

/** Fewer rows do not pay for what a column costs, however many columns there are; longer stretches have faster kernels. */
const FEWEST_CELLS = 512;
const FEWEST_ROWS = 10;
const LONGEST_STRETCH = 64;
/** Rows of fewer cells are taken for one, so that vectors are full. */
const NARROW = 64;

/** Some neighbouring sets, from number `first` on. */
export interface Columns {
  readonly kernels: ColumnExports;
  readonly cells: FloatArray;
  readonly float64: Float64Array;
  readonly bytes: number;
  readonly layout: NormLayout;
  readonly first: number;
  readonly sets: number;
  /** So many rows are one for the kernels. */
  readonly stacked: number;
}

/** null where another kernel is to be called. */
export function columnsOf(x: FloatArray, layout: NormLayout): readonly Columns[] | null {
  const { repeats, sets, length } = layout;
  if (repeats < FEWEST_ROWS || length > LONGEST_STRETCH || x.length < FEWEST_CELLS) return null;
  const instance = x instanceof Float32Array ? float32Kernels() : float64Kernels();
  if (instance === null) return null;
  const { exports: kernels, float32, float64 } = instance;
  const bytes = x.BYTES_PER_ELEMENT;
  const together = Math.floor(WIDTH_BYTES / bytes / length);
  const stacked = Math.max(1, Math.floor(NARROW / (sets * length)));
  return Array.from({ length: Math.ceil(sets / together) }, (_, i) => {
    const first = i * together;
    const cells = bytes === 4 ? float32 : float64;
    return { kernels, cells, float64, bytes, layout, first, sets: Math.min(together, sets - first), stacked };
  });
}

/**
 * Runs a kernel on `rows` rows, with the coefficients that the columns of one row have, and leaves its sums. The rows need not be
 * `copied` again if they all fit in a chunk.
 */
export function walk(
  { kernels, cells, float64, bytes, layout, first, sets, stacked }: Columns,
  kernel: keyof ColumnExports,
  inputs: readonly (readonly [place: number, from: FloatArray])[],
  {
    rows = layout.repeats,
    copied = false,
    output = null,
  }: {
    readonly rows?: number;
    readonly copied?: boolean;
    readonly output?: FloatArray | null;
  } = {},
): void {
  const { coefficients, hasSums } = COLUMN_KERNELS[kernel];
  const all = layout.sets * layout.length;
  const [from, width] = [first * layout.length, sets * layout.length];
  for (const place of coefficients) repeat(cells, place / bytes, width, stacked);
  const sums = hasSums ? [COLUMN_SUMS / 8, COLUMN_PRODUCTS / 8] : [];
  for (const at of sums) float64.fill(0, at, at + stacked * width);
  const most = stacked * Math.floor(CHUNK_BYTES / 2 / bytes / (stacked * width));
  const inOnePiece = layout.repeats <= most && (layout.repeats < stacked || layout.repeats % stacked === 0);
  for (let row = 0, count = 0; row < rows; row += count) {
    // First those that do not make up a whole row.
    count = (rows - row) % stacked || Math.min(most, rows - row);
    const stretches = width === all ? 1 : count;
    const size = (count * width) / stretches;
    for (const [place, input] of inputs) {
      if (copied && inOnePiece) continue;
      for (let k = 0; k < stretches; k++) {
        const start = (row + k) * all + from;
        cells.set(input.subarray(start, start + size), place / bytes + k * size);
      }
    }
    const together = Math.min(stacked, count);
    kernels[kernel](count / together, together * width);
    // The last vector of a row reaches beyond it.
    if (together < stacked) for (const at of sums) float64.fill(0, at + together * width, at + stacked * width);
    if (output === null) continue;
    for (let k = 0; k < stretches; k++) {
      const at = CELLS / bytes + k * size;
      output.set(cells.subarray(at, at + size), (row + k) * all + from);
    }
  }
  for (const at of sums) {
    for (let i = width; i < stacked * width; i++) float64[at + (i % width)]! += float64[at + i]!;
  }
}

/** What is at `at`, `times` times. */
function repeat(cells: FloatArray, at: number, size: number, times: number): void {
  for (let k = 1; k < times; k++) cells.copyWithin(at + k * size, at, at + size);
}

/** Gives the columns of set k the number `values[first + k]`. */
export function spread(
  { cells, bytes, layout: { length }, first, sets }: Columns,
  place: number,
  values: Float64Array,
): void {
  for (let k = 0, at = place / bytes; k < sets; k++) {
    const value = values[first + k]!;
    for (const end = at + length; at < end; at++) cells[at] = value;
  }
}

/** Σ over the columns of set k. */
export function sumOfSet({ float64, layout: { length } }: Columns, place: number, k: number): number {
  let sum = 0;
  for (let at = place / 8 + k * length, end = at + length; at < end; at++) sum += float64[at]!;
  return sum;
}
