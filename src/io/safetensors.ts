/**
 * Tensors in and out of a safetensors file, as PyTorch's users exchange weights.
 * https://github.com/huggingface/safetensors#format
 *
 *   8 bytes      n, the length of the header, little-endian
 *   n bytes      JSON: { name: { dtype, shape, data_offsets: [begin, end] }, …, __metadata__: { name: text, … } }
 *   the rest     the numbers of all tensors, row-major; every byte belongs to one tensor
 */
import { checkBoolean, checkObject, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { FloatArray } from "../autograd/ndarray.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { checkTensor, Tensor } from "../autograd/tensor.ts";
import { entriesOf, METADATA, readHeader, textsOf, viewOf } from "./header.ts";
import type { Entry } from "./header.ts";

export interface SaveSafetensorsOptions {
  /** Written beside the tensors. Default: none; transformers asks for `{ format: "pt" }`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Which tensors are written as I64. Default: those named `num_batches_tracked`, which PyTorch counts in int64. */
  readonly int64?: (name: string) => boolean;
}

/** As the file has them. */
type WrittenDtype = "I64" | "F64" | "F32";

interface Written {
  readonly name: string;
  readonly dtype: WrittenDtype;
  readonly shape: Shape;
  readonly bytes: Uint8Array;
}

/**
 * The tensors of a safetensors file by their names, as `loadStateDict` takes them. F64 and F32 stay what they are, F16 and
 * BF16 become float32, which holds them exactly; whole numbers and BOOL become float64.
 *
 * @param bytes the whole file
 * @throws TypeError if `bytes` is neither a Uint8Array nor an ArrayBuffer, the header is not what the format says, or a
 * dtype is none of F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8, BOOL. RangeError if lengths, shapes and
 * offsets do not fit each other and the file, or a whole number is beyond 2⁵³ − 1
 * @example
 * const bytes = saveSafetensors({ weight: tensor([[1, 2], [3, 4]]) }); // as readFileSync gives them
 * const { weight } = loadSafetensors(bytes);
 * weight?.toArray(); // [[1, 2], [3, 4]]
 */
export function loadSafetensors(bytes: Uint8Array | ArrayBuffer): Record<string, Tensor> {
  const file = viewOf("loadSafetensors", bytes);
  const { header, dataStart } = readHeader("loadSafetensors", file);
  textsOf("loadSafetensors", header[METADATA] ?? {});
  const entries = entriesOf(header, file.byteLength - dataStart);
  return Object.fromEntries(entries.map((entry) => [entry.name, readTensor(file, dataStart, entry)]));
}

/**
 * The metadata of a safetensors file, texts by names; {} if there are none. The tensors are not looked at.
 *
 * @param bytes the file, or its beginning with the whole header
 * @throws as loadSafetensors where the header is concerned
 * @example
 * const bytes = saveSafetensors({}, { metadata: { format: "pt" } });
 * String(safetensorsMetadata(bytes)["format"]); // pt
 */
export function safetensorsMetadata(bytes: Uint8Array | ArrayBuffer): Record<string, string> {
  const { header } = readHeader("safetensorsMetadata", viewOf("safetensorsMetadata", bytes));
  return textsOf("safetensorsMetadata", header[METADATA] ?? {});
}

/**
 * A safetensors file: float64 as F64, float32 as F32, byte for byte as the reference implementation writes it. The counts of
 * BatchNorm, `num_batches_tracked`, are written as I64, which is what PyTorch has there. (Its load_state_dict converts
 * each tensor to its module's dtype: a float64 model may be loaded into a float32 one.)
 *
 * @param tensors such as `model.stateDict()`
 * @throws TypeError if something is no tensor, or the metadata are not texts; RangeError if a tensor is named
 * `__metadata__`, or one that is to be I64 is not of whole numbers up to 2⁵³ − 1
 * @example
 * const norm = new BatchNorm1d(3);
 * const bytes = saveSafetensors(norm.stateDict(), { metadata: { format: "pt" } }); // for writeFileSync
 * new BatchNorm1d(3).loadStateDict(loadSafetensors(bytes));
 */
export function saveSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  options: SaveSafetensorsOptions = {},
): Uint8Array {
  const { metadata, int64 = isCount } = checkOptions("saveSafetensors", options, ["metadata", "int64"]);
  const texts = metadata === undefined ? {} : { [METADATA]: textsOf("saveSafetensors", metadata) };
  if (typeof tensors === "object" && tensors !== null && typeof tensors["stateDict"] === "function") {
    const way = "as model.stateDict() answers them (saveCheckpoint takes models and optimizers)";
    throw new TypeError(`saveSafetensors: expected tensors by their names, ${way}, got ${describeValue(tensors)}`);
  }
  const written = Object.entries(checkObject("saveSafetensors", "tensors", tensors))
    .map(([name, tensor]) => write(name, tensor, int64))
    .toSorted(inFileOrder);
  let end = 0;
  const entries = written.map(({ name, dtype, shape, bytes }) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify({ ...texts, ...Object.fromEntries(entries) }));
  const headerLength = Math.ceil(json.length / 8) * 8; // aligned, so that a reader may lay a Float64Array over the numbers
  const file = new Uint8Array(8 + headerLength + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(SPACE, 8, 8 + headerLength).set(json, 8);
  let at = 8 + headerLength;
  for (const { bytes } of written) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

const SPACE = 32;

function isCount(name: string): boolean {
  return /(?:^|\.)num_batches_tracked$/.test(name);
}

function write(name: string, tensor: Tensor, int64: (name: string) => boolean): Written {
  if (typeof tensor === "object" && tensor !== null && Object.getPrototypeOf(tensor) === Object.prototype) {
    throw new TypeError(
      `saveSafetensors: expected ${name} to be a tensor, got an object: saveCheckpoint keeps the state of an optimizer`,
    );
  }
  const { data, shape, dtype } = checkTensor("saveSafetensors", name, tensor);
  if (name === METADATA) throw new RangeError(`saveSafetensors: expected names of tensors, got ${METADATA}`);
  if (checkBoolean("saveSafetensors", `int64("${name}")`, int64(name))) {
    return { name, shape, dtype: "I64", bytes: wholeNumbers(name, data) };
  }
  const view = new DataView(new ArrayBuffer(data.byteLength));
  if (dtype === "float64") data.forEach((value, i) => view.setFloat64(8 * i, value, true));
  else data.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return { name, shape, dtype: dtype === "float64" ? "F64" : "F32", bytes: new Uint8Array(view.buffer) };
}

function wholeNumbers(name: string, data: FloatArray): Uint8Array {
  const view = new DataView(new ArrayBuffer(8 * data.length));
  for (const [i, value] of data.entries()) {
    if (!Number.isSafeInteger(value)) {
      throw new RangeError(
        `saveSafetensors: expected whole numbers up to 2⁵³ − 1 in ${name}, to write as I64, got ${value}`,
      );
    }
    view.setBigInt64(8 * i, BigInt(value), true);
  }
  return new Uint8Array(view.buffer);
}

/** That of the reference implementation: by dtype, so that each is aligned, then by name. */
function inFileOrder(a: Written, b: Written): number {
  const order: readonly WrittenDtype[] = ["I64", "F64", "F32"];
  return order.indexOf(a.dtype) - order.indexOf(b.dtype) || (a.name < b.name ? -1 : 1);
}

function readTensor(file: DataView, dataStart: number, { name, stored, shape, begin }: Entry): Tensor {
  const size = sizeOf(shape);
  const values = stored.dtype === "float64" ? new Float64Array(size) : new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const value = stored.read(file, dataStart + begin + i * stored.bytes);
    if (stored.wholeNumbers && !Number.isSafeInteger(value)) {
      throw new RangeError(`loadSafetensors: expected whole numbers up to 2⁵³ − 1 in ${name}, got ${value}`);
    }
    values[i] = value;
  }
  return new Tensor(new NdArray(values, shape));
}
