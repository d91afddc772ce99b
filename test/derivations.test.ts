/**
 * docs/derivations: a page a norm. Its formulas are right LaTeX, its code is the source's, its numbers are the library's
 * (test/docs.test.ts runs the blocks), and no norm is without a page.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import katex from "katex";
import { describe, expect, test } from "vitest";
import { normDescriptors } from "../src/norms/index.ts";

const ROOT = join(import.meta.dirname, "..");
const FOLDER = join(ROOT, "docs/derivations");

const names = normDescriptors.map(({ name }) => name);
const pages = readdirSync(FOLDER).filter((file) => file.endsWith(".md"));
const pageOf = (file: string): string => readFileSync(join(FOLDER, file), "utf8");

/** In this order, others between them. */
const HEADINGS = [
  /^# \S/,
  /^## Forward$/,
  /^## Backward$/,
  /^### The direct path$/,
  /^### Through the mean$/,
  /^### Through the variance$/,
  /^### The sum$/,
  /^## What goes wrong$/,
  /^## Checked$/,
];

interface Fence {
  readonly info: string;
  readonly text: string;
}

function fencesOf(page: string): Fence[] {
  return Array.from(page.matchAll(/^```([^\n]*)\n([^]*?)^```$/gm), ([, info = "", text = ""]) => ({ info, text }));
}

/** The page without what stands in fences. */
function proseOf(page: string): string {
  return page.replaceAll(/^```[^]*?^```$/gm, "");
}

/** Excerpts of the source: their fence names the file. */
function quotesOf(page: string): { readonly path: string; readonly code: string }[] {
  return fencesOf(page).flatMap(({ info, text }) => {
    const path = /^ts (\S+)$/.exec(info)?.[1];
    return path === undefined ? [] : [{ path, code: text }];
  });
}

/** The quotes that do not stand in their file, line for line; only the indentation may differ. */
function misquotesOf(page: string): string[] {
  const flush = (code: string): string => code.trim().replaceAll(/^ +/gm, "");
  return quotesOf(page)
    .filter(({ path, code }) => {
      const file = join(ROOT, path);
      return !existsSync(file) || !`\n${flush(readFileSync(file, "utf8"))}\n`.includes(`\n${flush(code)}\n`);
    })
    .map(({ path, code }) => `${path}: ${code}`);
}

function missingHeadingsOf(page: string): string[] {
  const lines = proseOf(page).split("\n");
  let from = 0;
  return HEADINGS.filter((heading) => {
    const at = lines.findIndex((line, i) => i >= from && heading.test(line));
    if (at >= 0) from = at + 1;
    return at < 0;
  }).map(String);
}

interface Formula {
  readonly latex: string;
  readonly displayMode: boolean;
  /** The letter or digit against which an inline formula stands. */
  readonly after?: string | undefined;
}

