/** What can go wrong with styles, modulations, corrections and thresholds. */
import type { Num } from "../../src/autograd/index.ts";
import { average } from "../helpers/mutantNorm.ts";
import { setsAlong } from "./lengthNorms.ts";
import type { Mutant, Setting } from "./mutant.ts";
import { renormMutants } from "./renormMutants.ts";
import { special } from "./special.ts";
import { labelsOf, STYLES } from "./styleNorms.ts";
import type { Turn } from "./steps.ts";

const none: Turn = (right) => right.mul(0);
const biased = (n: number, { unbiased = false }: Setting): number => (unbiased ? (n - 1) / n : 1);
const stylePositions = ({ L }: Setting): number => (L === 3 ? 4 : 3);

const adain = special("AdaptiveInstanceNorm", "adaptiveInstanceNorm");

const adaptiveInstance: readonly Mutant[] = [
  adain.backward("no gradient for the style", "parameter gradient", { steps: { gradStyle: none } }),
  adain.backward("style's mean without a gradient", "parameter gradient", { steps: { viaStyleMean: none } }),
  adain.backward("style's standard deviation without a gradient", "parameter gradient", {
    steps: { viaStyleStd: none },
  }),
  adain.backward("style's mean path summed, not divided by its positions", "parameter gradient", {
    steps: { viaStyleMean: (right, _, setting) => right.mul(stylePositions(setting)) },
  }),
  adain.backward("n for n − 1 in the content's variance term", "count", (setting) => ({
    viaVariance: ({ viaVariance, n }) => viaVariance.mul(biased(n, setting)),
  })),
  adain.backward("k for k − 1 in the style's gradient", "parameter gradient", {
    steps: { viaStyleStd: (right, _, setting) => right.mul(biased(stylePositions(setting), setting)) },
  }),
  adain.backward("style's standard deviation without eps in its gradient", "parameter gradient", {
    steps: {
      viaStyleStd: (right, { variance }, { eps }) =>
        right.mul(variance.rsqrtOrZero()).mul(variance.add(eps).mul(variance.add(eps).rsqrtOrZero())),
    },
  }),
  adain.backward("1 − alpha not applied past the normalization", "parameter", {
    steps: { pastNorm: (right, { g }, { alpha }) => (alpha === 1 ? right : g) },
  }),
  adain.backward("nothing past the normalization", "parameter", { steps: { pastNorm: none } }),
  adain.backward("alpha not applied to the normalized content", "parameter", ({ alpha = 1 }) => ({
    gradXhat: ({ gradXhat }) => gradXhat.div(alpha),
  })),
  adain.forward("no eps for the style, as in the authors' code", {
    steps: { styleStd: (_, { variance }) => variance.mul(variance.rsqrtOrZero()) },
  }),
];

const cin = special("ConditionalInstanceNorm", "conditionalInstanceNorm");

/** Σ of the rows by label, with all that a label may do wrong. −1: the row is not used. */
function toTable<A extends Num<A>>(rows: A, { C }: Setting, rowOf: readonly number[]): A {
  const cells = rowOf.flatMap((row) => Array.from({ length: C }, (_, c) => (row < 0 ? -1 : row * C + c)));
  return rows
    .reshape([rowOf.length * C])
    .putAdd(Int32Array.from(cells), STYLES * C)
    .reshape([STYLES, C]);
}

const normalized = <A extends Num<A>>(blend: A): A => blend.div(blend.sum([1], true));

const conditional: readonly Mutant[] = [
  cin.backward("rows overwritten, not added up", "parameter gradient", {
    steps: {
      gradTable: (right, { rows }, setting) => {
        const labels = labelsOf(setting);
        const last = labels.map((label, i) => (labels.lastIndexOf(label) === i ? label : -1));
        return setting.blend ? right : toTable(rows, setting, last);
      },
    },
  }),
  cin.backward("rows by the number of the sample, not by its label", "axes", {
    steps: {
      gradTable: (right, { rows }, setting) =>
        setting.blend
          ? right
          : toTable(
              rows,
              setting,
              Array.from({ length: setting.N }, (_, i) => i),
            ),
    },
  }),
  cin.backward("a gradient in unused rows", "axes", {
    steps: {
      gradTable: (right, { rows }, setting) =>
        setting.blend ? right : right.add(toTable(rows, setting, labelsOf(setting).map(() => 1))), // prettier-ignore
    },
  }),
  cin.backward("the first sample's style for all samples", "axes", ({ C }) => ({
    backwardSets: (sets) => sets.map((set) => ({ ...set, parameters: set.parameters.map((p) => p % C) })),
  })),
  cin.backward("rows averaged over the batch", "parameter gradient", {
    steps: { gradTable: (right, _, { N, blend }) => (blend ? right : right.div(N)) },
  }),
  cin.backward("blend weights normalized in the backward", "parameter gradient", {
    steps: {
      gradTable: (right, { rows, blend }, setting) =>
        setting.blend ? normalized(blend).transpose(0, 1).matmul(rows) : right,
    },
  }),
  cin.backward("no gradient for the blend", "parameter gradient", { steps: { gradBlend: none } }),
  cin.backward("gradient of the blend without the biases' part", "parameter gradient", {
    steps: { gradBlend: (_, { viaWeight }) => viaWeight },
  }),
  cin.backward("gradient of the blend without the weights' part", "parameter gradient", {
    steps: { gradBlend: (_, { viaBias }) => viaBias },
  }),
  cin.forward("blend weights normalized", { steps: { blend: normalized } }),
];

