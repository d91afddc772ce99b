import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { networksOf } from "../../../examples/digits/result.ts";
import type { Result } from "../../../examples/digits/result.ts";
import { prepareOut, WriteError, writeReport } from "../../../examples/digits/writeReport.ts";
import type { Epoch } from "../../../examples/digits/train.ts";
import { settingsWith, temporaryFolder, writeInto } from "./files.ts";

const folder = temporaryFolder();

function epochOf(norm: Epoch["norm"], epoch: number, more: Partial<Epoch> = {}): Epoch {
  return { norm, epoch, trainLoss: 1 / epoch, testLoss: 0.5, testAccuracy: 0.9 + epoch / 100, seconds: epoch, ...more };
}

/** Two networks, two epochs each, done. */
function resultIn(out: string, more: Partial<Result> = {}): Result {
  return {
    settings: settingsWith({ norms: ["none", "groupNorm"], epochs: 2, seed: 7, out: join(folder, out) }),
    gradientChecks: [
      { norm: "groupNorm", case: "numGroups 2", maxError: 1e-16, ofBound: 0.25, input: "x", ok: true },
      { norm: "groupNorm", case: "numGroups 2, weight", maxError: 3.6e-16, ofBound: 0.125, input: "weight", ok: true },
      { norm: "layerNorm", case: "planted", maxError: 0.25, ofBound: 4e12, input: "bias", ok: false },
    ],
    epochs: [epochOf("groupNorm", 1), epochOf("none", 1), epochOf("groupNorm", 2), epochOf("none", 2)],
    trained: [
      { norm: "none", model: "Sequential()", parameters: 3834, tape: "conv2d → relu" },
      { norm: "groupNorm", model: "Sequential(GroupNorm(4, 8))", parameters: 3882, tape: "groupNorm → relu" },
    ],
    ...more,
  };
}

async function written(result: Result): Promise<{ html: string; json: unknown }> {
  const { html, json } = await writeReport(result);
  expect(readdirSync(result.settings.out).toSorted()).toEqual(["report.html", "report.json"]);
  return { html: readFileSync(html, "utf8"), json: JSON.parse(readFileSync(json, "utf8")) };
}

