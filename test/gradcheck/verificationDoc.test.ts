/** docs/verification.md lists all that a formula may call and all that a spec may say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "docs/verification.md"), "utf8");
const section = (heading: string): string => text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
const names = (markdown: string): string[] => Array.from(markdown.matchAll(/`(\w+)`/g), ([, name = ""]) => name);

/** What checkOp says that it knows, when it is given something else: "expected … of a, b, c, got zz". */
function known(spec: object, options: object): string[] {
  try {
    Reflect.apply(checkOp, undefined, ["odd", spec, options]);
  } catch (error) {
    return (/ of ([\w, ]+), got zz/.exec(String(error))?.[1] ?? "").split(", ");
  }
  return [];
}

describe("docs/verification.md", () => {
  test("lists the public methods of Num, and no others", () => {
    const source = readFileSync(join(ROOT, "src/autograd/num.ts"), "utf8");
    const members = Array.from(
      source.matchAll(/^ {2}(?:abstract )?(?:readonly |get )?([a-z]\w*)[(:]/gm),
      ([, name = ""]) => name,
    );
    const body = new Set(members.filter((name) => name !== "correction" && name !== "keepdim"));
    const calls = section("What a formula may call");
    const listed = new Set(names(calls).filter((name) => name !== "Num"));
    expect([...listed].toSorted()).toEqual([...body].toSorted());
    expect(body.size).toBeGreaterThan(40);
  });

  test("has a line for each field of a spec and for each option", () => {
    const table = names(
      section("The spec of an op")
        .split("\n")
        .filter((line) => line.startsWith("| `"))
        .map((line) => line.split("|")[1] ?? "")
        .join(""),
    );
    const spec = { dims: {}, inputs: () => ({ x: [1] }), forward: () => 0, backward: () => 0 };
    const fields = known({ ...spec, zz: 1 }, {});
    const options = known(spec, { zz: 1 });
    expect([fields.length, options.length]).toEqual([10, 7]);
    expect(table.toSorted()).toEqual([...fields, ...options].toSorted());
  });
});
