/** The page quotes two files and what the command prints of them. `npx vitest run test/examples/gradcheck -u` renews it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { normgrad, ROOT } from "../../helpers/cli.ts";

const PAGE = join(ROOT, "examples/gradcheck/README.md");
const QUOTE = /^(```ts\n\/\/ From (\S+)\n)[^]*?^(```)$/gm;
const PRINTED = /^(```console\n\$ npx normgrad (.*)\n)[^]*?^(```)$/gm;

const printed = new Map<string, Promise<string>>();

/** Runs each command once. */
function output(command: string): Promise<string> {
  const known = printed.get(command) ?? normgrad(command.split(" ")).then(({ stdout }) => stdout);
  printed.set(command, known);
  return known;
}

/** The page with every quote and every report as they are now. */
async function renewed(page: string): Promise<string> {
  const commands = Array.from(page.matchAll(PRINTED), ([, , command = ""]) => command);
  const outputs = new Map<string, string>();
  for (const command of commands) outputs.set(command, await output(command));
  return page
    .replaceAll(QUOTE, (_, head: string, path: string, end: string) => head + read(path) + end)
    .replaceAll(PRINTED, (_, head: string, command: string, end: string) => head + (outputs.get(command) ?? "") + end);
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

describe("examples/gradcheck/README.md", { timeout: 60_000 }, () => {
  const page = readFileSync(PAGE, "utf8");

  test("quotes its files and reports as they are", async () => {
    expect([page.match(QUOTE)?.length, page.match(PRINTED)?.length]).toEqual([2, 2]);
    await expect(await renewed(page)).toMatchFileSnapshot(PAGE);
  });

  test("the right example is right, and the wrong one is found for what it is", async () => {
    const [right = "", wrong = ""] = (await renewed(page)).match(PRINTED) ?? [];
    expect(right).toContain("ok   rmsNorm: 200 cases");
    expect(wrong).toContain("FAIL rmsNorm: gradX is wrong");
    expect(wrong).toMatch(/^it passes when .*weight = 1$/m);
  });

  test("the wrong example is the right one but for one line", () => {
    const lines = (path: string): string[] => read(path).split("*/\n")[1]?.split("\n") ?? [];
    const right = lines("examples/gradcheck/right.ts");
    const wrong = lines("examples/gradcheck/wrong.ts");
    expect(wrong.filter((line, i) => line !== right[i])).toEqual([
      "    const viaRstd = scaled(times(xhat, weight), mean(times(gradXhat, xhat)));",
    ]);
  });

  test("a report or a file that differs is noticed", async () => {
    const stale = page.replace("200 cases", "201 cases").replace("const mean =", "const average =");
    expect(stale).not.toBe(page);
    expect(await renewed(stale)).toBe(await renewed(page));
  });
});
