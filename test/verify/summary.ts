/** Counts the outcomes of a run. The order in which they arrive does not matter. */
import type { Outcome, Violation } from "./outcome.ts";

export interface Counts {
  readonly cases: number;
  readonly secondOrder: number;
  /** The exact result is not finite, so nothing can be said. */
  readonly skipped: number;
  readonly groupsOfOne: number;
  readonly mean1e8: number;
  /** The largest error as a part of what is allowed: against the rounding bound, and at second order the tolerance. */
  readonly worst: number;
  readonly worstSecond: number;
  readonly violations: number;
}

export interface Row extends Counts {
  readonly norm: string;
  readonly options: string;
}

export interface Summary {
  /** By norm and options, sorted. */
  readonly rows: readonly Row[];
  readonly total: Counts;
  /** The first few, by case number. */
  readonly violations: readonly Violation[];
}

const SHOWN_VIOLATIONS = 5;
const NONE: Counts = {
  cases: 0,
  secondOrder: 0,
  skipped: 0,
  groupsOfOne: 0,
  mean1e8: 0,
  worst: 0,
  worstSecond: 0,
  violations: 0,
};

export class Tally {
  readonly #rows = new Map<string, Row>();
  #violations: readonly Violation[] = [];

  add(outcome: Outcome): void {
    const { norm, family, violation } = outcome;
    const key = `${norm}: ${family}`;
    const row = this.#rows.get(key) ?? { norm, options: family, ...NONE };
    this.#rows.set(key, { ...row, ...sum(row, countsOf(outcome)) });
    if (violation === null) return;
    this.#violations = [...this.#violations, violation]
      .toSorted((a, b) => a.index - b.index)
      .slice(0, SHOWN_VIOLATIONS);
  }

  summary(): Summary {
    const keys = [...this.#rows.keys()].toSorted();
    const rows = keys.flatMap((key) => this.#rows.get(key) ?? []);
    return { rows, total: rows.reduce<Counts>(sum, NONE), violations: this.#violations };
  }
}

/** Rows whose options become the same name, put together. */
export function merge(rows: readonly Row[], nameOf: (options: string) => string): Row[] {
  const merged = new Map<string, Row>();
  for (const row of rows) {
    const options = nameOf(row.options);
    const key = `${row.norm}: ${options}`;
    const before = merged.get(key) ?? { norm: row.norm, options, ...NONE };
    merged.set(key, { ...before, ...sum(before, row) });
  }
  return [...merged.values()];
}

function countsOf({ order, skipped, groupsOfOne, mean1e8, ratios, violation }: Outcome): Counts {
  const worst = (second: boolean): number =>
    Math.max(0, ...ratios.filter(({ array }) => array.startsWith("second ") === second).map(({ ratio }) => ratio));
  return {
    cases: 1,
    secondOrder: order === 2 ? 1 : 0,
    skipped: Number(skipped),
    groupsOfOne: Number(groupsOfOne),
    mean1e8: Number(mean1e8),
    worst: worst(false),
    worstSecond: worst(true),
    violations: violation === null ? 0 : 1,
  };
}

function sum(a: Counts, b: Counts): Counts {
  return {
    cases: a.cases + b.cases,
    secondOrder: a.secondOrder + b.secondOrder,
    skipped: a.skipped + b.skipped,
    groupsOfOne: a.groupsOfOne + b.groupsOfOne,
    mean1e8: a.mean1e8 + b.mean1e8,
    worst: Math.max(a.worst, b.worst),
    worstSecond: Math.max(a.worstSecond, b.worstSecond),
    violations: a.violations + b.violations,
  };
}
