/**
 * The five walks that norms are made of, over cells that lie side by side: sums about a mean, y = x · scale + shift, sums of
 * the gradient, gradInput. float32 cells are added in blocks of 16 by a tree, blocks in float64, so that no sum is a long chain
 * of roundings. Their differences from the mean are exact or nearly so, since `mean` is a float32 near x.
 */
import { sequence } from "./assembler.ts";
import type { Call, Code, Local, ModuleBuilder } from "./assembler.ts";
import { BLOCK_OFFSETS, BLOCK_VECTORS, cellLoop, repeat, storeMasked } from "./cellLoop.ts";
import { f64, i32, v128 } from "./instructions.ts";
import { sumOfLanes, treeSum, VECTOR_BYTES } from "./lanes.ts";
import type { Lanes } from "./lanes.ts";
import { BIAS, CELLS, GRAD_OUTPUT, SUMS, WEIGHT } from "./normScratch.ts";

const TO_GRAD_OUTPUT: number = GRAD_OUTPUT - CELLS;

export const zero: Code = i32.const(0);
/** What `deviations` and `dots` found: 0 and 1. */
export const sum = (index: 0 | 1): Code => f64.load(zero, SUMS + 8 * index);
const setSum = (index: 0 | 1, value: Code): Code => f64.store(zero, value, SUMS + 8 * index);

/** sum(0) = Σ d, sum(1) = Σ d², d = x − mean */
export function addDeviations(module: ModuleBuilder, lanes: Lanes): Call {
  return module.function("deviations", null, (fn) => {
    const at = fn.parameter("i32");
    const count = fn.parameter("i32");
    const mean = fn.parameter("f64");
    const segments = fn.parameter("i32");
    const stride = fn.parameter("i32");
    const from = fn.variable("i32");
    const means = fn.variable("v128");
    const first = fn.variable("v128");
    const d = [first, ...fn.variables("v128", BLOCK_VECTORS - 1)];
    const s = fn.variable("v128");
    const total = fn.variable("v128");
    const totalSquares = fn.variable("v128");
    return sequence(
      means.set(lanes.splat(mean.get)),
      repeat(
        segments,
        from.set(at.get),
        cellLoop(
          fn,
          lanes,
          [[at, VECTOR_BYTES]],
          count,
          sequence(
            ...d.map((cells, i) => cells.set(lanes.sub(v128.load(at.get, i * VECTOR_BYTES), means.get))),
            s.set(
              treeSum(
                lanes,
                d.map((cells) => cells.get),
              ),
            ),
            lanes.addTo(total, s),
            s.set(
              treeSum(
                lanes,
                d.map((cells) => lanes.mul(cells.get, cells.get)),
              ),
            ),
            lanes.addTo(totalSquares, s),
          ),
          (mask) =>
            sequence(
              first.set(v128.and(lanes.sub(v128.load(at.get), means.get), mask.get)),
              lanes.addTo(total, first),
              first.set(lanes.mul(first.get, first.get)),
              lanes.addTo(totalSquares, first),
            ),
        ),
        at.set(i32.add(from.get, stride.get)),
      ),
      setSum(0, sumOfLanes(total)),
      setSum(1, sumOfLanes(totalSquares)),
    );
  });
}

/** x ← (x − mean) · scale + shift, then · weight + bias cell by cell, from a place in WEIGHT and BIAS on. */
export function addAffine(module: ModuleBuilder, lanes: Lanes, perCell: boolean): Call {
  return module.function(perCell ? "affineCells" : "affine", null, (fn) => {
    const at = fn.parameter("i32");
    const count = fn.parameter("i32");
    const mean = fn.parameter("f64");
    const scale = fn.parameter("f64");
    const shift = fn.parameter("f64");
    const weight = perCell ? fn.parameter("i32") : null;
    const [means, scales, shifts] = [fn.variable("v128"), fn.variable("v128"), fn.variable("v128")];
    const y = (offset: number): Code => {
      const xhat = lanes.add(lanes.mul(lanes.sub(v128.load(at.get, offset), means.get), scales.get), shifts.get);
      return weight === null
        ? xhat
        : lanes.add(lanes.mul(xhat, v128.load(weight.get, offset + WEIGHT)), v128.load(weight.get, offset + BIAS));
    };
    return sequence(
      means.set(lanes.splat(mean.get)),
      scales.set(lanes.splat(scale.get)),
      shifts.set(lanes.splat(shift.get)),
      cellLoop(
        fn,
        lanes,
        weight === null
          ? [[at, VECTOR_BYTES]]
          : [
              [at, VECTOR_BYTES],
              [weight, VECTOR_BYTES],
            ],
        count,
        sequence(...BLOCK_OFFSETS.map((offset) => v128.store(at.get, y(offset), offset))),
        (mask) => storeMasked(at.get, y(0), mask),
      ),
    );
  });
}

