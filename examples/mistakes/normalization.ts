/** A column normalized by code on tensors, and how checkOp looks at it: value and gradients against the formula. */
import { formatNumber } from "normgrad";
import type { Dtype, Tensor } from "normgrad";
import { checkOp } from "normgrad/gradcheck";
import { batchNorm, batchNormForward } from "normgrad/norms";
import { checked, column, EPS, example } from "./mistake.ts";
import type { Example } from "./mistake.ts";

/** A column x [N, 1] with mean 0 and variance 1. */
export type Normalize = (x: Tensor, eps: number) => Tensor;

function checkNormalize(code: Normalize, dtype: Dtype): string | null {
  return checked(() =>
    checkOp(
      "normalize",
      {
        dims: { N: [2, 6] },
        params: { eps: [EPS, 1] },
        dtypes: [dtype],
        inputs: ({ N }) => ({ x: [N, 1] }),
        forward: ({ x }, { eps }) => batchNormForward(x, null, null, { eps }).output,
        op: ({ x }, { eps }) => code(x, eps),
      },
      { runs: 40, raiseException: false },
    ),
  );
}

/** A wrong one beside the library's, with what they give on the column, or on the column far from 0. */
export function normalization(
  wrong: Normalize,
  { offset = 0, dtype = "float64" }: { readonly offset?: number; readonly dtype?: Dtype } = {},
): Example {
  return example<Normalize>({
    shown: offset === 0 ? "x̂" : `x̂ of the column + ${formatNumber(offset)}, in ${dtype}`,
    checkedBy: "checkOp, the formula of batchNormForward as the judge",
    show: (code) => [...code(column(offset).to(dtype), EPS).data],
    check: (code) => checkNormalize(code, dtype),
    wrong,
    right: (x, eps) => batchNorm(x, null, null, { training: true, eps }),
  });
}
