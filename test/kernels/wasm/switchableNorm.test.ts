import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import * as typescript from "../../../src/kernels/switchableNorm.ts";
import * as wasm from "../../../src/kernels/wasm/switchableNorm.ts";
import { holds } from "../../helpers/generators.ts";
import type { Kind } from "./normCases.ts";
import { draw, LARGE, largest, MODES, settingsOf, SIZES, termsOf, usual } from "./switchableCases.ts";
import type { Arrays, Given } from "./switchableCases.ts";

type Pair = Pick<typeof wasm, "switchableNormForward" | "switchableNormBackward">;
type Forward = ReturnType<typeof typescript.switchableNormForward>;
type Backward = ReturnType<typeof typescript.switchableNormBackward>;

const ALL = { gradInput: true, gradWeight: true, gradBias: true };

function run(pair: Pair, given: Given, arrays: Arrays, needs = ALL): Forward & Backward {
  const { x, gradOutput, weight, bias, meanLogits, varLogits, running } = arrays;
  const [samples, channels, positions] = given.size;
  const sizes = { samples, channels, positions };
  const settings = settingsOf(given);
  const forward = pair.switchableNormForward(x, weight, bias, meanLogits, varLogits, running, sizes, settings);
  return {
    ...forward,
    ...pair.switchableNormBackward(gradOutput, x, weight, forward.saved, sizes, settings, needs),
  };
}

/** As ../switchableNorm.ts in float64: float32 to 4 ulp of the largest value; n numbers may round n / 8 times in float64. */
function expectRight(pair: Pair, kind: Kind, given: Given): void {
  const arrays = draw(Float64Array, given);
  const actual = run(pair, given, draw(kind, given));
  const expected = run(typescript, given, arrays);
  const bound = kind === Float32Array ? 4 * 2 ** -23 : (arrays.x.length / 8 + 16) * 2 ** -53;
  const near = (what: string, found: FloatArray | null, wanted: FloatArray | null, scale = 0): void => {
    expect(found?.length, what).toBe(wanted?.length);
    const errors = Array.from(wanted ?? [], (value, i) => Math.abs((found?.[i] ?? NaN) - value));
    const most = bound * Math.max(scale, largest(wanted ?? []));
    // NaN is more than any bound.
    const at = errors.findIndex((error) => !(error <= most));
    if (at >= 0) throw new Error(`${what}: more than ${most} off at ${at}: ${found?.[at]}, exact ${wanted?.[at]}`);
  };
  expect(actual.output).toBeInstanceOf(kind);
  expect(actual.gradInput).toBeInstanceOf(kind);
  const [direct, ofWeight, ofBias, ofMeans, ofVariances] = termsOf(arrays, given.size, expected.saved);
  near("output", actual.output, expected.output);
  near("gradInput", actual.gradInput, expected.gradInput, direct);
  near("gradWeight", actual.gradWeight, expected.gradWeight, ofWeight);
  near("gradBias", actual.gradBias, expected.gradBias, ofBias);
  near("gradMeanLogits", actual.gradMeanLogits, expected.gradMeanLogits, ofMeans);
  near("gradVarLogits", actual.gradVarLogits, expected.gradVarLogits, ofVariances);
  near("mean", actual.batch?.mean ?? null, expected.batch?.mean ?? null);
  near("variance", actual.batch?.variance ?? null, expected.batch?.variance ?? null);
}

