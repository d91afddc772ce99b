import { ones, tensor, zeros } from "normgrad";
import type { Tensor } from "normgrad";
import { checkOp } from "normgrad/gradcheck";
import { groupNorm, groupNormForward } from "normgrad/norms";
import { checked, EPS, example, numbers } from "./mistake.ts";
import type { Example, Mistake } from "./mistake.ts";

/** GroupNorm of x [N, C, H, W] with weight and bias [C]. */
type Group = (x: Tensor, numGroups: number, weight: Tensor, bias: Tensor, eps: number) => Tensor;

/** The column as four channels of one pixel, in two groups. */
const pixels = tensor(numbers, { shape: [1, 4, 1, 1] });

function inGroups(wrong: Group, shown: string, show: (y: Tensor) => readonly number[]): Example {
  return example<Group>({
    shown,
    checkedBy: "checkOp, the formula of groupNormForward as the judge",
    show: (code) => show(code(pixels, 2, ones([4]), zeros([4]), EPS)),
    check: (code) =>
      checked(() =>
        checkOp(
          "groupNorm",
          {
            dims: { N: [1, 2], C: [2, 4], H: [1, 2], W: [1, 1] },
            params: { numGroups: [1, 2], eps: [EPS, 1] },
            where: ({ N, C, H, W, numGroups }) => C % numGroups === 0 && (N * C * H * W) / numGroups > 1,
            inputs: ({ N, C, H, W }) => ({ x: [N, C, H, W], weight: [C], bias: [C] }),
            forward: ({ x, weight, bias }, { numGroups, eps }) =>
              groupNormForward(x, weight, bias, { numGroups, eps }).output,
            op: ({ x, weight, bias }, { numGroups, eps }) => code(x, numGroups, weight, bias, eps),
          },
          { runs: 40, raiseException: false },
        ),
      ),
    wrong,
    right: (x, numGroups, weight, bias, eps) => groupNorm(x, numGroups, { weight, bias, eps }),
  });
}

/** x in groups of `perGroup` channels, [N, G, C / G, H, W], normalized. */
function normalized(x: Tensor, perGroup: number, eps: number): Tensor {
  const [N = 0, C = 0, H = 0, W = 0] = x.shape;
  const grouped = x.reshape([N, C / perGroup, perGroup, H, W]);
  const mean = grouped.mean([2, 3, 4], true);
  const variance = grouped.variance([2, 3, 4], { correction: 0, keepdim: true });
  return grouped.sub(mean).div(variance.add(eps).sqrt());
}

const perChannel = (parameter: Tensor): Tensor => parameter.reshape([1, -1, 1, 1]);

export const groupNormGroups: Mistake = {
  title: "GroupNorm with a fixed number of channels a group, or without the way back",
  file: "groupNormGroups.ts",
  claim: "16 channels make a group, and what comes out of reshape([N, G, C / G, H, W]) is the output",
  instead:
    "G comes from the arguments, and the output is [N, C, H, W] again BEFORE weight and bias, which are one a CHANNEL",
  source: "common in tutorials",
  examples: [
    inGroups(
      (x, _numGroups, weight, bias, eps) => {
        const perGroup = Math.min(16, x.shape[1] ?? 0); // 16 in the text; here no more than there are
        return normalized(x, perGroup, eps).reshape(x.shape).mul(perChannel(weight)).add(perChannel(bias));
      },
      "y of four channels in two groups, 16 channels a group",
      ({ data }) => [...data],
    ),
    inGroups(
      (x, numGroups, _weight, _bias, eps) => normalized(x, (x.shape[1] ?? 0) / numGroups, eps),
      "SHAPE of y of four channels in two groups, still [N, G, C / G, H, W]",
      ({ shape }) => shape,
    ),
  ],
};
