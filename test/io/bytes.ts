/** Files made by hand, also such as nobody should write. */

/** A header, as JSON or as the text that stands for it, and so many bytes of data. */
export function fileOf(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + data.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  file.set(data, 8 + text.length);
  return file;
}

/** An entry of a header. */
export function entry(dtype: unknown, shape: unknown, ...offsets: readonly unknown[]): unknown {
  return { dtype, shape, data_offsets: offsets };
}

/** So many zero bytes. */
export function zeroBytes(count: number): Uint8Array {
  return new Uint8Array(count);
}

/** The first bytes of a file whose header is said to be of this length. */
export function lengthBytes(length: bigint): Uint8Array {
  const file = new Uint8Array(16);
  new DataView(file.buffer).setBigUint64(0, length, true);
  return file;
}
