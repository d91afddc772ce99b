/**
 * What a lesson is written with. A lesson is a script that reads from top to bottom: what it says is printed and put on a
 * page, and what it claims is checked. `npm run lesson 05`, or `npx tsx examples/05-….ts --help`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { manualSeed } from "normgrad";
import type { TopLevelSpec } from "vega-lite";
import { writeDocument } from "./document.ts";
import { renderPage } from "./page.ts";
import type { Part } from "./page.ts";
import { OPTIONS, readLessonSettings, UsageError } from "./settings.ts";
import type { LessonSettings } from "./settings.ts";
import { formatTable, wrap } from "./text.ts";
import type { Cell } from "./text.ts";

export interface LessonText {
  readonly title: string;
  /** What the lesson shows to be so. */
  readonly claim: string;
  /** Whose claim it is. */
  readonly source: string;
}

export interface Lesson extends LessonSettings {
  readonly heading: (text: string) => void;
  /** A paragraph; its line breaks do not matter. */
  readonly say: (text: string) => void;
  /** Text as it stands: a tape, a report, code. */
  readonly listing: (text: string) => void;
  readonly table: (heads: readonly string[], rows: readonly (readonly Cell[])[]) => void;
  /** Written to <lesson>-<name>.svg and put on the page. */
  readonly figure: (name: string, spec: TopLevelSpec, caption: string) => Promise<void>;
  /** What must be so; the lesson ends with 1 if it is not. */
  readonly check: (text: string, holds: boolean) => void;
  /** A line that a terminal shows while something takes its time; gone when the next thing is printed. */
  readonly progress: (text: string) => void;
}

/**
 * Begins a lesson: reads the options, seeds all random numbers, prints title and claim. The page is written when the script
 * has come to its end.
 *
 * @param url import.meta.url
 */
export function lesson(url: string, text: LessonText): Lesson {
  const settings = settingsOf(url, text);
  manualSeed(settings.seed);
  const name = basename(fileURLToPath(url), ".ts");
  const parts: Part[] = [];
  const clear = (): void => {
    if (process.stdout.isTTY) process.stdout.write("\r\u001B[K");
  };
  const print = (part: Part, shown: string): void => {
    parts.push(part);
    clear();
    console.log(shown);
  };
  const write = (file: string, content: string): string => {
    mkdirSync(settings.out, { recursive: true });
    writeFileSync(join(settings.out, file), content);
    return join(settings.out, file);
  };
  const finish = async (): Promise<void> => {
    console.log(`\nPage: ${write(`${name}.html`, renderPage({ ...text, parts }))}`);
    if (settings.docs !== null)
      console.log(`Document: ${await writeDocument(settings.docs, name, settings.seed, { ...text, parts })}`);
  };
  console.log(`\n${text.title}\n${"═".repeat(text.title.length)}\n${wrap(`Claim: ${text.claim}`)}\n${text.source}`);
  process.once("beforeExit", finish);
  return {
    ...settings,
    heading: (words) => print({ kind: "heading", text: words }, `\n${words}\n${"─".repeat(words.length)}`),
    say: (words) => print({ kind: "paragraph", text: words.trim().replaceAll(/\s+/g, " ") }, `\n${wrap(words)}`),
    listing: (lines) => print({ kind: "listing", text: lines }, `\n${lines.replaceAll(/^(?=.)/gm, "  ")}`),
    table: (heads, rows) => print({ kind: "table", heads, rows }, `\n${formatTable(heads, rows)}`),
    check: (words, holds) => {
      print({ kind: "check", text: words, holds }, `${holds ? "✓" : "✗"} ${words}`);
      if (!holds) process.exitCode = 1;
    },
    figure: async (figureName, spec, caption) => {
      const { svgOf } = await import("./chart.ts"); // only now: Vega takes half a second to load
      const svg = await svgOf(spec, caption);
      const file = `${name}-${figureName}.svg`;
      print({ kind: "figure", file, svg, caption }, `\nFigure: ${write(file, svg)}`);
    },
    progress: (words) => {
      clear();
      if (process.stdout.isTTY) process.stdout.write(words);
    },
  };
}

/** Ends the process where there is no lesson to give: --help, or a wrong option. */
function settingsOf(url: string, { title, claim, source }: LessonText): LessonSettings {
  const command = `npx tsx examples/${basename(fileURLToPath(url))}`;
  try {
    const settings = readLessonSettings(process.argv.slice(2));
    if (settings !== null) return settings;
    console.log(`Usage: ${command} [options]\n\n${title}\n${wrap(claim)}\n${source}\n\n${OPTIONS}`);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\nSee ${command} --help`);
    process.exit(1);
  }
}
