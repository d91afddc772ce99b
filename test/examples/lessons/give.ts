/** Gives a lesson as `npm run lesson` does, in a process of its own. */
import { spawn } from "node:child_process";
import { ROOT } from "../../helpers/cli.ts";

export interface Given {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function give(script: string, ...args: readonly string[]): Promise<Given> {
  return giveUntil(null, script, ...args);
}

/** Presses Ctrl-C, as it were, once this has been printed. */
export function giveUntil(until: string | null, script: string, ...args: readonly string[]): Promise<Given> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", script, ...args], { cwd: ROOT, timeout: 90_000 });
    const printed = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed.stdout += text;
      if (until !== null && printed.stdout.includes(until)) child.kill("SIGINT");
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (printed.stderr += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...printed }));
  });
}
