/** The two kinds of cells a kernel is emitted for: vectors of four float32, or of two float64. Sums are float64 for both. */
import type { Code, Local } from "./assembler.ts";
import { sequence } from "./assembler.ts";
import { f32, f32x4, f64, f64x2, i32, i8x16, v128 } from "./instructions.ts";
import type { LoadLane, Vector } from "./instructions.ts";

export const VECTOR_BYTES = 16;

export interface Lanes {
  readonly name: "float32" | "float64";
  readonly bytes: number;
  readonly add: (a: Code, b: Code) => Code;
  readonly sub: (a: Code, b: Code) => Code;
  readonly mul: (a: Code, b: Code) => Code;
  /** All instructions on vectors of such lanes. */
  readonly vector: Vector;
  readonly loadLane: LoadLane;
  readonly storeLane: LoadLane;
  readonly bytesOf: (count: Code) => Code;
  /** One cell as an f64. */
  readonly loadCell: (address: Code, offset?: number) => Code;
  /** An f64, rounded to what a cell can hold. */
  readonly round: (value: Code) => Code;
  /** A vector of one f64. */
  readonly splat: (value: Code) => Code;
  /** All bits of the lanes that begin before `bytesLeft` (an i32), none of the others. */
  readonly firstLanes: (bytesLeft: Code) => Code;
  /** Adds the lanes of `vector` to an f64x2 variable. */
  readonly addTo: (total: Local, vector: Local) => Code;
  /** Adds a vector to as many float64 cells. */
  readonly addToMemory: (address: Local, vector: Local, offset: number) => Code;
}

const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const highHalf = (vector: Code): Code => i8x16.shuffle(vector, vector, HIGH_HALF);

export const float32Lanes: Lanes = {
  name: "float32",
  bytes: 4,
  bytesOf: (count) => i32.mul(count, i32.const(4)),
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  vector: f32x4,
  loadLane: v128.load32_lane,
  storeLane: v128.store32_lane,
  loadCell: (address, offset) => f64.promote_f32(f32.load(address, offset)),
  round: (value) => f64.promote_f32(f32.demote_f64(value)),
  splat: (value) => f32x4.splat(f32.demote_f64(value)),
  firstLanes: (bytesLeft) =>
    f32x4.lt(
      v128.const(new Uint8Array(Float32Array.of(0, 4, 8, 12).buffer)),
      f32x4.splat(f32.convert_i32_u(bytesLeft)),
    ),
  addTo: (total, vector) =>
    total.set(f64x2.add(total.get, f64x2.promote_low_f32x4(f32x4.add(vector.get, highHalf(vector.get))))),
  addToMemory: (address, vector, offset) =>
    sequence(
      v128.store(address.get, f64x2.add(v128.load(address.get, offset), f64x2.promote_low_f32x4(vector.get)), offset),
      v128.store(
        address.get,
        f64x2.add(v128.load(address.get, offset + 16), f64x2.promote_low_f32x4(highHalf(vector.get))),
        offset + 16,
      ),
    ),
};

export const float64Lanes: Lanes = {
  name: "float64",
  bytes: 8,
  bytesOf: (count) => i32.mul(count, i32.const(8)),
  add: f64x2.add,
  sub: f64x2.sub,
  mul: f64x2.mul,
  vector: f64x2,
  loadLane: v128.load64_lane,
  storeLane: v128.store64_lane,
  loadCell: f64.load,
  round: (value) => value,
  splat: f64x2.splat,
  firstLanes: (bytesLeft) =>
    f64x2.lt(v128.const(new Uint8Array(Float64Array.of(0, 8).buffer)), f64x2.splat(f64.convert_i32_u(bytesLeft))),
  addTo: (total, vector) => total.set(f64x2.add(total.get, vector.get)),
  addToMemory: (address, vector, offset) =>
    v128.store(address.get, f64x2.add(v128.load(address.get, offset), vector.get), offset),
};

/** The sum of the two lanes of an f64x2. */
export const sumOfLanes = (total: Local): Code =>
  f64.add(f64x2.extract_lane(total.get, 0), f64x2.extract_lane(total.get, 1));

/** A balanced sum: short chains round less, and wait less. */
export function treeSum({ add }: Pick<Lanes, "add">, terms: readonly Code[]): Code {
  const [first = [], ...rest] = terms;
  if (rest.length === 0) return first;
  const half = terms.length >> 1;
  return add(treeSum({ add }, terms.slice(0, half)), treeSum({ add }, terms.slice(half)));
}
