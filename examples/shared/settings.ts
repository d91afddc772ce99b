/** The options that every lesson has. */
import { parseArgs } from "node:util";

export interface LessonSettings {
  /** A smaller run that still shows the same. */
  readonly quick: boolean;
  readonly seed: number;
  /** The folder of the page and its figures. */
  readonly out: string;
  /** The folder of the document, null for none. */
  readonly docs: string | null;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

export const OPTIONS = `  --quick          a smaller run that shows the same
  --seed <n>       of all random numbers           [1]
  --out <folder>   where page and figures are put  [out]
  --docs <folder>  writes the full run as Markdown too, as it stands in docs/lessons
  --help           this text
`;

/** null asks for the usage text. */
export function readLessonSettings(args: readonly string[]): LessonSettings | null {
  const { help, quick, seed, out, docs = null } = parse(args);
  if (help) return null;
  if (!/^\d{1,9}$/.test(seed)) throw new UsageError(`--seed: expected a whole number of at least 0, got "${seed}"`);
  if (quick && docs !== null) throw new UsageError("--docs is written by the full run: leave --quick away");
  return { quick, seed: Number(seed), out, docs };
}

interface Given {
  readonly help: boolean;
  readonly quick: boolean;
  readonly seed: string;
  readonly out: string;
  readonly docs?: string | undefined;
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h", default: false },
        quick: { type: "boolean", default: false },
        seed: { type: "string", default: "1" },
        out: { type: "string", default: "out" },
        docs: { type: "string" },
      },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}
