/** What a library has to offer to be measured. */
import type { Case } from "../cases.ts";
import type { Floats } from "../data.ts";

/** Ready to run: inputs are there, compiled code is compiled on the first step. */
export interface Prepared {
  /** One forward and backward, or one training step. What it answers keeps alive what the library keeps. */
  readonly step: () => unknown;
  /** A step, and its results as ordinary arrays, in the order of reference.ts. */
  readonly run: () => readonly ArrayLike<number>[];
  /** The library has no such op: this one is written from its primitives. */
  readonly fromPrimitives: boolean;
}

export interface Contestant {
  readonly version: string;
  /** null: the library lacks the op or the dtype. */
  readonly prepare: (measured: Case) => Prepared | null;
}

/** It cannot run here; the message says why. */
export class Unavailable extends Error {}

/** A step, and how its results are read. */
export function prepared<Held>(
  step: () => Held,
  read: (held: Held) => readonly ArrayLike<number>[],
  fromPrimitives = false,
): Prepared {
  return { step, run: () => read(step()), fromPrimitives };
}

/** For libraries whose step ends in ordinary arrays. */
export function preparedArrays(step: () => readonly Floats[], fromPrimitives = false): Prepared {
  return { step, run: step, fromPrimitives };
}
