import { tensor } from "normgrad";
import type { Num } from "normgrad";
import { checkOp } from "normgrad/gradcheck";
import { batchNormBackward, batchNormForward } from "normgrad/norms";
import { checked, column, EPS, example } from "./mistake.ts";
import type { Example, Mistake } from "./mistake.ts";

/** ∂L/∂x from g = ∂L/∂y, x̂ and rstd, in training. */
interface Backward {
  readonly of: <A extends Num<A>>(gradOutput: A, xhat: A, rstd: A) => A;
}

function backward(wrong: Backward, gradOutput: readonly number[], shown: string): Example {
  const gradInput = <A extends Num<A>>(code: Backward, g: A, x: A, eps: number): A => {
    const { xhat, rstd } = batchNormForward(x, null, null, { eps }).saved;
    return code.of(g, xhat, rstd);
  };
  return example<Backward>({
    shown,
    checkedBy: "checkOp, the formula of batchNormForward as the judge",
    show: (code) => [...gradInput(code, tensor(gradOutput.map((g) => [g])).value, column().value, EPS).data],
    check: (code) =>
      checked(() =>
        checkOp(
          "batchNorm",
          {
            dims: { N: [2, 6], C: [1, 3] },
            params: { eps: [EPS, 1] },
            inputs: ({ N, C }) => ({ x: [N, C] }),
            forward: ({ x }, { eps }) => batchNormForward(x, null, null, { eps }).output,
            formulaBackward: (g, { x }, { eps }) => ({ x: gradInput(code, g, x, eps) }),
          },
          { runs: 40, raiseException: false },
        ),
      ),
    wrong,
    right: {
      of: (g, xhat, rstd) => batchNormBackward(g, { xhat, rstd, weight: null, bias: null })[0],
    },
  });
}

export const missingTerm: Mistake = {
  title: "A backward in three pieces, with one missing",
  file: "missingTerm.ts",
  claim: "the gradient is g · rstd less the part through the variance, or less the part through the mean",
  instead:
    "both: rstd · (g − mean(g) − x̂ · mean(g · x̂)). The quick test: a gradient of ones gives 0, and ∂L/∂x sums to 0 in each set",
  source: "CrypTen #143, where both were missing; mlpack #1923, where the test never looked at ∂L/∂x",
  examples: [
    backward(
      { of: (g, xhat, rstd) => g.sub(xhat.mul(g.mul(xhat).mean([0], true))).mul(rstd) },
      [1, 1, 1, 1],
      "∂L/∂x of a gradient of ones, mean(g) dropped",
    ),
    backward(
      { of: (g, _xhat, rstd) => g.sub(g.mean([0], true)).mul(rstd) },
      [1, 2, 3, 4],
      "∂L/∂x of a gradient of x, the part through the variance dropped",
    ),
  ],
};
