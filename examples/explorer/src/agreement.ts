/** When a finite difference and a gradient agree. */
import type { Maps } from "./model.ts";

/** Of the paths that meet in a cell's set: what cancels between them is not what an error is measured by. */
export const AGREES = 1e-9;

/** For each cell the largest number of the three paths in its set. */
export function sizesOf({ direct, viaMean, viaVariance }: Maps, sets: readonly number[]): readonly number[] {
  const most = new Map<number, number>();
  sets.forEach((set, cell) => {
    const paths = [direct, viaMean, viaVariance].map((path) => Math.abs(path[cell] ?? 0));
    most.set(set, Math.max(most.get(set) ?? 0, ...paths));
  });
  return sets.map((set) => most.get(set) ?? 0);
}
