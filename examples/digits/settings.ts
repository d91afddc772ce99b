/** What can be set from the command line, and how it is asked for. */
import { parseArgs } from "node:util";
import { getBackend } from "normgrad";
import type { Backend, Dtype } from "normgrad";
import { NORMS } from "./model.ts";
import type { NormName } from "./model.ts";

export interface Settings {
  readonly norms: readonly NormName[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly dtype: Dtype;
  readonly backend: Backend;
  readonly data: string;
  readonly out: string;
}

/** A wrong option; the message is one line for the user. */
export class UsageError extends Error {}

export const USAGE: string = `Usage: npm start -- [options]

Checks the backward of every norm against its exact gradient, then trains one small convolutional network with no norm
and with each of four norms on handwritten digits, and writes out/report.html and out/report.json.

  --norm <names>       which networks, comma-separated: ${NORMS.join(", ")}   [all]
  --epochs <n>         passes over the training images   [15]
  --batch-size <n>     images a step, at least 2         [32]
  --seed <n>           of split, weights and shuffling   [1]
  --dtype <name>       float32 or float64                [float32]
  --backend <name>     wasm, typescript or formula: what computes norms and products   [the fastest that is there]
  --data <file>        a CSV of your own, gzipped or not: square images of an even side, one a row, the label last
  --out <folder>       where the report is written       [out]
  --help               this text
`;

/** null asks for the usage text. */
export function readSettings(args: readonly string[], defaultData: string): Settings | null {
  const values = parse(args);
  if (values.help) return null;
  return {
    norms: readNorms(values.norm),
    epochs: wholeNumber("--epochs", values.epochs, 1),
    batchSize: wholeNumber("--batch-size", values["batch-size"], 2),
    seed: wholeNumber("--seed", values.seed, 0),
    dtype: readDtype(values.dtype),
    backend: readBackend(values.backend ?? getBackend()),
    data: values.data ?? defaultData,
    out: values.out,
  };
}

interface Given {
  readonly norm: readonly string[];
  readonly epochs: string;
  readonly "batch-size": string;
  readonly seed: string;
  readonly dtype: string;
  readonly backend?: string;
  readonly data?: string;
  readonly out: string;
  readonly help: boolean;
}

function parse(args: readonly string[]): Given {
  try {
    return parseArgs({
      args: [...args],
      options: {
        norm: { type: "string", multiple: true, default: [...NORMS] },
        epochs: { type: "string", default: "15" },
        "batch-size": { type: "string", default: "32" },
        seed: { type: "string", default: "1" },
        dtype: { type: "string", default: "float32" },
        backend: { type: "string" },
        data: { type: "string" },
        out: { type: "string", default: "out" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}

function readNorms(given: readonly string[]): NormName[] {
  const names = given.flatMap((list) => list.split(",")).map((name) => name.trim());
  for (const name of names) {
    if (!NORMS.some((norm) => norm === name)) {
      throw new UsageError(`--norm: expected names out of ${NORMS.join(", ")}, got "${name}"`);
    }
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

function readDtype(text: string): Dtype {
  if (text !== "float32" && text !== "float64") {
    throw new UsageError(`--dtype: expected float32 or float64, got "${text}"`);
  }
  return text;
}

function readBackend(text: string): Backend {
  if (text !== "wasm" && text !== "typescript" && text !== "formula") {
    throw new UsageError(`--backend: expected wasm, typescript or formula, got "${text}"`);
  }
  return text;
}
