/**
 * The teacher's guide: a text for each lesson, with exercises and their solutions. That the solutions run, and have the values
 * that they name, is tested in docs.test.ts, as of every document.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../helpers/cli.ts";
import { lessonFiles } from "../helpers/lessons.ts";

const GUIDE = join(ROOT, "docs/lessons/guide");
const readmeText = readFileSync(join(GUIDE, "README.md"), "utf8");
const EXPLORER = join(ROOT, "examples/explorer/src");

/** The exercises of a text, each from its heading to the next. */
function exercisesOf(text: string): string[] {
  const [, exercises = ""] = text.split("\n## Exercises\n");
  return exercises.split(/^### /m).slice(1);
}

describe("the teacher's guide", () => {
  test.each(lessonFiles)("has a text for lesson $name: question, time, what to show", ({ number, name, title }) => {
    const text = readFileSync(join(GUIDE, `${number}.md`), "utf8");
    const [head = "", ...sections] = text.split(/^## /m);
    expect(head).toMatch(new RegExp(`^# ${number} `));
    expect(head.split("\n")[0]).toBe(`# ${number} ${title}`);
    expect(head).toMatch(/^\*\*Question:\*\* [^]+?\?$/m);
    expect(head).toMatch(/^\*\*Time:\*\* \d+ minutes in class, .*(second|minute)s? to run/m);
    expect(head).toContain(`(../../../examples/${name}.ts)`);
    expect(head).toContain(`(../${name}.md)`);
    expect(sections.map((section) => section.split("\n")[0])).toEqual(["Show", "Exercises"]);
  });

  test.each(lessonFiles)("has two exercises or more for lesson $name, each with a solution that runs", ({ number }) => {
    const exercises = exercisesOf(readFileSync(join(GUIDE, `${number}.md`), "utf8"));
    expect(exercises.length).toBeGreaterThanOrEqual(2);
    exercises.forEach((exercise, i) => {
      expect(exercise).toMatch(new RegExp(`^${i + 1}\\. \\S`));
      expect(exercise).toMatch(/\n\n\*\*Solution\.\*\* [^]+\n```ts\n[^]+\n```\n+$/);
    });
  });

  test("lists every lesson, and no other, with the time that its text says", () => {
    const rows = Array.from(
      readmeText.matchAll(/^\| \[(\d\d)\]\((\d\d)\.md\) +\| ([^|]+?) +\| (\d+) min +\| (\d+) s /gm),
      (match) => match.slice(1),
    );
    const timesOf = (number: string): string[] => {
      const text = readFileSync(join(GUIDE, `${number}.md`), "utf8");
      return / (\d+) minutes in class, \D*(\d+) seconds? to run/.exec(text)?.slice(1) ?? [];
    };
    expect(rows).toEqual(lessonFiles.map(({ number, title }) => [number, number, title, ...timesOf(number)]));
  });

  test("asks in README.md what its texts ask", () => {
    const rows = Array.from(
      readFileSync(join(ROOT, "README.md"), "utf8").matchAll(
        /^\| \[(.+?)\]\(docs\/lessons\/(\d\d-\w+)\.md\) +\| (.+?) +\|$/gm,
      ),
      ([, title, name, question]) => ({ title, name, question }),
    );
    expect(rows.map(({ title, name }) => ({ title, name }))).toEqual(
      lessonFiles.map(({ number, name, title }) => ({ title: `${number} ${title}`, name })),
    );
    for (const { name = "", question = "" } of rows) {
      const text = readFileSync(join(GUIDE, `${name.slice(0, 2)}.md`), "utf8");
      expect(text.replaceAll(/\s+/g, " ")).toContain(`**Question:** ${question}`);
    }
  });

  test("names questions and parts of the explorer that are there", () => {
    const presets = readFileSync(join(EXPLORER, "presets.ts"), "utf8");
    const page = ["app.tsx", ...readdirSync(join(EXPLORER, "parts")).map((file) => join("parts", file))]
      .map((file) => readFileSync(join(EXPLORER, file), "utf8"))
      .join("\n");
    const headings = Array.from(page.matchAll(/<h2[^>]*>([^<]+)<|\btitle="([^"]+)"/g), (match) => match[1] ?? match[2]);
    const texts = readdirSync(GUIDE).map((file) => readFileSync(join(GUIDE, file), "utf8"));
    const matches = (pattern: RegExp): string[] =>
      texts.flatMap((text) => Array.from(text.matchAll(pattern), ([, name = ""]) => name.replaceAll(/\s+/g, " ")));
    const addresses = matches(/`#([a-z-]+)`/g);
    expect(addresses.length).toBeGreaterThan(5);
    for (const name of addresses) expect(presets).toContain(`name: "${name}"`);
    const named = matches(/(?:explorer[,:]|\|.*\|) “([^”]+)”/g);
    expect(named.length).toBeGreaterThan(2);
    for (const heading of named) expect(headings).toContain(heading);
  });

  test("links to files that are there, or that the full runs write", () => {
    const written = new Set(lessonFiles.map(({ name }) => join(ROOT, "docs/lessons", `${name}.md`)));
    for (const file of readdirSync(GUIDE)) {
      const text = readFileSync(join(GUIDE, file), "utf8");
      for (const [, link = ""] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        const path = join(GUIDE, link);
        expect(written.has(path) || existsSync(path), `${file} links to ${link}`).toBe(true);
      }
    }
  });

  test("would notice a solution that is missing", () => {
    expect(exercisesOf("# 01\n\n## Exercises\n\n### 1. A\n\nx\n\n### 2. B\n")).toEqual(["1. A\n\nx\n\n", "2. B\n"]);
    expect(exercisesOf("# 01\n")).toEqual([]);
  });
});
