/** From the sums over a set to its mean, variance and rstd, and to the coefficients of its gradient. */
import { select, sequence, when } from "./assembler.ts";
import type { Call, Code, Local, ModuleBuilder } from "./assembler.ts";
import { BLOCK_VECTORS } from "./cellLoop.ts";
import { f64, i32 } from "./instructions.ts";
import { VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { CORRECTION, MEAN, RSTD, VARIANCE } from "./normScratch.ts";
import { sum, zero } from "./normSegments.ts";

/** Between these a variance and what is made of it fit float32 arithmetic: squares of d, and products with rstd. */
export const USUAL_LOW = 1e-24;
export const USUAL_HIGH = 1e30;

/**
 * Two parts of the mean, biased variance and rstd, to `saved`. Gives 1 if the variance is not usual for float32, else 0.
 *
 * A first guess of the mean m is that of the first block about the first cell K, so that equal cells give K itself. One walk
 * gives Σ d and Σ d², d = x − m: the rest of the mean is Σ d / n, and the variance Σ d² / n less its square, which loses nothing
 * while the rest is below half a deviation. Else m was a bad guess, and the walk is repeated about a better one.
 */
export function addStatistics(module: ModuleBuilder, lanes: Lanes, deviations: Call): Call {
  const HEAD = (BLOCK_VECTORS * VECTOR_BYTES) / lanes.bytes;
  return module.function("statistics", "i32", (fn) => {
    const at = fn.parameter("i32");
    const n = fn.parameter("i32");
    const repeats = fn.parameter("i32");
    const stride = fn.parameter("i32");
    const eps = fn.parameter("f64");
    const centered = fn.parameter("i32");
    const saved = fn.parameter("i32");
    const head = fn.variable("i32");
    const mean = fn.variable("f64");
    const rest = fn.variable("f64");
    const variance = fn.variable("f64");
    const size = fn.variable("f64");
    const about = sequence(
      deviations(at.get, n.get, mean.get, repeats.get, stride.get),
      rest.set(f64.div(sum(0), size.get)),
      variance.set(f64.max(f64.sub(f64.div(sum(1), size.get), f64.mul(rest.get, rest.get)), f64.const(0))),
    );
    return sequence(
      size.set(f64.convert_i32_u(i32.mul(n.get, repeats.get))),
      when(
        centered.get,
        [
          mean.set(lanes.loadCell(at.get)),
          head.set(select(n.get, i32.const(HEAD), i32.lt_u(n.get, i32.const(HEAD)))),
          deviations(at.get, head.get, mean.get, i32.const(1), zero),
          mean.set(lanes.round(f64.add(mean.get, f64.div(sum(0), f64.convert_i32_u(head.get))))),
          about,
          when(f64.gt(f64.mul(rest.get, rest.get), f64.mul(variance.get, f64.const(0.25))), [
            mean.set(lanes.round(f64.add(mean.get, rest.get))),
            about,
          ]),
        ],
        [deviations(at.get, n.get, mean.get, repeats.get, stride.get), variance.set(f64.div(sum(1), size.get))],
      ),
      f64.store(saved.get, mean.get, MEAN),
      f64.store(saved.get, rest.get, CORRECTION),
      f64.store(saved.get, variance.get, VARIANCE),
      variance.set(f64.add(variance.get, eps.get)),
      when(
        f64.eq(variance.get, f64.const(0)),
        [f64.store(saved.get, f64.const(0), RSTD)],
        [f64.store(saved.get, f64.div(f64.const(1), f64.sqrt(variance.get)), RSTD)],
      ),
      i32.eqz(i32.and(f64.ge(variance.get, f64.const(USUAL_LOW)), f64.le(variance.get, f64.const(USUAL_HIGH)))),
    );
  });
}

export interface Slope {
  /** Where a set's statistics lie. */
  readonly saved: Code;
  /** Its number of cells, as an f64. */
  readonly size: Code;
  readonly centered: Code;
}

/**
 * The coefficients of gradInput = rstd · (ĝ + slope · (x − mean) + shift), with the mean without its correction, from a set's
 * two sums: viaMean = Σ ĝ and viaRstd = Σ ĝ · x̂. They have one rstd: the square does not fit a number where x is near 1e±155.
 */
export function setSlope(
  { saved, size, centered }: Slope,
  slope: Local,
  shift: Local,
  viaMean: Code,
  viaRstd: Code,
): Code {
  return sequence(
    slope.set(f64.neg(f64.div(f64.mul(f64.load(saved, RSTD), viaRstd), size))),
    shift.set(f64.const(0)),
    when(centered, [
      shift.set(f64.neg(f64.add(f64.div(viaMean, size), f64.mul(slope.get, f64.load(saved, CORRECTION))))),
    ]),
  );
}
