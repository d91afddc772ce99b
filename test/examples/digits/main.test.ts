import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { normDescriptors } from "normgrad/norms";
import { countChecks } from "../../../examples/digits/gradientChecks.ts";
import { innerPixels } from "../../../examples/digits/innerPixels.ts";
import { someDigits, temporaryFolder, withRows, writeInto } from "./files.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const folder = temporaryFolder();

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the main job as `npm start` does. `onOutput` sees all of stdout so far. */
function start(
  args: readonly string[],
  onOutput: (stdout: string, interrupt: () => void) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", "examples/digits/main.ts", ...args], { cwd: ROOT });
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out.stdout += text;
      onOutput(out.stdout, () => child.kill("SIGINT"));
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      out.stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...out }));
  });
}

/** 200 small images: a run on them takes no time. */
const small = writeInto(folder, "small.csv", withRows({}).repeat(20));

describe.concurrent("npm start", () => {
  test(
    "runs on the digits, and says what it does where there is no terminal",
    { timeout: 60_000 },
    async ({ expect }) => {
      const out = join(folder, "whole");
      const { code, stdout, stderr } = await start(["--epochs", "1", "--norm", "groupNorm", "--out", out]);
      expect([code, stderr]).toEqual([0, ""]);
      const count = countChecks(innerPixels(someDigits(3)));
      expect(stdout).toMatch(
        new RegExp(`running ${count} checks\\n[^]*${count} checks, all within the bound of rounding\\n`),
      );
      for (const { name } of normDescriptors) expect(stdout).toMatch(new RegExp(`^  ${name} .*  ✓$`, "m"));
      expect(stdout).toMatch(/groupNorm {4}epoch 1\/1 {2}loss \d\.\d{4} {2}test accuracy \d\d\.\d %/);
      expect(stdout).toContain(`The report is in ${out}/report.html and ${out}/report.json`);
      const report: unknown = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
      expect(report).toMatchObject({ seed: 1, networks: [{ norm: "groupNorm", epochs: 1, complete: true }] });
      expect(report).toHaveProperty("gradientChecks.length", count);
      expect(readFileSync(join(out, "report.html"), "utf8")).not.toMatch(/NaN|interrupted/);
    },
  );

  test(
    "Ctrl-C in the middle leaves the report of what was done, and exit status 130",
    { timeout: 60_000 },
    async ({ expect }) => {
      const out = join(folder, "interrupted");
      let sent = false;
      const { code, stdout, stderr } = await start(
        ["--epochs", "100000", "--norm", "none", "--data", small, "--out", out],
        (soFar, interrupt) => {
          if (!sent && soFar.includes("epoch      2/")) {
            sent = true;
            interrupt();
          }
        },
      );
      expect([code, stderr]).toEqual([130, ""]);
      expect(stdout).toContain("Interrupted. What was done is in");
      const report: unknown = JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
      expect(report).toMatchObject({ networks: [{ norm: "none", complete: false }] });
      expect(readFileSync(join(out, "report.html"), "utf8")).toContain("This run was interrupted");
    },
  );

  test("a bad file: one line on stderr, exit status 1, and nothing else", { timeout: 60_000 }, async ({ expect }) => {
    const bad = writeInto(folder, "bad.csv", withRows({ 2: "1,x,3,4,1" }));
    const out = join(folder, "never");
    expect(await start(["--data", bad, "--out", out])).toEqual({
      code: 1,
      stdout: "",
      stderr: `${bad}, row 3, column 2: expected a pixel value of 0 or more, got "x"\n`,
    });
    expect(existsSync(out)).toBe(false);
  });

  test("a place that cannot be written: one line before any work", { timeout: 60_000 }, async ({ expect }) => {
    const { code, stdout, stderr } = await start(["--data", small, "--out", small]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^--out [^\n]+: the report cannot be written there: EEXIST: [^\n]+\n$/);
  });
});
