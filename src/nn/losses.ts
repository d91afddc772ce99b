/**
 * Losses of one prediction x and one target t each, as in torch.nn.functional. `crossEntropy` has a file of its own.
 *
 * mseLoss:
 *
 *   ℓ = (x − t)²        ∂ℓ/∂x = 2 (x − t) = −∂ℓ/∂t
 *
 * bceWithLogits, with softplus(x) = log(1 + eˣ) = max(x, 0) + log(1 + e^(−|x|)), whose derivative is the sigmoid σ:
 *
 *   ℓ = posWeight · t · softplus(−x) + (1 − t) · softplus(x)        −log σ(x) where t = 1, −log(1 − σ(x)) where t = 0
 *   ∂ℓ/∂x = (1 − t) · σ(x) − posWeight · t · σ(−x)                  as σ(x) − t it would lose digits where they are close
 *   ∂ℓ/∂t = posWeight · softplus(−x) − softplus(x)
 *   ∂ℓ/∂posWeight = t · softplus(−x)                                summed over what posWeight was broadcast to
 */
import { checkOptions } from "../autograd/checks.ts";
import type { Num } from "../autograd/num.ts";
import { broadcastShapes, formatShape, sameShape } from "../autograd/shape.ts";
import { apply, checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkReduction, reduce, reduceBackward } from "./reduction.ts";
import type { Reduction, ReductionOptions } from "./reduction.ts";

// ── mseLoss ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface MseLossSaved<A> extends ReductionOptions {
  readonly difference: A;
}

export function mseLossForward<A extends Num<A>>(
  input: A,
  target: A,
  options: ReductionOptions,
): { readonly output: A; readonly saved: MseLossSaved<A> } {
  const difference = input.sub(target);
  return { output: reduce(difference.square(), options), saved: { difference, ...options } };
}

export function mseLossBackward<A extends Num<A>>(
  gradOutput: A,
  { difference, ...options }: MseLossSaved<A>,
): readonly [gradInput: A, gradTarget: A] {
  const gradLosses = reduceBackward(gradOutput, difference.shape, options);
  const gradInput = difference.mul(gradLosses).mul(2);
  return [gradInput, gradInput.neg()];
}

/**
 * Squared error: (input − target)². As torch.nn.functional.mse_loss, but shapes must be equal: PyTorch broadcasts, with a
 * warning, and [N] against [N, 1] is then a mean over N² pairs. Both inputs receive a gradient.
 *
 * @param input any shape
 * @param target of the same shape
 * @param options.reduction "mean" over all elements, "sum" or "none". Default "mean"
 * @returns a tensor of shape [], or the input's with "none"
 * @throws RangeError if shapes differ; TypeError if dtypes differ
 * @example
 * mseLoss(tensor([1, 2, 4]), tensor([1, 1, 1])).item(); // 3.333…, (0 + 1 + 9) / 3
 */
export function mseLoss(input: Tensor, target: Tensor, options: { readonly reduction?: Reduction } = {}): Tensor {
  const { reduction = "mean" } = checkOptions("mseLoss", options, ["reduction"]);
  checkReduction("mseLoss", reduction);
  checkSameShape("mseLoss", "input", input, target);
  const reducing = { reduction, total: input.numel };
  const rule = <A extends Num<A>>(
    x: A,
    t: A,
  ): { output: A; pullback: (gradOutput: A) => readonly [gradInput: A, gradTarget: A] } => {
    const { output, saved } = mseLossForward(x, t, reducing);
    return { output, pullback: (gradOutput) => mseLossBackward(gradOutput, saved) };
  };
  return apply("mseLoss", { rule, computeIn: "float64", attributes: shown(reduction) }, input, target);
}

// ── bceWithLogits ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface BceWithLogitsSaved<A> extends ReductionOptions {
  readonly logits: A;
  readonly target: A;
  readonly posWeight: A | null;
  /** softplus(logits) and softplus(−logits): −log(1 − σ) and −log σ. */
  readonly negative: A;
  readonly positive: A;
}

export function bceWithLogitsForward<A extends Num<A>>(
  logits: A,
  target: A,
  posWeight: A | null,
  options: ReductionOptions,
): { readonly output: A; readonly saved: BceWithLogitsSaved<A> } {
  const negative = softplus(logits);
  const positive = softplus(logits.neg());
  const weighted = posWeight === null ? positive : positive.mul(posWeight);
  const losses = target.mul(weighted).add(target.neg().add(1).mul(negative));
  return {
    output: reduce(losses, options),
    saved: { logits, target, posWeight, negative, positive, ...options },
  };
}

