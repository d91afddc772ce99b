/**
 * Every TypeScript block of the documents and every @example of a docstring is run. Where a line ends in a comment that
 * is a value (`// [2, 4, 6]`, `// 0.25 = …`), the expression must have it, to the digits that are printed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as verifier from "../src/gradcheck/index.ts";
import * as library from "../src/index.ts";
import * as files from "../src/io/index.ts";

const ROOT = join(import.meta.dirname, "..");
const BLOCKS = join(ROOT, "test/.docs");

interface Example {
  readonly where: string;
  readonly code: string;
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(ROOT, folder, path));
}

function blocksOf(path: string): Example[] {
  const text = readFileSync(path, "utf8");
  return Array.from(text.matchAll(/^```ts\n([^]*?)^```$/gm), (match) => ({
    where: `${relative(ROOT, path)}:${lineOf(text, match.index)}`,
    code: match[1] ?? "",
  }));
}

function examplesOf(path: string): Example[] {
  const text = readFileSync(path, "utf8");
  return Array.from(text.matchAll(/@example\n([^]*?)\n\s*\*\//g), (match) => ({
    where: `${relative(ROOT, path)}:${lineOf(text, match.index)}`,
    code: withImports((match[1] ?? "").replaceAll(/^ *\* ?/gm, "")),
  }));
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function withImports(code: string): string {
  const line = (from: string, exported: object): string => {
    const used = Object.keys(exported).filter((name) => new RegExp(`\\b${name}\\b`).test(code));
    const own = used.filter((name) => !new RegExp(`(const|class|function) ${name}\\b`).test(code));
    return `import { ${own.join(", ")} } from "${from}";\n`;
  };
  return line("normgrad", library) + line("normgrad/gradcheck", verifier) + line("normgrad/io", files) + code;
}

/** Turns `expression; // value`, and what is printed with its text in comments below, into checks. */
function withChecks(code: string): string {
  const lines = code.split("\n");
  return lines.flatMap((line, i) => [...checkOfLine(line), ...checkOfPrinted(line, lines.slice(i + 1))]).join("\n");
}

