/** On what it was measured. */
import { cpus, release, totalmem, type } from "node:os";
import type { Tools } from "./run.ts";
import type { Row } from "./format.ts";

export interface Machine {
  /** YYYY-MM-DD */
  readonly date: string;
  readonly facts: readonly Row[];
}

export function describeMachine({ c }: Tools): Machine {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    facts: [
      ["CPU", `${cpu?.model.trim() ?? "unknown"}, ${cpus().length} cores`],
      ["memory", `${Math.round(totalmem() / 2 ** 30)} GB`],
      ["system", `${type()} ${release()}`],
      ["Node", `${process.versions.node}, V8 ${process.versions.v8}`],
      ...(c ? [["C", c.compiler]] : []),
    ],
  };
}
