/** `npm run size`: what a page pays for training with LayerNorm. See size/page.ts for the page. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { Metafile } from "esbuild";
import { textTable } from "./format.ts";

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The page, with nothing in the modules that are left out: it would not run, but shows what they weigh. */
async function bundle(leftOut: RegExp | null): Promise<{ readonly page: Uint8Array; readonly metafile: Metafile }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [path("size/page.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    metafile: true,
    write: false,
    outdir: path("out"),
    alias: { normgrad: path("../dist/index.js") },
    // The built library, as the published package has it, and not the sources that tsconfig.json points to.
    tsconfigRaw: {},
    logOverride: { "import-is-undefined": "silent" },
    plugins: leftOut === null ? [] : [{ name: "leave out", setup: (page) => page.onLoad({ filter: leftOut }, empty) }],
  });
  return { page: outputFiles[0]?.contents ?? new Uint8Array(), metafile };
}

const empty = (): { contents: string } => ({ contents: "" });
const { page, metafile } = await bundle(null);
const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const bytesOf = new Map<string, number>();
for (const output of Object.values(metafile.outputs)) {
  for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
    if (bytesInOutput === 0) continue; // nothing of it is used
    const name = input.replace(/^.*dist\//, "").replace(/^.*node_modules\//, "");
    bytesOf.set(name, (bytesOf.get(name) ?? 0) + bytesInOutput);
  }
}
const modules = [...bytesOf].toSorted(([, a], [, b]) => b - a);
const version: unknown = JSON.parse(readFileSync(path("../package.json"), "utf8"));
const shown = typeof version === "object" && version !== null && "version" in version ? String(version.version) : "?";

console.log(`A page that trains with LayerNorm, normgrad ${shown}\n`);
console.log(textTable([["module", "minified"], ...modules.map(([name, bytes]) => [name, kilobytes(bytes)])]));
const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;
console.log(`\n  minified ${kilobytes(page.length)}, gzipped ${kilobytes(gzipped(page))}, of which`);
for (const [part, modules] of [
  ["kernels in WebAssembly", /dist\/kernels\/wasm\//],
  ["all kernels", /dist\/kernels\//],
] as const) {
  console.log(`    ${part} ${kilobytes(gzipped(page) - gzipped((await bundle(modules)).page))}`);
}
