/**
 * Filter response normalization with its thresholded linear unit (TLU). Singh, Krishnan (2020),
 * https://arxiv.org/abs/1911.09737
 *
 * For each sample and each channel, without a mean:
 *
 *   ν²   = mean(x²)                  over the n positions: every dim after the channels'
 *   r    = 1 / √(ν² + ε + |εₗ|)      ε and the learnable |εₗ| inside the root; 0 where there is nothing under it
 *   x̂    = x · r
 *   y    = x̂ · weight + bias
 *   z    = max(y, τ)                 the TLU; without τ, z = y
 *
 * Shapes: x, y, z [N, C, *]; weight, bias, τ [C]; εₗ [1]; ν², r [N, C, 1, …].
 *
 * Backward, with g = ∂L/∂z, ⟨·⟩ the mean over the n positions, and m = 1 where y > τ, else 0:
 *
 *   1. max passes g on to the larger one, and to τ where they are equal:
 *        ∂L/∂τ = Σ g · (1 − m)       over the batch and all positions       h = ∂L/∂y = g · m
 *   2. ∂L/∂bias = Σ h and ∂L/∂weight = Σ h · x̂      over the same
 *   3. With ĝ = h · weight = ∂L/∂x̂, the two paths from x to x̂:
 *        direct         x̂ moves by r · dx:                                              ∂L/∂x += r · ĝ
 *        through ν²     dν² = 2 ⟨x · dx⟩, dr = −½ r³ dν², and every x̂ moves by x · dr:  ∂L/∂x −= r · x̂ · ⟨ĝ · x̂⟩
 *      ∂L/∂x = r · (ĝ − x̂ · ⟨ĝ · x̂⟩)
 *   4. εₗ moves every r by −½ r³ sign(εₗ) dεₗ, and x̂ by x · dr = −½ r² x̂ sign(εₗ) dεₗ:
 *        ∂L/∂εₗ = −½ sign(εₗ) · Σ r² · ĝ · x̂      over everything;  sign(0) = 0
 */
import { checkBoolean, checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num, Values } from "../autograd/num.ts";
import { formatShape, range, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { channelPartition, channelShape, nonChannelDims } from "./channels.ts";
import { checkChannels, checkCount, checkEps, checkPerChannel } from "./checks.ts";
import { affineCombinations, affineLabel, Norm } from "./descriptor.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface FilterResponseNormOptions {
  readonly eps: number;
}

/** x and the parameters, null for one that is not there; their gradients have the same names. */
export interface FilterResponseInputs<A> {
  readonly x: A;
  readonly weight: A | null;
  readonly bias: A | null;
  readonly tau: A | null;
  readonly epsL: A | null;
}

/** What the backward reads. */
export interface FilterResponseNormSaved<A> extends Omit<FilterResponseInputs<A>, "x"> {
  readonly xhat: A;
  readonly r: A;
  /** 1 where y > τ, else 0; null without τ. */
  readonly above: A | null;
}

/**
 * The forward pass on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param inputs x [N, C, *]; weight, bias, tau [C] and epsL [1], each or null
 * @returns output, of x's shape, and what filterResponseNormBackward reads
 * @example
 * const x = tensor([[[1, -7]]]).value;
 * const inputs = { x, weight: null, bias: null, tau: tensor([-1]).value, epsL: null };
 * filterResponseNormForward(inputs, { eps: 0 }).output.data; // [0.2, -1]: −1.4 is below τ
 */
export function filterResponseNormForward<A extends Num<A>>(
  { x, weight, bias, tau, epsL }: FilterResponseInputs<A>,
  { eps }: FilterResponseNormOptions,
): { readonly output: A; readonly saved: FilterResponseNormSaved<A> } {
  const perChannel = channelShape(x.shape);
  const meanSquare = x.square().mean(range(x.ndim).slice(2), true).add(eps);
  const guarded = epsL === null ? meanSquare : meanSquare.add(epsL.abs().reshape(x.shape.map(() => 1)));
  const r = guarded.rsqrtOrZero();
  const xhat = x.mul(r);
  const scaled = weight === null ? xhat : xhat.mul(weight.reshape(perChannel));
  const y = bias === null ? scaled : scaled.add(bias.reshape(perChannel));
  if (tau === null) return { output: y, saved: { xhat, r, above: null, weight, bias, tau, epsL } };
  const { output, above } = largerOf(y, tau.reshape(perChannel).expand(y.shape));
  return { output, saved: { xhat, r, above, weight, bias, tau, epsL } };
}

