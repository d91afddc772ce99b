import { describe, expect, test } from "vitest";
import { turnsOf } from "../../bench/measureAll.ts";
import { textReport } from "../../bench/report.ts";
import { readSettings, USAGE, UsageError } from "../../bench/settings.ts";
import type { Settings } from "../../bench/settings.ts";
import { measured, results } from "./results.ts";

function settingsOf(...args: readonly string[]): Settings {
  const settings = readSettings(args);
  if (settings === null) throw new Error("expected settings");
  return settings;
}

describe("readSettings", () => {
  test("without options everything is measured, and only then the run is complete", () => {
    const settings = settingsOf();
    expect(settings.complete).toBe(true);
    expect(settings.contestants).toContain("pytorch");
    expect(Object.values(settings.cases).every((cases) => cases.length > 0)).toBe(true);
    for (const option of ["--quick", "--cases=mlp", "--contestants=c"]) {
      expect(settingsOf(option).complete, option).toBe(false);
    }
  });

  test("cases are chosen by id and by table", () => {
    const { cases } = settingsOf("--cases", "mlp, ln-8x16,shapes");
    expect(cases.times.map(({ id }) => id)).toEqual(["ln-8x16", "mlp"]);
    expect([cases.accuracy.length, cases.sizes.length]).toEqual([0, 0]);
    expect(cases.shapes.length).toBeGreaterThan(5);
  });

  test("contestants are chosen by name or by how it begins; a whole name means no other", () => {
    expect(settingsOf("--contestants", "tfjs,normgrad-wasm").contestants).toEqual([
      "normgrad-wasm",
      "tfjs-cpu",
      "tfjs-wasm",
    ]);
    expect(settingsOf("--contestants", "c").contestants).toEqual(["c"]);
  });

  test("--help asks for the usage text, which names each option", () => {
    expect(readSettings(["--help"])).toBeNull();
    for (const option of ["--quick", "--cases", "--contestants", "--rounds", "--json"]) expect(USAGE).toContain(option);
  });

  test.each([
    [["--rounds", "0"], '--rounds: expected a whole number from 1 to 1000, got "0"'],
    [["--rounds", "many"], '--rounds: expected a whole number from 1 to 1000, got "many"'],
    [["--cases", "ln-1x1"], 'got "ln-1x1"'],
    [["--contestants", "numpy"], 'got "numpy"'],
    [["--fast"], "Unknown option '--fast'"],
  ])("%j is refused in one line", (args, message) => {
    expect(() => readSettings(args)).toThrow(UsageError);
    expect(() => readSettings(args)).toThrow(message);
  });
});

describe("turnsOf", () => {
  test("in each round everyone gets one turn on each case, and another contestant begins", () => {
    const turns = turnsOf(settingsOf("--cases=mlp,ln-8x16", "--contestants=normgrad,c", "--rounds=3"));
    expect(turns.length).toBe(2 * 4 * 3);
    expect(new Set(turns.map(({ contestant, round, case: { id } }) => `${contestant} ${round} ${id}`)).size).toBe(24);
    const first = [0, 1, 2].map((round) => turns.find((turn) => turn.round === round)?.contestant);
    expect(new Set(first).size).toBe(3);
  });
});

describe("textReport", () => {
  test("it has a table of what was measured, and the goals", () => {
    const settings = settingsOf("--quick", "--cases=ln-8x16", "--contestants=normgrad");
    const text = textReport(
      results(measured("ln-8x16", { "normgrad-formula": [5000], "normgrad-typescript": [1000] })),
      settings,
    );
    expect(text).toMatch(/LN 8×16\s+1\.00 µs\s+5\s+1\n/);
    expect(text).toMatch(/^Goals$/m);
    expect(text).not.toMatch(/^Shapes$/m);
  });
});