const adaln = special("AdaptiveLayerNorm", "adaptiveLayerNorm");

/** Of the last position alone. */
const lastOnly = <A extends Num<A>>(right: A, cells: A): A => cells.slice(1, -1).reshape(right.shape);

const adaptiveLayer: readonly Mutant[] = [
  adaln.backward("scale taken for 1 + scale", "parameter", { gradXhat: ({ g, weight }) => g.mul(weight.sub(1)) }),
  adaln.backward("gradScale of the last position, not of all", "parameter gradient", {
    steps: { gradScale: (right, { products }) => lastOnly(right, products) },
  }),
  adaln.backward("gradShift of the last position, not of all", "parameter gradient", {
    steps: { gradShift: (right, { g }) => lastOnly(right, g) },
  }),
  adaln.backward("gradScale averaged over the positions", "count", {
    steps: { gradScale: (right, _, { C }) => right.div(C) },
  }),
  adaln.backward("gradScale shared by the batch", "axes", {
    steps: { gradScale: (right) => right.sum([0], true).expand(right.shape) },
  }),
  adaln.backward("gradScale and gradShift exchanged", "parameter gradient", {
    steps: { gradScale: (_, { gradShift }) => gradShift, gradShift: (_, { gradScale }) => gradScale },
  }),
  adaln.backward("gradScale times 1 + scale", "parameter gradient", {
    steps: { gradScale: (right, { factor }) => right.mul(factor) },
  }),
  adaln.forward("scale not added to 1", { steps: { modulation: (_, { scale }) => scale } }),
];

const frn = special("FilterResponseNorm", "filterResponseNorm");

const filterResponse: readonly Mutant[] = [
  frn.backward("BatchNorm's mean term", "mean path", { viaMean: ({ gradXhat }) => average(gradXhat) }),
  frn.backward("sign of epsL lost", "parameter gradient", {
    steps: {
      gradEpsL: (right, { raw }) => right.mul(raw.constant((values) => Float64Array.from(values, Math.sign))),
    },
  }),
  frn.backward("epsL's gradient doubled", "factor", { steps: { gradEpsL: (right) => right.mul(2) } }),
  frn.backward("epsL a constant", "parameter gradient", { steps: { gradEpsL: none } }),
  frn.backward("tau's gradient where y > tau", "parameter gradient", {
    steps: { gradTau: (right, { g }) => g.sub(right) },
  }),
  frn.backward("tau's gradient from all cells", "parameter gradient", { steps: { gradTau: (_, { g }) => g } }),
  frn.backward("tau a constant", "parameter gradient", { steps: { gradTau: none } }),
  frn.backward("gradient passed where y ≤ tau", "indices", { steps: { gradY: (_, { g }) => g } }),
  frn.backward("threshold on x, not on y", "indices", {
    steps: {
      gradY: (_, { g, x, tau }) =>
        g.mul(x.sub(tau).constant((values) => Float64Array.from(values, (v) => (v <= 0 ? 0 : 1)))),
    },
  }),
  frn.forward("centred", { centered: ({ x }) => x.center([1]) }),
  frn.forward("epsL without its absolute value", { steps: { epsL: (_, { raw }) => raw } }),
  frn.forward("ReLU in place of the TLU", { steps: { threshold: (_, { y }) => y.relu() } }),
];

const ws = special("weightStandardization", "weightStandardization");

const standardization: readonly Mutant[] = [
  ws.backward("n for n − 1 in the backward", "count", (setting) => ({
    viaVariance: ({ viaVariance, n }) => viaVariance.mul(biased(n, setting)),
  })),
  ws.backward("n − 1 for n in the backward", "count", ({ unbiased }) => ({
    viaVariance: ({ viaVariance, n }) => (unbiased ? viaVariance : viaVariance.mul(n).div(Math.max(1, n - 1))),
  })),
  ws.backward("eps inside in the backward, outside in the forward", "rstd", ({ unbiased }) => ({
    savedRstd: ({ rstd, variance, eps }) => (unbiased ? variance.add(eps).rsqrtOrZero() : rstd),
  })),
  ws.backward("eps outside in the backward, inside in the forward", "rstd", ({ unbiased }) => ({
    savedRstd: ({ rstd, variance, eps }) =>
      unbiased || eps === 0 ? rstd : variance.mul(variance.rsqrtOrZero()).add(eps).pow(-1),
  })),
  ws.backward("path through the standard deviation as if eps were inside", "variance path", ({ unbiased }) => ({
    viaVariance: ({ viaVariance, gradXhat, xhat, n }) =>
      unbiased
        ? xhat.mul(
            gradXhat
              .mul(xhat)
              .sum([1], true)
              .div(n - 1),
          )
        : viaVariance,
  })),
  ws.backward("statistics of the input channels", "axes", (setting) => ({
    backwardSets: () => setsAlong(setting, 1, true),
  })),
  ws.forward("eps on the other side of the root", ({ unbiased }) => ({
    rstd: ({ variance, eps }) => (unbiased ? variance.add(eps).rsqrtOrZero() : variance.sqrt().add(eps).pow(-1)),
  })),
  ws.forward("divided by the variance, the root forgotten", { rstd: ({ variance, eps }) => variance.add(eps).pow(-1) }),
];

export const adaptiveMutants: readonly Mutant[] = [
  ...adaptiveInstance,
  ...conditional,
  ...adaptiveLayer,
  ...renormMutants,
  ...filterResponse,
  ...standardization,
];
