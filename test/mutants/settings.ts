/** What can be set from the command line. */
import { parseArgs } from "node:util";
import { pairs } from "./catalogue.ts";
import { nameOf } from "./judgePair.ts";
import type { PairName } from "./judgePair.ts";
import { GROUPS, NORMS } from "./mutant.ts";

export interface Settings {
  readonly pairs: readonly PairName[];
  /** Not all pairs of the catalogue. */
  readonly filtered: boolean;
  readonly workers: number;
  readonly write: boolean;
  readonly verbose: boolean;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

export const USAGE: string = `Usage: npm run mutants -- [options]

Plants every bug of the catalogue in every norm that it applies to, and counts how many checkOp finds, how many the
designs of other gradient checkers find, and how often the first diagnosis names the class of the planted bug.

  --group <name>    only this group: ${GROUPS.join(", ")}
  --norm <name>     only this norm: ${NORMS.join(", ")}
  --mutant <text>   only mutants whose name contains this; their reports are printed
  --workers <n>     worker threads   [2]
  --write           write docs/mutants.md; not together with a filter
  --help            this text
`;

/** null asks for the usage text. */
export function readSettings(args: readonly string[]): Settings | null {
  const { group, norm, mutant, workers, write, help } = parse(args);
  if (help) return null;
  oneOf("--group", group, GROUPS);
  oneOf("--norm", norm, NORMS);
  const chosen = pairs.filter(
    (pair) =>
      (group === undefined || pair.mutant.group === group) &&
      (norm === undefined || pair.norm === norm) &&
      (mutant === undefined || pair.mutant.name.includes(mutant)),
  );
  if (chosen.length === 0) throw new UsageError("expected filters that leave a mutant, got none");
  const filtered = chosen.length < pairs.length;
  if (write && filtered) throw new UsageError("--write: expected no filter, since the document is about all mutants");
  const threads = Number(workers);
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new UsageError(`--workers: expected a whole number from 1 to 64, got "${workers}"`);
  }
  return { pairs: chosen.map(nameOf), filtered, workers: threads, write, verbose: mutant !== undefined };
}

interface Given {
  readonly group?: string;
  readonly norm?: string;
  readonly mutant?: string;
  readonly workers: string;
  readonly write: boolean;
  readonly help: boolean;
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      options: {
        group: { type: "string" },
        norm: { type: "string" },
        mutant: { type: "string" },
        workers: { type: "string", default: "2" },
        write: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}

function oneOf(option: string, given: string | undefined, names: readonly string[]): void {
  if (given !== undefined && !names.includes(given)) {
    throw new UsageError(`${option}: expected one of ${names.join(", ")}, got "${given}"`);
  }
}
