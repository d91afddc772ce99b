/**
 * The pure half of a norm can be lifted out of the repository: what its forward, backward and terms use, followed from
 * declaration to declaration and from file to file, lies in the norm's own file and in helpers for shapes.
 */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { normDescriptors } from "../../src/norms/index.ts";
import * as norms from "../../src/norms/index.ts";

const ROOT = join(import.meta.dirname, "../..");
const SHARED = ["src/autograd/shape.ts", "src/norms/channels.ts"];
const RUNNING = "src/norms/runningStats.ts";

type Read = (path: string) => string;
const fromDisk: Read = (path) => readFileSync(join(ROOT, path), "utf8");

/** [file, its pure functions]. */
const pure: readonly (readonly [string, readonly string[]])[] = [
  ...normDescriptors.map(
    ({ name }) => [`src/norms/${name}.ts`, ["Forward", "Backward", "Terms"].map((half) => name + half)] as const,
  ),
  [RUNNING, ["runningNormForward", "runningNormBackward", "runningNormTerms", "updateRunningStats"]],
];

/** Code without comments, and without the text of strings. */
function code(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "").replaceAll(/(?<!from )"(?:[^"\\\n]|\\.)*"/g, '""');
}

/** Imported values by name, each with its file; with the name it has there, if another. Types are left out. */
function importedValues(path: string, text: string): Map<string, { from: string; name: string }> {
  const values = new Map<string, { from: string; name: string }>();
  for (const [, clause = "", from = ""] of text.matchAll(/^import (?!type\b)([^;]*?) from "([^"]+)";/gm)) {
    const file = from.startsWith(".") ? posix.join(posix.dirname(path), from) : from;
    for (const entry of clause.replaceAll(/[{}]/g, "").split(",")) {
      const [name = "", as = name] = entry.trim().split(" as ");
      if (name !== "" && !name.startsWith("type ")) values.set(as, { from: file, name });
    }
  }
  return values;
}

/** Declarations at the top of a file by name: from their first line to the next one that begins at the margin. */
function declarations(text: string): Map<string, string> {
  const start = /^(?:export )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|enum) (\w+)/gm;
  return new Map(
    Array.from(text.matchAll(start), (match) => {
      const rest = text.slice(match.index);
      const end = rest.search(
        /\n(?=(?:export |abstract |async |function\*? |const |let |class |enum |interface |type ))/,
      );
      return [match[1] ?? "", end < 0 ? rest : rest.slice(0, end)] as const;
    }),
  );
}

/** The files that hold what these functions use, themselves included. */
function closure(path: string, names: readonly string[], read: Read): string[] {
  const seen = new Set<string>();
  const files = new Set<string>();
  const visit = (file: string, name: string): void => {
    if (seen.has(`${file} ${name}`)) return;
    seen.add(`${file} ${name}`);
    files.add(file);
    if (!file.startsWith("src/") || name === "*") return;
    const text = code(read(file));
    const local = declarations(text);
    const imported = importedValues(file, text);
    const body = local.get(name);
    if (body === undefined) throw new Error(`expected ${file} to declare ${name}`);
    // A name that is a local variable or a property as well is followed too: that finds more, never less.
    for (const [word] of body.matchAll(/[A-Za-z_$][\w$]*/g)) {
      const value = imported.get(word);
      if (value) visit(value.from, value.name);
      else if (local.has(word)) visit(file, word);
    }
  };
  for (const name of names) visit(path, name);
  return [...files].toSorted();
}

function outside(path: string, names: readonly string[], read: Read = fromDisk): string[] {
  return closure(path, names, read).filter((file) => file !== path && !SHARED.includes(file));
}

describe("the pure half of a norm", () => {
  test.each(pure)("%s: %j use helpers for shapes only", (path, names) => {
    expect(outside(path, names)).toEqual([]);
  });

  test("the shared files import nothing but shapes", () => {
    const [ofShape, ofChannels] = SHARED.map((path) => [...importedValues(path, fromDisk(path)).values()]);
    expect(ofShape).toEqual([]);
    expect(new Set(ofChannels?.map(({ from }) => from))).toEqual(new Set(["src/autograd/shape.ts"]));
  });

  test("every exported forward, backward and terms is looked at", () => {
    const exported = Object.keys(norms).filter((name) => /^[a-z].*Norm(Forward|Backward|Terms)$/.test(name));
    const covered = new Set(pure.flatMap(([, names]) => names));
    expect(exported.length).toBeGreaterThan(10);
    expect(exported.filter((name) => !covered.has(name))).toEqual([]);
  });

  /** The sources, with parts of one file replaced. */
  const planted =
    (changed: string, replacements: Readonly<Record<string, string>>): Read =>
    (path) =>
      Object.entries(path === changed ? replacements : {}).reduce((text, [part, replacement]) => {
        expect(text).toContain(part);
        return text.replace(part, replacement);
      }, fromDisk(path));
  const batchNorm = "src/norms/batchNorm.ts";
  const channels = "src/norms/channels.ts";

  test.each<readonly [string, string, Record<string, string>, string]>([
    [
      "a check in the forward",
      batchNorm,
      { "const centered = x": "checkTensor(x);\n  const centered = x" },
      "src/autograd/tensor.ts",
    ],
    [
      "a private function that makes an array, called by the backward",
      batchNorm,
      {
        "const viaMean = ": "made();\n  const viaMean = ",
        "export interface BatchNormModuleOptions":
          "const made = () => full([1], 1);\nexport interface BatchNormModuleOptions",
      },
      "src/autograd/creation.ts",
    ],
    [
      "an import under another name, in a shared helper",
      channels,
      {
        "import { range, sizeOf }":
          'import { zeros as none } from "../autograd/creation.ts";\nimport { range, sizeOf }',
        "  return range(": "  none([1]);\n  return range(",
      },
      "src/autograd/creation.ts",
    ],
    [
      "an import of everything",
      channels,
      {
        "import { range, sizeOf }": 'import * as engine from "../autograd/creation.ts";\nimport { range, sizeOf }',
        "  return range(": "  engine.zeros([1]);\n  return range(",
      },
      "src/autograd/creation.ts",
    ],
    [
      "a package",
      channels,
      {
        "import { range, sizeOf }": 'import { xoroshiro } from "pure-rand";\nimport { range, sizeOf }',
        "  return range(": "  xoroshiro(1);\n  return range(",
      },
      "pure-rand",
    ],
  ])("%s would be found", (_, changed, replacements, found) => {
    const [, names = []] = pure.find(([path]) => path === batchNorm) ?? [];
    expect(outside(batchNorm, names, planted(changed, replacements))).toContain(found);
  });
});
