/** The parts of the page, by the ids of their headings: an address that is one of these leads there. */
export const PARTS = [
  ["questions", "Questions"],
  ["shared-statistics", "Shared statistics"],
  ["forward-backward", "Forward and backward"],
  ["break-it", "Break it"],
  ["tape", "The tape"],
  ["batch-size", "Batch size"],
  ["switchable", "SwitchableNorm"],
  ["own-backward", "Your own backward"],
  ["adain", "AdaIN"],
] as const;

export type PartName = (typeof PARTS)[number][0];

export function partOf(hash: string): PartName | null {
  return PARTS.find(([name]) => `#${name}` === hash || name === hash)?.[0] ?? null;
}
