/**
 * Conditional instance normalization. Dumoulin, Shlens, Kudlur (2017), https://arxiv.org/abs/1610.07629
 *
 * Instance normalization whose scale and shift are those of a style, out of S styles. For each sample and each channel:
 *
 *   μ    = mean(x)                   over the n positions: every dim after the channels'
 *   σ²   = mean((x − μ)²)            biased
 *   rstd = 1 / √(σ² + ε)             ε inside the root; 0 where σ² + ε = 0
 *   x̂    = (x − μ) · rstd
 *   y    = x̂ · γ + β
 *
 * where sample i has either the label ℓ, one style, or weights m, a blend of all (magenta's weighted_instance_norm):
 *
 *   γ_i = weight[ℓ_i]                or  γ_i = Σ_s m_is weight_s        the blend as it is: m need not sum to 1
 *   β_i = bias[ℓ_i]                  or  β_i = Σ_s m_is bias_s
 *
 * Shapes: x, y [N, C, *]; weight, bias [S, C]; ℓ [N]; m [N, S]; γ, β [N, C]; μ, σ², rstd [N, C, 1, …].
 *
 * Backward, with g = ∂L/∂y, ĝ = g · γ, ⟨·⟩ the mean and Σ the sum over the positions:
 *
 *   1. ∂L/∂β_i = Σ g and ∂L/∂γ_i = Σ g · x̂, each [N, C]
 *   2. labels: row s of weight is the γ of every sample with ℓ_i = s, so that their gradients add up in it; a style that
 *      no sample has gets 0:
 *        ∂L/∂weight_s = Σ_{i: ℓ_i = s} ∂L/∂γ_i                  ∂L/∂bias_s likewise from β
 *   3. blends: γ = m · weight is a product of matrices, and so is β = m · bias:
 *        ∂L/∂weight = mᵀ · ∂L/∂γ        ∂L/∂bias = mᵀ · ∂L/∂β
 *        ∂L/∂m      = ∂L/∂γ · weightᵀ + ∂L/∂β · biasᵀ
 *   4. x reaches the x̂ of its own sample and channel directly, by dμ = ⟨dx⟩ and by dσ² = 2 ⟨(x − μ) dx⟩, where
 *      drstd = −½ rstd³ dσ². Together
 *        dx̂     = rstd · (dx − ⟨dx⟩ − x̂ · ⟨x̂ · dx⟩)            which as a matrix is symmetric, so
 *        ∂L/∂x  = rstd · (ĝ − ⟨ĝ⟩ − x̂ · ⟨ĝ · x̂⟩)
 */
import { checkOptions } from "../autograd/checks.ts";
import { full } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Parameter } from "../autograd/module.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { checkIndices, formatShape, gatherIndex, range, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";
import { channelPartition } from "./channels.ts";
import { checkChannels, checkCount, checkEps } from "./checks.ts";
import { affineLabel, Norm } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";

/** One style a sample, as its index, [N]; or a tensor with the weights of all styles, [N, S]. */
export type Styles = readonly number[] | Int32Array | Tensor;

export interface ConditionalInstanceNormOptions {
  readonly eps: number;
  /** The style of each sample, [N]; null where the styles are blended. */
  readonly labels: readonly number[] | null;
}

/** x and the parameters; `blend` is m, null where each sample has a label. */
export interface ConditionalInputs<A> {
  readonly x: A;
  readonly weight: A | null;
  readonly bias: A | null;
  readonly blend: A | null;
}

/** What the backward reads. */
export interface ConditionalInstanceNormSaved<A> extends Omit<ConditionalInputs<A>, "x"> {
  readonly xhat: A;
  readonly rstd: A;
  /** γ, [N, C, 1, …] */
  readonly scale: A | null;
  readonly labels: readonly number[] | null;
}

/** One gradient for each input that is there. */
export interface ConditionalGrads<A> {
  readonly x: A;
  readonly weight: A | null;
  readonly bias: A | null;
  readonly blend: A | null;
}

