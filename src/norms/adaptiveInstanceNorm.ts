/**
 * Adaptive instance normalization (AdaIN). Huang, Belongie (2017), https://arxiv.org/abs/1703.06868
 *
 * For each sample and each channel, the content c is given the mean and the standard deviation of the style s:
 *
 *   μc, μs = mean(c), mean(s)        over the positions: every dim after the channels'; n of the content, k of the style
 *   vc     = Σ (c − μc)² / (n − d)   d = 1: UNBIASED (naoto0804/pytorch-AdaIN, the default); d = 0: biased
 *   vs     = Σ (s − μs)² / (k − d)
 *   rstd   = 1 / √(vc + ε)           ε inside the root, for content and style; 0 where vc + ε = 0
 *   std    = √(vs + ε)
 *   z      = (c − μc) · rstd
 *   y      = α · (z · std + μs) + (1 − α) · c
 *
 * Shapes: c, y, z [N, C, *]; s [N, C, *'], with positions of its own; μc, rstd, μs, std [N, C, 1, …].
 *
 * Backward, with g = ∂L/∂y, h = α · g (what reaches z · std + μs), ⟨·⟩ the mean and Σ the sum over the n positions of the
 * content:
 *
 *   1. The style has two ways to y, its mean and its standard deviation:
 *        ∂L/∂μs  = Σ h             and dμs = Σ ds / k
 *        ∂L/∂std = Σ h · z         and dstd = dvs / (2 std) = Σ (s − μs) ds / ((k − d) · std)
 *                                  (the part of dvs through μs is zero, as Σ (s − μs) = 0)
 *        ∂L/∂s   = Σ h / k + Σ h · z · (s − μs) / ((k − d) · std)
 *   2. With ĝ = h · std = ∂L/∂z, the three paths from the content to z:
 *        direct         z moves by rstd · dc:                                              ∂L/∂c += rstd · ĝ
 *        through μc     dμc = ⟨dc⟩ moves every z by −rstd · dμc:                           ∂L/∂c −= rstd · ⟨ĝ⟩
 *        through vc     dvc = 2 Σ (c − μc) dc / (n − d), drstd = −½ rstd³ dvc, and every
 *                       z moves by (c − μc) · drstd:                                       ∂L/∂c −= rstd · z · Σ ĝ · z / (n − d)
 *   3. ∂L/∂c += (1 − α) · g, past the normalization
 *
 * The authors' own code (Lua) is d = 0 with an ε for the content only, and has no backward through the style.
 */
