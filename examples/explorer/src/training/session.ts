/** Trainings that run in workers, one worker a norm, and what they have told so far. They can be stopped at any time. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import TrainWorker from "../worker/train.ts?worker";
import { EPOCHS } from "./train.ts";
import type { Epoch, Trained } from "./train.ts";

/** Others than those of the curves that were computed before. */
export const SEEDS = [5, 6, 7, 8];

/** For each norm its seeds, each with its epochs. */
export type Runs = Readonly<Partial<Record<Trained, readonly (readonly Epoch[])[]>>>;

export interface Session {
  readonly runs: Signal<Runs>;
  /** How far it is, in words. */
  readonly told: Signal<string>;
  readonly isRunning: Signal<boolean>;
  readonly start: (norms: readonly Trained[], batchSize: number) => void;
  readonly stop: () => void;
  /** Stops, and forgets what was trained. */
  readonly clear: () => void;
}

interface Answer {
  readonly run?: number;
  readonly epoch?: Epoch;
  readonly done?: boolean;
  readonly problem?: string;
}

/** Seeds that are through; until the first one is, that one as far as it is. */
export function shownRuns(runs: readonly (readonly Epoch[])[] = []): readonly (readonly Epoch[])[] {
  const done = runs.filter(({ length }) => length === EPOCHS + 1);
  return done.length > 0 ? done : runs.slice(0, 1);
}

export function createSession(): Session {
  const runs: Signal<Runs> = signal({});
  const told = signal("");
  const isRunning = signal(false);
  let workers: Worker[] = [];
  let since = 0;
  const seconds = (): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
  const end = (words: string): void => {
    for (const worker of workers) worker.terminate();
    workers = [];
    if (isRunning.value) told.value = words;
    isRunning.value = false;
  };
  const stop = (): void => {
    const isEmpty = Object.values(runs.value).every((seeds) => shownRuns(seeds).length === 0);
    end(isEmpty ? "Stopped before anything was trained." : "Stopped. What was trained stays.");
  };

  const start: Session["start"] = (norms, batchSize) => {
    end("");
    since = performance.now();
    isRunning.value = true;
    told.value = `Training ${SEEDS.length} seeds …`;
    runs.value = { ...runs.value, ...Object.fromEntries(norms.map((norm) => [norm, []])) };
    let left = norms.length;
    const total = norms.length * SEEDS.length;
    const isDone = (epochs: readonly Epoch[]): boolean => epochs.length === EPOCHS + 1;
    for (const norm of norms) {
      const worker = new TrainWorker();
      workers.push(worker);
      worker.addEventListener("message", ({ data: { run = 0, epoch, done, problem } }: MessageEvent<Answer>) => {
        if (epoch) {
          const before = runs.value[norm] ?? [];
          const epochs = [...(before[run] ?? []), epoch];
          runs.value = { ...runs.value, [norm]: [...before.slice(0, run), epochs] };
          const through = norms.reduce((sum, each) => sum + (runs.value[each] ?? []).filter(isDone).length, 0);
          if (isDone(epochs)) told.value = `Training: ${through} of ${total} runs in ${seconds()} …`;
        }
        if (problem) end(`The training stopped: ${problem}`);
        if (!done) return;
        worker.terminate();
        left -= 1;
        if (left === 0) end(`Trained: ${total} runs in ${seconds()}.`);
      });
      worker.postMessage({ norm, batchSize, seeds: SEEDS });
    }
  };
  const clear = (): void => {
    end("");
    told.value = "";
    runs.value = {};
  };
  return { runs, told, isRunning, start, stop, clear };
}
