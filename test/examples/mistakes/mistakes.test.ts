/** Every published mistake is caught, what is right passes the same check, and the numbers are those that are known. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { mistakes } from "../../../examples/mistakes/list.ts";
import { example, short } from "../../../examples/mistakes/mistake.ts";
import type { Attempt, Example } from "../../../examples/mistakes/mistake.ts";
import { ROOT } from "../../helpers/cli.ts";

const FOLDER = join(ROOT, "examples/mistakes");
const PAGE = join(FOLDER, "README.md");

const examples = mistakes.flatMap(({ title, examples: all }) =>
  all.map((found) => [`${title}: ${found.shown}`, found] as const),
);

const verdicts = new Map<Attempt, string | null>();

/** What the check says; each is made once. */
function verdictOf(attempt: Attempt): string | null {
  const known = verdicts.get(attempt);
  const verdict = known === undefined ? attempt.verdict() : known;
  verdicts.set(attempt, verdict);
  return verdict;
}

/** The example of this number, or the one after it. */
function nth(number: number, which = 0): Example {
  const found = mistakes[number - 1]?.examples[which];
  if (!found) throw new RangeError(`there is no example ${which} of mistake ${number}`);
  return found;
}

function rounded(values: readonly number[], digits: number): number[] {
  return values.map((value) => Number(value.toFixed(digits)) + 0);
}

const column = [-1.3416354, -0.4472118, 0.4472118, 1.3416354];

describe("mistakes", () => {
  test("there are twelve, each in a file of its own", () => {
    expect(mistakes.length).toBe(12);
    expect(new Set(mistakes.map(({ file }) => file)).size).toBe(12);
    for (const { title, file } of mistakes) expect(readFileSync(join(FOLDER, file), "utf8")).toContain(`"${title}"`);
  });

  test("each says where it was found, and shows wrong and right numbers that differ", () => {
    for (const { title, source, examples: all } of mistakes) {
      expect([title, source]).toEqual([title, expect.stringMatching(/tutorials|#\d+|\w+\/\w+/)]);
      for (const { shown, wrong, right } of all) {
        expect([shown, wrong.values().map(short)]).not.toEqual([shown, right.values().map(short)]);
      }
    }
  });

  test.each(examples)("%s is caught, and what is right passes", (_, { wrong, right }) => {
    expect(verdictOf(wrong)).toMatch(/\S/);
    expect(verdictOf(right)).toBeNull();
  });

  test("the known numbers of the column, wrong and right", () => {
    const known: readonly (readonly [Example, wrong: readonly number[], right: readonly number[], digits: number])[] = [
      [nth(1), [2.25], [0.25], 9],
      [nth(2), [1.025], [1.0666667], 7],
      [nth(3), [-1.1619, -0.3873, 0.3873, 1.1619], rounded(column, 4), 4],
      [nth(4), [-1.3416288, -0.4472096, 0.4472096, 1.3416288], column, 7],
      [nth(5), [-474, -158, 158, 474], [-1, -0, 0, 1], 0],
      [nth(6), rounded(column, 4), [-1, 1, -1, 1], 4],
      [nth(6, 1), [1, 2, 2, 1, 1], [1, 4, 1, 1], 0],
      [nth(7), [-3.3566, -2.8402, -2.3238, -1.8074], rounded(column, 4), 4],
      [nth(8), [-1, -1, 1, 1], rounded(column, 4), 4],
      [nth(9), [-2.5, -4.9999, -7.4999, -9.9999], [1, 1, 1, 1], 4],
      [nth(9, 1), [1, 2, 3, 4], rounded(column, 4), 4],
      [nth(11), [0.8944, 0.8944, 0.8944, 0.8944], [0, 0, 0, 0], 4],
      [nth(12), [-0.4444, 0.1481, 0.9383], [-0.4444, -0.1111, 0.5556], 4],
      [nth(12, 2), [8.2918, 12.7639, 17.2361, 21.7082], [6.7842, 12.2614, 17.7386, 23.2158], 4],
    ];
    for (const [{ shown, wrong, right }, ofWrong, ofRight, digits] of known) {
      const zeros = (values: readonly number[]): number[] => values.map((value) => value + 0);
      expect([shown, rounded(wrong.values(), digits)]).toEqual([shown, zeros(ofWrong)]);
      expect([shown, rounded(right.values(), digits)]).toEqual([shown, zeros(ofRight)]);
    }
  });

  test("√(3 · variance) and three times the mean: SwitchableNorm without softmax", () => {
    const expected = [1, 2, 3, 4].map((value) => (value - 3 * 2.5) / Math.sqrt(3 * 1.25 + 1e-5));
    expect(rounded(nth(7).wrong.values(), 12)).toEqual(rounded(expected, 12));
  });

  test("far from 0, one pass has lost what two passes keep", () => {
    for (const { wrong, right } of mistakes[9]?.examples ?? []) {
      expect(rounded(right.values(), 6)).toEqual(rounded(column, 6));
      expect(Math.abs((wrong.values()[0] ?? 0) + 1.3416354)).toBeGreaterThan(0.1);
    }
  });

  test("a layer that is to keep its statistics over an empty batch has NaN", () => {
    expect([nth(12, 3).wrong.values(), nth(12, 3).right.values()]).toEqual([[NaN], [0.5]]);
  });

  test("checkOp says what is wrong where the number does not", () => {
    const said = [nth(9), nth(10), nth(11), nth(11, 1), nth(12, 1)].map(({ wrong }) => verdictOf(wrong));
    expect(said).toEqual([
      expect.stringContaining("which it does not reach"),
      expect.stringContaining("precision: ordinary data passes; it fails for data of the kind: offset"),
      expect.stringContaining("the path through the mean is missing"),
      expect.stringContaining("the path through the variance is missing"),
      expect.stringContaining("count: the path through the variance is 0.8333 times what it should be"),
    ]);
  });

  test("a right one in the place of the wrong one would not be caught", () => {
    const { wrong } = example<number>({
      shown: "",
      checkedBy: "",
      show: (code) => [code],
      check: (code) => (code === 1 ? null : "not 1"),
      wrong: 1,
      right: 1,
    });
    expect(wrong.verdict()).toBeNull();
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", "examples/mistakes/main.ts", ...args], {
      cwd: ROOT,
      timeout: 60_000,
    });
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...out }));
  });
}

