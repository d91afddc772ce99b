/** What was measured, as plain data. The tables and the goals read nothing else. */
import type { ContestantName } from "./contestants/names.ts";
import type { TableName } from "./settings.ts";
import { spread } from "./statistics.ts";
import type { ErrorOf, Spread } from "./statistics.ts";

export interface Measurement {
  readonly table: TableName;
  readonly case: string;
  readonly contestant: ContestantName;
  readonly round: number;
  readonly version: string;
  readonly fromPrimitives: boolean;
  /** Nanoseconds a step. NaN where only results were asked for. */
  readonly cpu: number;
  readonly wall: number;
  /** Bytes, as task.ts says. */
  readonly kept: number | null;
  readonly peak: number | null;
  /** Against float64. null in the rounds after the first. */
  readonly errors: { readonly output: ErrorOf; readonly gradients: ErrorOf } | null;
}

/** Why there is no measurement. */
export interface Absence {
  readonly table: TableName;
  readonly case: string;
  readonly contestant: ContestantName;
  readonly missing: "contestant" | "op" | "wrong" | "slow";
  readonly reason: string;
}

export interface Results {
  readonly measurements: readonly Measurement[];
  readonly absences: readonly Absence[];
}

/** Of one contestant on one case, in the order of rounds. */
export function measurementsOf(
  { measurements }: Results,
  table: TableName,
  id: string,
  contestant: ContestantName,
): readonly Measurement[] {
  const own = measurements.filter((m) => m.table === table && m.case === id && m.contestant === contestant);
  return own.toSorted((a, b) => a.round - b.round);
}

/** Nanoseconds of CPU time a step, over the rounds. */
export function timesOf(results: Results, table: TableName, id: string, contestant: ContestantName): Spread | null {
  return spread(measurementsOf(results, table, id, contestant).map(({ cpu }) => cpu));
}

/**
 * How many times as long as `base` a contestant takes: the quotient in each round, so that what disturbs the machine
 * disturbs both. Rounds that one of them lacks are left out.
 */
export function ratioOf(
  results: Results,
  table: TableName,
  id: string,
  contestant: ContestantName,
  base: ContestantName,
): Spread | null {
  const bases = new Map(measurementsOf(results, table, id, base).map(({ round, cpu }) => [round, cpu]));
  const own = measurementsOf(results, table, id, contestant);
  return spread(
    own.flatMap(({ round, cpu }) => {
      const other = bases.get(round);
      return other === undefined ? [] : [cpu / other];
    }),
  );
}
