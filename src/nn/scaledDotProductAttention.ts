/**
 * Attention: every query answers a mean of the values, weighted by how well it agrees with their keys. Vaswani et al.
 * (2017), https://arxiv.org/abs/1706.03762
 *
 *   S = scale · Q Kᵀ + M           scores; scale is 1/√E, M is −∞ where a key does not take part
 *   P = softmax(S)                 over the keys; 0 in a row without any key
 *   Y = (P ∘ D) V                  D: dropout, 0 with probability p, else 1 / (1 − p)
 *
 * Shapes: Q [*, L, E], K [*, S, E], V [*, S, Eᵥ], M [*, L, S], Y [*, L, Eᵥ]; the leading dims broadcast.
 *
 * Backward, with g = ∂L/∂Y and Pᴅ = P ∘ D:
 *
 *   ∂L/∂V = Pᴅᵀ g        Gₚ = (g Vᵀ) ∘ D        Gₛ = ∂L/∂M = P ∘ (Gₚ − Σ Gₚ ∘ P over the keys)
 *   ∂L/∂Q = scale · Gₛ K        ∂L/∂K = scale · Gₛᵀ Q
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { eachValue } from "../autograd/num.ts";
import type { Num, Values } from "../autograd/num.ts";
import { checkGenerator, defaultGenerator } from "../autograd/random.ts";
import type { Generator } from "../autograd/random.ts";
import { broadcastShapes, formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";
import { additiveMask } from "./attentionMask.ts";
import type { ConstantMask, NestedBooleans } from "./attentionMask.ts";

export interface AttentionOptions {
  /** [*, L, S]: true where a key takes part, or a tensor that is added to the scores. Default: none. */
  readonly attnMask?: Tensor | NestedBooleans | null;
  /** The probability that a weight becomes 0. Default 0. */
  readonly dropoutP?: number;
  /** Query i sees the keys 0 … i only. Default false. */
  readonly isCausal?: boolean;
  /** Factor of the scores. Default 1/√E. */
  readonly scale?: number | null;
  /** Draws the dropout. Default: the one that `manualSeed` seeds. */
  readonly generator?: Generator;
}

/** What does not depend on the inputs' values: constants of the rule. */
export interface AttentionSettings {
  readonly scale: number;
  /** 0 or −∞, added to the scores; null for none. */
  readonly mask: ConstantMask | null;
  /** D in the shape of the scores; null for none. */
  readonly dropout: ConstantMask | null;
}

/** What the backward reads. */
export interface AttentionSaved<A> {
  readonly query: A;
  readonly key: A;
  readonly value: A;
  readonly bias: A | null;
  readonly p: A;
  readonly dropout: A | null;
  readonly scale: number;
}

export function attentionForward<A extends Num<A>>(
  query: A,
  key: A,
  value: A,
  bias: A | null,
  { scale, mask, dropout }: AttentionSettings,
): { readonly output: A; readonly saved: AttentionSaved<A> } {
  const constant = (values: ConstantMask | null): A | null => values && query.constant(() => values.data, values.shape);
  const [masking, dropping] = [constant(mask), constant(dropout)];
  const products = query.matmul(key.transpose(-2, -1)).mul(scale);
  const biased = bias === null ? products : products.add(bias);
  const p = maskedSoftmax(masking === null ? biased : biased.add(masking));
  return {
    output: (dropping === null ? p : p.mul(dropping)).matmul(value),
    saved: { query, key, value, bias, p, dropout: dropping, scale },
  };
}

export function attentionBackward<A extends Num<A>>(
  gradOutput: A,
  { query, key, value, bias, p, dropout, scale }: AttentionSaved<A>,
): readonly [gradQuery: A, gradKey: A, gradValue: A, gradBias: A | null] {
  const dropped = (array: A): A => (dropout === null ? array : array.mul(dropout));
  const gradP = dropped(gradOutput.matmul(value.transpose(-2, -1)));
  const gradScores = p.mul(gradP.sub(gradP.mul(p).sum([-1], true)));
  return [
    gradScores.matmul(key).mul(scale).sumTo(query.shape),
    gradScores.transpose(-2, -1).matmul(query).mul(scale).sumTo(key.shape),
    dropped(p).transpose(-2, -1).matmul(gradOutput).sumTo(value.shape),
    bias && gradScores.sumTo(bias.shape),
  ];
}

/** Softmax over the last dim, stable; a row of −∞ has no key to choose, and becomes 0 instead of NaN. */
function maskedSoftmax<A extends Num<A>>(scores: A): A {
  const rows = [...scores.shape.slice(0, -1), 1];
  const exponentials = scores.sub(scores.constant((values) => finiteMaxima(values, sizeOf(rows)), rows)).exp();
  const total = exponentials.sum([-1], true); // 1 or more, for the largest score, but in an empty row
  return exponentials.div(total.add(total.constant(eachValue((sum) => (sum === 0 ? 1 : 0)))));
}

/** The largest value of every row; 0 where all are −∞. */
function finiteMaxima(values: Values, rows: number): Float64Array {
  const maxima = new Float64Array(rows);
  const size = values.length / Math.max(1, rows);
  for (let row = 0; row < rows; row++) {
    let max = -Infinity;
    for (let at = row * size; at < (row + 1) * size; at++) max = Math.max(max, values[at] ?? NaN);
    maxima[row] = max === -Infinity ? 0 : max;
  }
  return maxima;
}

