/** Norms of channels with a correction, a threshold, or a weight in the place of x: each is mutantTrace and something around. */
import type { Num, Traced } from "../../src/autograd/index.ts";
import { batchRenormForward, filterResponseNormForward, weightStandardizationForward } from "../../src/norms/index.ts";
import { average, mutantTrace, rightParts } from "../helpers/mutantNorm.ts";
import type { PartsOf } from "../helpers/mutantNorm.ts";
import { batchNormSets, instanceNormSets, layerNormSets } from "../helpers/normOracles.ts";
import { at, domain, EPS, perChannel, present, shapeOf, varianceParts } from "./domain.ts";
import type { Change, Norm } from "./domain.ts";
import type { Setting } from "./mutant.ts";
import { renormCorrection, runningOf } from "./renormCorrection.ts";
import { turn } from "./steps.ts";

function batchRenormTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
  const { steps = {} } = change;
  const { scale, shift } = renormCorrection(x, runningOf(weight), setting, steps);
  const [r, d] = [scale.reshape(weight.shape), shift.reshape(weight.shape)];
  const sets = batchNormSets(shapeOf(setting));
  const core = mutantTrace([x, weight.mul(r), weight.mul(d).add(bias)], sets, setting.eps, change);
  return {
    output: core.output,
    pullback: (g) => {
      const [gradInput, gradScale, gradBias] = core.pullback(g);
      const viaXhat = present(gradScale);
      const gradWeight = viaXhat.mul(r).add(present(gradBias).mul(d));
      return [
        turn(steps.gradRenormInput, gradInput, { r: scale }, setting),
        turn(steps.gradRenormWeight, gradWeight, { viaXhat, r }, setting),
        gradBias,
      ];
    },
  };
}

function filterResponseTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const [x, weight, bias, tau] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
  const raw = inputs[4] ?? null;
  const { steps = {} } = change;
  const guard = raw && turn(steps.epsL, raw.abs(), { raw }, setting);
  const parts: PartsOf<A> = {
    ...rightParts,
    centered: (c) => c.x,
    // With |epsL|, which then is what the root takes besides eps.
    variance: ({ centered }) => {
      const meanSquare = average(centered.square());
      return guard === null ? meanSquare : meanSquare.add(guard.reshape([1, 1]));
    },
    viaMean: ({ gradXhat }) => gradXhat.mul(0),
  };
  const core = mutantTrace([x, weight, bias], instanceNormSets(shapeOf(setting)), setting.eps, change, parts);
  const threshold = tau.reshape([1, setting.C, 1]);
  const isAbove = (array: A): A =>
    array.sub(threshold).constant((values) => Float64Array.from(values, (v) => (v <= 0 ? 0 : 1)));
  const y = core.output;
  const above = isAbove(y);
  const isBelow = above.neg().add(1);
  return {
    output: turn(steps.threshold, y.mul(above).add(threshold.mul(isBelow)), { y, tau: threshold }, setting),
    pullback: (g) => {
      const gradY = turn(steps.gradY, g.mul(above), { g, x, tau: threshold }, setting);
      const gradTau = turn(steps.gradTau, g.mul(isBelow), { g }, setting).sum([0, 2]);
      const gradients = [...core.pullback(gradY), gradTau];
      if (raw === null || guard === null) return gradients;
      const r = x
        .square()
        .mean([2], true)
        .add(setting.eps)
        .add(guard.reshape([1, 1, 1]))
        .rsqrtOrZero();
      const slopes = g
        .mul(above)
        .mul(weight.reshape([1, setting.C, 1]))
        .mul(x)
        .mul(r.pow(3))
        .sum()
        .mul(-0.5);
      const sign = raw.constant((values) => Float64Array.from(values, Math.sign));
      return [...gradients, turn(steps.gradEpsL, sign.mul(slopes), { raw }, setting)];
    },
  };
}

function standardizationTrace<A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> {
  const { unbiased = false, eps } = setting;
  const parts: PartsOf<A> = varianceParts(unbiased);
  const outside: PartsOf<A> = {
    ...parts,
    rstd: ({ variance }) =>
      eps === 0 ? variance.rsqrtOrZero() : variance.mul(variance.rsqrtOrZero()).add(eps).pow(-1),
    viaVariance: ({ gradXhat, xhat, centered, variance, n }) =>
      centered.mul(variance.rsqrtOrZero()).mul(
        gradXhat
          .mul(xhat)
          .sum([1], true)
          .div(n - 1),
      ),
  };
  const sets = layerNormSets(shapeOf(setting), [setting.C, setting.L]);
  const core = mutantTrace([at(inputs, 0), null, null], sets, eps, change, unbiased ? outside : parts);
  return { output: core.output, pullback: (g) => core.pullback(g).slice(0, 1) };
}

export const channelNorms: Readonly<Record<"batchRenorm" | "filterResponseNorm" | "weightStandardization", Norm>> = {
  batchRenorm: {
    domain: domain({ eps: EPS, rMax: [3, 1.25], dMax: [5, 0.25] }, perChannel, ({ N, L }) => N * L > 1),
    usual: { eps: 1e-5, rMax: 1, dMax: 0 }, // r and d are constants, which move under differences
    forward: (inputs, setting) => {
      const [x, weight, bias] = [at(inputs, 0), at(inputs, 1), at(inputs, 2)];
      const options = { eps: setting.eps, convention: "paper" as const };
      return batchRenormForward(x, weight, bias, renormCorrection(x, runningOf(weight), setting), options).output;
    },
    trace: batchRenormTrace,
  },
  filterResponseNorm: {
    domain: domain({ eps: EPS, learnableEps: [true, false] }, ({ C, learnableEps = false }) => ({
      weight: [C],
      bias: [C],
      tau: [C],
      ...(learnableEps && { epsL: [1] }),
    })),
    usual: { eps: 1e-5, learnableEps: true },
    forward: (inputs, { eps }) => {
      const [x, weight, bias, tau] = [at(inputs, 0), at(inputs, 1), at(inputs, 2), at(inputs, 3)];
      return filterResponseNormForward({ x, weight, bias, tau, epsL: inputs[4] ?? null }, { eps }).output;
    },
    trace: filterResponseTrace,
  },
  weightStandardization: {
    domain: {
      ...domain(
        { eps: EPS, unbiased: [false, true] },
        () => ({}),
        ({ C, L, unbiased }) => !unbiased || C * L > 1,
      ),
      dims: { N: [1, 6], C: [1, 3], L: [1, 10] }, // N sets: more than four
    },
    usual: { eps: 1e-5, unbiased: true },
    forward: (inputs, { eps, unbiased = false }) =>
      weightStandardizationForward(at(inputs, 0), { eps, unbiased }).output,
    trace: standardizationTrace,
  },
};
