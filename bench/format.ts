/** Numbers as text, and rows of text as tables. */
import type { Spread } from "./statistics.ts";

/** Of text; the first row of a table is its heading. */
export type Row = readonly string[];

/** Three digits at most. */
export function showNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  if (Math.abs(value) >= 99.5) return String(Math.round(value));
  return String(Number(value.toPrecision(2)));
}

/** Of nanoseconds. */
export function showTime(ns: number): string {
  if (ns >= 1e9) return `${(ns / 1e9).toPrecision(3)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toPrecision(3)} ms`;
  return ns >= 1e3 ? `${(ns / 1e3).toPrecision(3)} µs` : `${ns.toPrecision(3)} ns`;
}

/** The median, and the least and the most. */
export function showSpread(times: Spread | null): string {
  if (times === null) return "";
  const [unit = ""] = showTime(times.median).split(" ").slice(1);
  const scale = { s: 1e9, ms: 1e6, µs: 1e3, ns: 1 }[unit] ?? 1;
  return `${showTime(times.median)} (${showNumber(times.min / scale)}–${showNumber(times.max / scale)})`;
}

/** Columns of equal width. */
export function textTable(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  const line = (row: Row): string =>
    row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join("  ");
  return rows.map((row) => `  ${line(row)}`).join("\n");
}

export function markdownTable([heading = [], ...rows]: readonly Row[]): string {
  const line = (row: Row): string =>
    `| ${row.map((text) => text.replaceAll("|", "\\|").replaceAll("*", "\\*")).join(" | ")} |`;
  return [line(heading), line(heading.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}
