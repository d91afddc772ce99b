/** One fresh process: a contestant on a case. */
import { execFile } from "node:child_process";
import type { Case } from "./cases.ts";
import { layoutOf } from "./cases.ts";
import type { Compiled } from "./compile.ts";
import type { ContestantName } from "./contestants/names.ts";
import { WORKER } from "./buildWorker.ts";
import type { Answer, Task } from "./task.ts";

/** What is not JavaScript, as it was found on this machine; null: not there. */
export interface Tools {
  readonly c: Compiled | null;
  readonly python: string | null;
}

export interface Limits {
  /** Seconds that a process may take, loading and warming up included. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** A contestant that fails answers why: nothing here throws but an abort. */
export async function runTask(
  contestant: ContestantName,
  measured: Case,
  { seconds, results }: Pick<Task, "seconds" | "results">,
  tools: Tools,
  limits: Limits,
): Promise<Answer> {
  const task = JSON.stringify({ contestant, case: measured, seconds, results } satisfies Task);
  if (contestant === "c") return tools.c ? runC(measured, seconds, results, tools.c, limits) : notInstalled;
  if (contestant === "pytorch") {
    return tools.python ? run(tools.python, [PYTORCH, task], limits) : notInstalled;
  }
  return run(process.execPath, ["--expose-gc", WORKER, task], limits);
}

const PYTORCH = new URL("contestants/pytorch.py", import.meta.url).pathname;
const notInstalled: Answer = { missing: "contestant", reason: "not installed" };

async function runC(
  measured: Case,
  seconds: number,
  results: string | null,
  { float32, float64 }: Compiled,
  limits: Limits,
): Promise<Answer> {
  if (measured.op === "mlp" || measured.op === "switchableNorm") return { missing: "op", reason: "has no such op" };
  const file = results === null ? [] : [results];
  const program = measured.dtype === "float32" ? float32 : float64;
  const time = String(seconds);
  if (measured.op === "matmul") {
    return run(program, ["matmul", "0", String(measured.size), "0", "0", "0", "0", time, ...file], limits);
  }
  const { repeats, sets, length, period, run: cells } = layoutOf(measured);
  const layout = [repeats, sets, length, period, cells].map(String);
  const op = measured.op === "rmsNorm" ? "rms" : "centered";
  return run(program, [op, String(measured.mean), ...layout, time, ...file], limits);
}

function run(program: string, args: readonly string[], { limit, signal }: Limits): Promise<Answer> {
  const env = { ...process.env, OMP_NUM_THREADS: "1" };
  return new Promise((resolve) => {
    const options = { timeout: limit * 1000, signal, env, maxBuffer: 2 ** 24 };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const answer = readAnswer(stdout);
      if (answer && !error) resolve(answer);
      else resolve({ missing: "op", reason: error?.killed ? `more than ${limit} s` : failure(stderr) });
    });
  });
}

/** The last line: libraries greet on the lines before. */
function readAnswer(stdout: string): Answer | null {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return null;
  }
}

function failure(stderr: string): string {
  const line = stderr.split("\n").find((text) => /error/i.test(text)) ?? "without a word";
  return `failed: ${line.trim().slice(0, 120)}`;
}
