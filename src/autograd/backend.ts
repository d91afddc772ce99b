/** Which code computes an op: its formula, or a kernel. */
import { typescriptKernels } from "../kernels/kernels.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { wasmKernels } from "../kernels/wasm/kernels.ts";
import { describeValue } from "./format.ts";

/**
 * - "formula": the rule of an op, on plain arrays, even where it has a kernel. Matrix products and the elementwise
 *   primitives that formulas are made of are the same loops in all backends.
 * - "typescript": its kernel, where there is one.
 * - "wasm": the same, with kernels in WebAssembly where there are some.
 *
 * Second derivatives and forward mode are computed by formulas in all of them.
 */
export type Backend = "formula" | "typescript" | "wasm";

/** null: not available. Without kernels of its own "formula" has those of "typescript", for ops that have no rule. */
const kernelsOf: Readonly<Record<Backend, () => Kernels | null>> = {
  formula: () => typescriptKernels,
  typescript: () => typescriptKernels,
  wasm: wasmKernels,
};

interface Active {
  readonly backend: Backend;
  readonly kernels: Kernels;
}
/** null until it is first asked for: nothing is compiled by an import. */
let active: Active | null = null;

function fastest(): Active {
  const wasm = wasmKernels();
  return wasm ? { backend: "wasm", kernels: wasm } : { backend: "typescript", kernels: typescriptKernels };
}

/** The backend that computes ops from now on. Default: "wasm" where the engine has it, else "typescript". */
export function getBackend(): Backend {
  return (active ??= fastest()).backend;
}

/**
 * Chooses what computes ops from now on. A backward uses what its forward used.
 *
 * @param name "formula", "typescript" or "wasm"
 * @throws TypeError if it is none of these; RangeError if it is not available
 * @example
 * setBackend("typescript");
 * getBackend(); // typescript
 */
export function setBackend(name: Backend): void {
  use("setBackend", name);
}

/**
 * Runs `body` with another backend, and answers what it answers. The one before is back afterwards, also if `body` throws.
 *
 * @param name "formula", "typescript" or "wasm"
 * @throws TypeError if `name` is none of these, or `body` is async: the backend would be back before the awaited part
 *   runs; RangeError if the backend is not available
 * @example
 * withBackend("formula", () => layerNorm(tensor([[1, 3]]), [2], { eps: 0 })).toArray(); // [[-1, 1]]
 */
export function withBackend<R>(name: Backend, body: () => R): R {
  if (typeof body !== "function") throw new TypeError(`withBackend: expected a function, got ${describeValue(body)}`);
  const before = getBackend();
  use("withBackend", name);
  try {
    const result = body();
    if (typeof result === "object" && result !== null && "then" in result) {
      Promise.resolve(result).catch(() => {}); // it was refused: were it to reject as well, Node would end the process
      throw new TypeError("withBackend: expected a synchronous function, got one that returns a promise");
    }
    return result;
  } finally {
    use("withBackend", before);
  }
}

/** Those of the backend. A pullback must use what its forward used, so both take them from one call. */
export function activeKernels(): Kernels {
  return (active ??= fastest()).kernels;
}

function use(caller: string, name: Backend): void {
  if (!Object.hasOwn(kernelsOf, name)) {
    throw new TypeError(`${caller}: expected "formula", "typescript" or "wasm", got ${describeValue(name)}`);
  }
  const kernels = kernelsOf[name]();
  if (kernels === null) {
    throw new RangeError(`${caller}: expected a backend that is available, "formula" or "typescript", got "${name}"`);
  }
  active = { backend: name, kernels };
}
