import { describe, expect, test } from "vitest";
import { readSettings, UsageError } from "../../src/cli/settings.ts";

describe("readSettings", () => {
  test("reads files and options in any order", () => {
    expect(readSettings(["check", "a.js", "--json", "b.ts", "--seed", "7", "--runs=20"])).toEqual({
      files: ["a.js", "b.ts"],
      json: true,
      overrides: { seed: 7, runs: 20 },
    });
    expect(readSettings(["check", "a.js", "--seed=-3"])).toEqual({
      files: ["a.js"],
      json: false,
      overrides: { seed: -3 },
    });
    expect(readSettings(["--help"])).toBe("help");
    expect(readSettings(["check", "-h"])).toBe("help");
    expect(readSettings(["--version"])).toBe("version");
  });

  test.each([
    [[], "expected the command check, got none"],
    [["chek", "a.js"], 'expected the command check, got "chek"'],
    [["check"], "check: expected the file of an op, got none"],
    [["check", "a.js", "--runs", "0"], '--runs: expected a whole number from 1 to 2147483647, got "0"'],
    [["check", "a.js", "--seed", "x"], '--seed: expected a whole number from -2147483648 to 2147483647, got "x"'],
    [["check", "a.js", "--runs", "1e3.5"], 'got "1e3.5"'],
    [["check", "a.js", "--seed", ""], 'got ""'],
    [["check", "a.js", "--seed", "4294967296"], 'got "4294967296"'],
    [["check", "a.js", "--sed", "1"], "Unknown option '--sed'"],
    [["check", "a.js", "--runs"], "Option '--runs <value>' argument missing"],
    [["check", "a.js", "--json=yes"], "Option '--json' does not take an argument"],
  ])("refuses %j in one line", (args, message) => {
    expect(() => readSettings(args)).toThrow(UsageError);
    expect(() => readSettings(args)).toThrow(message);
    expect(() => readSettings(args)).not.toThrow("\n");
  });
});
