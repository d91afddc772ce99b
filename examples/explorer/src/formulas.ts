/** The formulas of the norms as the derivations of docs/ have them. Their terms carry the colours of the maps. */
import { adaptiveInstanceNorm, filterResponseNorm, normalize, switchableNorm, batchRenorm } from "./formulas/modes.ts";
import {
  affine,
  CENTRED,
  direct,
  DIRECT_TERM,
  gradientOf,
  gradXhat,
  list,
  MEANS,
  orConstants,
  RSTD,
  sentence,
  tex,
  THREE,
  three,
  VARIANCE_TERM,
  viaMean,
  viaVariance,
} from "./formulas/terms.ts";
import type { Formulas, Chosen } from "./formulas/terms.ts";

const TABLE: Readonly<Record<string, (chosen: Chosen) => Formulas>> = {
  batchNorm: orConstants,
  layerNorm: three,
  instanceNorm: orConstants,
  groupNorm: three,
  conditionalInstanceNorm: (chosen) => ({
    ...three(chosen),
    where: `${MEANS}; w and b are those of the sample's condition, and ${gradXhat(chosen)}.`,
  }),
  adaptiveLayerNorm: () => ({
    forward: list(CENTRED, tex`y = \hat x\,(1 + \text{scale}) + \text{shift}`),
    backward: THREE,
    where: `${MEANS}, and ĝ = gradOutput · (1 + scale).`,
    hasMeans: true,
  }),
  adaptiveInstanceNorm,
  rmsNorm: (chosen) => ({
    forward: list(
      tex`\hat x = x\,r`,
      tex`r = \frac{1}{\sqrt{\langle x^2 \rangle + \varepsilon}}`,
      affine(tex`\hat x`, chosen),
    ),
    backward: gradientOf("x", DIRECT_TERM, viaVariance(VARIANCE_TERM, "via mean square")),
    where: `${MEANS}, and ${gradXhat(chosen)}. No mean is subtracted, so nothing flows through one.`,
    hasMeans: true,
  }),
  filterResponseNorm,
  scaleNorm: (chosen) => ({
    forward: list(
      tex`\hat x = x\,s`,
      tex`s = \frac{1}{\max(\lVert x \rVert, \varepsilon)}`,
      affine(tex`\hat x`, chosen),
    ),
    backward: gradientOf(
      "x",
      direct(tex`s\,\hat g`),
      viaVariance(tex`s\,\hat x\,\textstyle\sum \hat g\,\hat x`, "via norm"),
    ),
    where: `The sum runs over the cells of one colour, and ${gradXhat(chosen)}. No mean is subtracted.`,
    hasMeans: false,
  }),
  normalize,
  localResponseNorm: ({ label }) => ({
    forward: list(tex`y = x\,d^{-\beta}`, tex`d = k + \frac{\alpha}{m} \sum_{V} x^2`),
    backward: gradientOf(
      "x",
      direct(tex`g\,d^{-\beta}`),
      viaVariance(tex`\frac{2\alpha\beta}{m}\,x \sum_{V'} \frac{g\,y}{d}`, "via squares"),
    ),
    where: `The window V is the m channels about a channel, and V′ are the channels whose window holds it: V mirrored. Here ${label
      .replace("size", "m")
      .replace("alpha", "α")
      .replace("beta", "β")
      .replaceAll(/ (?=[\d.])/g, " = ")} and k is what eps says below; g is gradOutput.`,
    hasMeans: false,
  }),
  dynamicTanh: (chosen) => ({
    forward: list(tex`t = \tanh(\alpha\,x)`, affine("t", chosen)),
    backward: gradientOf("x", direct(tex`\alpha\,(1 - t^2)\,\hat g`)),
    where: `There are no statistics, so no cell reaches another. ${sentence(gradXhat(chosen))}`,
    hasMeans: false,
  }),
  switchableNorm,
  batchRenorm,
  weightStandardization: ({ label }) => {
    const unbiased = label.startsWith("unbiased");
    const along = unbiased
      ? tex`r\,\frac{W - \mu}{\sigma}\,\frac{1}{n - 1} \textstyle\sum g\,\hat W`
      : tex`r\,\hat W\,\langle g\,\hat W \rangle`;
    return {
      forward: list(
        tex`\hat W = (W - \mu)\,r`,
        unbiased ? tex`\sigma^2 = \frac{1}{n - 1} \sum (W - \mu)^2` : tex`\sigma^2 = \langle (W - \mu)^2 \rangle`,
        unbiased ? tex`r = \frac{1}{\sigma + \varepsilon}` : RSTD,
      ),
      backward: gradientOf(
        "W",
        direct(tex`r\,g`),
        viaMean(tex`r\,\langle g \rangle`),
        viaVariance(along, unbiased ? "via deviation" : "via variance"),
      ),
      where: `${MEANS}${unbiased ? " and Σ the sum" : ""}: the weights of one output channel. The input x of this page is the weight W, and g is gradOutput.`,
      hasMeans: !unbiased,
    };
  },
  weightNorm: () => ({
    forward: list(tex`\hat v = \frac{v}{\lVert v \rVert}`, tex`w = \gamma\,\hat v`),
    backward: gradientOf(
      "v",
      direct(tex`\frac{\hat g}{\lVert v \rVert}`),
      viaVariance(tex`\frac{\hat v}{\lVert v \rVert} \textstyle\sum \hat g\,\hat v`, "via norm"),
    ),
    where:
      "The input x of this page is the direction v, γ is the length g of the table below, and ĝ = gradOutput · γ. Norm and sum are over the cells of one colour.",
    hasMeans: false,
  }),
  spectralNorm: () => ({
    forward: list(tex`\overline W = \frac{W}{\sigma}`, tex`\sigma = u^{\mathsf T}\,W\,v`),
    backward: gradientOf(
      "W",
      direct(tex`\frac{g}{\sigma}`),
      viaVariance(tex`\frac{\sum g\,W}{\sigma^2}\;u\,v^{\mathsf T}`, "via $\\sigma$"),
    ),
    where:
      "The input x of this page is the weight W, as a matrix. The vectors u and v come from power iteration and are constants; σ stands where other norms have a deviation. The gradient g is gradOutput.",
    hasMeans: false,
  }),
};

/** Null for a norm that has no formula here: the maps speak for themselves. */
export function formulasOf(norm: string, label: string): Formulas | null {
  const chosen = { label, hasWeight: /\bweight\b/.test(label), hasBias: /\bbias\b/.test(label) };
  return TABLE[norm]?.(chosen) ?? null;
}

export interface PathsThere {
  readonly hasMean: boolean;
  readonly hasVariance: boolean;
}

/** Which paths a norm has, as its formula says; all of them where there is none. */
export function pathsOf(norm: string, label: string): PathsThere {
  const backward = formulasOf(norm, label)?.backward;
  const has = (path: string): boolean => backward?.includes(String.raw`\htmlClass{${path}}`) ?? true;
  return { hasMean: has("mean"), hasVariance: has("variance") };
}