/**
 * The forward pass on any kind of array. The formulas are those above; nothing is checked.
 *
 * @param inputs x [N, C, *]; weight, bias [S, C], or null; blend [N, S], or null for `options.labels`
 * @returns output, of x's shape, and what conditionalInstanceNormBackward reads
 * @example
 * const [x, weight] = [tensor([[[1, 3]], [[1, 3]]]).value, tensor([[10], [20]]).value];
 * const inputs = { x, weight, bias: null, blend: null };
 * conditionalInstanceNormForward(inputs, { eps: 0, labels: [1, 0] }).output.data; // [-20, 20, -10, 10]
 */
export function conditionalInstanceNormForward<A extends Num<A>>(
  { x, weight, bias, blend }: ConditionalInputs<A>,
  { eps, labels }: ConditionalInstanceNormOptions,
): { readonly output: A; readonly saved: ConditionalInstanceNormSaved<A> } {
  const positions = range(x.ndim).slice(2);
  const centered = x.center(positions); // x − μ, without the rounding error of μ
  const rstd = centered.square().mean(positions, true).add(eps).rsqrtOrZero();
  const xhat = centered.mul(rstd);
  const perSample = (table: A): A =>
    (blend === null ? rowsOf(table, labels ?? []) : blend.matmul(table)).reshape(rstd.shape);
  const scale = weight && perSample(weight);
  const scaled = scale === null ? xhat : xhat.mul(scale);
  const output = bias === null ? scaled : scaled.add(perSample(bias));
  return { output, saved: { xhat, rstd, scale, weight, bias, blend, labels } };
}

/**
 * The backward pass.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as conditionalInstanceNormForward returned it
 * @returns gradients of the inputs by their names, each in its shape; null for one that is not there
 * @example
 * const [x, weight] = [tensor([[[1, 3]], [[1, 3]]]).value, tensor([[10], [20], [30]]).value];
 * const inputs = { x, weight, bias: null, blend: null };
 * const { saved } = conditionalInstanceNormForward(inputs, { eps: 0, labels: [1, 1] });
 * const gradOutput = tensor([[[0, 1]], [[0, 5]]]).value;
 * conditionalInstanceNormBackward(gradOutput, saved).weight?.data; // [0, 6, 0]: both samples have style 1
 */
