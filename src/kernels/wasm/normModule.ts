import { ModuleBuilder } from "./assembler.ts";
import type { Lanes } from "./lanes.ts";
import { addBackwardRows, addForwardRows } from "./normRows.ts";
import { addBackwardRuns, addForwardRuns } from "./normRuns.ts";
import { addAffine, addDeviations, addDots, addGradient } from "./normSegments.ts";
import { addStatistics } from "./normStatistics.ts";

/** What a module of norm kernels exports. Places and strides are in bytes, `centered` is 1 or 0. */
export interface RowNormExports {
  forwardRows(
    at: number,
    saved: number,
    rows: number,
    n: number,
    first: number,
    last: number,
    eps: number,
    centered: number,
  ): number;
  backwardRows(at: number, saved: number, rows: number, n: number, first: number, last: number, centered: number): void;
  /** As in NormExports, but with a weight and a bias for each cell, which begin at `parameters`. */
  deviations: Deviations;
  affineCells(at: number, count: number, mean: number, scale: number, shift: number, parameters: number): void;
  gradientCells(
    at: number,
    count: number,
    mean: number,
    rstd: number,
    slope: number,
    shift: number,
    parameters: number,
  ): void;
  /** A part of a row, if it is not to finish. */
  backward1(at: number, saved: number, n: number, parameters: number, centered: number, finishes: number): void;
}

/** Σ (x − mean) and Σ (x − mean)² of `segments` segments, to SUMS. */
type Deviations = (at: number, count: number, mean: number, segments: number, stride: number) => void;

/** The same of one that is not for rows. */
export interface NormExports {
  deviations: Deviations;
  affine(at: number, count: number, mean: number, scale: number, shift: number): void;
  /** Σ g and Σ g · (x − mean), to SUMS. */
  dots(at: number, count: number, mean: number, segments: number, stride: number): void;
  gradient(at: number, count: number, mean: number, rstd: number, slope: number, shift: number, weight: number): void;
  forwardRuns(
    at: number,
    saved: number,
    sets: number,
    length: number,
    repeats: number,
    stride: number,
    run: number,
    first: number,
    last: number,
    eps: number,
    centered: number,
  ): number;
  backwardRuns(
    at: number,
    saved: number,
    sets: number,
    length: number,
    repeats: number,
    stride: number,
    run: number,
    first: number,
    last: number,
    centered: number,
  ): void;
}

/** The kernels of rows for one dtype. */
export function rowNormModule(lanes: Lanes): ModuleBuilder {
  const module = new ModuleBuilder();
  const statistics = addStatistics(module, lanes, addDeviations(module, lanes));
  addForwardRows(module, lanes, statistics, addAffine(module, lanes, true));
  addBackwardRows(module, lanes, addGradient(module, lanes, true));
  return module;
}

/** The other norm kernels for one dtype. */
export function normModule(lanes: Lanes): ModuleBuilder {
  const module = new ModuleBuilder();
  const statistics = addStatistics(module, lanes, addDeviations(module, lanes));
  const dots = addDots(module, lanes);
  addForwardRuns(module, lanes, statistics, addAffine(module, lanes, false));
  addBackwardRuns(module, lanes, dots, addGradient(module, lanes, false));
  return module;
}
