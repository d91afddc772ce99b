/** What lessons are written with: options, text, pages, charts. */
import { describe, expect, test } from "vitest";
import { curves, svgOf } from "../../../examples/shared/chart.ts";
import { renderPage } from "../../../examples/shared/page.ts";
import { readLessonSettings, UsageError } from "../../../examples/shared/settings.ts";
import { formatTable, short, wrap } from "../../../examples/shared/text.ts";

describe("readLessonSettings", () => {
  test("has defaults, takes each option, and answers null for --help", () => {
    expect(readLessonSettings([])).toEqual({ quick: false, seed: 1, out: "out", docs: null });
    const given = readLessonSettings(["--quick", "--seed", "7", "--out", "x"]);
    expect(given).toEqual({ quick: true, seed: 7, out: "x", docs: null });
    expect(readLessonSettings(["--docs", "y"])?.docs).toBe("y");
    expect(readLessonSettings(["--quick", "-h"])).toBeNull();
  });

  test.each([
    ["--seed", "-1"],
    ["--seed", "1.5"],
    ["--seed", ""],
    ["--seed"],
    ["--fast"],
    ["05"],
    ["--docs", "y", "--quick"],
  ])("refuses %s %s in one line", (...args) => {
    const refuse = (): unknown => readLessonSettings(args.filter((arg) => arg !== undefined));
    expect(refuse).toThrow(UsageError);
    expect(refuse).toThrow(/^[^\n]+$/);
  });
});

describe("wrap", () => {
  test("breaks where words end, at 88 columns, whatever the source's lines are", () => {
    const words = "a bb ccc ".repeat(40);
    const lines = wrap(`  ${words.replaceAll("ccc", "ccc\n   ")}`).split("\n");
    expect(lines.join(" ")).toBe(words.trim());
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(88);
    expect(Math.min(...lines.slice(0, -1).map((line) => line.length))).toBeGreaterThan(80);
  });

  test("leaves a word that is longer alone", () => {
    expect(wrap(`a ${"x".repeat(100)} b`)).toBe(`a\n${"x".repeat(100)}\nb`);
  });
});

describe("short", () => {
  test("has four digits, and no zeros of a kind", () => {
    expect([0.37301, -1.0258, 4.4721e-6, 1024, 123456, -0, 1 / 3, NaN, 1e30].map(short)).toEqual([
      "0.373",
      "-1.026",
      "4.472e-6",
      "1024",
      "123456",
      "0",
      "0.3333",
      "NaN",
      "1e30",
    ]);
  });
});

describe("formatTable", () => {
  test("puts texts to the left and numbers to the right", () => {
    const table = formatTable(
      ["name", "value"],
      [
        ["a", 1.5],
        ["longer", -12],
      ],
    );
    expect(table).toBe("  name    value\n  a         1.5\n  longer    -12");
  });
});

describe("renderPage", () => {
  test("shows every kind of part, and text as text", () => {
    const page = renderPage({
      title: "<Title>",
      claim: "a < b",
      source: "https://arxiv.org/abs/1, and more",
      parts: [
        { kind: "heading", text: "H" },
        { kind: "paragraph", text: "x & y" },
        { kind: "listing", text: "%1 = f(x)" },
        { kind: "table", heads: ["", "n"], rows: [["<a>", 0.12345]] },
        { kind: "figure", file: "f.svg", svg: "<svg></svg>", caption: "c" },
        { kind: "check", text: "it is", holds: true },
        { kind: "check", text: "it is not", holds: false },
      ],
    });
    for (const part of [
      "<h1>&lt;Title&gt;</h1>",
      "a &lt; b",
      '<a href="https://arxiv.org/abs/1">https://arxiv.org/abs/1</a>, and more',
      "<h2>H</h2>",
      "<p>x &amp; y</p>",
      "<pre>%1 = f(x)</pre>",
      '<th scope="row">&lt;a&gt;</th><td>0.1235</td>',
      "<figure><svg></svg><figcaption>c</figcaption></figure>",
      '<p class="holds">✓ it is</p>',
      '<p class="fails">✗ it is not</p>',
    ]) {
      expect(page).toContain(part);
    }
  });
});

describe("curves", () => {
  const points = [2, 4, 8].flatMap((x) => [
    { name: "with band", x, y: x, low: x - 1, high: x + 1 },
    { name: "without", x, y: 2 * x },
  ]);

  test("draws a line a name, a band where there is a spread, and a tick a size on log2", async () => {
    const svg = await svgOf(curves(points, { x: "batch size", y: "error", xScale: "log2" }), 'an "error"');
    expect(svg).toMatch(/^<svg role="img" aria-label="an &quot;error&quot;" /);
    for (const text of ["batch size", "error", "with band", "without", ">2<", ">4<", ">8<"])
      expect(svg).toContain(text);
    expect(svg.match(/aria-roledescription="line mark"/g)?.length).toBe(2);
    expect(svg.match(/aria-roledescription="area mark"/g)?.length).toBe(1);
    expect(svg).not.toContain("NaN");
  });

  test("ticks the powers of ten on a log axis, and 2 and 5 between where there are few of them", async () => {
    const labelsOf = async (low: number, high: number): Promise<string[]> => {
      const ends = [low, high].map((y, x) => ({ name: "a", x, y }));
      const svg = await svgOf(curves(ends, { x: "step", y: "size", yScale: "log" }), "a");
      const [, axis = ""] = svg.split('aria-label="Y-axis');
      return Array.from(axis.matchAll(/>([\de.-]+)<\/text>/g), ([, label = ""]) => label);
    };
    expect(await labelsOf(2e-5, 30)).toEqual(["1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10", "100"]);
    expect(await labelsOf(0.3, 2)).toEqual(["0.1", "0.2", "0.5", "1", "2", "5", "10"]);
  });
});
