/** The matrix product behind matmul and conv2d: one fast loop over packed panels, whatever the operands look like. */
import type { FloatArray } from "./floatArray.ts";
import type { MatrixView } from "./matrixView.ts";

// One tile is 2 × 3 sums, which with their products fit the 15 free registers: V8 computes all products of a pass before
// it adds any, and a sum that it spills costs the wait for its own store (4 × 4: 18 % fewer flops a second).
const TILE_ROWS = 2;
const TILE_COLUMNS = 3;
// One block of the product is finished in float64 before it is stored; its packed operands stay in the L2 cache.
const BLOCK_ROWS = 128;
const BLOCK_COLUMNS = 126;
const BLOCK_DEPTH = 256;
// Masks above every index: they change nothing, but tell V8 that it is small and not negative, so no overflow checks.
const PANEL_MASK = 0x7fff;
const BLOCK_MASK = 0x3fff;
const DEPTH_MASK = 0x1ff;

/**
 * out += a · b, with a [m, k], b [k, n], out [m, n]. Sums run over k in float64, and each is rounded once, when it is
 * added to `out`. `out` must not share memory with `a` or `b`.
 */
export const addProduct: (out: MatrixView, a: MatrixView, b: MatrixView) => void = /* @__PURE__ */ createAddProduct();

/**
 * The scratch arrays live in a closure, because V8 then compiles their addresses and lengths into the loops, which halves
 * the time. It does so neither for arrays that are passed in nor for the `var` that a bundler makes of a module's `const`.
 */
function createAddProduct(): (out: MatrixView, a: MatrixView, b: MatrixView) => void {
  /** Rows of `a`, two by two, and columns of `b`, three by three, in the order in which `multiplyTile` reads them. */
  const panelA = new Float64Array(BLOCK_ROWS * BLOCK_DEPTH);
  const panelB = new Float64Array(BLOCK_COLUMNS * BLOCK_DEPTH);
  const block = new Float64Array(BLOCK_ROWS * BLOCK_COLUMNS);
  /** The part of a view's offsets along which the current loops run. */
  const steps = new Int32Array(BLOCK_DEPTH);

  // The inner loops are functions of their own, called often: a long loop that V8 replaces while it runs (OSR) would not
  // get the constant addresses.
  function multiplyTile(aStart: number, bStart: number, blockStart: number, depth: number): void {
    const aFirst = aStart & PANEL_MASK;
    const bFirst = bStart & PANEL_MASK;
    const passes = depth & DEPTH_MASK;
    let c00 = 0;
    let c01 = 0;
    let c02 = 0;
    let c10 = 0;
    let c11 = 0;
    let c12 = 0;
    for (let pass = 0; pass < passes; pass++) {
      const aAt = aFirst + pass * TILE_ROWS;
      const bAt = bFirst + pass * TILE_COLUMNS;
      const b0 = panelB[bAt]!;
      const b1 = panelB[bAt + 1]!;
      const b2 = panelB[bAt + 2]!;
      const a0 = panelA[aAt]!;
      const a1 = panelA[aAt + 1]!;
      c00 += a0 * b0;
      c01 += a0 * b1;
      c02 += a0 * b2;
      c10 += a1 * b0;
      c11 += a1 * b1;
      c12 += a1 * b2;
    }
    const top = blockStart & BLOCK_MASK;
    const below = top + BLOCK_COLUMNS;
    block[top]! += c00;
    block[top + 1]! += c01;
    block[top + 2]! += c02;
    block[below]! += c10;
    block[below + 1]! += c11;
    block[below + 2]! += c12;
  }

  function packRows(data: FloatArray, row0: number, row1: number, to: number, depth: number): void {
    for (let i = 0; i < depth; i++) {
      const step = steps[i]!;
      panelA[to] = data[(row0 + step) | 0]!;
      panelA[(to + 1) | 0] = data[(row1 + step) | 0]!;
      to = (to + TILE_ROWS) | 0;
    }
  }

  function packColumns(
    data: FloatArray,
    column0: number,
    column1: number,
    column2: number,
    to: number,
    depth: number,
  ): void {
    for (let i = 0; i < depth; i++) {
      const step = steps[i]!;
      panelB[to] = data[(column0 + step) | 0]!;
      panelB[(to + 1) | 0] = data[(column1 + step) | 0]!;
      panelB[(to + 2) | 0] = data[(column2 + step) | 0]!;
      to = (to + TILE_COLUMNS) | 0;
    }
  }

  function addRow(data: FloatArray, start: number, blockStart: number, columns: number): void {
    for (let j = 0; j < columns; j++) {
      const at = (start + steps[j]!) | 0;
      data[at] = data[at]! + block[(blockStart + j) | 0]!;
    }
  }

  function useSteps(offsets: Int32Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) steps[i] = offsets[(from + i) | 0]!;
  }

  function addBlock(out: MatrixView, a: MatrixView, b: MatrixView, row: number, column: number): void {
    const rows = Math.min(BLOCK_ROWS, out.rows.length - row);
    const columns = Math.min(BLOCK_COLUMNS, out.columns.length - column);
    const lastRow = row + rows - 1;
    const lastColumn = column + columns - 1;
    block.fill(0, 0, rows * BLOCK_COLUMNS);
    for (let first = 0; first < a.columns.length; first += BLOCK_DEPTH) {
      const depth = Math.min(BLOCK_DEPTH, a.columns.length - first);
      useSteps(a.columns, first, depth);
      for (let i = row, to = 0; i <= lastRow; i += TILE_ROWS, to += TILE_ROWS * depth) {
        packRows(a.data, startOf(a, a.rows, i, lastRow), startOf(a, a.rows, i + 1, lastRow), to, depth);
      }
      useSteps(b.rows, first, depth);
      for (let j = column, to = 0; j <= lastColumn; j += TILE_COLUMNS, to += TILE_COLUMNS * depth) {
        const start1 = startOf(b, b.columns, j + 1, lastColumn);
        const start2 = startOf(b, b.columns, j + 2, lastColumn);
        packColumns(b.data, startOf(b, b.columns, j, lastColumn), start1, start2, to, depth);
      }
      for (let j = 0; j < columns; j += TILE_COLUMNS) {
        for (let i = 0; i < rows; i += TILE_ROWS) multiplyTile(i * depth, j * depth, i * BLOCK_COLUMNS + j, depth);
      }
    }
    useSteps(out.columns, column, columns);
    for (let i = 0; i < rows; i++) {
      addRow(out.data, startOf(out, out.rows, row + i, lastRow), i * BLOCK_COLUMNS, columns);
    }
  }

  return (out, a, b) => {
    for (let row = 0; row < out.rows.length; row += BLOCK_ROWS) {
      for (let column = 0; column < out.columns.length; column += BLOCK_COLUMNS) addBlock(out, a, b, row, column);
    }
  };
}

/** Where a row or column begins. Past the edge it is the last one again: the tile computes it, and `addRow` leaves it out. */
function startOf(view: MatrixView, offsets: Int32Array, i: number, last: number): number {
  return view.offset + offsets[Math.min(i, last)]!;
}