describe.each<[string, Kind]>([
  ["float32", Float32Array],
  ["float64", Float64Array],
])("switchableNormForward and switchableNormBackward, %s", (_, kind) => {
  test.each(SIZES)("%s: as exact as promised", (_, size) => {
    for (const mean of kind === Float32Array ? [0, 1e4] : [0, 1e4, 1e8]) {
      for (const mode of MODES) expectRight(wasm, kind, { ...usual, size, mean, mode });
    }
    expectRight(wasm, kind, { ...usual, size, hasWeight: false });
    expectRight(wasm, kind, { ...usual, size, hasBias: false });
    expectRight(wasm, kind, { ...usual, size, hasWeight: false, hasBias: false });
  });

  test.each(LARGE)("%s: as exact as promised", (_, size) => {
    expectRight(wasm, kind, { ...usual, size });
  });

  test("any sizes and modes, instances near each other and far apart", () => {
    const size = fc.tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 2, max: 90 }),
    );
    const given = fc.record({
      size,
      mean: fc.constantFrom(0, 3, 1e4),
      apart: fc.constantFrom(0, 0.01, 1, 300),
      mode: fc.constantFrom(...MODES),
      unbiased: fc.boolean(),
      hasWeight: fc.boolean(),
      hasBias: fc.boolean(),
      eps: fc.constantFrom(0, 1e-5, 1),
      scale: fc.constant(1),
      gradScale: fc.constant(1),
    });
    holds(given, (drawn) => expectRight(wasm, kind, drawn), 150);
  });

  test("eps 0, and values so small or large that float32 arithmetic does not bear their squares", () => {
    for (const scale of [2 ** -60, 2 ** -30, 2 ** 30, 2 ** 58]) {
      for (const mode of MODES) {
        expectRight(wasm, kind, { ...usual, size: [5, 7, 37], mean: 1, eps: 0, mode, scale });
      }
    }
  });

  test("gradients so large that float32 arithmetic does not bear their coefficients", () => {
    for (const gradScale of [2 ** 90, 2 ** 105]) expectRight(wasm, kind, { ...usual, size: [5, 7, 37], gradScale });
  });

  test("only the gradients that are needed, and the same ones", () => {
    const given: Given = { ...usual, size: [5, 7, 37] };
    const arrays = draw(kind, given);
    const all = run(wasm, given, arrays);
    for (let which = 0; which < 8; which++) {
      const needs = { gradInput: (which & 1) > 0, gradWeight: (which & 2) > 0, gradBias: (which & 4) > 0 };
      expect(run(wasm, given, arrays, needs)).toEqual({
        ...all,
        gradInput: needs.gradInput ? all.gradInput : null,
        gradWeight: needs.gradWeight ? all.gradWeight : null,
        gradBias: needs.gradBias ? all.gradBias : null,
      });
    }
  });

  test("equal cells give the bias, with eps 0 too, and their gradient is 0 then", () => {
    const given: Given = { ...usual, size: [5, 7, 37], hasBias: false };
    for (const value of [0, 0.1, 1e4 + 0.1, -1e8]) {
      for (const eps of [0, 1e-5]) {
        const arrays = draw(kind, given);
        const { output, gradInput } = run(wasm, { ...given, eps }, { ...arrays, x: arrays.x.map(() => value) });
        expect(output.every((y) => y === 0)).toBe(true);
        if (eps === 0) expect(gradInput?.every((gradient) => gradient === 0)).toBe(true);
      }
    }
  });

  test("some instances of equal cells, as after a ReLU", () => {
    const given: Given = { ...usual, size: [5, 7, 37], mean: 0 };
    const dead = (arrays: Arrays): Arrays => {
      return { ...arrays, x: arrays.x.map((value, i) => (Math.floor(i / 37) % 3 === 0 ? 0 : value)) };
    };
    const { output } = run(wasm, given, dead(draw(kind, given)));
    const { output: expected } = run(typescript, given, dead(draw(Float64Array, given)));
    const bound = (kind === Float32Array ? 4 * 2 ** -23 : 2 ** -44) * largest(expected);
    expect(largest(output.map((value, i) => value - (expected[i] ?? NaN)))).toBeLessThan(bound);
  });

  test("without BN a NaN stays in its sample", () => {
    const given: Given = { ...usual, size: [3, 11, 32], mode: "without BN" };
    const arrays = draw(kind, given);
    const x = arrays.x.slice();
    x[11 * 32 + 1] = NaN;
    const { output } = run(wasm, given, { ...arrays, x });
    expect(output.every((value, i) => Number.isNaN(value) === (Math.floor(i / (11 * 32)) === 1))).toBe(true);
  });

  test("they run: the numbers are not those of TypeScript, to the last bit", () => {
    const given: Given = { ...usual, size: [5, 7, 37] };
    const [ours, theirs] = [wasm, typescript].map((pair) => run(pair, given, draw(kind, given)));
    expect(ours?.output).not.toEqual(theirs?.output);
    expect(ours?.gradInput).not.toEqual(theirs?.gradInput);
  });

  test("a backward takes what the other's forward has saved", () => {
    for (const mode of MODES) {
      const given: Given = { ...usual, size: [5, 7, 37], mode };
      expectRight({ ...wasm, switchableNormForward: typescript.switchableNormForward }, kind, given);
      expectRight({ ...wasm, switchableNormBackward: typescript.switchableNormBackward }, kind, given);
    }
  });
});

describe("these tests find", () => {
  test.each<readonly [string, RegExp, Partial<Pair>]>([
    [
      "a last cell that is skipped",
      /^output/,
      {
        switchableNormForward: (...call) => {
          const answer = wasm.switchableNormForward(...call);
          answer.output[answer.output.length - 1] = 0;
          return answer;
        },
      },
    ],
    [
      "means that are saved in float32",
      /^grad/,
      {
        switchableNormBackward: (gradOutput, x, weight, { mixed, ...saved }, ...rest) => {
          const spoilt = { ...mixed, correction: mixed.correction.map((value, i) => (i === 5 ? 0 : value)) };
          return wasm.switchableNormBackward(gradOutput, x, weight, { ...saved, mixed: spoilt }, ...rest);
        },
      },
    ],
    [
      "a weight that is missing",
      /^gradInput/,
      {
        switchableNormBackward: (gradOutput, x, _, ...rest) =>
          wasm.switchableNormBackward(gradOutput, x, null, ...rest),
      },
    ],
    [
      "logits of the variance in place of those of the mean",
      /^output/,
      {
        switchableNormForward: (x, weight, bias, _, logits, ...rest) =>
          wasm.switchableNormForward(x, weight, bias, logits, logits, ...rest),
      },
    ],
  ])("%s", (_, message, wrong) => {
    const given: Given = { ...usual, size: [5, 7, 37] };
    expect(() => expectRight({ ...wasm, ...wrong }, Float32Array, given)).toThrow(message);
  });
});