export function conditionalInstanceNormBackward<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, scale, weight, bias, blend, labels }: ConditionalInstanceNormSaved<A>,
): ConditionalGrads<A> {
  const positions = range(xhat.ndim).slice(2);
  const gradXhat = scale === null ? gradOutput : gradOutput.mul(scale);
  const viaMean = gradXhat.mean(positions, true);
  const viaRstd = xhat.mul(gradXhat.mul(xhat).mean(positions, true));

  const gradScale = gradOutput.mul(xhat).sum(positions);
  const gradShift = gradOutput.sum(positions);
  const gradTable = (table: A, gradRows: A): A =>
    blend === null ? addRows(gradRows, labels ?? [], table.shape) : blend.transpose(0, 1).matmul(gradRows);
  const gradBlend = [
    ...(weight === null ? [] : [gradScale.matmul(weight.transpose(0, 1))]),
    ...(bias === null ? [] : [gradShift.matmul(bias.transpose(0, 1))]),
  ];
  return {
    x: gradXhat.sub(viaMean).sub(viaRstd).mul(rstd),
    weight: weight && gradTable(weight, gradScale),
    bias: bias && gradTable(bias, gradShift),
    blend: blend && gradBlend.reduce((a, b) => a.add(b)),
  };
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as conditionalInstanceNormForward returned it
 * @example
 * const [x, weight] = [tensor([[[1, 3, 5]]]).value, tensor([[10], [20]]).value];
 * const inputs = { x, weight, bias: null, blend: null };
 * const { saved } = conditionalInstanceNormForward(inputs, { eps: 0, labels: [0] });
 * const { direct, viaMean, viaVariance } = conditionalInstanceNormTerms(tensor([[[0, 0, 1]]]).value, saved);
 * direct.data; // [0, 0, 6.1237]
 * viaMean.data; // [-2.0412, -2.0412, -2.0412]
 * viaVariance.data; // [3.0619, 0, -3.0619]
 */
export function conditionalInstanceNormTerms<A extends Num<A>>(
  gradOutput: A,
  { xhat, rstd, scale }: ConditionalInstanceNormSaved<A>,
): NormTerms<A> {
  const positions = range(xhat.ndim).slice(2);
  const gradXhat = scale === null ? gradOutput : gradOutput.mul(scale);
  return {
    direct: gradXhat.mul(rstd),
    viaMean: gradXhat.mean(positions, true).mul(rstd).neg().expand(xhat.shape),
    viaVariance: xhat.mul(gradXhat.mul(xhat).mean(positions, true)).mul(rstd).neg(),
  };
}

/**
 * Conditional instance normalization: instance normalization (biased variance) with the scale and shift of one style a
 * sample, or of a blend of styles. As magenta's image_stylization, but a constant channel with eps = 0 gives the shift, and
 * float32 is computed in float64.
 *
 * @param input [N, C, *]
 * @param styles N labels in [0, S); or a tensor [N, S] of weights, which need not sum to 1 and receive a gradient
 * @param options.weight scales [S, C]. Default: none, a scale of 1
 * @param options.bias shifts [S, C]. Default: none. One of weight and bias must be there
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @returns a tensor of the input's shape and dtype
 * @throws RangeError if a shape or label does not fit, or there is a single position; TypeError if weight and bias are
 *   missing or dtypes differ
 * @example
 * const [x, weight] = [tensor([[[1, 3]], [[1, 3]]]), tensor([[10], [20]])];
 * conditionalInstanceNorm(x, [1, 0], { weight, eps: 0 }); // [[[-20, 20]], [[-10, 10]]]
 * conditionalInstanceNorm(x, tensor([[0.5, 0.5], [1, 0]]), { weight, eps: 0 }); // [[[-15, 15]], [[-10, 10]]]
 */
export function conditionalInstanceNorm(
  input: Tensor,
  styles: Styles,
  options: { readonly weight?: Tensor | null; readonly bias?: Tensor | null; readonly eps?: number } = {},
): Tensor {
  const {
    weight = null,
    bias = null,
    eps = 1e-5,
  } = checkOptions("conditionalInstanceNorm", options, ["weight", "bias", "eps"]);
  checkConditional(input, styles, { weight, bias, eps });
  const blend = styles instanceof Tensor ? styles : null;
  // A copy: for a second derivative the rule runs again, when the caller may have changed the array.
  const labels = styles instanceof Tensor ? null : Array.from(styles);
  const attributes = { ...(labels && { labels }), eps };
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
    blend: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null, A | null] } => {
    const { output, saved } = conditionalInstanceNormForward({ x, weight, bias, blend }, { eps, labels });
    const pullback = (gradOutput: A): readonly [A, A | null, A | null, A | null] => {
      const gradients = conditionalInstanceNormBackward(gradOutput, saved);
      return [gradients.x, gradients.weight, gradients.bias, gradients.blend];
    };
    return { output, pullback };
  };
  return apply("conditionalInstanceNorm", { rule, computeIn: "float64", attributes }, input, weight, bias, blend);
}

/**
 * Instance normalization of [N, C, *] with a learnable scale and shift for each of several styles.
 *
 * @param numFeatures C
 * @param numStyles S: weight (initially 1) and bias (initially 0) are [S, C]
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.dtype of the parameters. Default: the default dtype, float64
 * @throws RangeError if a count is not positive or eps negative; in forward, if the input has other channels
 * @example
 * const norm = new ConditionalInstanceNorm(16, 4);
 * String(norm); // ConditionalInstanceNorm(16, 4, eps=1e-5)
 * norm.forward(randn([2, 16, 8, 8]), [3, 0]).shape; // [2, 16, 8, 8]
 */
