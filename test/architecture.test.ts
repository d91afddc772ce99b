/** Who may import whom: docs and CONTRIBUTING promise it, and this reads every import line. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
type Files = ReadonlyMap<string, string>;

const files: Files = new Map(
  ["src", "test", "examples", "bench"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .map((name) => posix.join(folder, name))
      .filter((name) => name.endsWith(".ts") && !/^test\/\.docs|\/(node_modules|dist)\//.test(name))
      .map((name) => [name, readFileSync(join(ROOT, name), "utf8")] as const),
  ),
);

/** Code without comments and strings: what a sentence says is no violation. */
function code(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "");
}

/** The files that a file imports or re-exports, type-only ones included. */
function importsOf(name: string, text: string): string[] {
  return Array.from(text.matchAll(/^(?:import|export)\b[^"';]*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)/gm), (match) =>
    posix.join(posix.dirname(name), (match[1] ?? match[2] ?? "").replace(/\?[\w&]+$/, "")),
  );
}

const isData = (name: string): boolean => name.endsWith(".json") && existsSync(join(ROOT, name));

/** In quotes, so that it does not find itself. */
const ANY = new RegExp("\\bas any\\b|: any\\b|<any\\b|\\bany(\\[\\]|>)");

/** [who, may not import what, but this]. */
const forbidden: readonly (readonly [RegExp, RegExp, RegExp?])[] = [
  [/^src\/autograd\//, /^src\//, /^src\/(autograd|kernels)\//],
  [/^src\/kernels\//, /./, /^src\/kernels\//],
  [/^src\/norms\//, /^src\//, /^src\/(norms|autograd|kernels)\//],
  [/^src\/nn\//, /^src\/(gradcheck|io)\//],
  [/^src\/gradcheck\//, /^src\/(norms|nn|io|kernels)\//],
  [/^src\/io\//, /^src\//, /^src\/(io|autograd)\//],
  [/^src\/cli\//, /^src\//, /^src\/(cli|gradcheck|autograd)\//],
  [/^src\/vitest\//, /^src\//, /^src\/(vitest|gradcheck|autograd)\//],
  [/^(src\/(?!cli\/)|examples\/)/, /^src\/cli\//],
  [/^src\/(?!vitest\/)/, /^src\/vitest\//],
  [/^src\//, /^(test|examples|bench)\//],
];

/** The files that come after each other in a circle of imports; empty if there is none. */
function cycle(all: Files): string[] {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of importsOf(name, all.get(name) ?? "")) {
      const found = visit(next, [...path, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  return [...all.keys()].map((name) => visit(name, [])).find((found) => found.length > 0) ?? [];
}

function violations(all: Files): string[] {
  const found = Array.from(all, ([name, text]) => {
    const wrong = importsOf(name, text).flatMap((target) => [
      ...(all.has(target) || isData(target) ? [] : [`${name} imports ${target}, which is not there`]),
      ...forbidden.flatMap(([who, what, but]) =>
        who.test(name) && what.test(target) && !but?.test(target) ? [`${name} imports ${target}`] : [],
      ),
    ]);
    const plain = code(text);
    if (/\bMath\.random\b/.test(plain)) wrong.push(`${name} draws from Math.random`);
    if (ANY.test(plain)) wrong.push(`${name} says any`);
    const isIndex = name.startsWith("src/") && posix.basename(name) === "index.ts";
    if (isIndex && !/^(export (type )?(\*|\{[^}]*\})\s*from\s*;\s*)*$/.test(plain.trim())) {
      wrong.push(`${name} does more than re-export`);
    }
    return wrong;
  });
  const circle = cycle(all);
  return [...found.flat(), ...(circle.length > 0 ? [`import cycle: ${circle.join(" → ")}`] : [])];
}

describe("architecture", () => {
  test("every import points the way it may, without cycles; indexes re-export; nothing draws or says what it must not", () => {
    expect(violations(files)).toEqual([]);
  });

  test("all import lines are seen: as many as the words that begin one", () => {
    for (const [name, text] of files) {
      const relative = text.match(/^(import|export)\b[^;]*?\bfrom\s+"\./gm) ?? [];
      expect(importsOf(name, text).length, name).toBeGreaterThanOrEqual(relative.length);
    }
    expect(Array.from(files, ([name, text]) => importsOf(name, text).length).reduce((a, b) => a + b)).toBeGreaterThan(
      200,
    );
  });

  test.each<readonly [string, string, string]>([
    [
      "src/autograd/zz.ts",
      'import { layerNorm } from "../norms/index.ts";',
      "src/autograd/zz.ts imports src/norms/index.ts",
    ],
    [
      "src/autograd/zz.ts",
      'import type { Linear } from "../nn/index.ts";',
      "src/autograd/zz.ts imports src/nn/index.ts",
    ],
    [
      "src/kernels/zz.ts",
      'import {\n  sizeOf,\n} from "../autograd/shape.ts";',
      "src/kernels/zz.ts imports src/autograd/shape.ts",
    ],
    ["src/norms/zz.ts", 'export { Linear } from "../nn/index.ts";', "src/norms/zz.ts imports src/nn/index.ts"],
    [
      "src/zz.ts",
      'import { holds } from "../test/helpers/generators.ts";',
      "src/zz.ts imports test/helpers/generators.ts",
    ],
    ["src/cli/zz.ts", 'import { relu } from "../nn/index.ts";', "src/cli/zz.ts imports src/nn/index.ts"],
    ["src/io/zz.ts", 'import { relu } from "../nn/index.ts";', "src/io/zz.ts imports src/nn/index.ts"],
    ["src/vitest/zz.ts", 'import { relu } from "../nn/index.ts";', "src/vitest/zz.ts imports src/nn/index.ts"],
    [
      "src/gradcheck/zz.ts",
      'import { layerNorm } from "../norms/index.ts";',
      "src/gradcheck/zz.ts imports src/norms/index.ts",
    ],
    [
      "src/gradcheck/zz.ts",
      'import { USAGE } from "../cli/settings.ts";',
      "src/gradcheck/zz.ts imports src/cli/settings.ts",
    ],
    [
      "src/gradcheck/zz.ts",
      'import { matchers } from "../vitest/index.ts";',
      "src/gradcheck/zz.ts imports src/vitest/index.ts",
    ],
    ["src/zz.ts", 'import { gone } from "./gone.ts";', "src/zz.ts imports src/gone.ts, which is not there"],
    ["src/zz.ts", "const x = Math.random();", "src/zz.ts draws from Math.random"],
    ["test/zz.ts", "const x = y as any;", "test/zz.ts says any"],
    ["examples/zz.ts", "function f(x: any[]): void {}", "examples/zz.ts says any"],
    [
      "src/zz/index.ts",
      'export * from "../autograd/index.ts";\nconsole.log(1);',
      "src/zz/index.ts does more than re-export",
    ],
    [
      "src/kernels/floatArray.ts",
      'import type { matmul } from "./matmul.ts";',
      "import cycle: src/kernels/matmul.ts → src/kernels/floatArray.ts → src/kernels/matmul.ts",
    ],
  ])("in %s, %j is found", (name, text, violation) => {
    const found = violations(new Map([...files, [name, text]]));
    if (violation.startsWith("import cycle")) expect(found.join()).toContain("import cycle: ");
    else expect(found).toEqual([violation]);
  });

  test("a sentence in a comment or a message is no violation", () => {
    const text = '// Math.random is not used: any number\nexport const message = "as any number of Math.random";\n';
    expect(violations(new Map([...files, ["src/zz.ts", text]]))).toEqual([]);
  });
});
