/** Wrong terms, powers, factors and counts of the backward. Those that other tests plant as well are taken from there. */
import type { Num } from "../../src/autograd/index.ts";
import { average } from "../helpers/mutantNorm.ts";
import type { Mutation } from "../helpers/mutantNorm.ts";
import { backwardMutants } from "../helpers/normMutants.ts";
import { NORMS } from "./mutant.ts";
import type { Mutant, NormName } from "./mutant.ts";
import { inBackward } from "./specimen.ts";
import { AFFINE, allBut, BIASED, CENTRED, FIRST, ONE_WEIGHT, SETS, SQUARES, WEIGHTED, without } from "./traits.ts";

/** The mutation that the laws of the norms are tested with under this name. */
export function known(name: string): Mutation {
  const mutant = backwardMutants[name];
  if (mutant === undefined) throw new RangeError(`known: expected the name of a mutant, got "${name}"`);
  return mutant.mutation;
}

type Rest = Omit<Mutant, "name" | "make" | "norms"> & { readonly norms?: readonly NormName[] };

const withMean: readonly NormName[] = [...without("rmsNorm"), ...CENTRED];
/** Tanh has a slope, but nothing that cells share. */
const withStatistics = allBut("dynamicTanh");
const biased: readonly NormName[] = [...without("rmsNorm"), ...BIASED];
const weighted: readonly NormName[] = [...FIRST, ...WEIGHTED];

/** The mutants of the given names, which are known elsewhere. */
function all(names: readonly string[], rest: Rest): Mutant[] {
  return names.map((name) => ({ norms: NORMS, ...rest, name, make: inBackward(known(name)) }));
}

const terms: readonly Mutant[] = [
  ...all(["mean term dropped", "sign of the mean term"], {
    group: "terms",
    planted: "mean path",
    norms: withMean,
  }),
  {
    name: "mean term doubled",
    group: "terms",
    planted: "mean path",
    norms: withMean,
    make: inBackward({ parts: { viaMean: ({ viaMean }) => viaMean.mul(2) } }),
  },
  ...all(["variance term dropped", "variance term doubled", "sign of the variance term"], {
    group: "terms",
    planted: "variance path",
    norms: withStatistics,
  }),
  {
    name: "variance term halved",
    group: "terms",
    planted: "variance path",
    norms: withStatistics,
    make: inBackward({ parts: { viaVariance: ({ viaVariance }) => viaVariance.mul(0.5) } }),
  },
  ...all(["statistics taken for constants"], {
    group: "terms",
    planted: "statistics as constants",
    norms: withMean, // without a mean it is "variance term dropped"
  }),
  ...all(["mean term ÷ (n − 1)"], { group: "terms", planted: "count", norms: withMean }),
  ...all(["variance term ÷ (n − 1)"], { group: "terms", planted: "count", norms: [...FIRST, ...SQUARES] }),
  ...all(["sign of gradInput"], { group: "terms", planted: "factor" }),
];

const rstd: readonly Mutant[] = [
  ...all(["rstd 1/(√v + eps)", "rstd 1/√v"], {
    group: "rstd",
    planted: "rstd",
    norms: [...FIRST, ...SQUARES, "normalize", "scaleNorm"],
  }),
  ...all(["rstd with eps ÷ 10"], { group: "rstd", planted: "rstd", norms: [...FIRST, ...SQUARES] }),
  ...all(["rstd missing", "rstd squared"], { group: "rstd", planted: "rstd", norms: withStatistics }),
  ...all(["rsqrt of a saved rstd"], {
    group: "rstd",
    planted: "rstd",
    norms: [...FIRST, ...SQUARES, "normalize", "scaleNorm"],
  }),
  ...all(["rstd zero below a variance of 1e-12"], { group: "rstd", planted: "rstd", norms: [...FIRST, ...SETS] }),
  ...all(["rstd rounded to float32"], { group: "rstd", planted: "precision", norms: withStatistics }),
];

