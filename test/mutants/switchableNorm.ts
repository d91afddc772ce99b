/**
 * Switchable normalization. Luo et al. (2019), https://arxiv.org/abs/1806.10779. The statistics of InstanceNorm, LayerNorm
 * and BatchNorm, all made of the instances' own, are mixed with weights that are learned:
 *
 *   m_in, v_in    of each sample's channel; v_in biased, or divided by L − 1 as in the authors' code
 *   m_ln = mean_C(m_in)      v_ln = mean_C(v_in) + mean_C((m_in − m_ln)²)
 *   m_bn = mean_N(m_in)      v_bn = mean_N(v_in) + mean_N((m_in − m_bn)²)
 *   p = softmax(meanWeight), q = softmax(varWeight)      order IN, LN, BN
 *   x̂ = (x − Σ p·m) / √(Σ q·v + ε)       y = x̂ · weight + bias
 *
 * Shapes: x, y [N, C, L]; m_in, v_in [N, C, 1]; weight, bias [C]; meanWeight, varWeight [3].
 *
 * Backward, with ĝ = g · weight, r = 1/√(Σ q·v + ε), S the sum over the positions of an instance:
 *
 *   ∂L/∂μ = −r S(ĝ)                      of each instance's mixed mean
 *   ∂L/∂v = −½ r² S(ĝ x̂)                 of its mixed variance
 *   ∂L/∂m_in = p₀ ∂μ + p₁ mean_C(∂μ) + p₂ mean_N(∂μ) + 2 (m_in − m_ln) q₁ mean_C(∂v) + 2 (m_in − m_bn) q₂ mean_N(∂v)
 *   ∂L/∂v_in = q₀ ∂v + q₁ mean_C(∂v) + q₂ mean_N(∂v)
 *   ∂L/∂x = r ĝ + ∂m_in / L + ∂v_in · 2 (x − m_in) / L        (L − 1 for the unbiased one)
 *   ∂L/∂meanWeight_k = p_k (a_k − Σ p·a),  a_k = Σ ∂μ · m_k;   ∂L/∂varWeight_k = q_k (b_k − Σ q·b),  b_k = Σ ∂v · v_k
 *
 * Since Σ p = 1, x − Σ p·m = (x − m_in) + p₁ (m_in − m_ln) + p₂ (m_in − m_bn), and a_k may be taken of m_k − m_in: no
 * difference of large means is left.
 */
import type { Num, Traced } from "../../src/autograd/index.ts";
import { fill, rightParts } from "../helpers/mutantNorm.ts";
import type { Backward, Forward, Parts } from "../helpers/mutantNorm.ts";
import type { Setting } from "./mutant.ts";

/** The weights of the three means and of the three variances, [3] each. */
export interface Mix<A> {
  readonly mean: A;
  readonly variance: A;
}

/** What only SwitchableNorm has. */
export interface SwitchableParts {
  /** From logits to weights. */
  readonly softmax: <A extends Num<A>>(logits: A) => A;
  /** Which weights the forward mixes with, and which the backward. */
  readonly mix: <A extends Num<A>>(mix: Mix<A>) => Mix<A>;
  readonly backwardMix: <A extends Num<A>>(mix: Mix<A>) => Mix<A>;
  /** From the slopes by the weights to the gradient of the logits. */
  readonly gradLogits: <A extends Num<A>>(weights: A, slopes: A) => A;
  /** The two gradients of logits, in the order of the inputs. */
  readonly order: <T>(gradients: readonly [T, T]) => readonly [T, T];
  /** n of the backward's v_in, from the forward's. */
  readonly backwardCount: (n: number, positions: number) => number;
  /** The parts of ∂L/∂m_in that come from the spread of the means in v_ln and v_bn. */
  readonly viaSpread: <A extends Num<A>>(gradient: A) => A;
  /** A statistic's gradient, mean over the channels (LN) or over the batch (BN). */
  readonly overChannels: <A extends Num<A>>(gradient: A) => A;
  readonly overBatch: <A extends Num<A>>(gradient: A) => A;
}

