/** The kernels of norms, as ops take them: typed arrays on one side, arrays with shapes on the other. */
import { choose } from "../autograd/backend.ts";
import { NdArray } from "../autograd/ndarray.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import type { Tensor } from "../autograd/tensor.ts";
import * as kernels from "../kernels/norm.ts";
import type { NormGradients, NormLayout, NormNeeds, NormOptions, NormStatistics } from "../kernels/normLayout.ts";
import { rowNormBackward, rowNormForward } from "../kernels/rowNorm.ts";
import * as wasmFixed from "../kernels/wasm/fixedNorm.ts";
import * as wasm from "../kernels/wasm/norm.ts";
import * as wasmRows from "../kernels/wasm/rowNorm.ts";

/** Which gradients a backward is to compute: inputs that require none get null. */
export function needsOf(input: Tensor, weight: Tensor | null, bias: Tensor | null): NormNeeds {
  return {
    gradInput: input.requiresGrad,
    gradWeight: weight?.requiresGrad ?? false,
    gradBias: bias?.requiresGrad ?? false,
  };
}

export type NormPullback = (
  gradOutput: NdArray,
) => readonly [gradInput: NdArray | null, gradWeight: NdArray | null, gradBias: NdArray | null];

interface Pair {
  readonly forward: typeof kernels.normForward;
  readonly backward: typeof kernels.normBackward;
}
const inTypescript: Pair = { forward: kernels.normForward, backward: kernels.normBackward };
const inWasm: Pair = { forward: wasm.normForward, backward: wasm.normBackward };
const rowsInTypescript: Pair = { forward: rowNormForward, backward: rowNormBackward };
const rowsInWasm: Pair = { forward: wasmRows.rowNormForward, backward: wasmRows.rowNormBackward };

type Fixed = Pick<typeof kernels, "normalizeForward" | "normalizeBackward">;

type NormCall = readonly [
  x: NdArray,
  weight: NdArray | null,
  bias: NdArray | null,
  layout: NormLayout,
  options: NormOptions,
  needs: NormNeeds,
];

interface NormRun {
  readonly output: NdArray;
  readonly saved: NormStatistics;
  readonly pullback: NormPullback;
}

/** BatchNorm, GroupNorm or InstanceNorm, with the statistics of x. x must not be empty. */
export function runNormKernel(...call: NormCall): NormRun {
  return run(choose(inTypescript, inWasm), ...call);
}

/** LayerNorm or RMSNorm, whose layout is a rowLayout. x must not be empty. */
export function runRowNormKernel(...call: NormCall): NormRun {
  return run(choose(rowsInTypescript, rowsInWasm), ...call);
}

function run({ forward, backward }: Pair, ...[x, weight, bias, layout, options, needs]: NormCall): NormRun {
  const { output, saved } = forward(x.data, weight && weight.data, bias && bias.data, layout, options);
  return {
    output: new NdArray(output, x.shape),
    saved,
    pullback: (gradOutput) =>
      shaped(
        backward(gradOutput.data, x.data, weight && weight.data, saved, layout, needs, options),
        x,
        weight ?? bias,
      ),
  };
}

/** Normalization of [N, C, *] by statistics [C] that are given. x must not be empty. */
export function runNormalizeKernel(
  x: NdArray,
  mean: NdArray,
  variance: NdArray,
  weight: NdArray | null,
  bias: NdArray | null,
  { eps }: { readonly eps: number },
  needs: NormNeeds,
): Traced<NdArray, readonly [NdArray | null, null, null, NdArray | null, NdArray | null]> {
  const { normalizeForward, normalizeBackward } = choose<Fixed>(kernels, wasmFixed);
  const layout = batchLayout(x.shape);
  const statistics = {
    mean: new Float64Array(mean.data),
    correction: new Float64Array(mean.data.length),
    variance: new Float64Array(variance.data),
    rstd: Float64Array.from(variance.data, (value) => (value + eps === 0 ? 0 : 1 / Math.sqrt(value + eps))),
  };
  const output = normalizeForward(x.data, weight && weight.data, bias && bias.data, statistics, layout);
  return {
    output: new NdArray(output, x.shape),
    pullback: (gradOutput) => {
      const gradients = normalizeBackward(gradOutput.data, x.data, weight && weight.data, statistics, layout, needs);
      const [gradInput, gradWeight, gradBias] = shaped(gradients, x, weight ?? bias);
      return [gradInput, null, null, gradWeight, gradBias];
    },
  };
}

/** With the shapes of x and of its weight and bias. */
export function shaped(
  { gradInput, gradWeight, gradBias }: NormGradients,
  x: NdArray,
  parameter: NdArray | null,
): ReturnType<NormPullback> {
  const { shape } = parameter ?? x;
  return [
    gradInput && new NdArray(gradInput, x.shape),
    gradWeight && new NdArray(gradWeight, shape),
    gradBias && new NdArray(gradBias, shape),
  ];
}

/** Rows of all normalized dims, each cell with a weight of its own. */
export function rowLayout(shape: Shape, normalizedShape: Shape): NormLayout {
  const length = sizeOf(normalizedShape);
  return { repeats: 1, sets: sizeOf(shape) / length, length, period: 1, run: 1 };
}

/** A channel of all samples. */
export function batchLayout([samples = 0, channels = 0, ...positions]: Shape): NormLayout {
  const run = sizeOf(positions);
  return { repeats: samples, sets: channels, length: run, period: channels, run };
}

/** C / numGroups channels of one sample. */
export function groupLayout([samples = 0, channels = 0, ...positions]: Shape, numGroups: number): NormLayout {
  const run = sizeOf(positions);
  return { repeats: 1, sets: samples * numGroups, length: (channels / numGroups) * run, period: numGroups, run };
}
