import { ones, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { checkOp } from "normgrad/gradcheck";
import { switchableNorm, switchableNormForward } from "normgrad/norms";
import { checked, EPS, example, numbers } from "./mistake.ts";
import type { Mistake } from "./mistake.ts";

/** SwitchableNorm of x [N, C, L] without weight and bias; the weights of IN, LN and BN are [3]. */
type Switchable = (x: Tensor, meanWeight: Tensor, varWeight: Tensor, eps: number) => Tensor;

/** Means, or variances, of each instance, layer and batch, times their weights. */
function mixed(of: (dims: readonly number[]) => Tensor, weights: Tensor): Tensor {
  return of([2])
    .mul(weights.select(0, 0))
    .add(of([1, 2]).mul(weights.select(0, 1)))
    .add(of([0, 2]).mul(weights.select(0, 2)));
}

export const switchableSoftmax: Mistake = {
  title: "SwitchableNorm without softmax",
  file: "switchableSoftmax.ts",
  claim: "the three learned weights multiply the three means and variances as they are",
  instead:
    "their softmax does. They begin as ones, so that without it the mean and the variance are three times too large",
  source: "common in tutorials",
  examples: [
    example<Switchable>({
      shown: "y of one sample and channel, where the three statistics are one",
      checkedBy: "checkOp, the formula of switchableNormForward as the judge",
      show: (code) => [...code(tensor(numbers, { shape: [1, 1, 4] }), ones([3]), ones([3]), EPS).data],
      check: (code) =>
        checked(() =>
          checkOp(
            "switchableNorm",
            {
              dims: { N: [1, 2], C: [1, 2], L: [2, 3] },
              params: { eps: [EPS, 1] },
              inputs: ({ N, C, L }) => ({ x: [N, C, L], meanWeight: [3], varWeight: [3] }),
              forward: ({ x, meanWeight, varWeight }, { eps }) =>
                switchableNormForward(x, null, null, meanWeight, varWeight, null, { eps, unbiased: false }).output,
              op: ({ x, meanWeight, varWeight }, { eps }) => code(x, meanWeight, varWeight, eps),
            },
            { runs: 40, raiseException: false },
          ),
        ),
      wrong: (x, meanWeight, varWeight, eps) => {
        const mean = mixed((dims) => x.mean(dims, true), meanWeight);
        const variance = mixed((dims) => x.variance(dims, { correction: 0, keepdim: true }), varWeight);
        return x.sub(mean).div(variance.add(eps).sqrt());
      },
      right: (x, meanWeight, varWeight, eps) => switchableNorm(x, meanWeight, varWeight, { training: true, eps }),
    }),
  ],
};
