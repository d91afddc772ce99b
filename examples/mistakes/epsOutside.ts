import type { Mistake } from "./mistake.ts";
import { normalization } from "./normalization.ts";

export const epsOutside: Mistake = {
  title: "eps outside of the root",
  file: "epsOutside.ts",
  claim: "(x − μ) / (√variance + eps) is the same but for some digits",
  instead:
    "eps is added to the variance, inside of the root: outside of it a variance near 0 is divided by 1e-5, not by 3e-3",
  source: "common in tutorials",
  examples: [
    normalization((x, eps) => {
      const mean = x.mean([0], true);
      const variance = x.variance([0], { correction: 0, keepdim: true });
      return x.sub(mean).div(variance.sqrt().add(eps));
    }),
  ],
};
