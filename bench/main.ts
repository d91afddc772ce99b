/** `npm run bench`: this library beside its peers. See settings.ts for its options. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Presets, SingleBar } from "cli-progress";
import { format } from "prettier";
import { buildWorker } from "./buildWorker.ts";
import { compileC, findPython } from "./compile.ts";
import { LABELS } from "./contestants/names.ts";
import { curveSvg, pointsOf } from "./curve.ts";
import { describeMachine } from "./machine.ts";
import { measureAll, turnsOf } from "./measureAll.ts";
import type { Absence, Measurement, Results } from "./measurement.ts";
import { markdownReport, textReport } from "./report.ts";
import type { Tools } from "./run.ts";
import { readSettings, USAGE, UsageError } from "./settings.ts";
import type { Settings } from "./settings.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2));
  if (settings === null) {
    console.log(USAGE);
    return;
  }
  if (!existsSync(join(HERE, "../dist/index.js"))) throw new UsageError("expected the built library: npm run build");
  if (!existsSync(join(HERE, "node_modules"))) console.log("The peers are not installed: npm ci --prefix bench\n");
  await buildWorker();
  const folder = mkdtempSync(join(tmpdir(), "normgrad-bench-"));
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => stop.abort());
  try {
    const { contestants } = settings;
    const tools: Tools = {
      c: contestants.includes("c") ? compileC(folder) : null,
      python: contestants.includes("pytorch") ? findPython() : null,
    };
    const results = await measureWithBar(settings, tools, folder, stop.signal);
    console.log(`\n${textReport(results, settings)}\n`);
    if (settings.json !== null) writeFileSync(settings.json, `${JSON.stringify(results, null, 1)}\n`);
    if (stop.signal.aborted) {
      console.log("Interrupted: these are the turns that were taken until then.");
      process.exitCode = 130;
    }
    await write(results, { ...settings, complete: settings.complete && !stop.signal.aborted }, tools);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureWithBar(settings: Settings, tools: Tools, folder: string, signal: AbortSignal): Promise<Results> {
  const measurements: Measurement[] = [];
  const absences: Absence[] = [];
  const bar = new SingleBar(
    { format: "  {bar} {value}/{total}  {eta_formatted} left  {turn}", barsize: 24, hideCursor: true },
    Presets.shades_classic,
  );
  bar.start(turnsOf(settings).length, 0, { turn: "" });
  let last = "";
  await measureAll(
    settings,
    tools,
    folder,
    {
      onTurn: ({ table, case: { title }, contestant, round }) => {
        const place = `${table}: ${title}`;
        bar.increment({ turn: `${place}, ${LABELS[contestant]}`.slice(0, 60) });
        // Where there is no terminal there is no bar, but a line for each case.
        if (!process.stderr.isTTY && place !== last) console.error(`  round ${round + 1}, ${place}`);
        last = place;
      },
      onMeasured: (measurement) => measurements.push(measurement),
      onAbsence: (absence) => absences.push(absence),
    },
    signal,
  );
  bar.stop();
  return { measurements, absences };
}

/** Numbers of a short or partial run must not replace those of a complete one. */
async function write(results: Results, settings: Settings, tools: Tools): Promise<void> {
  const folder = settings.complete ? HERE : join(HERE, "out");
  mkdirSync(folder, { recursive: true });
  const hasCurve = pointsOf(results).length > 0;
  if (hasCurve) writeFileSync(join(folder, "curve.svg"), await curveSvg(results));
  const text = markdownReport(results, settings, describeMachine(tools), hasCurve ? "curve.svg" : null);
  writeFileSync(join(folder, "RESULTS.md"), await format(text, { parser: "markdown", printWidth: 120 }));
  console.log(`Written: ${join(folder, "RESULTS.md")}${hasCurve ? " and curve.svg" : ""}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\nSee npm run bench -- --help`);
  process.exitCode = 1;
}
