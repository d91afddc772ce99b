/**
 * The header of a safetensors file, read from bytes that may come from anywhere: nothing in it is believed, since what is
 * taken for granted here comes out as a wrong number elsewhere.
 */
import { describeValue } from "../autograd/format.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { STORED_TYPES } from "./storedTypes.ts";
import type { StoredType } from "./storedTypes.ts";

/** The key of the header that is no tensor. */
export const METADATA = "__metadata__";
/** The limit of the reference implementation, which refuses longer ones. */
const LONGEST_HEADER = 100_000_000;

/** Where a tensor stands; offsets in bytes, counted from the end of the header. */
export interface Entry {
  readonly name: string;
  readonly stored: StoredType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** The file as bytes to read from; the caller's memory, not a copy. */
export function viewOf(caller: string, bytes: Uint8Array | ArrayBuffer): DataView {
  if (bytes instanceof ArrayBuffer) return new DataView(bytes);
  if (bytes instanceof Uint8Array) return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  throw new TypeError(
    `${caller}: expected the bytes of a file as a Uint8Array or ArrayBuffer, got ${describeValue(bytes)}`,
  );
}

/** What the JSON says, unchecked but for being an object, and where the numbers begin. */
export function readHeader(caller: string, file: DataView): { readonly header: Fields; readonly dataStart: number } {
  if (file.byteLength < 8) {
    throw new RangeError(`${caller}: expected a header's length in the first 8 bytes, got ${file.byteLength} bytes`);
  }
  const length = file.getBigUint64(0, true);
  if (length > LONGEST_HEADER) {
    throw new RangeError(`${caller}: expected a header of at most ${LONGEST_HEADER} bytes, got one of ${length}`);
  }
  const dataStart = 8 + Number(length);
  if (dataStart > file.byteLength) {
    throw new RangeError(`${caller}: expected a header of ${length} bytes, got ${file.byteLength - 8} bytes in all`);
  }
  const header = parse(caller, new Uint8Array(file.buffer, file.byteOffset + 8, Number(length)));
  if (!isObject(header))
    throw new TypeError(`${caller}: expected the header as an object, got ${describeValue(header)}`);
  return { header, dataStart };
}

function parse(caller: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    const start = describeValue(new TextDecoder().decode(bytes.subarray(0, 80)));
    throw new TypeError(`${caller}: expected a header of JSON in UTF-8, got ${start}`, { cause: error });
  }
}

/** The entries, in the header's order: each with the bytes that its shape needs, all together with every byte once. */
export function entriesOf(header: Fields, dataLength: number): readonly Entry[] {
  const entries = Object.keys(header).flatMap((name) => (name === METADATA ? [] : [entryOf(name, header[name])]));
  let covered = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      throw new RangeError(`loadSafetensors: expected ${name} to begin at byte ${covered} of the data, got ${begin}`);
    }
    covered = end;
  }
  if (covered !== dataLength) {
    throw new RangeError(`loadSafetensors: expected ${covered} bytes of data, as the header says, got ${dataLength}`);
  }
  return entries;
}

function entryOf(name: string, entry: unknown): Entry {
  const fields: Fields = isObject(entry) ? entry : {};
  const { dtype, shape, data_offsets: offsets } = fields;
  const [begin, end] = isCounts(offsets) && offsets.length === 2 ? offsets : [];
  if (typeof dtype !== "string" || !isCounts(shape) || begin === undefined || end === undefined) {
    const wanted = "{ dtype, shape, data_offsets: [begin, end] } in whole numbers";
    throw new TypeError(`loadSafetensors: expected ${name} as ${wanted}, got ${JSON.stringify(entry).slice(0, 200)}`);
  }
  const stored = STORED_TYPES.get(dtype);
  if (stored === undefined) {
    const known = [...STORED_TYPES.keys()].join(", ");
    throw new TypeError(`loadSafetensors: expected ${name} of a dtype out of ${known}, got ${describeValue(dtype)}`);
  }
  const needed = sizeOf(shape) * stored.bytes;
  if (end - begin !== needed) {
    throw new RangeError(
      `loadSafetensors: expected ${needed} bytes for ${name}, ${dtype} of shape ${formatShape(shape)}, got ${end - begin}`,
    );
  }
  return { name, stored, shape, begin, end };
}

/** Texts by names, as metadata are. */
export function textsOf(caller: string, metadata: unknown): Record<string, string> {
  if (!isObject(metadata)) {
    throw new TypeError(`${caller}: expected metadata as an object { name: text }, got ${describeValue(metadata)}`);
  }
  return Object.fromEntries(
    Object.entries(metadata).map(([name, text]) => {
      if (typeof text === "string") return [name, text];
      throw new TypeError(`${caller}: expected the metadata ${name} to be a text, got ${describeValue(text)}`);
    }),
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
