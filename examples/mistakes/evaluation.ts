import { tensor } from "normgrad";
import type { Num, Tensor } from "normgrad";
import { checkOp } from "normgrad/gradcheck";
import { batchNorm, BatchNorm1d, runningNormBackward, runningNormForward } from "normgrad/norms";
import { checked, column, compared, EPS, example } from "./mistake.ts";
import type { Mistake } from "./mistake.ts";

/** ∂L/∂x of BatchNorm in evaluation. */
interface Backward {
  readonly of: <A extends Num<A>>(gradOutput: A, x: A, mean: A, variance: A, eps: number) => A;
}

/** A layer with trackRunningStats: false, in evaluation. */
type Layer = (x: Tensor) => Tensor;

/** Constants, one a channel, in the kind of array of x. */
function running<A extends Num<A>>(x: A): readonly [mean: A, variance: A] {
  const channels = x.shape[1] ?? 0;
  const constant = (value: number): A => x.constant(() => new Float64Array(channels).fill(value), [channels]);
  return [constant(0.5), constant(2)];
}

export const evaluation: Mistake = {
  title: "Evaluation taken for training, and training for evaluation",
  file: "evaluation.ts",
  claim: "BatchNorm has one backward; and in evaluation it uses running statistics, always",
  instead:
    "in evaluation the statistics are constants, and the backward has no terms through them; without running statistics " +
    "(trackRunningStats: false) the batch is used in evaluation as well",
  source:
    "pytorch/xla #913, a gradient of evaluation that was wrong; CrypTen #143, statistics taken for constants in training",
  examples: [
    example<Backward>({
      shown: "∂L/∂x in evaluation, running statistics 0 and 1, of a gradient of ones",
      checkedBy: "checkOp, the formula of runningNormForward as the judge",
      show: (code) => {
        const [x, ones] = [column().value, tensor([[1], [1], [1], [1]]).value];
        return [...code.of(ones, x, tensor([0]).value, tensor([1]).value, EPS).data];
      },
      check: (code) =>
        checked(() =>
          checkOp(
            "batchNorm in evaluation",
            {
              dims: { N: [1, 5], C: [1, 3] },
              params: { eps: [EPS, 1] },
              inputs: ({ N, C }) => ({ x: [N, C] }),
              forward: ({ x }, { eps }) => runningNormForward(x, ...running(x), null, null, { eps }).output,
              formulaBackward: (gradOutput, { x }, { eps }) => ({ x: code.of(gradOutput, x, ...running(x), eps) }),
            },
            { runs: 40, raiseException: false },
          ),
        ),
      wrong: {
        of: (gradOutput, x, mean, variance, eps) => {
          const rstd = variance.add(eps).rsqrt();
          const xhat = x.sub(mean).mul(rstd);
          const viaMean = gradOutput.mean([0], true);
          const viaVariance = xhat.mul(gradOutput.mul(xhat).mean([0], true));
          return gradOutput.sub(viaMean).sub(viaVariance).mul(rstd); // training's
        },
      },
      right: {
        of: (gradOutput, x, mean, variance, eps) =>
          runningNormBackward(gradOutput, runningNormForward(x, mean, variance, null, null, { eps }).saved)[0],
      },
    }),
    example<Layer>({
      shown: "y in evaluation of a layer that tracks nothing",
      checkedBy: "the values of BatchNorm1d with trackRunningStats: false",
      show: (code) => [...code(column()).data],
      check: (code) => {
        const layer = new BatchNorm1d(1, { trackRunningStats: false }).eval();
        return compared("first value", code(column(7)).data, "BatchNorm1d", layer.forward(column(7)).data);
      },
      wrong: (x) => batchNorm(x, tensor([0]), tensor([1])), // the values that running statistics begin with
      right: (x) => batchNorm(x, null, null, { training: true }),
    }),
  ],
};
