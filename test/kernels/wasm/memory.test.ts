import { describe, expect, test } from "vitest";
import { ModuleBuilder } from "../../../src/kernels/wasm/assembler.ts";
import { f64, i32 } from "../../../src/kernels/wasm/instructions.ts";
import { instantiate, lazily, MEMORY_BYTES } from "../../../src/kernels/wasm/memory.ts";
import { NORM_BYTES } from "../../../src/kernels/wasm/normScratch.ts";
import { PRODUCT_BYTES } from "../../../src/kernels/wasm/product.ts";

function storing(value: number): ModuleBuilder {
  const module = new ModuleBuilder();
  module.function("store", null, () => f64.store(i32.const(0), f64.const(value)));
  return module;
}

describe("instantiate", () => {
  test("all modules share one memory of a fixed size, and both views of it", () => {
    const first = instantiate<{ readonly store: () => void }>(storing(1));
    const second = instantiate<{ readonly store: () => void }>(storing(2));
    if (first === null || second === null) throw new Error("this test needs WebAssembly");
    expect(first.memory).toBe(second.memory);
    expect(first.float64.buffer).toBe(first.float32.buffer);
    expect(first.float64.buffer.byteLength).toBe(MEMORY_BYTES);
    second.exports.store();
    expect(first.float64[0]).toBe(2);
    first.exports.store();
    expect(second.float64[0]).toBe(1);
  });

  test("a module that is not valid gives null", () => {
    const module = new ModuleBuilder();
    module.function("wrong", "f64", () => i32.const(0));
    expect(instantiate(module)).toBeNull();
  });
});

test("the memory holds what kernels place in it, and a vector more", () => {
  expect(Math.max(NORM_BYTES, PRODUCT_BYTES) + 16).toBeLessThanOrEqual(MEMORY_BYTES);
});

test("lazily makes a value once, at the first call", () => {
  let calls = 0;
  const value = lazily(() => {
    calls++;
    return null;
  });
  expect(calls).toBe(0);
  expect([value(), value(), calls]).toEqual([null, null, 1]);
});
