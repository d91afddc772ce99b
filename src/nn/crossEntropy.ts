/**
 * Cross entropy between logits x and labels y, with C classes, s = labelSmoothing, and weight 1 where there is none:
 *
 *   p   = softmax(x)                                     over the classes, dim 1
 *   q_c = weight_c · ((1 − s) · [c = y] + s / C)         the target; 0 where y is ignoreIndex
 *   ℓ   = −Σ_c q_c · log p_c                             one a position; "mean" is Σ ℓ / Σ weight_y
 *
 * Shapes: x, p, q [N, C, d1, …]; y, ℓ [N, d1, …].
 *
 * Backward, with g = ∂L/∂ℓ: log p_c = x_c − log Σ exp x, so ∂ log p_c / ∂x_k = [c = k] − p_k, and
 *
 *   ∂L/∂x_k = g · (p_k · Σ_c q_c − q_k)
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";
import { crossEntropyRows, crossEntropyRowsBackward } from "../kernels/crossEntropy.ts";
import { checkReduction, reduce, reduceBackward } from "./reduction.ts";
import type { Reduction, ReductionOptions } from "./reduction.ts";

export interface CrossEntropyOptions {
  /** Default "mean": over the labels that are not ignored, by their weights. */
  readonly reduction?: Reduction;
  /** Share of the target that is spread evenly over all classes. Default 0. */
  readonly labelSmoothing?: number;
  /** The label of positions that do not count. Default −100. */
  readonly ignoreIndex?: number;
  /** A factor for each class, [C]. Default: none, a factor of 1. */
  readonly weight?: Tensor | null;
}

/** The target q, in the logits' shape, and what is made of the losses. */
export interface CrossEntropyTarget extends ReductionOptions {
  readonly target: Float64Array;
}

/** What the backward reads. */
export interface CrossEntropySaved<A> extends ReductionOptions {
  readonly p: A;
  readonly q: A;
}

export function crossEntropyForward<A extends Num<A>>(
  logits: A,
  { target, reduction, total }: CrossEntropyTarget,
): { readonly output: A; readonly saved: CrossEntropySaved<A> } {
  const q = logits.constant(() => target);
  const logP = logits.logSoftmax(1);
  const wanted = Int32Array.from(target, (share, cell) => (share === 0 ? -1 : cell)); // so that 0 · log 0 is 0
  const losses = logP.take(wanted).reshape(logits.shape).mul(q).sum([1]).neg();
  return { output: reduce(losses, { reduction, total }), saved: { p: logP.exp(), q, reduction, total } };
}

export function crossEntropyBackward<A extends Num<A>>(
  gradOutput: A,
  { p, q, ...reduction }: CrossEntropySaved<A>,
): readonly [gradLogits: A] {
  const gradLosses = reduceBackward(gradOutput, p.shape.with(1, 1), reduction);
  const sumOfQ = q.sum([1], true);
  return [p.mul(sumOfQ).sub(q).mul(gradLosses)];
}

/** The same pair as loops. */
function crossEntropyKernel(
  logits: NdArray,
  { target, ...reduction }: CrossEntropyTarget,
): Traced<NdArray, readonly [gradLogits: NdArray]> {
  const [outer = 0, classes = 0, ...rest] = logits.shape;
  const sizes = { outer, classes, inner: sizeOf(rest) };
  const p = new Float64Array(target.length);
  const losses = new Float64Array(outer * sizes.inner);
  crossEntropyRows(p, losses, logits.data, target, sizes);
  return {
    output: reduce(new NdArray(losses, [outer, ...rest]), reduction),
    pullback: (gradOutput) => {
      const gradLosses = reduceBackward(gradOutput.to("float64"), [outer, ...rest], reduction);
      const gradLogits = new Float64Array(target.length);
      crossEntropyRowsBackward(gradLogits, gradLosses.data, p, target, sizes);
      return [new NdArray(gradLogits, logits.shape)];
    },
  };
}

/**
 * Cross entropy: −log softmax(logits)[label]. As torch.nn.functional.cross_entropy with class indices; stable at any size
 * of the logits. float32 is computed in float64 and rounded once.
 *
 * @param logits [N, C] or [N, C, d1, …], not normalized
 * @param labels N or N · d1 · … classes, row-major, each in [0, C) or ignoreIndex
 * @param options.reduction "mean" divides by Σ weight[label] over the labels that are not ignored (NaN if there are none,
 * as in PyTorch; gradients are 0 then), "sum" does not divide, "none" answers one loss a label. Default "mean"
 * @param options.labelSmoothing share of the target that is spread evenly over all classes, in [0, 1]. Default 0
 * @param options.ignoreIndex the label of positions that do not count. Default −100
 * @param options.weight a factor for each class, [C]; it receives no gradient. Default: none, a factor of 1
 * @returns a tensor of shape [], or [N, d1, …] with "none"
 * @throws RangeError if a shape, count, label or option is out of range; TypeError if something is of the wrong kind
 * @example
 * const logits = tensor([[2, 0, 0], [0, 1, 0]], { requiresGrad: true });
 * crossEntropy(logits, [0, 2]).item(); // 0.8955…, the mean of 0.2395 and 1.5514
 */
