/** What only some norms have around their means and variances: each step may be replaced by a wrong one. */
import type { Num } from "../../src/autograd/index.ts";
import type { Setting } from "./mutant.ts";

/** A wrong value in place of the right one, made of it and of what is at hand there. */
export type Turn<K extends string = never> = <A extends Num<A>>(
  right: A,
  at: Readonly<Record<K, A>>,
  setting: Setting,
) => A;

export interface Steps {
  // AdaIN: (1 − α) · g, past the normalization; the parts of the style's gradient, then the whole.
  readonly pastNorm: Turn<"g">;
  readonly viaStyleStd: Turn<"centered" | "variance">;
  readonly viaStyleMean: Turn;
  readonly gradStyle: Turn;
  readonly styleStd: Turn<"variance">;
  // CIN: the weights of the styles, and from rows [N, C] to the gradient of a table [S, C]
  readonly blend: Turn;
  readonly gradTable: Turn<"rows" | "blend">;
  readonly gradBlend: Turn<"viaWeight" | "viaBias">;
  // AdaLN: 1 + scale; g · x̂ and g [N, *, C]
  readonly modulation: Turn<"scale">;
  readonly gradScale: Turn<"products" | "gradShift" | "factor">;
  readonly gradShift: Turn<"g" | "gradScale">;
  // BatchRenorm: r and d of the forward; ∂L/∂x; ∂L/∂weight from Σ g · x̂ and Σ g
  readonly renormScale: Turn<"std" | "runningStd">;
  readonly renormShift: Turn<"apart" | "std" | "runningStd">;
  readonly gradRenormInput: Turn<"r">;
  readonly gradRenormWeight: Turn<"viaXhat" | "r">;
  // FRN: |epsL|; max(y, τ); what of g reaches y; parameters
  readonly epsL: Turn<"raw">;
  readonly threshold: Turn<"y" | "tau">;
  readonly gradY: Turn<"g" | "x" | "tau">;
  readonly gradTau: Turn<"g">;
  readonly gradEpsL: Turn<"raw">;
  // WeightNorm, ScaleNorm: the gradient of the length
  readonly gradLength: Turn<"products" | "inverse" | "length">;
  // LRN: W(x²) and its divisor in the forward; Wᵀ(g · y/d) in the backward
  readonly windows: Turn<"squares">;
  readonly divisor: Turn<"windows">;
  readonly gathered: Turn<"gradDivisor" | "divisor">;
  // SpectralNorm: ∂σ/∂W in the backward; σ in the forward; the gradients of u and v
  readonly outer: Turn<"u" | "v" | "weight">;
  readonly sigma: Turn<"u" | "v" | "weight">;
  readonly gradVector: Turn<"vector">;
  // DynamicTanh: tanh(α · x); ∂L/∂α
  readonly squashed: Turn<"x" | "alpha">;
  readonly gradAlpha: Turn<"products" | "g" | "x" | "slope">;
}

/** The right value, or what a mutant makes of it. */
export function turn<A extends Num<A>, K extends string>(
  wrong: Turn<K> | undefined,
  right: A,
  at: Readonly<Record<K, NoInfer<A>>>,
  setting: Setting,
): A {
  return wrong === undefined ? right : wrong(right, at, setting);
}
