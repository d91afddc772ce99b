import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FloatArray } from "../../src/kernels/floatArray.ts";
import * as typescriptKernels from "../../src/kernels/norm.ts";
import type { NormLayout } from "../../src/kernels/normLayout.ts";
import { holds, values } from "../helpers/generators.ts";
import { breaks } from "../helpers/planted.ts";

type Kernels = Pick<
  typeof typescriptKernels,
  "normForward" | "normBackward" | "normalizeForward" | "normalizeBackward"
>;

interface Draw {
  readonly layout: NormLayout;
  readonly x: Float64Array;
  readonly g: Float64Array;
  readonly weight: Float64Array | null;
  readonly bias: Float64Array | null;
  readonly eps: number;
  readonly centered: boolean;
}

const ALL = { gradInput: true, gradWeight: true, gradBias: true };

/** Each parameter as often as a set and a run say. */
const parameterOf = ({ length, period, run }: NormLayout, s: number, l: number): number =>
  (s % period) * (length / run) + Math.floor(l / run);

/** Cells (cell, set, parameter), by definition. */
function cellsOf(layout: NormLayout): readonly (readonly [cell: number, set: number, parameter: number])[] {
  const { repeats, sets, length } = layout;
  return Array.from({ length: repeats * sets * length }, (_, cell) => {
    const l = cell % length;
    const s = Math.floor(cell / length) % sets;
    return [cell, s, parameterOf(layout, s, l)] as const;
  });
}

/** The formulas, one cell after the other. Not exact at large means: the draws have none. */
function byLoops({ layout, x, g, weight, bias, eps, centered }: Draw): readonly Float64Array[] {
  const { repeats, sets, length, period, run } = layout;
  const n = repeats * length;
  const cells = cellsOf(layout);
  const at = (array: Float64Array | null, i: number, otherwise: number): number => array?.[i] ?? otherwise;
  const perSet = (of: (cell: number, s: number, p: number) => number): Float64Array => {
    const sums = new Float64Array(sets);
    for (const [cell, s, p] of cells) sums[s] = at(sums, s, 0) + of(cell, s, p) / n;
    return sums;
  };
  const mean = centered ? perSet((cell) => at(x, cell, NaN)) : new Float64Array(sets);
  // What rounding has left of the mean: pairs of cells that are nearly equal show it.
  const left = centered ? perSet((cell, s) => at(x, cell, NaN) - at(mean, s, NaN)) : mean;
  const deviation = (cell: number, s: number): number => at(x, cell, NaN) - at(mean, s, NaN) - at(left, s, NaN);
  const variance = perSet((cell, s) => deviation(cell, s) ** 2);
  const rstd = variance.map((v) => (v + eps === 0 ? 0 : 1 / Math.sqrt(v + eps)));
  const xhat = (cell: number, s: number): number => deviation(cell, s) * at(rstd, s, NaN);
  const gXhat = (cell: number, p: number): number => at(g, cell, NaN) * at(weight, p, 1);
  const direct = centered ? perSet((cell, _, p) => gXhat(cell, p)) : new Float64Array(sets);
  const dot = perSet((cell, s, p) => gXhat(cell, p) * xhat(cell, s));
  const parameters = period * (length / run);
  const [gradWeight, gradBias] = [new Float64Array(parameters), new Float64Array(parameters)];
  for (const [cell, s, p] of cells) {
    gradWeight[p] = at(gradWeight, p, 0) + at(g, cell, NaN) * xhat(cell, s);
    gradBias[p] = at(gradBias, p, 0) + at(g, cell, NaN);
  }
  return [
    Float64Array.from(cells, ([cell, s, p]) => xhat(cell, s) * at(weight, p, 1) + at(bias, p, 0)),
    Float64Array.from(
      cells,
      ([cell, s, p]) => at(rstd, s, NaN) * (gXhat(cell, p) - at(direct, s, NaN) - xhat(cell, s) * at(dot, s, NaN)),
    ),
    gradWeight,
    gradBias,
    mean,
    variance,
  ];
}

const NAMES = ["output", "gradInput", "gradWeight", "gradBias", "mean", "variance"];

function byKernel(draw: Draw, { normForward, normBackward }: Kernels): readonly (FloatArray | null)[] {
  const { layout, x, g, weight, bias, eps, centered } = draw;
  const { output, saved } = normForward(x, weight, bias, layout, { eps, centered });
  const { gradInput, gradWeight, gradBias } = normBackward(g, x, weight, saved, layout, ALL, { centered });
  const mean = saved.mean.map((m, s) => m + (saved.correction[s] ?? NaN));
  return [output, gradInput, gradWeight, gradBias, mean, saved.variance];
}

