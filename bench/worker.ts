/** A process that measures one contestant on one case: `node dist/worker.js <task as JSON>`. */
import { readFileSync, writeFileSync } from "node:fs";
import { Unavailable } from "./contestants/contestant.ts";
import type { Prepared } from "./contestants/contestant.ts";
import { load } from "./contestants/load.ts";
import { measure } from "./measure.ts";
import type { Answer, Task } from "./task.ts";

function readTask(text: string): Task {
  return JSON.parse(text);
}

async function answer({ contestant, case: measured, seconds, results }: Task): Promise<Answer> {
  const { version, prepare } = await load(contestant);
  forgetPeak();
  const before = status("VmRSS");
  const prepared = prepare(measured);
  if (prepared === null) return { missing: "op", reason: "has no such op" };
  if (results !== null) writeFileSync(results, concatenated(prepared.run()));
  const { fromPrimitives, step } = prepared;
  if (seconds === 0) return { version, fromPrimitives, cpu: null, wall: null, kept: null, peak: null };
  const times = measure(step, seconds);
  const kept = keptBytes(prepared);
  const most = status("VmHWM");
  const peak = before === null || most === null ? null : most - before;
  return { version, fromPrimitives, ...times, kept, peak };
}

function concatenated(arrays: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    all.set(array, offset);
    offset += array.length;
  }
  return all;
}

/** A line of Linux's /proc/self/status in bytes. (resourceUsage().maxRSS begins with the parent's.) */
function status(name: string): number | null {
  try {
    const [, kilobytes] = new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** What libraries took while they were loaded is not part of a step. */
function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // then it is part of it
  }
}

/** What a step leaves behind while what it answered is held. */
function keptBytes({ step }: Prepared): number | null {
  const { gc } = globalThis;
  if (gc === undefined) return null;
  const live = (): number => {
    gc();
    gc(); // the backing stores of arrays that the first one found dead
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = live();
  const held = step();
  const after = live();
  return held === null ? null : Math.max(after - before, 0); // reading held here keeps it alive
}

let result: Answer;
try {
  result = await answer(readTask(process.argv[2] ?? ""));
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  result = { missing: "contestant", reason: error.message };
}
console.log(JSON.stringify(result));
