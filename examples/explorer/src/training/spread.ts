/** Several seeds of one training: their mean, and how far they lie apart. */
export interface Spread {
  readonly mean: readonly number[];
  /** The smallest and the largest of the seeds. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** @param runs a row of values an epoch, for each seed; as many epochs as all have */
export function spreadOf(runs: readonly (readonly number[])[]): Spread {
  const epochs = runs.length === 0 ? 0 : Math.min(...runs.map(({ length }) => length));
  const columns = Array.from({ length: epochs }, (_, epoch) => runs.map((run) => run[epoch] ?? NaN));
  return {
    mean: columns.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length),
    low: columns.map((values) => Math.min(...values)),
    high: columns.map((values) => Math.max(...values)),
  };
}
