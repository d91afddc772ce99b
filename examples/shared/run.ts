/**
 * `npm run lesson 05 [-- options]` gives one lesson, `npm run lesson` lists them, `npm run lessons` gives all, quickly, and
 * `npm run lessons:docs` all in full, for docs/lessons.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const EXAMPLES = join(import.meta.dirname, "..");

const lessons = readdirSync(EXAMPLES)
  .filter((name) => /^\d\d-\w+\.ts$/.test(name))
  .toSorted();

function titleOf(name: string): string {
  return /\btitle: "([^"]+)"/.exec(readFileSync(join(EXAMPLES, name), "utf8"))?.[1] ?? name;
}

let running: ChildProcess | undefined;

/** Answers whether the lesson came to its end, with all that it claims. */
function give(name: string, options: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    running = spawn(process.execPath, ["--import", "tsx", join(EXAMPLES, name), ...options], { stdio: "inherit" });
    running.once("error", reject);
    running.once("close", (code, signal) => (signal === "SIGINT" ? stop() : resolve(code === 0)));
  });
}

/** Ctrl-C ends the lesson and those that were to come. */
function stop(): void {
  running?.kill("SIGKILL"); // a training loop does not listen
  console.log("\nInterrupted");
  process.exit(130);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);

const [which = "", ...options] = process.argv.slice(2);
const chosen = which === "all" ? lessons : lessons.filter((name) => Number(name.slice(0, 2)) === Number(which || NaN));

if (chosen.length > 0) {
  const failed: string[] = [];
  for (const [i, name] of chosen.entries()) {
    if (chosen.length > 1) console.log(`\n═══ ${name}: lesson ${i + 1} of ${chosen.length} ═══`);
    if (!(await give(name, options))) failed.push(name);
  }
  if (chosen.length > 1) {
    console.log(`\n${chosen.length - failed.length} of ${chosen.length} lessons show what they claim`);
    if (failed.length > 0) console.log(`not so: ${failed.join(", ")}`);
  }
  if (failed.length > 0) process.exitCode = 1;
} else {
  const known = which === "" || which === "--help" || which === "-h";
  const list = lessons.map((name) => `  ${name.slice(0, 2)}  ${titleOf(name)}`).join("\n");
  const text = `Usage: npm run lesson <number> [-- --quick --seed <n> --out <folder> --docs <folder>]
       npm run lessons       all, in their quick form
       npm run lessons:docs  all in full, written to docs/lessons\n\n${list}`;
  if (known) console.log(text);
  else console.error(`expected a lesson's number, got "${which}"\n\n${text}`);
  if (!known) process.exitCode = 1;
}
