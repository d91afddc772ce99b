/** The sums of a norm's backward, and arrays for what is needed during one call only: a new one costs more than its use. */
import type { FloatArray } from "./floatArray.ts";
import type { NormGradients, NormLayout, NormLoops, NormStatistics, NormSums, RunSums } from "./normLayout.ts";

/** Up to this many numbers, an array is used again. */
export const FEW = 8192;

/** Fewer numbers are copied faster one by one. */
const MANY = 128;

/** Gives the same array at each call, of at least this length, with what is in it. */
function reused(): (length: number) => Float64Array {
  let kept = new Float64Array(0);
  return (length) => {
    if (length > FEW) return new Float64Array(length);
    if (length > kept.length) kept = new Float64Array(Math.min(FEW, 2 * length));
    return kept;
  };
}

/** `shift` is 0 everywhere. */
export const scratch: Readonly<
  Record<"sums" | "dots" | "center" | "slope" | "shift" | "gradWeight" | "gradBias", (length: number) => Float64Array>
> = {
  sums: /* @__PURE__ */ reused(),
  dots: /* @__PURE__ */ reused(),
  center: /* @__PURE__ */ reused(),
  slope: /* @__PURE__ */ reused(),
  shift: /* @__PURE__ */ reused(),
  gradWeight: /* @__PURE__ */ reused(),
  gradBias: /* @__PURE__ */ reused(),
};

/** Zeros; valid until the next call. */
export function emptySums(parameters: number): NormSums {
  const sums = { gradWeight: scratch.gradWeight(parameters), gradBias: scratch.gradBias(parameters) };
  if (parameters > FEW) return sums; // new
  sums.gradWeight.fill(0, 0, parameters);
  sums.gradBias.fill(0, 0, parameters);
  return sums;
}

/** Parameters [from, to), whose sums are the first ones. */
export function roundSums({ gradWeight, gradBias }: NormGradients, sums: NormSums, from: number, to: number): void {
  if (gradWeight) roundTo(gradWeight, sums.gradWeight, from, to);
  if (gradBias) roundTo(gradBias, sums.gradBias, from, to);
}

function roundTo(gradient: FloatArray, sums: Float64Array, from: number, to: number): void {
  if (to - from > MANY) gradient.set(sums.subarray(0, to - from), from);
  else for (let p = from; p < to; p++) gradient[p] = sums[p - from]!;
}

/** Weights or biases: `otherwise` where there are none. */
export function parametersOf(
  loops: Pick<NormLoops, "allocate">,
  values: FloatArray | null,
  { length, period, run }: NormLayout,
  otherwise: number,
): FloatArray {
  return values ?? loops.allocate(period * (length / run)).fill(otherwise);
}

/** Sums over the sets [first, end) of ĝ = g · weight and of ĝ · x̂; the first entries are of the first set. */
export interface SetSums {
  readonly gradXhat: Float64Array;
  readonly gradXhatXhat: Float64Array;
}

/** From sums of runs to those of sets, and, added to them, those of parameters, the first of which is number `base`. */
export function addRunSums(
  { sums, dots }: RunSums,
  first: number,
  end: number,
  { length, period, run }: NormLayout,
  { rstd }: NormStatistics,
  weight: FloatArray,
  { gradXhat, gradXhatXhat }: SetSums,
  { gradWeight, gradBias }: NormSums,
  base: number,
): void {
  const runs = length / run;
  const parameters = period * runs;
  let p = (first % period) * runs;
  for (let s = first, k = 0; s < end; s++) {
    const r = rstd[s - first]!;
    let viaMean = 0;
    let viaRstd = 0;
    for (const last = p + runs; p < last; p++, k++) {
      const sum = sums[k]!;
      const product = dots[k]! * r;
      viaMean += weight[p]! * sum;
      viaRstd += weight[p]! * product;
      gradBias[p - base]! += sum;
      gradWeight[p - base]! += product;
    }
    if (p === parameters) p = 0;
    gradXhat[s - first] = viaMean;
    gradXhatXhat[s - first] = viaRstd;
  }
}