const rightSwitchable: SwitchableParts = {
  softmax: (logits) => logits.softmax(0),
  mix: (mix) => mix,
  backwardMix: (mix) => mix,
  gradLogits: (weights, slopes) => weights.mul(slopes.sub(weights.mul(slopes).sum())),
  order: (gradients) => gradients,
  backwardCount: (n) => n,
  viaSpread: (gradient) => gradient,
  overChannels: (gradient) => gradient.mean([1], true),
  overBatch: (gradient) => gradient.mean([0], true),
};

export const entry = <A extends Num<A>>(weights: A, k: number): A => weights.slice(0, k, k + 1);

function mixed<A extends Num<A>>(weights: A, [first, second, third]: readonly [A, A, A]): A {
  return first
    .mul(entry(weights, 0))
    .add(second.mul(entry(weights, 1)))
    .add(third.mul(entry(weights, 2)));
}

interface Saved<A> {
  /** x − m_in, m_in − m_ln, m_in − m_bn. */
  readonly own: A;
  readonly toLayer: A;
  readonly toBatch: A;
  readonly variances: readonly [A, A, A];
  readonly n: number;
  readonly mix: Mix<A>;
  readonly rows: Forward<A>;
}

/** The formula; `parts` and `changes` make it wrong. Inputs x, weight, bias, meanWeight, varWeight. */
export function switchableForward<A extends Num<A>>(
  [x, weight, bias, meanWeight, varWeight]: readonly A[],
  { eps, unbiased = false }: Setting,
  parts: Partial<Parts> = {},
  changes: Partial<SwitchableParts> = {},
): { readonly output: A; readonly saved: Saved<A> } {
  if (!x || !weight || !bias || !meanWeight || !varWeight) throw new RangeError("switchableNorm: expected five inputs");
  const { softmax, mix: mixOf } = { ...rightSwitchable, ...changes };
  const [samples = 0, channels = 0, positions = 0] = x.shape;
  const n = unbiased ? positions - 1 : positions;
  const own = x.center([2]);
  const toLayer = x.center([1, 2]).mean([2], true);
  const toBatch = x.center([0, 2]).mean([2], true);
  const variance = own.square().sum([2], true).div(n);
  const variances = [
    variance,
    variance.add(toLayer.square()).mean([1], true).expand(variance.shape),
    variance.add(toBatch.square()).mean([0], true).expand(variance.shape),
  ] as const;
  const mix = mixOf({ mean: softmax(meanWeight), variance: softmax(varWeight) });
  const right = own.add(toLayer.mul(entry(mix.mean, 1))).add(toBatch.mul(entry(mix.mean, 2)));
  // Weights that do not add up to 1 leave a part of the mean behind.
  const centered = changes.softmax ? right.add(x.mean([2], true).mul(mix.mean.sum().neg().add(1))) : right;

  const toRows = (array: A): A => array.reshape([samples * channels, array.shape[2] ?? 0]);
  const atCells = (parameter: A): A => toRows(parameter.reshape([1, channels, 1]).expand(x.shape));
  const start = toRows(x);
  let rows: Forward<A> = {
    x: start,
    centered: start,
    variance: start,
    rstd: start,
    xhat: start,
    weight: atCells(weight),
    bias: atCells(bias),
    n: positions,
    eps,
    shape: x.shape,
    weights: channels,
  };
  rows = fill(
    rows,
    (c, value: A) => ({ ...c, centered: value }),
    () => toRows(centered),
    parts.centered,
  );
  rows = fill(
    rows,
    (c, value: A) => ({ ...c, variance: value }),
    () => toRows(mixed(mix.variance, variances)),
    parts.variance,
  );
  rows = fill(rows, (c, rstd: A) => ({ ...c, rstd }), rightParts.rstd, parts.rstd);
  rows = { ...rows, xhat: rows.centered.mul(rows.rstd) };
  const output = (parts.output ?? rightParts.output)(rows).reshape(x.shape);
  return { output, saved: { own, toLayer, toBatch, variances, n, mix, rows } };
}

/** The hand-derived pair, with some parts replaced. */
export function switchableTrace<A extends Num<A>>(
  inputs: readonly A[],
  setting: Setting,
  parts: Partial<Parts> = {},
  changes: Partial<SwitchableParts> = {},
): Traced<A> {
  const { output, saved } = switchableForward(inputs, setting, parts, changes);
  return { output, pullback: (gradOutput) => backward(gradOutput, output, saved, parts, changes) };
}

