/** Only the library that is measured is loaded. */
import { Unavailable } from "./contestant.ts";
import type { Contestant } from "./contestant.ts";

const loaders: Readonly<Record<string, () => Promise<Contestant>>> = {
  "normgrad-formula": async () => (await import("./normgrad.ts")).normgrad("formula"),
  "normgrad-typescript": async () => (await import("./normgrad.ts")).normgrad("typescript"),
  "normgrad-wasm": async () => (await import("./normgrad.ts")).normgrad("wasm"),
  "jax-js": async () => (await import("./jax.ts")).jax(),
  "tfjs-cpu": async () => (await import("./tfjs.ts")).tfjs("cpu"),
  "tfjs-wasm": async () => (await import("./tfjs.ts")).tfjs("wasm"),
  deepbox: async () => (await import("./deepbox.ts")).deepbox(),
  "js-pytorch": async () => (await import("./jsPytorch.ts")).jsPytorch(),
};

/** @throws Unavailable if the library is not installed, or its backend not there */
export async function load(name: string): Promise<Contestant> {
  const loader = loaders[name];
  if (loader === undefined) throw new Unavailable(`no contestant is called ${name}`);
  try {
    return await loader();
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    throw missing ? new Unavailable("not installed") : error;
  }
}
