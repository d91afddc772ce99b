/** Results as a run leaves them, for the tests of tables and goals. */
import type { ContestantName } from "../../bench/contestants/names.ts";
import type { Absence, Measurement, Results } from "../../bench/measurement.ts";

/** Nanoseconds of each contestant, a number a round. */
type Times = Partial<Readonly<Record<ContestantName, readonly number[]>>>;

export function measured(id: string, times: Times, more: Partial<Measurement> = {}): Measurement[] {
  const names: readonly string[] = Object.keys(times);
  const isNamed = (name: string): name is ContestantName => names.includes(name);
  return names.filter(isNamed).flatMap((contestant) =>
    (times[contestant] ?? []).map((cpu, round) => ({
      table: "times",
      case: id,
      contestant,
      round,
      version: "1.0.0",
      fromPrimitives: false,
      cpu,
      wall: cpu,
      kept: null,
      peak: null,
      errors: null,
      ...more,
    })),
  );
}

export function results(measurements: readonly Measurement[], absences: readonly Absence[] = []): Results {
  return { measurements, absences };
}