/** Sums of up to 20,000 terms in another order, relative to the largest value. */
const ROUNDING = 1e-12;

function expectNear(what: string, actual: FloatArray | null | undefined, expected: Float64Array): void {
  if (actual?.length !== expected.length)
    throw new Error(`${what}: expected ${expected.length}, got ${actual?.length}`);
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expected.forEach((value, i) => {
    if (!(Math.abs((actual[i] ?? NaN) - value) <= ROUNDING * scale)) {
      throw new Error(`${what}: expected ${value} at ${i}, got ${actual[i]}`);
    }
  });
}

const isFormula =
  (kernels: Kernels) =>
  (draw: Draw): void => {
    const actual = byKernel(draw, kernels);
    byLoops(draw).forEach((expected, k) => expectNear(NAMES[k] ?? "", actual[k], expected));
  };

const layouts: fc.Arbitrary<NormLayout> = fc
  .record({
    repeats: fc.integer({ min: 1, max: 9 }),
    blocks: fc.integer({ min: 1, max: 4 }),
    period: fc.integer({ min: 1, max: 5 }),
    runs: fc.integer({ min: 1, max: 4 }),
    run: fc.constantFrom(1, 1, 2, 3, 5, 7, 11),
  })
  .map(({ repeats, blocks, period, runs, run }) => ({
    repeats,
    sets: period * blocks,
    length: runs * run,
    period,
    run,
  }));
const rows = fc
  .tuple(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 2, max: 13 }), fc.integer({ min: 1, max: 3 }))
  .map(([sets, length, period]) => ({ repeats: 1, sets: sets * period, length, period, run: 1 }));

/** Sets of up to four cells, which have loops of their own. */
const small = fc
  .record({
    cells: fc.integer({ min: 1, max: 4 }),
    blocks: fc.integer({ min: 1, max: 4 }),
    period: fc.integer({ min: 1, max: 5 }),
    kind: fc.constantFrom("columns", "runs", "rows"),
  })
  .map(({ cells, blocks, period, kind }) => ({
    repeats: kind === "columns" ? cells : 1,
    sets: period * blocks,
    length: kind === "columns" ? 1 : cells,
    period,
    run: kind === "runs" ? cells : 1,
  }));

/** BatchNorm of few positions, whose cells are columns. */
const columns = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 8, max: 11 }), fc.integer({ min: 1, max: 3 }))
  .map(([repeats, sets, length]) => ({ repeats, sets, length, period: sets, run: length }));

const draws: fc.Arbitrary<Draw> = fc.oneof(layouts, rows, small, columns).chain((layout) => {
  const array = (length: number): fc.Arbitrary<Float64Array> =>
    fc.array(values(), { minLength: length, maxLength: length }).map((data) => Float64Array.from(data));
  const cells = layout.repeats * layout.sets * layout.length;
  const parameters = layout.period * (layout.length / layout.run);
  return fc.record({
    layout: fc.constant(layout),
    x: array(cells),
    g: array(cells),
    weight: fc.option(array(parameters)),
    bias: fc.option(array(parameters)),
    eps: fc.constantFrom(1e-5, 0.5),
    centered: fc.boolean(),
  });
});

/** Larger than what goes through the passes at once, of prime sizes. */
const large: readonly NormLayout[] = [
  { repeats: 1, sets: 1, length: 9973, period: 1, run: 1 },
  { repeats: 1, sets: 23, length: 1009, period: 1, run: 1 },
  { repeats: 1, sets: 10, length: 2026, period: 5, run: 1013 },
  { repeats: 3, sets: 7, length: 1499, period: 7, run: 1499 },
  { repeats: 37, sets: 1030, length: 1, period: 1030, run: 1 },
  { repeats: 13, sets: 1030, length: 3, period: 1030, run: 3 },
  { repeats: 2, sets: 8, length: 3001, period: 8, run: 1 },
  { repeats: 1, sets: 5, length: 8209, period: 1, run: 1 },
  { repeats: 37, sets: 1030, length: 2, period: 1030, run: 2 },
  { repeats: 3001, sets: 3, length: 2, period: 3, run: 2 },
  { repeats: 2, sets: 4999, length: 1, period: 4999, run: 1 },
  { repeats: 3, sets: 4998, length: 1, period: 2499, run: 1 },
  { repeats: 1, sets: 4999, length: 4, period: 4999, run: 1 },
  { repeats: 1, sets: 4999, length: 3, period: 4999, run: 3 },
  { repeats: 1, sets: 4999, length: 2, period: 1, run: 1 },
  { repeats: 1, sets: 4998, length: 3, period: 6, run: 1 },
];

