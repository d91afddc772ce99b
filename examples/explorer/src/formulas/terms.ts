/** What the formulas are made of: terms in the colours of the maps, and the sentences that explain the letters. */

export interface Formulas {
  readonly forward: string;
  readonly backward: string;
  /** What the letters mean, in a sentence. */
  readonly where: string;
  /** The backward takes its means over the cells of one colour: what a wrong count would be wrong in. */
  readonly hasMeans: boolean;
}

/** What a label says: its options in words, and which of weight and bias are there. */
export interface Chosen {
  readonly label: string;
  readonly hasWeight: boolean;
  readonly hasBias: boolean;
}

export const tex = String.raw;
export const term = (path: "direct" | "mean" | "variance", words: string, formula: string): string =>
  tex`\htmlClass{${path}}{\underbrace{${formula}}_{\text{${words}}}}`;
export const direct = (formula: string): string => term("direct", "direct", formula);
export const viaMean = (formula: string): string => term("mean", "via mean", `{}- ${formula}`);
export const viaVariance = (formula: string, words = "via variance"): string =>
  term("variance", words, `{}- ${formula}`);

export const gradientOf = (input: string, ...terms: readonly string[]): string =>
  tex`\frac{\partial L}{\partial ${input}} = ${terms.join(" ")}`;
export const list = (...formulas: readonly string[]): string => formulas.join(tex`, \qquad `);

export const MEANS = "⟨·⟩ is the mean over the cells of one colour";
export const RSTD = tex`r = \frac{1}{\sqrt{\sigma^2 + \varepsilon}}`;
export const CENTRED = list(tex`\hat x = (x - \mu)\,r`, RSTD);

export const affine = (normalized: string, { hasWeight, hasBias }: Chosen): string =>
  `y = ${normalized}${hasWeight ? tex`\,w` : ""}${hasBias ? " + b" : ""}`;
export const gradXhat = ({ hasWeight }: Chosen): string =>
  hasWeight ? "ĝ = gradOutput · weight" : "ĝ is gradOutput, as there is no weight";

export const MEAN_TERM = viaMean(tex`r\,\langle \hat g \rangle`);
export const VARIANCE_TERM = tex`r\,\hat x\,\langle \hat g\,\hat x \rangle`;
export const DIRECT_TERM = direct(tex`r\,\hat g`);
export const THREE = gradientOf("x", DIRECT_TERM, MEAN_TERM, viaVariance(VARIANCE_TERM));

export const three = (chosen: Chosen): Formulas => ({
  forward: list(CENTRED, affine(tex`\hat x`, chosen)),
  backward: THREE,
  where: `${MEANS}, and ${gradXhat(chosen)}.`,
  hasMeans: true,
});

/** With running statistics. */
export const orConstants = (chosen: Chosen): Formulas =>
  /^(evaluation|running statistics)/.test(chosen.label)
    ? {
        forward: list(CENTRED, affine(tex`\hat x`, chosen)),
        backward: gradientOf("x", DIRECT_TERM),
        where: `The statistics are the running ones, which are constants: nothing flows through them. ${sentence(gradXhat(chosen))}`,
        hasMeans: false,
      }
    : three(chosen);

/** A letter of a formula keeps its case, so it does not begin a sentence. */
export const sentence = (words: string): string => `Here ${words}.`;
