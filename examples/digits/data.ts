/** Reads images from a CSV file: one image a row, its pixels, then its label. Gzipped or not, no header. */
import { readFileSync } from "node:fs";
import { constants, gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

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

export function loadImages(path: string): Images {
  const rows = readRows(path);
  const [first] = rows;
  if (first === undefined) throw new DataError(`${path}: expected one image a row, got an empty file`);
  const side = Math.sqrt(first.length - 1);
  if (!Number.isInteger(side) || side < 2 || side % 2 !== 0) {
    throw new DataError(
      `${path}, row 1: expected the pixels of a square image with an even side, then a label, got ${first.length} values`,
    );
  }
  const raw = new Float64Array(rows.length * side * side);
  const labels = new Int32Array(rows.length);
  rows.forEach((row, i) => {
    const where = `${path}, row ${i + 1}`;
    if (row.length !== first.length) {
      throw new DataError(`${where}: expected ${first.length} values as in row 1, got ${row.length}`);
    }
    row.forEach((text, column) => {
      const value = text.trim() === "" ? NaN : Number(text);
      const isLabel = column === side * side;
      if (!Number.isFinite(value) || value < 0 || (isLabel && !Number.isInteger(value))) {
        const wanted = isLabel ? "a label (0, 1, 2, …)" : "a pixel value of 0 or more";
        const hint = i === 0 && Number.isNaN(value) ? " (the file must have no header)" : "";
        throw new DataError(`${where}, column ${column + 1}: expected ${wanted}, got "${text}"${hint}`);
      }
      if (isLabel) labels[i] = value;
      else raw[i * side * side + column] = value;
    });
  });
  const brightest = raw.reduce((a, b) => Math.max(a, b), 0);
  if (brightest === 0) throw new DataError(`${path}: expected images, got only zeros`);
  return { side, classes: countClasses(path, labels), pixels: raw.map((value) => value / brightest), labels };
}

function readRows(path: string): string[][] {
  const text = readText(path);
  try {
    return parse(text, { relaxColumnCount: true, skipEmptyLines: true, bom: true });
  } catch (error) {
    throw new DataError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
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
