/** Judges pairs in worker threads, and can be stopped at any time. */
import { Worker } from "node:worker_threads";
import type { Judged, PairName } from "./judgePair.ts";

/** Resolves when all are judged, or when `stop` is aborted. */
export async function judgeAll(
  pairs: readonly PairName[],
  workers: number,
  onJudged: (judged: Judged) => void,
  stop: AbortSignal,
): Promise<void> {
  const waiting = [...pairs];
  const onOneThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.mjs", import.meta.url));
      const next = (): void => {
        const pair = waiting.shift();
        if (pair === undefined) void worker.terminate();
        else worker.postMessage(pair);
      };
      worker.on("message", (judged: Judged) => {
        onJudged(judged);
        next();
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
      stop.addEventListener("abort", () => void worker.terminate());
      next();
    });
  await Promise.all(Array.from({ length: Math.min(workers, waiting.length) }, onOneThread));
}
