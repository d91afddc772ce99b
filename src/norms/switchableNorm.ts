/**
 * Switchable normalization. Luo, Ren, Peng, Zhang, Li (2019), https://arxiv.org/abs/1806.10779
 *
 * The statistics of InstanceNorm, LayerNorm and BatchNorm are mixed, with weights that are learned. All are composed of
 * the moments of the N·C instances, an instance being the M values of one channel of one sample:
 *
 *   m_in = mean_M(x)                   v_in = Σ_M (x − m_in)² / n_in           n_in = M (biased), or M − 1
 *   m_ln = mean_C(m_in)                v_ln = mean_C(v_in) + Σ_C (m_in − m_ln)² / C
 *   m_bn = mean_N(m_in)                v_bn = mean_N(v_in) + Σ_N (m_in − m_bn)² / N
 *   p = softmax(meanWeight)            q = softmax(varWeight)                  entries in the order IN, LN, BN
 *   μ = Σₖ pₖ · mₖ                     v = Σₖ qₖ · vₖ                          each instance has its own
 *   rstd = 1 / √(v + ε)                ε inside the root; 0 where v + ε = 0
 *   x̂ = (x − μ) · rstd                 y = x̂ · weight + bias
 *
 * Two logits instead of three leave BN out. x [N, C] has instances of one value: there IN is left out (v_in = 0, and the
 * logits are those of LN, BN).
 *
 * biased (the paper, and our default): v_ln and v_bn are then the biased variances over C·M and N·M values.
 * unbiased (the authors' code): n_in = M − 1, and C and N above stay, so that v_ln and v_bn are neither biased nor
 * unbiased; but for x [N, C] they are: v_ln = Σ_C (x − m_ln)² / (C − 1), v_bn = Σ_N (x − m_bn)² / (N − 1).
 *
 * No difference of large numbers is taken. The authors compute v_ln as mean_C(v_in + m_in²) − m_ln², which at mean 1e4 has
 * lost half of its digits. Here
 *
 *   m_in − m_ln = mean_M(x − m_ln)     with x − m_ln centred exactly; m_in − m_bn likewise
 *   x − μ = (x − m_in) + Σₖ pₖ · (m_in − mₖ)                                   since Σ p = 1
 *
 *   runningMean ← (1 − momentum) · runningMean + momentum · m_bn
 *   runningVar  ← (1 − momentum) · runningVar  + momentum · v_bn               v_bn as it is used, not n/(n − 1) of it
 *
 * In evaluation the running ones stand for m_bn and v_bn, as constants.
 *
 * Shapes: x, y [N, C, *]; weight, bias, runningMean, runningVar [C]; meanWeight, varWeight, p, q [3] or [2]; in between x is
 * [N, C, M]; m_in, v_in, μ, v, rstd [N, C, 1]; m_ln, v_ln [N, 1, 1]; m_bn, v_bn [1, C, 1].
 *
 * Backward, with g = ∂L/∂y, ĝ = g · weight, and ∂z short for ∂L/∂z. The way back is x̂ → μ, v → mₖ, vₖ → m_in, v_in → x:
 *
 *   1. ∂bias = Σ g and ∂weight = Σ g · x̂, over all but the channels.
 *   2. To what is mixed. dx̂ = rstd · (dx − dμ) + (x − μ) · drstd, and drstd = −½ rstd³ dv. All M values of an instance
 *      share its μ and its v, so for each instance
 *          ∂μ = −rstd · Σ_M ĝ
 *          ∂v = −½ rstd² · Σ_M ĝ · x̂
 *   3. To the three statistics. μ = Σₖ pₖ mₖ and v = Σₖ qₖ vₖ, where the instances of a sample share m_ln and v_ln, and
 *      those of a channel m_bn and v_bn:
 *          ∂m_in = p_in · ∂μ          ∂m_ln = p_ln · Σ_C ∂μ          ∂m_bn = p_bn · Σ_N ∂μ
 *          ∂v_in = q_in · ∂v          ∂v_ln = q_ln · Σ_C ∂v          ∂v_bn = q_bn · Σ_N ∂v
 *   4. To the weights. x̂ depends on pₖ through μ, by mₖ: aₖ = Σ_NC ∂μ · mₖ; likewise bₖ = Σ_NC ∂v · vₖ. The Jacobian of
 *      softmax is dpₖ = pₖ · (dlₖ − Σⱼ pⱼ · dlⱼ), a symmetric matrix, so
 *          ∂meanWeightₖ = pₖ · (aₖ − Σⱼ pⱼ · aⱼ)          ∂varWeightₖ = qₖ · (bₖ − Σⱼ qⱼ · bⱼ)
 *      A constant added to all aₖ cancels. So mₖ − m_in may stand for mₖ: aₖ = −Σ_NC ∂μ · (m_in − mₖ), and a large mean
 *      does no harm.
 *   5. To the instance moments. m_ln is the mean of C values m_in, so each gets ∂m_ln / C. v_ln depends on v_in, a mean
 *      again, and on m_in: dv_ln = mean_C(dv_in) + 2/C · Σ_C (m_in − m_ln) · (dm_in − dm_ln). There Σ_C (m_in − m_ln) = 0
 *      takes the part of dm_ln away. BN likewise, over N. The moments get, on top of their own ∂m_in and ∂v_in of 3,
 *          ∂m_in += ∂m_ln / C + ∂m_bn / N
 *          ∂v_in += ∂v_ln / C + ∂v_bn / N
 *          ∂m_in += 2 (m_in − m_ln) · ∂v_ln / C + 2 (m_in − m_bn) · ∂v_bn / N           (unbiased [N, C]: C − 1, N − 1)
 *   6. To x. dm_in = Σ_M dx / M, and dv_in = 2 Σ_M (x − m_in) · dx / n_in, since Σ_M (x − m_in) = 0. With the direct path,
 *          ∂x = rstd · ĝ  +  ∂m_in / M  +  2 (x − m_in) · ∂v_in / n_in
 *      `terms` reckons the last line of 5 to the path through the variance.
 *
 * In evaluation m_bn and v_bn pass nothing on: 3 to 6 without their terms, but for aₖ and bₖ. The backward that the
 * authors published for this (devkit/ops/syncsn_layer.py) divides by M where its forward has M − 1, and writes the result
 * of 4 into the array of p that it is still reading; test/norms/switchableNorm.test.ts shows how it is found out.
 */
