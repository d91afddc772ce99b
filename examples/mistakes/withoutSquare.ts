import type { Mistake } from "./mistake.ts";
import { normalization } from "./normalization.ts";

export const withoutSquare: Mistake = {
  title: "Variance without the square",
  file: "withoutSquare.ts",
  claim: "variance = mean(x − μ)",
  instead: "that is 0 for every x; what is left divides by √eps, whatever the spread is: times 316",
  source: "common in tutorials",
  examples: [
    normalization((x, eps) => {
      const mean = x.mean([0], true);
      const variance = x.sub(mean).mean([0], true);
      return x.sub(mean).div(variance.add(eps).sqrt());
    }),
  ],
};
