import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { normgrad, ROOT } from "../helpers/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "normgrad-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file that imports this package's sources. */
function write(name: string, code: string): string {
  const path = join(folder, name);
  const library = pathToFileURL(join(ROOT, "src/gradcheck/index.ts")).href;
  writeFileSync(path, `import { checkOp } from ${JSON.stringify(library)};\n${code}`);
  return path;
}

/** y = 3·x, and a backward that says `slope`. */
function triple(name: string, slope: string, options = "{}"): string {
  const spec = `dims: { n: [1, 4] }, inputs: ({ n }) => ({ x: [n] }), forward: ({ x }) => x.mul(3)`;
  return `checkOp("${name}", { ${spec}, backward: (g) => ({ x: g.map((v) => ${slope} * v) }) }, ${options});\n`;
}

const right = write("right.mjs", triple("right", "3") + triple("right too", "3", "{ runs: 5 }"));
const wrong = write("wrong.mjs", triple("wrong", "2") + triple("after wrong", "3"));
const nothing = write("nothing.mjs", "console.log('printed by the file');\n");
const throws = write("throws.mjs", "throw new Error('of its own');\n");
const fault = write("fault.mjs", triple("fault", "v.oops.oops") + triple("never run", "3"));
const exits = write("exits.mjs", triple("before", "3") + "process.exit(0);\n");
const commonjs = write("commonjs.ts", triple("never run", "3"));
const late = write(
  "late.mjs",
  triple("at once", "3") + `setTimeout(() => { ${triple("late", "2", "{ raiseException: false }")} }, 20);\n`,
);
const lateFault = write("lateFault.mjs", `setTimeout(() => { ${triple("late fault", "v.oops.oops")} }, 5);\n`);
const rejects = write(
  "rejects.mjs",
  triple("before", "3") + 'Promise.resolve().then(() => { throw new Error("nobody waits"); });\n',
);
const typed = write("typed.mts", "const slope: number = 3;\n" + triple("typed", "slope"));

