/** Goes to a part of the page. Parts that are loaded late are loaded first, so that it stays where it is found. */
import type { PartName } from "./partNames.ts";

export const waiting: Set<() => Promise<void>> = new Set();

export function loadAll(): Promise<unknown> {
  return Promise.all([...waiting].map((show) => show()));
}

/** Two frames: what was rendered has its effects and its place by then. */
const settled = (): Promise<unknown> =>
  new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

export async function goTo(heading: PartName): Promise<void> {
  await settled();
  await loadAll();
  await settled();
  const found = document.getElementById(heading);
  if (!found) return;
  found.tabIndex = -1;
  found.focus({ preventScroll: true });
  found.closest("section")?.scrollIntoView({ block: "start" });
}
