/**
 * Adaptive layer normalization, as diffusion transformers use it. Peebles, Xie (2023), https://arxiv.org/abs/2212.09748
 *
 *   μ    = mean(x)                   over the last dim
 *   σ²   = mean((x − μ)²)            biased
 *   rstd = 1 / √(σ² + ε)             ε inside the root; 0 where σ² + ε = 0
 *   x̂    = (x − μ) · rstd
 *   y    = x̂ · (1 + scale) + shift   scale and shift of the sample, at all of its positions
 *
 * Shapes: x, y [N, *, C]; scale, shift [N, C]; μ, rstd [N, *, 1].
 *
 * Backward, with g = ∂L/∂y, ĝ = g · (1 + scale), and ⟨·⟩ the mean over the last dim:
 *
 *   1. ∂L/∂shift = Σ g               over the positions
 *   2. ∂L/∂scale = Σ g · x̂           over the positions
 *   3. x reaches x̂ directly, through μ and through rstd; together
 *          dx̂ = rstd · (dx − ⟨dx⟩ − x̂ · ⟨x̂ · dx⟩)
 *      As a matrix this is rstd · (I − 11ᵀ/C − x̂x̂ᵀ/C). It is symmetric, so its transpose is itself:
 *          ∂L/∂x = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩)
 */
import { checkOptions } from "../autograd/checks.ts";
import { zeros } from "../autograd/creation.ts";
import { describeValue, formatNumber } from "../autograd/format.ts";
import { Module, Parameter } from "../autograd/module.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkCount, checkEps } from "./checks.ts";
import { Norm } from "./descriptor.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface AdaptiveLayerNormOptions {
  readonly eps: number;
}

/** What the backward reads. */
export interface AdaptiveLayerNormSaved<A> {
  readonly xhat: A;
  readonly rstd: A;
  /** 1 + scale, [N, 1, …, C] */
  readonly factor: A;
}

/** [N, 1, …, C]: the shape in which scale and shift meet x. */
function modulationShape(shape: Shape): number[] {
  return shape.map((size, dim) => (dim === 0 || dim === shape.length - 1 ? size : 1));
}

/** The dims between the batch and the features. */
function positionDims(shape: Shape): number[] {
  return range(shape.length).slice(1, -1);
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; shapes are
 * not checked.
 *
 * @param x [N, *, C]
 * @param scale [N, C]
 * @param shift [N, C]
 * @returns output, of x's shape, and what adaptiveLayerNormBackward reads: xhat of x's shape, rstd [N, *, 1]
 * @example
 * const [x, scale, shift] = [tensor([[1, 3]]).value, tensor([[1, 2]]).value, tensor([[10, 0]]).value];
 * const { output, saved } = adaptiveLayerNormForward(x, scale, shift, { eps: 0 });
 * saved.xhat.data; // [-1, 1]
 * output.data; // [8, 3]
 */
export function adaptiveLayerNormForward<A extends Num<A>>(
  x: A,
  scale: A,
  shift: A,
  { eps }: AdaptiveLayerNormOptions,
): { readonly output: A; readonly saved: AdaptiveLayerNormSaved<A> } {
  const perSample = modulationShape(x.shape);
  const centered = x.center([-1]); // x − μ, without the rounding error of μ
  const rstd = centered.square().mean([-1], true).add(eps).rsqrtOrZero();
  const xhat = centered.mul(rstd);
  const factor = scale.reshape(perSample).add(1);
  return { output: xhat.mul(factor).add(shift.reshape(perSample)), saved: { xhat, rstd, factor } };
}

/**
 * The backward pass: one gradient per input, in input order.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as adaptiveLayerNormForward returned it
 * @returns gradInput of x's shape; gradScale and gradShift [N, C]
 * @example
 * const [x, scale, shift] = [tensor([[1, 3]]).value, tensor([[1, 2]]).value, tensor([[10, 0]]).value];
 * const { saved } = adaptiveLayerNormForward(x, scale, shift, { eps: 1 });
 * const [gradInput, gradScale, gradShift] = adaptiveLayerNormBackward(tensor([[1, 0]]).value, saved);
 * gradInput.data; // [0.3536, -0.3536]: they sum to 0
 * gradScale.data; // [-0.7071, 0]
 * gradShift.data; // [1, 0]
 */
export function adaptiveLayerNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, factor }: AdaptiveLayerNormSaved<A>,
): readonly [gradInput: A, gradScale: A, gradShift: A] {
  const positions = positionDims(gradOutput.shape);
  const sum = (array: A): A => (positions.length === 0 ? array : array.sum(positions)); // no dims would be all dims
  const gradXhat = gradOutput.mul(factor);
  const viaMean = gradXhat.mean([-1], true);
  const viaRstd = xhat.mul(gradXhat.mul(xhat).mean([-1], true));
  return [gradXhat.sub(viaMean).sub(viaRstd).mul(rstd), sum(gradOutput.mul(xhat)), sum(gradOutput)];
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as adaptiveLayerNormForward returned it
 * @example
 * const [x, scale, shift] = [tensor([[1, 3]]).value, tensor([[1, 2]]).value, tensor([[10, 0]]).value];
 * const { saved } = adaptiveLayerNormForward(x, scale, shift, { eps: 1 });
 * const { direct, viaMean, viaVariance } = adaptiveLayerNormTerms(tensor([[1, 0]]).value, saved);
 * direct.data; // [1.4142, 0]
 * viaMean.data; // [-0.7071, -0.7071]
 * viaVariance.data; // [-0.3536, 0.3536]
 */
export function adaptiveLayerNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, factor }: AdaptiveLayerNormSaved<A>,
): NormTerms<A> {
  const gradXhat = gradOutput.mul(factor);
  return {
    direct: gradXhat.mul(rstd),
    viaMean: gradXhat.mean([-1], true).mul(rstd).neg().expand(gradOutput.shape),
    viaVariance: xhat
      .mul(gradXhat.mul(xhat).mean([-1], true))
      .mul(rstd)
      .neg(),
  };
}

