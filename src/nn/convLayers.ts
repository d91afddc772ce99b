/** Conv1d and Conv2d: convolutions that learn. */
import { checkOptions } from "../autograd/checks.ts";
import { Module, Parameter } from "../autograd/module.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkCount, formatOptions } from "./checks.ts";
import type { PairOption } from "./checks.ts";
import { convolve } from "./conv.ts";
import type { ConvOptions, LengthOption } from "./conv.ts";
import { checkPadding, spatialSizes } from "./convGeometry.ts";
import type { Padding, Sizes } from "./convGeometry.ts";
import { defaultBias, defaultWeight } from "./init.ts";
import type { DrawOptions } from "./init.ts";

/** What has a default in a layer whose sizes are of type `Size`. */
export interface ConvLayerOptions<Size> extends Omit<ConvOptions<Size>, "bias">, DrawOptions {
  /** Learn a bias. Default true. */
  readonly bias?: boolean;
}

export const CONV_LAYER_OPTIONS = ["stride", "padding", "dilation", "groups", "bias", "generator", "dtype"] as const;

/** What both have: parameters, checked options, and how they are printed. */
abstract class ConvLayer extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: Padding<readonly number[]>;
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly #spatial: 1 | 2;

  constructor(
    spatial: 1 | 2,
    inChannels: number,
    outChannels: number,
    kernelSize: Sizes,
    { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, generator, dtype }: ConvLayerOptions<Sizes>,
  ) {
    super();
    const name = `Conv${spatial}d`;
    this.#spatial = spatial;
    this.inChannels = checkCount(name, "inChannels", inChannels);
    this.outChannels = checkCount(name, "outChannels", outChannels);
    this.groups = checkCount(name, "groups", groups);
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new RangeError(
        `${name}: expected groups to divide inChannels ${inChannels} and outChannels ${outChannels}, got ${groups}`,
      );
    }
    this.kernelSize = spatialSizes(name, "kernelSize", spatial, kernelSize, 1);
    this.stride = spatialSizes(name, "stride", spatial, stride, 1);
    const checked = checkPadding(name, spatial, padding, this.stride);
    this.padding = padding === "valid" ? padding : checked;
    this.dilation = spatialSizes(name, "dilation", spatial, dilation, 1);
    const shape = [outChannels, inChannels / groups, ...this.kernelSize];
    this.weight = new Parameter(defaultWeight(shape, { generator, dtype }));
    this.bias = bias ? new Parameter(defaultBias(shape, { generator, dtype })) : null;
  }

  override forward(input: Tensor): Tensor {
    return this.forwardWith(input, this.weight);
  }

  /** The layer with another weight in the place of its own, as WeightNorm computes one. */
  forwardWith(input: Tensor, weight: Tensor): Tensor {
    return convolve(`conv${this.#spatial}d`, this.#spatial, input, weight, this);
  }

  protected override extraRepr(): string {
    const { kernelSize, stride, padding, dilation, groups } = this;
    const options = formatOptions({
      kernelSize,
      stride,
      ...((typeof padding === "string" || padding.some((size) => size !== 0)) && { padding }),
      ...(dilation.some((step) => step !== 1) && { dilation }),
      ...(groups !== 1 && { groups }),
      ...(this.bias === null && { bias: false }),
    });
    return `${this.inChannels}, ${this.outChannels}, ${options}`;
  }
}

/**
 * A learnable convolution over [height, width]: torch.nn.Conv2d. Weight [outChannels, inChannels / groups, ...kernelSize]
 * and bias [outChannels] begin uniform within 1/√(inChannels / groups · kernel cells).
 *
 * @param kernelSize a number, or [height, width]
 * @param options.stride, options.dilation a number, or [height, width]. Default 1
 * @param options.padding zeros on each side: a number, [height, width], "valid" (0) or "same" (an output of the input's
 *   size, for stride 1). Default 0
 * @param options.groups divides inChannels and outChannels. Default 1
 * @param options.bias default true
 * @param options.generator draws the initial numbers. Default: the one that `manualSeed` seeds
 * @param options.dtype of the parameters. Default: the default dtype, float64 (PyTorch: float32)
 * @throws RangeError or TypeError if an option is out of range or of the wrong kind
 * @example
 * const layer = new Conv2d(1, 8, 3, { padding: 1 });
 * String(layer); // Conv2d(1, 8, kernelSize=[3, 3], stride=[1, 1], padding=[1, 1])
 * layer.forward(randn([32, 1, 8, 8])).shape; // [32, 8, 8, 8]
 */
export class Conv2d extends ConvLayer {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: PairOption,
    options: ConvLayerOptions<PairOption> = {},
  ) {
    super(2, inChannels, outChannels, kernelSize, checkOptions("Conv2d", options, CONV_LAYER_OPTIONS));
  }
}

/**
 * A learnable convolution over [length]: torch.nn.Conv1d. Options as `Conv2d`, with one size instead of two.
 *
 * @example
 * const layer = new Conv1d(4, 8, 3, { padding: "same" });
 * String(layer); // Conv1d(4, 8, kernelSize=[3], stride=[1], padding=same)
 * layer.forward(randn([32, 4, 100])).shape; // [32, 8, 100]
 */
export class Conv1d extends ConvLayer {
  constructor(
    inChannels: number,
    outChannels: number,
    kernelSize: LengthOption,
    options: ConvLayerOptions<LengthOption> = {},
  ) {
    super(1, inChannels, outChannels, kernelSize, checkOptions("Conv1d", options, CONV_LAYER_OPTIONS));
  }
}