export function bceWithLogitsBackward<A extends Num<A>>(
  gradOutput: A,
  { logits, target, posWeight, negative, positive, ...options }: BceWithLogitsSaved<A>,
): readonly [gradLogits: A, gradTarget: A, gradPosWeight: A | null] {
  const gradLosses = reduceBackward(gradOutput, logits.shape, options);
  const weighted = (array: A): A => (posWeight === null ? array : array.mul(posWeight));
  const asNegative = target.neg().add(1).mul(logits.sigmoid());
  const asPositive = weighted(target.mul(logits.neg().sigmoid()));
  return [
    asNegative.sub(asPositive).mul(gradLosses),
    weighted(positive).sub(negative).mul(gradLosses),
    posWeight && target.mul(positive).mul(gradLosses).sumTo(posWeight.shape),
  ];
}

/** log(1 + eˣ) without overflow. Its parts have their derivatives from the right at 0, so that they add up to ½. */
function softplus<A extends Num<A>>(x: A): A {
  const positivePart = x.take((values) => Int32Array.from(values, (value, cell) => (value < 0 ? -1 : cell)));
  const minusAbs = x.mul(x.constant((values) => Float64Array.from(values, (value) => (value < 0 ? 1 : -1))));
  return positivePart.reshape(x.shape).add(minusAbs.exp().add(1).log());
}

/**
 * Binary cross entropy of probabilities σ(logits): −log σ(x) where the target is 1, −log(1 − σ(x)) where it is 0, and in
 * proportion between. As torch.nn.functional.binary_cross_entropy_with_logits; stable at any size of the logits. All
 * inputs receive a gradient.
 *
 * @param logits any shape
 * @param target of the same shape: probabilities of the positive class
 * @param options.posWeight factor for the positive part, of a shape that broadcasts to the logits'. Default: none
 * @param options.reduction "mean" over all elements, "sum" or "none". Default "mean"
 * @returns a tensor of shape [], or the logits' with "none"
 * @throws RangeError if shapes do not fit; TypeError if dtypes differ
 * @example
 * bceWithLogits(tensor([0, 800]), tensor([1, 0])).item(); // 400.3466, the mean of log 2 and 800
 */
export function bceWithLogits(
  logits: Tensor,
  target: Tensor,
  options: { readonly reduction?: Reduction; readonly posWeight?: Tensor | null } = {},
): Tensor {
  const { reduction = "mean", posWeight = null } = checkOptions("bceWithLogits", options, ["reduction", "posWeight"]);
  checkReduction("bceWithLogits", reduction);
  checkSameShape("bceWithLogits", "logits", logits, target);
  if (posWeight !== null) checkPosWeight(posWeight, logits);
  const reducing = { reduction, total: logits.numel };
  const rule = <A extends Num<A>>(
    x: A,
    t: A,
    weight: A | null,
  ): { output: A; pullback: (gradOutput: A) => readonly [A, A, A | null] } => {
    const { output, saved } = bceWithLogitsForward(x, t, weight, reducing);
    return { output, pullback: (gradOutput) => bceWithLogitsBackward(gradOutput, saved) };
  };
  const attributes = shown(reduction);
  return apply("bceWithLogits", { rule, computeIn: "float64", attributes }, logits, target, posWeight);
}

function shown(reduction: Reduction): Readonly<Record<string, unknown>> {
  return reduction === "mean" ? {} : { reduction };
}

function checkSameShape(name: string, what: string, input: Tensor, target: Tensor): void {
  checkTensor(name, what, input);
  checkTensor(name, "target", target);
  if (!sameShape(input.shape, target.shape)) {
    throw new RangeError(
      `${name}: expected target of the shape of ${what} ${formatShape(input.shape)}, got ${formatShape(target.shape)}`,
    );
  }
}

function checkPosWeight(posWeight: Tensor, logits: Tensor): void {
  const { shape } = checkTensor("bceWithLogits", "posWeight", posWeight);
  if (!sameShape(broadcastShapes(shape, logits.shape, "bceWithLogits with posWeight"), logits.shape)) {
    throw new RangeError(
      `bceWithLogits: expected posWeight of a shape that broadcasts to ${formatShape(logits.shape)}, got ${formatShape(posWeight.shape)}`,
    );
  }
}
