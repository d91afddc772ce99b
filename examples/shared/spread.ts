/** One seed shows nothing: the mean over several and how far they lie apart. */
import type { Point } from "./chart.ts";

export interface Spread {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Mean, smallest and largest of one value a seed. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, low: Math.min(...values), high: Math.max(...values) };
}

/** A point of a curve with its band from the smallest to the largest of the seeds. */
export function spreadPoint(name: string, x: number, values: readonly number[]): Point {
  const { mean, low, high } = spreadOf(values);
  return { name, x, y: mean, low, high };
}

/**
 * The points of a curve along a training, each with its band.
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

/** "12.3 (11.0 … 13.9)": the mean, then the smallest and the largest of the seeds. */
export function spreadText(values: readonly number[], digits = 1): string {
  const { mean, low, high } = spreadOf(values);
  return `${mean.toFixed(digits)} (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
}
