/** Lessons as Markdown: what stands in docs/lessons. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "prettier";
import { afterAll, describe, expect, test } from "vitest";
import { writeDocument } from "../../../examples/shared/document.ts";
import { renderMarkdown } from "../../../examples/shared/markdown.ts";
import type { Page, Part } from "../../../examples/shared/page.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "documents-"));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const pageOf = (...parts: readonly Part[]): Page => ({
  title: "A title",
  claim: "1 = 1",
  source: "https://arxiv.org/abs/1, section 2",
  parts,
});
const bodyOf = (...parts: readonly Part[]): string =>
  renderMarkdown("05-one", 1, pageOf(...parts)).split("(guide/05.md)\n\n")[1] ?? "";

describe("renderMarkdown", () => {
  test("begins with claim, source, the command and the seed that made it", () => {
    const head = renderMarkdown("05-one", 1, pageOf());
    for (const text of [
      "# 05 A title\n",
      "> **Claim:** 1 = 1\n",
      "> <https://arxiv.org/abs/1>, section 2\n",
      "`npm run lesson 05 -- --docs docs/lessons`: the full run with seed 1 of [05-one.ts](../../examples/05-one.ts)",
    ]) {
      expect(head).toContain(text);
    }
    expect(renderMarkdown("05-one", 7, pageOf())).toContain("--docs docs/lessons --seed 7`: the full run with seed 7");
  });

  test("shows every kind of part", () => {
    expect(bodyOf({ kind: "heading", text: "H" }, { kind: "paragraph", text: "x & y" })).toBe("## H\n\nx & y\n");
    expect(bodyOf({ kind: "listing", text: "%1 = f(x)\n  *" })).toBe("```text\n%1 = f(x)\n  *\n```\n");
    expect(bodyOf({ kind: "table", heads: ["", "n"], rows: [["a", 0.12345]] })).toBe(
      "|  | n |\n| --- | ---: |\n| a | 0.1235 |\n",
    );
    expect(bodyOf({ kind: "figure", file: "05-one-f.svg", svg: "<svg></svg>", caption: "of x[0]" })).toBe(
      "![of x\\[0\\]](05-one-f.svg)\n\n_of x[0]_\n",
    );
  });

  test("makes one list of checks that follow each other", () => {
    const [good, bad] = [
      { kind: "check", text: "it is", holds: true },
      { kind: "check", text: "it is not", holds: false },
    ] as const;
    expect(bodyOf(good, bad, { kind: "paragraph", text: "and" }, good)).toBe(
      "- ✓ it is\n- ✗ it is not\n\nand\n\n- ✓ it is\n",
    );
  });

  test.each([
    [
      "a*b*c, snake_case_name, `x`, 1 < 2 > 0, |x|, ~2",
      "a\\*b\\*c, snake\\_case\\_name, \\`x\\`, 1 \\< 2 \\> 0, \\|x\\|, \\~2",
    ],
    ["x[0](1)", "x[0\\](1)"],
    ["[0, 1] stays", "[0, 1] stays"],
    ["1. no list", "1\\. no list"],
    ["- no list", "\\- no list"],
    ["# no heading", "\\# no heading"],
    ["-1.5 is a number", "\\-1.5 is a number"],
    ["see https://a.b/c_d, then", "see <https://a.b/c_d>, then"],
  ])("%s means itself", (text, written) => {
    expect(bodyOf({ kind: "paragraph", text })).toBe(`${written}\n`);
  });

  test("fences a text that has a fence in it", () => {
    expect(bodyOf({ kind: "listing", text: "```ts\n```" })).toBe("````text\n```ts\n```\n````\n");
  });
});

describe("writeDocument", () => {
  const figure = (file: string): Part => ({ kind: "figure", file, svg: "<svg></svg>", caption: "c" });
  const holds: Part = { kind: "check", text: "it is so", holds: true };

  test("writes the document, its figures, and a list of all documents", async () => {
    await writeDocument(FOLDER, "07-two", 1, pageOf(holds));
    await writeDocument(FOLDER, "05-one", 1, pageOf(figure("05-one-old.svg"), holds));
    const path = await writeDocument(FOLDER, "05-one", 1, pageOf(figure("05-one-new.svg"), holds));
    expect(path).toBe(join(FOLDER, "05-one.md"));
    expect(readdirSync(FOLDER).toSorted()).toEqual(["05-one-new.svg", "05-one.md", "07-two.md", "README.md"]);

    const list = readFileSync(join(FOLDER, "README.md"), "utf8");
    expect(list.match(/^## .*$/gm)).toEqual(["## [05 A title](05-one.md)", "## [07 A title](07-two.md)"]);
    expect(list).toContain("1 = 1 [For teachers](guide/05.md)\n\n- ✓ it is so\n");
    for (const file of ["README.md", "05-one.md"]) {
      const text = readFileSync(join(FOLDER, file), "utf8");
      expect(await check(text, { parser: "markdown", printWidth: 120 })).toBe(true);
    }
  });

  test("lists what a run says of a claim that does not reproduce", async () => {
    const text =
      "It took 1.5 s. That LayerNorm is best, at 2.5 %, does not reproduce here: it comes second. Nor is it bad.";
    await writeDocument(
      FOLDER,
      "07-two",
      1,
      pageOf({ kind: "heading", text: "What reproduces" }, { kind: "paragraph", text }),
    );
    const list = readFileSync(join(FOLDER, "README.md"), "utf8");
    expect(list).toMatch(
      /\n\nIt took 1.5 s. That LayerNorm is best, at 2.5 %, does not reproduce here: it comes second. Nor is it bad.\n$/,
    );
    expect(list).not.toContain("What reproduces");
  });

  test("leaves other files alone", async () => {
    writeFileSync(join(FOLDER, "05-oneMore.svg"), "mine");
    await writeDocument(FOLDER, "05-one", 1, pageOf());
    expect(readFileSync(join(FOLDER, "05-oneMore.svg"), "utf8")).toBe("mine");
  });
});