import { choose } from "../autograd/backend.ts";
import { checkBoolean, checkObject, checkOptions } from "../autograd/checks.ts";
import { full, ones } from "../autograd/creation.ts";
import { formatNumber } from "../autograd/format.ts";
import { Buffer, Parameter } from "../autograd/module.ts";
import type { StateDict } from "../autograd/module.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Dtype } from "../autograd/ndarray.ts";
import type { Num } from "../autograd/num.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";
import * as typescript from "../kernels/switchableNorm.ts";
import * as wasm from "../kernels/wasm/switchableNorm.ts";
import { channelPartition, nonChannelDims } from "./channels.ts";
import {
  checkApart,
  checkChannels,
  checkCount,
  checkEps,
  checkMomentum,
  checkPerChannel,
  checkRunning,
} from "./checks.ts";
import { affineCombinations, affineInputs, affineLabel, Norm, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor, NormTerms } from "./descriptor.ts";
import { needsOf, shaped } from "./normKernel.ts";
import type { RunningStats } from "./runningStats.ts";
import { commitRunningStats, describeRunning, exampleRunningStats, runningTensors } from "./runningStats.ts";

export interface SwitchableNormOptions {
  readonly eps: number;
  /** Variances as in the authors' code; otherwise as in the paper. */
  readonly unbiased: boolean;
}

/** One of the statistics that are mixed. */
interface Statistic<A> {
  readonly name: StatisticName;
  /** Its weights pₖ and qₖ, [1]. */
  readonly meanShare: A;
  readonly varShare: A;
  /** m_in − mₖ, [N, C, 1]; null for IN, where it is 0. */
  readonly apart: A | null;
  /** vₖ, [N, C, 1], with 1 where it is shared. */
  readonly variance: A;
  /** The dims of [N, C, 1] whose instances share it; a running statistic is a constant. */
  readonly over: readonly number[] | "constant";
  /** What Σ (m_in − mₖ)² is divided by. */
  readonly count: number;
}

type StatisticName = "IN" | "LN" | "BN";

/** What the backward reads. Arrays are [N, C, M] or [N, C, 1], whatever the shape of x. */
export interface SwitchableNormSaved<A> {
  /** x − m_in */
  readonly centered: A;
  readonly xhat: A;
  readonly rstd: A;
  readonly statistics: readonly Statistic<A>[];
  /** n_in */
  readonly count: number;
  readonly weight: A | null;
  readonly bias: A | null;
  /** p and q */
  readonly meanShares: A;
  readonly varShares: A;
}

/**
 * The forward pass on any kind of array: plain numbers, dual numbers, tensors. The formulas are those above; nothing is
 * checked, and no running statistic moves.
 *
 * @param x [N, C, *]
 * @param weight [C], or null: a scale of 1
 * @param bias [C], or null: no shift
 * @param meanWeight logits [3] of IN, LN, BN, or [2] of IN, LN; for x [N, C] they are [2] of LN, BN
 * @param varWeight logits of as many entries
 * @param running [C] each, to stand for the statistics of BN in evaluation; null in training
 * @returns output, of x's shape; what switchableNormBackward reads; and m_bn and v_bn as they were used, [C], or null
 *   without BN
 * @example
 * const x = tensor([[[1, 3], [5, 9]]]).value;
 * const [none, equal] = [null, tensor([0, 0]).value];
 * const { output, saved } = switchableNormForward(x, none, none, equal, equal, none, { eps: 0, unbiased: false });
 * output.data; // [-1.019, -0.1132, -0.297, 1.2872]: μ is 3.25 and 5.75, v is 4.875 and 6.375
 */
