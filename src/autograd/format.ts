/** How numbers and arrays are shown to people. Imports types only. */
import type { Shape } from "./shape.ts";

/** A number in as few characters as hold it: 0.1, 1e-5, 32. */
export function formatNumber(value: number): string {
  const plain = String(value);
  const exponential = value.toExponential();
  return exponential.length < plain.length ? exponential.replace("e+", "e") : plain;
}

/** An option's value as PyTorch would print it: eps=1e-5, [3, 3], true. */
export function formatValue(value: unknown): string {
  if (typeof value === "number") return formatNumber(value);
  if (Array.isArray(value)) return `[${value.map(formatValue).join(", ")}]`;
  return String(value);
}

/** At most this many entries a dim are printed, half from each end, once an array has more than `LARGE` elements. */
const EDGE = 3;
const LARGE = 200;

/**
 * Nested brackets with four decimals (or four digits of mantissa where the values span more), cut with … when large.
 * Rows stand below each other, indented by `indent`.
 */
export function formatArray(data: Readonly<ArrayLike<number>>, shape: Shape, indent: number): string {
  const cut = data.length > LARGE;
  const shown: number[] = [];
  visit(shape, cut, 0, 0, (at) => shown.push(data[at] ?? 0));
  const format = numberFormat(shown);
  const width = Math.max(0, ...shown.map((value) => format(value).length));
  return brackets(shape, cut, 0, 0, indent, (at) => format(data[at] ?? 0).padStart(width));
}

function numberFormat(values: readonly number[]): (value: number) => string {
  const finite = values.filter(Number.isFinite);
  if (finite.every(Number.isInteger) && finite.every((value) => Math.abs(value) < 1e6)) return String;
  const sizes = finite.filter((value) => value !== 0).map(Math.abs);
  const largest = Math.max(...sizes);
  const plain = largest < 1e6 && largest >= 1e-3 && largest / Math.min(...sizes) < 1e6;
  return (value) => (!Number.isFinite(value) ? String(value) : plain ? value.toFixed(4) : value.toExponential(4));
}

function positions(size: number, cut: boolean): number[] {
  const all = Array.from({ length: size }, (_, i) => i);
  return cut && size > 2 * EDGE ? [...all.slice(0, EDGE), -1, ...all.slice(-EDGE)] : all;
}

function visit(shape: Shape, cut: boolean, dim: number, offset: number, cell: (at: number) => void): void {
  if (dim === shape.length) return cell(offset);
  const stride = shape.slice(dim + 1).reduce((a, b) => a * b, 1);
  for (const i of positions(shape[dim] ?? 0, cut)) if (i >= 0) visit(shape, cut, dim + 1, offset + i * stride, cell);
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
  const separator = rowsBelow === 0 ? ", " : `,${"\n".repeat(rowsBelow)}${" ".repeat(indent + 1)}`;
  return `[${parts.join(separator)}]`;
}
