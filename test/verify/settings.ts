/** What can be set from the command line, and how it is asked for. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { normDescriptors } from "../../src/norms/index.ts";
import { descriptorOf, roundOf } from "./drawNorms.ts";
import type { Task } from "./outcome.ts";

export interface Settings {
  readonly cases: number;
  readonly seed: number;
  readonly order: "1" | "2" | "both";
  readonly norms: readonly string[];
  readonly workers: number;
  /** The number of the one case to judge, or null. */
  readonly single: number | null;
  readonly json: boolean;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

const NORMS: readonly string[] = normDescriptors.map(({ name }) => name);
/** A second-order case costs about six first-order ones: this share makes a run two to three times as long. */
const SECOND_ORDER_EVERY = 4;

export const USAGE: string = `Usage: npm run verify -- [options]

Draws cases of every norm with all its options, and holds values and gradients against the rounding error that they may
have. Exit status 1 if one is outside.

  --cases <n>      how many cases   [2000]
  --seed <n>       case i of a seed is the same, however many are drawn and by however many workers   [0]
  --order <order>  1: values and gradients; 2: gradients of the gradients as well;
                   both: those for every ${SECOND_ORDER_EVERY}th case of a norm   [both]
  --norm <names>   which norms, comma-separated: ${NORMS.join(", ")}   [all]
  --case <i>       this case alone, at both orders unless --order 1
  --workers <n>    how many threads   [as many as there are cores]
  --json           the counts of every norm and option, as JSON
  --help           this text
`;

/** null asks for the usage text. */
export function readSettings(args: readonly string[]): Settings | null {
  const values = parse(args);
  if (values.help) return null;
  return {
    cases: wholeNumber("--cases", values.cases, 1),
    seed: wholeNumber("--seed", values.seed, 0),
    order: readOrder(values.order),
    norms: readNorms(values.norm),
    workers: values.workers === undefined ? availableParallelism() : wholeNumber("--workers", values.workers, 1),
    single: values.case === undefined ? null : wholeNumber("--case", values.case, 0),
    json: values.json,
  };
}

/** The cases of a run. Those of one norm are the ones that it would get in a run of all. */
export function tasksOf({ cases, order, norms, single }: Settings): Task[] {
  if (single !== null) return [{ index: single, order: order === "1" ? 1 : 2 }];
  const tasks: Task[] = [];
  for (let index = 0; tasks.length < cases; index++) {
    if (!norms.includes(descriptorOf(index).name)) continue;
    const second = order === "2" || (order === "both" && roundOf(index) % SECOND_ORDER_EVERY === 0);
    tasks.push({ index, order: second ? 2 : 1 });
  }
  return tasks;
}

interface Given {
  readonly cases: string;
  readonly seed: string;
  readonly order: string;
  readonly norm: readonly string[];
  readonly workers?: string;
  readonly case?: string;
  readonly json: boolean;
  readonly help: boolean;
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      options: {
        cases: { type: "string", default: "2000" },
        seed: { type: "string", default: "0" },
        order: { type: "string", default: "both" },
        norm: { type: "string", multiple: true, default: [...NORMS] },
        workers: { type: "string" },
        case: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}

function readOrder(text: string): Settings["order"] {
  if (text === "1" || text === "2" || text === "both") return text;
  throw new UsageError(`--order: expected 1, 2 or both, got "${text}"`);
}

function readNorms(given: readonly string[]): string[] {
  const names = given.flatMap((list) => list.split(",")).map((name) => name.trim());
  const unknown = names.find((name) => !NORMS.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`--norm: expected names out of ${NORMS.join(", ")}, got "${unknown}"`);
  }
  return NORMS.filter((norm) => names.includes(norm));
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < least || value > 2 ** 31 - 1) {
    throw new UsageError(`${option}: expected a whole number of at least ${least}, got "${text}"`);
  }
  return value;
}