import { checkBoolean, checkNumber, checkOptions } from "../autograd/checks.ts";
import { formatNumber } from "../autograd/format.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, range, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { channelPartition } from "./channels.ts";
import { checkEps } from "./checks.ts";
import { Norm } from "./descriptor.ts";
import type { NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

export interface AdaptiveInstanceNormOptions {
  readonly eps: number;
  /** Divide the variances by n − 1 instead of n. */
  readonly unbiased: boolean;
  /** Weight of the normalized content; 1 − alpha is that of the content itself. */
  readonly alpha: number;
}

/** What the backward reads. */
export interface AdaptiveInstanceNormSaved<A> {
  readonly z: A;
  readonly rstd: A;
  /** (s − μs) / std */
  readonly styleHat: A;
  readonly std: A;
  readonly options: AdaptiveInstanceNormOptions;
}

/**
 * The forward pass on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param content [N, C, *]
 * @param style [N, C, *'], of any number of positions
 * @returns output, of the content's shape, and what adaptiveInstanceNormBackward reads
 * @example
 * const [content, style] = [tensor([[[1, 3]]]).value, tensor([[[10, 20, 30]]]).value];
 * const options = { eps: 0, unbiased: false, alpha: 1 };
 * adaptiveInstanceNormForward(content, style, options).output.data; // [11.835, 28.165]: mean 20, as the style's
 */
export function adaptiveInstanceNormForward<A extends Num<A>>(
  content: A,
  style: A,
  options: AdaptiveInstanceNormOptions,
): { readonly output: A; readonly saved: AdaptiveInstanceNormSaved<A> } {
  const { eps, unbiased, alpha } = options;
  const positions = positionDims(content.shape);
  const centered = content.center(positions); // c − μc, without the rounding error of μc
  const contentVar = centered.square().sum(positions, true).div(divisorOf(content.shape, unbiased));
  const rstd = contentVar.add(eps).rsqrtOrZero();
  const z = centered.mul(rstd);

  const stylePositions = positionDims(style.shape);
  const perChannel = rstd.shape; // [N, C, 1, …], as the content's statistics: the style may have other dims
  const styleCentered = style.center(stylePositions);
  const styleVar = styleCentered.square().sum(stylePositions, true).div(divisorOf(style.shape, unbiased));
  const styleRstd = styleVar.add(eps).rsqrtOrZero();
  const std = styleVar.add(eps).mul(styleRstd).reshape(perChannel); // v/√v: where v = 0, 0 with derivative 0
  const styleMean = style.mean(stylePositions, true).reshape(perChannel);

  const adapted = z.mul(std).add(styleMean);
  const output = alpha === 1 ? adapted : adapted.mul(alpha).add(content.mul(1 - alpha));
  return { output, saved: { z, rstd, styleHat: styleCentered.mul(styleRstd), std, options } };
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂output, of the content's shape
 * @param saved as adaptiveInstanceNormForward returned it
 * @returns gradContent of the content's shape, gradStyle of the style's
 * @example
 * const [content, style] = [tensor([[[1, 3, 5]]]).value, tensor([[[10, 20]]]).value];
 * const { saved } = adaptiveInstanceNormForward(content, style, { eps: 0, unbiased: true, alpha: 1 });
 * const [gradContent, gradStyle] = adaptiveInstanceNormBackward(tensor([[[0, 0, 1]]]).value, saved);
 * gradContent.data; // [0.5893, -1.1785, 0.5893]
 * gradStyle.data; // [-0.2071, 1.2071]: they sum to 1, since a shift of the style shifts the output
 */
export function adaptiveInstanceNormBackward<A extends Num<A>>(
  gradOutput: A,
  { z, rstd, styleHat, std, options: { unbiased, alpha } }: AdaptiveInstanceNormSaved<A>,
): readonly [gradContent: A, gradStyle: A] {
  const positions = positionDims(z.shape);
  const gradAdapted = alpha === 1 ? gradOutput : gradOutput.mul(alpha);

  const gradZ = gradAdapted.mul(std);
  const viaMean = gradZ.mean(positions, true);
  const viaVariance = z.mul(gradZ.mul(z).sum(positions, true).div(divisorOf(z.shape, unbiased)));
  const gradNormalized = gradZ.sub(viaMean).sub(viaVariance).mul(rstd);
  const gradContent = alpha === 1 ? gradNormalized : gradNormalized.add(gradOutput.mul(1 - alpha));

  const { shape } = styleHat;
  const perChannel = shape.map((size, dim) => (dim < 2 ? size : 1));
  const gradMean = gradAdapted.sum(positions, true).reshape(perChannel);
  const gradStd = gradAdapted.mul(z).sum(positions, true).reshape(perChannel);
  const viaStd = styleHat.mul(gradStd.div(divisorOf(shape, unbiased)));
  return [gradContent, viaStd.add(gradMean.div(countOf(shape)))];
}

/**
 * gradContent path by path: `direct` (with the part past the normalization, if alpha is not 1), `viaMean` and
 * `viaVariance`, all of the content's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of the content's shape
 * @param saved as adaptiveInstanceNormForward returned it
 * @example
 * const [content, style] = [tensor([[[1, 3, 5]]]).value, tensor([[[10, 20]]]).value];
 * const { saved } = adaptiveInstanceNormForward(content, style, { eps: 0, unbiased: true, alpha: 1 });
 * const { direct, viaMean, viaVariance } = adaptiveInstanceNormTerms(tensor([[[0, 0, 1]]]).value, saved);
 * direct.data; // [0, 0, 3.5355]
 * viaMean.data; // [-1.1785, -1.1785, -1.1785]
 * viaVariance.data; // [1.7678, 0, -1.7678]
 */
export function adaptiveInstanceNormTerms<A extends Num<A>>(
  gradOutput: A,
  { z, rstd, std, options: { unbiased, alpha } }: AdaptiveInstanceNormSaved<A>,
): NormTerms<A> {
  const positions = positionDims(z.shape);
  const gradZ = gradOutput.mul(alpha).mul(std);
  const direct = gradZ.mul(rstd);
  return {
    direct: alpha === 1 ? direct : direct.add(gradOutput.mul(1 - alpha)),
    viaMean: gradZ.mean(positions, true).mul(rstd).neg().expand(z.shape),
    viaVariance: z
      .mul(gradZ.mul(z).sum(positions, true).div(divisorOf(z.shape, unbiased)))
      .mul(rstd)
      .neg(),
  };
}

/**
 * Adaptive instance normalization: the content with the mean and the standard deviation that the style has in each
 * sample's channel. As naoto0804/pytorch-AdaIN: the UNBIASED variance and eps inside the root, for content and style. A
 * constant content with eps = 0 gives the style's mean, and float32 is computed in float64.
 *
 * @param content [N, C, *]
 * @param style [N, C, *'], with any number of positions; it receives a gradient as well
 * @param options.eps added to both variances inside the root. Default 1e-5
 * @param options.unbiased divide by n − 1. Default true; false divides by n, as instanceNorm does
 * @param options.alpha in [0, 1]: alpha · AdaIN + (1 − alpha) · content. Default 1
 * @returns a tensor of the content's shape and dtype
 * @throws RangeError if a shape does not fit, alpha is outside of [0, 1], or `unbiased` meets a single position; TypeError
 *   if dtypes differ
 * @example
 * const [content, style] = [tensor([[[1, 3]]]), tensor([[[10, 20, 30]]])];
 * adaptiveInstanceNorm(content, style, { eps: 0 }); // [[[12.9289, 27.0711]]]: mean 20, standard deviation 10
 */
export function adaptiveInstanceNorm(
  content: Tensor,
  style: Tensor,
  options: { readonly eps?: number; readonly unbiased?: boolean; readonly alpha?: number } = {},
): Tensor {
  const {
    eps = 1e-5,
    unbiased = true,
    alpha = 1,
  } = checkOptions("adaptiveInstanceNorm", options, ["eps", "unbiased", "alpha"]);
  checkBoolean("adaptiveInstanceNorm", "unbiased", unbiased);
  const attributes = { eps, unbiased, alpha };
  checkAdaptive(content, style, attributes);
  const rule = <A extends Num<A>>(
    content: A,
    style: A,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A] } => {
    const { output, saved } = adaptiveInstanceNormForward(content, style, attributes);
    return { output, pullback: (gradOutput) => adaptiveInstanceNormBackward(gradOutput, saved) };
  };
  return apply("adaptiveInstanceNorm", { rule, computeIn: "float64", attributes }, content, style);
}

/**
 * Adaptive instance normalization as a layer of two inputs. It learns nothing, keeps nothing, and does the same in
 * training and evaluation.
 *
 * @param options.eps added to both variances inside the root. Default 1e-5
 * @param options.unbiased divide by n − 1. Default true
 * @param options.alpha in [0, 1]: how much of the style is taken. Default 1
 * @throws RangeError if eps is negative or alpha outside of [0, 1]
 * @example
 * const norm = new AdaptiveInstanceNorm({ alpha: 0.5 });
 * String(norm); // AdaptiveInstanceNorm(eps=1e-5, unbiased=true, alpha=0.5)
 * norm.forward(randn([2, 3, 8, 8]), randn([2, 3, 5, 5])).shape; // [2, 3, 8, 8]
 */
export class AdaptiveInstanceNorm extends Norm<readonly [content: Tensor, style: Tensor]> {
  readonly eps: number;
  readonly unbiased: boolean;
  readonly alpha: number;

  constructor(options: { readonly eps?: number; readonly unbiased?: boolean; readonly alpha?: number } = {}) {
    super();
    const {
      eps = 1e-5,
      unbiased = true,
      alpha = 1,
    } = checkOptions("AdaptiveInstanceNorm", options, ["eps", "unbiased", "alpha"]);
    this.eps = checkEps("AdaptiveInstanceNorm", eps);
    this.unbiased = checkBoolean("AdaptiveInstanceNorm", "unbiased", unbiased);
    this.alpha = checkAlpha("AdaptiveInstanceNorm", alpha);
  }

  override forward(content: Tensor, style: Tensor): Tensor {
    const { eps, unbiased, alpha } = this;
    return adaptiveInstanceNorm(content, style, { eps, unbiased, alpha });
  }

  /** Without a style the content is its own. */
  override normCase(content: Tensor, style: Tensor = content): { case: NormCase; inputs: readonly Tensor[] } {
    const { eps, unbiased, alpha } = this;
    checkAdaptive(content, style, this);
    return { case: adaptiveCase(content.shape, style.shape, { eps, unbiased, alpha }), inputs: [content, style] };
  }

  protected override extraRepr(): string {
    return `eps=${formatNumber(this.eps)}, unbiased=${this.unbiased}, alpha=${formatNumber(this.alpha)}`;
  }
}

/** Both variances, each with the whole style and with three quarters of it; the style has positions of its own. */
export const adaptiveInstanceNormDescriptor: NormDescriptor = {
  name: "adaptiveInstanceNorm",
  cases: (shape, eps = 1e-5) => {
    if (shape.length < 3 || sizeOf(shape) === 0) return [];
    const style = [...shape.slice(0, 2), countOf(shape) === 3 ? 4 : 3];
    return [true, false]
      .filter((unbiased) => !unbiased || countOf(shape) > 1)
      .flatMap((unbiased) => [1, 0.75].map((alpha) => adaptiveCase(shape, style, { eps, unbiased, alpha })));
  },
};

function adaptiveCase(content: Shape, style: Shape, options: AdaptiveInstanceNormOptions): NormCase {
  return {
    norm: "adaptiveInstanceNorm",
    label: `${options.unbiased ? "unbiased" : "biased"}, alpha ${formatNumber(options.alpha)}`,
    inputs: [
      { name: "content", shape: [...content] },
      { name: "style", shape: [...style] },
    ],
    partition: channelPartition(content, { perSample: true }),
    trace: (inputs) => {
      const { output, saved } = adaptiveInstanceNormForward(...pair(inputs), options);
      return {
        output,
        pullback: (gradOutput) => adaptiveInstanceNormBackward(gradOutput, saved),
        terms: (gradOutput) => adaptiveInstanceNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => adaptiveInstanceNorm(...pair(inputs), options),
  };
}

function pair<A>([content, style]: readonly A[]): readonly [content: A, style: A] {
  if (content === undefined || style === undefined) {
    throw new RangeError(`normCase: expected content and style, got ${content === undefined ? 0 : 1} inputs`);
  }
  return [content, style];
}

function positionDims(shape: Shape): number[] {
  return range(shape.length).slice(2);
}

function countOf(shape: Shape): number {
  return sizeOf(shape.slice(2));
}

function divisorOf(shape: Shape, unbiased: boolean): number {
  return countOf(shape) - (unbiased ? 1 : 0);
}

function checkAlpha(name: string, alpha: number): number {
  if (!(checkNumber(name, "alpha", alpha) >= 0 && alpha <= 1)) {
    throw new RangeError(`${name}: expected alpha, the share of the style, in [0, 1], got ${String(alpha)}`);
  }
  return alpha;
}

function checkAdaptive(content: Tensor, style: Tensor, { eps, unbiased, alpha }: AdaptiveInstanceNormOptions): void {
  const name = "adaptiveInstanceNorm";
  checkTensor(name, "content", content);
  checkTensor(name, "style", style);
  checkEps(name, eps);
  checkAlpha(name, alpha);
  const fits = sameShape(content.shape.slice(0, 2), style.shape.slice(0, 2));
  if (content.ndim < 3 || style.ndim < 3 || !fits) {
    throw new RangeError(
      `${name}: expected content [N, C, *] and style [N, C, *] of one N and C, got shapes ${formatShape(content.shape)} ` +
        `and ${formatShape(style.shape)}`,
    );
  }
  if (style.numel === 0 && content.numel > 0) {
    throw new RangeError(`${name}: expected a style of at least one position, got shape ${formatShape(style.shape)}`);
  }
  for (const [what, { shape }] of Object.entries({ content, style })) {
    if (unbiased && countOf(shape) === 1) {
      throw new RangeError(
        `${name}: expected more than 1 position in the ${what} for its unbiased variance, got shape ` +
          `${formatShape(shape)}; { unbiased: false } takes it`,
      );
    }
  }
}
