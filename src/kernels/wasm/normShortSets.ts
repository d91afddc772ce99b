/**
 * Norms of sets of a few cells each, which lie side by side: each lane of a vector is a set of its own, whose cells are gathered.
 * Statistics are not kept, since they may take more memory than x: the backward computes them again.
 *
 * Weights, biases and the sums of their gradients are vectors, too: one for each cell of a group of as many sets as there are
 * lanes. They begin at `first` and lie between 0 and `last`, where they repeat (bytes, all three).
 */
import { doWhile, select, sequence, whileLoop } from "./assembler.ts";
import type { Code, Local, ModuleBuilder, Signature } from "./assembler.ts";
import { increase } from "./cellLoop.ts";
import { f64, i32, v128 } from "./instructions.ts";
import { VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { BIAS, CELLS, GRAD_BIAS, GRAD_OUTPUT, GRAD_WEIGHT, SAVED, WEIGHT } from "./normScratch.ts";
import { USUAL_HIGH, USUAL_LOW } from "./normStatistics.ts";

/** What a module of these kernels exports. Both give 1 if the variance of a set is not usual for float32, else 0. */
export interface ShortSetExports {
  forwardShortSets: ShortSetKernel;
  backwardShortSets: ShortSetKernel;
}
type ShortSetKernel = (sets: number, n: number, first: number, last: number, eps: number, centered: number) => number;

/** The vectors of a group, in place of saved statistics: x − mean or x̂, and ĝ. */
const DIFFERENCES: number = SAVED;
const GRAD_XHAT: number = SAVED + 1024;
const TO_GRAD_OUTPUT: number = GRAD_OUTPUT - CELLS;
const VECTOR: Code = i32.const(VECTOR_BYTES);
const NO_BITS: Code = v128.const(new Uint8Array(VECTOR_BYTES));

/** A group whose mean and rstd are known. */
interface Group {
  /** Where the vectors of a cell lie: in memory of the group, and among the parameters. */
  readonly slot: Code;
  readonly parameter: Code;
  /** Bits that are 0 where no mean is subtracted. */
  readonly mask: Code;
  /** 1 / n */
  readonly share: Code;
  readonly rest: Code;
  readonly rstd: Code;
  /** Runs `body` for each cell; `moving` is true if that gathers or scatters. */
  forEachCell(moving: boolean, ...body: readonly Code[]): Code;
  gather(offset: number): Code;
  scatter(value: Local): Code;
}

/** Walks over groups, whose cells are in DIFFERENCES less their mean when `body` is run. */
function addWalk(module: ModuleBuilder, lanes: Lanes, name: string, body: (fn: Signature, group: Group) => Code): void {
  const { vector, add, sub, mul, splat } = lanes;
  module.function(name, "i32", (fn) => {
    const sets = fn.parameter("i32");
    const n = fn.parameter("i32");
    const parameters = fn.parameter("i32");
    const last = fn.parameter("i32");
    const eps = fn.parameter("f64");
    const centered = fn.parameter("i32");
    const [end, setBytes, groupBytes, slot] = [
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
      fn.variable("i32"),
    ];
    const first = fn.variable("i32");
    const cells = [first, ...fn.variables("i32", VECTOR_BYTES / lanes.bytes - 1)];
    const [share, mask, usual, value] = [
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
    ];
    const [mean, sum, squares, rest, rstd] = [
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
    ];
    const move = (bytes: Code): Code => cells.flatMap((cell) => increase(cell, bytes));
    const next = sequence(increase(slot, VECTOR), move(i32.const(lanes.bytes)));
    const group: Group = {
      slot: slot.get,
      parameter: i32.add(parameters.get, slot.get),
      mask: mask.get,
      share: share.get,
      rest: rest.get,
      rstd: rstd.get,
      forEachCell: (moving, ...code) =>
        sequence(
          slot.set(i32.const(0)),
          moving ? move(i32.sub(i32.const(0), setBytes.get)) : [],
          doWhile(i32.lt_u(slot.get, groupBytes.get), ...code, moving ? next : increase(slot, VECTOR)),
        ),
      gather: (offset) => cells.reduce<Code>((code, cell, i) => lanes.loadLane(cell.get, code, i, offset), NO_BITS),
      scatter: (from) => cells.flatMap((cell, i) => lanes.storeLane(cell.get, from.get, i)),
    };
    const gathered = v128.store(slot.get, value.tee(group.gather(0)), DIFFERENCES);
    const difference = sub(v128.load(slot.get, DIFFERENCES), mean.get);
    const moments = sequence(
      slot.set(i32.const(0)),
      gathered,
      next,
      mean.set(value.get),
      sum.set(NO_BITS),
      whileLoop(i32.lt_u(slot.get, groupBytes.get), gathered, next, sum.set(add(sum.get, sub(value.get, mean.get)))),
      // About the first cell, so that equal cells give it itself.
      mean.set(v128.and(add(mean.get, mul(sum.get, share.get)), mask.get)),
      sum.set(NO_BITS),
      squares.set(NO_BITS),
      group.forEachCell(
        false,
        v128.store(slot.get, value.tee(difference), DIFFERENCES),
        sum.set(add(sum.get, value.get)),
        squares.set(add(squares.get, mul(value.get, value.get))),
      ),
      rest.set(v128.and(mul(sum.get, share.get), mask.get)),
      value.set(sub(mul(squares.get, share.get), mul(rest.get, rest.get))),
      value.set(add(vector.max(value.get, NO_BITS), splat(eps.get))),
      usual.set(v128.and(usual.get, vector.le(splat(f64.const(USUAL_LOW)), value.get))),
      usual.set(v128.and(usual.get, vector.le(value.get, splat(f64.const(USUAL_HIGH))))),
      rstd.set(v128.andnot(vector.div(splat(f64.const(1)), vector.sqrt(value.get)), vector.eq(value.get, NO_BITS))),
    );
    return sequence(
      setBytes.set(lanes.bytesOf(n.get)),
      groupBytes.set(i32.mul(n.get, VECTOR)),
      ...cells.map((cell, i) => cell.set(i32.add(i32.const(CELLS), i32.mul(setBytes.get, i32.const(i))))),
      end.set(i32.add(first.get, i32.mul(sets.get, setBytes.get))),
      share.set(splat(f64.div(f64.const(1), f64.convert_i32_u(n.get)))),
      mask.set(lanes.firstLanes(i32.mul(centered.get, VECTOR))),
      usual.set(lanes.firstLanes(VECTOR)),
      whileLoop(
        i32.lt_u(first.get, end.get),
        moments,
        body(fn, group),
        move(i32.sub(groupBytes.get, setBytes.get)),
        increase(parameters, groupBytes.get),
        parameters.set(select(i32.const(0), parameters.get, i32.eq(parameters.get, last.get))),
      ),
      v128.any_true(v128.not(usual.get)),
    );
  });
}

/** The kernels of short sets for one dtype. */
export function addShortSets(module: ModuleBuilder, lanes: Lanes): void {
  const { add, sub, mul } = lanes;
  addWalk(module, lanes, "forwardShortSets", (fn, group) => {
    const y = fn.variable("v128");
    return group.forEachCell(
      true,
      y.set(mul(sub(v128.load(group.slot, DIFFERENCES), group.rest), group.rstd)),
      y.set(add(mul(y.get, v128.load(group.parameter, WEIGHT)), v128.load(group.parameter, BIAS))),
      group.scatter(y),
    );
  });
  addWalk(module, lanes, "backwardShortSets", (fn, group) => {
    const sums = fn.variable("i32");
    const [g, xhat, product, weight] = [
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
    ];
    const [viaMean, viaRstd] = [fn.variable("v128"), fn.variable("v128")];
    /** A vector of sums is as many float64 as a vector has cells. */
    const sumSize = i32.const(8 / lanes.bytes);
    const toSums = GRAD_WEIGHT - GRAD_BIAS;
    return sequence(
      viaMean.set(NO_BITS),
      viaRstd.set(NO_BITS),
      group.forEachCell(
        true,
        sums.set(i32.add(i32.const(GRAD_BIAS), i32.mul(group.parameter, sumSize))),
        g.set(group.gather(TO_GRAD_OUTPUT)),
        xhat.set(mul(sub(v128.load(group.slot, DIFFERENCES), group.rest), group.rstd)),
        v128.store(group.slot, xhat.get, DIFFERENCES),
        product.set(mul(g.get, xhat.get)),
        lanes.addToMemory(sums, g, 0),
        lanes.addToMemory(sums, product, toSums),
        weight.set(v128.load(group.parameter, WEIGHT)),
        v128.store(group.slot, g.tee(mul(g.get, weight.get)), GRAD_XHAT),
        viaMean.set(add(viaMean.get, g.get)),
        viaRstd.set(add(viaRstd.get, mul(product.get, weight.get))),
      ),
      viaMean.set(v128.and(mul(viaMean.get, group.share), group.mask)),
      viaRstd.set(mul(viaRstd.get, group.share)),
      group.forEachCell(
        true,
        xhat.set(mul(v128.load(group.slot, DIFFERENCES), viaRstd.get)),
        g.set(mul(sub(sub(v128.load(group.slot, GRAD_XHAT), viaMean.get), xhat.get), group.rstd)),
        group.scatter(g),
      ),
    );
  });
}