/** sum(0) = Σ g, sum(1) = Σ g · (x − mean) */
export function addDots(module: ModuleBuilder, lanes: Lanes): Call {
  return module.function("dots", null, (fn) => {
    const at = fn.parameter("i32");
    const count = fn.parameter("i32");
    const mean = fn.parameter("f64");
    const segments = fn.parameter("i32");
    const stride = fn.parameter("i32");
    const from = fn.variable("i32");
    const means = fn.variable("v128");
    const first = fn.variable("v128");
    const g = [first, ...fn.variables("v128", BLOCK_VECTORS - 1)];
    const s = fn.variable("v128");
    const total = fn.variable("v128");
    const totalProducts = fn.variable("v128");
    const product = (cells: Local, i: number): Code =>
      lanes.mul(cells.get, lanes.sub(v128.load(at.get, i * VECTOR_BYTES), means.get));
    return sequence(
      means.set(lanes.splat(mean.get)),
      repeat(
        segments,
        from.set(at.get),
        cellLoop(
          fn,
          lanes,
          [[at, VECTOR_BYTES]],
          count,
          sequence(
            ...g.map((cells, i) => cells.set(v128.load(at.get, i * VECTOR_BYTES + TO_GRAD_OUTPUT))),
            s.set(
              treeSum(
                lanes,
                g.map((cells) => cells.get),
              ),
            ),
            lanes.addTo(total, s),
            s.set(treeSum(lanes, g.map(product))),
            lanes.addTo(totalProducts, s),
          ),
          (mask) =>
            sequence(
              first.set(v128.and(v128.load(at.get, TO_GRAD_OUTPUT), mask.get)),
              lanes.addTo(total, first),
              first.set(v128.and(product(first, 0), mask.get)),
              lanes.addTo(totalProducts, first),
            ),
        ),
        at.set(i32.add(from.get, stride.get)),
      ),
      setSum(0, sumOfLanes(total)),
      setSum(1, sumOfLanes(totalProducts)),
    );
  });
}

/** x ← (g · weight + (x − mean) · slope + shift) · rstd, with a weight for all cells, or for each one from a place in WEIGHT on. */
export function addGradient(module: ModuleBuilder, lanes: Lanes, perCell: boolean): Call {
  return module.function(perCell ? "gradientCells" : "gradient", null, (fn) => {
    const at = fn.parameter("i32");
    const count = fn.parameter("i32");
    const mean = fn.parameter("f64");
    const rstd = fn.parameter("f64");
    const slope = fn.parameter("f64");
    const shift = fn.parameter("f64");
    const weightOfAll = perCell ? null : fn.parameter("f64");
    const weight = perCell ? fn.parameter("i32") : null;
    const [means, scales, slopes, shifts, weights] = [
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
      fn.variable("v128"),
    ];
    const gradInput = (offset: number): Code => {
      const g = v128.load(at.get, offset + TO_GRAD_OUTPUT);
      const direct = lanes.mul(g, weight === null ? weights.get : v128.load(weight.get, offset + WEIGHT));
      const d = lanes.sub(v128.load(at.get, offset), means.get);
      return lanes.mul(lanes.add(direct, lanes.add(lanes.mul(d, slopes.get), shifts.get)), scales.get);
    };
    return sequence(
      means.set(lanes.splat(mean.get)),
      scales.set(lanes.splat(rstd.get)),
      slopes.set(lanes.splat(slope.get)),
      shifts.set(lanes.splat(shift.get)),
      ...(weightOfAll === null ? [] : [weights.set(lanes.splat(weightOfAll.get))]),
      cellLoop(
        fn,
        lanes,
        weight === null
          ? [[at, VECTOR_BYTES]]
          : [
              [at, VECTOR_BYTES],
              [weight, VECTOR_BYTES],
            ],
        count,
        sequence(...BLOCK_OFFSETS.map((offset) => v128.store(at.get, gradInput(offset), offset))),
        (mask) => storeMasked(at.get, gradInput(0), mask),
      ),
    );
  });
}
