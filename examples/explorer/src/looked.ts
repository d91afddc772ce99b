/** The cell that the reader looks at: the same one in every table. Beside the state: marking one computes nothing anew. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";

export const looked: Signal<number> = signal(0);
