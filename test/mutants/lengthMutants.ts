/** What can go wrong with a division by a length. */
import type { Num } from "../../src/autograd/index.ts";
import { normalizeForward } from "../../src/norms/index.ts";
import type { Backward } from "../helpers/mutantNorm.ts";
import { setsAlong } from "./lengthNorms.ts";
import type { Mutant } from "./mutant.ts";
import { special } from "./special.ts";

const total = <A extends Num<A>>(rows: A): A => rows.sum([1], true);
const each = <A extends Num<A>>(array: A, f: (value: number) => number): A =>
  array.constant((values) => Float64Array.from(values, f));

/** ∂‖x‖/∂x · Σ ĝ · x̂, with a slope of one's own. */
const along = <A extends Num<A>>(slope: A, { gradXhat, xhat }: Backward<A>): A => slope.mul(total(gradXhat.mul(xhat)));

/** As along, without the clamp: the norm counts however small it is. */
const unclamped = <A extends Num<A>>(c: Backward<A>, p: number): A =>
  along(normalizeForward(c.x, { p, dim: 1, eps: 0 }).saved.slope, c);

/** 1 where ‖x‖ > eps. */
const isLarge = <A extends Num<A>>({ variance, eps }: Backward<A>): A =>
  each(variance, (square) => (Math.sqrt(square) <= eps ? 0 : 1));

const unit = special("normalize", "normalize");

const normalized: readonly Mutant[] = [
  unit.backward("path through the norm where it is clamped", "variance path", ({ p = 2 }) => ({
    viaVariance: (c) => unclamped(c, p),
  })),
  unit.backward("no gradient where the norm is clamped", "rstd", {
    gradInput: (c) => c.gradInput.mul(isLarge(c)),
  }),
  unit.backward("the slope of p = 2 for every p", "variance path", {
    viaVariance: (c) => along(c.xhat.mul(isLarge(c)), c),
  }),
  unit.backward("p = 1: sign of x lost", "variance path", ({ p }) => ({
    viaVariance: (c) => (p === 1 ? along(each(c.x, (v) => Math.abs(Math.sign(v))).mul(isLarge(c)), c) : c.viaVariance),
  })),
  unit.backward("p = 3: |y|³ for |y|²", "variance path", ({ p }) => ({
    viaVariance: (c) => (p === 3 ? c.viaVariance.mul(c.xhat.abs()) : c.viaVariance),
  })),
  unit.backward("p = 3: sign of y lost", "variance path", ({ p }) => ({
    viaVariance: (c) => (p === 3 ? along(c.xhat.square().mul(isLarge(c)), c) : c.viaVariance),
  })),
  unit.backward("p = ∞: all of the gradient to each of the largest", "variance path", ({ p }) => ({
    viaVariance: (c) => {
      if (p !== Infinity) return c.viaVariance;
      const largest = c.x.abs().detach().max([1], true).detach();
      const isLargest = each(c.x.abs().detach().sub(largest), (distance) => (distance === 0 ? 1 : 0));
      return along(isLargest.mul(each(c.x, Math.sign)).mul(isLarge(c)), c);
    },
  })),
  unit.backward("the path through the norm averaged", "count", {
    viaVariance: ({ viaVariance, n }) => viaVariance.div(n),
  }),
  unit.backward("norms along the last dim", "axes", (setting) => ({
    backwardSets: () => setsAlong(setting, 2).map((set) => ({ ...set, parameters: set.cells.map(() => 0) })),
  })),
  unit.forward("eps added, not clamped", ({ p = 2 }) => ({
    rstd: ({ x, eps }) => {
      const { inverse } = normalizeForward(x, { p, dim: 1, eps: 0 }).saved;
      return inverse.div(inverse.mul(eps).add(1));
    },
  })),
  unit.forward("the root forgotten", { rstd: ({ rstd }) => rstd.square() }),
  unit.forward("eps clamps the sum, not its root", { rstd: ({ x, eps }) => clampedSquares(x, eps) }),
];

