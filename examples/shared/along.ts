/** Curves of a training with the spread over seeds. */
import type { Point } from "./chart.ts";
import { spreadPoint } from "./spread.ts";

/**
 * The points of one curve: mean, smallest and largest of the seeds, after every few steps.
 *
 * @param runs one a seed, with a value after `every`, 2 · `every`, … steps
 */
export function pointsAlong(name: string, every: number, runs: readonly (readonly number[])[]): Point[] {
  const [first = []] = runs;
  return first.map((_, i) => {
    const values = runs.map((run) => run[i] ?? NaN);
    return spreadPoint(name, every * (i + 1), values);
  });
}
