import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { asTest } from "../src/asTest.ts";
import { initial } from "../src/state.ts";
import { casesOf } from "../src/subject.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(`${here}copied-`);
afterAll(() => rmSync(folder, { recursive: true }));

test("what is copied from the page runs, and passes; with one number changed it fails", () => {
  const norms = ["groupNorm", "layerNorm", "switchableNorm", "adaptiveInstanceNorm", "rmsNorm", "batchNorm"] as const;
  norms.forEach((norm, i) => {
    const layout = i % 2 === 0 ? "NCHW" : "NHWC";
    // By running statistics: the reader's own.
    const mode = norm === "batchNorm" ? "evaluation" : "";
    const first = casesOf(norm, initial.shape, layout, initial.eps).find(({ label }) => label.startsWith(mode));
    const text = asTest({ ...initial, norm, layout, option: first?.label ?? "" }) ?? "";
    writeFileSync(`${folder}/${norm}.test.ts`, text);
    writeFileSync(`${folder}/${norm}Wrong.test.ts`, text.replace(/(gradInput, \[-?\d+\.\d)/, "$19"));
  });
  const { stdout } = spawnSync("npx", ["vitest", "run", "--reporter=json", folder], {
    cwd: `${here}..`,
    encoding: "utf8",
  });
  const found = stdout.slice(stdout.indexOf("{"));
  expect(found).toContain(`"numPassedTests":${norms.length}`);
  expect(found).toContain(`"numFailedTests":${norms.length}`);
});
