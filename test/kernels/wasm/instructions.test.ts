import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../src/kernels/wasm/assembler.ts";
import type { Code, ValueType } from "../../../src/kernels/wasm/assembler.ts";
import { f32, f32x4, f64, f64x2, i32, i8x16, v128 } from "../../../src/kernels/wasm/instructions.ts";
import { hasRelaxedSimd } from "../../../src/kernels/wasm/support.ts";
import { run, runOn } from "./run.ts";

function compute(type: ValueType, code: Code): number {
  const module = new ModuleBuilder();
  module.function("compute", type, () => code);
  return run(module, "compute");
}

const bytes = (cells: Float32Array | Float64Array): Uint8Array => new Uint8Array(cells.buffer);
const floats = (...cells: number[]): Code => v128.const(bytes(Float32Array.from(cells)));
const doubles = (...cells: number[]): Code => v128.const(bytes(Float64Array.from(cells)));

/** [what, its type, its code, its value]. The operands tell apart what could be mistaken for each other. */
const scalars: readonly (readonly [string, ValueType, Code, number])[] = [
  ["i32.const", "i32", i32.const(-70000), -70000],
  ["i32.eqz", "i32", i32.eqz(i32.const(0)), 1],
  ["i32.eq", "i32", i32.eq(i32.const(3), i32.const(3)), 1],
  ["i32.lt_u", "i32", i32.lt_u(i32.const(3), i32.const(-1)), 1],
  ["i32.lt_u of equals", "i32", i32.lt_u(i32.const(3), i32.const(3)), 0],
  ["i32.ge_u", "i32", i32.ge_u(i32.const(-1), i32.const(3)), 1],
  ["i32.ge_u of equals", "i32", i32.ge_u(i32.const(3), i32.const(3)), 1],
  ["i32.add", "i32", i32.add(i32.const(12), i32.const(10)), 22],
  ["i32.sub", "i32", i32.sub(i32.const(12), i32.const(10)), 2],
  ["i32.mul", "i32", i32.mul(i32.const(12), i32.const(10)), 120],
  ["i32.and", "i32", i32.and(i32.const(12), i32.const(10)), 8],
  ["i32.or", "i32", i32.or(i32.const(12), i32.const(10)), 14],
  ["f64.const", "f64", f64.const(0.1), 0.1],
  ["f64.eq", "i32", f64.eq(f64.const(2), f64.const(2)), 1],
  ["f64.eq of NaN", "i32", f64.eq(f64.const(NaN), f64.const(NaN)), 0],
  ["f64.gt", "i32", f64.gt(f64.const(3), f64.const(2)), 1],
  ["f64.gt of equals", "i32", f64.gt(f64.const(2), f64.const(2)), 0],
  ["f64.le", "i32", f64.le(f64.const(2), f64.const(2)), 1],
  ["f64.le of NaN", "i32", f64.le(f64.const(NaN), f64.const(2)), 0],
  ["f64.le of more", "i32", f64.le(f64.const(3), f64.const(2)), 0],
  ["f64.ge", "i32", f64.ge(f64.const(2), f64.const(2)), 1],
  ["f64.ge of less", "i32", f64.ge(f64.const(1), f64.const(2)), 0],
  ["f64.neg", "f64", f64.neg(f64.const(2)), -2],
  ["f64.sqrt", "f64", f64.sqrt(f64.const(2)), Math.SQRT2],
  ["f64.add", "f64", f64.add(f64.const(7), f64.const(2)), 9],
  ["f64.sub", "f64", f64.sub(f64.const(7), f64.const(2)), 5],
  ["f64.mul", "f64", f64.mul(f64.const(7), f64.const(2)), 14],
  ["f64.div", "f64", f64.div(f64.const(7), f64.const(2)), 3.5],
  ["f64.max", "f64", f64.max(f64.const(7), f64.const(2)), 7],
  ["f64.max of NaN", "f64", f64.max(f64.const(NaN), f64.const(2)), NaN],
  ["v128.any_true of zeros", "i32", v128.any_true(doubles(0, 0)), 0],
  ["v128.any_true", "i32", v128.any_true(doubles(0, 5e-324)), 1],
  ["f64.convert_i32_u", "f64", f64.convert_i32_u(i32.const(-1)), 2 ** 32 - 1],
  ["f64.promote_f32", "f64", f64.promote_f32(f32.demote_f64(f64.const(0.1))), Math.fround(0.1)],
  ["f32.convert_i32_u", "f32", f32.convert_i32_u(i32.const(-1)), 2 ** 32],
];

