/** Trains the networks in worker threads, at most one a core, and can be stopped at any time. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Images } from "./data.ts";
import type { Settings } from "./settings.ts";
import type { Epoch, Step, Trained } from "./train.ts";
import type { Message, WorkerInput } from "./worker.ts";

export interface Progress {
  readonly onStep: (step: Step) => void;
  readonly onEpoch: (epoch: Epoch) => void;
  readonly onTrained: (trained: Trained) => void;
}

/** Resolves when all are trained, or when `stop` is aborted. */
export async function trainAll(
  images: Images,
  settings: Settings,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const waiting = [...settings.norms];
  const workerData: WorkerInput = { images, settings };
  const trainOnOneThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL("worker.mjs", import.meta.url), { workerData });
      const next = (): void => {
        const norm = waiting.shift();
        if (norm === undefined) void worker.terminate();
        else worker.postMessage(norm);
      };
      worker.on("message", (message: Message) => {
        if (message.kind === "step") progress.onStep(message.step);
        if (message.kind === "epoch") progress.onEpoch(message.epoch);
        if (message.kind === "done") {
          progress.onTrained(message.trained);
          next();
        }
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
      stop.addEventListener("abort", () => void worker.terminate());
      next();
    });
  const threads = Math.min(availableParallelism(), waiting.length);
  await Promise.all(Array.from({ length: threads }, trainOnOneThread));
}
