import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/autograd/index.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { drawNorm } from "./drawNorms.ts";
import { familyOf, modeOf, outcomeOf } from "./outcome.ts";
import type { Outcome, Task } from "./outcome.ts";
import { runTasks } from "./runTasks.ts";
import { readSettings, tasksOf, USAGE, UsageError } from "./settings.ts";
import type { Settings } from "./settings.ts";
import { Tally } from "./summary.ts";
import type { Summary } from "./summary.ts";
import { finish } from "./table.ts";

function settingsOf(args: string): Settings {
  const settings = readSettings(args.split(" ").filter((arg) => arg !== ""));
  if (settings === null) throw new Error(`${args} asks for help`);
  return settings;
}

function judgeAll(tasks: readonly Task[], planted?: (normCase: NormCase) => NormCase): Summary {
  const tally = new Tally();
  for (const task of tasks) tally.add(outcomeOf(0, task, planted));
  return tally.summary();
}

/** Loses a part in 1e9 of x's gradient. */
const losing = (normCase: NormCase): NormCase => ({
  ...normCase,
  op: ([x, ...rest]) => normCase.op(x === undefined ? rest : [shrinkGrad(x), ...rest]),
});

function shrinkGrad(x: Tensor): Tensor {
  const most = x.mul(1 - 1e-9);
  return x.detach().add(most).sub(most.detach());
}

const throwing = (normCase: NormCase): NormCase => ({
  ...normCase,
  op: () => {
    throw new RangeError("boom");
  },
});

