/** The worker as plain JavaScript: a loader for TypeScript would wrap the functions that are measured. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export const WORKER: string = fileURLToPath(new URL("dist/worker.js", import.meta.url));

const TFJS = fileURLToPath(new URL("node_modules/@tensorflow/tfjs-core", import.meta.url));
const PEERS = ["@jax-js/jax", "deepbox/*", "js-pytorch"] as const;

/** What tfjs's WebAssembly loader expects in Node. */
const COMMONJS = `import { createRequire as createRequire_ } from "node:module";
const require = createRequire_(import.meta.url);
const __dirname = import.meta.dirname;`;

export async function buildWorker(): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("worker.ts", import.meta.url))],
    outdir: fileURLToPath(new URL("dist", import.meta.url)),
    bundle: true,
    splitting: true, // only the measured library is loaded
    platform: "node",
    format: "esm",
    target: "node20",
    external: [...PEERS, ...(existsSync(TFJS) ? [] : ["@tensorflow/*"])],
    // tfjs registers its gradients in a file that Node cannot import: it is an ES module and does not say so.
    mainFields: ["module", "main"],
    banner: { js: COMMONJS },
    logLevel: "error",
    plugins: [
      {
        name: "the built library",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^normgrad$/ }, () => ({ path: "../../dist/index.js", external: true })),
      },
    ],
  });
}
