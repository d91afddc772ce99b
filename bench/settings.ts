/** What can be set from the command line. */
import { parseArgs } from "node:util";
import { accuracy, shapes, sizes, timed } from "./cases.ts";
import type { Case } from "./cases.ts";
import { CONTESTANTS } from "./contestants/names.ts";
import type { ContestantName } from "./contestants/names.ts";

/** The tables, in the order in which they are measured. */
export const TABLES = ["times", "accuracy", "shapes", "sizes"] as const;
export type TableName = (typeof TABLES)[number];

export interface Settings {
  readonly cases: Readonly<Record<TableName, readonly Case[]>>;
  readonly contestants: readonly ContestantName[];
  readonly rounds: number;
  /** For one contestant on one case in one round. */
  readonly seconds: number;
  /** Seconds after which a process is given up. */
  readonly limit: number;
  /** Everything, long enough: only then the documents of the project are written. */
  readonly complete: boolean;
  readonly json: string | null;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

export const USAGE: string = `Usage: npm run bench -- [options]

Measures this library on each of its backends beside its peers, C and PyTorch: one process each, taking turns. Prints
ratios, memory, errors, the cost of odd shapes and the goals; a complete run also writes bench/RESULTS.md and
bench/curve.svg, any other bench/out/. Ctrl-C ends it and shows what was measured.

The peers come with npm ci --prefix bench; who is missing is left out. C needs cc or clang, PyTorch a python3 with torch
(the one in NORMGRAD_PYTHON, if set).

  --quick               one short round: to see that everything works
  --cases <list>        only these, by id: ${timed.map(({ id }) => id).join(", ")};
                        and only these tables: ${TABLES.slice(1).join(", ")}
  --contestants <list>  only these, or all whose names begin so: ${CONTESTANTS.join(", ")}
  --rounds <n>          how often everyone gets a turn   [5]
  --json <file>         write every single measurement, too
  --help                this text
`;

/** null asks for the usage text. */
export function readSettings(args: readonly string[]): Settings | null {
  const { quick, cases, contestants, rounds, json, help } = parse(args);
  if (help) return null;
  const count = rounds === undefined ? (quick ? 1 : 5) : Number(rounds);
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    throw new UsageError(`--rounds: expected a whole number from 1 to 1000, got "${rounds}"`);
  }
  return {
    cases: chooseCases(cases),
    contestants: chooseContestants(contestants),
    rounds: count,
    seconds: quick ? 0.1 : 0.6,
    limit: quick ? 15 : 90,
    complete: !quick && cases === undefined && contestants === undefined,
    json: json ?? null,
  };
}

function chooseCases(list: string | undefined): Settings["cases"] {
  if (list === undefined) return { times: timed, accuracy, shapes, sizes };
  const names = split(list);
  const known = [...timed.map(({ id }) => id), ...TABLES];
  for (const name of names) oneOf("--cases", name, known);
  return {
    times: timed.filter(({ id }) => names.includes(id) || names.includes("times")),
    accuracy: names.includes("accuracy") ? accuracy : [],
    shapes: names.includes("shapes") ? shapes : [],
    sizes: names.includes("sizes") ? sizes : [],
  };
}

function chooseContestants(list: string | undefined): readonly ContestantName[] {
  if (list === undefined) return CONTESTANTS;
  // "c" is a name, and not how others may begin.
  const meant = (name: string): ContestantName[] => {
    const exact = CONTESTANTS.filter((known) => known === name);
    return exact.length > 0 ? exact : CONTESTANTS.filter((known) => known.startsWith(name));
  };
  const names = split(list);
  for (const name of names) if (meant(name).length === 0) oneOf("--contestants", name, CONTESTANTS);
  const chosen = new Set(names.flatMap(meant));
  return CONTESTANTS.filter((name) => chosen.has(name));
}

function split(list: string): string[] {
  const names = list.split(",").map((name) => name.trim());
  return names.filter((name) => name !== "");
}

function oneOf(option: string, given: string, names: readonly string[]): void {
  if (!names.includes(given)) throw new UsageError(`${option}: expected some of ${names.join(", ")}, got "${given}"`);
}

interface Given {
  readonly quick: boolean;
  readonly cases?: string;
  readonly contestants?: string;
  readonly rounds?: string;
  readonly json?: string;
  readonly help: boolean;
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        cases: { type: "string" },
        contestants: { type: "string" },
        rounds: { type: "string" },
        json: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}
