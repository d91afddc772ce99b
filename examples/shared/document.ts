/** The full runs as they stand in docs/lessons: a document a lesson with its figures, and one that lists them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderMarkdown } from "./markdown.ts";
import type { Page } from "./page.ts";

const DOCUMENT = /^\d\d-\w+\.md$/;

/** Writes a lesson's document, and the list anew; answers the document's path. */
export async function writeDocument(folder: string, name: string, seed: number, page: Page): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const old = readdirSync(folder).filter((file) => file.startsWith(`${name}-`) && file.endsWith(".svg"));
  for (const file of old) rmSync(join(folder, file));
  for (const part of page.parts) if (part.kind === "figure") writeFileSync(join(folder, part.file), `${part.svg}\n`);
  const path = join(folder, `${name}.md`);
  writeFileSync(path, await formatted(renderMarkdown(name, seed, page)));
  writeFileSync(join(folder, "README.md"), await renderList(folder));
  return path;
}

/** Of the documents that are there: the claim of each, and what its run has shown. */
export function renderList(folder: string): Promise<string> {
  const files = readdirSync(folder)
    .filter((file) => DOCUMENT.test(file))
    .toSorted();
  return formatted(`# What the lessons show

Made by \`npm run lessons:docs\` from the full runs; seed 1 is the first of their seeds. What is ticked is checked on every run:
\`npm run lesson 05\` fails where it is not so. Teachers begin with [the guide](guide/README.md).

${files.map((file) => entry(file, readFileSync(join(folder, file), "utf8"))).join("\n")}`);
}

/** Title, claim, checks, and what the lesson says of whether a claim reproduces. */
function entry(file: string, document: string): string {
  const title = /^# (.+)$/m.exec(document)?.[1] ?? file;
  const claim = /^> \*\*Claim:\*\* (.+)$/m.exec(document)?.[1] ?? "";
  const checks = Array.from(document.matchAll(/^- [✓✗] .+$/gm), ([line]) => line);
  // Whole paragraphs: a sentence alone would not say what “that” is.
  const paragraphs = document.split(/\n{2,}/).filter((text) => /^\p{L}/u.test(text));
  const verdicts = paragraphs.filter((text) => /\breproduces?\b/.test(text)).map((text) => text.trim());
  return `## [${title}](${file})\n\n${claim} [For teachers](guide/${file.slice(0, 2)}.md)\n\n${[checks.join("\n"), ...verdicts].join("\n\n")}\n`;
}

async function formatted(text: string): Promise<string> {
  const { format } = await import("prettier"); // only now: most lessons write no document
  return format(text, { parser: "markdown", printWidth: 120 });
}