function checkOfLine(line: string): string[] {
  const match = /^(\s*const (\w+|\[(\w+)[^\]]*\]) = )?\s*(.*?); +\/\/ (.+)$/.exec(line.trimEnd());
  if (!match) return [line];
  const [, declared, name, first, expression = "", comment = ""] = match;
  const report = /^console\.log\((.*)\)$/.exec(expression)?.[1];
  if (report !== undefined && /^(?:FAIL|ok) .*…/.test(comment)) {
    return [`globalThis.checkReport(String(${report}), ${JSON.stringify(comment)});`];
  }
  if (expression.startsWith("console.log(")) return [line];
  const value = expression.startsWith("String(") ? comment : VALUE.exec(comment)?.[1];
  if (value === undefined) {
    if (/^(?:[-\d[]|tensor\(|true|false)/.test(comment)) throw new Error(`not understood as a value: ${comment}`);
    return [line];
  }
  const subject = declared ? (first ?? name ?? "") : expression;
  return [...(declared ? [line] : []), `globalThis.checkValue(${subject}, ${JSON.stringify(value)});`];
}

/** A number, nested arrays or a boolean, perhaps as a typed array or a tensor is shown. */
const VALUE = /^(?:(?:Float|Int)\d\dArray |tensor\()?(-?[\d.]+(?:e-?\d+)?|\[[-\w."\s,[\]]*\]|true|false)/;

function checkOfPrinted(line: string, below: readonly string[]): string[] {
  const printed = /^(?:console\.log\((.*)\)|(printTape\(.*\)));$/.exec(line);
  const end = below.findIndex((next) => !next.startsWith("// "));
  const comments = below.slice(0, end < 0 ? below.length : end).map((comment) => comment.slice(3));
  const subject = printed?.[1] ?? printed?.[2];
  return subject !== undefined && comments.length > 0
    ? [`globalThis.checkValue(String(${subject}), ${JSON.stringify(comments.join("\n"))});`]
    : [];
}

/** Numbers in a text, each with half a unit of its last printed digit. */
function numbersIn(text: string): { value: number; tolerance: number }[] {
  return Array.from(text.matchAll(/-?\d+(?:\.(\d+))?(?:e(-?\d+))?/g), ([number, decimals = "", exponent = "0"]) => ({
    value: Number(number),
    // A whole number is meant as it stands: 0 is no 0.4.
    tolerance: 0.51 * 10 ** (Number(exponent) - (decimals.length || 4)),
  }));
}

function plain(actual: unknown): string {
  if (actual instanceof library.Tensor) return JSON.stringify(actual.toArray());
  if (ArrayBuffer.isView(actual)) return JSON.stringify(Object.values(actual));
  return typeof actual === "string" ? actual : JSON.stringify(actual);
}

let checked = 0;
function checkValue(actual: unknown, expected: string): void {
  checked++;
  if (expected.startsWith('["')) return expect(plain(actual)).toBe(expected.replaceAll(", ", ","));
  if (typeof actual === "string" || typeof actual === "boolean") return expect(String(actual)).toBe(expected);
  const numbers = numbersIn(plain(actual));
  const shape = (text: string): string => text.replaceAll(/[^[\],]/g, "");
  expect(shape(plain(actual)), `brackets of ${plain(actual)}`).toBe(shape(expected));
  numbersIn(expected).forEach(({ value, tolerance }, i) => {
    expect(Math.abs((numbers[i]?.value ?? NaN) - value), `${plain(actual)} against ${expected}`).toBeLessThanOrEqual(
      tolerance,
    );
  });
}

/** A report as a comment shortens it: the parts between "…" stand in it, in this order. */
function checkReport(actual: string, expected: string): void {
  checked++;
  const inOneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();
  const report = inOneLine(actual);
  expected
    .split("…")
    .map(inOneLine)
    .reduce((from, part) => {
      const at = report.indexOf(part, from);
      expect(at, `"${part}" in ${report}`).toBeGreaterThanOrEqual(from);
      return at + part.length;
    }, 0);
}
Object.assign(globalThis, { checkValue, checkReport });

async function run(example: Example, name: string): Promise<void> {
  mkdirSync(BLOCKS, { recursive: true });
  const path = join(BLOCKS, `${name}.ts`);
  writeFileSync(path, withChecks(example.code));
  const log = console.log;
  console.log = () => {};
  try {
    await import(/* @vite-ignore */ path);
  } finally {
    console.log = log;
  }
}

const documents = [join(ROOT, "README.md"), ...filesBelow("docs", ".md")].flatMap(blocksOf);
const docstrings = filesBelow("src", ".ts").flatMap(examplesOf);

afterAll(() => rmSync(BLOCKS, { recursive: true, force: true }));

describe("documentation", () => {
  test("a code block that names its file stands in that file, word for word", () => {
    const quoted = documents.flatMap(({ code }) => {
      const [, path, excerpt] = /^\/\/ From (src\/\S+)\n([^]*)$/m.exec(code) ?? [];
      return path !== undefined && excerpt !== undefined ? [{ path, excerpt }] : [];
    });
    expect(quoted.length).toBeGreaterThan(0);
    for (const { path, excerpt } of quoted) expect(readFileSync(join(ROOT, path), "utf8")).toContain(excerpt.trim());
  });

  test("the files and pictures that documents link to are there", () => {
    const links = ["README.md", "CONTRIBUTING.md", "data/README.md"].flatMap((document) =>
      Array.from(readFileSync(join(ROOT, document), "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g), ([, link = ""]) =>
        join(ROOT, document, "..", link),
      ),
    );
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !existsSync(link))).toEqual([]);
  });

  test.each(documents)("the code block at $where runs", (example) =>
    run(example, `block${documents.indexOf(example)}`),
  );
  test.each(docstrings)("the example at $where runs", (example) =>
    run(example, `example${docstrings.indexOf(example)}`),
  );

  test("values in comments are really compared", () => {
    expect(checked).toBeGreaterThan(20);
    expect(() => checkValue([1, 2], "[1, 3]")).toThrow("[1,2]");
    expect(() => checkValue(0.3731, "0.372")).toThrow("0.3731");
    expect(() => checkValue("a", "b")).toThrow("b");
    expect(() => checkValue(true, "false")).toThrow("false");
    expect(withChecks("printTape(loss);\n// %1 = a\n// %2 = b")).toContain(
      'checkValue(String(printTape(loss)), "%1 = a\\n%2 = b")',
    );
    expect(withChecks("console.log(a); // FAIL b … c")).toBe('globalThis.checkReport(String(a), "FAIL b … c");');
    expect(() => checkReport("FAIL  a\nb c", "FAIL a … c …")).not.toThrow();
    expect(() => checkReport("FAIL a c b", "FAIL a … b … c")).toThrow('"c" in FAIL a c b');
    expect(() => withChecks("f(x); // [1, (two)]")).toThrow("not understood");
  });
});
