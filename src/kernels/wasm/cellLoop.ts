/** Loops that the kernels are made of. */
import { sequence, whileLoop } from "./assembler.ts";
import type { Code, Local, Signature } from "./assembler.ts";
import { i32, v128 } from "./instructions.ts";
import { VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";

/** A pointer and how far it moves for each vector of cells. */
export type Pointer = readonly [local: Local, bytesPerVector: number];

/** The size of a block that is computed at once: sums of four vectors are a tree, and four loads wait for nothing. */
export const BLOCK_VECTORS = 4;
export const BLOCK_OFFSETS: readonly number[] = [0, 16, 32, 48];

export const increase = (local: Local, amount: Code): Code => local.set(i32.add(local.get, amount));

/** Runs `body` `count` times; `count` is used up. */
export function repeat(count: Local, ...body: readonly Code[]): Code {
  return whileLoop(count.get, ...body, count.set(i32.sub(count.get, i32.const(1))));
}

/**
 * Walks `count` cells from the first pointer on: whole blocks, then single vectors, of which the last may be partly beyond the
 * end. `block` is code for the four vectors at the pointers; `rest` is code for one vector, of which only the lanes in the
 * given mask count.
 */
export function cellLoop(
  fn: Signature,
  lanes: Lanes,
  pointers: readonly [Pointer, ...Pointer[]],
  count: Local,
  block: Code,
  rest: (mask: Local) => Code,
): Code {
  const at = pointers[0][0].get;
  const end = fn.variable("i32");
  const mask = fn.variable("v128");
  const bytes = lanes.bytesOf(count.get);
  const blockBytes = BLOCK_VECTORS * VECTOR_BYTES;
  const advance = (vectors: number): Code =>
    pointers.flatMap(([pointer, step]) => increase(pointer, i32.const(vectors * step)));
  return sequence(
    end.set(i32.add(at, i32.and(bytes, i32.const(-blockBytes)))),
    whileLoop(i32.lt_u(at, end.get), block, advance(BLOCK_VECTORS)),
    increase(end, i32.and(bytes, i32.const(blockBytes - 1))),
    whileLoop(i32.lt_u(at, end.get), mask.set(lanes.firstLanes(i32.sub(end.get, at))), rest(mask), advance(1)),
  );
}

/** Stores the lanes of `vector` that are in the mask: what follows the end belongs to someone else. */
export function storeMasked(address: Code, vector: Code, mask: Local): Code {
  return v128.store(address, v128.bitselect(vector, v128.load(address), mask.get));
}