/**
 * softmax(query · keyᵀ · scale + mask) · value: torch.nn.functional.scaled_dot_product_attention (of PyTorch 2). A query
 * that no key may answer gets zeros, as in PyTorch 2.5. float32 is computed in float64 and rounded once.
 *
 * Dropout is applied whenever dropoutP is above 0, as in PyTorch: pass 0 in evaluation.
 *
 * @param query [*, L, E]
 * @param key [*, S, E]
 * @param value [*, S, Ev]
 * @param options.attnMask of a shape that broadcasts to [*, L, S]: nested arrays of booleans, true where a key takes part;
 * or a tensor that is added to the scores and receives a gradient. Default: none
 * @param options.dropoutP the probability that a weight becomes 0. Default 0
 * @param options.isCausal query i sees the keys 0 … i only; not together with attnMask. Default false
 * @param options.scale factor of the scores. Default 1/√E
 * @param options.generator draws the dropout. Default: the one that `manualSeed` seeds
 * @returns [*, L, Ev], with the leading dims broadcast
 * @throws RangeError if a shape does not fit or dropoutP is not in [0, 1]; TypeError if dtypes differ, or something is of
 * the wrong kind
 * @example
 * const [query, key] = [tensor([[1, 0]]), tensor([[1, 0], [0, 1]])];
 * const value = tensor([[10], [20]]);
 * scaledDotProductAttention(query, key, value, { scale: 0 }).toArray(); // [[15]]
 * scaledDotProductAttention(query, key, value, { attnMask: [[false, true]] }).toArray(); // [[20]]
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const checked = checkOptions(NAME, options, ["attnMask", "dropoutP", "isCausal", "scale", "generator"]);
  const { attnMask = null, dropoutP = 0, isCausal = false, scale = null, generator = defaultGenerator } = checked;
  const shape = scoresShape(query, key, value);
  checkProbability(dropoutP);
  checkGenerator(NAME, generator);
  if (isCausal && attnMask !== null) {
    throw new TypeError(`${NAME}: expected either isCausal or attnMask, got both`);
  }
  const bias = attnMask instanceof Tensor ? attnMask : null;
  if (bias !== null) checkMask(bias.shape, shape);
  const mask = attnMask instanceof Tensor ? null : additiveMask(NAME, attnMask, isCausal, shape);
  if (mask !== null) checkMask(mask.shape, shape);
  const embedding = query.shape.at(-1) ?? 0;
  const factor = scale === null ? 1 / Math.sqrt(embedding) : checkNumber(NAME, "scale", scale);
  const settings = { scale: factor, mask, dropout: dropoutP === 0 ? null : drawDropout(dropoutP, generator, shape) };
  const rule = <A extends Num<A>>(q: A, k: A, v: A, m: A | null): Traced<A, readonly [A, A, A, A | null]> => {
    const { output, saved } = attentionForward(q, k, v, m, settings);
    return { output, pullback: (gradOutput) => attentionBackward(gradOutput, saved) };
  };
  const attributes = {
    scale: factor,
    ...(isCausal ? { isCausal } : mask && { attnMask: mask.data }),
    ...(dropoutP !== 0 && { dropoutP }),
  };
  return apply(NAME, { rule, computeIn: "float64", attributes }, query, key, value, bias);
}

const NAME = "scaledDotProductAttention";

function drawDropout(p: number, generator: Generator, shape: Shape): ConstantMask {
  const kept = 1 / (1 - p);
  return { data: new Float64Array(sizeOf(shape)).map(() => (generator.uniform() < p ? 0 : kept)), shape };
}

/** [*, L, S], with the leading dims of query, key and value broadcast. */
function scoresShape(query: Tensor, key: Tensor, value: Tensor): Shape {
  for (const [what, { ndim, shape }] of Object.entries({ query, key, value }).map(
    ([name, input]) => [name, checkTensor(NAME, name, input)] as const,
  )) {
    if (ndim < 2) {
      throw new RangeError(`${NAME}: expected ${what} of at least two dims, got shape ${formatShape(shape)}`);
    }
  }
  const [length = 0, features = 0] = query.shape.slice(-2);
  const [keys = 0] = key.shape.slice(-2);
  if (key.shape.at(-1) !== features) {
    throw new RangeError(
      `${NAME}: expected key [*, S, ${features}] for query ${formatShape(query.shape)}, got shape ${formatShape(key.shape)}`,
    );
  }
  if (value.shape.at(-2) !== keys) {
    throw new RangeError(
      `${NAME}: expected value [*, ${keys}, Ev] for key ${formatShape(key.shape)}, got shape ${formatShape(value.shape)}`,
    );
  }
  const leading = broadcastShapes(query.shape.slice(0, -2), key.shape.slice(0, -2), NAME);
  return [...broadcastShapes(leading, value.shape.slice(0, -2), NAME), length, keys];
}

function checkProbability(p: number): void {
  checkNumber(NAME, "dropoutP", p);
  if (!(p >= 0 && p <= 1)) throw new RangeError(`${NAME}: expected dropoutP in [0, 1], got ${describeValue(p)}`);
}

/** As PyTorch: the mask broadcasts to the scores, and not the scores to the mask. */
function checkMask(mask: Shape, scores: Shape): void {
  const fits =
    mask.length <= scores.length &&
    mask.every((size, i) => size === 1 || size === scores[i - mask.length + scores.length]);
  if (!fits) {
    throw new RangeError(
      `${NAME}: expected attnMask of a shape that broadcasts to ${formatShape(scores)}, got ${formatShape(mask)}`,
    );
  }
}
