import { describe, expect, test } from "vitest";
import { NORMS } from "../../../examples/digits/model.ts";
import { readSettings, USAGE, UsageError } from "../../../examples/digits/settings.ts";

function complaint(args: readonly string[]): string {
  try {
    readSettings(args, "digits.csv");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return error.message;
  }
  throw new Error(`${args.join(" ")} was accepted`);
}

const names = "none, batchNorm, layerNorm, instanceNorm, groupNorm";

const wrongOptions: readonly (readonly [args: string, message: string | RegExp])[] = [
  ["--norm rmsNorm", `--norm: expected names out of ${names}, got "rmsNorm"`],
  ["--norm batchNorm,", `--norm: expected names out of ${names}, got ""`],
  ["--norm=", `--norm: expected names out of ${names}, got ""`],
  ["--norm BatchNorm", `--norm: expected names out of ${names}, got "BatchNorm"`],
  ["--epochs 0", '--epochs: expected a whole number of at least 1, got "0"'],
  ["--epochs 1.5", '--epochs: expected a whole number of at least 1, got "1.5"'],
  ["--epochs many", '--epochs: expected a whole number of at least 1, got "many"'],
  ["--epochs=", '--epochs: expected a whole number of at least 1, got ""'],
  ["--epochs=-1", '--epochs: expected a whole number of at least 1, got "-1"'],
  ["--epochs Infinity", '--epochs: expected a whole number of at least 1, got "Infinity"'],
  ["--batch-size 1", '--batch-size: expected a whole number of at least 2, got "1"'],
  ["--batch-size 1e99", '--batch-size: expected a whole number of at least 2, got "1e99"'],
  ["--seed=-1", '--seed: expected a whole number of at least 0, got "-1"'],
  ["--seed 2147483648", '--seed: expected a whole number of at least 0, got "2147483648"'],
  ["--dtype float16", '--dtype: expected float32 or float64, got "float16"'],
  ["--dtype=", '--dtype: expected float32 or float64, got ""'],
  ["--backend webgpu", '--backend: expected wasm, typescript or formula, got "webgpu"'],
  ["--learning-rate 1", /^Unknown option '--learning-rate'/],
  ["--epochs", /^Option '--epochs <value>' argument missing/],
  ["--epochs --seed 1", /^Option '--epochs' argument is ambiguous/],
  ["--help=yes", /^Option '-h, --help' does not take an argument/],
  ["digits.csv", /^Unexpected argument 'digits.csv'/],
];

describe("readSettings", () => {
  test.each(wrongOptions)("%s is refused", (line, message) => {
    const found = complaint(line.split(" "));
    expect(found).not.toContain("\n");
    if (typeof message === "string") expect(found).toBe(message);
    else expect(found).toMatch(message);
  });

  test("nothing given: all norms and the defaults of the usage text", () => {
    const settings = readSettings([], "digits.csv");
    expect(settings).toEqual({
      norms: NORMS,
      epochs: 15,
      batchSize: 32,
      seed: 1,
      dtype: "float32",
      backend: "wasm",
      data: "digits.csv",
      out: "out",
    });
    for (const [option, value] of [
      ["epochs", 15],
      ["batch-size", 32],
      ["seed", 1],
      ["dtype", "float32"],
      ["out", "out"],
    ]) {
      expect(USAGE).toMatch(new RegExp(`--${option} .*\\[${value}\\]`));
    }
  });

  test("every option is read", () => {
    const line =
      "--norm none --norm=groupNorm --epochs 2 --batch-size 8 --seed 0 --dtype float64 --backend formula --data my.csv --out there";
    expect(readSettings(line.split(" "), "digits.csv")).toEqual({
      norms: ["none", "groupNorm"],
      epochs: 2,
      batchSize: 8,
      seed: 0,
      dtype: "float64",
      backend: "formula",
      data: "my.csv",
      out: "there",
    });
  });

  test("norms come once each, in the order of the table, spaces aside", () => {
    expect(readSettings(["--norm", "groupNorm, none ,groupNorm"], "")?.norms).toEqual(["none", "groupNorm"]);
  });

  test.each([["--help"], ["-h"]])(
    "%s asks for the usage text, which names every norm and fits in 120 columns",
    (option) => {
      expect(readSettings(["--epochs", "3", option], "")).toBeNull();
      for (const norm of NORMS) expect(USAGE).toContain(norm);
      expect(Math.max(...USAGE.split("\n").map((row) => row.length))).toBeLessThanOrEqual(120);
    },
  );
});
