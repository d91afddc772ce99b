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
import { gatherFloat32, gatherFloat64, transposeFloat32, transposeFloat64 } from "./gather.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import {
  BLOCK_COLUMNS,
  BLOCK_ROWS,
  DEPTH_BYTES,
  matmulModule,
  OPERAND_BYTES,
  TILE_ROWS,
  tileColumns,
} from "./matmulModule.ts";
import type { MatmulExports } from "./matmulModule.ts";
import { instantiate, lazily } from "./memory.ts";
import { hasRelaxedSimd } from "./support.ts";

type AddProduct = typeof typescript.addProduct;
type Product = (...call: [...Parameters<AddProduct>, overwrites: boolean]) => void;

/** With fewer multiplications of cells that lie anywhere, copying costs more than it saves. */
const SMALL = 262144;

/** Shorter stretches are copied faster cell by cell. */
const SHORT = 64;

/** An operand as it is copied, its lines a little more than a power of two apart: 4 KB apart they would slow each other down. */
const OPERAND = 1024;
const PAD_BYTES = 64;
const PANEL_A: number = OPERAND + OPERAND_BYTES + BLOCK_COLUMNS * PAD_BYTES + 1088;
const PANEL_B: number = PANEL_A + OPERAND_BYTES + 1088;
const BLOCK: number = PANEL_B + OPERAND_BYTES + 1088;
export const PRODUCT_BYTES: number = BLOCK + BLOCK_ROWS * BLOCK_COLUMNS * 8;

const float32Product = /* @__PURE__ */ lazily(() => createAddProduct(float32Lanes));
const float64Product = /* @__PURE__ */ lazily(() => createAddProduct(float64Lanes));

/** out += a · b, as the function of this name in ../product.ts. `out` must not share memory with `a` or `b`. */
export const addProduct: AddProduct = (out, a, b) => {
  if (out.rows.length * out.columns.length * a.columns.length < SMALL) {
    typescript.addProduct(out, a, b);
    return;
  }
  addLargeProduct(out, a, b, false);
};

/** The same, whatever the size. `overwrites`: as if `out` held zeros, which are then not copied. */
export const addLargeProduct: Product = (out, a, b, overwrites) => {
  const float32 = out.data instanceof Float32Array || a.data instanceof Float32Array || b.data instanceof Float32Array;
  const add = float32 ? float32Product() : float64Product();
  if (add !== null) add(out, a, b, overwrites);
  else {
    if (overwrites)
      for (const row of out.rows) for (const column of out.columns) out.data[out.offset + row + column] = 0;
    typescript.addProduct(out, a, b);
  }
};