/** What would load something from outside of the file, or lead there. */
function outside(html: string): string[] {
  const links = html.matchAll(/(?:src|href|srcset|data|action|poster)\s*=\s*["']?([^"'\s>]+)/gi);
  const styles = html.matchAll(/(?:url\(|@import)\s*["']?([^"')\s]+)/gi);
  return [...links, ...styles].map(([, target = ""]) => target).filter((target) => !target.startsWith("#"));
}

const interruptions: readonly (readonly [when: string, more: Partial<Result>])[] = [
  ["before the first gradient check", { gradientChecks: [], epochs: [], trained: [] }],
  ["among the gradient checks", { epochs: [], trained: [] }],
  ["in the first epoch", { epochs: [], trained: [] }],
  ["after one epoch of one network", { epochs: [epochOf("groupNorm", 1)], trained: [] }],
  ["in the second network", { epochs: [epochOf("none", 1), epochOf("none", 2), epochOf("groupNorm", 1)], trained: [] }],
];

describe("report.json", () => {
  test("has the keys that are promised, and the values of the run", async () => {
    const result = resultIn("whole");
    const { json } = await written(result);
    expect(json).toMatchObject({
      seed: 7,
      settings: result.settings,
      gradientChecks: result.gradientChecks,
      networks: [
        { norm: "none", testAccuracy: 0.92, seconds: 2 },
        { norm: "groupNorm", testAccuracy: 0.92, seconds: 2 },
      ],
    });
  });

  test.each(interruptions)("interrupted %s: the same keys, the networks that were begun", async (when, more) => {
    const result = resultIn(when, more);
    const { json } = await written(result);
    expect(json).toMatchObject({ seed: 7, settings: result.settings, gradientChecks: result.gradientChecks });
    expect(json).toHaveProperty("networks", networksOf(result));
    expect(networksOf(result).map(({ norm }) => norm)).toEqual(
      result.settings.norms.filter((norm) => result.epochs.some((epoch) => epoch.norm === norm)),
    );
  });
});

describe("networksOf", () => {
  test("tells the last epoch of each network, and whether all were run", () => {
    const epochs = [epochOf("none", 1), epochOf("groupNorm", 1), epochOf("none", 2)];
    expect(networksOf(resultIn("", { epochs }))).toEqual([
      { norm: "none", testAccuracy: 0.92, seconds: 2, epochs: 2, complete: true },
      { norm: "groupNorm", testAccuracy: 0.91, seconds: 1, epochs: 1, complete: false },
    ]);
  });
});

describe("report.html", () => {
  test("is one file: nothing is loaded, and the one link is the source of the digits", async () => {
    const { html } = await written(resultIn("one file"));
    expect(outside(html)).toEqual(["https://doi.org/10.24432/C50P49"]);
    expect(html).not.toMatch(/<(?:script|link|iframe|object|embed)\b/i);
    expect(html.match(/<svg /g)).toHaveLength(2);
  });

  test("the test of one file finds what is outside", () => {
    expect(outside('<img src="a.png"><a href=b.html><p style="x: url(c.png)">@import "d.css"<use href="#e">')).toEqual([
      "a.png",
      "b.html",
      "c.png",
      "d.css",
    ]);
  });

  test("draws a point for every epoch, and shows accuracies, tapes and failing checks", async () => {
    const { html } = await written(resultIn("content"));
    for (const [norm, epoch] of [
      ["no norm", 1],
      ["no norm", 2],
      ["GroupNorm", 1],
      ["GroupNorm", 2],
    ]) {
      expect(html).toMatch(new RegExp(`aria-label="epoch: ${epoch}; training loss: [\\d.]+; name: ${norm}"`));
      expect(html).toMatch(new RegExp(`aria-label="epoch: ${epoch}; test accuracy: [\\d.]+%; name: ${norm}"`));
    }
    for (const text of ["92.0 %", "conv2d → relu", "groupNorm → relu", "3,882 parameters", "3 checks, 2 within"]) {
      expect(html).toContain(text);
    }
    expect(html).toMatch(/groupNorm<\/th><td>2<\/td><td>3.6e-16<\/td><td>0.250<\/td>.*class="ok text">✓</);
    expect(html).toMatch(
      /layerNorm<\/th><td>1<\/td><td>2.5e-1<\/td><td>4.0e\+12<\/td>.*class="bad text">✗ planted: the gradient of bias</,
    );
    expect(html).not.toContain("interrupted");
  });

  test("text is escaped wherever it comes from", async () => {
    const bad = `<img src="x" onerror='y'>&`;
    const plain = resultIn("escaped");
    const { html } = await written({
      ...plain,
      settings: { ...plain.settings, data: `/data/${bad}.csv` },
      gradientChecks: [{ norm: bad, case: bad, maxError: 1, ofBound: 9, input: bad, ok: false }],
      trained: [{ norm: "none", model: bad, parameters: 1, tape: bad }],
    });
    expect(html).not.toContain("<img");
    expect(html.split("&lt;img src=&quot;x&quot; onerror='y'&gt;&amp;")).toHaveLength(7);
  });

  test.each(interruptions)("interrupted %s: says so, and holds together", async (when, more) => {
    const { html } = await written(resultIn(when, more));
    expect(html).toContain("This run was interrupted");
    expect(html).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(html.trimEnd()).toMatch(/<\/html>$/);
  });

  test.each([NaN, Infinity, 0])("a training loss of %s leaves no such value behind", async (trainLoss) => {
    const gradientChecks = [
      { norm: "layerNorm", case: "x", maxError: Infinity, ofBound: Infinity, input: "x", ok: false },
    ];
    const first = epochOf("none", 1);
    const some = [first, epochOf("none", 2, { trainLoss, testLoss: trainLoss, testAccuracy: 0 })];
    for (const epochs of [some, some.slice(1)]) {
      const { html } = await written(resultIn("no number", { epochs, gradientChecks }));
      expect(html).not.toMatch(/NaN|Infinity|undefined/);
      expect(html).toContain("<td>no number</td>");
      expect(html.includes("was never a number that could be drawn")).toBe(!epochs.includes(first));
    }
  });
});

describe("prepareOut", () => {
  const file = writeInto(folder, "file", "content");

  test("makes the folder, and leaves nothing in it", () => {
    const out = join(folder, "new", "deep");
    expect(prepareOut(out)).toEqual({ html: join(out, "report.html"), json: join(out, "report.json") });
    expect(readdirSync(out)).toEqual([]);
  });

  test("an earlier report stays until there is a new one", async () => {
    const result = resultIn("earlier");
    const before = await written(result);
    prepareOut(result.settings.out);
    expect(readFileSync(join(result.settings.out, "report.html"), "utf8")).toBe(before.html);
  });

  test.each([
    ["onto a file", file],
    ["under a file", join(file, "below")],
    ["with a name that is too long", join(folder, "x".repeat(300))],
  ])("%s: one line that names the option and the place", (_, out) => {
    let message = "";
    try {
      prepareOut(out);
    } catch (error) {
      message = error instanceof WriteError ? error.message : String(error);
    }
    expect(message).toMatch(/^--out [^\n]+: the report cannot be written there: [A-Z]+: [^\n]+$/);
    expect(message).toContain(`--out ${out}:`);
    expect(readFileSync(file, "utf8")).toBe("content");
  });

  test("where a folder has the report's name", () => {
    const out = join(folder, "taken");
    mkdirSync(join(out, "report.json"), { recursive: true });
    expect(() => prepareOut(out)).toThrow(
      new WriteError(`--out ${out}: the report cannot be written there: ${join(out, "report.json")} is a folder`),
    );
  });
});
