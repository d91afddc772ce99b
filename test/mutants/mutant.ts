/** What a planted bug is: a name that says what is wrong, the class it belongs to, and how it runs on each norm. */
import type { NdArray, Shape } from "../../src/autograd/index.ts";
import type { OpSpec } from "../../src/gradcheck/index.ts";
import type { Fault } from "../../src/gradcheck/fault.ts";

export const NORMS = [
  "batchNorm",
  "layerNorm",
  "instanceNorm",
  "groupNorm",
  "rmsNorm",
  "switchableNorm",
  "adaptiveInstanceNorm",
  "conditionalInstanceNorm",
  "adaptiveLayerNorm",
  "batchRenorm",
  "filterResponseNorm",
  "weightStandardization",
  "localResponseNorm",
  "normalize",
  "weightNorm",
  "spectralNorm",
  "scaleNorm",
  "dynamicTanh",
] as const;
export type NormName = (typeof NORMS)[number];

/** In the order of the catalogue of VERIFICATION.md. */
export const GROUPS = [
  "terms",
  "rstd",
  "weight",
  "parameters",
  "gradOutput",
  "counts",
  "axes and groups",
  "numerics",
  "state",
  "SwitchableNorm",
  "AdaptiveInstanceNorm",
  "ConditionalInstanceNorm",
  "AdaptiveLayerNorm",
  "BatchRenorm",
  "FilterResponseNorm",
  "weightStandardization",
  "LocalResponseNorm",
  "normalize",
  "WeightNorm",
  "SpectralNorm",
  "ScaleNorm",
  "DynamicTanh",
  "real bugs",
] as const;
export type Group = (typeof GROUPS)[number];

/** Every input x is [N, C, L]. */
export type Sizes = "N" | "C" | "L";

/** A norm has eps and the options that are its own. */
export type Options = {
  readonly eps: number;
  readonly numGroups?: number;
  /** Over how many of the last dims. */
  readonly normalizedDims?: number;
  /** A variance is divided by n − 1: of AdaIN and weight standardization; of SwitchableNorm's instances. */
  readonly unbiased?: boolean;
  /** AdaIN: the share of the style. LRN: how much the squares weigh. */
  readonly alpha?: number;
  /** CIN: styles are blended, not chosen by labels. */
  readonly blend?: boolean;
  /** BatchRenorm: how far r and d may go. */
  readonly rMax?: number;
  readonly dMax?: number;
  /** FRN: there is an epsL. */
  readonly learnableEps?: boolean;
  /** LRN: channels in a window, and the exponent. Its k is eps. */
  readonly size?: number;
  readonly beta?: number;
  /** normalize: the exponent of the norm. */
  readonly p?: number;
  /** normalize, weightNorm, spectralNorm; null: the norm is one for all of the array. */
  readonly dim?: number | null;
  readonly momentum?: number | null;
  /** Values of x around 1e-7 instead of those that checkOp draws: a variance that is small against nothing but eps 0. */
  readonly tiny?: boolean;
};

export type Setting = Readonly<Record<Sizes, number>> & Options;
export type Spec = OpSpec<string, Sizes, Options>;

/** What checkOp draws for a norm, or for a series of calls. */
export interface Domain {
  readonly dims: Spec["dims"];
  readonly params: NonNullable<Spec["params"]>;
  readonly where: (setting: Setting) => boolean;
  /** Of the inputs; the first is x. */
  readonly shapes: (setting: Setting) => Readonly<Record<string, Shape>>;
  /** Inputs that are constants to the op: differences must not move them. */
  readonly held?: readonly string[];
}

/** A mutant's own forward and backward on plain arrays: all that the other designs see of it. */
export interface Own {
  readonly value: (inputs: readonly NdArray[], setting: Setting) => NdArray;
  /** From the inputs to the function from gradOutput to their gradients. */
  readonly gradients: (
    inputs: readonly NdArray[],
    setting: Setting,
  ) => (gradOutput: NdArray) => readonly (NdArray | null)[];
}

/** A mutant on one norm, ready to be checked. */
export interface Specimen {
  readonly spec: Spec;
  readonly domain: Domain;
  readonly own: Own;
  /** Its gradients of the gradients, for mutants that are right at first order. */
  readonly second?: Own;
  /** Options other than the usual ones that the designs without a domain are to use. */
  readonly usual: Options;
}

export interface Mutant {
  readonly name: string;
  readonly group: Group;
  /** What the mutation is, decided before anything was diagnosed. */
  readonly planted: Fault;
  /** Project and number of a real bug. */
  readonly source?: string;
  readonly norms: readonly NormName[];
  /** Norms on which it computes the same, and why. */
  readonly equivalent?: { readonly norms: readonly NormName[]; readonly proof: string };
  /** Made anew for every check: some mutants keep something between calls. */
  readonly make: (norm: NormName) => Specimen;
}

export function isEquivalent({ equivalent }: Mutant, norm: NormName): boolean {
  return equivalent?.norms.includes(norm) ?? false;
}
