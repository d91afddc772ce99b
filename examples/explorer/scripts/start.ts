/** `npm run explore` and `npm run test:explorer` of the root: installs this folder's packages if they are missing, then runs. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));

function npm(...args: readonly string[]): void {
  const { status } = spawnSync("npm", args, { cwd: here, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(`${here}/node_modules`)) npm("ci");
npm("run", process.argv[2] ?? "dev");