export function switchableNormForward<A extends Num<A>>(
  x: A,
  weight: A | null,
  bias: A | null,
  meanWeight: A,
  varWeight: A,
  running: { readonly mean: A; readonly variance: A } | null,
  { eps, unbiased }: SwitchableNormOptions,
): {
  readonly output: A;
  readonly saved: SwitchableNormSaved<A>;
  readonly batch: { readonly mean: A; readonly variance: A } | null;
} {
  const [samples = 0, channels = 0] = x.shape;
  const perChannel = [1, channels, 1];
  const names = statisticsOf(x.shape, sizeOf(meanWeight.shape));
  const counts = countsOf(x.shape, unbiased);
  const rows = x.reshape([samples, channels, sizeOf(x.shape.slice(2))]);
  const [meanShares, varShares] = [meanWeight.softmax(0), varWeight.softmax(0)];

  const centered = rows.center([2]); // x − m_in, without the rounding error of m_in
  const instanceVar = centered.square().sum([2], true).div(counts.IN);
  const statistics = names.map((name, k): Statistic<A> => {
    const shares = { meanShare: meanShares.slice(0, k, k + 1), varShare: varShares.slice(0, k, k + 1) };
    const common = { name, count: counts[name], ...shares };
    if (name === "IN") return { ...common, apart: null, variance: instanceVar, over: [] };
    if (name === "BN" && running !== null) {
      const apart = average(rows.sub(running.mean.reshape(perChannel)), [2]);
      return { ...common, apart, variance: running.variance.reshape(perChannel), over: "constant" };
    }
    const over = [name === "LN" ? 1 : 0];
    const apart = average(rows.center([...over, 2]), [2]); // m_in − mₖ
    const spread = apart.square().sum(over, true).div(counts[name]);
    return { ...common, apart, variance: average(instanceVar, over).add(spread), over };
  });

  const fromMixedMean = statistics.reduce(
    (sum, { apart, meanShare }) => (apart === null ? sum : sum.add(apart.mul(meanShare))),
    centered,
  );
  const variance = total(statistics.map(({ variance: own, varShare }) => own.mul(varShare)));
  const rstd = variance.add(eps).rsqrtOrZero();
  const xhat = fromMixedMean.mul(rstd);
  const scaled = weight === null ? xhat : xhat.mul(weight.reshape(perChannel));
  const output = (bias === null ? scaled : scaled.add(bias.reshape(perChannel))).reshape(x.shape);
  const ofBatch = statistics.find(({ name }) => name === "BN");
  const batch = ofBatch && { mean: x.mean(nonChannelDims(x.shape)), variance: ofBatch.variance.reshape([channels]) };
  const saved = { centered, xhat, rstd, statistics, count: counts.IN, weight, bias, meanShares, varShares };
  return { output, saved, batch: batch ?? null };
}

/** The mean, kept as dims of 1; 0 of an empty batch. */
function average<A extends Num<A>>(array: A, dims: readonly number[]): A {
  const count = sizeOf(dims.map((dim) => array.shape[dim] ?? 1));
  return array.sum(dims, true).div(Math.max(1, count));
}

/**
 * The backward pass: one gradient per input, in input order; null for a weight or bias that is not there.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as switchableNormForward returned it
 * @returns gradInput of x's shape; gradWeight and gradBias [C]; gradMeanWeight and gradVarWeight as their logits
 * @example
 * const x = tensor([[[1, 3], [5, 9]]]).value;
 * const [none, equal] = [null, tensor([0, 0]).value];
 * const { saved } = switchableNormForward(x, none, none, equal, equal, none, { eps: 0, unbiased: false });
 * const gradients = switchableNormBackward(tensor([[[1, 0], [0, 0]]]).value, saved);
 * gradients[0].data; // [0.1394, -0.1568, -0.0435, 0.061]
 * gradients[3].data; // [0.2831, -0.2831]: m_in = 2 and less of m_ln = 4.5 make the first value larger
 */
export function switchableNormBackward<A extends Num<A>>(
  gradOutput: A,
  saved: SwitchableNormSaved<A>,
): readonly [gradInput: A, gradWeight: A | null, gradBias: A | null, gradMeanWeight: A, gradVarWeight: A] {
  const { xhat, statistics, weight, bias, meanShares, varShares } = saved;
  const rows = gradOutput.reshape(xhat.shape);
  const { direct, viaMean, viaVariance, gradMean, gradVar } = paths(rows, saved);

  // a and b of step 4, of which only the differences count: m_in is taken off each mean.
  const slope = (terms: A): A => terms.sum().reshape([1]);
  const meanSlopes = statistics.map(({ apart }) => slope(apart === null ? gradMean.mul(0) : gradMean.mul(apart).neg()));
  const varSlopes = statistics.map(({ variance }) => slope(gradVar.mul(variance)));
  return [
    direct.add(viaMean).add(viaVariance).reshape(gradOutput.shape),
    weight && rows.mul(xhat).sum([0, 2]),
    bias && rows.sum([0, 2]),
    softmaxBackward(meanShares, meanSlopes),
    softmaxBackward(varShares, varSlopes),
  ];
}

/** pₖ · (aₖ − Σ p · a), with a new array for it: p is read for each k. */
function softmaxBackward<A extends Num<A>>(shares: A, slopeOfEach: readonly A[]): A {
  const slopes = slopeOfEach.reduce((all, next) => all.concat([next], 0));
  return shares.mul(slopes.sub(shares.mul(slopes).sum()));
}

