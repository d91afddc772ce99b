import type { Mistake } from "./mistake.ts";
import { normalization } from "./normalization.ts";

export const unbiasedVariance: Mistake = {
  title: "Unbiased variance for normalizing",
  file: "unbiasedVariance.ts",
  claim: "x.var() with its default (torch.var, and np.var with ddof=1) is the variance of the formula",
  instead: "every norm of this family divides by n here; n − 1 is only for what BatchNorm remembers",
  source: "common in tutorials",
  examples: [
    normalization((x, eps) => {
      const mean = x.mean([0], true);
      const variance = x.variance([0], { keepdim: true }); // unbiased by default, as torch.var
      return x.sub(mean).div(variance.add(eps).sqrt());
    }),
  ],
};
