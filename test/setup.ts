/** The files of a worker share the library's modules, so that each begins with the state of a fresh import. */
import { getBackend, manualSeed, setBackend, setDefaultDtype } from "../src/index.ts";
import { isAvailable } from "../src/kernels/wasm/memory.ts";

manualSeed(0);
setDefaultDtype("float64");
const fresh = isAvailable() ? "wasm" : "typescript";
if (getBackend() !== fresh) setBackend(fresh);