/**
 * Adaptive layer normalization: y = LN(x) · (1 + scale) + shift, with the mean and the biased variance of the last dim,
 * and a scale and a shift of its own for each sample. As DiT's modulate(LayerNorm(x), shift, scale), whose arguments
 * stand in the other order. A constant slice with eps = 0 gives y = shift. float32 is computed in float64.
 *
 * @param input [N, *, C]
 * @param scale [N, C], added to 1
 * @param shift [N, C]
 * @param options.eps added to the variance inside the root. Default 1e-6, as in DiT; LayerNorm's is 1e-5
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape does not fit or eps is negative; TypeError if dtypes differ
 * @example
 * adaptiveLayerNorm(tensor([[1, 3]]), tensor([[1, 2]]), tensor([[10, 0]]), { eps: 0 }); // [[8, 3]]
 */
export function adaptiveLayerNorm(
  input: Tensor,
  scale: Tensor,
  shift: Tensor,
  options: { readonly eps?: number } = {},
): Tensor {
  const { eps = 1e-6 } = checkOptions("adaptiveLayerNorm", options, ["eps"]);
  checkAdaptiveLayerNorm(input, { scale, shift }, eps);
  const rule = <A extends Num<A>>(
    x: A,
    scale: A,
    shift: A,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A, A] } => {
    const { output, saved } = adaptiveLayerNormForward(x, scale, shift, { eps });
    return { output, pullback: (gradOutput) => adaptiveLayerNormBackward(gradOutput, saved) };
  };
  return apply("adaptiveLayerNorm", { rule, computeIn: "float64", attributes: { eps } }, input, scale, shift);
}

/** Which comes first where one map makes both: the shift (DiT), or the scale (diffusers' AdaLayerNorm). */
export type ModulationOrder = "shiftScale" | "scaleShift";

/** x · weightᵀ + bias, which begins as 0 for every x. Norms do not import layers. */
class ZeroLinear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(inFeatures: number, outFeatures: number, made: { readonly dtype?: Dtype }) {
    super();
    this.weight = new Parameter(zeros([outFeatures, inFeatures], made));
    this.bias = new Parameter(zeros([outFeatures], made));
  }

  override forward(input: Tensor): Tensor {
    return input.matmul(this.weight.transpose(0, 1)).add(this.bias);
  }

  protected override extraRepr(): string {
    return this.weight.shape.toReversed().join(", ");
  }
}

