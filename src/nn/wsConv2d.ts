/**
 * A convolution whose weight is standardized. The formulas are in norms/weightStandardization.ts; this stands here since it
 * is a Conv2d, and the norms do not know nn.
 */
import { checkOptions } from "../autograd/checks.ts";
import { formatNumber } from "../autograd/format.ts";
import type { Tensor } from "../autograd/tensor.ts";
import type { NormCase } from "../norms/descriptor.ts";
import { weightStandardization, weightStandardizationCase } from "../norms/weightStandardization.ts";
import type { PairOption } from "./checks.ts";
import type { ConvLayerOptions } from "./convLayers.ts";
import { Conv2d, CONV_LAYER_OPTIONS } from "./convLayers.ts";
import { checkInPlaceOf } from "./weightedLayer.ts";

export interface WSConv2dOptions extends ConvLayerOptions<PairOption> {
  /** Default 1e-6, inside the root; with `unbiased` 1e-5, outside of it. */
  readonly eps?: number;
  /** The authors' convention: divide by n − 1, eps outside of the root. Default false, as timm's StdConv2d. */
  readonly unbiased?: boolean;
}

const KNOWN = [...CONV_LAYER_OPTIONS, "eps", "unbiased"] as const;

/**
 * A Conv2d that standardizes its weight in each forward: mean 0 and variance 1 for each output channel. As timm's StdConv2d;
 * with `unbiased: true` as the authors' Conv2d. The state holds the weight as it is learned, before it is standardized.
 *
 * @param options.eps default 1e-6, inside the root; with `unbiased` 1e-5, outside of it
 * @param options.unbiased divide by n − 1. Default false
 * @param options others as Conv2d's
 * @throws RangeError or TypeError if an option is out of range or of the wrong kind, or `unbiased` meets a single weight an
 *   output channel
 * @example
 * const layer = new WSConv2d(3, 8, 3, { padding: 1 });
 * Object.keys(layer.stateDict()); // ["weight", "bias"]
 * layer.forward(randn([2, 3, 5, 5])).shape; // [2, 8, 5, 5]
 */
export class WSConv2d extends Conv2d {
  readonly eps: number;
  readonly unbiased: boolean;

  constructor(inChannels: number, outChannels: number, kernelSize: PairOption, options: WSConv2dOptions = {}) {
    const { unbiased = false, eps = unbiased ? 1e-5 : 1e-6, ...others } = checkOptions("WSConv2d", options, KNOWN);
    super(inChannels, outChannels, kernelSize, others);
    this.eps = eps;
    this.unbiased = unbiased;
    weightStandardization(this.weight.detach(), { eps, unbiased }); // refuses here what it would refuse in forward
  }

  override forward(input: Tensor): Tensor {
    const { eps, unbiased } = this;
    return this.forwardWith(input, weightStandardization(this.weight, { eps, unbiased }));
  }

  /** The norm of its weight, for normPartition and explainBackward: what is normalized is the weight, not the input. */
  normCase(weight: Tensor = this.weight): { case: NormCase; inputs: readonly Tensor[] } {
    const { eps, unbiased } = this;
    const { shape } = checkInPlaceOf("WSConv2d", weight, this.weight);
    return { case: weightStandardizationCase(shape, { eps, unbiased }), inputs: [weight] };
  }

  protected override extraRepr(): string {
    return `${super.extraRepr()}, eps=${formatNumber(this.eps)}, unbiased=${this.unbiased}`;
  }
}
