/**
 * Wrong norms that have been written elsewhere (VERIFICATION.md's catalogue and the mistakes of tutorials and peers), each
 * with the law that rejects it.
 */
import type { Num } from "../../src/autograd/index.ts";
import { average, redeal } from "./mutantNorm.ts";
import type { Forward, Mutation, Parts } from "./mutantNorm.ts";

export interface Mutant {
  readonly mutation: Mutation;
  /** The laws that reject it. */
  readonly rejectedBy: readonly string[];
  /** Norms for which it computes the same: no law may reject it there. */
  readonly equivalentFor?: readonly string[];
}

const DIFFERENCES = "the backward is that of finite differences";
const EXACT = "each gradient is the derivative in sixty digits";
const ADJOINT = "⟨g, J·v⟩ = ⟨Jᵀ·g, v⟩";
const SECOND = "the second derivative is that of differences of the first";
const ORTHOGONAL = "gradInput sums to zero over each set, and is orthogonal to x̂ but for eps";
const CONSTANT = "a constant ĝ gives gradInput 0";
const LINEAR = "the backward is linear in gradOutput";
const VALUE = "the output is the plain-loop oracle's";
const SHIFT = "a constant added to a set leaves the output";
const SCALE = "without eps a factor on x leaves the output";
const ISOLATES = "a cell reaches no output outside of its set of the partition";
const PARTITION = "the partition is the oracle's";
const SHARED = "all cells of a set of the partition share their statistics";

/** Rejected by each way of checking a first derivative. */
const first = [DIFFERENCES, EXACT, ADJOINT];

const backward = (parts: Partial<Parts>, ...rejectedBy: string[]): Mutant => ({ mutation: { parts }, rejectedBy });

/** A factor for each cell of the rows. */
function mask<A extends Num<A>>(
  { x, n }: Forward<A>,
  keep: (set: number, i: number, cell: number, cells: number) => boolean,
): A {
  return x.constant((values) =>
    Float64Array.from(values, (_, cell) => (keep(Math.floor(cell / n), cell % n, cell, values.length) ? 1 : 0)),
  );
}

const only = (keep: Parameters<typeof mask>[1]): Parts["gradInput"] => {
  return (context) => context.gradInput.mul(mask(context, keep));
};

const divided = (by: (n: number, shape: readonly number[]) => number): Partial<Parts> => ({
  viaMean: ({ viaMean, n, shape }) => viaMean.mul(n).div(by(n, shape)),
  viaVariance: ({ viaVariance, n, shape }) => viaVariance.mul(n).div(by(n, shape)),
});

const unbiased = <A extends Num<A>>({ variance, n }: Forward<A>): A => variance.mul(n).div(Math.max(1, n - 1));
const epsOutside = <A extends Num<A>>({ variance, eps }: Forward<A>): A => variance.sqrt().add(eps).pow(-1);

