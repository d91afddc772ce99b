/** What can go wrong with windows, with σ and its vectors, and with a slope. */
import type { Mutant } from "./mutant.ts";
import { asWeight, sumOfWindow, windowOf } from "./otherNorms.ts";
import { special } from "./special.ts";

const lrn = special("LocalResponseNorm", "localResponseNorm");

const localResponse: readonly Mutant[] = [
  lrn.backward("the window not mirrored", "axes", {
    steps: {
      gathered: (_, { gradDivisor }, setting) => {
        const { below, above } = windowOf(setting);
        return sumOfWindow(gradDivisor, below, above);
      },
    },
  }),
  lrn.backward("the window short of its last channel", "axes", {
    steps: {
      gathered: (_, { gradDivisor }, setting) => {
        const { below, above } = windowOf(setting);
        return sumOfWindow(gradDivisor, above, below - 1);
      },
    },
  }),
  lrn.backward("the window goes round at the borders", "axes", {
    steps: {
      gathered: (_, { gradDivisor }, setting) => {
        const { below, above } = windowOf(setting);
        return sumOfWindow(gradDivisor, above, below, true);
      },
    },
  }),
  lrn.backward("only the channel itself", "statistics as constants", {
    steps: { gathered: (_, { gradDivisor }) => gradDivisor },
  }),
  lrn.backward("alpha not divided by size", "count", ({ size = 1 }) => ({
    viaVariance: ({ viaVariance }) => viaVariance.mul(size),
  })),
  lrn.backward("divided by the channels that there are", "count", {
    steps: {
      gathered: (_, { gradDivisor }, setting) => {
        const { below, above } = windowOf(setting);
        const members = sumOfWindow(gradDivisor.mul(0).add(1), below, above);
        return sumOfWindow(gradDivisor.div(members).mul(setting.size ?? 1), above, below);
      },
    },
  }),
  lrn.backward("beta missing in the path through the squares", "variance path", ({ beta = 1 }) => ({
    viaVariance: ({ viaVariance }) => viaVariance.div(beta),
  })),
  lrn.backward("power −beta for −beta − 1", "rstd", {
    steps: {
      gathered: (_, { gradDivisor, divisor }, setting) => {
        const { below, above } = windowOf(setting);
        return sumOfWindow(gradDivisor.mul(divisor), above, below);
      },
    },
  }),
  lrn.forward("the window of ONNX", {
    steps: {
      windows: (_, { squares }, setting) => {
        const { below, above } = windowOf(setting);
        return sumOfWindow(squares, above, below);
      },
    },
  }),
  lrn.forward("alpha not divided by size", {
    steps: { divisor: (_, { windows }, { alpha = 1, eps }) => windows.mul(alpha).add(eps) },
  }),
  lrn.forward("averaged over the channels that there are", {
    steps: {
      windows: (right, { squares }, setting) => {
        const { below, above } = windowOf(setting);
        return right.div(sumOfWindow(squares.mul(0).add(1), below, above)).mul(setting.size ?? 1);
      },
    },
  }),
];

const spectral = special("SpectralNorm", "spectralNorm");

const spectralMutants: readonly Mutant[] = [
  spectral.backward("u and v exchanged", "axes", {
    steps: {
      outer: (_, { u, v, weight }, setting) => {
        const exchanged = v.reshape([-1, 1]).mul(u.reshape([1, -1])).reshape([u.shape[0] ?? 1, v.shape[0] ?? 1]); // prettier-ignore
        return asWeight(exchanged, setting).reshape(weight.shape);
      },
    },
  }),
  spectral.backward("uvᵀ not put back into the order of the weight", "axes", {
    steps: { outer: (_, { u, v, weight }) => u.reshape([-1, 1]).mul(v.reshape([1, -1])).reshape(weight.shape) }, // prettier-ignore
  }),
  spectral.backward("gradient of σ as W, not uvᵀ", "variance path", { steps: { outer: (_, { weight }) => weight } }),
  spectral.backward("gradient of σ as W/σ, as of the Frobenius norm", "variance path", {
    viaVariance: ({ gradXhat, xhat }) => xhat.mul(gradXhat.mul(xhat).sum()),
  }),
  spectral.backward("1/σ twice in the path through σ", "variance path", {
    viaVariance: ({ viaVariance, rstd }) => viaVariance.mul(rstd),
  }),
  spectral.backward("the path through σ averaged", "count", {
    viaVariance: ({ viaVariance, n }) => viaVariance.div(n),
  }),
  spectral.backward("a gradient for u and v", "parameter gradient", {
    steps: { gradVector: (_, { vector }) => vector },
  }),
  spectral.forward("σ of the matrix without its dim", {
    steps: {
      sigma: (_, { u, v, weight }) => u.matmul(weight.reshape([u.shape[0] ?? 1, v.shape[0] ?? 1])).matmul(v),
    },
  }),
  spectral.forward("sign of σ lost", { steps: { sigma: (right) => right.abs() } }),
  spectral.forward("the Frobenius norm for σ", { steps: { sigma: (_, { weight }) => weight.square().sum().sqrt() } }),
];

const tanh = special("DynamicTanh", "dynamicTanh");

const dynamicTanh: readonly Mutant[] = [
  tanh.backward("1 − tanh for 1 − tanh²", "unknown", { viaVariance: ({ gradXhat, xhat }) => gradXhat.mul(xhat) }),
  tanh.backward("1 + tanh² for 1 − tanh²", "unknown", { viaVariance: ({ viaVariance }) => viaVariance.neg() }),
  tanh.backward("slope of tanh taken for 1", "unknown", { viaVariance: ({ viaVariance }) => viaVariance.mul(0) }),
  tanh.backward("slope of tanh at x, not at alpha · x", "unknown", {
    viaVariance: ({ gradXhat, x }) => gradXhat.mul(x.tanh().square()),
  }),
  tanh.backward("alpha missing in gradInput", "parameter", { savedRstd: ({ rstd }) => rstd.mul(0).add(1) }),
  tanh.backward("alpha twice in gradInput", "parameter", { savedRstd: ({ rstd }) => rstd.square() }),
  tanh.backward("alpha's gradient not summed", "parameter gradient", {
    steps: { gradAlpha: (_, { products }) => products.reshape([-1]).slice(0, 0, 1) },
  }),
  tanh.backward("alpha's gradient averaged", "count", {
    steps: { gradAlpha: (right, _, { N, C, L }) => right.div(N * C * L) },
  }),
  tanh.backward("alpha's gradient without x", "parameter gradient", {
    steps: { gradAlpha: (right, { g, slope }) => g.mul(slope).sum().reshape(right.shape) },
  }),
  tanh.backward("alpha's gradient without the weight", "parameter gradient", {
    steps: { gradAlpha: (right, { g, slope, x }) => g.mul(slope).mul(x).sum().reshape(right.shape) },
  }),
  tanh.forward("alpha outside of tanh", { steps: { squashed: (_, { x, alpha }) => x.tanh().mul(alpha) } }),
  tanh.forward("sigmoid for tanh", { steps: { squashed: (_, { x, alpha }) => x.mul(alpha).sigmoid() } }),
  tanh.forward("hard tanh", { steps: { squashed: (_, { x, alpha }) => x.mul(alpha).clamp(-1, 1) } }),
];

export const otherMutants: readonly Mutant[] = [...localResponse, ...spectralMutants, ...dynamicTanh];