describe("main.ts", { timeout: 90_000 }, () => {
  const all = start([]);

  test("prints all in order, and ends with 0", async () => {
    const { code, stdout, stderr } = await all;
    expect([code, stderr]).toEqual([0, ""]);
    const titles = Array.from(stdout.matchAll(/^\d+\. (.*)$/gm), ([, title]) => title);
    expect(titles).toEqual(mistakes.map(({ title }) => title));
    expect(stdout.match(/^ {5}caught {2}\S/gm)?.length).toBe(examples.length);
    expect(stdout).not.toMatch(/NOT AT ALL|DOES NOT PASS/);
  });

  test("--only prints one, --help tells how, and a wrong option is a line", async () => {
    const [one, help, odd, unknown] = await Promise.all(
      [["--only", "1"], ["--help"], ["--only", "13"], ["--all"]].map((args) => start(args)),
    );
    expect(one?.stdout).toMatch(/^1\. Momentum inverted\n[^]*wrong {3}2\.25\n {5}right {3}0\.25\n/);
    expect(one?.stdout).not.toMatch(/^2\./m);
    expect([help?.code, help?.stdout]).toEqual([
      0,
      expect.stringMatching(/^Usage: npx tsx examples\/mistakes\/main\.ts/),
    ]);
    expect([odd?.code, odd?.stderr.split("\n")[0]]).toEqual([
      1,
      '--only: expected a whole number of 1 to 12, got "13"',
    ]);
    expect([unknown?.code, unknown?.stderr.split("\n")[0]]).toEqual([1, expect.stringContaining("'--all'")]);
  });

  test("the page has the numbers and the output as they are", async () => {
    const page = readFileSync(PAGE, "utf8");
    const eleventh = /^11\. [^]*?(?=\n\n12\. )/m.exec((await all).stdout)?.[0] ?? "";
    const renewed = page
      .replace(/^TABLE$|^\|(.*\|\n)*.*\|$/m, () => table())
      .replace(/^(```console\n.*\n)[^]*?^```$/m, (_, head: string) => `${head}${eleventh}\n\`\`\``);
    expect(renewed).toContain("| [The authors' own code](authorsCode.ts) ");
    await expect(renewed).toMatchFileSnapshot(PAGE);
  });
});

/** "checkOp: mean path", or that values are compared. */
function caughtBy(wrong: Attempt): string {
  const verdict = verdictOf(wrong) ?? "nothing";
  if (verdict.includes("expected op to answer shape")) return "checkOp: the shape";
  const [, fault] = /^\w+ is wrong\. ([^:]+):/.exec(verdict) ?? [];
  return fault === undefined ? "comparing values" : `checkOp: ${fault}`;
}

/** A row an example. */
function table(): string {
  const rows = mistakes.flatMap(({ title, file, source, examples: all }, i) =>
    all.map(({ shown, wrong, right }, which) => [
      which === 0 ? String(i + 1) : "",
      which === 0 ? `[${title}](${file})` : "",
      which === 0 ? source : "",
      shown,
      wrong.values().map(short).join(" "),
      right.values().map(short).join(" "),
      caughtBy(wrong),
    ]),
  );
  const heads = ["", "mistake", "found in", "what is shown", "wrong", "right", "caught by"];
  const widthOf = (text = ""): number => text.replaceAll(/\p{M}/gu, "").length; // the hat of x̂ takes no room
  const widths = heads.map((head, i) => Math.max(widthOf(head), 3, ...rows.map((row) => widthOf(row[i]))));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - widthOf(cell))).join(" | ")} |`;
  return [line(heads), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
