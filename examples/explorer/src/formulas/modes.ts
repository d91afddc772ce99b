/** The norms whose formula depends on their options. */
import {
  affine,
  CENTRED,
  direct,
  DIRECT_TERM,
  gradientOf,
  gradXhat,
  list,
  MEAN_TERM,
  MEANS,
  RSTD,
  sentence,
  tex,
  VARIANCE_TERM,
  viaMean,
  viaVariance,
} from "./terms.ts";
import type { Formulas, Chosen } from "./terms.ts";

export function adaptiveInstanceNorm({ label }: Chosen): Formulas {
  const unbiased = label.startsWith("unbiased");
  const alpha = Number(/alpha ([\d.]+)/.exec(label)?.[1] ?? 1);
  const part = alpha < 1;
  const along = unbiased ? tex`\frac{r\,z}{n - 1} \textstyle\sum \hat g\,z` : tex`r\,z\,\langle \hat g\,z \rangle`;
  const rest = part ? ` Here α is ${alpha}, and what is left of x goes past the normalization.` : "";
  return {
    forward: list(
      tex`z = (x - \mu)\,r`,
      RSTD,
      part ? tex`y = \alpha\,(z\,\sigma_s + \mu_s) + (1 - \alpha)\,x` : tex`y = z\,\sigma_s + \mu_s`,
    ),
    backward: gradientOf(
      "x",
      direct(tex`r\,\hat g${part ? tex` + (1 - \alpha)\,g` : ""}`),
      MEAN_TERM,
      viaVariance(along),
    ),
    where: `${MEANS}; μ and σ are the content's, μₛ and σₛ the style's, variances ${unbiased ? "divided by n − 1" : "divided by n"}, σₛ with ε under its root; ĝ = gradOutput · σₛ${part ? " · α" : ""}.${rest}`,
    hasMeans: !unbiased,
  };
}

export function filterResponseNorm(chosen: Chosen): Formulas {
  const [tau, epsL] = [/\btau\b/.test(chosen.label), /\bepsL\b/.test(chosen.label)];
  const guard = epsL ? tex`\varepsilon + |\varepsilon_l|` : tex`\varepsilon`;
  const output = affine(tex`\hat x`, chosen);
  return {
    forward: list(
      tex`\hat x = x\,r`,
      tex`r = \frac{1}{\sqrt{\langle x^2 \rangle + ${guard}}}`,
      output,
      ...(tau ? [tex`z = \max(y, \tau)`] : []),
    ),
    backward: gradientOf("x", DIRECT_TERM, viaVariance(VARIANCE_TERM, "via mean square")),
    where: `${MEANS}, and ${gradXhat(chosen)}${tau ? " where y > τ, and 0 where it is cut off" : ""}. No mean is subtracted, so nothing flows through one.`,
    hasMeans: true,
  };
}

export function normalize({ label }: Chosen): Formulas {
  const p = /p (\w+)/.exec(label)?.[1] ?? "2";
  const exponent = p === "Infinity" ? tex`\infty` : p;
  const slopes: Readonly<Record<string, string>> = {
    "1": "u is the sign of x",
    Infinity: "u is the sign of x at the largest |x|, shared among equals, and 0 elsewhere",
  };
  const slope = slopes[p] ?? `u = |y|^${Number(p) - 1} · sign(y)`;
  const where = `The sum runs over the cells of one colour, and g is gradOutput.${p === "2" ? "" : ` The norm's own gradient ${slope}.`}`;
  return {
    forward: list(tex`y = x\,s`, tex`s = \frac{1}{\max(\lVert x \rVert_{${exponent}}, \varepsilon)}`),
    backward: gradientOf(
      "x",
      direct(tex`s\,g`),
      viaVariance(tex`s\,${p === "2" ? "y" : "u"}\,\textstyle\sum g\,y`, "via norm"),
    ),
    where,
    hasMeans: false,
  };
}

export function switchableNorm(chosen: Chosen): Formulas {
  const evaluation = chosen.label.startsWith("evaluation");
  const unbiased = chosen.label.includes("unbiased");
  const withBatch = chosen.label.includes("BN");
  // μ_in is the instance's mean; with n − 1 the squares about it weigh κ = M/(M − 1), those between the means do not.
  const apart = unbiased ? tex`(\kappa\,(x - \mu_{in}) + \mu_{in} - \mu_k)` : tex`(x - \mu_k)`;
  const kinds = evaluation
    ? "k is instance, layer and batch. The batch's statistics are the running ones, constants, so the backward's sums leave k = batch out"
    : `k is instance${withBatch ? ", layer and batch" : " and layer"}`;
  const over = evaluation ? tex`\sum_{k \neq bn}` : tex`\sum_k`;
  return {
    forward: list(
      tex`\mu = \sum_k p_k\,\mu_k`,
      tex`\sigma^2 = \sum_k q_k\,\sigma^2_k`,
      CENTRED,
      affine(tex`\hat x`, chosen),
    ),
    backward: gradientOf(
      "x",
      DIRECT_TERM,
      viaMean(tex`${over} p_k\,\langle r\,\hat g \rangle_k`),
      viaVariance(tex`${over} q_k\,${apart}\,\langle r^2\,\hat g\,\hat x \rangle_k`),
    ),
    where: `Here ${kinds}; ⟨·⟩ₖ is the mean over the cells that k lets share their statistics.${unbiased ? " Here κ = M/(M − 1) for the M cells of an instance." : ""} The shares p and q are softmaxes of meanWeight and varWeight, and ${gradXhat(chosen)}.`,
    hasMeans: false,
  };
}

export function batchRenorm(chosen: Chosen): Formulas {
  if (chosen.label.startsWith("evaluation")) {
    return {
      forward: list(tex`\hat x = \frac{x - m}{s}`, affine(tex`\hat x`, chosen)),
      backward: gradientOf("x", direct(tex`\frac{\hat g}{s}`)),
      where: `The running mean m and deviation s are constants. ${sentence(gradXhat(chosen))}`,
      hasMeans: false,
    };
  }
  const beside = chosen.label.includes("ludvb");
  const [, rMax = "", dMax = ""] = /rMax (\w[\w.]*), dMax (\w[\w.]*)/.exec(chosen.label) ?? [];
  const { hasWeight } = chosen;
  const limit = (value: string): string => value.replace("Infinity", "∞");
  const corrected = hasWeight ? tex`(\hat x\,r + d)` : tex`\hat x\,r + d`;
  return {
    forward: list(
      tex`\hat x = \frac{x - \mu}{\rho}`,
      beside ? tex`\rho = \sigma + \varepsilon` : tex`\rho = \sqrt{\sigma^2 + \varepsilon}`,
      affine(corrected, chosen),
    ),
    backward: gradientOf(
      "x",
      direct(tex`\frac{\hat g}{\rho}`),
      viaMean(tex`\frac{\langle \hat g \rangle}{\rho}`),
      viaVariance(
        tex`\frac{\hat x\,\langle \hat g\,\hat x \rangle}{${beside ? tex`\sigma` : tex`\rho`}}`,
        "via deviation",
      ),
    ),
    where: `Here r = ρ/s within 1/rMax and rMax (${limit(rMax)}), and d = (μ − m)/s within ±dMax (${limit(dMax)}), take the batch towards the running mean m and deviation s. Both are constants for the derivative. ${MEANS}, and ĝ = gradOutput · r${hasWeight ? " · weight" : ""}.`,
    hasMeans: true,
  };
}
