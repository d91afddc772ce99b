/** Norms that divide by a length: no mean, sums instead of means, and a clamp in place of eps under the root. */
import type { Num, Traced } from "../../src/autograd/index.ts";
import { normalizeForward, scaleNormForward, weightNormForward, weightNormShape } from "../../src/norms/index.ts";
import { mutantTrace, rightParts } from "../helpers/mutantNorm.ts";
import type { Parts } from "../helpers/mutantNorm.ts";
import { layerNormSets } from "../helpers/normOracles.ts";
import type { CellSet } from "../helpers/normOracles.ts";
import { at, domain, EPS, shapeOf } from "./domain.ts";
import type { Change, Norm } from "./domain.ts";
import type { Setting } from "./mutant.ts";
import { turn } from "./steps.ts";

/** The cells that agree in all dims but `dim`; or, to `keep` it, in `dim` alone; all of them for null. */
export function setsAlong({ N, C, L }: Setting, dim: number | null, keep = false): CellSet[] {
  const shape = [N, C, L];
  const sets = new Map<string, number[]>();
  for (let cell = 0; cell < N * C * L; cell++) {
    const place = [Math.floor(cell / (C * L)), Math.floor(cell / L) % C, cell % L];
    const key = String(shape.map((_, i) => (dim !== null && (i === dim) === keep ? place[i] : 0)));
    sets.set(key, [...(sets.get(key) ?? []), cell]);
  }
  return Array.from(sets.values(), (cells, s) => ({ cells, parameters: cells.map(() => s), running: null }));
}

/** ‖x‖² under the name of the variance, 1/‖x‖ under that of rstd. */
const lengthParts: Parts = {
  ...rightParts,
  centered: ({ x }) => x,
  variance: ({ centered }) => centered.square().sum([1], true),
  viaMean: ({ gradXhat }) => gradXhat.mul(0),
  viaVariance: ({ gradXhat, xhat }) => xhat.mul(gradXhat.mul(xhat).sum([1], true)),
};

/** Rows have the vectors along dim 1. */
export const normalizeParts = (p: number): Parts => ({
  ...lengthParts,
  variance: ({ x }) => {
    const { inverse } = normalizeForward(x, { p, dim: 1, eps: 0 }).saved;
    return inverse.square().rsqrtOrZero().square();
  },
  rstd: ({ x, eps }) => normalizeForward(x, { p, dim: 1, eps }).saved.inverse,
  viaVariance: ({ x, eps, gradXhat, xhat }) =>
    normalizeForward(x, { p, dim: 1, eps }).saved.slope.mul(gradXhat.mul(xhat).sum([1], true)),
});

/** Clamped as normalize with p = 2. */
const scaleParts: Parts = { ...normalizeParts(2), variance: lengthParts.variance };

/** A length as a parameter: g of weightNorm, the weight of ScaleNorm. */
function lengthTrace(
  sets: (setting: Setting) => readonly CellSet[],
  parts: Parts,
): <A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change) => Traced<A> {
  return <A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change): Traced<A> => {
    const [x, length] = [at(inputs, 0), at(inputs, 1)];
    const core = mutantTrace([x, length, null], sets(setting), setting.eps, change, parts);
    return {
      output: core.output,
      pullback: (g) => {
        const [gradInput, gradLength] = core.pullback(g);
        const wide = length.ndim === 0 ? length.reshape([1, 1, 1]) : length;
        const inverse = x.square().sumTo(wide.shape).rsqrtOrZero().reshape(length.shape);
        const products = g.mul(x);
        return [
          gradInput,
          gradLength && turn(change.steps?.gradLength, gradLength, { products, inverse, length }, setting),
        ];
      },
    };
  };
}

const everyDim = [0, 1, 2, null] as const;
const wholeOr = ({ dim = 0 }: Setting): number | null => dim;

export const lengthNorms: Readonly<Record<"normalize" | "weightNorm" | "scaleNorm", Norm>> = {
  normalize: {
    domain: domain({ eps: EPS, p: [2, 1, 3, Infinity], dim: [0, 1, 2] }, () => ({})),
    usual: { eps: 1e-5, p: 3, dim: 1 },
    forward: (inputs, { eps, p = 2, dim }) => normalizeForward(at(inputs, 0), { p, dim: dim ?? 1, eps }).output,
    trace: (inputs, setting, change) => {
      const sets = setsAlong(setting, setting.dim ?? 1).map((set) => ({ ...set, parameters: set.cells.map(() => 0) }));
      const core = mutantTrace([at(inputs, 0), null, null], sets, setting.eps, change, normalizeParts(setting.p ?? 2));
      return { output: core.output, pullback: (g) => core.pullback(g).slice(0, 1) };
    },
  },
  weightNorm: {
    domain: domain({ eps: [0], dim: everyDim }, (setting) => ({
      g: weightNormShape(shapeOf(setting), wholeOr(setting)),
    })),
    usual: { eps: 0, dim: 1 },
    forward: (inputs, setting) => weightNormForward(at(inputs, 0), at(inputs, 1), { dim: wholeOr(setting) }).output,
    trace: lengthTrace((setting) => setsAlong(setting, wholeOr(setting), true), lengthParts),
  },
  scaleNorm: {
    domain: domain({ eps: EPS }, () => ({ weight: [] })),
    usual: { eps: 1e-5 },
    forward: (inputs, { eps }) => scaleNormForward(at(inputs, 0), at(inputs, 1), { eps }).output,
    trace: lengthTrace(
      (setting) =>
        layerNormSets(shapeOf(setting), [setting.L]).map((set) => ({ ...set, parameters: set.cells.map(() => 0) })),
      scaleParts,
    ),
  },
};
