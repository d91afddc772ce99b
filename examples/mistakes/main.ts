/** Prints the list: `npx tsx examples/mistakes/main.ts`. */
import { parseArgs } from "node:util";
import { mistakes } from "./list.ts";
import { short } from "./mistake.ts";
import type { Attempt, Mistake } from "./mistake.ts";

const USAGE = `Usage: npx tsx examples/mistakes/main.ts [options]

Mistakes of tutorials and published code on normalization layers: what each gives on the numbers 1, 2, 3, 4 beside the
right one, and the check that catches it. Ends with 1 if a check does not tell wrong from right.

  --only <n>   one of them, 1 to ${mistakes.length}   [all]
  --help       this text
`;

/** A wrong option; the message is one line for the user. */
class UsageError extends Error {}

/** Which of them to print; null asks for the usage text. */
function chosen(args: string[]): readonly Mistake[] | null {
  const { help, only } = parse(args);
  if (help) return null;
  if (only === undefined) return mistakes;
  const mistake = /^\d+$/.test(only) ? mistakes[Number(only) - 1] : undefined;
  if (mistake) return [mistake];
  throw new UsageError(`--only: expected a whole number of 1 to ${mistakes.length}, got "${only}"`);
}

function parse(args: string[]): { readonly help: boolean; readonly only?: string } {
  try {
    return parseArgs({
      args,
      options: { help: { type: "boolean", short: "h", default: false }, only: { type: "string" } },
    }).values;
  } catch (error) {
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n"); // advice may follow
    throw new UsageError(line);
  }
}

/** Answers whether every check told wrong from right. */
function print(mistake: Mistake): boolean {
  const { title, file, claim, instead, source, examples } = mistake;
  console.log(`${mistakes.indexOf(mistake) + 1}. ${title}\n   said    ${claim}\n   but     ${instead}`);
  console.log(`   found   ${source}\n   code    examples/mistakes/${file}`);
  const told = examples.map(({ shown, checkedBy, wrong, right }) => {
    const [caught, passed] = [wrong.verdict(), right.verdict()];
    console.log(`   ${shown}`);
    console.log(`     wrong   ${values(wrong)}\n     right   ${values(right)}`);
    console.log(`     check   ${checkedBy}`);
    console.log(`     caught  ${caught ?? "NOT AT ALL"}`);
    if (passed !== null) console.log(`     THE RIGHT ONE DOES NOT PASS: ${passed}`);
    return caught !== null && passed === null;
  });
  console.log();
  return told.every(Boolean);
}

function values(attempt: Attempt): string {
  return attempt.values().map(short).join("  ");
}

try {
  const list = chosen(process.argv.slice(2));
  if (list === null) console.log(USAGE);
  else if (!list.map(print).every(Boolean)) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nSee npx tsx examples/mistakes/main.ts --help`);
  process.exitCode = 1;
}