/** 1/√max(Σ x², ε) */
function clampedSquares<A extends Num<A>>(x: A, eps: number): A {
  const squares = total(x.square());
  return each(squares, (square) => (square <= eps ? 0 : 1))
    .mul(squares)
    .add(each(squares, (square) => (square <= eps ? eps : 0)))
    .rsqrtOrZero();
}

const lengths = special("WeightNorm", "weightNorm");

const weightLengths: readonly Mutant[] = [
  lengths.backward("projection on v, not on its direction", "variance path", {
    viaVariance: (c) => along(c.x, c),
  }),
  lengths.backward("projection averaged", "count", { viaVariance: ({ viaVariance, n }) => viaVariance.div(n) }),
  lengths.backward("one norm more than there are: dim + 1", "axes", (setting) => ({
    backwardSets: (sets) =>
      setting.dim === null ? sets : setsAlong(setting, ((setting.dim ?? 0) + 1) % 3, true).map((set) => ({
        ...set,
        parameters: set.parameters.map((p) => p % sets.length),
      })), // prettier-ignore
  })),
  lengths.backward("gradG from the direction over ‖v‖", "parameter gradient", {
    steps: { gradLength: (right, { inverse }) => right.mul(inverse) },
  }),
  lengths.backward("gradG of all of v", "axes", {
    steps: { gradLength: (right) => right.sum().add(right.mul(0)) },
  }),
  lengths.backward("gradG times g", "parameter gradient", {
    steps: { gradLength: (right, { length }) => right.mul(length) },
  }),
  lengths.backward("g squared in gradV", "parameter", { gradXhat: ({ gradXhat, weight }) => gradXhat.mul(weight) }),
  lengths.forward("v not divided by its norm", { rstd: ({ rstd }) => rstd.mul(0).add(1) }),
  lengths.forward("the norm squared", { rstd: ({ rstd }) => rstd.square() }),
  lengths.forward("1e-5 added under the root", { rstd: ({ variance }) => variance.add(1e-5).rsqrt() }),
];

const scale = special("ScaleNorm", "scaleNorm");

const scaleLengths: readonly Mutant[] = [
  scale.backward("path through ‖x‖ where eps clamps it", "variance path", { viaVariance: (c) => unclamped(c, 2) }),
  scale.backward("no gradient where eps clamps ‖x‖", "rstd", {
    gradInput: (c) => c.gradInput.mul(isLarge(c)),
  }),
  scale.backward("RMSNorm's √d in the backward", "rstd", { savedRstd: ({ rstd, n }) => rstd.mul(Math.sqrt(n)) }),
  scale.backward("RMSNorm's mean in the path through the norm", "count", {
    viaVariance: ({ viaVariance, n }) => viaVariance.div(n),
  }),
  scale.backward("gradWeight of the first row", "parameter gradient", {
    steps: {
      gradLength: (right, { products, inverse }, { L }) =>
        inverse
          .mul(0)
          .add(products.reshape([-1]).slice(0, 0, L).sum())
          .add(right.mul(0)),
    },
  }),
  scale.backward("gradWeight averaged over the rows", "count", {
    steps: { gradLength: (right, _, { N, C }) => right.div(N * C) },
  }),
  scale.backward("gradWeight of x, not of its direction", "parameter gradient", {
    steps: { gradLength: (right, { products }) => products.sum().add(right.mul(0)) },
  }),
  scale.forward("RMSNorm's √d", { rstd: ({ rstd, n }) => rstd.mul(Math.sqrt(n)) }),
  scale.forward("‖x‖ + eps, not clamped", {
    rstd: ({ variance, eps }) => {
      const inverse = variance.rsqrtOrZero();
      return inverse.div(inverse.mul(eps).add(1));
    },
  }),
  scale.forward("eps under the root", { rstd: ({ variance, eps }) => variance.add(eps).rsqrtOrZero() }),
];

export const lengthMutants: readonly Mutant[] = [...normalized, ...weightLengths, ...scaleLengths];