/** Steps 2, 3, 5 and 6: the three parts of ∂x, [N, C, M], and ∂μ and ∂v of each instance, [N, C, 1]. */
function paths<A extends Num<A>>(
  gradOutput: A,
  { centered, xhat, rstd, statistics, count, weight }: SwitchableNormSaved<A>,
): NormTerms<A> & { readonly gradMean: A; readonly gradVar: A } {
  const [, channels = 0, positions = 1] = xhat.shape.map((size) => Math.max(1, size));
  const gradXhat = weight === null ? gradOutput : gradOutput.mul(weight.reshape([1, channels, 1]));
  const gradMean = gradXhat.sum([2], true).mul(rstd).neg();
  const gradVar = gradXhat.mul(xhat).sum([2], true).mul(rstd.square()).mul(-0.5);

  // Constants pass nothing on.
  const moving = statistics.flatMap(({ over, ...statistic }) => (over === "constant" ? [] : [{ ...statistic, over }]));
  const toMean = total(moving.map(({ meanShare, over }) => average(gradMean, over).mul(meanShare)));
  const toVar = total(moving.map(({ varShare, over }) => average(gradVar, over).mul(varShare)));
  const viaInstances = centered.mul(toVar).mul(2).div(count);
  const viaSpreads = moving.flatMap(({ varShare, over, apart, count: of }) =>
    apart === null ? [] : [apart.mul(gradVar.sum(over, true).mul(varShare)).mul(2).div(of).div(positions)],
  );
  return {
    direct: gradXhat.mul(rstd),
    viaMean: toMean.div(positions).expand(xhat.shape),
    viaVariance: total([viaInstances, ...viaSpreads]),
    gradMean,
    gradVar,
  };
}

function total<A extends Num<A>>(terms: readonly A[]): A {
  return terms.reduce((sum, term) => sum.add(term));
}

/**
 * gradInput path by path: `direct`, `viaMean` and `viaVariance`, all of x's shape, add up to it.
 *
 * @param gradOutput ∂L/∂output, of x's shape
 * @param saved as switchableNormForward returned it
 * @example
 * const x = tensor([[[1, 3], [5, 9]]]).value;
 * const [none, equal] = [null, tensor([0, 0]).value];
 * const { saved } = switchableNormForward(x, none, none, equal, equal, none, { eps: 0, unbiased: false });
 * const { direct, viaMean } = switchableNormTerms(tensor([[[1, 0], [0, 0]]]).value, saved);
 * direct.data; // [0.4529, 0, 0, 0]
 * viaMean.data; // [-0.1698, -0.1698, -0.0566, -0.0566]: LN reaches the other channel, too
 */
export function switchableNormTerms<A extends Num<A>>(gradOutput: A, saved: SwitchableNormSaved<A>): NormTerms<A> {
  const { direct, viaMean, viaVariance } = paths(gradOutput.reshape(saved.xhat.shape), saved);
  const show = (part: A): A => part.reshape(gradOutput.shape);
  return { direct: show(direct), viaMean: show(viaMean), viaVariance: show(viaVariance) };
}

/** Which statistics the logits are for, in their order. */
function statisticsOf(shape: Shape, logits: number): readonly StatisticName[] {
  if (shape.length === 2) return ["LN", "BN"];
  return logits === 2 ? ["IN", "LN"] : ["IN", "LN", "BN"];
}

/** What sums of squares are divided by: those of an instance, and those of the means. Never 0, for the empty batch. */
function countsOf(shape: Shape, unbiased: boolean): Readonly<Record<StatisticName, number>> {
  const [samples = 0, channels = 0, ...positions] = shape;
  const fewer = unbiased ? 1 : 0;
  const [ofInstance, ofMeans] = shape.length === 2 ? [0, fewer] : [fewer, 0];
  return {
    IN: Math.max(1, sizeOf(positions) - ofInstance),
    LN: Math.max(1, channels - ofMeans),
    BN: Math.max(1, samples - ofMeans),
  };
}

/**
 * Switchable normalization: y = (x − Σ p·m) / √(Σ q·v + eps) · weight + bias, with the means m and variances v of instance,
 * layer and batch normalization mixed by p = softmax(meanWeight) and q = softmax(varWeight). In training
 * `runningMean.value` and `runningVar.value` are assigned anew; otherwise they stand for the batch's statistics. Momentum
 * is PyTorch's, the weight of the NEW value: the authors' momentum is the weight of the old one. float32 is computed in
 * float64.
 *
 * @param input [N, C, *]
 * @param meanWeight logits [3] of IN, LN, BN in this order, or [2] of IN, LN, to do without the batch; for an input [N, C],
 *   which has one value an instance, [2] of LN, BN
 * @param varWeight logits of as many entries
 * @param options.runningMean [C]. In evaluation needed where BN takes part; in training nothing is tracked without it
 * @param options.runningVar [C]. It is moved by the variance of BN as it is used, without a factor n/(n − 1)
 * @param options.weight scale [C]. Default: none
 * @param options.bias shift [C]. Default: none
 * @param options.training use the batch's statistics. Default false
 * @param options.momentum weight of the NEW value in the running statistics. Default 0.1
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.unbiased variances as the authors' code computes them: an instance's divided by M − 1 for its M values, and
 *   those of LN and BN composed of these; for [N, C] divided by C − 1 and N − 1. Default false: all biased, as in the paper
 * @returns a tensor of the input's shape and dtype. An empty batch gives an empty output and changes no statistics
 * @throws RangeError if a shape does not fit, or there are too few values: one in each set of those that share statistics,
 *   or, unbiased, one in a set whose count less one is divided by; TypeError if dtypes differ, or running statistics are
 *   missing in evaluation. Nothing has changed then
 * @example
 * const x = tensor([[[1, 3], [5, 9]], [[0, 2], [4, 4]]]);
 * const runningMean = zeros([2]);
 * const y = switchableNorm(x, ones([3]), ones([3]), { runningMean, training: true });
 * y.select(0, 0); // [[-0.8704, 0.1741], [-0.2801, 1.4003]]
 * runningMean; // [0.15, 0.55] = 0.1 · [1.5, 5.5]
 */