const a32 = floats(1, 2, 3, 4);
const b32 = floats(8, 2, 0.5, -4);
const a64 = doubles(1, 2);
const b64 = doubles(8, 2);
const ones32 = bytes(Float32Array.of(1, 1, 1, 1));
const ones64 = bytes(Float64Array.of(1, 1));

/** [what, its code, its lanes]. */
const ofFloats: readonly (readonly [string, Code, readonly number[]])[] = [
  ["f32x4.splat", f32x4.splat(f32.demote_f64(f64.const(3))), [3, 3, 3, 3]],
  ["f32x4.lt", v128.and(f32x4.lt(a32, b32), v128.const(ones32)), [1, 0, 0, 0]],
  ["f32x4.le", v128.and(f32x4.le(a32, b32), v128.const(ones32)), [1, 1, 0, 0]],
  ["f32x4.eq", v128.and(f32x4.eq(a32, b32), v128.const(ones32)), [0, 1, 0, 0]],
  ["f32x4.max", f32x4.max(a32, b32), [8, 2, 3, 4]],
  ["f32x4.sqrt", f32x4.sqrt(floats(1, 4, 9, 16)), [1, 2, 3, 4]],
  ["f32x4.add", f32x4.add(a32, b32), [9, 4, 3.5, 0]],
  ["f32x4.sub", f32x4.sub(a32, b32), [-7, 0, 2.5, 8]],
  ["f32x4.mul", f32x4.mul(a32, b32), [8, 4, 1.5, -16]],
  ["f32x4.div", f32x4.div(a32, b32), [0.125, 1, 6, -1]],
  ["v128.andnot", v128.andnot(v128.const(ones32), f32x4.le(a32, b32)), [0, 0, 1, 1]],
  ["v128.bitselect", v128.bitselect(a32, b32, f32x4.lt(a32, b32)), [1, 2, 0.5, -4]],
  [
    "i8x16.shuffle",
    i8x16.shuffle(a32, b32, [12, 13, 14, 15, 16, 17, 18, 19, 0, 1, 2, 3, 28, 29, 30, 31]),
    [4, 8, 1, -4],
  ],
];
const ofDoubles: readonly (readonly [string, Code, readonly number[]])[] = [
  ["f64x2.splat", f64x2.splat(f64.const(3)), [3, 3]],
  ["f64x2.lt", v128.and(f64x2.lt(a64, b64), v128.const(ones64)), [1, 0]],
  ["f64x2.le", v128.and(f64x2.le(a64, b64), v128.const(ones64)), [1, 1]],
  ["f64x2.eq", v128.and(f64x2.eq(a64, b64), v128.const(ones64)), [0, 1]],
  ["f64x2.max", f64x2.max(a64, b64), [8, 2]],
  ["v128.not", v128.and(v128.not(f64x2.eq(a64, b64)), v128.const(ones64)), [1, 0]],
  ["f64x2.sqrt", f64x2.sqrt(doubles(4, 9)), [2, 3]],
  ["f64x2.add", f64x2.add(a64, b64), [9, 4]],
  ["f64x2.sub", f64x2.sub(a64, b64), [-7, 0]],
  ["f64x2.mul", f64x2.mul(a64, b64), [8, 4]],
  ["f64x2.div", f64x2.div(a64, b64), [0.125, 1]],
  ["f64x2.promote_low_f32x4", f64x2.promote_low_f32x4(b32), [8, 2]],
];

