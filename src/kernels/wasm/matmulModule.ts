/**
 * The inner loops of a matrix product in the shared memory. A tile of the result, a few rows of a few vectors, stays in registers
 * while it runs along the depth.
 */
import { doWhile, ModuleBuilder, sequence } from "./assembler.ts";
import type { Code } from "./assembler.ts";
import { increase, repeat } from "./cellLoop.ts";
import { f32x4, f64x2, i32, v128 } from "./instructions.ts";
import { VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";

/** 4 × 3 sums, three vectors of b and a cell of a fill the 16 registers of x86 (4 × 2, 3 × 3, 4 × 4: 1 to 9 % slower). */
export const TILE_ROWS = 4;
const TILE_VECTORS = 3;
export const tileColumns = ({ bytes }: Lanes): number => (TILE_VECTORS * VECTOR_BYTES) / bytes;

/** The blocks that are multiplied at once: a, b and the result together stay in the L2 cache. */
export const BLOCK_ROWS = 256;
export const BLOCK_COLUMNS = 264;
/** 256 float32 or 128 float64. */
export const DEPTH_BYTES = 1024;
/** Rows that begin 4 KB apart slow each other down: no power of two. */
export const A_ROW_BYTES: number = DEPTH_BYTES + 64;

export interface MatmulExports {
  /**
   * block += a · b, in whole tiles. a has rows of A_ROW_BYTES, b and the block of BLOCK_COLUMNS cells. What lies beyond the
   * operands' edges is multiplied too.
   */
  multiply(a: number, b: number, block: number, depth: number, tilesDown: number, tilesAcross: number): void;
}

/** `relaxed`: with multiplication and addition in one instruction. */
export function matmulModule(lanes: Lanes, relaxed: boolean): ModuleBuilder {
  const module = new ModuleBuilder();
  const isFloat32 = lanes.name === "float32";
  const loadSplat = isFloat32 ? v128.load32_splat : v128.load64_splat;
  const { relaxed_madd: madd } = isFloat32 ? f32x4 : f64x2;
  const multiplyAdd = (a: Code, b: Code, c: Code): Code => (relaxed ? madd(a, b, c) : lanes.add(lanes.mul(a, b), c));
  const rowBytes = BLOCK_COLUMNS * lanes.bytes;

  const tile = module.function("tile", null, (fn) => {
    const a = fn.parameter("i32");
    const b = fn.parameter("i32");
    const block = fn.parameter("i32");
    const depth = fn.parameter("i32");
    const sums = Array.from({ length: TILE_ROWS }, () => fn.variables("v128", TILE_VECTORS));
    const columns = fn.variables("v128", TILE_VECTORS);
    const cell = fn.variable("v128");
    const end = fn.variable("i32");
    return sequence(
      end.set(i32.add(a.get, lanes.bytesOf(depth.get))),
      doWhile(
        i32.lt_u(a.get, end.get),
        ...columns.map((column, j) => column.set(v128.load(b.get, j * VECTOR_BYTES))),
        ...sums.flatMap((row, i) => [
          cell.set(loadSplat(a.get, i * A_ROW_BYTES)),
          ...columns.map((column, j) => {
            const sum = row[j] ?? cell;
            return sum.set(multiplyAdd(cell.get, column.get, sum.get));
          }),
        ]),
        increase(a, i32.const(lanes.bytes)),
        increase(b, i32.const(rowBytes)),
      ),
      ...sums.flatMap((row, i) =>
        row.map((sum, j) => {
          const place = i * rowBytes + j * VECTOR_BYTES;
          return v128.store(block.get, lanes.add(v128.load(block.get, place), sum.get), place);
        }),
      ),
    );
  });

  module.function("multiply", null, (fn) => {
    const a = fn.parameter("i32");
    const b = fn.parameter("i32");
    const block = fn.parameter("i32");
    const depth = fn.parameter("i32");
    const tilesDown = fn.parameter("i32");
    const tilesAcross = fn.parameter("i32");
    const left = fn.variable("i32");
    const row = fn.variable("i32");
    const place = fn.variable("i32");
    return repeat(
      tilesAcross,
      left.set(tilesDown.get),
      row.set(a.get),
      place.set(block.get),
      repeat(
        left,
        tile(row.get, b.get, place.get, depth.get),
        increase(row, i32.const(TILE_ROWS * A_ROW_BYTES)),
        increase(place, i32.const(TILE_ROWS * rowBytes)),
      ),
      increase(b, i32.const(TILE_VECTORS * VECTOR_BYTES)),
      increase(block, i32.const(TILE_VECTORS * VECTOR_BYTES)),
    );
  });
  return module;
}
