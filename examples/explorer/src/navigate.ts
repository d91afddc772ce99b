/** Writes the state into the address and reads it back when the visitor goes back. */
import { effect } from "@preact/signals";
import { cellOf, decode, encode } from "./address.ts";
import { goTo } from "./goTo.ts";
import { looked } from "./looked.ts";
import { partOf } from "./partNames.ts";
import { notice, state } from "./state.ts";
import type { State } from "./state.ts";

/** Changes of one kind that follow each other this quickly are one step of Back: a slider that is drawn, a cell typed in. */
const ONE_STEP = 600;
const SOON = 100;
let later: ReturnType<typeof setTimeout> | undefined;
let last: { readonly kind: string | null; readonly at: number } = { kind: null, at: 0 };

/**
 * Goes to another state.
 *
 * @param kind names what is drawn or typed: changes of one kind in quick succession are undone together
 */
export function change(next: Partial<State>, kind: string | null = null): void {
  state.value = { ...state.value, ...next };
  notice.value = "";
  const now = performance.now();
  const joined = kind !== null && last.kind === kind && now - last.at < ONE_STEP;
  last = { kind, at: now };
  const hash = encode(state.value, looked.peek());
  clearTimeout(later);
  if (hash === location.hash) return;
  // Writing an address takes milliseconds, which a frame of typing does not have.
  if (joined) later = setTimeout(() => history.replaceState(null, "", hash), SOON);
  else history.pushState(null, "", hash);
}

export function readAddress(): void {
  clearTimeout(later);
  const { hash } = location;
  const part = partOf(hash);
  // A link to a part leads there, and leaves what is shown as it is.
  if (part === null) {
    const { state: found, problem } = decode(hash);
    state.value = found;
    notice.value = problem ?? "";
    looked.value = Math.min(cellOf(hash) ?? looked.peek(), found.x.length - 1);
  } else void goTo(part);
  last = { kind: null, at: 0 };
}

export function startNavigation(): void {
  readAddress();
  // hashchange comes with every popstate, but not the other way round where a page is left and entered again.
  addEventListener("popstate", readAddress);
  addEventListener("hashchange", () => {
    if (partOf(location.hash) === null && location.hash !== encode(state.value, looked.peek())) readAddress();
  });
  // The marked cell is in the address, too; marking another one is no step of Back.
  let isFirst = true;
  effect(() => {
    const cell = looked.value;
    if (isFirst) {
      isFirst = false;
      return;
    }
    clearTimeout(later);
    later = setTimeout(() => {
      const hash = encode(state.peek(), cell);
      if (partOf(location.hash) === null && hash !== location.hash) history.replaceState(null, "", hash);
    }, SOON);
  });
}
