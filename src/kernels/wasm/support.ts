/** Whether this engine has WebAssembly, and which of its instructions. Nothing is asked before the first call. */
import { ModuleBuilder } from "./assembler.ts";
import { f32x4, i32, v128 } from "./instructions.ts";

/** The part of the JavaScript interface that is used here. TypeScript declares it for browsers only. */
export interface WebAssemblyApi {
  validate(bytes: Uint8Array<ArrayBuffer>): boolean;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  /** `Exports` is what the caller knows about the module. */
  readonly Instance: new <Exports>(module: object, imports: object) => { readonly exports: Exports };
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
}

/** WebAssembly, or null where it is missing. */
export function webAssembly(): WebAssemblyApi | null {
  const name: string = "WebAssembly"; // not its literal type, by which browsers' own declarations would be found
  const api: WebAssemblyApi | undefined = Reflect.get(globalThis, name);
  return api ?? null;
}

/** Whether the engine can and may compile a module. */
export function validates(bytes: Uint8Array<ArrayBuffer>): boolean {
  try {
    return webAssembly()?.validate(bytes) ?? false;
  } catch {
    return false;
  }
}

/** Whether a · b + c on vectors may be one instruction: relaxed SIMD, which Node has from version 22 on. */
export function hasRelaxedSimd(): boolean {
  const module = new ModuleBuilder();
  module.function("multiplyAdd", null, (fn) => {
    const at = fn.parameter("i32").get;
    const cells = v128.load(at);
    return v128.store(i32.const(0), f32x4.relaxed_madd(cells, cells, cells));
  });
  return validates(module.bytes(1));
}
