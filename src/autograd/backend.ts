/** Which code computes an op: its formula, or a kernel. */
import { isAvailable } from "../kernels/wasm/memory.ts";
import { runSynchronously } from "./checks.ts";
import { describeValue } from "./format.ts";

/**
 * - "formula": the rule of an op, on plain arrays, even where it has a kernel. Matrix products and the elementwise
 *   primitives that formulas are made of are the same loops in all backends.
 * - "typescript": its kernel, where there is one.
 * - "wasm": the same, with kernels in WebAssembly where there are some. float64 is as exact as before. float32 norms of 512
 *   cells and more are within 4 ulp of the largest value at means up to 1e4 (1 ulp on the others); a weight's gradient, a sum
 *   over sets, may cancel: then within 4 ulp of what it would be if its terms had random signs. Large float32 products sum
 *   in float32, as PyTorch's do.
 *
 * Second derivatives and forward mode are computed by formulas in all of them.
 */
export type Backend = "formula" | "typescript" | "wasm";

/** null until it is first asked for: nothing is compiled by an import. */
let active: Backend | null = null;

/** The backend that computes ops from now on. Default: "wasm" where the engine has it, else "typescript". */
export function getBackend(): Backend {
  return (active ??= isAvailable() ? "wasm" : "typescript");
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
  const before = getBackend();
  use("withBackend", name);
  try {
    return runSynchronously("withBackend", body);
  } finally {
    use("withBackend", before);
  }
}

/**
 * The backend's variant of a kernel: both have the same parameters and results. An op names its variants where it runs them, so
 * that a bundler leaves out those of ops that a page does not use. A kernel without a variant for "wasm" needs no choice.
 *
 * A pullback must use what its forward used, so an op chooses once, in its forward. "formula" has the variants in TypeScript,
 * for what has no rule.
 */
export function choose<K>(typescript: K, wasm: K): K {
  return getBackend() === "wasm" ? wasm : typescript;
}

function use(caller: string, name: Backend): void {
  if (name !== "formula" && name !== "typescript" && name !== "wasm") {
    throw new TypeError(`${caller}: expected "formula", "typescript" or "wasm", got ${describeValue(name)}`);
  }
  if (name === "wasm" && !isAvailable()) {
    throw new RangeError(`${caller}: expected a backend that is available, "formula" or "typescript", got "${name}"`);
  }
  active = name;
}
