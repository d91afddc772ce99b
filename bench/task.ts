/** What main asks of a process, and what the process answers, as one line of JSON each. */
import type { Case } from "./cases.ts";

export interface Task {
  readonly contestant: string;
  readonly case: Case;
  /** How long to measure; 0 asks for results only. */
  readonly seconds: number;
  /** Where to write the results of the first step, as float64, one array after the other; null: nowhere. */
  readonly results: string | null;
}

export interface Measured {
  readonly version: string;
  readonly fromPrimitives: boolean;
  /** Nanoseconds a step, the median of batches: by CPU time of the process, and by the clock. null if not asked for. */
  readonly cpu: number | null;
  readonly wall: number | null;
  /** Bytes that live after a step while its results are held, inputs excluded; null where there is no way to ask. */
  readonly kept: number | null;
  /** Bytes by which the process grew at most. */
  readonly peak: number | null;
}

/** Why there is no number: the contestant cannot run here, or has no such op. */
export interface Missing {
  readonly missing: "contestant" | "op";
  readonly reason: string;
}

export type Answer = Measured | Missing;
