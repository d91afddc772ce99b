/** The norms of sets of a few cells each, which lie side by side: LayerNorm of short rows, InstanceNorm of few positions. */
import type { FloatArray } from "../floatArray.ts";
import type { NormGradients, NormLayout, NormNeeds, NormOptions, NormStatistics } from "../normLayout.ts";
import { LateStatistics } from "../normMoments.ts";
import { ModuleBuilder } from "./assembler.ts";
import { float32Lanes, float64Lanes } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { instantiate, lazily } from "./memory.ts";
import { BIAS, CELLS, CHUNK_BYTES, GRAD_BIAS, GRAD_OUTPUT, GRAD_WEIGHT, WEIGHT } from "./normScratch.ts";
import { addShortSets } from "./normShortSets.ts";
import type { ShortSetExports } from "./normShortSets.ts";
import { allocateLike } from "./savedStatistics.ts";

const kernelsOf = (lanes: Lanes) => (): ReturnType<typeof instantiate<ShortSetExports>> => {
  const module = new ModuleBuilder();
  addShortSets(module, lanes);
  return instantiate<ShortSetExports>(module);
};
const float32Kernels = /* @__PURE__ */ lazily(/* @__PURE__ */ kernelsOf(float32Lanes));
const float64Kernels = /* @__PURE__ */ lazily(/* @__PURE__ */ kernelsOf(float64Lanes));

/** Fewer cells gain nothing, and longer sets have faster kernels. */
const FEWEST_CELLS = 512;
const LONGEST_SET = 23;

/** How a call is cut into chunks. */
interface Plan {
  readonly kernels: ShortSetExports;
  readonly cells: FloatArray;
  readonly float64: Float64Array;
  /** Bytes of a cell. */
  readonly bytes: number;
  /** Sets of a chunk: whole groups of as many sets as a vector has lanes. */
  readonly together: number;
  /** For each parameter of a vector, the number that it has in arrays. */
  readonly parameters: Uint32Array;
}

function planFor(x: FloatArray, { repeats, length, period, run }: NormLayout): Plan | null {
  if (repeats !== 1 || length > LONGEST_SET || x.length < FEWEST_CELLS) return null;
  const bytes = x.BYTES_PER_ELEMENT;
  if (length === 1 && bytes === 8) return null; // a root for every two cells costs more than it gains
  const lanes = 16 / bytes;
  // A set of each number in each lane, all cells.
  const different = period * (period % lanes === 0 ? 1 : period % 2 === 0 ? lanes / 2 : lanes);
  if (different * length * bytes > CHUNK_BYTES) return null;
  const instance = bytes === 4 ? float32Kernels() : float64Kernels();
  if (instance === null) return null;
  const { exports: kernels, float32, float64 } = instance;
  const parameters = new Uint32Array(different * length);
  for (let i = 0; i < parameters.length; i++) {
    const l = Math.floor(i / lanes) % length;
    const set = Math.floor(i / (lanes * length)) * lanes + (i % lanes);
    parameters[i] = (set % period) * (length / run) + Math.floor(l / run);
  }
  const together = lanes * Math.floor(CHUNK_BYTES / 4 / (lanes * bytes * length));
  return { kernels, cells: bytes === 4 ? float32 : float64, float64, bytes, together, parameters };
}

/** As normForward; null where another kernel is to be called. */
export function shortSetForward(
  x: FloatArray,
  weight: FloatArray | null,
  bias: FloatArray | null,
  layout: NormLayout,
  options: NormOptions,
): { readonly output: FloatArray; readonly saved: NormStatistics } | null {
  const plan = planFor(x, layout);
  if (plan === null) return null;
  const output = allocateLike(x);
  writeParameters(plan, WEIGHT, weight, 1);
  writeParameters(plan, BIAS, bias, 0);
  if (!walk(plan, "forwardShortSets", [[CELLS, x]], output, layout, options)) return null;
  return { output, saved: new LateStatistics(x, layout, options) };
}

/** As normBackward; null where another kernel is to be called. */
export function shortSetBackward(
  gradOutput: FloatArray,
  x: FloatArray,
  weight: FloatArray | null,
  saved: NormStatistics,
  layout: NormLayout,
  needs: NormNeeds,
  { centered }: Pick<NormOptions, "centered">,
): NormGradients | null {
  const plan = saved instanceof LateStatistics ? planFor(x, layout) : null;
  if (plan === null || !(saved instanceof LateStatistics)) return null;
  const { float64, parameters } = plan;
  const gradInput = needs.gradInput ? allocateLike(x) : null;
  writeParameters(plan, WEIGHT, weight, 1);
  float64.fill(0, GRAD_BIAS / 8, GRAD_BIAS / 8 + parameters.length);
  float64.fill(0, GRAD_WEIGHT / 8, GRAD_WEIGHT / 8 + parameters.length);
  const inputs = [
    [CELLS, x],
    [GRAD_OUTPUT, gradOutput],
  ] as const;
  if (!walk(plan, "backwardShortSets", inputs, gradInput, layout, { eps: saved.eps, centered })) return null;
  return {
    gradInput,
    gradWeight: needs.gradWeight ? readSums(plan, GRAD_WEIGHT, layout) : null,
    gradBias: needs.gradBias ? readSums(plan, GRAD_BIAS, layout) : null,
  };
}

/** Whether all went well: float32 variances were usual. */
function walk(
  { kernels, cells, bytes, together, parameters }: Plan,
  kernel: keyof ShortSetExports,
  inputs: readonly (readonly [place: number, from: FloatArray])[],
  output: FloatArray | null,
  { sets, length }: NormLayout,
  { eps, centered }: NormOptions,
): boolean {
  const last = parameters.length * bytes;
  let unusual = 0;
  for (let first = 0; first < sets; first += together) {
    const start = first * length;
    const end = Math.min(sets, first + together) * length;
    for (const [place, from] of inputs) {
      const at = place / bytes;
      cells.set(end - start === from.length ? from : from.subarray(start, end), at);
      // The last group may have lanes without a set, which must not add to sums.
      cells.fill(0, at + end - start, at + end - start + 3 * length);
    }
    const parameter = (first * length * bytes) % last;
    unusual |= kernels[kernel]((end - start) / length, length, parameter, last, eps, centered ? 1 : 0);
    output?.set(cells.subarray(CELLS / bytes, CELLS / bytes + end - start), start);
  }
  return unusual === 0 || bytes === 8; // float64 bears them, and gives what the formula gives
}

function writeParameters(
  { cells, bytes, parameters }: Plan,
  place: number,
  values: FloatArray | null,
  otherwise: number,
): void {
  const at = place / bytes;
  if (values === null) cells.fill(otherwise, at, at + parameters.length);
  else for (let i = 0; i < parameters.length; i++) cells[at + i] = values[parameters[i]!]!;
}

function readSums(
  { float64, bytes, parameters }: Plan,
  place: number,
  { length, period, run }: NormLayout,
): FloatArray {
  const sums = new Float64Array(period * (length / run));
  for (let i = 0; i < parameters.length; i++) sums[parameters[i]!]! += float64[place / 8 + i]!;
  return bytes === 4 ? new Float32Array(sums) : sums;
}
