/**
 * A layer whose weight is divided by its largest singular value. The formulas are in norms/spectralNorm.ts; this stands
 * here since it wraps layers of nn, which the norms do not know.
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { randn } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Buffer, Module, Parameter } from "../autograd/module.ts";
import type { Generator } from "../autograd/random.ts";
import { normalizeDim } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkEps } from "../norms/checks.ts";
import type { NormCase } from "../norms/descriptor.ts";
import { checkPowerOrder, powerIteration, spectralNorm, spectralNormCase } from "../norms/spectralNorm.ts";
import type { PowerOrder } from "../norms/spectralNorm.ts";
import { checkCount } from "./checks.ts";
import { checkInPlaceOf, checkWeighted } from "./weightedLayer.ts";
import type { WeightedLayer } from "./weightedLayer.ts";

export interface SpectralNormModuleOptions {
  readonly nPowerIterations?: number;
  readonly eps?: number;
  readonly dim?: number;
  readonly order?: PowerOrder;
  readonly generator?: Generator;
}

/** As PyTorch's parametrization does at its construction. */
const FIRST_ITERATIONS = 15;

/**
 * A layer whose weight is weightOrig / σ, with σ an estimate of its largest singular value by power iteration, which goes on
 * in each forward in training and rests in evaluation. As torch.nn.utils.spectral_norm(layer), and with its keys: bias,
 * weight_orig, weight_u, weight_v; or, with `order: "uThenV"`, as torch.nn.utils.parametrizations.spectral_norm computes.
 *
 * @param layer a Linear, Conv1d or Conv2d. It is taken over: its bias is shared, its weight is read once and then unused
 * @param options.nPowerIterations in each forward in training. Default 1
 * @param options.eps a norm below it is taken for it in the iteration. Default 1e-12
 * @param options.dim the dim of the outputs. Default 0
 * @param options.order "vThenU" (default), or "uThenV", which also makes 15 iterations at once
 * @param options.generator draws the first u and v. Default: the one that `manualSeed` seeds
 * @throws TypeError if the layer is another one; RangeError if an option is out of range
 * @example
 * const layer = new SpectralNorm(new Linear(3, 2));
 * Object.keys(layer.stateDict()); // ["bias", "weight_orig", "weight_u", "weight_v"]
 * layer.forward(randn([5, 3])).shape; // [5, 2]
 */
export class SpectralNorm extends Module {
  readonly nPowerIterations: number;
  readonly eps: number;
  readonly dim: number;
  readonly order: PowerOrder;
  readonly bias: Parameter | null;
  readonly weightOrig: Parameter;
  readonly weightU: Buffer;
  readonly weightV: Buffer;
  /** Private by #, so that its weight is no parameter of this module. */
  readonly #layer: WeightedLayer;

  constructor(layer: WeightedLayer, options: SpectralNormModuleOptions = {}) {
    super();
    const name = "SpectralNorm";
    const checked = checkOptions(name, options, ["nPowerIterations", "eps", "dim", "order", "generator"]);
    const { nPowerIterations = 1, eps = 1e-12, dim = 0, order = "vThenU", generator } = checked;
    const { weight, bias } = checkWeighted(name, layer);
    this.#layer = layer;
    this.nPowerIterations = checkCount(name, "nPowerIterations", nPowerIterations);
    this.eps = checkEps(name, eps);
    this.dim = normalizeDim(checkNumber(name, "dim", dim), weight.ndim, name);
    this.order = checkPowerOrder(name, order);
    this.bias = bias;
    this.weightOrig = new Parameter(weight.detach());
    this.weightOrig.requiresGrad = weight.requiresGrad;
    const m = weight.shape[this.dim] ?? 0;
    const draw = (size: number): Buffer => {
      const vector = randn([size], { dtype: weight.dtype, ...(generator && { generator }) });
      return new Buffer(vector.div(Math.max(eps, Math.hypot(...vector.data))));
    };
    this.weightU = draw(m);
    this.weightV = draw(weight.numel / m);
    if (order === "uThenV") {
      const [u, v] = this.iterate(FIRST_ITERATIONS);
      this.weightU.value = u.value;
      this.weightV.value = v.value;
    }
  }

  override forward(input: Tensor): Tensor {
    const [u, v] = this.vectors(this.weightOrig);
    const output = this.#layer.forwardWith(input, spectralNorm(this.weightOrig, u, v, { dim: this.dim }));
    // Not before: a call that throws has changed nothing.
    this.weightU.value = u.value;
    this.weightV.value = v.value;
    return output;
  }

  /** The norm of its weight, for normPartition and explainBackward: what is normalized is the weight, not the input. */
  normCase(weight: Tensor = this.weightOrig): { case: NormCase; inputs: readonly Tensor[] } {
    const { shape } = checkInPlaceOf("SpectralNorm", weight, this.weightOrig);
    const [u, v] = this.vectors(weight);
    return { case: spectralNormCase(shape, this.dim, [[...u.data], [...v.data]]), inputs: [weight] };
  }

  protected override extraRepr(): string {
    const { nPowerIterations, eps, dim, order } = this;
    const options = `nPowerIterations=${nPowerIterations}, eps=${formatNumber(eps)}, dim=${dim}, order=${order}`;
    return `${String(this.#layer)}, ${options}`;
  }

  /** As a forward uses them now: in training after further iterations. */
  private vectors(weight: Tensor): readonly [u: Tensor, v: Tensor] {
    return this.training ? this.iterate(this.nPowerIterations, weight) : [this.weightU, this.weightV];
  }

  private iterate(iterations: number, weight: Tensor = this.weightOrig): readonly [u: Tensor, v: Tensor] {
    const { weightU, weightV, dim, order, eps } = this;
    return powerIteration(weight, weightU, weightV, { dim, order, eps, iterations });
  }
}
