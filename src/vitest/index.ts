export type { Tolerance } from "./closeness.ts";
export { matchers, register } from "./matchers.ts";
export type { MatcherResult } from "./matchers.ts";
export type { CheckOptions, Extendable, TensorLike, TensorMatchers } from "./types.ts";