describe("drawNorm", () => {
  test("draws every norm with every option within 10,000 cases, running statistics and absent weights among them", () => {
    const shapes = [
      [2, 6],
      [2, 6, 3],
      [3, 2, 2, 2],
    ];
    const all = normDescriptors.flatMap(({ cases }) =>
      shapes.flatMap((shape) => cases(shape).map(({ norm, label }) => `${norm}: ${familyOf(label)}`)),
    );
    const drawn = Array.from({ length: 10_000 }, (_, i) => drawNorm(0, i).normCase);
    const counts = new Map<string, number>([...all].map((key) => [key, 0]));
    for (const { norm, label } of drawn) {
      const key = `${norm}: ${familyOf(label)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(all).toContain("batchNorm: evaluation, no affine");
    expect(all).toContain("instanceNorm: running statistics, weight");
    expect([...counts].filter(([, count]) => count < 5)).toEqual([]);
    expect(new Set(counts.keys())).toEqual(new Set(all));
  });

  test("draws the same case again, and other cases for another seed", () => {
    const values = (seed: number): string => JSON.stringify(drawNorm(seed, 5).inputs.map(({ data }) => [...data]));
    expect(values(3)).toBe(values(3));
    expect(values(3)).not.toBe(values(4));
  });
});

describe("tasksOf", () => {
  test("judges every fourth case of each norm at second order", () => {
    const tasks = tasksOf(settingsOf("--cases 400"));
    expect(tasks.map(({ index }) => index)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    const second = tasks.filter(({ order }) => order === 2);
    // Every fourth of its own, of norms that take turns.
    expect(Math.abs(second.length - 100)).toBeLessThan(normDescriptors.length);
    expect(new Set(second.map(({ index }) => drawNorm(0, index).normCase.norm)).size).toBe(normDescriptors.length);
    expect(tasksOf(settingsOf("--cases 9 --order 1")).every(({ order }) => order === 1)).toBe(true);
    expect(tasksOf(settingsOf("--cases 9 --order 2")).every(({ order }) => order === 2)).toBe(true);
  });

  test("gives a norm alone the cases that it has in a run of all", () => {
    const alone = tasksOf(settingsOf("--cases 10 --norm layerNorm"));
    const among = tasksOf(settingsOf(`--cases ${10 * normDescriptors.length}`));
    expect(alone).toEqual(among.filter(({ index }) => drawNorm(0, index).normCase.norm === "layerNorm"));
    expect(tasksOf(settingsOf("--case 12"))).toEqual([{ index: 12, order: 2 }]);
    expect(tasksOf(settingsOf("--case 12 --order 1"))).toEqual([{ index: 12, order: 1 }]);
  });
});

describe("runTasks", () => {
  const tasks = tasksOf(settingsOf("--cases 40 --order 1"));

  test("judges the same cases in one worker as in two, and as in none", async () => {
    const byWorkers = async (workers: number): Promise<Outcome[]> => {
      const outcomes: Outcome[] = [];
      await runTasks(tasks, { seed: 6, workers }, (outcome) => outcomes.push(outcome), new AbortController().signal);
      return outcomes.toSorted((a, b) => a.index - b.index);
    };
    const expected = tasks.map((task) => outcomeOf(6, task));
    expect(await byWorkers(1)).toEqual(expected);
    expect(await byWorkers(2)).toEqual(expected);
  }, 30_000);

  test("stops in the middle, and what was done is told as such", async () => {
    const stop = new AbortController();
    const tally = new Tally();
    const many = tasksOf(settingsOf("--cases 5000"));
    const onOutcome = (outcome: Outcome): void => {
      tally.add(outcome);
      stop.abort();
    };
    await runTasks(many, { seed: 6, workers: 1 }, onOutcome, stop.signal);
    const { text, exitCode } = finish(tally.summary(), many.length, { seed: 6, json: false });
    expect(text).toMatch(/\nInterrupted after \d+ of 5,000 cases, 0 violations$/);
    expect(exitCode).toBe(130);
  }, 30_000);
});

describe("finish", () => {
  const tasks = tasksOf(settingsOf("--cases 60 --order 1"));

  test("ends a pass with the number of cases", () => {
    const { text, exitCode } = finish(judgeAll(tasks), 60, { seed: 0, json: false });
    expect(text.split("\n").at(-1)).toBe("60 cases, 0 violations");
    expect(exitCode).toBe(0);
    for (const { name } of normDescriptors) expect(text).toMatch(new RegExp(`^${name} `, "m"));
  });

  test("shows the first violations of a norm whose gradient is off by 1e-9, each with the command that repeats it", () => {
    const summary = judgeAll(tasks, losing);
    const { text, exitCode } = finish(summary, 60, { seed: 0, json: false });
    expect(exitCode).toBe(1);
    expect(summary.total.violations).toBeGreaterThan(30);
    expect(summary.total.worst).toBeGreaterThan(1);
    expect(summary.violations).toHaveLength(5);
    expect(text).toMatch(
      /FAIL case \d+, \w+ .*: x \[[\d, ]+\], .+, eps .+\n {2}gradX\[[\d, ]+\]: analytic .+, exact .+, error .+, rounding bound .+\n {2}again: npm run verify -- --seed 0 --case \d+/,
    );
    const repeated = outcomeOf(0, { index: summary.violations[0]?.index ?? NaN, order: 1 }, losing);
    expect(repeated.violation).toEqual(summary.violations[0]);
  });

  test("counts an op that throws as a violation", () => {
    const { text, exitCode } = finish(judgeAll(tasks.slice(0, 3), throwing), 3, { seed: 0, json: false });
    expect(exitCode).toBe(1);
    expect(text).toContain('it threw "boom"');
  });

  test("prints counts by norm and option as JSON", () => {
    const { text } = finish(judgeAll(tasks), 60, { seed: 0, json: true });
    const parsed: unknown = JSON.parse(text);
    expect(parsed).toMatchObject({ seed: 0, complete: true, total: { cases: 60, violations: 0 }, violations: [] });
    expect(parsed).toHaveProperty("rows.0.options");
  });
});

describe("modeOf", () => {
  test("leaves out numbers, and then weight and bias", () => {
    expect(familyOf("normalizedShape [3, 4], weight")).toBe("normalizedShape, weight");
    expect(familyOf("numGroups 3, weight, bias")).toBe("numGroups, weight, bias");
    expect(modeOf("numGroups, weight, bias")).toBe("numGroups");
    expect(modeOf("training, no affine")).toBe("training");
    expect(modeOf("weight")).toBe("");
  });
});

describe("readSettings", () => {
  const norms = normDescriptors.map(({ name }) => name).join(", ");

  test.each<readonly [args: string, message: string | RegExp]>([
    ["--cases 0", '--cases: expected a whole number of at least 1, got "0"'],
    ["--cases many", '--cases: expected a whole number of at least 1, got "many"'],
    ["--seed=-1", '--seed: expected a whole number of at least 0, got "-1"'],
    ["--case 1.5", '--case: expected a whole number of at least 0, got "1.5"'],
    ["--workers 0", '--workers: expected a whole number of at least 1, got "0"'],
    ["--workers=", '--workers: expected a whole number of at least 1, got ""'],
    ["--order 3", '--order: expected 1, 2 or both, got "3"'],
    ["--norm BatchNorm", `--norm: expected names out of ${norms}, got "BatchNorm"`],
    ["--norm layerNorm,", `--norm: expected names out of ${norms}, got ""`],
    ["--runs 5", /^Unknown option '--runs'/],
    ["2000", /^Unexpected argument '2000'/],
  ])("%s is refused in one line", (args, message) => {
    const read = (): unknown => readSettings(args.split(" "));
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
    expect(read).not.toThrow("\n");
  });

  test("has the defaults of the usage text, and shows it when asked", () => {
    const { cases, seed, order, norms: all, single, json } = settingsOf("");
    expect({ cases, seed, order, single, json }).toEqual({
      cases: 2000,
      seed: 0,
      order: "both",
      single: null,
      json: false,
    });
    expect(all.join(", ")).toBe(norms);
    expect(settingsOf("--norm groupNorm,layerNorm --norm batchNorm").norms).toEqual(
      ["batchNorm", "layerNorm", "groupNorm"].toSorted((a, b) => norms.indexOf(a) - norms.indexOf(b)),
    );
    expect(readSettings(["--help"])).toBeNull();
    for (const option of ["--cases", "--seed", "--order", "--norm", "--case", "--workers", "--json"]) {
      expect(USAGE).toContain(`  ${option} `);
    }
  });
});

describe("npm run verify", () => {
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", "test/verify/main.ts", ...args], { encoding: "utf8" });

  test("prints the table on stdout and what it does on stderr", () => {
    const { status, stdout, stderr } = run("--cases", "16", "--seed", "5");
    expect([status, stderr]).toEqual([0, "judging 16 cases of seed 5\n"]);
    expect(stdout).toMatch(/^norm .*violations\n[^]*\n\n16 cases, 0 violations\n$/);
  }, 30_000);

  test("tells a wrong option in one line, and where to look", () => {
    const { status, stdout, stderr } = run("--order", "3");
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toBe('--order: expected 1, 2 or both, got "3"\nSee npm run verify -- --help\n');
  }, 30_000);
});