export function switchableNorm(
  input: Tensor,
  meanWeight: Tensor,
  varWeight: Tensor,
  options: {
    readonly runningMean?: Tensor | null;
    readonly runningVar?: Tensor | null;
    readonly weight?: Tensor | null;
    readonly bias?: Tensor | null;
    readonly training?: boolean;
    readonly momentum?: number;
    readonly eps?: number;
    readonly unbiased?: boolean;
  } = {},
): Tensor {
  const {
    runningMean = null,
    runningVar = null,
    weight = null,
    bias = null,
    training = false,
    momentum = 0.1,
    eps = 1e-5,
    unbiased = false,
  } = checkOptions("switchableNorm", options, [
    "runningMean",
    "runningVar",
    "weight",
    "bias",
    "training",
    "momentum",
    "eps",
    "unbiased",
  ]);
  checkBoolean("switchableNorm", "training", training);
  checkBoolean("switchableNorm", "unbiased", unbiased);
  checkEps("switchableNorm", eps);
  checkMomentum("switchableNorm", momentum);
  const names = checkSwitchableNorm(input, meanWeight, varWeight, { runningMean, runningVar, weight, bias });
  checkRunning("switchableNorm", input, { runningMean, runningVar });
  checkApart("switchableNorm", { runningMean, runningVar });
  checkEnough(input.shape, names, { training, unbiased });
  const evaluates = !training && names.includes("BN");
  if (evaluates && (!runningMean || !runningVar)) {
    throw new TypeError(
      "switchableNorm: expected runningMean and runningVar where the batch's statistics are not used, got " +
        describeRunning(runningMean, runningVar),
    );
  }
  const rule = <A extends Num<A>>(
    x: A,
    weight: A | null,
    bias: A | null,
    meanWeight: A,
    varWeight: A,
    mean: A | null,
    variance: A | null,
  ): {
    output: A;
    pullback: (gradOutput: A) => readonly [A, A | null, A | null, A, A, null, null];
    aux: readonly A[];
  } => {
    const running = mean && variance && { mean, variance };
    const { output, saved, batch } = switchableNormForward(x, weight, bias, meanWeight, varWeight, running, {
      eps,
      unbiased,
    });
    const pullback = (gradOutput: A): readonly [A, A | null, A | null, A, A, null, null] => [
      ...switchableNormBackward(gradOutput, saved),
      null,
      null,
    ];
    return { output, pullback, aux: batch && training && input.numel > 0 ? [batch.mean, batch.variance] : [] };
  };
  const needs = needsOf(input, weight, bias);
  const [samples = 0, channels = 0, ...dims] = input.shape;
  const sizes = { samples, channels, positions: sizeOf(dims) };
  const settings = { eps, names, counts: countsOf(input.shape, unbiased) };
  const kernel = (
    x: NdArray,
    weight: NdArray | null,
    bias: NdArray | null,
    meanWeight: NdArray,
    varWeight: NdArray,
    mean: NdArray | null,
    variance: NdArray | null,
  ): Traced<NdArray, readonly [NdArray | null, NdArray | null, NdArray | null, NdArray, NdArray, null, null]> => {
    const running = mean && variance && { mean: mean.data, variance: variance.data };
    const [w, b] = [weight && weight.data, bias && bias.data];
    const logits = [meanWeight.data, varWeight.data] as const;
    const { switchableNormForward: forward, switchableNormBackward: backward } = choose(typescript, wasm);
    const { output, saved, batch } = forward(x.data, w, b, ...logits, running, sizes, settings);
    return {
      output: new NdArray(output, x.shape),
      pullback: (gradOutput) => {
        const gradients = backward(gradOutput.data, x.data, w, saved, sizes, settings, needs);
        const gradMean = new NdArray(gradients.gradMeanLogits, meanWeight.shape);
        const gradVar = new NdArray(gradients.gradVarLogits, varWeight.shape);
        return [...shaped(gradients, x, weight ?? bias), gradMean, gradVar, null, null];
      },
      aux: batch && training ? [batch.mean, batch.variance].map((of) => new NdArray(of, [channels])) : [],
    };
  };
  return apply(
    "switchableNorm",
    {
      rule,
      ...(input.numel > 0 && { kernel }),
      computeIn: "float64",
      attributes: { training, ...(training && { momentum }), eps, unbiased },
      commit: (aux) => commitRunningStats(runningMean, runningVar, aux, momentum),
    },
    input,
    weight,
    bias,
    meanWeight,
    varWeight,
    // Snapshots: a later training step must not change what this record computed.
    evaluates && runningMean ? runningMean.detach() : null,
    evaluates && runningVar ? runningVar.detach() : null,
  );
}

export interface SwitchableNorm1dOptions {
  readonly eps?: number;
  /** Weight of the NEW value; null averages all batches alike. */
  readonly momentum?: number | null;
  /** Start with weight 0 instead of 1: for the last norm of a residual branch. */
  readonly lastGamma?: boolean;
  readonly unbiased?: boolean;
  readonly dtype?: Dtype | undefined;
}

export interface SwitchableNormModuleOptions extends SwitchableNorm1dOptions {
  /** false mixes the statistics of IN and LN only: nothing is tracked, and evaluation is as training. */
  readonly usingBn?: boolean;
}

