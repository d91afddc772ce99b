import type { Mistake } from "./mistake.ts";
import { normalization } from "./normalization.ts";
import type { Normalize } from "./normalization.ts";

const inOnePass: Normalize = (x, eps) => {
  const mean = x.mean([0], true);
  const variance = x.square().mean([0], true).sub(mean.square());
  return x.sub(mean).div(variance.relu().add(eps).sqrt()); // relu, as the difference may be negative
};

export const onePass: Mistake = {
  title: "Variance as mean(x²) − mean(x)²",
  file: "onePass.ts",
  claim: "one pass over the data is enough, since the two formulas are equal",
  instead:
    "not in floating point: of a mean of 1e8 no digit is left in float64, and of 1e4 none in float32. Centre first",
  source: "common in tutorials; switchablenorms/Switchable-Normalization, for the variances of LN and BN",
  examples: [normalization(inOnePass, { offset: 1e8 }), normalization(inOnePass, { offset: 1e4, dtype: "float32" })],
};