function drawOf(layout: NormLayout): Draw {
  const wave = (length: number, speed: number): Float64Array =>
    Float64Array.from({ length }, (_, i) => 3 * Math.sin(speed * (i + 1) ** 2));
  const cells = layout.repeats * layout.sets * layout.length;
  const parameters = layout.period * (layout.length / layout.run);
  const [weight, bias] = [wave(parameters, 0.3), wave(parameters, 0.4)];
  return { layout, x: wave(cells, 0.1), g: wave(cells, 0.2), weight, bias, eps: 1e-5, centered: true };
}

describe("normForward and normBackward", () => {
  test("are the formulas, for any layout", () => {
    holds(draws, isFormula(typescriptKernels), 300);
  });

  test.each(large)("are the formulas for large sets and many sets: %j", (layout) => {
    isFormula(typescriptKernels)(drawOf(layout));
    isFormula(typescriptKernels)({ ...drawOf(layout), centered: false });
  });

  test("a kernel that reads another weight, forgets a path, or a part of the mean, would be found", () => {
    const { normForward, normBackward } = typescriptKernels;
    const withForward = (forward: typeof normForward): Kernels => ({ ...typescriptKernels, normForward: forward });
    const shifted = withForward((x, weight, ...rest) => normForward(x, weight?.toReversed() ?? null, ...rest));
    const uncentered = withForward((x, w, b, layout, { eps }) =>
      normForward(x, w, b, layout, { eps, centered: false }),
    );
    const meanless: Kernels = {
      ...typescriptKernels,
      normBackward: (g, x, w, saved, layout, needs) => normBackward(g, x, w, saved, layout, needs, { centered: false }),
    };
    breaks(draws, isFormula(shifted), /output/);
    breaks(draws, isFormula(uncentered), /output/);
    breaks(draws, isFormula(meanless), /gradInput/);
  });

  test("equal cells with eps 0 have the variance 0, the output 0 and the gradient 0, whatever they are", () => {
    for (const cell of [0.1, 1e8 + 0.3, -7.3e-9, 1 / 3]) {
      for (const length of [2, 3, 7, 10, 1000]) {
        const layout = { repeats: 1, sets: 3, length, period: 1, run: 1 };
        const x = new Float64Array(3 * length).fill(cell);
        const { output, saved } = typescriptKernels.normForward(x, null, null, layout, { eps: 0, centered: true });
        const { gradInput } = typescriptKernels.normBackward(x, x, null, saved, layout, ALL, { centered: true });
        expect([...new Set([...saved.variance, ...output, ...(gradInput ?? [NaN])].map(Math.abs))]).toEqual([0]);
      }
    }
  });

  test("single cells are their mean: NaN for what is not finite, as the formula has it, with any eps", () => {
    for (const kind of [Float32Array, Float64Array]) {
      for (const eps of [0, 1e-5]) {
        const layout = { repeats: 1, sets: 6, length: 1, period: 2, run: 1 };
        const x = kind.of(3, 1e30, NaN, Infinity, -0, 0.1);
        const [weight, bias] = [kind.of(2, 3), kind.of(5, 7)];
        const { output, saved } = typescriptKernels.normForward(x, weight, bias, layout, { eps, centered: true });
        const backward = typescriptKernels.normBackward(x, x, weight, saved, layout, ALL, { centered: true });
        expect(output).toEqual(kind.of(5, 7, NaN, NaN, 5, 7));
        expect(backward.gradInput).toEqual(kind.of(0, 0, NaN, NaN, 0, 0));
        expect([...(backward.gradWeight ?? [])]).toEqual([NaN, NaN]);
        const mean = saved.mean.map((value, s) => value + (saved.correction[s] ?? NaN));
        expect([...mean]).toEqual([...x.slice(0, 2), NaN, NaN, ...x.slice(4)].map((value) => value + 0));
        const finite = eps === 0 ? 0 : 1 / Math.sqrt(eps);
        expect([...saved.rstd]).toEqual([finite, finite, NaN, NaN, finite, finite]);
      }
    }
  });

  test("a mean of 1e8 leaves the digits that x has: as x less 1e8", () => {
    const near = Float64Array.from({ length: 4 * 48 }, (_, i) => Math.round(2 ** 20 * Math.sin(i * i)) / 2 ** 20);
    const layouts4: readonly NormLayout[] = [
      { repeats: 1, sets: 4, length: 48, period: 1, run: 1 },
      { repeats: 1, sets: 4, length: 48, period: 2, run: 12 },
      { repeats: 12, sets: 4, length: 4, period: 4, run: 4 },
      { repeats: 48, sets: 4, length: 1, period: 4, run: 1 },
    ];
    for (const layout of layouts4) {
      const [moved, still] = [near.map((value) => value + 1e8), near].map((x) => {
        const { output, saved } = typescriptKernels.normForward(x, null, null, layout, { eps: 0, centered: true });
        const backward = typescriptKernels.normBackward(near, x, null, saved, layout, ALL, { centered: true });
        return [...output, ...(backward.gradInput ?? [])];
      });
      // Not 7e-9, as one centring would leave.
      still?.forEach((value, i) => expect(Math.abs((moved?.[i] ?? NaN) - value)).toBeLessThan(2e-14));
    }
  });

  test("nothing is written to, gradients that are not asked for are null, and small results do not share an array", () => {
    const { layout, x, g, weight, bias } = drawOf({ repeats: 2, sets: 3, length: 4, period: 3, run: 4 });
    const before = String([x, g, weight, bias]);
    const { saved } = typescriptKernels.normForward(x, weight, bias, layout, { eps: 0, centered: true });
    const backward = (needs: typeof ALL): ReturnType<typeof typescriptKernels.normBackward> =>
      typescriptKernels.normBackward(g, x, weight, saved, layout, needs, { centered: true });
    const first = backward(ALL);
    const copy = String(Object.values(first));
    expect(backward({ gradInput: false, gradWeight: false, gradBias: false })).toEqual({
      gradInput: null,
      gradWeight: null,
      gradBias: null,
    });
    expect(String(Object.values(backward(ALL)))).toBe(copy);
    expect(String(Object.values(first))).toBe(copy);
    expect(String([x, g, weight, bias])).toBe(before);
  });
});

