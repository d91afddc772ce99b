import type { PlainOracle } from "./oracle.ts";

export const simpleOracles: Readonly<Record<string, PlainOracle>> = {};