/** Forward right, backward wrong. */
export const backwardMutants: Readonly<Record<string, Mutant>> = {
  // Terms
  "mean term dropped": backward({ viaMean: (c) => c.xhat.mul(0) }, ...first, ORTHOGONAL, CONSTANT),
  "variance term dropped": backward({ viaVariance: (c) => c.xhat.mul(0) }, ...first, ORTHOGONAL),
  "statistics taken for constants": backward({ gradInput: (c) => c.gradXhat.mul(c.rstd) }, ...first, ORTHOGONAL),
  "mean term ÷ (n − 1)": backward(
    {
      viaMean: ({ viaMean, n }) => viaMean.mul(n).div(Math.max(1, n - 1)),
    },
    ...first,
  ),
  "variance term ÷ (n − 1)": backward(
    {
      viaVariance: ({ viaVariance, n }) => viaVariance.mul(n).div(Math.max(1, n - 1)),
    },
    ...first,
  ),
  "variance term doubled": backward({ viaVariance: ({ viaVariance }) => viaVariance.mul(2) }, ...first, ORTHOGONAL),
  "sign of the mean term": backward({ viaMean: ({ viaMean }) => viaMean.neg() }, ...first, CONSTANT),
  "sign of the variance term": backward({ viaVariance: ({ viaVariance }) => viaVariance.neg() }, ...first),
  "sign of gradInput": backward({ gradInput: ({ gradInput }) => gradInput.neg() }, ...first),
  // rstd
  "rstd 1/(√v + eps)": backward({ savedRstd: epsOutside }, ...first),
  "rstd 1/√v": backward({ savedRstd: ({ variance }) => variance.rsqrtOrZero() }, ...first),
  "rstd with eps ÷ 10": backward({ savedRstd: ({ variance, eps }) => variance.add(eps / 10).rsqrtOrZero() }, ...first),
  "rstd missing": backward({ savedRstd: ({ rstd }) => rstd.mul(0).add(1) }, ...first),
  "rstd squared": backward({ savedRstd: ({ rstd }) => rstd.square() }, ...first),
  "rsqrt of a saved rstd": backward({ savedRstd: ({ rstd, eps }) => rstd.add(eps).rsqrt() }, ...first),
  "rstd rounded to float32": backward(
    { savedRstd: ({ rstd }) => rstd.add(rstd.constant((v) => Float64Array.from(v, (a) => Math.fround(a) - a))) },
    EXACT,
    ADJOINT,
  ),
  "rstd zero below a variance of 1e-12": backward(
    {
      savedRstd: ({ rstd, variance, eps }) =>
        rstd.mul(variance.constant((v) => Float64Array.from(v, (a) => (a + eps < 1e-12 ? 0 : 1)))),
    },
    EXACT,
  ),
  // weight
  "weight missing in gradInput": backward({ gradXhat: ({ g }) => g }, ...first),
  "weight outside of the reductions": {
    mutation: { parts: { gradXhat: ({ g }) => g, gradInput: ({ gradInput, weight }) => gradInput.mul(weight) } },
    rejectedBy: [...first, CONSTANT],
    // One weight a set: a factor that can be taken out of its means.
    equivalentFor: ["batchNorm", "instanceNorm"],
  },
  "weight twice in the variance term": backward(
    { viaVariance: ({ gradXhat, xhat, weight }) => xhat.mul(average(gradXhat.mul(weight).mul(xhat))) },
    ...first,
  ),
  "weight absolute": backward({ gradXhat: ({ g, weight }) => g.mul(weight.abs()) }, ...first),
  "y saved for x̂": backward({ savedXhat: ({ output }) => output }, ...first),
  // Parameters
  "gradWeight from x − μ": backward({ gradWeight: ({ g, centered }) => g.mul(centered) }, ...first),
  "gradWeight from y": backward({ gradWeight: ({ g, output }) => g.mul(output) }, ...first),
  "gradWeight equal to gradBias": backward({ gradWeight: ({ g }) => g }, ...first),
  "gradWeight averaged over the batch": backward(
    { gradWeight: ({ gradWeight, shape }) => gradWeight.div(shape[0] ?? 1) },
    ...first,
  ),
  "gradWeight from |x̂|": backward({ gradWeight: ({ g, xhat }) => g.mul(xhat.abs()) }, ...first),
  "gradBias averaged over the batch": backward({ gradBias: ({ g, shape }) => g.div(shape[0] ?? 1) }, ...first),
  // gradOutput
  "gradOutput ignored": backward({ gradOutput: ({ g }) => g.mul(0).add(1) }, ...first, LINEAR),
  "gradOutput absolute": backward({ gradOutput: ({ g }) => g.abs() }, ...first, LINEAR),
  // Counts
  "n is the batch": backward(
    divided((_, [batch = 1]) => batch),
    ...first,
  ),
  "n is the last axis": backward(
    divided((_, shape) => shape.at(-1) ?? 1),
    ...first,
  ),
  "n is the next power of two": backward(
    divided((n) => 2 ** Math.ceil(Math.log2(n))),
    ...first,
  ),
  "n − 1 in the recomputed variance": backward({ savedRstd: (c) => unbiased(c).add(c.eps).rsqrtOrZero() }, ...first),
  // Axes and groups
  "sets of the backward off by one": {
    mutation: { backwardSets: (sets) => redeal(sets, (s, i, n) => s * n + i + 1) },
    rejectedBy: first,
  },
  "sets of the backward interleaved, c % G": {
    mutation: { backwardSets: (sets) => redeal(sets, (s, i, _, count) => i * count + s) },
    rejectedBy: first,
  },
  "parameters of the next cell in the backward": {
    mutation: {
      backwardSets: (sets) => {
        const all = sets.flatMap(({ parameters }) => parameters);
        const count = Math.max(...all) + 1;
        return sets.map((set) => ({ ...set, parameters: set.parameters.map((p) => (p + 1) % count) }));
      },
    },
    rejectedBy: first,
  },
  "last cell skipped": backward({ gradInput: only((_set, _i, cell, cells) => cell < cells - 1) }, ...first),
  "only the first four sets": backward({ gradInput: only((set) => set < 4) }, ...first),
  "only the first eight cells of a set": backward({ gradInput: only((_, i) => i < 8) }, ...first),
  // Numerics
  "gradInput off by 1e-4": backward({ gradInput: ({ gradInput }) => gradInput.mul(1 + 1e-4) }, ...first),
  "gradInput off by 1e-7": backward({ gradInput: ({ gradInput }) => gradInput.mul(1 + 1e-7) }, EXACT, ADJOINT),
  "saved statistics detached": backward(
    { savedXhat: ({ xhat }) => xhat.detach(), savedRstd: ({ rstd }) => rstd.detach() },
    SECOND,
  ),
};

