import { describe, expect, test } from "vitest";
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import * as typescript from "../../../src/kernels/norm.ts";
import type { NormLayout, NormNeeds } from "../../../src/kernels/normLayout.ts";
import { normBackward, normForward } from "../../../src/kernels/wasm/norm.ts";
import { isAvailable } from "../../../src/kernels/wasm/memory.ts";
import { normOracle } from "./normOracle.ts";
import type { NormCase } from "./normOracle.ts";
import { batches, groups, LARGE, LAYOUTS, makeCase, rows } from "./normCases.ts";
import type { Kind } from "./normCases.ts";

const ALL: NormNeeds = { gradInput: true, gradWeight: true, gradBias: true };

/** 4 ulp of the largest value; sums of n numbers may round n / 8 times in float64, where blocks of 8 are added one by one. */
const tolerance = (kind: Kind, n: number): number => (kind === Float32Array ? 4 * 2 ** -23 : (n / 8 + 16) * 2 ** -53);

interface Pair {
  readonly normForward: typeof normForward;
  readonly normBackward: typeof normBackward;
}
const wasm: Pair = { normForward, normBackward };

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);

/** The largest error over the largest value, or where a sum cancels over its terms, of output and the three gradients. */
function errors({ normForward, normBackward }: Pair, given: NormCase): number[] {
  const { x, gradOutput, weight, bias, layout } = given;
  const { output, saved } = normForward(x, weight, bias, layout, given);
  const { gradInput, gradWeight, gradBias } = normBackward(gradOutput, x, weight, saved, layout, ALL, given);
  const oracle = normOracle(given);
  const error = (actual: FloatArray | null, expected: Float64Array, scale = largest(expected)): number => {
    if (actual?.constructor !== x.constructor || actual.length !== expected.length) return Infinity;
    return largest(expected.map((value, i) => (actual[i] ?? NaN) - value)) / (scale || 1);
  };
  return [
    error(output, oracle.output),
    error(gradInput, oracle.gradInput, oracle.largestTerm),
    error(gradWeight, oracle.gradWeight, Math.max(largest(oracle.gradWeight), oracle.likelyGradWeight)),
    error(gradBias, oracle.gradBias, Math.max(largest(oracle.gradBias), largest(gradOutput))),
  ];
}

function expectRight(pair: Pair, kind: Kind, given: NormCase): void {
  const n = given.x.length / given.layout.sets;
  const terms = given.x.length / ((given.layout.period * given.layout.length) / given.layout.run);
  const bound = tolerance(kind, Math.max(n, terms));
  for (const error of errors(pair, given)) expect(error).toBeLessThanOrEqual(bound);
}

test("the engine that runs these tests has WebAssembly", () => {
  expect(isAvailable()).toBe(true);
});