export class ConditionalInstanceNorm extends Norm<readonly [input: Tensor, styles: Styles]> {
  readonly numFeatures: number;
  readonly numStyles: number;
  readonly eps: number;
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor(
    numFeatures: number,
    numStyles: number,
    options: { readonly eps?: number; readonly dtype?: Dtype | undefined } = {},
  ) {
    super();
    const { eps = 1e-5, dtype } = checkOptions("ConditionalInstanceNorm", options, ["eps", "dtype"]);
    this.numFeatures = checkCount("ConditionalInstanceNorm", "numFeatures", numFeatures);
    this.numStyles = checkCount("ConditionalInstanceNorm", "numStyles", numStyles);
    this.eps = checkEps("ConditionalInstanceNorm", eps);
    const made = dtype === undefined ? {} : { dtype };
    this.weight = new Parameter(full([numStyles, numFeatures], 1, made));
    this.bias = new Parameter(full([numStyles, numFeatures], 0, made));
  }

  override forward(input: Tensor, styles: Styles): Tensor {
    checkTensor("ConditionalInstanceNorm", "input", input);
    checkChannels("ConditionalInstanceNorm", "numFeatures", this.numFeatures, input, 1);
    const { weight, bias, eps } = this;
    return conditionalInstanceNorm(input, styles, { weight, bias, eps });
  }

  /** Without styles every sample has the first. */
  override normCase(input: Tensor, styles: Styles = firstStyle(input)): { case: NormCase; inputs: readonly Tensor[] } {
    const { weight, bias, eps } = this;
    checkTensor("ConditionalInstanceNorm", "input", input);
    checkChannels("ConditionalInstanceNorm", "numFeatures", this.numFeatures, input, 1);
    checkConditional(input, styles, this);
    const labels = styles instanceof Tensor ? null : Array.from(styles);
    const has = { hasWeight: true, hasBias: true };
    return {
      case: conditionalCase(input.shape, this.numStyles, { eps, labels }, has),
      inputs: [input, weight, bias, ...(styles instanceof Tensor ? [styles] : [])],
    };
  }

  protected override extraRepr(): string {
    return `${this.numFeatures}, ${this.numStyles}, eps=${formatNumber(this.eps)}`;
  }
}

/** Three styles, chosen by labels (two samples share one, another is not used) and blended; with weight, bias and both. */
export const conditionalInstanceNormDescriptor: NormDescriptor = {
  name: "conditionalInstanceNorm",
  cases: (shape, eps = 1e-5) => {
    const [batch = 0] = shape;
    if (shape.length < 3 || sizeOf(shape) === 0 || sizeOf(shape.slice(2)) === 1) return [];
    const labels = range(batch).map((i) => (i % 3 === 2 ? 0 : 2));
    return [labels, null].flatMap((chosen) =>
      parameterCombinations.map((has) => conditionalCase(shape, 3, { eps, labels: chosen }, has)),
    );
  },
};

/** Without both the styles would say nothing. */
const parameterCombinations: readonly Affine[] = [
  { hasWeight: true, hasBias: true },
  { hasWeight: true, hasBias: false },
  { hasWeight: false, hasBias: true },
];