abstract class SwitchableNorm extends Norm {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number | null;
  readonly usingBn: boolean;
  readonly lastGamma: boolean;
  readonly unbiased: boolean;
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly meanWeight: Parameter;
  readonly varWeight: Parameter;
  readonly runningMean: Buffer | null;
  readonly runningVar: Buffer | null;
  /** How many batches a cumulative average has; null with a moving one, as the authors' state has none. */
  readonly numBatchesTracked: Buffer | null;

  constructor(numFeatures: number, options: SwitchableNormModuleOptions = {}) {
    super();
    const { name } = this.constructor;
    const {
      eps = 1e-5,
      momentum = this.defaultMomentum(),
      usingBn = true,
      lastGamma = false,
      unbiased = false,
      dtype,
    } = checkOptions(name, options, ["eps", "momentum", "usingBn", "lastGamma", "unbiased", "dtype"]);
    this.numFeatures = checkCount(name, "numFeatures", numFeatures);
    this.eps = checkEps(name, eps);
    this.momentum = momentum === null ? null : checkMomentum(name, momentum);
    this.usingBn = this.checkUsingBn(usingBn);
    this.lastGamma = checkBoolean(name, "lastGamma", lastGamma);
    this.unbiased = checkBoolean(name, "unbiased", unbiased);
    const made = dtype === undefined ? {} : { dtype };
    const logits = [this.logitsWithBn - (usingBn ? 0 : 1)];
    this.weight = new Parameter(full([numFeatures], lastGamma ? 0 : 1, made));
    this.bias = new Parameter(full([numFeatures], 0, made));
    this.meanWeight = new Parameter(ones(logits, made));
    this.varWeight = new Parameter(ones(logits, made));
    this.runningMean = usingBn ? new Buffer(full([numFeatures], 0, made)) : null;
    this.runningVar = usingBn ? new Buffer(full([numFeatures], 1, made)) : null;
    this.numBatchesTracked =
      usingBn && momentum === null ? new Buffer(full([], 0, { dtype: "float64" }), { optional: true }) : null;
  }

  /** How many dims an input has. */
  protected abstract readonly inputDims: number;
  protected abstract defaultMomentum(): number;

  protected get logitsWithBn(): number {
    return 3;
  }

  override forward(input: Tensor): Tensor {
    this.checkInput(input);
    const { meanWeight, varWeight, numBatchesTracked } = this;
    const momentum = this.momentum ?? 1 / ((numBatchesTracked?.item() ?? 0) + 1);
    const { runningMean, runningVar, weight, bias, training, eps, unbiased } = this;
    const settings = { runningMean, runningVar, weight, bias, training, momentum, eps, unbiased };
    const output = switchableNorm(input, meanWeight, varWeight, settings);
    // After the call, so that one that throws has counted nothing. An empty batch has no part in the average.
    if (training && numBatchesTracked && input.numel > 0) numBatchesTracked.value = numBatchesTracked.value.add(1);
    return output;
  }

  override normCase(input: Tensor): { case: NormCase; inputs: readonly Tensor[] } {
    this.checkInput(input);
    const { weight, bias, meanWeight, varWeight, runningMean, runningVar, training, eps, unbiased } = this;
    const names = checkSwitchableNorm(input, meanWeight, varWeight, { runningMean, runningVar, weight, bias });
    checkEnough(input.shape, names, { training, unbiased });
    const running =
      training || !runningMean || !runningVar ? null : { mean: [...runningMean.data], variance: [...runningVar.data] };
    const has = { hasWeight: true, hasBias: true };
    return {
      case: switchableNormCase(input.shape, names, { eps, unbiased }, has, running),
      inputs: [input, weight, bias, meanWeight, varWeight],
    };
  }

  /**
   * Takes the values of a state dict over, as Module's does; and one that the authors' code has saved, where weight, bias
   * and running statistics are [1, C, 1, …]. In a file of a whole network they need to be reshaped to [C] first.
   */
  override loadStateDict(
    state: StateDict,
    options: { readonly strict?: boolean } = {},
  ): { readonly missingKeys: readonly string[]; readonly unexpectedKeys: readonly string[] } {
    const own = checkObject("loadStateDict", "a state dict", state);
    const flat = Object.entries(own).map(([key, value]) => [key, this.perChannel(value)] as const);
    return super.loadStateDict(Object.fromEntries(flat), options);
  }

  /** [1, C, 1, …] as [C]; anything else as it is. */
  private perChannel(value: Tensor): Tensor {
    const [batch, channels, ...rest] = value instanceof Tensor ? value.shape : [];
    const isTheirs = batch === 1 && channels === this.numFeatures && rest.every((size) => size === 1);
    return isTheirs ? value.reshape([channels]) : value;
  }

  protected override extraRepr(): string {
    const { numFeatures, eps, momentum, usingBn, lastGamma, unbiased } = this;
    const shown = momentum === null ? "null" : formatNumber(momentum);
    const rest = `${lastGamma ? ", lastGamma=true" : ""}, unbiased=${unbiased}`;
    return `${numFeatures}, eps=${formatNumber(eps)}, momentum=${shown}, usingBn=${usingBn}${rest}`;
  }

  private checkUsingBn(usingBn: boolean): boolean {
    const { name } = this.constructor;
    if (checkBoolean(name, "usingBn", usingBn) || this.logitsWithBn > 2) return usingBn;
    throw new RangeError(`${name}: expected usingBn to be true, as LN alone leaves nothing to mix, got false`);
  }