const lanesOf = (code: Code, count: 2 | 4): number[] =>
  Array.from({ length: count }, (_, lane) =>
    count === 4 ? compute("f32", f32x4.extract_lane(code, lane)) : compute("f64", f64x2.extract_lane(code, lane)),
  );

describe("instructions do what their names say", () => {
  test.each(scalars)("%s", (_, type, code, value) => {
    expect(compute(type, code)).toBe(value);
  });

  test.each(ofFloats)("%s", (_, code, lanes) => {
    expect(lanesOf(code, 4)).toEqual(lanes);
  });

  test.each(ofDoubles)("%s", (_, code, lanes) => {
    expect(lanesOf(code, 2)).toEqual(lanes);
  });

  test.each<readonly [string, Code, readonly number[]]>([
    ["v128.load", v128.load(i32.const(8), 8), [3, 4]],
    ["v128.load64_splat", v128.load64_splat(i32.const(8), 8), [3, 3]],
    ["v128.load64_lane", v128.load64_lane(i32.const(8), doubles(5, 6), 1, 8), [5, 3]],
    ["v128.load32_lane", v128.load32_lane(i32.const(4), doubles(5, 0), 3, 32), [5, 1]], // the upper half of 1
    ["v128.load64_zero", v128.load64_zero(i32.const(8), 8), [3, 0]],
    ["f64.load", f64x2.splat(f64.load(i32.const(0), 8)), [2, 2]],
    ["f32.load", f64x2.splat(f64.promote_f32(f32.load(i32.const(4), 32))), [1.875, 1.875]], // the upper half of 1
    ["v128.load32_splat", f64x2.promote_low_f32x4(v128.load32_splat(i32.const(36))), [1.875, 1.875]],
  ])("%s, and v128.store", (_, code, expected) => {
    const module = new ModuleBuilder();
    module.function("copy", null, () => v128.store(i32.const(8), code, 40));
    const cells = Float64Array.of(1, 2, 3, 4, 1, 0, 0, 0);
    runOn(cells, module, "copy");
    expect(Array.from(cells)).toEqual([1, 2, 3, 4, 1, 0, ...expected]);
  });

  test("v128.store32_lane and v128.store64_lane", () => {
    const module = new ModuleBuilder();
    module.function("store", null, () => [
      ...v128.store32_lane(i32.const(4), floats(0, 0, 1.875, 0), 2, 8), // the upper half of 1
      ...v128.store64_lane(i32.const(8), doubles(5, 6), 1, 8),
    ]);
    const cells = new Float64Array(4);
    runOn(cells, module, "store");
    expect(Array.from(cells)).toEqual([0, 1, 6, 0]);
  });

  test("f64.store", () => {
    const module = new ModuleBuilder();
    module.function("store", null, () => f64.store(i32.const(8), f64.const(5), 8));
    const cells = new Float64Array(3);
    runOn(cells, module, "store");
    expect(Array.from(cells)).toEqual([0, 0, 5]);
  });

  test("relaxed_madd is a · b + c where the engine has it, and does not validate elsewhere", () => {
    const float = f32x4.extract_lane(f32x4.relaxed_madd(a32, b32, b32), 3);
    const double = f64x2.extract_lane(f64x2.relaxed_madd(a64, b64, b64), 1);
    if (hasRelaxedSimd()) expect([compute("f32", float), compute("f64", double)]).toEqual([-20, 6]);
    else expect(() => compute("f32", float)).toThrow("Compil");
  });

  test("an opcode that is another's is found", () => {
    const wrong = [...a32, ...b32, 0xfd, 0xe5, 0x01]; // sub for add
    expect(lanesOf(wrong, 4)).not.toEqual([9, 4, 3.5, 0]);
    expect(wrong).toEqual(f32x4.sub(a32, b32));
  });
});