function conditionalCase(
  shape: Shape,
  numStyles: number,
  { eps, labels }: ConditionalInstanceNormOptions,
  has: Affine,
): NormCase {
  const [batch = 0, channels = 0] = shape;
  const names = [
    "x" as const,
    ...(has.hasWeight ? ["weight" as const] : []),
    ...(has.hasBias ? ["bias" as const] : []),
    ...(labels === null ? ["blend" as const] : []),
  ];
  const table = [numStyles, channels];
  const shapes = { x: [...shape], weight: table, bias: table, blend: [batch, numStyles] };
  const named = <A>(inputs: readonly A[]): ConditionalInputs<A> => {
    const find = (name: "x" | "weight" | "bias" | "blend"): A | null => inputs[names.indexOf(name)] ?? null;
    const x = find("x");
    if (x === null || inputs.length !== names.length) {
      throw new RangeError(`normCase: expected ${names.length} inputs (${names.join(", ")}), got ${inputs.length}`);
    }
    return { x, weight: find("weight"), bias: find("bias"), blend: find("blend") };
  };
  return {
    norm: "conditionalInstanceNorm",
    label: `${labels === null ? "blend" : `labels ${formatShape(labels)}`}, ${affineLabel(has)}`,
    inputs: names.map((name) => ({ name, shape: shapes[name] })),
    partition: channelPartition(shape, { perSample: true }),
    trace: (inputs) => {
      const { output, saved } = conditionalInstanceNormForward(named(inputs), { eps, labels });
      return {
        output,
        pullback: (gradOutput) => {
          const gradients = conditionalInstanceNormBackward(gradOutput, saved);
          return names.map((name) => gradients[name]);
        },
        terms: (gradOutput) => conditionalInstanceNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const { x, weight, bias, blend } = named(inputs);
      return conditionalInstanceNorm(x, blend ?? labels ?? [], { weight, bias, eps });
    },
  };
}

function firstStyle(input: Tensor): Int32Array {
  return new Int32Array(checkTensor("ConditionalInstanceNorm", "input", input).shape[0] ?? 0);
}

/** The cells of the rows of a table [S, C] that the labels name, [N · C]. */
function cellsOf(labels: readonly number[], table: Shape): Int32Array {
  return gatherIndex(table, [labels, range(table[1] ?? 0)]);
}

function rowsOf<A extends Num<A>>(table: A, labels: readonly number[]): A {
  return table.take(cellsOf(labels, table.shape));
}

function addRows<A extends Num<A>>(rows: A, labels: readonly number[], table: Shape): A {
  return rows.reshape([-1]).putAdd(cellsOf(labels, table), sizeOf(table)).reshape(table);
}

function checkConditional(
  input: Tensor,
  styles: Styles,
  { weight, bias, eps }: { readonly weight: Tensor | null; readonly bias: Tensor | null; readonly eps: number },
): void {
  const name = "conditionalInstanceNorm";
  checkTensor(name, "input", input);
  checkEps(name, eps);
  const [batch = 0, channels = 0, ...positions] = input.shape;
  if (channels === 0 || positions.length === 0) {
    throw new RangeError(`${name}: expected input [N, C, *] with C ≥ 1, got shape ${formatShape(input.shape)}`);
  }
  if (sizeOf(positions) === 1) {
    throw new RangeError(
      `${name}: expected more than 1 position, got input of shape ${formatShape(input.shape)}: with one value x − μ is 0 ` +
        "whatever x is",
    );
  }
  const table = weight ?? bias;
  if (!table) throw new TypeError(`${name}: expected weight or bias, whose styles are chosen, got neither`);
  for (const [what, array] of Object.entries({ weight, bias })) {
    if (array && (checkTensor(name, what, array).ndim !== 2 || array.shape[1] !== channels || !array.shape[0])) {
      throw new RangeError(`${name}: expected ${what} of shape [S, ${channels}], got ${formatShape(array.shape)}`);
    }
  }
  if (weight && bias && !sameShape(weight.shape, bias.shape)) {
    throw new RangeError(
      `${name}: expected weight and bias of one shape, got ${formatShape(weight.shape)} and ${formatShape(bias.shape)}`,
    );
  }
  checkStyles(styles, batch, table.shape[0] ?? 0);
}

function checkStyles(styles: Styles, batch: number, numStyles: number): void {
  const name = "conditionalInstanceNorm";
  if (styles instanceof Tensor) {
    if (sameShape(styles.shape, [batch, numStyles])) return;
    throw new RangeError(
      `${name}: expected style weights of shape [${batch}, ${numStyles}], got ${formatShape(styles.shape)}; ` +
        "labels are an array or Int32Array, not a tensor",
    );
  }
  const given: Styles | null | undefined = styles;
  if (given === undefined || given === null) {
    throw new TypeError(`${name}: expected styles, labels or a tensor of weights, got ${String(given)}`);
  }
  const labels = Array.from(checkIndices(name, styles));
  if (labels.length !== batch) {
    throw new RangeError(`${name}: expected one label a sample (${batch}), got ${labels.length}`);
  }
  const odd = labels.find((label) => !Number.isInteger(label) || label < 0 || label >= numStyles);
  if (odd !== undefined) throw new RangeError(`${name}: expected labels in [0, ${numStyles}), got ${String(odd)}`);
}
