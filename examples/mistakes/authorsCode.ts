/** Authors' own code is no reference either. */
import { tensor, zeros } from "normgrad";
import type { Num, Tensor } from "normgrad";
import { checkOp } from "normgrad/gradcheck";
import { adaptiveInstanceNorm, InstanceNorm1d } from "normgrad/norms";
import { checked, compared, EPS, example, numbers } from "./mistake.ts";
import type { Mistake } from "./mistake.ts";

/** The gradient of three logits, from their softmax and the gradient of each share. */
type OfLogits = (shares: number[], gradShares: readonly number[]) => readonly number[];

const softmax = (logits: ArrayLike<number>): number[] => {
  const powers = Array.from(logits, (logit) => Math.exp(logit));
  return powers.map((power) => power / powers.reduce((a, b) => a + b, 0));
};
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

/** ∂L/∂x of an instance norm whose variance is UNBIASED, from g, x̂, rstd and the number of positions. */
interface OfUnbiased {
  readonly of: <A extends Num<A>>(gradOutput: A, xhat: A, rstd: A, n: number) => A;
}

function unbiased<A extends Num<A>>(x: A, eps: number): { readonly xhat: A; readonly rstd: A; readonly n: number } {
  const n = x.shape[2] ?? 0;
  const centered = x.center([2]);
  const rstd = centered
    .square()
    .sum([2], true)
    .div(n - 1)
    .add(eps)
    .rsqrt();
  return { xhat: centered.mul(rstd), rstd, n };
}

/** AdaIN of content and style [N, C, L]. */
type Adapt = (content: Tensor, style: Tensor) => Tensor;

/** A style of two positions. */
const tens = tensor([[[10, 20]]]);

/** The new running mean of a channel, from the means of the samples of a batch. */
type Track = (running: number, means: readonly number[]) => number;

const track: Track = (running, means) => 0.9 * running + (0.1 * means.reduce((a, b) => a + b, 0)) / means.length;

export const authorsCode: Mistake = {
  title: "The authors' own code",
  file: "authorsCode.ts",
  claim: "what is published as a norm computes what its paper says, and two repositories of one paper the same",
  instead:
    "not always: these are gradients that are wrong, conventions of one paper that differ, and a state that is lost",
  source:
    "switchablenorms/Switchable-Normalization, devkit/ops/syncsn_layer.py; naoto0804/pytorch-AdaIN and xunhuang1995/AdaIN-style; torch.nn.InstanceNorm1d in PyTorch 1.13.1",
  examples: [
    example<OfLogits>({
      shown: "SwitchableNorm: gradient of the logits, of shares of 1/3 with gradients 1, 2, 4",
      checkedBy: "checkOp, softmax(logits) · means as the judge",
      show: (code) => code([1 / 3, 1 / 3, 1 / 3], [1, 2, 4]),
      check: (code) =>
        checked(() =>
          checkOp(
            "mixed means",
            {
              dims: {},
              inputs: () => ({ logits: { shape: [3], range: [-2, 2] }, means: [3] }),
              forward: ({ logits, means }) => logits.softmax(0).mul(means).sum(),
              backward: ([g = 0], { logits, means }) => ({
                means: softmax(logits).map((share) => share * g),
                logits: code(
                  softmax(logits),
                  Array.from(means, (mean) => mean * g),
                ),
              }),
            },
            { runs: 40, raiseException: false },
          ),
        ),
      wrong: (shares, gradShares) => {
        const gradient = shares; // no copy: what is written here is still read below
        for (const k of shares.keys())
          gradient[k] = (shares[k] ?? 0) * ((gradShares[k] ?? 0) - dot(shares, gradShares));
        return gradient;
      },
      right: (shares, gradShares) => shares.map((share, k) => share * ((gradShares[k] ?? 0) - dot(shares, gradShares))),
    }),
    example<OfUnbiased>({
      shown: "SwitchableNorm: ∂L/∂x of a gradient of x, the forward with n − 1 and the backward with n",
      checkedBy: "checkOp, the formula of the forward as the judge",
      show: (code) => {
        const x = tensor(numbers, { shape: [1, 1, 4] }).value;
        const { xhat, rstd, n } = unbiased(x, EPS);
        return [...code.of(x, xhat, rstd, n).data];
      },
      check: (code) =>
        checked(() =>
          checkOp(
            "instanceNorm, unbiased",
            {
              dims: { N: [1, 2], C: [1, 3], L: [2, 6] },
              params: { eps: [EPS, 1] },
              inputs: ({ N, C, L }) => ({ x: [N, C, L] }),
              forward: ({ x }, { eps }) => unbiased(x, eps).xhat,
              formulaBackward: (gradOutput, { x }, { eps }) => {
                const { xhat, rstd, n } = unbiased(x, eps);
                return { x: code.of(gradOutput, xhat, rstd, n) };
              },
            },
            { runs: 40, raiseException: false },
          ),
        ),
      wrong: {
        of: (g, xhat, rstd, n) =>
          g
            .center([2])
            .sub(xhat.mul(g.mul(xhat).sum([2], true).div(n)))
            .mul(rstd),
      },
      right: {
        of: (g, xhat, rstd, n) =>
          g
            .center([2])
            .sub(
              xhat.mul(
                g
                  .mul(xhat)
                  .sum([2], true)
                  .div(n - 1),
              ),
            )
            .mul(rstd),
      },
    }),
    example<Adapt>({
      shown:
        "AdaIN with a style of 10 and 20: one repository's variance (biased) where the other's (unbiased) is expected",
      checkedBy: "the values of adaptiveInstanceNorm, which by default is pytorch-AdaIN's",
      show: (code) => [...code(tensor(numbers, { shape: [1, 1, 4] }), tens).data],
      check: (code) => {
        const content = tensor(numbers, { shape: [1, 1, 4] });
        const expected = adaptiveInstanceNorm(content, tens).data;
        return compared("first value", code(content, tens).data, "adaptiveInstanceNorm", expected);
      },
      // Neither is a mistake by itself. With as many positions in style and content they differ by eps alone.
      wrong: (content, style) => {
        const std = content.variance([2], { correction: 0, keepdim: true }).add(EPS).sqrt();
        const styleStd = style.variance([2], { correction: 0, keepdim: true }).sqrt(); // AdaIN-style: without eps
        return content
          .center([2])
          .div(std)
          .mul(styleStd)
          .add(style.mean([2], true));
      },
      right: (content, style) => adaptiveInstanceNorm(content, style),
    }),
    example<Track>({
      shown: "InstanceNorm: running mean 0.5 after a batch of no samples",
      checkedBy: "the running mean of InstanceNorm1d, after a batch and after an empty one",
      show: (code) => [code(0.5, [])],
      check: (code) => {
        const norm = new InstanceNorm1d(1, { trackRunningStats: true });
        norm.forward(tensor([[[1, 3]], [[3, 5]]]));
        const running = code(0, [2, 4]);
        const verdict = compared("after a batch", [running], "InstanceNorm1d", norm.runningMean?.data ?? []);
        norm.forward(zeros([0, 1, 2]));
        return (
          verdict ?? compared("after an empty one", [code(running, [])], "InstanceNorm1d", norm.runningMean?.data ?? [])
        );
      },
      wrong: track, // 0 / 0
      right: (running, means) => (means.length === 0 ? running : track(running, means)),
    }),
  ],
};
