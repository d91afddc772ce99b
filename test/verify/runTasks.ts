/** Judges cases in worker threads, and can be stopped at any time. */
import { Worker } from "node:worker_threads";
import type { Outcome, Task } from "./outcome.ts";

/** Enough for a thread to be busy while its next tasks are on their way, few enough for a smooth bar. */
const TASKS_AT_ONCE = 8;

/** Resolves when all cases are judged, or when `stop` is aborted. */
export async function runTasks(
  tasks: readonly Task[],
  { seed, workers }: { readonly seed: number; readonly workers: number },
  onOutcome: (outcome: Outcome) => void,
  stop: AbortSignal,
): Promise<void> {
  let given = 0;
  const judgeOnOneThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.mjs", import.meta.url), { workerData: { seed } });
      const next = (): void => {
        const some = tasks.slice(given, given + TASKS_AT_ONCE);
        given += some.length;
        if (some.length === 0) void worker.terminate();
        else worker.postMessage(some);
      };
      worker.on("message", (outcomes: readonly Outcome[]) => {
        outcomes.forEach(onOutcome);
        next();
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
      stop.addEventListener("abort", () => void worker.terminate());
      next();
    });
  const threads = Math.min(workers, Math.ceil(tasks.length / TASKS_AT_ONCE));
  await Promise.all(Array.from({ length: threads }, judgeOnOneThread));
}
