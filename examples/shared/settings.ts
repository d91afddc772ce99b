/** The options that every lesson has. */
import { parseArgs } from "node:util";

export interface LessonSettings {
  /** A smaller run that still shows the same. */
  readonly quick: boolean;
  readonly seed: number;
  /** The folder of the page and its figures. */
  readonly out: string;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

export const OPTIONS = `  --quick          a smaller run that shows the same
  --seed <n>       of all random numbers           [1]
  --out <folder>   where page and figures are put  [out]
  --help           this text
`;

/** null asks for the usage text. */
export function readLessonSettings(args: readonly string[]): LessonSettings | null {
  const { help, quick, seed, out } = parse(args);
  if (help) return null;
  if (!/^\d{1,9}$/.test(seed)) throw new UsageError(`--seed: expected a whole number of at least 0, got "${seed}"`);
  return { quick, seed: Number(seed), out };
}

interface Given {
  readonly help: boolean;
  readonly quick: boolean;
  readonly seed: string;
  readonly out: string;
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
      },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}
