/** The main job: `npm start`. See settings.ts for its options. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, setBackend } from "normgrad";
import { checkTable } from "./checkTable.ts";
import { DataError, loadImages } from "./data.ts";
import type { Images } from "./data.ts";
import { checkGradients, countChecks } from "./gradientChecks.ts";
import { innerPixels } from "./innerPixels.ts";
import { percent, showChecks, showProgress } from "./progress.ts";
import { networksOf } from "./result.ts";
import type { Result } from "./result.ts";
import { readSettings, USAGE, UsageError } from "./settings.ts";
import { trainAll } from "./trainAll.ts";
import { prepareOut, WriteError, writeReport } from "./writeReport.ts";

const DIGITS = relative(process.cwd(), fileURLToPath(new URL("../../data/digits.csv.gz", import.meta.url)));

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), DIGITS);
  if (settings === null) {
    console.log(USAGE);
    return;
  }
  setBackend(settings.backend);
  const images = loadImages(settings.data);
  prepareOut(settings.out);
  const result: Result = { settings, gradientChecks: [], epochs: [], trained: [] };
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());

  console.log(`\nGradient checks: every norm's backward against its exact gradient, on real pixels`);
  await runChecks(images, result, stop.signal);
  console.log(checkTable(result.gradientChecks));

  if (!stop.signal.aborted) await runTraining(images, result, stop.signal);

  const { html, json } = await writeReport(result);
  console.log(`\n${stop.signal.aborted ? "Interrupted. What was done is in" : "The report is in"} ${html} and ${json}`);
  if (stop.signal.aborted) process.exitCode = 130;
  else if (!result.gradientChecks.every((check) => check.ok)) process.exitCode = 1;
}

async function runChecks(images: Images, { gradientChecks, settings }: Result, stop: AbortSignal): Promise<void> {
  const pixels = innerPixels(images);
  const progress = showChecks(countChecks(pixels));
  for (const check of checkGradients(pixels, new Generator(settings.seed))) {
    gradientChecks.push(check);
    progress.onCheck();
    await new Promise((resolve) => setImmediate(resolve)); // lets Ctrl-C and the bar through
    if (stop.aborted) break;
  }
  progress.stop();
}

async function runTraining(images: Images, result: Result, stop: AbortSignal): Promise<void> {
  const { side, classes, labels } = images;
  console.log(`Training on ${labels.length} images of ${side}×${side} pixels, ${classes} classes`);
  const progress = showProgress(result.settings);
  await trainAll(
    images,
    result.settings,
    {
      onStep: progress.onStep,
      onEpoch: (epoch) => {
        result.epochs.push(epoch);
        progress.onEpoch(epoch);
      },
      onTrained: (trained) => result.trained.push(trained),
    },
    stop,
  );
  progress.stop();
  for (const { norm, testAccuracy, seconds, complete } of networksOf(result)) {
    const note = complete ? "" : "  (interrupted)";
    console.log(
      `  ${norm.padEnd(12)} test accuracy ${percent(testAccuracy).padStart(7)}  ${seconds.toFixed(1)} s${note}`,
    );
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof DataError || error instanceof UsageError || error instanceof WriteError)) throw error;
  console.error(`${error.message}${error instanceof UsageError ? "\nSee npm start -- --help" : ""}`);
  process.exitCode = 1;
}
