/** Which norms have what a mutant changes. */
import { NORMS } from "./mutant.ts";
import type { NormName } from "./mutant.ts";

type Names = readonly NormName[];

/** Those that mutants were planted in first; all have a weight, and all but rmsNorm a mean and a bias. */
export const FIRST: Names = ["batchNorm", "layerNorm", "instanceNorm", "groupNorm", "rmsNorm", "switchableNorm"];

export const without = (...names: Names): NormName[] => FIRST.filter((norm) => !names.includes(norm));

export const allBut = (...names: Names): NormName[] => NORMS.filter((norm) => !names.includes(norm));

/** They centre, scale by the root of a mean of squares, and have a weight and a bias that are inputs. */
export const AFFINE: Names = ["conditionalInstanceNorm", "adaptiveLayerNorm", "batchRenorm"];

/** They centre. */
export const CENTRED: Names = ["adaptiveInstanceNorm", ...AFFINE, "weightStandardization"];

/** A mean of squares, with eps added under the root. */
export const SQUARES: Names = [...CENTRED, "filterResponseNorm"];

/** Divided by a length, a sum over a set of cells. */
export const LENGTHS: Names = ["normalize", "weightNorm", "scaleNorm"];

/** Something is shared by the cells of a set, and sets are apart. */
export const SETS: Names = [...SQUARES, ...LENGTHS];

/** A weight times x̂; of AdaIN it is the style's standard deviation. */
export const WEIGHTED: Names = [...AFFINE, "filterResponseNorm", "weightNorm", "scaleNorm", "dynamicTanh"];

/** A bias that is an input. */
export const BIASED: Names = [...AFFINE, "filterResponseNorm", "dynamicTanh"];

/** The weight is one for all cells of a set: it can be taken out of their sums. */
export const ONE_WEIGHT: Names = [
  "conditionalInstanceNorm",
  "batchRenorm",
  "filterResponseNorm",
  "weightNorm",
  "scaleNorm",
];
