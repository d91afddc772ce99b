/** Norms of which runs of cells share a weight and a bias: BatchNorm, GroupNorm, InstanceNorm, whose runs are channels. */
import { select, sequence, whileLoop } from "./assembler.ts";
import type { Call, ModuleBuilder } from "./assembler.ts";
import { increase, repeat } from "./cellLoop.ts";
import { f64, i32 } from "./instructions.ts";
import type { Lanes } from "./lanes.ts";
import { BIAS, CORRECTION, GRAD_BIAS, GRAD_WEIGHT, MEAN, RSTD, WEIGHT } from "./normScratch.ts";
import { sum } from "./normSegments.ts";
import { setSlope } from "./normStatistics.ts";

/**
 * A chunk holds `sets` sets in `repeats` segments that lie `stride` bytes apart. A segment is runs of `run` cells; the first
 * set's first run has the parameter at `first`, and after the one before `last` comes number 0 (bytes, both).
 */
export function addForwardRuns(module: ModuleBuilder, lanes: Lanes, statistics: Call, affine: Call): void {
  module.function("forwardRuns", "i32", (fn) => {
    const at = fn.parameter("i32");
    const saved = fn.parameter("i32");
    const sets = fn.parameter("i32");
    const length = fn.parameter("i32");
    const repeats = fn.parameter("i32");
    const stride = fn.parameter("i32");
    const run = fn.parameter("i32");
    const first = fn.parameter("i32");
    const last = fn.parameter("i32");
    const eps = fn.parameter("f64");
    const centered = fn.parameter("i32");
    const unusual = fn.variable("i32");
    const from = fn.variable("i32");
    const segment = fn.variable("i32");
    const left = fn.variable("i32");
    const parameter = fn.variable("i32");
    const end = fn.variable("i32");
    const r = fn.variable("f64");
    const scale = fn.variable("f64");
    return sequence(
      repeat(
        sets,
        unusual.set(
          i32.or(
            unusual.get,
            statistics(at.get, length.get, repeats.get, stride.get, eps.get, centered.get, saved.get),
          ),
        ),
        r.set(f64.load(saved.get, RSTD)),
        segment.set(at.get),
        left.set(repeats.get),
        repeat(
          left,
          from.set(segment.get),
          parameter.set(first.get),
          end.set(i32.add(from.get, lanes.bytesOf(length.get))),
          whileLoop(
            i32.lt_u(from.get, end.get),
            affine(
              from.get,
              run.get,
              f64.load(saved.get, MEAN),
              scale.tee(f64.mul(r.get, f64.load(parameter.get, WEIGHT))),
              f64.sub(f64.load(parameter.get, BIAS), f64.mul(f64.load(saved.get, CORRECTION), scale.get)),
            ),
            increase(from, lanes.bytesOf(run.get)),
            increase(parameter, i32.const(8)),
          ),
          increase(segment, stride.get),
        ),
        first.set(select(i32.const(0), parameter.get, i32.eq(parameter.get, last.get))),
        increase(at, lanes.bytesOf(length.get)),
        increase(saved, i32.const(8)),
      ),
      unusual.get,
    );
  });
}

/** Adds to GRAD_WEIGHT and GRAD_BIAS. */
export function addBackwardRuns(module: ModuleBuilder, lanes: Lanes, dots: Call, gradient: Call): void {
  module.function("backwardRuns", null, (fn) => {
    const at = fn.parameter("i32");
    const saved = fn.parameter("i32");
    const sets = fn.parameter("i32");
    const length = fn.parameter("i32");
    const repeats = fn.parameter("i32");
    const stride = fn.parameter("i32");
    const run = fn.parameter("i32");
    const first = fn.parameter("i32");
    const last = fn.parameter("i32");
    const centered = fn.parameter("i32");
    const end = fn.variable("i32");
    const from = fn.variable("i32");
    const segment = fn.variable("i32");
    const left = fn.variable("i32");
    const parameter = fn.variable("i32");
    const r = fn.variable("f64");
    const w = fn.variable("f64");
    const t = fn.variable("f64");
    const size = fn.variable("f64");
    const viaMean = fn.variable("f64");
    const viaRstd = fn.variable("f64");
    const slope = fn.variable("f64");
    const shift = fn.variable("f64");
    const set = { saved: saved.get, size: size.get, centered: centered.get };
    return sequence(
      size.set(f64.convert_i32_u(i32.mul(length.get, repeats.get))),
      repeat(
        sets,
        r.set(f64.load(saved.get, RSTD)),
        viaMean.set(f64.const(0)),
        viaRstd.set(f64.const(0)),
        from.set(at.get),
        parameter.set(first.get),
        end.set(i32.add(from.get, lanes.bytesOf(length.get))),
        whileLoop(
          i32.lt_u(from.get, end.get),
          dots(from.get, run.get, f64.load(saved.get, MEAN), repeats.get, stride.get),
          w.set(f64.load(parameter.get, WEIGHT)),
          t.set(f64.mul(r.get, f64.sub(sum(1), f64.mul(f64.load(saved.get, CORRECTION), sum(0))))),
          viaMean.set(f64.add(viaMean.get, f64.mul(w.get, sum(0)))),
          viaRstd.set(f64.add(viaRstd.get, f64.mul(w.get, t.get))),
          f64.store(parameter.get, f64.add(f64.load(parameter.get, GRAD_BIAS), sum(0)), GRAD_BIAS),
          f64.store(parameter.get, f64.add(f64.load(parameter.get, GRAD_WEIGHT), t.get), GRAD_WEIGHT),
          increase(from, lanes.bytesOf(run.get)),
          increase(parameter, i32.const(8)),
        ),
        setSlope(set, slope, shift, viaMean.get, viaRstd.get),
        segment.set(at.get),
        left.set(repeats.get),
        repeat(
          left,
          from.set(segment.get),
          parameter.set(first.get),
          end.set(i32.add(from.get, lanes.bytesOf(length.get))),
          whileLoop(
            i32.lt_u(from.get, end.get),
            gradient(
              from.get,
              run.get,
              f64.load(saved.get, MEAN),
              r.get,
              slope.get,
              shift.get,
              f64.load(parameter.get, WEIGHT),
            ),
            increase(from, lanes.bytesOf(run.get)),
            increase(parameter, i32.const(8)),
          ),
          increase(segment, stride.get),
        ),
        first.set(select(i32.const(0), parameter.get, i32.eq(parameter.get, last.get))),
        increase(at, lanes.bytesOf(length.get)),
        increase(saved, i32.const(8)),
      ),
    );
  });
}
