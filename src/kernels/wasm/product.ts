/**
 * The matrix product of ../product.ts in SIMD: blocks of the operands are copied to the shared memory and multiplied there.
 *
 * Sums are kept in the dtype of the operands. A float32 sum is a chain of at most 256 products, and these chains are added to
 * the result one by one: an entry is off by at most (256 + ⌈k / 256⌉) · 2⁻²⁴ · Σ |a| · |b|, in practice by a few percent of it.
 * ../product.ts keeps sums in float64. If one operand is float32, so are the sums, and others are rounded.
 */
import type { FloatArray } from "../floatArray.ts";
import type { MatrixView } from "../matrixView.ts";
import * as typescript from "../product.ts";
import { gatherFloat32, gatherFloat64 } from "./gather.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import {
  A_ROW_BYTES,
  BLOCK_COLUMNS,
  BLOCK_ROWS,
  DEPTH_BYTES,
  matmulModule,
  TILE_ROWS,
  tileColumns,
} from "./matmulModule.ts";
import type { MatmulExports } from "./matmulModule.ts";
import { instantiate, lazily } from "./memory.ts";
import { hasRelaxedSimd } from "./support.ts";

type AddProduct = typeof typescript.addProduct;

/** With fewer multiplications, copying costs more than it saves. */
export const SMALL = 262144;

/** Shorter stretches are copied faster cell by cell. */
const SHORT = 64;

const PANEL_A = 1024;
const PANEL_B: number = PANEL_A + BLOCK_ROWS * A_ROW_BYTES + 1088;
const BLOCK: number = PANEL_B + BLOCK_COLUMNS * DEPTH_BYTES + 1088;
export const PRODUCT_BYTES: number = BLOCK + BLOCK_ROWS * BLOCK_COLUMNS * 8;

const float32Product = lazily(() => createAddProduct(float32Lanes));
const float64Product = lazily(() => createAddProduct(float64Lanes));

/** out += a · b, as the function of this name in ../product.ts. `out` must not share memory with `a` or `b`. */
export const addProduct: AddProduct = (out, a, b) => {
  if (out.rows.length * out.columns.length * a.columns.length < SMALL) {
    typescript.addProduct(out, a, b);
    return;
  }
  const float32 = out.data instanceof Float32Array || a.data instanceof Float32Array || b.data instanceof Float32Array;
  const add = (float32 ? float32Product() : float64Product()) ?? typescript.addProduct;
  add(out, a, b);
};

function createAddProduct(lanes: Lanes): AddProduct | null {
  const instance = instantiate<MatmulExports>(matmulModule(lanes, hasRelaxedSimd()));
  if (instance === null) return null;
  const { exports, float32, float64 } = instance;
  const { bytes } = lanes;
  const cells = bytes === 4 ? float32 : float64;
  const [aStart, bStart, blockStart] = [PANEL_A / bytes, PANEL_B / bytes, BLOCK / bytes];
  const aRow = A_ROW_BYTES / bytes;
  const blockDepth = DEPTH_BYTES / bytes;

  function gather(from: FloatArray, start: number, offsets: Int32Array, to: number, step: number): void {
    if (bytes === 4) gatherFloat32(float32, from, start, offsets, to, step);
    else gatherFloat64(float64, from, start, offsets, to, step);
  }

  /** A matrix, its rows `rowLength` cells apart. Rows, or else columns, that lie side by side are copied in one piece. */
  function copyIn(view: MatrixView, rows: Int32Array, columns: Int32Array, to: number, rowLength: number): void {
    const { data, offset } = view;
    if (columns.length >= SHORT && isStretch(columns)) {
      for (let i = 0, start = 0; i < rows.length; i++) {
        start = offset + rows[i]! + columns[0]!;
        cells.set(data.subarray(start, start + columns.length), to + i * rowLength);
      }
    } else if (isStretch(rows)) {
      for (let j = 0; j < columns.length; j++) gather(data, offset + columns[j]!, rows, to + j, rowLength);
    } else {
      for (let i = 0; i < rows.length; i++) gather(data, offset + rows[i]!, columns, to + i * rowLength, 1);
    }
  }

  function copyOut({ data, offset }: MatrixView, rows: Int32Array, columns: Int32Array): void {
    const plain = isPlain(rows, columns);
    for (let i = 0; i < rows.length; i++) {
      const start = offset + rows[i]!;
      const from = blockStart + i * BLOCK_COLUMNS;
      if (plain) data.set(cells.subarray(from, from + columns.length), start + columns[0]!);
      else for (let j = 0; j < columns.length; j++) data[start + columns[j]!]! += cells[from + j]!;
    }
  }

  function addBlock(out: MatrixView, a: MatrixView, b: MatrixView, row: number, column: number): void {
    const rows = out.rows.subarray(row, row + BLOCK_ROWS);
    const columns = out.columns.subarray(column, column + BLOCK_COLUMNS);
    if (isPlain(rows, columns)) copyIn(out, rows, columns, blockStart, BLOCK_COLUMNS);
    else cells.fill(0, blockStart, blockStart + rows.length * BLOCK_COLUMNS);
    const aRows = a.rows.subarray(row, row + BLOCK_ROWS);
    const bColumns = b.columns.subarray(column, column + BLOCK_COLUMNS);
    const tilesDown = Math.ceil(rows.length / TILE_ROWS);
    const tilesAcross = Math.ceil(columns.length / tileColumns(lanes));
    for (let first = 0; first < a.columns.length; first += blockDepth) {
      const aColumns = a.columns.subarray(first, first + blockDepth);
      copyIn(a, aRows, aColumns, aStart, aRow);
      copyIn(b, b.rows.subarray(first, first + blockDepth), bColumns, bStart, BLOCK_COLUMNS);
      exports.multiply(PANEL_A, PANEL_B, BLOCK, aColumns.length, tilesDown, tilesAcross);
    }
    copyOut(out, rows, columns);
  }

  return (out, a, b) => {
    if (a.columns.length === 0) return;
    for (let row = 0; row < out.rows.length; row += BLOCK_ROWS) {
      for (let column = 0; column < out.columns.length; column += BLOCK_COLUMNS) addBlock(out, a, b, row, column);
    }
  };
}

/** Whether the offsets are of cells side by side. */
function isStretch(offsets: Int32Array): boolean {
  for (let i = 1; i < offsets.length; i++) if (offsets[i]! !== offsets[i - 1]! + 1) return false;
  return true;
}

/** Whether rows are stretches of which none touches the next: then no cell occurs twice, and the result is added to at once. */
function isPlain(rows: Int32Array, columns: Int32Array): boolean {
  for (let i = 1; i < rows.length; i++) if (rows[i]! < rows[i - 1]! + columns.length) return false;
  return isStretch(columns);
}
