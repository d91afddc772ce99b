import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^normgrad$/, replacement: new URL("./src/index.ts", import.meta.url).pathname },
      {
        find: /^normgrad\/(autograd|norms|nn|gradcheck|io|vitest)$/,
        replacement: new URL("./src/$1/index.ts", import.meta.url).pathname,
      },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Half the time on two cores: the default leaves one of them idle, starts a process a file, and imports all modules anew.
    maxWorkers: "100%",
    pool: "threads",
    isolate: false,
    setupFiles: "test/setup.ts",
    // No measure of speed: a loaded machine is to be slow, not wrong.
    testTimeout: 30_000,
    coverage: { include: ["src/**/*.ts"], exclude: ["src/**/index.ts"], reporter: ["text", "json-summary"] },
  },
});

export default config;
