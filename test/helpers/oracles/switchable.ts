import type { PlainOracle } from "./oracle.ts";

export const switchableOracles: Readonly<Record<string, PlainOracle>> = {};