function createAddProduct(lanes: Lanes): Product | null {
  const instance = instantiate<MatmulExports>(matmulModule(lanes, hasRelaxedSimd()));
  if (instance === null) return null;
  const { exports, float32, float64 } = instance;
  const { bytes } = lanes;
  const cells = bytes === 4 ? float32 : float64;
  const [operandStart, blockStart] = [OPERAND / bytes, BLOCK / bytes];
  const blockDepth = DEPTH_BYTES / bytes;
  const pad = PAD_BYTES / bytes;

  function gather(from: FloatArray, start: number, offsets: Int32Array, to: number, step: number): void {
    if (bytes === 4) gatherFloat32(float32, from, start, offsets, to, step);
    else gatherFloat64(float64, from, start, offsets, to, step);
  }

  /** Lines of cells that lie side by side: in one piece if the lines do, too. Gives their distance. */
  function copyLines({ data, offset }: MatrixView, lines: Int32Array, line: Int32Array): number {
    const length = line.length;
    const first = offset + line[0]!;
    if (isEvery(length, lines)) {
      const start = first + lines[0]!;
      cells.set(data.subarray(start, start + lines.length * length), operandStart);
      return length;
    }
    for (let i = 0; i < lines.length; i++) {
      const start = first + lines[i]!;
      cells.set(data.subarray(start, start + length), operandStart + i * (length + pad));
    }
    return length + pad;
  }

  /** A matrix to OPERAND. Gives the bytes from a row to the next, and from a column to the next. */
  function copyIn(view: MatrixView, rows: Int32Array, columns: Int32Array): readonly [row: number, column: number] {
    if (columns.length >= SHORT && isEvery(1, columns)) return [copyLines(view, rows, columns) * bytes, bytes];
    if (rows.length >= SHORT && isEvery(1, rows)) return [bytes, copyLines(view, columns, rows) * bytes];
    const { data, offset } = view;
    const distance = columns.length + pad;
    if (isEvery(1, rows)) {
      const start = offset + rows[0]!;
      if (bytes === 4) transposeFloat32(float32, data, start, rows.length, columns, operandStart, distance);
      else transposeFloat64(float64, data, start, rows.length, columns, operandStart, distance);
    } else {
      for (let i = 0; i < rows.length; i++) gather(data, offset + rows[i]!, columns, operandStart + i * distance, 1);
    }
    return [distance * bytes, bytes];
  }

  /** The result so far; 0 where a cell of it occurs twice. */
  function copyBlockIn({ data, offset }: MatrixView, rows: Int32Array, columns: Int32Array): void {
    if (!isPlain(rows, columns)) return clearBlock(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const start = offset + rows[i]! + columns[0]!;
      cells.set(data.subarray(start, start + columns.length), blockStart + i * BLOCK_COLUMNS);
    }
  }

  function clearBlock(rows: number): void {
    cells.fill(0, blockStart, blockStart + rows * BLOCK_COLUMNS);
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

  function addBlock(
    out: MatrixView,
    a: MatrixView,
    b: MatrixView,
    overwrites: boolean,
    row: number,
    column: number,
  ): void {
    const rows = out.rows.subarray(row, row + BLOCK_ROWS);
    const columns = out.columns.subarray(column, column + BLOCK_COLUMNS);
    if (overwrites) clearBlock(rows.length);
    else copyBlockIn(out, rows, columns);
    const aRows = a.rows.subarray(row, row + BLOCK_ROWS);
    const bColumns = b.columns.subarray(column, column + BLOCK_COLUMNS);
    const tilesDown = Math.ceil(rows.length / TILE_ROWS);
    const tilesAcross = Math.ceil(columns.length / tileColumns(lanes));
    for (let first = 0; first < a.columns.length; first += blockDepth) {
      const aColumns = a.columns.subarray(first, first + blockDepth);
      const depth = aColumns.length;
      const [aRow, aColumn] = copyIn(a, aRows, aColumns);
      exports.packA(OPERAND, PANEL_A, aRow, aColumn, depth, tilesDown);
      const [bRow, bColumn] = copyIn(b, b.rows.subarray(first, first + blockDepth), bColumns);
      exports.packB(OPERAND, PANEL_B, bColumn, bRow, depth, tilesAcross);
      exports.multiply(PANEL_A, PANEL_B, BLOCK, depth, tilesDown, tilesAcross);
    }
    copyOut(out, rows, columns);
  }

  return (out, a, b, overwrites) => {
    for (let row = 0; row < out.rows.length; row += BLOCK_ROWS) {
      for (let column = 0; column < out.columns.length; column += BLOCK_COLUMNS)
        addBlock(out, a, b, overwrites, row, column);
    }
  };
}

/** Whether each offset is `step` more than the one before. */
function isEvery(step: number, offsets: Int32Array): boolean {
  for (let i = 1; i < offsets.length; i++) if (offsets[i]! !== offsets[i - 1]! + step) return false;
  return true;
}

/** Whether rows are stretches of which none touches the next: then no cell occurs twice, and the result is added to at once. */
function isPlain(rows: Int32Array, columns: Int32Array): boolean {
  for (let i = 1; i < rows.length; i++) if (rows[i]! < rows[i - 1]! + columns.length) return false;
  return isEvery(1, columns);
}
