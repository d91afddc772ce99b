/** How long something takes, where a machine has other things to do as well. */

/** Milliseconds of each, the least of many turns: what disturbs a turn makes it longer, never shorter. */
export function leastTimes(turns: number, runs: readonly (() => void)[]): number[] {
  const least = runs.map(() => Infinity);
  for (let turn = 0; turn < turns; turn++) {
    for (const [i, run] of runs.entries()) {
      const began = performance.now();
      run();
      least[i] = Math.min(least[i] ?? NaN, performance.now() - began);
    }
  }
  return least;
}
