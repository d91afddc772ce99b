/**
 * The four walks that norms of columns are made of, over a matrix: sums about means, y = (x − mean) · scale + shift, sums of the
 * gradient, gradInput. A lane of a vector is a column with a mean and coefficients of its own. float32 cells are added for 16
 * rows, these sums in float64.
 */
import { doWhile, select, sequence, whileLoop } from "./assembler.ts";
import type { Code, Local, ModuleBuilder } from "./assembler.ts";
import { increase, storeMasked } from "./cellLoop.ts";
import { i32, v128 } from "./instructions.ts";
import { VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { CELLS, GRAD_BIAS, GRAD_OUTPUT, GRAD_WEIGHT, WEIGHT } from "./normScratch.ts";

/** What a module of these kernels exports: a matrix of `rows` of `width` cells begins at CELLS. */
export interface ColumnExports {
  /** Adds Σ (x − mean) and Σ (x − mean)² of each column to its two sums. */
  columnDeviations(rows: number, width: number): void;
  /** x ← (x − mean) · scale + shift */
  columnAffine(rows: number, width: number): void;
  /** Adds Σ g and Σ g · (x − mean). */
  columnDots(rows: number, width: number): void;
  /** x ← (g · scale + (x − mean) · slope + shift) · rstd */
  columnGradient(rows: number, width: number): void;
}

/** Columns of a matrix at most, in bytes, and where the numbers that belong to them lie: in the cells' dtype, sums in float64. */
export const WIDTH_BYTES: number = 64 * 1024;
const PLACE_BYTES: number = WIDTH_BYTES + 64;
export const MEANS: number = WEIGHT;
export const SCALES: number = MEANS + PLACE_BYTES;
export const SHIFTS: number = SCALES + PLACE_BYTES;
export const SLOPES: number = SHIFTS + PLACE_BYTES;
export const RSTDS: number = SLOPES + PLACE_BYTES;
export const COLUMN_SUMS: number = GRAD_BIAS;
export const COLUMN_PRODUCTS: number = GRAD_WEIGHT;

/** The coefficients that each kernel reads, in the order of its formula, and whether it adds to sums. */
export const COLUMN_KERNELS: Readonly<
  Record<keyof ColumnExports, { readonly coefficients: readonly number[]; readonly hasSums: boolean }>
> = {
  columnDeviations: { coefficients: [MEANS], hasSums: true },
  columnAffine: { coefficients: [MEANS, SCALES, SHIFTS], hasSums: false },
  columnDots: { coefficients: [MEANS], hasSums: true },
  columnGradient: { coefficients: [MEANS, SCALES, SHIFTS, SLOPES, RSTDS], hasSums: false },
};

export const BLOCK_ROWS = 16;
const TO_GRAD_OUTPUT: number = GRAD_OUTPUT - CELLS;
const NO_BITS: Code = v128.const(new Uint8Array(VECTOR_BYTES));

/** What the code of a row is made of: vectors of its cells and of what belongs to their columns. */
interface Column {
  readonly x: Code;
  readonly g: Code;
  readonly coefficients: readonly Code[];
  readonly sum: Local;
  readonly products: Local;
  readonly value: Local;
}

/** Code that adds to a column's sums, or else is the vector that its cells become. */
type OfRow = (column: Column) => Code;

/** Takes `together` vectors at a time. */
function addWalk(module: ModuleBuilder, lanes: Lanes, name: keyof ColumnExports, together: number, ofRow: OfRow): void {
  const { coefficients, hasSums } = COLUMN_KERNELS[name];
  module.function(name, null, (fn) => {
    const rows = fn.parameter("i32");
    const width = fn.parameter("i32");
    const [at, base, block, left, stride, from, totals] = [
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
    ];
    const mask = fn.variable("v128");
    const sumBytes = (8 * VECTOR_BYTES) / lanes.bytes;
    const vectors = Array.from({ length: together }, (_, i) => ({
      offset: i * VECTOR_BYTES,
      kept: coefficients.map((place) => ({ place, local: fn.variable("v128") })),
      sum: fn.variable("v128"),
      products: fn.variable("v128"),
    }));
    const value = fn.variable("v128");
    const strip = (count: number, store: typeof v128.store): Code => {
      const some = vectors.slice(0, count);
      const addSums = some.flatMap(({ sum, products }, i) => [
        ...lanes.addToMemory(totals, sum, i * sumBytes),
        ...lanes.addToMemory(totals, products, i * sumBytes + COLUMN_PRODUCTS - COLUMN_SUMS),
      ]);
      return sequence(
        ...some.flatMap(({ offset, kept, sum, products }) => [
          ...kept.map(({ place, local }) => local.set(v128.load(from.get, place + offset))),
          ...(hasSums ? [sum.set(NO_BITS), products.set(NO_BITS)] : []),
        ]),
        at.set(i32.add(base.get, from.get)),
        left.set(block.get),
        doWhile(
          left.get,
          ...some.map(({ offset, kept, sum, products }) => {
            const x = v128.load(at.get, offset);
            const g = v128.load(at.get, offset + TO_GRAD_OUTPUT);
            const code = ofRow({ x, g, coefficients: kept.map(({ local }) => local.get), sum, products, value });
            return hasSums ? code : store(at.get, code, offset);
          }),
          increase(at, stride.get),
          increase(left, i32.const(-1)),
        ),
        hasSums ? addSums : [],
        increase(from, i32.const(count * VECTOR_BYTES)),
        increase(totals, i32.const(count * sumBytes)),
      );
    };
    return sequence(
      base.set(i32.const(CELLS)),
      stride.set(lanes.bytesOf(width.get)),
      whileLoop(
        rows.get,
        block.set(select(rows.get, i32.const(BLOCK_ROWS), i32.lt_u(rows.get, i32.const(BLOCK_ROWS)))),
        from.set(i32.const(0)),
        totals.set(i32.const(COLUMN_SUMS)),
        whileLoop(
          i32.ge_u(stride.get, i32.add(from.get, i32.const(together * VECTOR_BYTES))),
          strip(together, v128.store),
        ),
        whileLoop(
          i32.lt_u(from.get, stride.get),
          mask.set(lanes.firstLanes(i32.sub(stride.get, from.get))),
          strip(1, (address, value) => storeMasked(address, value, mask)),
        ),
        increase(base, i32.mul(stride.get, block.get)),
        rows.set(i32.sub(rows.get, block.get)),
      ),
    );
  });
}

/** The kernels of columns for one dtype. */
export function addColumns(module: ModuleBuilder, lanes: Lanes): void {
  const { add, sub, mul } = lanes;
  const none: Code = [];
  addWalk(module, lanes, "columnDeviations", 4, ({ x, coefficients, sum, products, value }) => {
    const [mean = none] = coefficients;
    return sequence(
      sum.set(add(sum.get, value.tee(sub(x, mean)))),
      products.set(add(products.get, mul(value.get, value.get))),
    );
  });
  addWalk(module, lanes, "columnAffine", 4, ({ x, coefficients }) => {
    const [mean = none, scale = none, shift = none] = coefficients;
    return add(mul(sub(x, mean), scale), shift);
  });
  addWalk(module, lanes, "columnDots", 4, ({ x, g, coefficients, sum, products, value }) => {
    const [mean = none] = coefficients;
    return sequence(sum.set(add(sum.get, value.tee(g))), products.set(add(products.get, mul(value.get, sub(x, mean)))));
  });
  addWalk(module, lanes, "columnGradient", 2, ({ x, g, coefficients }) => {
    const [mean = none, scale = none, shift = none, slope = none, rstd = none] = coefficients;
    return mul(add(mul(g, scale), add(mul(sub(x, mean), slope), shift)), rstd);
  });
}