/**
 * Adaptive layer normalization (AdaLN) whose scale and shift are a learned function of a condition, such as the embedding
 * of a time step or a label: (shift, scale) = linear(silu(condition)), the first half the shift, as in DiT's final layer.
 * The linear map begins at zero, so that the layer begins as LayerNorm without parameters.
 *
 * Its state has diffusers' names, `linear.weight` and `linear.bias` (DiT's are `adaLN_modulation.1.weight` and `.bias`), and
 * a state of the other order loads without an error: choose the order. In diffusers AdaLayerNorm and
 * AdaLayerNormContinuous have the SCALE first, and AdaLayerNorm the shift only with chunk_dim = 1 (CogVideoX, OmniGen);
 * their eps is 1e-5. So for those `{ order: "scaleShift", eps: 1e-5 }`.
 *
 * @param numFeatures the size of the input's last dim, C
 * @param conditionFeatures the size of a condition
 * @param options.eps added to the variance inside the root. Default 1e-6
 * @param options.order which half of the linear map's output is which: "shiftScale" (default) or "scaleShift"
 * @param options.dtype of the parameters. Default: the default dtype, float64
 * @throws RangeError if a count is no positive whole number, eps negative, or the order another one
 * @example
 * const norm = new AdaptiveLayerNorm(4, 8);
 * norm.forward(tensor([[1, 2, 4, 8]]), randn([1, 8])); // [[-1.0258, -0.6528, 0.0933, 1.5853]]: LayerNorm, at first
 * norm.linear.weight.shape; // [8, 8]: 2 · 4 rows
 */
export class AdaptiveLayerNorm extends Norm<readonly [input: Tensor, condition: Tensor]> {
  readonly numFeatures: number;
  readonly conditionFeatures: number;
  readonly eps: number;
  readonly order: ModulationOrder;
  /** [conditionFeatures] → [2 · numFeatures]: the shift, then the scale; or the other way round. */
  readonly linear: Module & { readonly weight: Parameter; readonly bias: Parameter };

  constructor(
    numFeatures: number,
    conditionFeatures: number,
    options: { readonly eps?: number; readonly order?: ModulationOrder; readonly dtype?: Dtype | undefined } = {},
  ) {
    super();
    const {
      eps = 1e-6,
      order = "shiftScale",
      dtype,
    } = checkOptions("AdaptiveLayerNorm", options, ["eps", "order", "dtype"]);
    this.numFeatures = checkCount("AdaptiveLayerNorm", "numFeatures", numFeatures);
    this.conditionFeatures = checkCount("AdaptiveLayerNorm", "conditionFeatures", conditionFeatures);
    this.eps = checkEps("AdaptiveLayerNorm", eps);
    this.order = checkOrder("AdaptiveLayerNorm", order);
    this.linear = new ZeroLinear(conditionFeatures, 2 * numFeatures, dtype === undefined ? {} : { dtype });
  }

  /**
   * @param input [N, *, numFeatures]
   * @param condition [N, conditionFeatures]
   */
  override forward(input: Tensor, condition: Tensor): Tensor {
    const [scale, shift] = this.modulation(input, condition);
    return adaptiveLayerNorm(input, scale, shift, { eps: this.eps });
  }

  /** Without a condition it is one of zeros. */
  override normCase(
    input: Tensor,
    condition: Tensor = this.noCondition(input),
  ): { case: NormCase; inputs: readonly Tensor[] } {
    const [scale, shift] = this.modulation(input, condition);
    checkAdaptiveLayerNorm(input, { scale, shift }, this.eps);
    return { case: adaptiveLayerNormCase(input.shape, this), inputs: [input, scale, shift] };
  }

  protected override extraRepr(): string {
    const order = this.order === "shiftScale" ? "" : `, order=${this.order}`;
    return `${this.numFeatures}, ${this.conditionFeatures}, eps=${formatNumber(this.eps)}${order}`;
  }

