/**
 * Initial weights, as torch.nn.init draws them, but answered as new tensors.
 *
 * A weight of shape [out, in, ...kernel] has fanIn = in · Π kernel and fanOut = out · Π kernel. With the gain of the
 * nonlinearity that follows, a layer keeps the variance
 *
 *   kaiming   of the signal (mode "fan_in") or of the gradient ("fan_out"):  σ = gain / √fan
 *   xavier    of both, as a compromise:                                      σ = gain · √(2 / (fanIn + fanOut))
 *
 * and the uniform distribution on [−b, b) has the standard deviation σ for b = √3 · σ.
 *
 * He et al. (2015), https://arxiv.org/abs/1502.01852; Glorot & Bengio (2010), https://proceedings.mlr.press/v9/glorot10a
 */
import { checkOptions } from "../autograd/checks.ts";
import { rand, randn } from "../autograd/creation.ts";
import { describeValue } from "../autograd/format.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Generator } from "../autograd/random.ts";
import { checkList, formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";

/** What every function and layer that draws numbers takes. */
export interface DrawOptions {
  /** Default: the one that `manualSeed` seeds. */
  readonly generator?: Generator | undefined;
  /** Default: the default dtype, float64. */
  readonly dtype?: Dtype | undefined;
}

/** PyTorch's names of the functions that may follow a layer. */
export type Nonlinearity = "linear" | "conv1d" | "conv2d" | "sigmoid" | "tanh" | "relu" | "leaky_relu" | "selu";

export interface KaimingOptions extends DrawOptions {
  /** Whose variance is kept: that of the signal ("fan_in", the default) or that of the gradient ("fan_out"). */
  readonly mode?: "fan_in" | "fan_out";
  /** What follows the layer. Default "leaky_relu", which with a = 0 is the ReLU. */
  readonly nonlinearity?: Nonlinearity;
  /** Slope of the leaky ReLU for negative numbers. Default 0. */
  readonly a?: number;
}

export interface XavierOptions extends DrawOptions {
  /** See `calculateGain`. Default 1. */
  readonly gain?: number;
}

const gains: Readonly<Record<Nonlinearity, (slope: number) => number>> = {
  linear: () => 1,
  conv1d: () => 1,
  conv2d: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  leaky_relu: (slope) => Math.sqrt(2 / (1 + slope * slope)),
  selu: () => 3 / 4,
};

/**
 * The factor by which weights must be larger when a nonlinearity follows: torch.nn.init.calculate_gain.
 *
 *   linear, conv1d, conv2d, sigmoid 1 · tanh 5/3 · relu √2 · leaky_relu √(2 / (1 + slope²)) · selu 3/4
 *
 * @param nonlinearity PyTorch's name of it
 * @param slope of the leaky ReLU for negative numbers. Default 0.01
 * @throws TypeError if there is no such nonlinearity, or the slope is not a finite number
 * @example
 * calculateGain("relu"); // 1.4142135623730951
 */
export function calculateGain(nonlinearity: Nonlinearity, slope = 0.01): number {
  if (!Object.hasOwn(gains, nonlinearity)) {
    throw new TypeError(
      `calculateGain: expected one of ${Object.keys(gains).join(", ")} as nonlinearity, got ${String(nonlinearity)}`,
    );
  }
  if (!Number.isFinite(slope))
    throw new TypeError(`calculateGain: expected a finite slope, got ${describeValue(slope)}`);
  return gains[nonlinearity](slope);
}

/**
 * Uniform on [−b, b) with b = gain · √(3 / fan): torch.nn.init.kaiming_uniform_.
 *
 * @param shape [out, in, ...kernel]
 * @param options.mode "fan_in" (default) or "fan_out"
 * @param options.nonlinearity, options.a decide the gain. Default "leaky_relu" with a = 0, whose gain is √2
 * @returns a new tensor, float64 by default (PyTorch: float32)
 * @throws RangeError if the shape has fewer than two dims; TypeError for an unknown mode or nonlinearity
 * @example
 * kaimingUniform([8, 3, 3, 3], { nonlinearity: "relu", generator: new Generator(0) });
 */
export function kaimingUniform(shape: Shape, options: KaimingOptions = {}): Tensor {
  return uniform(shape, Math.sqrt(3) * kaimingStd("kaimingUniform", shape, options), options);
}

/**
 * Normal with mean 0 and σ = gain / √fan: torch.nn.init.kaiming_normal_. Options as `kaimingUniform`.
 *
 * @example
 * kaimingNormal([128, 64], { mode: "fan_out", nonlinearity: "relu" });
 */
export function kaimingNormal(shape: Shape, options: KaimingOptions = {}): Tensor {
  return normal(shape, kaimingStd("kaimingNormal", shape, options), options);
}

/**
 * Uniform on [−b, b) with b = gain · √(6 / (fanIn + fanOut)): torch.nn.init.xavier_uniform_.
 *
 * @param shape [out, in, ...kernel]
 * @param options.gain default 1
 * @returns a new tensor, float64 by default (PyTorch: float32)
 * @throws RangeError if the shape has fewer than two dims
 * @example
 * xavierUniform([10, 64], { gain: calculateGain("tanh") });
 */
export function xavierUniform(shape: Shape, options: XavierOptions = {}): Tensor {
  return uniform(shape, Math.sqrt(3) * xavierStd("xavierUniform", shape, options), options);
}

/**
 * Normal with mean 0 and σ = gain · √(2 / (fanIn + fanOut)): torch.nn.init.xavier_normal_. Options as `xavierUniform`.
 *
 * @example
 * xavierNormal([10, 64]);
 */
export function xavierNormal(shape: Shape, options: XavierOptions = {}): Tensor {
  return normal(shape, xavierStd("xavierNormal", shape, options), options);
}

/** The weight with which Linear and the convolutions begin: kaimingUniform with a = √5, uniform within 1/√fanIn. */
export function defaultWeight(shape: Shape, { generator, dtype }: DrawOptions = {}): Tensor {
  return kaimingUniform(shape, { a: Math.sqrt(5), generator, dtype });
}

/** The bias with which they begin: uniform within 1/√fanIn of their weight. */
export function defaultBias(weightShape: Shape, options: DrawOptions = {}): Tensor {
  const { fanIn } = fans("defaultBias", weightShape);
  return uniform(weightShape.slice(0, 1), 1 / Math.sqrt(fanIn), options);
}

function kaimingStd(name: string, shape: Shape, options: KaimingOptions): number {
  const {
    mode = "fan_in",
    nonlinearity = "leaky_relu",
    a = 0,
  } = checkOptions(name, options, ["mode", "nonlinearity", "a", "generator", "dtype"]);
  if (mode !== "fan_in" && mode !== "fan_out") {
    throw new TypeError(`${name}: expected mode "fan_in" or "fan_out", got ${String(mode)}`);
  }
  const { fanIn, fanOut } = fans(name, shape);
  return calculateGain(nonlinearity, a) / Math.sqrt(mode === "fan_in" ? fanIn : fanOut);
}

function xavierStd(name: string, shape: Shape, options: XavierOptions): number {
  const { gain = 1 } = checkOptions(name, options, ["gain", "generator", "dtype"]);
  if (!Number.isFinite(gain)) throw new TypeError(`${name}: expected a finite gain, got ${describeValue(gain)}`);
  const { fanIn, fanOut } = fans(name, shape);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

function fans(name: string, shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  const [outputs, inputs, ...kernel] = checkList(name, "a shape", shape);
  if (outputs === undefined || inputs === undefined) {
    throw new RangeError(
      `${name}: expected a shape [out, in, ...kernel] of at least two dims, got ${formatShape(shape)}`,
    );
  }
  return { fanIn: inputs * sizeOf(kernel), fanOut: outputs * sizeOf(kernel) };
}

/** Uniform on [−bound, bound). */
export function uniform(shape: Shape, bound: number, options: DrawOptions): Tensor {
  return rand(shape, drawOptions(options)).mul(2).sub(1).mul(bound);
}

/** Normal with mean 0 and this standard deviation. */
export function normal(shape: Shape, std: number, options: DrawOptions): Tensor {
  return randn(shape, drawOptions(options)).mul(std);
}

/** Without the entries that are left out. */
function drawOptions({ generator, dtype }: DrawOptions): { generator?: Generator; dtype?: Dtype } {
  return { ...(generator !== undefined && { generator }), ...(dtype !== undefined && { dtype }) };
}
