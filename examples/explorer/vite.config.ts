/** Static files for any web server, under any path. The library comes from its sources beside this folder. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { defineConfig } from "vite";
import type { Plugin, UserConfig } from "vite";

const root = process.env["NORMGRAD"] ?? fileURLToPath(new URL("../..", import.meta.url));

/** The handwritten digits of the project, as a module that only the training worker imports. */
const digits: Plugin = {
  name: "digits",
  resolveId: (id) => (id === "virtual:digits" ? `\0${id}` : null),
  load: (id) => {
    if (id !== "\0virtual:digits") return null;
    const csv = gunzipSync(readFileSync(`${root}/data/digits.csv.gz`)).toString("utf8");
    return `export default ${JSON.stringify(csv)};`;
  },
};

/** What the library imports is taken from this folder's packages, so that the page needs no other install. */
const ownPackages: Plugin = {
  name: "own-packages",
  enforce: "pre",
  resolveId(id) {
    const importer = fileURLToPath(new URL("index.html", import.meta.url));
    return /^(fast-check|pure-rand)(\/|$)/.test(id) ? this.resolve(id, importer, { skipSelf: true }) : null;
  },
};

/**
 * Code that a visitor writes runs here, so the browser itself is told that nothing may be sent or loaded from anywhere. The
 * worker that runs it is made from a blob, and inherits this. Not in development, where Vite talks to its server.
 */
const policy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => {
    const content = [
      "default-src 'self'",
      "script-src 'self' 'unsafe-eval' blob:",
      "worker-src 'self' blob:",
      "style-src 'self' 'unsafe-inline'",
      "img-src 'self' data:",
      "connect-src 'none'",
      "form-action 'none'",
    ].join("; ");
    return [{ tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content }, injectTo: "head-prepend" }];
  },
};

const config: UserConfig = defineConfig({
  base: "./",
  plugins: [digits, ownPackages, policy],
  worker: { format: "es", plugins: () => [digits, ownPackages] },
  resolve: {
    dedupe: ["preact"],
    alias: [
      { find: /^normgrad$/, replacement: `${root}/src/index.ts` },
      { find: /^normgrad\/(autograd|norms|nn|gradcheck)$/, replacement: `${root}/src/$1/index.ts` },
    ],
  },
  build: { target: "es2023", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { fs: { allow: [root, "."] } },
});

export default config;
