/** A worker thread: judges the cases that it is sent. */
import { parentPort, workerData } from "node:worker_threads";
import { outcomeOf } from "./outcome.ts";
import type { Task } from "./outcome.ts";

const { seed }: { readonly seed: number } = workerData;

parentPort?.on("message", (tasks: readonly Task[]) => {
  parentPort?.postMessage(tasks.map((task) => outcomeOf(seed, task)));
});
