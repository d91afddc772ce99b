/** Passes over sets of cells that lie side by side, each with coefficients of its own: those of SwitchableNorm. */
import { ModuleBuilder, sequence } from "./assembler.ts";
import type { Code, Local } from "./assembler.ts";
import { increase, repeat } from "./cellLoop.ts";
import { f64, i32 } from "./instructions.ts";
import type { Lanes } from "./lanes.ts";
import type { NormExports } from "./normModule.ts";
import { CELLS, CORRECTION, MAX_SETS, MEAN, RSTD, SAVED, VARIANCE, WEIGHT } from "./normScratch.ts";
import { addAffine, addDeviations, addDots, addGradient, sum, zero } from "./normSegments.ts";
import { addStatistics } from "./normStatistics.ts";

/** Arrays of a float64 for each set, in places from SAVED on: coefficients where statistics are, and answers of dotSets. */
export const SCALE: number = CORRECTION;
export const SLOPE: number = VARIANCE;
export const SHIFT: number = RSTD;
export const SUM: number = WEIGHT - SAVED;
export const DOT: number = SUM + MAX_SETS * 8;

/** For `sets` sets of `length` cells from CELLS on. */
type Pass = (sets: number, length: number, parameter: number) => void;

export interface InstanceExports extends Pick<NormExports, "deviations"> {
  /** Writes statistics to SAVED; the parameter is eps. */
  momentSets: Pass;
  /** x ← (x − MEAN) · SCALE + SHIFT */
  affineSets: Pass;
  /** SUM = Σ g, DOT = Σ g · (x − MEAN) */
  dotSets: Pass;
  /** x ← (g · SCALE + (x − MEAN) · SLOPE + SHIFT) · parameter */
  gradientSets: Pass;
}

interface Current {
  readonly at: Code;
  readonly length: Code;
  readonly parameter: Code;
  /** Where its numbers are, but for the place of an array. */
  readonly saved: Code;
  readonly ignored: Local;
}

export function instanceModule(lanes: Lanes): ModuleBuilder {
  const module = new ModuleBuilder();
  const addPass = (name: keyof InstanceExports, body: (set: Current) => Code): void => {
    module.function(name, null, (fn) => {
      const sets = fn.parameter("i32");
      const length = fn.parameter("i32");
      const parameter = fn.parameter("f64");
      const at = fn.variable("i32");
      const saved = fn.variable("i32");
      const ignored = fn.variable("i32");
      return sequence(
        at.set(i32.const(CELLS)),
        saved.set(i32.const(SAVED)),
        repeat(
          sets,
          body({ at: at.get, length: length.get, parameter: parameter.get, saved: saved.get, ignored }),
          increase(at, lanes.bytesOf(length.get)),
          increase(saved, i32.const(8)),
        ),
      );
    });
  };
  const statistics = addStatistics(module, lanes, addDeviations(module, lanes));
  const affine = addAffine(module, lanes, false);
  const dots = addDots(module, lanes);
  const gradient = addGradient(module, lanes, false);
  const one = i32.const(1);
  addPass("momentSets", ({ at, length, parameter, saved, ignored }) =>
    // Whether a variance is usual is asked when it has been mixed.
    ignored.set(statistics(at, length, one, zero, parameter, one, saved)),
  );
  addPass("affineSets", ({ at, length, saved }) =>
    affine(at, length, f64.load(saved, MEAN), f64.load(saved, SCALE), f64.load(saved, SHIFT)),
  );
  addPass("dotSets", ({ at, length, saved }) =>
    sequence(
      dots(at, length, f64.load(saved, MEAN), one, zero),
      f64.store(saved, sum(0), SUM),
      f64.store(saved, sum(1), DOT),
    ),
  );
  addPass("gradientSets", ({ at, length, parameter, saved }) =>
    gradient(
      at,
      length,
      f64.load(saved, MEAN),
      parameter,
      f64.load(saved, SLOPE),
      f64.load(saved, SHIFT),
      f64.load(saved, SCALE),
    ),
  );
  return module;
}