/** max(y, τ) by choosing, as a product with a mask of 0 would make NaN of an infinity; and 1 where y was chosen, else 0. */
function largerOf<A extends Num<A>>(y: A, threshold: A): { readonly output: A; readonly above: A } {
  const size = sizeOf(y.shape);
  const both = y.reshape([size]).concat([threshold.reshape([size])], 0);
  const isAbove = (values: Values, i: number): boolean => {
    const [value = 0, least = 0] = [values[i], values[size + i]];
    return Number.isNaN(value) || value > least; // NaN must not vanish
  };
  const chosen = (values: Values): Int32Array =>
    Int32Array.from({ length: size }, (_, i) => (isAbove(values, i) ? i : size + i));
  return {
    output: both.take(chosen).reshape(y.shape),
    above: both.constant(
      (values) => Float64Array.from({ length: size }, (_, i) => Number(isAbove(values, i))),
      y.shape,
    ),
  };
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as filterResponseNormForward returned it
 * @returns gradients of the inputs by their names, each in its shape; null for one that is not there
 * @example
 * const x = tensor([[[1, -7]]]).value;
 * const inputs = { x, weight: null, bias: null, tau: tensor([-1]).value, epsL: null };
 * const { saved } = filterResponseNormForward(inputs, { eps: 0 });
 * const gradients = filterResponseNormBackward(tensor([[[10, 100]]]).value, saved);
 * gradients.x.data; // [1.96, 0.28]
 * gradients.tau?.data; // [100]
 */
export function filterResponseNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, r, above, weight, bias, tau, epsL }: FilterResponseNormSaved<A>,
): FilterResponseInputs<A> {
  const { shape } = gradOutput;
  const positions = range(shape.length).slice(2);
  const overChannel = nonChannelDims(shape);
  const gradY = above === null ? gradOutput : gradOutput.mul(above);
  const gradXhat = weight === null ? gradY : gradY.mul(weight.reshape(channelShape(shape)));
  const viaScale = xhat.mul(gradXhat.mul(xhat).mean(positions, true));
  const gradGuard = gradXhat.mul(xhat).mul(r.square()).sum().mul(-0.5);
  return {
    x: gradXhat.sub(viaScale).mul(r),
    weight: weight && gradY.mul(xhat).sum(overChannel),
    bias: bias && gradY.sum(overChannel),
    tau: tau && (above === null ? null : gradOutput.mul(isZero(above)).sum(overChannel)),
    epsL: epsL && epsL.constant((values) => Float64Array.from(values, Math.sign)).mul(gradGuard),
  };
}

/**
 * gradInput path by path: `direct` and `viaVariance` (here through ν²) add up to it; there is no mean, and `viaMean` is 0.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as filterResponseNormForward returned it
 * @example
 * const x = tensor([[[1, 7]]]).value;
 * const inputs = { x, weight: null, bias: null, tau: null, epsL: null };
 * const { saved } = filterResponseNormForward(inputs, { eps: 0 });
 * const { direct, viaMean, viaVariance } = filterResponseNormTerms(tensor([[[10, 0]]]).value, saved);
 * direct.data; // [2, 0]
 * viaMean.data; // [0, 0]
 * viaVariance.data; // [-0.04, -0.28]
 */
export function filterResponseNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, r, above, weight }: FilterResponseNormSaved<A>,
): NormTerms<A> {
  const positions = range(gradOutput.ndim).slice(2);
  const gradY = above === null ? gradOutput : gradOutput.mul(above);
  const gradXhat = weight === null ? gradY : gradY.mul(weight.reshape(channelShape(gradOutput.shape)));
  return {
    direct: gradXhat.mul(r),
    viaMean: gradOutput.constant((values) => new Float64Array(values.length)),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(positions, true)).mul(r).neg(),
  };
}

/**
 * Filter response normalization: max(x / √(mean(x²) + eps + |epsL|) · weight + bias, tau), the mean over the positions of
 * each sample's channel. No sample and no channel moves another, and no mean is subtracted. As TensorFlow Addons'
 * FilterResponseNormalization with the paper's TLU; float32 is computed in float64.
 *
 * @param input [N, C, *]; without positions, [N, C], ν² is x² and wants the learnable epsL
 * @param options.weight scale [C]. Default: none
 * @param options.bias shift [C]. Default: none
 * @param options.tau threshold [C] of the TLU. Default: none, no TLU
 * @param options.epsL [1], whose absolute value is added to eps. Default: none
 * @param options.eps added inside the root. Default 1e-6
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape does not fit; TypeError if dtypes differ
 * @example
 * filterResponseNorm(tensor([[[1, -7]]]), { tau: tensor([-1]) }); // [[[0.2, -1]]]
 */
