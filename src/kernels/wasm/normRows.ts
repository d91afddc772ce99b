/**
 * Norms of which every cell of a set has a weight and a bias of its own: LayerNorm and RMSNorm, whose sets are rows. The first
 * row's begin at `first`, and after those before `last` come the first ones again (bytes, in WEIGHT and BIAS).
 */
import { doWhile, select, sequence, when, whileLoop } from "./assembler.ts";
import type { Call, Code, Local, ModuleBuilder } from "./assembler.ts";
import { increase, repeat } from "./cellLoop.ts";
import { f64, i32, v128 } from "./instructions.ts";
import { sumOfLanes, VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import {
  CELLS,
  CORRECTION,
  GRAD_BIAS,
  GRAD_OUTPUT,
  GRAD_WEIGHT,
  MEAN,
  PARTIAL_SUMS,
  RSTD,
  WEIGHT,
} from "./normScratch.ts";
import { zero } from "./normSegments.ts";
import { setSlope } from "./normStatistics.ts";

/** So many rows share the loads of a weight, and the float64 additions to gradWeight and gradBias. */
const ROWS = 4;
/** Vectors of one pass, and of one float32 sum: 64 cells. */
const PASS = 2;
const SUM_LENGTH = 16;
const TO_GRAD_OUTPUT: number = GRAD_OUTPUT - CELLS;
const NO_BITS: Code = v128.const(new Uint8Array(16));

const nextParameters = (first: Local, last: Local, bytes: Code): Code =>
  sequence(increase(first, bytes), first.set(select(i32.const(0), first.get, i32.eq(first.get, last.get))));

/** Gives 1 if the variance of a row was unusual. */
export function addForwardRows(module: ModuleBuilder, lanes: Lanes, statistics: Call, affine: Call): void {
  module.function("forwardRows", "i32", (fn) => {
    const at = fn.parameter("i32");
    const saved = fn.parameter("i32");
    const rows = fn.parameter("i32");
    const n = fn.parameter("i32");
    const first = fn.parameter("i32");
    const last = fn.parameter("i32");
    const eps = fn.parameter("f64");
    const centered = fn.parameter("i32");
    const unusual = fn.variable("i32");
    const rstd = fn.variable("f64");
    const shift = f64.neg(f64.mul(f64.load(saved.get, CORRECTION), rstd.get));
    return sequence(
      repeat(
        rows,
        unusual.set(
          i32.or(unusual.get, statistics(at.get, n.get, i32.const(1), zero, eps.get, centered.get, saved.get)),
        ),
        rstd.set(f64.load(saved.get, RSTD)),
        affine(at.get, n.get, f64.load(saved.get, MEAN), rstd.get, shift, first.get),
        nextParameters(first, last, lanes.bytesOf(n.get)),
        increase(at, lanes.bytesOf(n.get)),
        increase(saved, i32.const(8)),
      ),
      unusual.get,
    );
  });
}

/** Adds to GRAD_WEIGHT and GRAD_BIAS: four rows at a time if all have the same parameters, then one at a time. */
export function addBackwardRows(module: ModuleBuilder, lanes: Lanes, gradient: Call): void {
  const together = addRowsTogether(module, lanes, ROWS, gradient);
  const single = addRowsTogether(module, lanes, 1, gradient);
  module.function("backwardRows", null, (fn) => {
    const at = fn.parameter("i32");
    const saved = fn.parameter("i32");
    const rows = fn.parameter("i32");
    const n = fn.parameter("i32");
    const first = fn.parameter("i32");
    const last = fn.parameter("i32");
    const centered = fn.parameter("i32");
    const inSteps = (count: number, some: Call): Code =>
      whileLoop(
        i32.ge_u(rows.get, i32.const(count)),
        some(at.get, saved.get, n.get, first.get, centered.get, i32.const(1)),
        nextParameters(first, last, lanes.bytesOf(n.get)),
        increase(at, i32.mul(lanes.bytesOf(n.get), i32.const(count))),
        increase(saved, i32.const(8 * count)),
        increase(rows, i32.const(-count)),
      );
    const all = i32.eq(last.get, lanes.bytesOf(n.get));
    return sequence(when(all, [inSteps(ROWS, together)]), inSteps(1, single));
  });
}

/** What the inner loop keeps of one row. */
interface Row {
  readonly at: Local;
  readonly mean: Local;
  readonly rstd: Local;
  readonly shift: Local;
  /** Σ ĝ and Σ ĝ · x̂, ĝ = g · weight: of at most SUM_LENGTH vectors, and where the float64 sums of those lie. */
  readonly viaMean: Local;
  readonly viaRstd: Local;
  readonly partialSums: number;
}

/** The kernel gives gradInput if it is to `finish`; else it leaves the rows' sums in PARTIAL_SUMS. */
function addRowsTogether(module: ModuleBuilder, lanes: Lanes, count: number, gradient: Call): Call {
  return module.function(`backward${count}`, null, (fn) => {
    const at = fn.parameter("i32");
    const saved = fn.parameter("i32");
    const n = fn.parameter("i32");
    const parameters = fn.parameter("i32");
    const centered = fn.parameter("i32");
    const finishes = fn.parameter("i32");
    const rows: readonly Row[] = Array.from({ length: count }, (_, i) => ({
      at: fn.variable("i32"),
      mean: fn.variable("v128"),
      rstd: fn.variable("v128"),
      shift: fn.variable("v128"),
      viaMean: fn.variable("v128"),
      viaRstd: fn.variable("v128"),
      partialSums: PARTIAL_SUMS + 2 * VECTOR_BYTES * i,
    }));
    const weight = fn.variable("i32");
    const sums = fn.variable("i32");
    const from = fn.variable("i32");
    const end = fn.variable("i32");
    const passEnd = fn.variable("i32");
    const size = fn.variable("f64");
    const slope = fn.variable("f64");
    const shift = fn.variable("f64");
    const mask = fn.variable("v128");
    const w = fn.variable("v128");
    const g = fn.variable("v128");
    const product = fn.variable("v128");
    const gradBias = fn.variable("v128");
    const gradWeight = fn.variable("v128");
    const total = fn.variable("v128");
    const bytes = lanes.bytesOf(n.get);
    /** A vector of sums is as many float64 as a vector has cells. */
    const sumBytes = (8 * VECTOR_BYTES) / lanes.bytes;

    const begin = (row: Row, i: number): Code => {
      const ofRow = 8 * i;
      const correction = f64.load(saved.get, ofRow + CORRECTION);
      const rstd = f64.load(saved.get, ofRow + RSTD);
      return sequence(
        row.at.set(i32.add(at.get, i32.mul(bytes, i32.const(i)))),
        row.mean.set(lanes.splat(f64.load(saved.get, ofRow + MEAN))),
        row.rstd.set(lanes.splat(rstd)),
        row.shift.set(lanes.splat(f64.neg(f64.mul(correction, rstd)))),
        v128.store(zero, NO_BITS, row.partialSums),
        v128.store(zero, NO_BITS, row.partialSums + VECTOR_BYTES),
      );
    };
    /** One vector of each row: to the row's sums, and all together to gradWeight and gradBias. */
    const step = (vector: number, masked: (cells: Code) => Code): Code => {
      const offset = vector * VECTOR_BYTES;
      const load = (address: Code, from: number): Code => masked(v128.load(address, from));
      const addRow = (row: Row, i: number): Code => {
        const x = load(row.at.get, offset);
        const xhat = lanes.add(lanes.mul(lanes.sub(x, row.mean.get), row.rstd.get), row.shift.get);
        return sequence(
          g.set(load(row.at.get, offset + TO_GRAD_OUTPUT)),
          product.set(masked(lanes.mul(g.get, xhat))),
          gradBias.set(i === 0 ? g.get : lanes.add(gradBias.get, g.get)),
          gradWeight.set(i === 0 ? product.get : lanes.add(gradWeight.get, product.get)),
          row.viaMean.set(lanes.add(row.viaMean.get, lanes.mul(g.get, w.get))),
          row.viaRstd.set(lanes.add(row.viaRstd.get, lanes.mul(product.get, w.get))),
        );
      };
      return sequence(
        w.set(load(weight.get, offset)),
        ...rows.map(addRow),
        lanes.addToMemory(sums, gradBias, vector * sumBytes),
        lanes.addToMemory(sums, gradWeight, vector * sumBytes + (GRAD_WEIGHT - GRAD_BIAS)),
      );
    };
    const advance = (vectors: number): Code =>
      sequence(
        ...[...rows.map((row) => row.at), weight].map((pointer) =>
          increase(pointer, i32.const(vectors * VECTOR_BYTES)),
        ),
        increase(sums, i32.const(vectors * sumBytes)),
      );
    const flushOne = (sum: Local, place: number): Code =>
      sequence(
        total.set(v128.load(zero, place)),
        lanes.addTo(total, sum),
        v128.store(zero, total.get, place),
        sum.set(NO_BITS),
      );
    const flush = rows.flatMap((row) => [
      ...flushOne(row.viaMean, row.partialSums),
      ...flushOne(row.viaRstd, row.partialSums + VECTOR_BYTES),
    ]);
    const finish = (row: Row, i: number): Code => {
      const set = { saved: i32.add(saved.get, i32.const(8 * i)), size: size.get, centered: centered.get };
      const sumAt = (place: number): Code => sequence(total.set(v128.load(zero, place)), sumOfLanes(total));
      const [mean, rstd] = [f64.load(set.saved, MEAN), f64.load(set.saved, RSTD)];
      return sequence(
        setSlope(set, slope, shift, sumAt(row.partialSums), sumAt(row.partialSums + VECTOR_BYTES)),
        gradient(
          i32.add(at.get, i32.mul(bytes, i32.const(i))),
          n.get,
          mean,
          rstd,
          slope.get,
          shift.get,
          parameters.get,
        ),
      );
    };
    const first = rows[0]?.at ?? at;
    return sequence(
      size.set(f64.convert_i32_u(n.get)),
      weight.set(i32.add(i32.const(WEIGHT), parameters.get)),
      sums.set(i32.add(i32.const(GRAD_BIAS), i32.mul(parameters.get, i32.const(8 / lanes.bytes)))),
      ...rows.map(begin),
      from.set(first.get),
      end.set(i32.add(from.get, i32.and(bytes, i32.const(-PASS * VECTOR_BYTES)))),
      whileLoop(
        i32.lt_u(first.get, end.get),
        passEnd.set(i32.add(first.get, i32.const(SUM_LENGTH * VECTOR_BYTES))),
        passEnd.set(select(end.get, passEnd.get, i32.lt_u(end.get, passEnd.get))),
        doWhile(
          i32.lt_u(first.get, passEnd.get),
          ...Array.from({ length: PASS }, (_, vector) => step(vector, (cells) => cells)),
          advance(PASS),
        ),
        flush,
      ),
      end.set(i32.add(from.get, bytes)),
      whileLoop(
        i32.lt_u(first.get, end.get),
        mask.set(lanes.firstLanes(i32.sub(end.get, first.get))),
        step(0, (cells) => v128.and(cells, mask.get)),
        advance(1),
        flush,
      ),
      when(finishes.get, rows.map(finish)),
    );
  });
}
