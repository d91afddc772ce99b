import type { PlainOracle } from "./oracle.ts";

export const adaptiveOracles: Readonly<Record<string, PlainOracle>> = {};