  private checkInput(input: Tensor): void {
    const { name } = this.constructor;
    if (checkTensor(name, "input", input).ndim !== this.inputDims) {
      throw new RangeError(
        `${name}: expected ${this.inputDims}D input, got ${input.ndim}D of shape ${formatShape(input.shape)}`,
      );
    }
    checkChannels(name, "numFeatures", this.numFeatures, input, 1);
  }
}

/**
 * Switchable normalization of [N, C]. An instance has one value there, so only the statistics of LN and BN are mixed, with
 * logits in this order. As the authors' SwitchNorm1d but for momentum, which weighs the NEW value, the biased variance,
 * and runningVar, which starts at 1. Sums that they have saved with `using_moving_average=False` need a step before they are
 * loaded: see SwitchableNorm2d.
 *
 * @param numFeatures C
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.momentum weight of the NEW value in the running statistics, default 0.003; null gives every batch the
 *   same weight, and adds numBatchesTracked to the state
 * @param options.lastGamma start with weight 0. Default false
 * @param options.unbiased divide variances by C − 1 and N − 1, as the authors' code. Default false, as in the paper
 * @param options.dtype of the parameters and buffers. Default: the default dtype, float64
 * @throws RangeError if an input has another number of dims or channels, or, unbiased, a single channel or sample
 * @example
 * const norm = new SwitchableNorm1d(2, { eps: 0 });
 * norm.forward(tensor([[1, 3], [5, 11]])); // [[-0.9487, -0.5145], [-0.1961, 0.9899]]
 */
export class SwitchableNorm1d extends SwitchableNorm {
  constructor(numFeatures: number, options: SwitchableNorm1dOptions = {}) {
    super(numFeatures, options);
  }

  protected override get inputDims(): number {
    return 2;
  }

  protected override defaultMomentum(): number {
    return 0.003;
  }

  protected override get logitsWithBn(): number {
    return 2;
  }
}

/**
 * Switchable normalization of [N, C, H, W]. As the authors' SwitchNorm2d but for momentum, which weighs the NEW value, the
 * biased variance, and runningVar, which starts at 1.
 *
 * With momentum null runningVar is the average of the batches' variances. The authors' `using_moving_average=False` is
 * another one: it sums m_bn, and v_bn + m_bn², so that the spread of the means BETWEEN batches is in the variance. Its
 * state holds these raw sums: of K batches (200 in their training script) divide both by K, and take the square of that
 * mean off the second, before loading. The backward that they have written by hand treats running statistics in
 * evaluation as if they moved with x, as it never asks for `training`; ours are constants there.
 *
 * @param numFeatures C
 * @param options.eps added to the variance inside the root. Default 1e-5
 * @param options.momentum weight of the NEW value in the running statistics, default 0.1; null gives every batch the
 *   same weight, and adds numBatchesTracked to the state
 * @param options.usingBn mix in the batch's statistics. Default true; otherwise there are two logits, of IN and LN
 * @param options.lastGamma start with weight 0. Default false
 * @param options.unbiased variances as the authors' code: see switchableNorm. Default false, as in the paper
 * @param options.dtype of the parameters and buffers. Default: the default dtype, float64
 * @throws RangeError if an input has another number of dims or channels, or, unbiased, a single position
 * @example
 * const norm = new SwitchableNorm2d(16);
 * norm.forward(randn([8, 16, 4, 4])).shape; // [8, 16, 4, 4]
 * norm.meanWeight; // [1, 1, 1]: logits of IN, LN and BN, a third of each
 */
export class SwitchableNorm2d extends SwitchableNorm {
  protected override get inputDims(): number {
    return 4;
  }

  protected override defaultMomentum(): number {
    return 0.1;
  }
}

/**
 * Switchable normalization of [N, C, D, H, W]. Options, and what to know of the authors' sums, as SwitchableNorm2d, but
 * momentum is 0.003 by default.
 *
 * @example
 * new SwitchableNorm3d(4).forward(randn([2, 4, 3, 3, 3])).shape; // [2, 4, 3, 3, 3]
 */
export class SwitchableNorm3d extends SwitchableNorm {
  protected override get inputDims(): number {
    return 5;
  }

  protected override defaultMomentum(): number {
    return 0.003;
  }
}

/**
 * Training and evaluation, with and without BN where there is a choice, biased and unbiased, each with and without weight
 * and bias. Without BN evaluation is training.
 */
export const switchableNormDescriptor: NormDescriptor = {
  name: "switchableNorm",
  cases: (shape, eps = 1e-5) => {
    const [, channels = 0] = shape;
    if (shape.length < 2 || channels === 0) return [];
    const withBn = statisticsOf(shape, 3);
    const modes = [
      { names: withBn, running: null },
      ...(shape.length > 2 ? [{ names: statisticsOf(shape, 2), running: null }] : []),
      { names: withBn, running: exampleRunningStats(channels) },
    ];
    return modes.flatMap(({ names, running }) =>
      [false, true]
        .filter((unbiased) => enough(shape, names, { training: running === null, unbiased }))
        .flatMap((unbiased) =>
          affineCombinations.map((has) => switchableNormCase(shape, names, { eps, unbiased }, has, running)),
        ),
    );
  },
};