const weight: readonly Mutant[] = [
  ...all(["weight missing in gradInput"], {
    group: "weight",
    planted: "parameter",
    norms: [...weighted, "adaptiveInstanceNorm"],
  }),
  ...all(["weight absolute"], { group: "weight", planted: "parameter", norms: weighted }),
  ...all(["weight outside of the reductions"], {
    group: "weight",
    planted: "parameter",
    norms: [...FIRST, ...ONE_WEIGHT, "adaptiveLayerNorm"],
    equivalent: {
      norms: ["batchNorm", "instanceNorm", ...ONE_WEIGHT],
      proof: "a set meets one weight w: w·⟨g⟩ = ⟨w·g⟩ and w·⟨g·x̂⟩ = ⟨w·g·x̂⟩",
    },
  }),
  ...all(["weight twice in the variance term"], {
    group: "weight",
    planted: "parameter",
    // SwitchableNorm's variance term is no product of x̂ and a mean
    norms: [...without("switchableNorm"), ...AFFINE, "filterResponseNorm"],
  }),
  ...all(["y saved for x̂"], { group: "weight", planted: "parameter", norms: weighted }),
];

const parameters: readonly Mutant[] = [
  ...all(["gradWeight from x − μ", "gradWeight from y", "gradWeight equal to gradBias", "gradWeight from |x̂|"], {
    group: "parameters",
    planted: "parameter gradient",
    norms: [...weighted, "adaptiveInstanceNorm"],
  }),
  ...all(["gradWeight averaged over the batch"], {
    group: "parameters",
    planted: "count",
    norms: weighted.filter((norm) => norm !== "weightNorm"), // it has no batch
  }),
  ...all(["gradBias averaged over the batch"], { group: "parameters", planted: "count", norms: biased }),
  {
    name: "gradBias from x̂",
    group: "parameters",
    planted: "parameter gradient",
    norms: [...biased, "adaptiveInstanceNorm"],
    make: inBackward({ parts: { gradBias: ({ g, xhat }) => g.mul(xhat) } }),
  },
  {
    name: "sign of gradWeight",
    group: "parameters",
    planted: "factor",
    norms: weighted,
    make: inBackward({ parts: { gradWeight: ({ gradWeight }) => gradWeight.neg() } }),
  },
];

const gradOutput: readonly Mutant[] = [
  ...all(["gradOutput ignored", "gradOutput absolute"], { group: "gradOutput", planted: "gradOutput" }),
  {
    name: "gradOutput missing in the means",
    group: "gradOutput",
    planted: "gradOutput",
    norms: [...without("switchableNorm"), ...AFFINE],
    make: inBackward({
      parts: {
        viaMean: ({ viaMean, weight }) => viaMean.mul(0).add(average(weight)),
        viaVariance: ({ xhat, weight }) => xhat.mul(average(weight.mul(xhat))),
      },
    }),
  },
];

const counts: readonly Mutant[] = [
  ...all(["n is the batch", "n is the next power of two", "n − 1 in the recomputed variance"], {
    group: "counts",
    planted: "count",
    norms: [...FIRST, ...SQUARES],
  }),
  ...all(["n is the last axis"], {
    group: "counts",
    planted: "count",
    norms: [...FIRST, ...SQUARES],
    equivalent: {
      norms: [
        "instanceNorm",
        "switchableNorm",
        "adaptiveInstanceNorm",
        "conditionalInstanceNorm",
        "adaptiveLayerNorm",
        "filterResponseNorm",
      ],
      proof: "its n cells are the last axis of [N, C, L]",
    },
  }),
  {
    name: "sums that are not divided",
    group: "counts",
    planted: "count",
    norms: [...FIRST, ...SQUARES],
    make: inBackward({
      parts: {
        viaMean: ({ viaMean, n }) => viaMean.mul(n),
        viaVariance: ({ viaVariance, n }) => viaVariance.mul(n),
      },
    }),
  },
];

export const formulaMutants: readonly Mutant[] = [
  ...terms,
  ...rstd,
  ...weight,
  ...parameters,
  ...gradOutput,
  ...counts,
];

/** A part that rounds its own right value. */
export const toFloat32 = <A extends Num<A>>(array: A): A =>
  array.add(array.constant((values) => Float64Array.from(values, (value) => Math.fround(value) - value)));