export function crossEntropy(
  logits: Tensor,
  labels: readonly number[] | Int32Array,
  crossEntropyOptions: CrossEntropyOptions = {},
): Tensor {
  const checked = checkOptions("crossEntropy", crossEntropyOptions, [
    "reduction",
    "labelSmoothing",
    "ignoreIndex",
    "weight",
  ]);
  const { reduction = "mean", labelSmoothing = 0, ignoreIndex = -100, weight = null } = checked;
  checkTensor("crossEntropy", "logits", logits);
  checkReduction("crossEntropy", reduction);
  checkLabelSmoothing(labelSmoothing);
  checkNumber("crossEntropy", "ignoreIndex", ignoreIndex);
  checkLabels(logits.shape, labels, ignoreIndex);
  if (weight !== null) checkWeight(weight, logits);
  const classOf = new Int32Array(labels);
  const options = { reduction, ...targetOf(logits.shape, classOf, { labelSmoothing, ignoreIndex, weight }) };
  const rule = <A extends Num<A>>(x: A): Traced<A, readonly [gradLogits: A]> => {
    const { output, saved } = crossEntropyForward(x, options);
    return { output, pullback: (gradOutput) => crossEntropyBackward(gradOutput, saved) };
  };
  const kernel = (x: NdArray): Traced<NdArray, readonly [gradLogits: NdArray]> => crossEntropyKernel(x, options);
  const attributes = {
    labels: classOf,
    ...(reduction !== "mean" && { reduction }),
    ...(labelSmoothing !== 0 && { labelSmoothing }),
    ...(ignoreIndex !== -100 && { ignoreIndex }),
    ...(weight && { weight: Array.from(weight.data) }),
  };
  return apply("crossEntropy", { rule, kernel, computeIn: "float64", attributes }, logits);
}

function targetOf(
  shape: Shape,
  labels: Int32Array,
  { labelSmoothing, ignoreIndex, weight }: Required<Omit<CrossEntropyOptions, "reduction">>,
): Pick<CrossEntropyTarget, "target" | "total"> {
  const [, classes = 0, ...rest] = shape;
  const positions = sizeOf(rest);
  const target = new Float64Array(sizeOf(shape));
  let total = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? ignoreIndex;
    if (label === ignoreIndex) continue;
    const position = i % positions;
    const first = (i - position) * classes + position;
    if (labelSmoothing !== 0) {
      for (let c = 0; c < classes; c++) {
        target[first + c * positions] = (labelSmoothing / classes) * (weight?.data[c] ?? 1);
      }
    }
    const factor = weight?.data[label] ?? 1;
    target[first + label * positions] = (1 - labelSmoothing + labelSmoothing / classes) * factor;
    total += factor;
  }
  return { target, total };
}

function checkLabelSmoothing(labelSmoothing: number): void {
  checkNumber("crossEntropy", "labelSmoothing", labelSmoothing);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new RangeError(`crossEntropy: expected labelSmoothing in [0, 1], got ${String(labelSmoothing)}`);
  }
}

function checkLabels(shape: Shape, labels: readonly number[] | Int32Array, ignoreIndex: number): void {
  const [batch, classes, ...rest] = shape;
  if (batch === undefined || classes === undefined) {
    throw new RangeError(`crossEntropy: expected logits [N, C] or [N, C, d1, …], got shape ${formatShape(shape)}`);
  }
  if (!Array.isArray(labels) && !(labels instanceof Int32Array)) {
    const way = labels instanceof Tensor ? ": pass Array.from(labels.data)" : "";
    throw new TypeError(
      `crossEntropy: expected labels as an array of numbers or an Int32Array, got ${describeValue(labels)}${way}`,
    );
  }
  if (labels.length !== batch * sizeOf(rest)) {
    throw new RangeError(
      `crossEntropy: expected ${batch * sizeOf(rest)} labels for logits of shape ${formatShape(shape)}, got ${labels.length}`,
    );
  }
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? NaN;
    if ((Number.isInteger(label) && label >= 0 && label < classes) || label === ignoreIndex) continue;
    throw new RangeError(
      `crossEntropy: expected labels in [0, ${classes}) or ignoreIndex ${ignoreIndex}, got ${describeValue(labels[i])} at ${i}`,
    );
  }
}

function checkWeight(weight: Tensor, logits: Tensor): void {
  const classes = logits.shape[1];
  checkTensor("crossEntropy", "weight", weight);
  if (weight.ndim !== 1 || weight.shape[0] !== classes) {
    throw new RangeError(
      `crossEntropy: expected weight of shape [${classes}], one factor a class, got ${formatShape(weight.shape)}`,
    );
  }
  if (weight.dtype !== logits.dtype) {
    throw new TypeError(`crossEntropy: expected weight in the logits' dtype ${logits.dtype}, got ${weight.dtype}`);
  }
  if (weight.requiresGrad) {
    throw new TypeError(
      "crossEntropy: expected a weight that is a constant, got one that requires a gradient; detach() it",
    );
  }
}