function backward<A extends Num<A>>(
  gradOutput: A,
  output: A,
  { own, toLayer, toBatch, variances, n, mix, rows }: Saved<A>,
  parts: Partial<Parts>,
  changes: Partial<SwitchableParts>,
): readonly A[] {
  const used = { ...rightSwitchable, ...changes };
  const [samples = 0, channels = 0, positions = 0] = rows.shape;
  const toRows = (array: A): A => array.reshape([samples * channels, array.shape[2] ?? 0]);
  const instances = (array: A): A => array.reshape([samples, channels, array.shape[1] ?? 0]);
  const g = toRows(gradOutput);
  const unset = { gradXhat: g, viaMean: g, viaVariance: g, gradInput: g, gradWeight: g, gradBias: g };
  let context: Backward<A> = { ...rows, output: toRows(output), g, ...unset };
  context = fill(context, (c, xhat: A) => ({ ...c, xhat }), rightParts.savedXhat, parts.savedXhat);
  context = fill(context, (c, rstd: A) => ({ ...c, rstd }), rightParts.savedRstd, parts.savedRstd);
  context = fill(context, (c, value: A) => ({ ...c, g: value }), rightParts.gradOutput, parts.gradOutput);
  context = fill(context, (c, gradXhat: A) => ({ ...c, gradXhat }), rightParts.gradXhat, parts.gradXhat);

  const { mean: p, variance: q } = used.backwardMix(mix);
  const { gradXhat, xhat, rstd } = context;
  const byMean = instances(gradXhat.sum([1], true).mul(rstd).neg());
  const byVariance = instances(gradXhat.mul(xhat).sum([1], true).mul(rstd.square()).mul(-0.5));
  const share = (weights: A, gradient: A): readonly [A, A, A] => [
    gradient.mul(entry(weights, 0)),
    used.overChannels(gradient).mul(entry(weights, 1)),
    used.overBatch(gradient).mul(entry(weights, 2)),
  ];
  const [meanIn, meanLayer, meanBatch] = share(p, byMean);
  const [varIn, varLayer, varBatch] = share(q, byVariance);
  const spread = used.viaSpread(toLayer.mul(varLayer).add(toBatch.mul(varBatch)).mul(2));
  const viaVariance = own
    .mul(varIn.add(varLayer).add(varBatch))
    .mul(2)
    .div(used.backwardCount(n, positions))
    .add(spread.div(positions))
    .neg();

  // Times r already, which the other norms' parts are not: r is 0 where a constant instance meets eps 0.
  const paths = { mean: toRows(meanIn.add(meanLayer).add(meanBatch).div(-positions)), variance: toRows(viaVariance) };
  context = fill(
    context,
    (c, value: A) => ({ ...c, viaMean: value }),
    () => paths.mean,
    parts.viaMean,
  );
  context = fill(
    context,
    (c, value: A) => ({ ...c, viaVariance: value }),
    () => paths.variance,
    parts.viaVariance,
  );
  const whole = (c: Backward<A>): A => c.gradXhat.mul(c.rstd).sub(c.viaMean).sub(c.viaVariance);
  context = fill(context, (c, gradInput: A) => ({ ...c, gradInput }), whole, parts.gradInput);
  context = fill(context, (c, gradWeight: A) => ({ ...c, gradWeight }), rightParts.gradWeight, parts.gradWeight);
  context = fill(context, (c, gradBias: A) => ({ ...c, gradBias }), rightParts.gradBias, parts.gradBias);

  const none = byMean.mul(0);
  const slopes = (gradient: A, [first, second, third]: readonly [A, A, A]): A => {
    const total = (statistic: A): A => gradient.mul(statistic).sum().reshape([1]);
    return total(first).concat([total(second), total(third)], 0);
  };
  const [gradMeanWeight, gradVarWeight] = used.order([
    used.gradLogits(p, slopes(byMean, [none, toLayer.neg(), toBatch.neg()])),
    used.gradLogits(q, slopes(byVariance, variances)),
  ]);
  return [
    instances(context.gradInput),
    instances(context.gradWeight).sum([0, 2]),
    instances(context.gradBias).sum([0, 2]),
    gradMeanWeight,
    gradVarWeight,
  ];
}
