/** docs/lessons: what the full runs have shown. `npm run lessons:docs` writes it anew. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderList } from "../../examples/shared/document.ts";
import { give } from "../examples/lessons/give.ts";
import { ROOT } from "../helpers/cli.ts";
import { lessonFiles, textOf } from "../helpers/lessons.ts";

const DOCUMENTS = join(ROOT, "docs/lessons");

/** Without what Markdown needs, to compare with what a lesson says. */
const plain = (markdown: string): string => markdown.replaceAll(/\\(?=\S)/g, "");

describe("docs/lessons", () => {
  test.each(lessonFiles)(
    "has the full run of $name, with the command, its figures, and nothing that fails",
    (lesson) => {
      const text = readFileSync(join(DOCUMENTS, `${lesson.name}.md`), "utf8");
      expect(text).toContain(`# ${lesson.number} `);
      expect(text).toContain(`\`npm run lesson ${lesson.number} -- --docs docs/lessons\`: the full run with seed 1`);
      expect(text.match(/^- ✓ /gm)?.length).toBeGreaterThanOrEqual(3);
      expect(text).not.toMatch(/^- ✗|NaN|undefined/m);
      const figures = Array.from(text.matchAll(/^!\[[^\n]+\]\(([^)]+)\)$/gm), ([, file = ""]) => file);
      expect(figures.length > 0).toBe(lesson.source.includes("await figure("));
      for (const file of figures)
        expect(readFileSync(join(DOCUMENTS, file), "utf8")).toMatch(/^<svg role="img" aria-label=/);
    },
  );

  test.each(lessonFiles)(
    "says of $name what the lesson says today: title, claim, headings",
    ({ name, title, source }) => {
      const text = plain(readFileSync(join(DOCUMENTS, `${name}.md`), "utf8"));
      expect(text.split("\n")[0]).toBe(`# ${name.slice(0, 2)} ${title}`);
      expect(text).toContain(`> **Claim:** ${textOf(source, "claim")}\n`);
      const headings = Array.from(source.matchAll(/\bheading\("([^"]+)"\)/g), ([, words = ""]) => words);
      expect(headings.length).toBeGreaterThan(0);
      for (const words of headings) expect(text).toContain(`\n## ${words}\n`);
    },
  );

  test("lists all of them, and holds no other file", async () => {
    const list = readFileSync(join(DOCUMENTS, "README.md"), "utf8");
    expect(list).toBe(await renderList(DOCUMENTS));
    const documents = readdirSync(DOCUMENTS).filter((file) => file.endsWith(".md") && file !== "README.md");
    expect(documents).toEqual(lessonFiles.map(({ name }) => `${name}.md`));
    const texts = documents.map((file) => readFileSync(join(DOCUMENTS, file), "utf8")).join();
    const figures = readdirSync(DOCUMENTS).filter((file) => file.endsWith(".svg"));
    expect(figures.filter((file) => !texts.includes(`(${file})`))).toEqual([]);
  });

  test("stands as the command writes it, to the byte", async () => {
    const folder = mkdtempSync(join(tmpdir(), "docs-"));
    try {
      const { code } = await give("examples/02-layerNormBackward.ts", "--out", folder, "--docs", join(folder, "docs"));
      expect(code).toBe(0);
      for (const file of ["02-layerNormBackward.md", "02-layerNormBackward-terms.svg"]) {
        const written = readFileSync(join(folder, "docs", file), "utf8");
        expect(written).toBe(readFileSync(join(DOCUMENTS, file), "utf8"));
      }
      expect(existsSync(join(folder, "docs/README.md"))).toBe(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
