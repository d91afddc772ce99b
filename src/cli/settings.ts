/** What can be asked for on the command line. */
import { parseArgs } from "node:util";
import type { Overrides } from "../gradcheck/recorder.ts";

export interface Settings {
  readonly files: readonly string[];
  readonly json: boolean;
  readonly overrides: Overrides;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

export const USAGE: string = `Usage: normgrad check [options] <file>...

Runs the checkOp calls of these files by importing them, and prints a report of each op: is its hand-written backward
right, and if not, where and by how much? TypeScript files need tsx: npm install --save-dev tsx

  --seed <n>   draws other cases than the seed that each call names
  --runs <n>   how many cases are drawn, whatever each call says
  --json       one JSON document instead of reports
  --help       this text
  --version    the version of normgrad

Ends with 0 if every op is right, 1 if one is wrong or a file could not be checked, 2 if the command line is wrong.
`;

/** @throws UsageError naming the option, what it expects and what it got */
export function readSettings(args: readonly string[]): Settings | "help" | "version" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  if (values.version) return "version";
  const [command, ...files] = positionals;
  if (command !== "check") {
    throw new UsageError(`expected the command check, got ${command === undefined ? "none" : `"${command}"`}`);
  }
  if (files.length === 0) throw new UsageError("check: expected the file of an op, got none");
  return {
    files,
    json: values.json,
    overrides: {
      ...(values.seed !== undefined && { seed: wholeNumber("--seed", values.seed, -(2 ** 31)) }),
      ...(values.runs !== undefined && { runs: wholeNumber("--runs", values.runs, 1) }),
    },
  };
}

interface Given {
  readonly values: {
    readonly seed?: string;
    readonly runs?: string;
    readonly json: boolean;
    readonly help: boolean;
    readonly version: boolean;
  };
  readonly positionals: readonly string[];
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: "string" },
        runs: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        version: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}

/** fast-check's seeds are 32-bit integers. */
function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least || value > 2 ** 31 - 1) {
    throw new UsageError(`${option}: expected a whole number from ${least} to ${2 ** 31 - 1}, got "${text}"`);
  }
  return value;
}
