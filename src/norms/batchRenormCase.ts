/** Batch renormalization as a case, and all of its cases. The formulas are in batchRenorm.ts. */
import { tensor } from "../autograd/creation.ts";
import type { Num } from "../autograd/num.ts";
import { sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { apply } from "../autograd/tensor.ts";
import {
  batchRenorm,
  batchRenormBackward,
  batchRenormCorrection,
  batchRenormForward,
  batchRenormTerms,
  evaluationForward,
} from "./batchRenorm.ts";
import type { BatchRenormCorrection, BatchRenormLimits, BatchRenormOptions } from "./batchRenorm.ts";
import { channelPartition } from "./channels.ts";
import { affineCombinations, affineInputs, affineLabel, presentGrads, splitAffine } from "./descriptor.ts";
import type { Affine, NormCase, NormDescriptor } from "./descriptor.ts";
import { exampleRunningStats } from "./runningStats.ts";

/**
 * Training in both conventions, as batch normalization, with limits that some channels meet, and with limits that none
 * meets; and evaluation. Each with and without weight and bias.
 *
 * r and d are constants by definition and yet move with x, so the gradient is not that of the op's values as x moves, and
 * no choice of cases makes it so but for limits that are always met. It is the gradient of the op with r and d held, which
 * each case has as `held`; a law says that the two agree at the point where they are held, in value and gradient.
 */
export const batchRenormDescriptor: NormDescriptor = {
  name: "batchRenorm",
  cases: (shape, eps = 1e-5) => {
    const [, channels = 0] = shape;
    if (shape.length < 2 || channels === 0) return [];
    const { mean, variance } = exampleRunningStats(channels);
    const running = { mean, std: variance };
    const limits = [
      { rMax: 1, dMax: 0 },
      { rMax: 1.5, dMax: 0.5 },
      { rMax: Infinity, dMax: Infinity },
    ];
    const training = sizeOf(shape) === channels ? [] : limits;
    const options = (["paper", "ludvb"] as const).map((convention) => ({ eps, convention }));
    const cases = options.flatMap((option) => training.map((limit) => ({ option, limit })));
    const evaluation = { option: { eps, convention: "paper" as const }, limit: null };
    return [...cases, evaluation].flatMap(({ option, limit }) =>
      affineCombinations.map((has) => batchRenormCase(shape, option, has, running, limit)),
    );
  },
};

/** `limits` null: evaluation. */
export function batchRenormCase(
  shape: Shape,
  { eps, convention }: BatchRenormOptions,
  has: Affine,
  running: { readonly mean: readonly number[]; readonly std: readonly number[] },
  limits: BatchRenormLimits | null,
): NormCase {
  const options = { eps, convention };
  const mode = limits ? `training, ${convention}, rMax ${limits.rMax}, dMax ${limits.dMax}` : "evaluation";
  const correctionAt = <A extends Num<A>>(x: A, { rMax, dMax }: BatchRenormLimits): BatchRenormCorrection<A> => {
    const constant = (values: readonly number[]): A => x.constant(() => values, [values.length]);
    return batchRenormCorrection(x, constant(running.mean), constant(running.std), { ...options, rMax, dMax });
  };
  return {
    norm: "batchRenorm",
    label: `${mode}, ${affineLabel(has)}`,
    inputs: affineInputs(shape, [shape[1] ?? 0], has),
    partition: channelPartition(shape, { perSample: false }),
    trace: <A extends Num<A>>(inputs: readonly A[]) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      const constant = (values: readonly number[]): A => x.constant(() => values, [values.length]);
      const { output, saved } = limits
        ? batchRenormForward(x, weight, bias, correctionAt(x, limits), options)
        : evaluationForward(x, weight, bias, constant(running.mean), constant(running.std));
      return {
        output,
        pullback: (gradOutput: A) => presentGrads(batchRenormBackward(gradOutput, saved), has),
        terms: (gradOutput: A) => batchRenormTerms(gradOutput, saved),
      };
    },
    op: (inputs) => {
      const [x, weight, bias] = splitAffine(inputs, has);
      const [mean, std] = [tensor(running.mean, { dtype: x.dtype }), tensor(running.std, { dtype: x.dtype })];
      return batchRenorm(x, mean, std, { weight, bias, training: limits !== null, ...options, ...limits });
    },
    ...(limits && {
      held: (at) => {
        const [x] = splitAffine(at, has);
        const { scale, shift } = correctionAt(x.to("float64"), limits);
        const rule = <A extends Num<A>>(
          moved: A,
          weight: A | null,
          bias: A | null,
        ): { output: A; pullback: (gradOutput: A) => readonly [A, A | null, A | null] } => {
          const correction = {
            scale: moved.constant(() => scale.data, scale.shape),
            shift: moved.constant(() => shift.data, shift.shape),
          };
          const { output, saved } = batchRenormForward(moved, weight, bias, correction, options);
          return { output, pullback: (gradOutput) => batchRenormBackward(gradOutput, saved) };
        };
        return (inputs) => apply("batchRenorm", { rule, computeIn: "float64" }, ...splitAffine(inputs, has));
      },
    }),
  };
}
