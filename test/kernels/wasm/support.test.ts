/** Where WebAssembly is missing or forbidden: nothing throws, and the kernels in TypeScript answer. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { normForward as inTypescript } from "../../../src/kernels/norm.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** The modules as they are in a process that has not asked for WebAssembly yet. */
async function fresh(): Promise<{
  readonly isAvailable: () => boolean;
  readonly hasRelaxedSimd: () => boolean;
  readonly normForward: typeof inTypescript;
  readonly matmul: (out: Float32Array, a: Float32Array, b: Float32Array, m: number, k: number, n: number) => void;
}> {
  vi.resetModules();
  const [{ isAvailable }, { hasRelaxedSimd }, { normForward }, { matmul }] = await Promise.all([
    import("../../../src/kernels/wasm/memory.ts"),
    import("../../../src/kernels/wasm/support.ts"),
    import("../../../src/kernels/wasm/norm.ts"),
    import("../../../src/kernels/wasm/matmul.ts"),
  ]);
  return { isAvailable, hasRelaxedSimd, normForward, matmul };
}

const real: object = Object(Reflect.get(globalThis, "WebAssembly"));
const forbidden = (): never => {
  throw new Error("Refused to compile: unsafe-eval is not an allowed source of script");
};
const api = (change: object): object => ({
  ...Object.fromEntries(["validate", "Module", "Instance", "Memory"].map((name) => [name, Reflect.get(real, name)])),
  ...change,
});

describe("isAvailable", () => {
  test("true in the engine of these tests", async () => {
    const { isAvailable, hasRelaxedSimd } = await fresh();
    expect(isAvailable()).toBe(true);
    expect(typeof hasRelaxedSimd()).toBe("boolean");
  });

  test.each<readonly [string, object | undefined]>([
    ["WebAssembly is missing", undefined],
    ["it has no SIMD", api({ validate: () => false })],
    ["validation throws", api({ validate: forbidden })],
    ["a content security policy forbids to compile", api({ Module: forbidden })],
    ["there is no memory left", api({ Memory: forbidden })],
  ])("false where %s, and every kernel still answers", async (_, stub) => {
    vi.stubGlobal("WebAssembly", stub);
    const { isAvailable, normForward, matmul } = await fresh();
    expect(isAvailable()).toBe(false);
    const x = Float32Array.from({ length: 1200 }, (_, i) => (i * 37) % 41);
    const layout = { repeats: 1, sets: 40, length: 30, period: 1, run: 1 };
    const options = { eps: 1e-5, centered: true };
    expect(normForward(x, null, null, layout, options)).toEqual(inTypescript(x, null, null, layout, options));
    const ones = new Float32Array(96 * 30).fill(1);
    const out = new Float32Array(96 * 96);
    matmul(out, ones, ones, 96, 30, 96);
    expect(out.every((sum) => sum === 30)).toBe(true);
  });

  test("nothing is compiled or reserved when the modules are imported", async () => {
    const spy = vi.fn(forbidden);
    vi.stubGlobal("WebAssembly", { validate: spy, Module: spy, Memory: spy, Instance: spy });
    await fresh();
    expect(spy).not.toHaveBeenCalled();
  });
});
