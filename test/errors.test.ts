/**
 * What users do wrong, call by call, and the message that each gets. Every `throw` of the library is reached by a row,
 * so that this table is the whole of its errors.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BatchNorm1d, getDefaultDtype, ones, SGD, tensor } from "../src/index.ts";
import { adaptiveNorms } from "./errors/adaptiveNorms.ts";
import { creation } from "./errors/creation.ts";
import { data } from "./errors/data.ts";
import { verifier as gradcheck } from "./errors/gradcheck.ts";
import { io } from "./errors/io.ts";
import { layers } from "./errors/layers.ts";
import { losses } from "./errors/losses.ts";
import { modules } from "./errors/modules.ts";
import { norms } from "./errors/norms.ts";
import { optimizers } from "./errors/optimizers.ts";
import { recurrent } from "./errors/recurrent.ts";
import { runningNorms } from "./errors/runningNorms.ts";
import { schedules } from "./errors/schedules.ts";
import { shapes } from "./errors/shapes.ts";
import { simpleNorms } from "./errors/simpleNorms.ts";
import { spatial } from "./errors/spatial.ts";
import { switchableNorms } from "./errors/switchableNorms.ts";
import { tape } from "./errors/tape.ts";
import { siteOf, throwsIn, throwSites } from "./errors/throwSites.ts";
import type { ThrowSite } from "./errors/throwSites.ts";
import { errorOf, stateOf } from "./errors/wrongCall.ts";
import type { WrongCall, WrongCalls } from "./errors/wrongCall.ts";

const areas: Readonly<Record<string, WrongCalls>> = {
  creation,
  shapes,
  tape,
  modules,
  norms,
  runningNorms,
  adaptiveNorms,
  simpleNorms,
  switchableNorms,
  layers,
  spatial,
  losses,
  optimizers,
  schedules,
  recurrent,
  data,
  gradcheck,
  io,
};
const allRows = Object.values(areas).flatMap(({ rows }) => rows);
const folders = ["src/autograd", "src/kernels", "src/norms", "src/nn", "src/gradcheck", "src/io"];
/** Without the verdicts of the verifier, errors thrown on or caught by it, and a package that is not installed. */
const sites = throwSites(folders).filter(
  ({ text }) => !/GradcheckError|throw [\w.]+;$|got none: install it|a formula has no length/.test(text),
);

/** Settings of the library that a call could leave behind. */
function settings(): unknown {
  return { dtype: getDefaultDtype(), tapeIsOn: tensor(1, { requiresGrad: true }).neg().requiresGrad };
}

/** "layerNorm: expected …, got …", with the function that was called, or that the row names. */
function checkWording({ call, by, message }: WrongCall): void {
  const [, name = ""] = /^(\w+)(?: with \w+|, case [^:]+)?: expected [^]+ (?:got|it threw) [^]+$/.exec(message) ?? [];
  expect(name, `the form of "${message}"`).not.toBe("");
  if (by !== undefined) expect(name).toBe(by);
  else expect(call.toLowerCase(), "the name of the called function").toContain(name.toLowerCase());
}

/** checkOp tells a fault once more, with the op and the case before it. */
function withCauses(error: unknown): Error[] {
  return error instanceof Error ? [error, ...withCauses(error.cause)] : [];
}

function unreached(rows: readonly WrongCall[]): ThrowSite[] {
  const reached = new Set(rows.flatMap(({ run }) => withCauses(errorOf(run)).map((error) => siteOf(error, sites))));
  return sites.filter((site) => !reached.has(site));
}

/** Code without blanks and line breaks, and what a formatter adds with them. */
function condensed(code: string): string {
  return code.replaceAll(/\s+/g, "").replaceAll(/[,;](?=[)\]}])/g, "");
}

/** The code of the rows of a file: `() => call`, `() => (x.y = z)` or `() => { statements }`. */
function runsIn(path: string): string[] {
  const code = condensed(readFileSync(join(import.meta.dirname, path), "utf8"));
  return Array.from(code.matchAll(/run:\(\)=>(.*?),kind:/g), ([, run = ""]) => /^[({](.*)[)}]$/.exec(run)?.[1] ?? run);
}

describe.each(Object.entries(areas))("wrong calls: %s", (area, { fixtures, rows }) => {
  test.each(rows.map((row) => [row.call, row] as const))("%s", (_, row) => {
    const { run, kind, message } = row;
    const before = { fixtures: stateOf(fixtures), settings: settings() };
    const error = errorOf(run);
    expect({ kind: error?.constructor, message: error?.message }).toEqual({ kind, message });
    expect(error && siteOf(error, sites), "the throw statement that it comes from").toBeDefined();
    checkWording(row);
    expect({ fixtures: stateOf(fixtures), settings: settings() }).toEqual(before);
  });

  test("the table shows the calls that are run", () => {
    expect(rows.map(({ call }) => condensed(call))).toEqual(runsIn(`errors/${area}.ts`));
  });
});

describe("the table", () => {
  test("reaches every throw of the library", () => {
    expect(unreached(allRows).map(({ place, text }) => `${place}  ${text}`)).toEqual([]);
  });

  test("a throw whose rows are missing is listed", () => {
    const missing = "dynamicTanh: expected alpha of a single number";
    const rows = allRows.filter(({ message }) => !message.startsWith(missing));
    expect(unreached(rows).map(({ place }) => place.split(":")[0])).toEqual(["src/norms/dynamicTanh.ts"]);
  });

  test("an error that no throw statement has made belongs to none", () => {
    const broken = errorOf(() => JSON.parse("{"));
    expect(broken).toBeInstanceOf(SyntaxError);
    expect(broken && siteOf(broken, sites)).toBeUndefined();
  });

  test("statements are found, and the word in comments is not", () => {
    const source = "/**\n * throw new Error()\n */\nif (x) throw new Error(\n// throw y\n  throw made(1); // throw z\n";
    expect(throwsIn("a.ts", source)).toEqual([
      { place: "a.ts:4", text: "if (x) throw new Error(", frame: 0 },
      { place: "a.ts:6", text: "throw made(1); // throw z", frame: 1 },
    ]);
    expect(sites.length).toBeGreaterThan(100);
  });

  test("a message without expectation, value or name would be noticed", () => {
    const row = { call: "mean(x)", run: () => {}, kind: RangeError };
    for (const message of [
      "mean: bad shape",
      "mean: expected a shape",
      "expected a shape, got [2]",
      "sum: expected 1, got 2",
    ]) {
      expect(() => checkWording({ ...row, message })).toThrow();
    }
    expect(() => checkWording({ ...row, message: "mean: expected a shape, got [2]" })).not.toThrow();
  });

  test("a change of a value, a gradient, a count, a mode or a rate would be noticed", () => {
    const weight = tensor([1, 2], { requiresGrad: true });
    const norm = new BatchNorm1d(2);
    const optimizer = new SGD([weight], { lr: 0.1, momentum: 0.9 });
    const changes: readonly (() => void)[] = [
      () => weight.sum().backward(),
      () => optimizer.step(),
      () => norm.eval(),
      () => norm.train().forward(ones([2, 2])),
      () => (optimizer.lr = 1),
    ];
    for (const change of changes) {
      const before = stateOf({ weight, norm, optimizer });
      change();
      expect(stateOf({ weight, norm, optimizer })).not.toEqual(before);
    }
  });

  test("has no call twice", () => {
    for (const { rows } of Object.values(areas)) expect(new Set(rows.map(({ call }) => call)).size).toBe(rows.length);
  });
});