export function filterResponseNorm(
  input: Tensor,
  options: {
    readonly weight?: Tensor | null;
    readonly bias?: Tensor | null;
    readonly tau?: Tensor | null;
    readonly epsL?: Tensor | null;
    readonly eps?: number;
  } = {},
): Tensor {
  const checked = checkOptions("filterResponseNorm", options, ["weight", "bias", "tau", "epsL", "eps"]);
  const { weight = null, bias = null, tau = null, epsL = null, eps = 1e-6 } = checked;
  checkFilterResponse(input, { weight, bias, tau, epsL }, eps);
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
    tau: A | null,
    epsL: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null, A | null, A | null] } => {
    const { output, saved } = filterResponseNormForward({ x, weight, bias, tau, epsL }, { eps });
    const pullback = (gradOutput: A): readonly [A, A | null, A | null, A | null, A | null] => {
      const gradients = filterResponseNormBackward(gradOutput, saved);
      return [gradients.x, gradients.weight, gradients.bias, gradients.tau, gradients.epsL];
    };
    return { output, pullback };
  };
  const op = { rule, computeIn: "float64" as const, attributes: { eps } };
  return apply("filterResponseNorm", op, input, weight, bias, tau, epsL);
}

export interface FilterResponseNormModuleOptions {
  readonly eps?: number;
  readonly learnableEps?: boolean;
  readonly tlu?: boolean;
  readonly dtype?: Dtype | undefined;
}

abstract class FilterResponseNorm extends Norm {
  readonly numFeatures: number;
  readonly eps: number;
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly tau: Parameter | null;
  readonly epsL: Parameter | null;

  constructor(numFeatures: number, options: FilterResponseNormModuleOptions = {}) {
    super();
    const { name } = this.constructor;
    const {
      eps = 1e-6,
      learnableEps = false,
      tlu = true,
      dtype,
    } = checkOptions(name, options, ["eps", "learnableEps", "tlu", "dtype"]);
    checkBoolean(name, "learnableEps", learnableEps);
    checkBoolean(name, "tlu", tlu);
    this.numFeatures = checkCount(name, "numFeatures", numFeatures);
    this.eps = checkEps(name, eps);
    const made = dtype === undefined ? {} : { dtype };
    this.weight = new Parameter(full([numFeatures], 1, made));
    this.bias = new Parameter(full([numFeatures], 0, made));
    this.tau = tlu ? new Parameter(full([numFeatures], 0, made)) : null;
    this.epsL = learnableEps ? new Parameter(full([1], 1e-4, made)) : null;
  }

  protected abstract get inputDims(): readonly number[];

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    const { weight, bias, tau, epsL, eps } = this;
    return filterResponseNorm(input, { weight, bias, tau, epsL, eps });
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    const { weight, bias, tau, epsL, eps } = this;
    const given = { x: input, weight, bias, tau, epsL };
    const names = inputNames.filter((name) => given[name] !== null);
    return {
      case: filterResponseCase(input.shape, { eps }, names),
      inputs: names.map((name) => given[name]).filter((tensor) => tensor !== null),
    };
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, epsL, tau } = this;
    return `${numFeatures}, eps=${formatNumber(eps)}, learnableEps=${epsL !== null}, tlu=${tau !== null}`;
  }

  private checkInput(input: Tensor): void {
    const { name } = this.constructor;
    if (!this.inputDims.includes(checkTensor(name, "input", input).ndim)) {
      throw new RangeError(
        `${name}: expected ${this.inputDims.map((n) => `${n}D`).join(" or ")} input, got ${input.ndim}D ` +
          `of shape ${formatShape(input.shape)}`,
      );
    }
    checkChannels(name, "numFeatures", this.numFeatures, input, 1);
  }
}

/**
 * Filter response normalization of [N, C] or [N, C, L], with its TLU. Training and evaluation do not differ.
 *
 * @param numFeatures C
 * @param options.eps added inside the root. Default 1e-6
 * @param options.learnableEps learn epsL (initially 1e-4), whose absolute value is added to eps: the paper's advice where
 *   there are few positions. Default false
 * @param options.tlu learn tau (initially 0), the threshold of the TLU, which takes the place of a ReLU. Default true
 * @param options.dtype of the parameters. Default: the default dtype, float64
 * @throws RangeError if numFeatures is not positive or eps negative; in forward, if the input has other dims or channels
 * @example
 * const norm = new FilterResponseNorm1d(3);
 * Object.keys(norm.stateDict()); // ["weight", "bias", "tau"]
 * norm.forward(randn([2, 3, 10])).shape; // [2, 3, 10]
 */