describe("normgrad check", { timeout: 60_000 }, () => {
  test("prints a line for a right op, sums up and ends with 0", async () => {
    const { code, stdout, stderr } = await normgrad(["check", right]);
    expect(stdout).toBe(
      "ok   right: 200 cases, each number within its rounding bound\n" +
        "ok   right too: 5 cases, each number within its rounding bound\n\n2 ops checked: 2 right, 0 wrong\n",
    );
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("goes on behind a wrong op, in this file and the next, TypeScript as well, and ends with 1", async ({
    expect,
  }) => {
    const { code, stdout, stderr } = await normgrad(["check", wrong, typed, wrong]);
    expect(stdout).toContain(`${wrong}:\nFAIL wrong: gradX is wrong`);
    expect(stdout).toContain("\nok   after wrong: 200 cases");
    expect(stdout).toContain(`\n${typed}:\nok   typed: 200 cases`);
    expect(stdout).toMatch(/\n\n3 ops checked: 2 right, 1 wrong\n$/);
    expect([code, stderr]).toEqual([1, ""]);
  });

  test("names files that throw, or call nothing; an op that cannot be checked is wrong", async () => {
    const { code, stdout, stderr } = await normgrad(["check", throws, fault, nothing, right]);
    expect(stderr).toContain(`${throws}: it threw Error: of its own\n    at `);
    expect(stderr).toContain(`${fault}: it stopped at this op: no checkOp call below it was run\n`);
    expect(stderr).toContain(`${nothing}: expected a checkOp call, got none\n`);
    expect(stdout).toContain("FAIL fault, case x [1], n 1: expected backward to answer, it threw");
    expect(stdout).not.toContain("never run");
    expect(stdout).toMatch(/\n\n3 ops checked: 2 right, 1 wrong; 3 files not checked to the end\n$/);
    expect(code).toBe(1);
  });

  test("waits for what is called later, from a timer, and for errors that nobody catches", async () => {
    const { code, stdout, stderr } = await normgrad(["check", late, lateFault, rejects, right]);
    expect(stdout).toContain(`${late}:\nok   at once: 200 cases`);
    expect(stdout).toContain("\nFAIL late: gradX is wrong");
    expect(stdout).toContain("\nFAIL late fault, case x [1], n 1: expected backward to answer, it threw");
    expect(stderr).toContain(`${lateFault}: it stopped at this op`);
    expect(stderr).toContain(`${rejects}: it threw Error: nobody waits`);
    expect(stdout).toMatch(/\n\n6 ops checked: 4 right, 2 wrong; 2 files not checked to the end\n$/);
    expect(code).toBe(1);
  });

  test("ends without a word when nobody reads its output any more", async () => {
    const many = write("many.mjs", Array.from({ length: 40 }, (_, i) => triple(`op ${i}`, "3", "{ runs: 5 }")).join("await new Promise((go) => setTimeout(go, 5));\n")); // prettier-ignore
    const { code, signal, stderr } = await normgrad(["check", many], undefined, "ok   op 0");
    expect([code, signal, stderr]).toEqual([141, null, ""]);
  });

  test("a file that Node takes for CommonJS is told how to become an ES module", async () => {
    const { code, stderr } = await normgrad(["check", commonjs]);
    const expected = `expected an ES module, got CommonJS: set "type": "module" in its package.json, or name it`;
    expect([code, stderr]).toEqual([1, `${commonjs}: ${expected} ${commonjs.replace(".ts", ".mts")}\n`]);
  });

  test("a file that ends the process is no pass", async () => {
    const { code, stderr } = await normgrad(["check", exits]);
    expect([code, stderr]).toEqual([1, "normgrad: the process ended before all checks were done\n"]);
  });

  test("--json prints one document and nothing else on stdout", async () => {
    const { code, stdout, stderr } = await normgrad(["check", "--json", wrong, fault, nothing]);
    expect(code).toBe(1);
    expect(stderr).toContain("printed by the file");
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      checked: 3,
      right: 1,
      wrong: 2,
      ops: [
        {
          file: wrong,
          name: "wrong",
          ok: false,
          cases: expect.any(Number),
          skipped: 0,
          traps: expect.objectContaining({ plain: expect.any(Number) }),
          report: expect.stringContaining("FAIL wrong: gradX is wrong"),
          fault: null,
          failure: {
            array: "gradX",
            index: [0],
            analytic: expect.any(Number),
            exact: expect.any(Number),
            reference: "exact",
            error: expect.any(Number),
            ulps: expect.any(Number),
            bound: expect.any(Number),
            basis: expect.any(String),
            shape: [1],
            errors: [expect.any(Number)],
            bounds: [expect.any(Number)],
            errorMap: "@",
            settings: { n: 1 },
            shapes: { x: [1] },
            inputs: { x: [1] },
            gradOutput: [expect.any(Number)],
            seed: 0,
            path: expect.stringMatching(/^\d+(:\d+)*$/),
            diagnosis: expect.arrayContaining([{ fault: "factor", evidence: expect.any(String) }]),
          },
        },
        expect.objectContaining({ name: "after wrong", ok: true, cases: 200, fault: null, failure: null }),
        expect.objectContaining({ name: "fault", ok: false, cases: 0, fault: expect.stringContaining("it threw") }),
      ],
      errors: [
        { file: fault, message: "it stopped at this op: no checkOp call below it was run" },
        { file: nothing, message: "expected a checkOp call, got none" },
      ],
    });
  });

  test("--seed and --runs beat what the calls say", async () => {
    const own = write(
      "options.mjs",
      triple("right", "3", "{ runs: 7 }") + triple("wrong", "2", '{ seed: 1, path: "3" }'),
    );
    const { stdout } = await normgrad(["check", "--json", "--seed", "5", "--runs", "9", own]);
    const { ops } = JSON.parse(stdout);
    expect([ops[0].cases, ops[1].failure.seed]).toEqual([9, 5]);
    expect(ops[1].failure.path).not.toMatch(/^3/);
  });

  test("a wrong command line ends with 2, and nothing is run", async () => {
    const [typo, missing] = await Promise.all([normgrad(["chek", right]), normgrad(["check", right, "nowhere.mjs"])]);
    expect(typo).toMatchObject({
      code: 2,
      stdout: "",
      stderr: 'normgrad: expected the command check, got "chek"\nSee normgrad --help\n',
    });
    expect(missing).toMatchObject({
      code: 2,
      stdout: "",
      stderr: 'normgrad: check: expected a file, got "nowhere.mjs", which is none\nSee normgrad --help\n',
    });
  });

  test("--help and --version answer on stdout", async () => {
    const [help, version] = await Promise.all([normgrad(["--help"]), normgrad(["--version"])]);
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining("Usage: normgrad check"), stderr: "" });
    expect(`"version": "${version.stdout.trim()}"`).toBe(
      /"version": "[^"]+"/.exec(readFileSync(join(ROOT, "package.json"), "utf8"))?.[0],
    );
  });

  // No handler catches it, so the shell sees 128 + 2.
  test("Ctrl-C ends a running check with 130", async () => {
    const long = write("long.mjs", triple("first", "3") + triple("long", "3", "{ runs: 1e9 }"));
    expect(await normgrad(["check", long], "ok   first")).toMatchObject({ code: null, signal: "SIGINT" });
  });
});
