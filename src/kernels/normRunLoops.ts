/** The loops over runs, for an array and a layout. */
import type { FloatArray } from "./floatArray.ts";
import * as columns32 from "./normColumnsFloat32.ts";
import * as columns64 from "./normColumnsFloat64.ts";
import type { NormLayout, RunLoops } from "./normLayout.ts";
import * as runs32 from "./normRunsFloat32.ts";
import * as runs64 from "./normRunsFloat64.ts";
import * as small32 from "./normSmallFloat32.ts";
import * as small64 from "./normSmallFloat64.ts";

const others32 = { ...small32, allocate: (n: number) => new Float32Array(n) };
const others64 = { ...small64, allocate: (n: number) => new Float64Array(n) };
const columnLoops: Readonly<Record<"float32" | "float64", RunLoops>> = {
  float32: { ...columns32, ...others32 },
  float64: { ...columns64, ...others64 },
};
const runLoops: Readonly<Record<"float32" | "float64", RunLoops>> = {
  float32: { ...runs32, ...others32 },
  float64: { ...runs64, ...others64 },
};

/** Those for arrays like x: over columns where a set has at most three cells side by side, of one parameter. */
export function loopsFor(x: FloatArray, { sets, length, run }: NormLayout): RunLoops {
  const isColumns = length === 1 || (length < 4 && run === length && sets > 7);
  return (isColumns ? columnLoops : runLoops)[x instanceof Float32Array ? "float32" : "float64"];
}
