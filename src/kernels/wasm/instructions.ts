/** Instructions under their names in the specification: each takes the code of its operands, then its immediates. */
import { signed, unsigned } from "./assembler.ts";
import type { Code } from "./assembler.ts";

type Unary = (a: Code) => Code;
type Binary = (a: Code, b: Code) => Code;
type Ternary = (a: Code, b: Code, c: Code) => Code;
/** `offset` is in bytes, and added to the address. */
type Load = (address: Code, offset?: number) => Code;
type Store = (address: Code, value: Code, offset?: number) => Code;
type ExtractLane = (vector: Code, lane: number) => Code;
/** Of the vector all lanes but this one stay. */
export type LoadLane = (address: Code, vector: Code, lane: number, offset?: number) => Code;

/** Instructions by the number of their operands. */
type Table<U extends string, B extends string> = Readonly<Record<U, Unary> & Record<B, Binary>>;

/** All memory accesses say that they may be unaligned (alignment 2⁰): it is a hint only. */
const ALIGNMENT = 0;
const SIMD = 0xfd;

const unary =
  (...opcode: Code): Unary =>
  (a) => [...a, ...opcode];
const binary =
  (...opcode: Code): Binary =>
  (a, b) => [...a, ...b, ...opcode];
const load =
  (...opcode: Code): Load =>
  (address, offset = 0) => [...address, ...opcode, ALIGNMENT, ...unsigned(offset)];
const store =
  (...opcode: Code): Store =>
  (address, value, offset = 0) => [...address, ...value, ...opcode, ALIGNMENT, ...unsigned(offset)];

/** Opcodes of vector instructions are numbers in LEB128 behind a prefix. */
const simd = (opcode: number): Code => [SIMD, ...unsigned(opcode)];
const ternary =
  (...opcode: Code): Ternary =>
  (a, b, c) => [...a, ...b, ...c, ...opcode];
const accessLane =
  (opcode: number): LoadLane =>
  (address, vector, lane, offset = 0) => [...address, ...vector, ...simd(opcode), ALIGNMENT, ...unsigned(offset), lane];
const extractLane =
  (opcode: number): ExtractLane =>
  (vector, lane) => [...vector, ...simd(opcode), lane];

type I32 = Table<"eqz", "eq" | "lt_u" | "ge_u" | "add" | "sub" | "mul" | "and" | "or">;
export const i32: I32 & { readonly const: (value: number) => Code } = {
  const: (value) => [0x41, ...signed(value)],
  eqz: unary(0x45),
  eq: binary(0x46),
  lt_u: binary(0x49),
  ge_u: binary(0x4f),
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
};

export const f32: Table<"demote_f64" | "convert_i32_u", never> & { readonly load: Load } = {
  load: load(0x2a),
  convert_i32_u: unary(0xb3),
  demote_f64: unary(0xb6),
};

type F64 = Table<
  "neg" | "sqrt" | "convert_i32_u" | "promote_f32",
  "eq" | "gt" | "le" | "ge" | "add" | "sub" | "mul" | "div" | "max"
>;
export const f64: F64 & { readonly const: (value: number) => Code; readonly load: Load; readonly store: Store } = {
  const: (value) => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  load: load(0x2b),
  store: store(0x39),
  eq: binary(0x61),
  gt: binary(0x64),
  le: binary(0x65),
  ge: binary(0x66),
  neg: unary(0x9a),
  sqrt: unary(0x9f),
  add: binary(0xa0),
  sub: binary(0xa1),
  mul: binary(0xa2),
  div: binary(0xa3),
  max: binary(0xa5),
  convert_i32_u: unary(0xb8),
  promote_f32: unary(0xbb),
};

export interface V128 {
  readonly load: Load;
  /** One cell in all lanes. */
  readonly load32_splat: Load;
  readonly load64_splat: Load;
  /** Two float32 in the low half, zeros in the high half. */
  readonly load64_zero: Load;
  readonly store: Store;
  readonly load32_lane: LoadLane;
  readonly load64_lane: LoadLane;
  readonly store32_lane: LoadLane;
  readonly store64_lane: LoadLane;
  readonly const: (bytes: Uint8Array) => Code;
  /** Whether any bit is 1: an i32. */
  readonly any_true: Unary;
  readonly not: Unary;
  readonly and: Binary;
  readonly andnot: Binary;
  /** Bits of `a` where the mask has ones, of `b` where it has zeros. */
  readonly bitselect: (a: Code, b: Code, mask: Code) => Code;
}
export const v128: V128 = {
  load: load(...simd(0)),
  load32_splat: load(...simd(9)),
  load64_splat: load(...simd(10)),
  store: store(...simd(11)),
  const: (bytes) => [...simd(12), ...bytes],
  and: binary(...simd(78)),
  andnot: binary(...simd(79)),
  bitselect: ternary(...simd(82)),
  not: unary(...simd(77)),
  any_true: unary(...simd(83)),
  load32_lane: accessLane(86),
  load64_lane: accessLane(87),
  store32_lane: accessLane(90),
  store64_lane: accessLane(91),
  load64_zero: load(...simd(93)),
};

/** Byte i of the result is byte lanes[i] of the 32 bytes of `a` and `b`. */
type Shuffle = (a: Code, b: Code, lanes: readonly number[]) => Code;
export const i8x16: { readonly shuffle: Shuffle } = {
  shuffle: (a, b, lanes) => [...a, ...b, ...simd(13), ...lanes],
};

/** relaxed_madd: a · b + c, rounded once or twice, as the machine likes. Only where relaxed SIMD is allowed. */
export interface Vector extends Table<"splat" | "sqrt", "eq" | "lt" | "le" | "add" | "sub" | "mul" | "div" | "max"> {
  readonly extract_lane: ExtractLane;
  readonly relaxed_madd: Ternary;
}

export const f32x4: Vector = {
  splat: unary(...simd(19)),
  extract_lane: extractLane(31),
  eq: binary(...simd(65)),
  lt: binary(...simd(67)),
  le: binary(...simd(69)),
  sqrt: unary(...simd(227)),
  add: binary(...simd(228)),
  sub: binary(...simd(229)),
  mul: binary(...simd(230)),
  div: binary(...simd(231)),
  max: binary(...simd(233)),
  relaxed_madd: ternary(...simd(0x105)),
};

export const f64x2: Vector & { readonly promote_low_f32x4: Unary } = {
  splat: unary(...simd(20)),
  extract_lane: extractLane(33),
  eq: binary(...simd(71)),
  lt: binary(...simd(73)),
  le: binary(...simd(75)),
  promote_low_f32x4: unary(...simd(95)),
  sqrt: unary(...simd(239)),
  add: binary(...simd(240)),
  sub: binary(...simd(241)),
  mul: binary(...simd(242)),
  div: binary(...simd(243)),
  max: binary(...simd(245)),
  relaxed_madd: ternary(...simd(0x107)),
};
