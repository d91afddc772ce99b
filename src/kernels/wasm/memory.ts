/**
 * The memory that all WebAssembly kernels share, reserved once and never grown: to grow it detaches its ArrayBuffer, and from
 * then on V8 checks every typed array of the process on every access (30 % slower). Tensors stay ordinary typed arrays.
 * Kernels are synchronous: each copies what it works on to where it likes, in chunks that stay in a cache, and leaves nothing.
 */
import { ModuleBuilder } from "./assembler.ts";
import { f32x4, v128 } from "./instructions.ts";
import { validates, webAssembly } from "./support.ts";

/** Pages of 64 KB: 5 MB. The operating system gives them when they are first used. */
const PAGES = 80;
export const MEMORY_BYTES: number = PAGES * 65536;

/** The memory, seen as cells of either kind. */
export interface Scratch {
  readonly memory: object;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** A module's functions and the memory they work on. */
export interface Instance<Exports> extends Scratch {
  readonly exports: Exports;
}

let scratch: Scratch | null = null;

function sharedScratch(): Scratch | null {
  const api = webAssembly();
  if (scratch === null && api !== null) {
    const memory = new api.Memory({ initial: PAGES, maximum: PAGES });
    scratch = { memory, float32: new Float32Array(memory.buffer), float64: new Float64Array(memory.buffer) };
  }
  return scratch;
}

/**
 * Compiles a module, at once. null where there is no WebAssembly, where it lacks the module's instructions, and where a
 * content security policy forbids it.
 */
export function instantiate<Exports extends object>(module: ModuleBuilder): Instance<Exports> | null {
  const api = webAssembly();
  const bytes = module.bytes(PAGES);
  if (api === null || !validates(bytes)) return null;
  try {
    const shared = sharedScratch();
    if (shared === null) return null;
    const { exports } = new api.Instance<Exports>(new api.Module(bytes), { env: { memory: shared.memory } });
    return { ...shared, exports: { ...exports } }; // a copy is an ordinary object, whose functions are found faster
  } catch {
    return null;
  }
}

/** Whether kernels can be compiled here, and have their memory. */
export function isAvailable(): boolean {
  const module = new ModuleBuilder();
  module.function("double", null, (fn) => {
    const at = fn.parameter("i32").get;
    return v128.store(at, f32x4.add(v128.load(at), v128.load(at)));
  });
  return instantiate(module) !== null;
}

/** What `make` makes, made at the first call. */
export function lazily<T extends object | null>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