export class FilterResponseNorm1d extends FilterResponseNorm {
  protected override get inputDims(): readonly number[] {
    return [2, 3];
  }
}

/**
 * Filter response normalization of [N, C, H, W], with its TLU. Options as FilterResponseNorm1d; keys as timm's
 * FilterResponseNormTlu2d.
 *
 * @example
 * const norm = new FilterResponseNorm2d(3, { learnableEps: true });
 * String(norm); // FilterResponseNorm2d(3, eps=1e-6, learnableEps=true, tlu=true)
 * norm.forward(randn([2, 3, 5, 5])).shape; // [2, 3, 5, 5]
 */
export class FilterResponseNorm2d extends FilterResponseNorm {
  protected override get inputDims(): readonly number[] {
    return [4];
  }
}

type InputName = keyof FilterResponseInputs<unknown>;

const inputNames: readonly InputName[] = ["x", "weight", "bias", "tau", "epsL"];

/** With and without each of weight, bias, tau and epsL. */
export const filterResponseNormDescriptor: NormDescriptor = {
  name: "filterResponseNorm",
  cases: (shape, eps = 1e-5) => {
    if (shape.length < 2 || sizeOf(shape) === 0) return [];
    return affineCombinations.flatMap(({ hasWeight, hasBias }) =>
      [[], ["tau" as const], ["epsL" as const], ["tau" as const, "epsL" as const]].map((others) => {
        const names: readonly InputName[] = [
          "x",
          ...(hasWeight ? ["weight" as const] : []),
          ...(hasBias ? ["bias" as const] : []),
          ...others,
        ];
        return filterResponseCase(shape, { eps }, names);
      }),
    );
  },
};

function filterResponseCase(shape: Shape, options: FilterResponseNormOptions, names: readonly InputName[]): NormCase {
  const perChannel = [shape[1] ?? 0];
  const shapes = { x: [...shape], weight: perChannel, bias: perChannel, tau: perChannel, epsL: [1] };
  const named = <A>(inputs: readonly A[]): FilterResponseInputs<A> => {
    const find = (name: InputName): A | null => inputs[names.indexOf(name)] ?? null;
    const x = find("x");
    if (x === null || inputs.length !== names.length) {
      throw new RangeError(`normCase: expected ${names.length} inputs (${names.join(", ")}), got ${inputs.length}`);
    }
    return { x, weight: find("weight"), bias: find("bias"), tau: find("tau"), epsL: find("epsL") };
  };
  const has = { hasWeight: names.includes("weight"), hasBias: names.includes("bias") };
  const others = names.filter((name) => name === "tau" || name === "epsL");
  return {
    norm: "filterResponseNorm",
    label: [affineLabel(has), ...others].join(", "),
    inputs: names.map((name) => ({ name, shape: shapes[name] })),
    partition: channelPartition(shape, { perSample: true }),
    trace: (inputs) => {
      const { output, saved } = filterResponseNormForward(named(inputs), options);
      return {
        output,
        pullback: (gradOutput) => {
          const gradients = filterResponseNormBackward(gradOutput, saved);
          return names.map((name) => gradients[name]);
        },
        terms: (gradOutput) => filterResponseNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const { x, ...parameters } = named(inputs);
      return filterResponseNorm(x, { ...parameters, ...options });
    },
  };
}

/** 1 where a mask is 0. */
function isZero<A extends Num<A>>(mask: A): A {
  return mask.constant((values) => Float64Array.from(values, (value) => 1 - value));
}

function checkFilterResponse(
  input: Tensor,
  { epsL, ...perChannel }: Readonly<Record<"weight" | "bias" | "tau" | "epsL", Tensor | null>>,
  eps: number,
): void {
  const name = "filterResponseNorm";
  checkEps(name, eps);
  const channels = checkTensor(name, "input", input).shape[1];
  if (channels === undefined || channels === 0) {
    throw new RangeError(`${name}: expected input [N, C, *] with C ≥ 1, got shape ${formatShape(input.shape)}`);
  }
  checkPerChannel(name, channels, perChannel);
  if (epsL && !sameShape(checkTensor(name, "epsL", epsL).shape, [1])) {
    throw new RangeError(`${name}: expected epsL of shape [1], got ${formatShape(epsL.shape)}`);
  }
}
