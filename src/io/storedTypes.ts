/** How numbers lie in the bytes of a safetensors file: little-endian, whatever the machine is. */
import type { Dtype } from "../autograd/ndarray.ts";

export interface StoredType {
  /** Of one number. */
  readonly bytes: number;
  /** What the numbers become here: the narrowest that holds each of them exactly. */
  readonly dtype: Dtype;
  /** Whole numbers may be larger than a float64 holds exactly: such a one comes out beyond 2⁵³ − 1. */
  readonly wholeNumbers: boolean;
  readonly read: (view: DataView, at: number) => number;
}

type Read = StoredType["read"];
const fractions = (bytes: number, dtype: Dtype, read: Read): StoredType => ({
  bytes,
  dtype,
  wholeNumbers: false,
  read,
});
const wholeNumbers = (bytes: number, read: Read): StoredType => ({ bytes, dtype: "float64", wholeNumbers: true, read });

/** By the name that the file has for them. */
export const STORED_TYPES: ReadonlyMap<string, StoredType> = new Map([
  ["F64", fractions(8, "float64", (view, at) => view.getFloat64(at, true))],
  ["F32", fractions(4, "float32", (view, at) => view.getFloat32(at, true))],
  ["F16", fractions(2, "float32", (view, at) => float16(view.getUint16(at, true)))],
  ["BF16", fractions(2, "float32", (view, at) => bfloat16(view.getUint16(at, true)))],
  ["I64", wholeNumbers(8, (view, at) => Number(view.getBigInt64(at, true)))],
  ["U64", wholeNumbers(8, (view, at) => Number(view.getBigUint64(at, true)))],
  ["I32", wholeNumbers(4, (view, at) => view.getInt32(at, true))],
  ["U32", wholeNumbers(4, (view, at) => view.getUint32(at, true))],
  ["I16", wholeNumbers(2, (view, at) => view.getInt16(at, true))],
  ["U16", wholeNumbers(2, (view, at) => view.getUint16(at, true))],
  ["I8", wholeNumbers(1, (view, at) => view.getInt8(at))],
  ["U8", wholeNumbers(1, (view, at) => view.getUint8(at))],
  ["BOOL", wholeNumbers(1, (view, at) => (view.getUint8(at) === 0 ? 0 : 1))],
]);

/** Sign, 5 bits of exponent, 10 of fraction. (DataView.getFloat16 is too new.) */
function float16(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  scratch.setUint16(0, bits);
  return scratch.getFloat32(0);
}
