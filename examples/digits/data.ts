/** Reads images from a CSV file: one image a row, its pixels, then its label. Gzipped or not, no header. */
import { readFileSync } from "node:fs";
import { constants, gunzipSync } from "node:zlib";
import { CsvError, parse } from "csv-parse/sync";

export interface Images {
  /** Side of the square images. */
  readonly side: number;
  readonly classes: number;
  /** [count · side²], scaled by the largest value of the file to 0 … 1. */
  readonly pixels: Float64Array;
  readonly labels: Int32Array;
}

/** Something is wrong with the file; the message is one line for the user. */
export class DataError extends Error {}

/** Fewer of a class could not be split in training and test images. */
const LEAST_PER_CLASS = 5;

/** What an Int32Array holds. */
const LARGEST_LABEL = 2 ** 31 - 1;

/** A row and the number of its line, which editors show: blank lines count. */
interface Row {
  readonly line: number;
  readonly values: readonly string[];
}

export function loadImages(path: string): Images {
  const rows = readRows(path);
  const [top] = rows;
  if (top === undefined) throw new DataError(`${path}: expected one image a row, got an empty file`);
  const first = top.values;
  const side = Math.sqrt(first.length - 1);
  if (!Number.isInteger(side) || side < 2 || side % 2 !== 0) {
    throw new DataError(
      `${path}, row ${top.line}: expected the pixels of a square image with an even side, then a label, got ${first.length} values`,
    );
  }
  const raw = new Float64Array(rows.length * side * side);
  const labels = new Int32Array(rows.length);
  rows.forEach(({ line, values }, i) => {
    const where = `${path}, row ${line}`;
    if (values.length !== first.length) {
      throw new DataError(`${where}: expected ${first.length} values as in row ${top.line}, got ${values.length}`);
    }
    values.forEach((text, column) => {
      const value = text.trim() === "" ? NaN : Number(text);
      const isLabel = column === side * side;
      if (!Number.isFinite(value) || value < 0 || (isLabel && (!Number.isInteger(value) || value > LARGEST_LABEL))) {
        const wanted = isLabel ? "a label (0, 1, 2, …)" : "a pixel value of 0 or more";
        const hint = i === 0 && Number.isNaN(value) ? " (the file must have no header)" : "";
        throw new DataError(`${where}, column ${column + 1}: expected ${wanted}, got ${quoted(text)}${hint}`);
      }
      if (isLabel) labels[i] = value;
      else raw[i * side * side + column] = value;
    });
  });
  const brightest = raw.reduce((a, b) => Math.max(a, b), 0);
  if (brightest === 0) throw new DataError(`${path}: expected images, got only zeros`);
  return { side, classes: countClasses(path, labels), pixels: raw.map((value) => value / brightest), labels };
}

function readRows(path: string): Row[] {
  const text = readText(path);
  const rows: Row[] = [];
  try {
    parse(text, {
      relaxColumnCount: true,
      skipEmptyLines: true,
      bom: true,
      recordDelimiter: ["\r\n", "\n", "\r"],
      onRecord: (values: string[], { lines }) => {
        rows.push({ line: lines, values });
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = rowAfter(text, rows.at(-1)?.line ?? 0);
    const found =
      error.code === "CSV_QUOTE_NOT_CLOSED" ? "a quote that is never closed" : "a quote in the middle of a value";
    throw new DataError(`${path}, row ${line}: expected comma-separated numbers, got ${found}`);
  }
  return rows;
}

/** The number of the first line after this one that is not blank. */
function rowAfter(text: string, line: number): number {
  const after = text.split(/\r\n|\n|\r/).slice(line);
  return (
    line +
    1 +
    Math.max(
      0,
      after.findIndex((next) => next !== ""),
    )
  );
}

/** One line, and not a long one, whatever the file holds. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new DataError(`${path}: could not be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!gzipped) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes).toString("utf8");
  } catch (error) {
    throw new DataError(
      `${path}, row ${rowsBeforeTheEnd(bytes)}: expected a whole gzip file, got ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** How many rows a damaged gzip file gives, the last one being incomplete. */
function rowsBeforeTheEnd(bytes: Buffer): number {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString("utf8").split("\n").length;
  } catch {
    return 1;
  }
}

/** Labels must be 0 … K − 1, each often enough to be split. */
function countClasses(path: string, labels: Int32Array): number {
  const classes = labels.reduce((a, b) => Math.max(a, b), 0) + 1;
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  if (classes < 2 || classes > labels.length) {
    throw new DataError(
      `${path}: expected labels 0 … K − 1 of at least two classes, got a largest label of ${classes - 1}`,
    );
  }
  for (let label = 0; label < classes; label++) {
    const count = counts.get(label) ?? 0;
    if (count < LEAST_PER_CLASS) {
      throw new DataError(
        `${path}: expected at least ${LEAST_PER_CLASS} images of every label, got ${count} of label ${label}`,
      );
    }
  }
  return classes;
}
