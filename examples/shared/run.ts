/** `npm run lesson 05 [-- options]` gives one lesson, `npm run lessons` all of them, `npm run lesson` lists them. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const EXAMPLES = join(import.meta.dirname, "..");

const lessons = readdirSync(EXAMPLES)
  .filter((name) => /^\d\d-\w+\.ts$/.test(name))
  .toSorted();

function titleOf(name: string): string {
  return /\btitle: "([^"]+)"/.exec(readFileSync(join(EXAMPLES, name), "utf8"))?.[1] ?? name;
}

/** Answers whether the lesson came to its end, with all that it claims. */
function give(name: string, options: readonly string[]): boolean {
  const { status } = spawnSync(process.execPath, ["--import", "tsx", join(EXAMPLES, name), ...options], {
    stdio: "inherit",
  });
  return status === 0;
}

const [which = "", ...options] = process.argv.slice(2);
const chosen = which === "all" ? lessons : lessons.filter((name) => Number(name.slice(0, 2)) === Number(which || NaN));

if (chosen.length > 0) {
  const failed = chosen.filter((name) => !give(name, options));
  if (chosen.length > 1)
    console.log(`\n${chosen.length - failed.length} of ${chosen.length} lessons show what they claim`);
  if (failed.length > 0) process.exitCode = 1;
} else {
  const known = which === "" || which === "--help" || which === "-h";
  const list = lessons.map((name) => `  ${name.slice(0, 2)}  ${titleOf(name)}`).join("\n");
  const text = `Usage: npm run lesson <number> [-- --quick --seed <n> --out <folder>]\n       npm run lessons\n\n${list}`;
  if (known) console.log(text);
  else console.error(`expected a lesson's number, got "${which}"\n\n${text}`);
  if (!known) process.exitCode = 1;
}
