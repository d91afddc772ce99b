/** `npm run mutants`: how many planted bugs are found, and how many are named. See settings.ts for its options. */
import { writeFileSync } from "node:fs";
import { Presets, SingleBar } from "cli-progress";
import { judgeAll } from "./judgeAll.ts";
import type { Judged } from "./judgePair.ts";
import { diagnosed, falseAlarms, isFirstRight, survivors } from "./score.ts";
import { readSettings, USAGE, UsageError } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { confusionRows, killRows, markdown, misnamed, summary, textTable } from "./tables.ts";

/** Of the first diagnoses that have to name the planted class. */
const RIGHT_DIAGNOSES = 0.8;
const DOCUMENT = new URL("../../docs/mutants.md", import.meta.url);

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === null) {
    console.log(USAGE);
    return;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());
  const judged = await judge(settings, stop.signal);
  show(judged, settings);
  if (stop.signal.aborted) {
    console.log(`\nInterrupted: ${judged.length} of ${settings.pairs.length} pairs were judged.`);
    process.exitCode = 130;
    return;
  }
  if (settings.write) writeFileSync(DOCUMENT, markdown(judged));
  const named = diagnosed(judged);
  const enough = named.filter(isFirstRight).length >= RIGHT_DIAGNOSES * named.length;
  if (survivors(judged).length + falseAlarms(judged).length > 0 || !enough) process.exitCode = 1;
}

async function judge({ pairs, workers }: Settings, stop: AbortSignal): Promise<Judged[]> {
  const judged: Judged[] = [];
  const bar = new SingleBar(
    { format: "  {bar} {value}/{total}  {eta_formatted} left  {pair}", barsize: 24, hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(pairs.length, 0, { pair: "" });
  await judgeAll(
    pairs,
    workers,
    (one) => {
      judged.push(one);
      bar.increment({ pair: `${one.norm}: ${one.mutant}`.slice(0, 60) });
    },
    stop,
  );
  bar.stop();
  // Threads finish in any order; the tables do not depend on it.
  const order = new Map(pairs.map(({ mutant, norm }, i) => [`${mutant} ${norm}`, i]));
  const place = ({ mutant, norm }: Judged): number => order.get(`${mutant} ${norm}`) ?? 0;
  return judged.toSorted((a, b) => place(a) - place(b));
}

function show(judged: readonly Judged[], { verbose }: Settings): void {
  if (verbose) for (const { mutant, report } of judged) console.log(`\n${mutant}\n${report}`);
  console.log(`\n${textTable(killRows(judged))}\n`);
  for (const { mutant, norm } of survivors(judged)) console.log(`  survived checkOp: ${mutant} (${norm})`);
  for (const { mutant, norm, report } of falseAlarms(judged)) {
    console.log(`  false alarm: ${mutant} (${norm}) computes the same\n${report}`);
  }
  const wrong = misnamed(judged);
  if (wrong.length > 0) console.log(`Diagnosed as something else\n${wrong.map((line) => `  ${line}`).join("\n")}\n`);
  console.log(`${textTable(confusionRows(judged))}\n\n${summary(judged)}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nSee npm run mutants -- --help`);
  process.exitCode = 1;
}