describe.each<[string, Kind]>([
  ["float32", Float32Array],
  ["float64", Float64Array],
])("normForward and normBackward, %s", (_, kind) => {
  test.each(LAYOUTS)("%s: as exact as promised", (_, layout) => {
    for (const mean of kind === Float32Array ? [0, 1e4] : [0, 1e4, 1e8]) {
      expectRight(wasm, kind, makeCase(kind, layout, mean));
    }
  });

  test.each(LARGE)("%s: as exact as promised", (_, layout) => {
    expectRight(wasm, kind, makeCase(kind, layout, 1e4));
  });

  test.each(LAYOUTS)("%s: without a mean", (_, layout) => {
    expectRight(wasm, kind, makeCase(kind, layout, 1, { centered: false }));
  });

  const some: readonly (readonly [string, NormLayout])[] = [
    ["rows", rows(29, 31)],
    ["groups", groups(3, 4, 2, 29)],
    ["batches", batches(7, 3, 29)],
  ];

  test.each(some)("%s: without weight, without bias, without both", (_, layout) => {
    expectRight(wasm, kind, makeCase(kind, layout, 3, { weight: null }));
    expectRight(wasm, kind, makeCase(kind, layout, 3, { bias: null }));
    expectRight(wasm, kind, makeCase(kind, layout, 3, { weight: null, bias: null }));
  });

  test.each(some)("%s: only the gradients that are needed, and the same ones", (_, layout) => {
    const { x, gradOutput, weight, bias, eps } = makeCase(kind, layout, 3);
    const options = { eps, centered: true };
    const { saved } = normForward(x, weight, bias, layout, options);
    const gradients = (needs: NormNeeds): ReturnType<typeof normBackward> =>
      normBackward(gradOutput, x, weight, saved, layout, needs, options);
    const all = gradients(ALL);
    for (let which = 0; which < 8; which++) {
      const needs = { gradInput: (which & 1) > 0, gradWeight: (which & 2) > 0, gradBias: (which & 4) > 0 };
      expect(gradients(needs)).toEqual({
        gradInput: needs.gradInput ? all.gradInput : null,
        gradWeight: needs.gradWeight ? all.gradWeight : null,
        gradBias: needs.gradBias ? all.gradBias : null,
      });
    }
  });

  test.each(some)("%s: equal cells give the bias, with eps 0 too, and their gradient is 0 then", (_, layout) => {
    for (const value of [0, 0.1, 1e4 + 0.1, -1e8]) {
      for (const eps of [0, 1e-5]) {
        const given = makeCase(kind, layout, 0, { eps, weight: null, bias: null });
        const x = given.x.map(() => value);
        const { output, saved } = normForward(x, null, null, layout, { eps, centered: true });
        expect(output).toEqual(given.x.map(() => 0));
        if (eps > 0) continue;
        const { gradInput } = normBackward(given.gradOutput, x, null, saved, layout, ALL, { centered: true });
        expect(gradInput?.every((gradient) => gradient === 0)).toBe(true);
      }
    }
  });

  test.each(some)("%s: the first block far from the others, and cells an ulp apart", (_, layout) => {
    const given = makeCase(kind, layout, 0);
    const jump = given.x.map((value, i) => (i % layout.length < 16 ? 1000 : 0) + value);
    expectRight(wasm, kind, { ...given, x: jump });
    const ulp = kind === Float32Array ? 2 ** -10 : 2 ** -39;
    const close = given.x.map((_, i) => 1e4 + ((i * 7) % 5 === 0 ? ulp : 0));
    expectRight(wasm, kind, { ...given, x: close, eps: 0 });
  });

  test.each(some)("%s: eps 0 and values from 1e-18 to 1e18", (_, layout) => {
    for (const scale of [1e-18, 1e-8, 1e8, 1e18]) {
      const given = makeCase(kind, layout, 1, { eps: 0 });
      expectRight(wasm, kind, { ...given, x: given.x.map((value) => value * scale) });
    }
  });

  test.each(some)("%s: a NaN stays in its set", (_, layout) => {
    const { x, weight, bias, eps } = makeCase(kind, layout, 1);
    const { output } = normForward(x, weight, bias, layout, { eps, centered: true });
    const spoilt = x.slice();
    spoilt[layout.length] = NaN;
    const { output: other } = normForward(spoilt, weight, bias, layout, { eps, centered: true });
    const setOf = (i: number): number => Math.floor(i / layout.length) % layout.sets;
    const tolerance = kind === Float32Array ? 1e-5 : 1e-12;
    other.forEach((value, i) => {
      if (setOf(i) === 1) expect(value).toBeNaN();
      else expect(Math.abs(value - (output[i] ?? NaN))).toBeLessThan(tolerance);
    });
  });

  test.each(some)("%s: the same as in TypeScript, whichever of the two went forward", (_, layout) => {
    const given = makeCase(kind, layout, 1e4);
    expectRight({ normForward, normBackward: typescript.normBackward }, kind, given);
    expectRight({ normForward: typescript.normForward, normBackward }, kind, given);
    const { x, weight, bias } = given;
    const ours = normForward(x, weight, bias, layout, given).saved;
    const theirs = typescript.normForward(x, weight, bias, layout, given).saved;
    const bound = tolerance(kind, 256) * largest(theirs.rstd);
    ours.rstd.forEach((rstd, set) => expect(Math.abs(rstd - (theirs.rstd[set] ?? NaN))).toBeLessThan(bound));
    ours.mean.forEach((mean, set) => {
      const difference =
        mean - (theirs.mean[set] ?? NaN) + (ours.correction[set] ?? NaN) - (theirs.correction[set] ?? NaN);
      expect(Math.abs(difference)).toBeLessThan(kind === Float32Array ? 1e-6 : 1e-14);
    });
  });
});

describe("these tests find", () => {
  const given = makeCase(Float32Array, rows(29, 31), 1e4);

  test.each<readonly [string, Pair]>([
    [
      "statistics in float32",
      {
        normForward: (...call) => {
          const { output, saved } = normForward(...call);
          return { output, saved: { ...saved, correction: saved.correction.map(() => 0) } };
        },
        normBackward,
      },
    ],
    [
      "a last element that is skipped",
      {
        normForward: (x, ...call) => {
          const { output, saved } = normForward(x, ...call);
          output[output.length - 1] = 0;
          return { output, saved };
        },
        normBackward,
      },
    ],
    [
      "a weight that is missing",
      {
        normForward,
        normBackward: (gradOutput, x, _, ...call) => normBackward(gradOutput, x, null, ...call),
      },
    ],
  ])("%s", (_, pair) => {
    expect(() => expectRight(pair, Float32Array, given)).toThrow("to be less than or equal to");
  });
});
