/**
 * Every TypeScript block of the documents and every @example of a docstring is run. Where a line ends in a comment that
 * is a value (`// [2, 4, 6]`, `// 0.25 = …`), the expression must have it, to the digits that are printed.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import * as verifier from "../src/gradcheck/index.ts";
import * as library from "../src/index.ts";

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
  return line("normgrad", library) + line("normgrad/gradcheck", verifier) + code;
}

/** Turns `expression; // value` into a check of the value. */
function withChecks(code: string): string {
  const lines = code.split("\n").flatMap((line) => {
    const match = /^(const (\w+|\[(\w+)[^\]]*\]) = )?(.*?); +\/\/ (.+)$/.exec(line.trimEnd());
    if (!match) return [line];
    const [, declared, name, first, expression = "", comment = ""] = match;
    if (expression.trimStart().startsWith("console.log(")) return [line];
    const text = expression.startsWith("String(");
    const value = text
      ? comment
      : (/^(?:(?:Float|Int)\d\dArray )?(-?[\d.]+(?:e-?\d+)?|\[[-\d.,e\s[\]]*\])/.exec(comment)?.[1] ?? null);
    if (value === null) return [line];
    const subject = declared ? (first ?? name ?? "") : expression;
    return [...(declared ? [line] : []), `globalThis.checkValue(${subject}, ${JSON.stringify(value)});`];
  });
  return lines.join("\n");
}

/** Numbers in a text, each with half a unit of its last printed digit. */
function numbersIn(text: string): { value: number; tolerance: number }[] {
  return Array.from(text.matchAll(/-?\d+(?:\.(\d+))?(?:e(-?\d+))?/g), ([number, decimals = "", exponent = "0"]) => ({
    value: Number(number),
    tolerance: 0.51 * 10 ** (Number(exponent) - decimals.length),
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
  if (typeof actual === "string") return expect(actual).toBe(expected);
  const numbers = numbersIn(plain(actual));
  const shape = (text: string): string => text.replaceAll(/[^[\],]/g, "");
  expect(shape(plain(actual)), `brackets of ${plain(actual)}`).toBe(shape(expected));
  numbersIn(expected).forEach(({ value, tolerance }, i) => {
    expect(Math.abs((numbers[i]?.value ?? NaN) - value), `${plain(actual)} against ${expected}`).toBeLessThanOrEqual(
      tolerance,
    );
  });
}
Object.assign(globalThis, { checkValue });

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
  });
});
