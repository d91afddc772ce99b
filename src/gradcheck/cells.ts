/**
 * Where numbers lie when an array is repeated or reduced. A gradient reads one formula once for each cell, so this is
 * worked out the first time only.
 */
import { NdArray } from "../autograd/ndarray.ts";
import { normalizeDims, range, reducedShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";

const repeated = new Map<string, readonly number[]>();
const groups = new Map<string, Groups>();

/** Every cell's own number. */
export function cellsOf(shape: Shape): NdArray {
  return new NdArray(
    Float64Array.from({ length: sizeOf(shape) }, (_, cell) => cell),
    shape,
  );
}

/** For every cell of shape `to` the cell of shape `from` that is repeated there. */
export function repeatedCells(from: Shape, to: Shape): readonly number[] {
  return remembered(repeated, `${String(from)}>${String(to)}`, () => [...cellsOf(from).expand(to).data]);
}

export interface Groups {
  /** The cells that each output of a reduction is made of. */
  readonly members: readonly (readonly number[])[];
  /** The shape of the outputs, with and without the reduced dims. */
  readonly kept: Shape;
  readonly dropped: Shape;
}

/** How the cells of a shape fall into groups when `dims` are reduced; all dims when they are left out. */
export function groupsOf(shape: Shape, dims: readonly number[] | undefined, caller: string): Groups {
  return remembered(groups, `${String(shape)}:${String(dims)}`, () => {
    const over = normalizeDims(dims, shape.length, caller);
    const kept = reducedShape(shape, over, true);
    const members: number[][] = range(sizeOf(kept)).map(() => []);
    repeatedCells(kept, shape).forEach((group, cell) => members[group]?.push(cell));
    return { members, kept, dropped: reducedShape(shape, over, false) };
  });
}

function remembered<T>(memory: Map<string, T>, key: string, make: () => T): T {
  const known = memory.get(key);
  if (known !== undefined) return known;
  if (memory.size >= 500) memory.clear();
  const made = make();
  memory.set(key, made);
  return made;
}
