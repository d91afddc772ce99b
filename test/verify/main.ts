/** `npm run verify`: every norm with all its options against the rounding bound. See settings.ts for the options. */
import { Presets, SingleBar } from "cli-progress";
import { runTasks } from "./runTasks.ts";
import { readSettings, tasksOf, USAGE, UsageError } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { Tally } from "./summary.ts";
import { finish } from "./table.ts";

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === null) {
    console.log(USAGE);
    return;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());
  const tasks = tasksOf(settings);
  const tally = new Tally();
  const progress = showProgress(tasks.length, settings);
  let violations = 0;
  await runTasks(
    tasks,
    settings,
    (outcome) => {
      tally.add(outcome);
      if (outcome.violation !== null) violations++;
      progress.onCase(violations);
    },
    stop.signal,
  );
  progress.stop();
  const { text, exitCode } = finish(tally.summary(), tasks.length, settings);
  console.log(text);
  process.exitCode = exitCode;
}

interface Progress {
  readonly onCase: (violations: number) => void;
  readonly stop: () => void;
}

/** On stderr, so that what is printed at the end can be piped: a bar on a terminal, elsewhere a line. */
function showProgress(cases: number, { seed }: Settings): Progress {
  if (!process.stderr.isTTY) {
    console.error(`judging ${cases.toLocaleString("en-US")} cases of seed ${seed}`);
    return { onCase: () => {}, stop: () => {} };
  }
  const format = "{bar} {percentage}%  {value}/{total} cases  {violations} violations  {eta_formatted} left";
  const bar = new SingleBar({ format, barsize: 24, clearOnComplete: true }, Presets.shades_classic);
  bar.start(cases, 0, { violations: 0 });
  return { onCase: (violations) => bar.increment(1, { violations }), stop: () => bar.stop() };
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nSee npm run verify -- --help`);
  process.exitCode = 1;
}