describe("normalizeForward and normalizeBackward", () => {
  test("are those of the statistics that are given, as constants", () => {
    const run = (draw: Draw): void => {
      const { layout, x, g, weight, bias, eps, centered } = draw;
      const [output, , gradWeight, gradBias] = byLoops(draw);
      const { saved } = typescriptKernels.normForward(x, weight, bias, layout, { eps, centered });
      expectNear("output", typescriptKernels.normalizeForward(x, weight, bias, saved, layout), output ?? x);
      const found = typescriptKernels.normalizeBackward(g, x, weight, saved, layout, ALL);
      const direct = Float64Array.from(
        cellsOf(layout),
        ([cell, s, p]) => (g[cell] ?? NaN) * (weight?.[p] ?? 1) * (saved.rstd[s] ?? NaN),
      );
      expectNear("gradInput", found.gradInput, direct);
      expectNear("gradWeight", found.gradWeight, gradWeight ?? x);
      expectNear("gradBias", found.gradBias, gradBias ?? x);
    };
    holds(draws, run, 200);
  });
});

describe("the loops for float32 and float64", () => {
  const folder = join(import.meta.dirname, "../../src/kernels");
  const text = (name: string): string => readFileSync(join(folder, name), "utf8");

  test.each(["normRows", "normRuns", "normColumns", "normSmall"])(
    "%s: the second file is the first with another type",
    (name) => {
      const made = text(`${name}Float32.ts`)
        .replaceAll("Float32Array", "Float64Array")
        .replaceAll("float32 cell", "float64 cell");
      expect(text(`${name}Float64.ts`)).toBe(made);
    },
  );

  test("float32 is float64 of the same values, rounded once", () => {
    for (const layout of large) {
      const { x, g, weight, bias } = drawOf(layout);
      const run = (kind: (data: Float64Array | null) => FloatArray | null): (FloatArray | null)[] => {
        const [cells = x, gradient = g] = [kind(x) ?? x, kind(g) ?? g];
        const w = kind(weight);
        const { output, saved } = typescriptKernels.normForward(cells, w, kind(bias), layout, {
          eps: 1e-5,
          centered: true,
        });
        const backward = typescriptKernels.normBackward(gradient, cells, w, saved, layout, ALL, { centered: true });
        return [output, backward.gradInput, backward.gradWeight, backward.gradBias];
      };
      const narrow = run((data) => data && new Float32Array(data));
      const wide = run((data) => data && Float64Array.from(new Float32Array(data)));
      narrow.forEach((array, k) => {
        expect(array).toBeInstanceOf(Float32Array);
        const rounded = new Float32Array(wide[k] ?? []);
        expect(array?.findIndex((value, i) => value !== rounded[i])).toBe(-1);
      });
    }
  });
});
