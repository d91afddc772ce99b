/** Where the norm kernels keep things in the shared memory, in bytes. */

/** Cells of one chunk at most; x and a gradient of this size are more than the L2 cache holds, so smaller ones are better. */
export const CHUNK_BYTES: number = 512 * 1024;
/** Sets of one chunk at most. */
export const MAX_SETS = 2048;
/** Between arrays: kernels read up to a vector beyond the end, and arrays that are 4 KB apart slow each other down. */
const GAP = 1088;

/** Two float64: the answers of a walk over cells. */
export const SUMS = 0;
/** Pairs of float64 that are not added up yet: two for each of the rows that are walked together. */
export const PARTIAL_SUMS = 64;
/** x, then in its place the output or gradInput. */
export const CELLS = 1024;
export const GRAD_OUTPUT: number = CELLS + CHUNK_BYTES + GAP;

/** Four arrays of a float64 for each set. */
export const SAVED: number = GRAD_OUTPUT + CHUNK_BYTES + GAP;
const SAVED_BYTES: number = MAX_SETS * 8;
export const MEAN = 0;
export const CORRECTION: number = SAVED_BYTES;
export const VARIANCE: number = 2 * SAVED_BYTES;
export const RSTD: number = 3 * SAVED_BYTES;

/** Of the dtype of the cells where each cell of a row has its own, float64 where runs of cells share them. */
export const WEIGHT: number = SAVED + 4 * SAVED_BYTES + GAP;
export const BIAS: number = WEIGHT + CHUNK_BYTES + GAP;
/** Sums in float64. */
export const GRAD_BIAS: number = BIAS + CHUNK_BYTES + GAP;
export const GRAD_WEIGHT: number = GRAD_BIAS + 2 * CHUNK_BYTES + GAP;
export const NORM_BYTES: number = GRAD_WEIGHT + 2 * CHUNK_BYTES + GAP;
