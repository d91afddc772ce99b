/** The finite difference that belongs to the state, as soon as the worker has it. */
import { effect, signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { state } from "./state.ts";
import type { State } from "./state.ts";
import Differences from "./worker/differences.ts?worker";

export interface Difference {
  /** The state that it is of: an older one is not shown beside newer numbers. */
  readonly of: State;
  /** Null if a difference would not be the gradient: the definition holds something constant. */
  readonly values: readonly number[] | null;
  readonly problem: string | null;
  /** Why it cannot be compared with a gradient here, or null. */
  readonly unsure: string | null;
}

interface Answer {
  readonly ready?: boolean;
  readonly id?: number;
  readonly values?: readonly number[] | null;
  readonly problem?: string;
  readonly unsure?: string | null;
}

export const difference: Signal<Difference | null> = signal(null);

/** One at a time, and always the newest: while one is computed the states between are left out. */
export function watchDifferences(): void {
  const worker = new Differences();
  let asked: { readonly id: number; readonly state: State } | null = null;
  let isReady = false;
  let id = 0;
  let waiting = false;
  const send = (now: State): void => {
    waiting = !isReady || asked !== null;
    if (waiting) return;
    id += 1;
    asked = { id, state: now };
    worker.postMessage(asked);
  };
  worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
    isReady = true;
    if (asked && data.id === asked.id) {
      const { values = null, problem = null, unsure = null } = data;
      difference.value = { of: asked.state, values, problem, unsure };
    }
    asked = null;
    if (waiting) send(state.peek());
  });
  effect(() => send(state.value));
}

/** The values that belong to what is shown now. */
export function differenceNow(): Difference | null {
  return difference.value?.of === state.value ? difference.value : null;
}
