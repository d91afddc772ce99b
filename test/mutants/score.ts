/** What was judged, in numbers. */
import type { Fault } from "../../src/gradcheck/fault.ts";
import { FAULTS } from "../../src/gradcheck/fault.ts";
import { designs } from "./designs.ts";
import type { Judged } from "./judgePair.ts";
import { GROUPS, NORMS } from "./mutant.ts";

export interface Kills {
  /** A group, or a norm. */
  readonly group: string;
  readonly killable: number;
  readonly byCheckOp: number;
  /** By each design: the mean over the seeds. */
  readonly byDesigns: readonly number[];
}

/** One row a group, or a norm, and all together last. */
export function killTable(judged: readonly Judged[], by: "group" | "norm" = "group"): Kills[] {
  const rows = (by === "group" ? GROUPS : NORMS).map((name) =>
    kills(
      name,
      judged.filter((pair) => pair[by] === name),
    ),
  );
  return [...rows.filter(({ killable }) => killable > 0), kills("all", judged)];
}

function kills(group: string, judged: readonly Judged[]): Kills {
  const killable = judged.filter(({ equivalent }) => !equivalent);
  return {
    group,
    killable: killable.length,
    byCheckOp: killable.filter(({ killed }) => killed).length,
    byDesigns: designs.map((_, i) => killable.reduce((sum, { shares }) => sum + (shares[i] ?? 0), 0)),
  };
}

/** Not equivalent, and yet alive; and equivalent ones that checkOp raises a false alarm about. */
export const survivors = (judged: readonly Judged[]): Judged[] =>
  judged.filter(({ equivalent, killed }) => !equivalent && !killed);
export const falseAlarms = (judged: readonly Judged[]): Judged[] =>
  judged.filter(({ equivalent, killed }) => equivalent && killed);

/** A diagnosis has been made of these. */
export const diagnosed = (judged: readonly Judged[]): Judged[] =>
  judged.filter(({ equivalent, diagnoses }) => !equivalent && diagnoses !== null);
export const isFirstRight = ({ planted, diagnoses }: Judged): boolean => diagnoses?.[0] === planted;

export type Seen = Fault | "refused" | "no diagnosis";

export interface Confusion {
  readonly seen: readonly Seen[];
  readonly rows: readonly { readonly planted: Fault; readonly counts: readonly number[] }[];
}

/** How often each planted class (rows) got each first diagnosis (columns); classes that occur. */
export function confusion(judged: readonly Judged[]): Confusion {
  const killed = judged.filter((pair) => pair.killed && !pair.equivalent);
  const seenIn = ({ diagnoses, report }: Judged): Seen =>
    diagnoses === null ? (report.startsWith("refused") ? "refused" : "no diagnosis") : (diagnoses[0] ?? "no diagnosis");
  const faults = faultNames();
  const seen = [...faults, "refused" as const, "no diagnosis" as const].filter((name) =>
    killed.some((pair) => seenIn(pair) === name),
  );
  const rows = faults
    .map((planted) => ({ planted, of: killed.filter((pair) => pair.planted === planted) }))
    .filter(({ of }) => of.length > 0)
    .map(({ planted, of }) => ({
      planted,
      counts: seen.map((name) => of.filter((pair) => seenIn(pair) === name).length),
    }));
  return { seen, rows };
}

function faultNames(): Fault[] {
  const isFault = (name: string): name is Fault => Object.hasOwn(FAULTS, name);
  return Object.keys(FAULTS).filter(isFault);
}
