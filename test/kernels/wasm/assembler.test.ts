import { describe, expect, test } from "vitest";
import {
  doWhile,
  ModuleBuilder,
  select,
  sequence,
  signed,
  unsigned,
  when,
  whileLoop,
} from "../../../src/kernels/wasm/assembler.ts";
import type { Code, Local, Signature, ValueType } from "../../../src/kernels/wasm/assembler.ts";
import { f64, i32 } from "../../../src/kernels/wasm/instructions.ts";
import { webAssembly } from "../../../src/kernels/wasm/support.ts";
import { run } from "./run.ts";

describe("LEB128", () => {
  test.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 0x01]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])("unsigned %i", (value, bytes) => {
    expect(unsigned(value)).toEqual(bytes);
  });

  test.each([
    [0, [0]],
    [63, [0x3f]],
    [64, [0xc0, 0x00]],
    [-1, [0x7f]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])("signed %i", (value, bytes) => {
    expect(signed(value)).toEqual(bytes);
  });
});

describe("ModuleBuilder", () => {
  test("a function that adds is, byte for byte, what the specification says", () => {
    const module = new ModuleBuilder();
    module.function("add", "f64", (fn) => f64.add(fn.parameter("f64").get, fn.parameter("f64").get));
    const sections = [
      [0x01, 0x07, 0x01, 0x60, 0x02, 0x7c, 0x7c, 0x01, 0x7c], // one type: (f64, f64) → f64
      [0x02, 0x10, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x01, 0x02, 0x02], // env.memory, 2 to 2 pages
      [0x03, 0x02, 0x01, 0x00], // one function, of type 0
      [0x07, 0x07, 0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00], // "add" is function 0
      [0x0a, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x20, 0x01, 0xa0, 0x0b], // no variables; local.get 0, local.get 1, f64.add, end
    ];
    expect(Array.from(module.bytes(2))).toEqual([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()]);
    expect(webAssembly()?.validate(module.bytes(2))).toBe(true);
  });

  test("a wrong type does not validate", () => {
    const module = new ModuleBuilder();
    module.function("add", "f64", (fn) => f64.add(fn.parameter("f64").get, fn.parameter("i32").get));
    expect(webAssembly()?.validate(module.bytes(1))).toBe(false);
  });

  test("functions call each other", () => {
    const module = new ModuleBuilder();
    const square = module.function("square", "f64", (fn) => {
      const x = fn.parameter("f64").get;
      return f64.mul(x, x);
    });
    module.function("fourth", "f64", (fn) => square(square(fn.parameter("f64").get)));
    expect(run(module, "fourth", 3)).toBe(81);
  });
});

/** What a function of one i32 and a variable of that type gives. */
function compute(x: number, type: ValueType, body: (x: Local, variable: Local, fn: Signature) => Code): number {
  const module = new ModuleBuilder();
  module.function("compute", type, (fn) => {
    const parameter = fn.parameter("i32");
    return body(parameter, fn.variable(type), fn);
  });
  return run(module, "compute", x);
}

describe("control", () => {
  const decrease = (x: Local): Code => x.set(i32.sub(x.get, i32.const(1)));
  const count = (sum: Local): Code => sum.set(i32.add(sum.get, i32.const(1)));

  test.each([0, 1, 5])("whileLoop runs its body %i times", (times) => {
    const body = (x: Local, sum: Local): Code => sequence(whileLoop(x.get, count(sum), decrease(x)), sum.get);
    expect(compute(times, "i32", body)).toBe(times);
  });

  test.each([1, 5])("doWhile runs its body %i times", (times) => {
    const body = (x: Local, sum: Local): Code => sequence(doWhile(x.get, count(sum), decrease(x)), sum.get);
    expect(compute(times, "i32", body)).toBe(times);
  });

  test.each([
    [0, 8],
    [3, 7],
  ])("when, otherwise, select and tee: %i gives %i", (x, expected) => {
    const branch = (parameter: Local, result: Local): Code =>
      sequence(when(parameter.get, [result.set(i32.const(7))], [result.set(i32.const(8))]), result.get);
    expect(compute(x, "i32", branch)).toBe(expected);
    expect(compute(x, "i32", (parameter) => select(i32.const(7), i32.const(8), parameter.get))).toBe(expected);
    expect(compute(x, "i32", (parameter, copy) => i32.sub(copy.tee(parameter.get), copy.get))).toBe(0);
  });
});
