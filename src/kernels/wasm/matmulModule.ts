/**
 * The inner loops of a matrix product in the shared memory. A tile of the result, a few rows of a few vectors, stays in registers
 * while it runs along the depth. Operands are packed before: what a step along the depth takes lies side by side.
 */
import { ModuleBuilder, sequence, when, whileLoop } from "./assembler.ts";
import type { Code } from "./assembler.ts";
import { increase, repeat } from "./cellLoop.ts";
import { f32x4, f64x2, i32, i8x16, v128 } from "./instructions.ts";
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
/** The bytes of an operand, the longer side of a block first: its lines and their distance. */
export const OPERAND_BYTES: number = BLOCK_COLUMNS * DEPTH_BYTES;

type Pack = (from: number, to: number, across: number, along: number, depth: number, tiles: number) => void;

export interface MatmulExports {
  /**
   * Tiles of TILE_ROWS rows of a, cell by cell along the depth. In `from`, rows are `across` bytes apart, columns `along`. What
   * lies beyond the operand's edges is packed, and then multiplied, too.
   */
  readonly packA: Pack;
  /** The same of b with columns for rows. */
  readonly packB: Pack;
  /** block += a · b, packed, in whole tiles. The block has rows of BLOCK_COLUMNS cells. */
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
  /** What a step along the depth takes. */
  const aBytes = TILE_ROWS * lanes.bytes;
  const bBytes = TILE_VECTORS * VECTOR_BYTES;
  addPack(module, lanes, "packA", aBytes);
  addPack(module, lanes, "packB", bBytes);

  const tile = module.function("tile", null, (fn) => {
    const a = fn.parameter("i32");
    const b = fn.parameter("i32");
    const block = fn.parameter("i32");
    const depth = fn.parameter("i32");
    const sums = Array.from({ length: TILE_ROWS }, () => fn.variables("v128", TILE_VECTORS));
    const columns = fn.variables("v128", TILE_VECTORS);
    const cell = fn.variable("v128");
    const end = fn.variable("i32");
    /** The step along the depth that is `ahead` of the next one. */
    const step = (ahead: number): Code =>
      sequence(
        ...columns.map((column, j) => column.set(v128.load(b.get, ahead * bBytes + j * VECTOR_BYTES))),
        ...sums.flatMap((row, i) => [
          cell.set(loadSplat(a.get, ahead * aBytes + i * lanes.bytes)),
          ...columns.map((column, j) => {
            const sum = row[j] ?? cell;
            return sum.set(multiplyAdd(cell.get, column.get, sum.get));
          }),
        ]),
      );
    return sequence(
      end.set(i32.add(a.get, i32.mul(depth.get, i32.const(aBytes)))),
      // Two steps at a time: one takes 18 % longer, four as long as one.
      whileLoop(
        i32.lt_u(i32.add(a.get, i32.const(aBytes)), end.get),
        step(0),
        step(1),
        increase(a, i32.const(2 * aBytes)),
        increase(b, i32.const(2 * bBytes)),
      ),
      when(i32.lt_u(a.get, end.get), [step(0)]),
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
        increase(row, i32.mul(depth.get, i32.const(aBytes))),
        increase(place, i32.const(TILE_ROWS * rowBytes)),
      ),
      increase(b, i32.mul(depth.get, i32.const(bBytes))),
      increase(block, i32.const(TILE_VECTORS * VECTOR_BYTES)),
    );
  });
  return module;
}

/** Bytes 0 to size − 1 of one vector and then of another, from the beginning of both. */
const joined = (size: number): readonly number[] =>
  Array.from({ length: 16 }, (_, i) => (i % size) + (i & size ? 16 : 0));

function addPack(module: ModuleBuilder, lanes: Lanes, name: string, stepBytes: number): void {
  const isFloat32 = lanes.name === "float32";
  const loadSplat = isFloat32 ? v128.load32_splat : v128.load64_splat;
  module.function(name, null, (fn) => {
    const from = fn.parameter("i32");
    const to = fn.parameter("i32");
    const across = fn.parameter("i32");
    const along = fn.parameter("i32");
    const depth = fn.parameter("i32");
    const tiles = fn.parameter("i32");
    const left = fn.variable("i32");
    const place = fn.variable("i32");
    const cell = fn.variable("i32");
    const vectors = stepBytes / VECTOR_BYTES;
    const next = sequence(increase(place, along.get), increase(to, i32.const(stepBytes)));
    const offsets = Array.from({ length: vectors }, (_, i) => i * VECTOR_BYTES);
    const one = (): Code => sequence(loadSplat(cell.get), increase(cell, across.get));
    const two = (): Code => i8x16.shuffle(one(), one(), joined(lanes.bytes));
    const gathered = (): Code => (isFloat32 ? i8x16.shuffle(two(), two(), joined(8)) : two());
    const tilesOf = (...step: readonly Code[]): Code =>
      repeat(
        tiles,
        place.set(from.get),
        left.set(depth.get),
        repeat(left, ...step, next),
        increase(from, i32.mul(across.get, i32.const(stepBytes / lanes.bytes))),
      );
    return when(
      i32.eq(across.get, i32.const(lanes.bytes)),
      [tilesOf(...offsets.map((offset) => v128.store(to.get, v128.load(place.get, offset), offset)))],
      [tilesOf(cell.set(place.get), ...offsets.map((offset) => v128.store(to.get, gathered(), offset)))],
    );
  });
}