function switchableNormCase(
  shape: Shape,
  names: readonly StatisticName[],
  { eps, unbiased }: SwitchableNormOptions,
  has: Affine,
  running: RunningStats | null,
): NormCase {
  const [, channels = 0] = shape;
  const split = <A>(inputs: readonly A[]): readonly [A, A | null, A | null, A, A] => {
    const expected = 3 + Number(has.hasWeight) + Number(has.hasBias);
    const [meanWeight, varWeight] = inputs.slice(-2);
    if (inputs.length !== expected || meanWeight === undefined || varWeight === undefined) {
      throw new RangeError(`normCase: expected ${expected} inputs, got ${inputs.length}`);
    }
    return [...splitAffine(inputs.slice(0, -2), has), meanWeight, varWeight];
  };
  const variance = unbiased ? "unbiased" : "biased";
  return {
    norm: "switchableNorm",
    label: `${running ? "evaluation" : "training"}, ${names.join(", ")}, ${variance}, ${affineLabel(has)}`,
    inputs: [
      ...affineInputs(shape, [channels], has),
      { name: "meanWeight", shape: [names.length] },
      { name: "varWeight", shape: [names.length] },
    ],
    // LN ties the channels of a sample together, and BN the samples of a channel: with both, all cells are one set.
    partition: channelPartition(shape, { perSample: true }).map((instance) =>
      names.includes("BN") && running === null ? 0 : Math.floor(instance / channels),
    ),
    trace: <A extends Num<A>>(inputs: readonly A[]) => {
      const [x, weight, bias, meanWeight, varWeight] = split(inputs);
      const constant = (values: readonly number[]): A => x.constant(() => values, [values.length]);
      const constants = running && { mean: constant(running.mean), variance: constant(running.variance) };
      const options = { eps, unbiased };
      const { output, saved } = switchableNormForward(x, weight, bias, meanWeight, varWeight, constants, options);
      return {
        output,
        pullback: (gradOutput: A) => {
          const [gradX, gradWeight, gradBias, ...ofLogits] = switchableNormBackward(gradOutput, saved);
          return [...presentGrads([gradX, gradWeight, gradBias], has), ...ofLogits];
        },
        terms: (gradOutput: A) => switchableNormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight, bias, meanWeight, varWeight] = split(inputs);
      const [runningMean, runningVar] = runningTensors(running, x.dtype);
      const options = { runningMean, runningVar, weight, bias, training: running === null, eps, unbiased };
      return switchableNorm(x, meanWeight, varWeight, options);
    },
  };
}

/** The statistics that are mixed. */
function checkSwitchableNorm(
  input: Tensor,
  meanWeight: Tensor,
  varWeight: Tensor,
  perChannel: Readonly<Record<string, Tensor | null>>,
): readonly StatisticName[] {
  const channels = checkTensor("switchableNorm", "input", input).shape[1];
  if (channels === undefined || channels === 0) {
    throw new RangeError(`switchableNorm: expected input [N, C, *] with C ≥ 1, got shape ${formatShape(input.shape)}`);
  }
  checkPerChannel("switchableNorm", channels, perChannel);
  const [logits, expected] =
    input.ndim === 2 ? [[2], "[2] (LN, BN) for input [N, C]"] : [[2, 3], "[3] (IN, LN, BN) or [2] (IN, LN)"];
  for (const [name, array] of Object.entries({ meanWeight, varWeight })) {
    const { ndim, numel, shape } = checkTensor("switchableNorm", name, array);
    if (ndim !== 1 || !logits.includes(numel)) {
      throw new RangeError(`switchableNorm: expected ${name} of shape ${expected}, got ${formatShape(shape)}`);
    }
  }
  if (meanWeight.numel !== varWeight.numel) {
    throw new RangeError(
      "switchableNorm: expected meanWeight and varWeight of one shape, " +
        `got ${formatShape(meanWeight.shape)} and ${formatShape(varWeight.shape)}`,
    );
  }
  return statisticsOf(input.shape, meanWeight.numel);
}

interface Mode {
  readonly training: boolean;
  readonly unbiased: boolean;
}

/** Whether x̂ depends on x at all, and no variance is divided by 0. An empty batch is fine. */
function enough(shape: Shape, names: readonly StatisticName[], { training, unbiased }: Mode): boolean {
  const [samples = 0, channels = 0, ...positions] = shape;
  if (sizeOf(shape) === 0) return true;
  const values = sizeOf(positions);
  const own = names.filter((name) => training || name !== "BN");
  const sizes = { IN: values, LN: channels * values, BN: samples * values };
  if (unbiased) return shape.length === 2 ? own.every((name) => sizes[name] > 1) : values > 1;
  return own.length < names.length || own.some((name) => sizes[name] > 1);
}

function checkEnough(shape: Shape, names: readonly StatisticName[], mode: Mode): void {
  if (enough(shape, names, mode)) return;
  const found = `got input of shape ${formatShape(shape)}`;
  if (!mode.unbiased) {
    throw new RangeError(
      `switchableNorm: expected more than 1 value in a set that shares statistics, ${found}: ` +
        "with one value x − μ is 0 whatever x is",
    );
  }
  const where = shape.length === 2 ? "a sample, and in training a channel," : "a channel of a sample";
  throw new RangeError(
    `switchableNorm: expected more than 1 value in ${where} for an unbiased variance, ${found}: it divides by n − 1`,
  );
}
