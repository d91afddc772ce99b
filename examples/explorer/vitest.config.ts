/** The browser tests; run by `npm test`, which builds the page first. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

const root = process.env["NORMGRAD"] ?? fileURLToPath(new URL("../..", import.meta.url));

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^normgrad$/, replacement: `${root}/src/index.ts` },
      { find: /^normgrad\/(autograd|norms|nn|gradcheck)$/, replacement: `${root}/src/$1/index.ts` },
    ],
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});

export default config;