  private noCondition(input: Tensor): Tensor {
    const { shape } = checkTensor("AdaptiveLayerNorm", "input", input);
    return zeros([shape[0] ?? 0, this.conditionFeatures], { dtype: this.linear.weight.dtype });
  }

  private modulation(input: Tensor, condition: Tensor): readonly [scale: Tensor, shift: Tensor] {
    const { numFeatures, conditionFeatures } = this;
    const { shape } = checkTensor("AdaptiveLayerNorm", "condition", condition);
    const samples = checkTensor("AdaptiveLayerNorm", "input", input).shape[0];
    if (shape.length !== 2 || shape[0] !== samples || shape[1] !== conditionFeatures) {
      throw new RangeError(
        `AdaptiveLayerNorm: expected condition [${samples}, ${conditionFeatures}] for ` +
          `input ${formatShape(input.shape)}, got ${formatShape(shape)}`,
      );
    }
    const modulation = this.linear.forward(condition.mul(condition.sigmoid())); // silu(c) = c · σ(c)
    const [first, second] = [modulation.slice(1, 0, numFeatures), modulation.slice(1, numFeatures)];
    return this.order === "scaleShift" ? [first, second] : [second, first];
  }
}

/** There is one: scale and shift are always there. */
export const adaptiveLayerNormDescriptor: NormDescriptor = {
  name: "adaptiveLayerNorm",
  cases: (shape, eps = 1e-5) => (shape.length < 2 ? [] : [adaptiveLayerNormCase(shape, { eps })]),
};

function adaptiveLayerNormCase(shape: Shape, { eps }: AdaptiveLayerNormOptions): NormCase {
  const [samples = 0] = shape;
  const features = shape.at(-1) ?? 0;
  const split = <A>(inputs: readonly A[]): readonly [x: A, scale: A, shift: A] => {
    const [x, scale, shift] = inputs;
    if (x === undefined || scale === undefined || shift === undefined || inputs.length !== 3) {
      throw new RangeError(`normCase: expected 3 inputs, got ${inputs.length}`);
    }
    return [x, scale, shift];
  };
  return {
    norm: "adaptiveLayerNorm",
    label: "scale, shift",
    inputs: [
      { name: "x", shape: [...shape] },
      { name: "scale", shape: [samples, features] },
      { name: "shift", shape: [samples, features] },
    ],
    partition: Int32Array.from({ length: sizeOf(shape) }, (_, cell) => Math.floor(cell / features)),
    trace: (inputs) => {
      const { output, saved } = adaptiveLayerNormForward(...split(inputs), { eps });
      return {
        output,
        pullback: (gradOutput) => adaptiveLayerNormBackward(gradOutput, saved),
        terms: (gradOutput) => adaptiveLayerNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => adaptiveLayerNorm(...split(inputs), { eps }),
  };
}

function checkOrder(name: string, order: ModulationOrder): ModulationOrder {
  if (order === "shiftScale" || order === "scaleShift") return order;
  throw new RangeError(`${name}: expected order "shiftScale" or "scaleShift", got ${describeValue(order)}`);
}

function checkAdaptiveLayerNorm(
  input: Tensor,
  modulation: { readonly scale: Tensor; readonly shift: Tensor },
  eps: number,
): void {
  checkEps("adaptiveLayerNorm", eps);
  const [samples, ...rest] = checkTensor("adaptiveLayerNorm", "input", input).shape;
  const features = rest.at(-1);
  if (samples === undefined || features === undefined) {
    throw new RangeError(`adaptiveLayerNorm: expected input [N, *, C], got shape ${formatShape(input.shape)}`);
  }
  for (const [name, array] of Object.entries(modulation)) {
    if (!sameShape(checkTensor("adaptiveLayerNorm", name, array).shape, [samples, features])) {
      throw new RangeError(
        `adaptiveLayerNorm: expected ${name} [N, C] = ${formatShape([samples, features])} for ` +
          `input ${formatShape(input.shape)}, got ${formatShape(array.shape)}`,
      );
    }
  }
}
