/** How numbers and arrays are shown to people. Imports types only. */
import type { Shape } from "./shape.ts";

/** A number in as few characters as hold it: 0.1, 1e-5, 32; whole numbers below a million stay as they are. */
export function formatNumber(value: number): string {
  const plain = String(value);
  const exponential = value.toExponential().replace("e+", "e");
  return isCount(value) || exponential.length >= plain.length ? plain : exponential;
}

/** An option's value as PyTorch would print it: eps=1e-5, [3, 3], true. */
export function formatValue(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(", ")}]`;
  return String(value);
}

/** What stands where something else was expected, in a few words: `"3"`, [1, 2], a Float32Array of 6, undefined. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "function") return "a function";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value) && value.length <= 8) return `[${value.map(describeValue).join(", ")}]`;
  const kind = value.constructor?.name ?? "Object";
  const named = kind === "Object" ? "an object" : `${/^([AEIO]|Nd)/.test(kind) ? "an" : "a"} ${kind}`;
  return "length" in value ? `${named} of ${String(value.length)}` : named;
}

/** The first of many names: the whole list of a large model would be pages. */
export function formatNames(names: readonly string[]): string {
  const more = names.length > 6 ? [`and ${names.length - 5} more`] : [];
  return [...(more.length > 0 ? names.slice(0, 5) : names), ...more].join(", ");
}

/** At most this many entries a dim are printed, half from each end, once an array has more than `LARGE` elements. */
const EDGE = 3;
const LARGE = 200;
/** Columns that a row of numbers may fill before it is broken. */
const LINE = 100;

/**
 * Nested brackets with four decimals (or four digits of mantissa where four decimals would show too little), cut with …
 * when large. Rows stand below each other, indented by `indent`.
 */
export function formatArray(data: Readonly<ArrayLike<number>>, shape: Shape, indent: number): string {
  const cut = data.length > LARGE;
  const shown: number[] = [];
  brackets(shape, cut, 0, 0, indent, (at) => {
    shown.push(data[at] ?? 0);
    return "";
  });
  const format = numberFormat(shown);
  const width = shown.reduce((widest, value) => Math.max(widest, format(value).length), 0);
  return brackets(shape, cut, 0, 0, indent, (at) => format(data[at] ?? 0).padStart(width));
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 1e6;
}

function numberFormat(values: readonly number[]): (value: number) => string {
  const finite = values.filter(Number.isFinite);
  if (finite.every(isCount)) return String;
  const sizes = finite.filter((value) => value !== 0).map(Math.abs);
  const plain = sizes.every((size) => size >= 1e-4 && size < 1e6);
  return (value) => (!Number.isFinite(value) ? String(value) : plain ? value.toFixed(4) : value.toExponential(4));
}

function positions(size: number, cut: boolean): number[] {
  const all = Array.from({ length: size }, (_, i) => i);
  return cut && size > 2 * EDGE ? [...all.slice(0, EDGE), -1, ...all.slice(-EDGE)] : all;
}

function brackets(
  shape: Shape,
  cut: boolean,
  dim: number,
  offset: number,
  indent: number,
  cell: (at: number) => string,
): string {
  if (dim === shape.length) return cell(offset);
  const stride = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  const parts = positions(shape[dim] ?? 0, cut).map((i) =>
    i < 0 ? "…" : brackets(shape, cut, dim + 1, offset + i * stride, indent + 1, cell),
  );
  const rowsBelow = shape.length - dim - 1;
  const nextRow = `,${"\n".repeat(Math.max(1, rowsBelow))}${" ".repeat(indent + 1)}`;
  if (rowsBelow > 0) return `[${parts.join(nextRow)}]`;
  const perLine = Math.max(1, Math.floor((LINE - indent) / ((parts[0]?.length ?? 0) + 2)));
  const lines = Array.from({ length: Math.ceil(parts.length / perLine) }, (_, i) =>
    parts.slice(i * perLine, (i + 1) * perLine).join(", "),
  );
  return `[${lines.join(nextRow)}]`;
}
