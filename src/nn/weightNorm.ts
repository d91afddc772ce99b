/**
 * A layer whose weight is a length g times a direction v / ‖v‖. The formulas are in norms/weightNorm.ts; this stands here
 * since it wraps layers of nn, which the norms do not know.
 */
import { checkOptions } from "../autograd/checks.ts";
import { Module, Parameter } from "../autograd/module.ts";
import { normalizeDim, range } from "../autograd/shape.ts";
import { Tensor } from "../autograd/tensor.ts";
import type { NormCase } from "../norms/descriptor.ts";
import { weightNorm, weightNormCase, weightNormShape } from "../norms/weightNorm.ts";
import { checkInPlaceOf, checkWeighted } from "./weightedLayer.ts";
import type { WeightedLayer } from "./weightedLayer.ts";

/**
 * A layer that learns weightG and weightV in the place of its weight, which is weightG · weightV / ‖weightV‖ anew in each
 * forward. As torch.nn.utils.weight_norm(layer), and with its keys: bias, weight_g, weight_v. At first it computes what the
 * layer did.
 *
 * @param layer a Linear, Conv1d or Conv2d. It is taken over: its bias is shared, its weight is read once and then unused
 * @param options.dim the dim that keeps norms of its own; null: one norm for the whole weight. Default 0, the outputs
 * @throws TypeError if the layer is another one; RangeError if the dim is not there
 * @example
 * const layer = new WeightNorm(new Linear(3, 2));
 * Object.keys(layer.stateDict()); // ["bias", "weight_g", "weight_v"]
 * String(layer); // WeightNorm(Linear(inFeatures=3, outFeatures=2, bias=true), dim=0)
 * layer.forward(randn([5, 3])).shape; // [5, 2]
 */
export class WeightNorm extends Module {
  readonly dim: number | null;
  readonly bias: Parameter | null;
  readonly weightG: Parameter;
  readonly weightV: Parameter;
  /** Private by #, so that its weight is no parameter of this module. */
  readonly #layer: WeightedLayer;

  constructor(layer: WeightedLayer, options: { readonly dim?: number | null } = {}) {
    super();
    const { dim = 0 } = checkOptions("WeightNorm", options, ["dim"]);
    const { weight, bias } = checkWeighted("WeightNorm", layer);
    this.#layer = layer;
    this.dim = dim === null ? null : normalizeDim(dim, weight.ndim, "WeightNorm");
    this.bias = bias;
    const squares = weight.value.to("float64").square();
    const norms = squares
      .sum(
        range(weight.ndim).filter((i) => i !== this.dim),
        true,
      )
      .sqrt();
    this.weightG = new Parameter(new Tensor(norms.reshape(weightNormShape(weight.shape, this.dim)).to(weight.dtype)));
    this.weightV = new Parameter(weight.detach());
  }

  override forward(input: Tensor): Tensor {
    return this.#layer.forwardWith(input, weightNorm(this.weightV, this.weightG, { dim: this.dim }));
  }

  /** The norm of its weight, for normPartition and explainBackward: what is normalized is the weight, not the input. */
  normCase(weight: Tensor = this.weightV): { case: NormCase; inputs: readonly Tensor[] } {
    const { shape } = checkInPlaceOf("WeightNorm", weight, this.weightV);
    return { case: weightNormCase(shape, this), inputs: [weight, this.weightG] };
  }

  protected override extraRepr(): string {
    return `${String(this.#layer)}, dim=${String(this.dim)}`;
  }
}