const forward = (parts: Partial<Parts>, ...rejectedBy: string[]): Mutant => ({ mutation: { parts }, rejectedBy });

/** Forward wrong. A backward that follows it is right for it, so that values and invariances have to find it. */
export const forwardMutants: Readonly<Record<string, Mutant>> = {
  "unbiased variance": forward({ variance: unbiased }, VALUE),
  "eps outside of the root": forward({ rstd: epsOutside }, VALUE),
  "eps missing": forward({ rstd: ({ variance }) => variance.rsqrtOrZero() }, VALUE),
  "(variance + eps)²": forward({ rstd: ({ variance, eps }) => variance.add(eps).square().rsqrtOrZero() }, VALUE, SCALE),
  "variance without the square": forward({ variance: ({ centered }) => average(centered) }, VALUE),
  "one-pass variance": forward(
    { variance: ({ x }) => average(x.square()).sub(average(x).square()).relu() },
    VALUE,
    SHIFT,
  ),
  "centred once": forward({ centered: ({ x }) => x.sub(average(x)) }, VALUE, SHIFT),
  "not centred, as RMSNorm": forward({ centered: ({ x }) => x }, VALUE, SHIFT),
  "statistics that are constants": forward(
    { centered: ({ x }) => x, rstd: ({ x }) => average(x).mul(0).add(0.5) },
    VALUE,
    SHARED,
  ),
  "bias missing": forward({ output: ({ xhat, weight }) => xhat.mul(weight) }, VALUE),
  "bias scaled by the weight": forward({ output: ({ xhat, weight, bias }) => xhat.add(bias).mul(weight) }, VALUE),
  "sets interleaved, c % G": {
    mutation: { sets: (sets) => redeal(sets, (s, i, _, count) => i * count + s) },
    rejectedBy: [VALUE, PARTITION, SHIFT, SHARED],
  },
  "sets off by one": {
    mutation: { sets: (sets) => redeal(sets, (s, i, n) => s * n + i + 1) },
    rejectedBy: [VALUE, PARTITION, SHIFT],
  },
  "sets off by one, the partition says otherwise": {
    mutation: { sets: (sets) => redeal(sets, (s, i, n) => s * n + i + 1), silent: true },
    rejectedBy: [VALUE, ISOLATES],
  },
};
