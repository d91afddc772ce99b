/** Runs functions of modules that tests build. */
import type { ModuleBuilder } from "../../../src/kernels/wasm/assembler.ts";
import { webAssembly } from "../../../src/kernels/wasm/support.ts";

type Functions = Readonly<Record<string, (...operands: readonly number[]) => number>>;

/** One function, over a memory of one page that holds `bytes`; afterwards they are what the memory holds. */
export function run(module: ModuleBuilder, name: string, ...operands: readonly number[]): number {
  return runOn(new Float64Array(0), module, name, ...operands);
}

export function runOn(
  cells: Float64Array,
  module: ModuleBuilder,
  name: string,
  ...operands: readonly number[]
): number {
  const api = webAssembly();
  if (api === null) throw new Error("these tests need WebAssembly");
  const memory = new api.Memory({ initial: 1, maximum: 1 });
  new Float64Array(memory.buffer).set(cells);
  const { exports } = new api.Instance<Functions>(new api.Module(module.bytes(1)), { env: { memory } });
  const result = exports[name]?.(...operands) ?? NaN;
  cells.set(new Float64Array(memory.buffer, 0, cells.length));
  return result;
}