function formulasOf(page: string): Formula[] {
  const prose = proseOf(page).replaceAll(/`[^`\n]*`|\$\$[^]*?\$\$/g, "");
  const displayed = fencesOf(page).filter(({ info }) => info === "math");
  return [
    ...displayed.map(({ text }) => ({ latex: text, displayMode: true })),
    ...Array.from(prose.matchAll(/\$([^$]*)\$(\w?)/g), ([, latex = "", after]) => ({
      latex,
      displayMode: false,
      after,
    })),
  ];
}

const IN_MARKDOWN = String.raw`Markdown reads it first: no \, \{ }_ ]_ )_ * < between single dollars`;

/** What does not compile, and what GitHub shows otherwise than meant, though it compiles. */
function badFormulasOf(page: string): string[] {
  const twice = proseOf(page).includes("$$") ? ["$$: write a math fence, as Markdown reads between dollars first"] : [];
  const faulty = formulasOf(page).flatMap(({ latex, displayMode, after = "" }) => {
    const faults = [
      // Markdown takes the backslash from \, and \{, and makes }_…_{ and *…* italic; in a math fence it reads nothing.
      ...(!displayMode && /\\[^a-zA-Z\s]|[}\])]_|\*|</.test(latex) ? [IN_MARKDOWN] : []),
      ...(!displayMode && (latex === "" || latex !== latex.trim()) ? ["a blank beside $: it stays text"] : []),
      ...(after === "" ? [] : [`"${after}" stands against $: it stays text`]),
      ...(!displayMode && latex.includes("\n") ? ["it goes over two lines"] : []),
      ...(/[^\x20-\x7e\n]/.test(latex) ? ["not ASCII"] : []),
      ...(/\\(?:operatorname|def|newcommand|require)\b/.test(latex) ? ["a macro that GitHub refuses"] : []),
      ...compileFault(latex, displayMode),
    ];
    return faults.map((fault) => `${latex}: ${fault}`);
  });
  return [...twice, ...faulty];
}

function compileFault(latex: string, displayMode: boolean): string[] {
  try {
    katex.renderToString(latex, { displayMode, throwOnError: true, strict: "error" });
    return [];
  } catch (error) {
    return [String(error)];
  }
}

describe("docs/derivations", () => {
  test("every norm has a page, and every page is a norm's", () => {
    expect(pages.toSorted()).toEqual([...names.map((name) => `${name}.md`), "README.md"].toSorted());
  });

  test("the index has a row for every norm", () => {
    const index = pageOf("README.md");
    expect(names.filter((name) => !new RegExp(`^\\| \\[[^\\]]+\\]\\(${name}\\.md\\)`, "m").test(index))).toEqual([]);
  });

  test.each(pages)("%s links to files that are there", (file) => {
    const links = Array.from(pageOf(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g), ([, link = ""]) => link);
    expect(links.filter((link) => !existsSync(join(FOLDER, link)))).toEqual([]);
  });

  test.each(pages)("%s has formulas that compile and that GitHub shows as they are meant", (file) => {
    expect(formulasOf(pageOf(file)).length).toBeGreaterThan(5);
    expect(badFormulasOf(pageOf(file))).toEqual([]);
  });

  test.each(pages)("%s quotes the source line for line", (file) => {
    expect(misquotesOf(pageOf(file))).toEqual([]);
  });

  describe.each(names.filter((name) => pages.includes(`${name}.md`)))("%s", (name) => {
    const page = pageOf(`${name}.md`);

    test("goes from the forward over the three paths to the mistakes", () => {
      expect(missingHeadingsOf(page)).toEqual([]);
    });

    test("quotes the whole backward, or what it returns where it is long", () => {
      const whole = new RegExp(`export function ${name}Backward<[^]*\\n}\\n$`);
      const quotes = quotesOf(page).filter(({ code }) => whole.test(code) || /^return \[/m.test(code));
      expect(quotes.length).toBeGreaterThan(0);
    });

    test("follows every formula with numbers that the library computed", () => {
      const runnable = fencesOf(page).filter(({ info }) => info === "ts");
      const uses = (pattern: RegExp): number => runnable.filter(({ text }) => pattern.test(text)).length;
      expect(uses(new RegExp(`\\b(?:explainBackward|${name}Terms)\\(`))).toBeGreaterThan(0);
      expect(uses(/\bgrad\(|\w+Backward\(/)).toBeGreaterThan(0);
      expect(uses(/\b(?:richardsonGradients|exactGradients|checkOp)\(/)).toBeGreaterThan(0);
      expect(runnable.filter(({ text }) => !/;\s+\/\/ (?:[-\d[]|true|false)/.test(text))).toEqual([]);
    });
  });

  test("a planted misquote, a lost heading and a broken formula are found", () => {
    const page = pageOf("layerNorm.md");
    expect(misquotesOf(page.replace("gradXhat.sub(viaMean).sub(viaRstd)", "gradXhat.sub(viaMean)"))).toHaveLength(1);
    expect(misquotesOf(page.replace("ts src/norms/layerNorm.ts", "ts src/norms/other.ts"))).toHaveLength(1);
    expect(misquotesOf("```ts src/norms/layerNorm.ts\nmean(dims, true)\n```\n")).toHaveLength(1); // half a line
    expect(missingHeadingsOf(page.replace("### Through the mean\n", ""))).toEqual(["/^### Through the mean$/"]);
    expect(badFormulasOf("```math\n\\frac{1}\n```\n")).toHaveLength(1);
    expect(badFormulasOf("$μ$").length).toBeGreaterThan(0);
    expect(badFormulasOf(String.raw`$a \, b$`)).toHaveLength(1);
    expect(badFormulasOf("$$a$$")).toHaveLength(1);
    expect(badFormulasOf("$ a$")).toHaveLength(1);
    expect(badFormulasOf("the $n$th")).toHaveLength(1);
    expect(badFormulasOf("$a\nb$")).toHaveLength(1);
    expect(badFormulasOf(String.raw`$\operatorname{rank} J$`)).toHaveLength(1);
  });
});
