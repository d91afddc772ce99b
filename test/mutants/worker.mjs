// Worker threads do not inherit tsx: this registers it, then runs the worker in TypeScript.
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
