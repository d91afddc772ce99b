/** The formulas of the norms as the derivations of docs/ have them. Their terms carry the colours of the maps. */
import { splitLabel } from "./subject.ts";

export interface Formulas {
  readonly forward: string;
  readonly backward: string;
  /** What the letters mean, in a sentence. */
  readonly where: string;
}

const term = (path: "direct" | "mean" | "variance", words: string, tex: string): string =>
  String.raw`\htmlClass{${path}}{\underbrace{${tex}}_{\text{${words}}}}`;
const direct = (tex: string): string => term("direct", "direct", tex);
const viaMean = (tex: string): string => term("mean", "via mean", tex);
const viaVariance = (tex: string, words = "via variance"): string => term("variance", words, tex);

const GRADIENT = String.raw`\frac{\partial L}{\partial x} = `;
const THREE =
  GRADIENT +
  direct(String.raw`r\,\hat g`) +
  viaMean(String.raw`{}- r\,\langle \hat g \rangle`) +
  viaVariance(String.raw`{}- r\,\hat x\,\langle \hat g\,\hat x \rangle`);
const CENTRED = String.raw`\hat x = (x - \mu)\,r, \qquad r = \frac{1}{\sqrt{\sigma^2 + \varepsilon}}, \qquad y = \hat x\,w + b`;
const MEAN_OF = "⟨·⟩ is the mean over the cells of one colour, and ĝ = gradOutput · weight";

const three = (forward = CENTRED, where = `${MEAN_OF}.`): Formulas => ({ forward, backward: THREE, where });

const constants = (forward: string): Formulas => ({
  forward,
  backward: GRADIENT + direct(String.raw`r\,\hat g`),
  where: "In evaluation the statistics are constants: nothing flows through them. ĝ = gradOutput · weight.",
});

const rootMeanSquare: Formulas = {
  forward: String.raw`\hat x = x\,r, \qquad r = \frac{1}{\sqrt{\langle x^2 \rangle + \varepsilon}}, \qquad y = \hat x\,w`,
  backward:
    GRADIENT +
    direct(String.raw`r\,\hat g`) +
    viaVariance(String.raw`{}- r\,\hat x\,\langle \hat g\,\hat x \rangle`, "via mean square"),
  where: `${MEAN_OF}. No mean is subtracted, so nothing flows through one.`,
};

const TABLE: Readonly<Record<string, Formulas>> = {
  batchNorm: three(),
  layerNorm: three(),
  instanceNorm: three(),
  groupNorm: three(),
  conditionalInstanceNorm: three(CENTRED, "w and b are those of the sample's condition; ĝ = gradOutput · w."),
  adaptiveLayerNorm: three(
    String.raw`\hat x = (x - \mu)\,r, \qquad y = \hat x\,(1 + \text{scale}) + \text{shift}`,
    `⟨·⟩ is the mean over the cells of one colour, and ĝ = gradOutput · (1 + scale).`,
  ),
  rmsNorm: rootMeanSquare,
  scaleNorm: {
    forward: String.raw`\hat x = x\,s, \qquad s = \frac{1}{\max(\lVert x \rVert, \varepsilon)}, \qquad y = \hat x\,w`,
    backward:
      GRADIENT +
      direct(String.raw`s\,\hat g`) +
      viaVariance(String.raw`{}- s\,\hat x\,\textstyle\sum \hat g\,\hat x`, "via norm"),
    where: "The sum runs over the cells of one colour. No mean is subtracted.",
  },
  switchableNorm: {
    forward: String.raw`\mu = \sum_k p_k\,\mu_k, \quad \sigma^2 = \sum_k q_k\,\sigma^2_k, \qquad \hat x = (x - \mu)\,r, \qquad y = \hat x\,w + b`,
    backward:
      GRADIENT +
      direct(String.raw`r\,\hat g`) +
      viaMean(String.raw`{}- \sum_k p_k\,\langle r\,\hat g \rangle_k`) +
      viaVariance(String.raw`{}- \sum_k q_k\,(x - \mu_k)\,\langle r^2\,\hat g\,\hat x \rangle_k`),
    where: "k is instance, layer and batch; ⟨·⟩ₖ is the mean over the cells that k lets share their statistics.",
  },
};

/** Null where the page has no formula: the maps speak for themselves. */
export function formulasOf(norm: string, label: string): Formulas | null {
  const [rest] = splitLabel(label);
  if (/^(evaluation|running statistics)/.test(rest)) {
    return norm === "batchNorm" || norm === "instanceNorm" ? constants(CENTRED) : null;
  }
  // With the unbiased variance the formula of the mixture has other factors.
  if (norm === "switchableNorm" && rest.includes("unbiased")) return null;
  return TABLE[norm] ?? null;
}
