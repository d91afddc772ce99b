import { describe, expect, test } from "vitest";
import { apply, Generator, NdArray, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { normDescriptors } from "normgrad/norms";
import type { NormDescriptor, NormTerms } from "normgrad/norms";
import { checkGradients, countChecks } from "../../../examples/digits/gradientChecks.ts";
import type { GradientCheck } from "../../../examples/digits/gradientChecks.ts";
import { innerPixels } from "../../../examples/digits/innerPixels.ts";
import { someDigits } from "./files.ts";

type Gradients = readonly (NdArray | null)[];
type Change = (gradX: NdArray, terms: NormTerms<NdArray>) => NdArray;

const digits = innerPixels(someDigits(3));

/** Small, to be quick: the last two images' lower half as [2, 2, 2, 2]. */
function pixelsPlus(offset: number): Tensor {
  const values = Float64Array.from(digits.data.slice(-16), (pixel) => pixel + offset);
  return tensor(values, { shape: [2, 2, 2, 2] });
}

const pixels = pixelsPlus(0);

const SEED = 1;

function checked(x: Tensor): GradientCheck[] {
  return [...checkGradients(x, new Generator(SEED))];
}

interface Planted {
  readonly check: GradientCheck;
  /** How far the planted gradients are from the real ones, over the largest of that input. */
  readonly change: number;
}

/** Checks the real norms with their right forward, and a backward of which `planted` makes something else. */
function plant(planted: (gradients: Gradients, terms: NormTerms<NdArray>) => Gradients, norms = /./): Planted[] {
  let change = NaN;
  const descriptors = normDescriptors
    .filter(({ name }) => norms.test(name))
    .map(({ name, cases }): NormDescriptor => ({
      name,
      cases: (shape, eps) =>
        cases(shape, eps).map((real) => {
          const kernel = (
            ...inputs: readonly NdArray[]
          ): { output: NdArray; pullback: (gradOutput: NdArray) => Gradients } => {
            const { output, pullback, terms } = real.trace(inputs);
            const changed = (gradOutput: NdArray): Gradients => {
              const gradients = pullback(gradOutput);
              const answer = planted(gradients, terms(gradOutput));
              change = distance(answer, gradients);
              return answer;
            };
            return { output, pullback: changed };
          };
          return { ...real, op: (inputs: readonly Tensor[]) => apply("planted", { kernel }, ...inputs) };
        }),
    }));
  return Array.from(checkGradients(pixels, new Generator(SEED), descriptors), (check) => ({ check, change }));
}

function distance(answer: Gradients, gradients: Gradients): number {
  const distances = gradients.map((gradient, k) => {
    const data = Array.from(gradient?.data ?? []);
    const largest = Math.max(...data.map(Math.abs)) || 1;
    return Math.max(...data.map((value, cell) => Math.abs((answer[k]?.data[cell] ?? 0) - value))) / largest;
  });
  return Math.max(...distances);
}

/** In a case of FilterResponseNorm all cells may be below the threshold, which leaves a gradient of zeros: nothing to spoil. */
function spoilt(all: readonly Planted[]): Planted[] {
  const whole = all.filter(({ change }) => change === 0);
  expect(all).toHaveLength(countChecks(pixels));
  expect(
    whole.filter(({ check }) => !check.ok || !/^filterResponseNorm.*tau/.test(`${check.norm} ${check.case}`)),
  ).toEqual([]);
  expect(whole.length).toBeLessThan(5);
  return all.filter(({ change }) => change !== 0);
}

/** Only the gradient of x. */
function plantX(change: Change, norms?: RegExp): Planted[] {
  return plant(([gradX = null, ...others], terms) => [gradX && change(gradX, terms), ...others], norms);
}

const times =
  (factor: number): Change =>
  (gradX) =>
    gradX.constant((values) => Float64Array.from(values, (value) => value * factor));

describe("checkGradients", () => {
  test("every case of every norm passes on the digits, and is there once", () => {
    const checks = checked(digits);
    const expected = normDescriptors.flatMap(({ name, cases }) =>
      cases(digits.shape).map(({ label }) => `${name} ${label}`),
    );
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(checks.map((check) => `${check.norm} ${check.case}`)).toEqual(expected);
    expect(new Set(expected).size).toBe(expected.length);
    expect(countChecks(digits)).toBe(checks.length);
    // The largest, 1.7e-14, is of SwitchableNorm's logits: their gradient is a difference of sums that nearly cancel.
    expect(Math.max(...checks.map(({ maxError }) => maxError))).toBeLessThan(1e-13);
    // Measured, and not just zero: every norm rounds somewhere.
    for (const { name } of normDescriptors) {
      expect(Math.max(...checks.filter(({ norm }) => norm === name).map(({ ofBound }) => ofBound))).toBeGreaterThan(0);
    }
  });

  test("the planting itself changes nothing: the right backward passes", () => {
    expect(plant((gradients) => gradients).filter(({ check }) => !check.ok)).toEqual([]);
    const sumOfTerms = plantX((_, { direct, viaMean, viaVariance }) => direct.add(viaMean).add(viaVariance));
    expect(sumOfTerms.filter(({ check }) => !check.ok)).toEqual([]);
  });

  // Where there is no such path, as in a norm without a mean or with given statistics, nothing is lost and nothing fails.
  test.each<[string, Change]>([
    ["without the gradient through the mean", (_, { direct, viaVariance }) => direct.add(viaVariance)],
    ["without the gradient through the variance", (_, { direct, viaMean }) => direct.add(viaMean)],
    ["with the statistics held constant", (_, { direct }) => direct],
  ])("a backward %s fails in every case that has one", (_, change) => {
    const all = plantX(change);
    for (const { check, change: lost } of all) {
      const isWrong = lost > 1e-12;
      expect(check, `${check.norm} ${check.case}`).toMatchObject(
        isWrong ? { ok: false, input: inputsOf(check)[0] } : { ok: true },
      );
      // The loss is what is shown: relative to the largest exact gradient, which the real one is.
      if (isWrong) expect(check.maxError / lost).toBeCloseTo(1, 9);
    }
    expect(new Set(all.map(({ check }) => check.ok)).size).toBe(2);
  });

  test.each<[string, Change]>([
    ["of the wrong sign", times(-1)],
    ["of zeros", times(0)],
    ["wrong by 1e-9 of its size", times(1 + 1e-9)],
    ["that is NaN", times(NaN)],
    [
      "that is NaN in one cell",
      (gradX) => gradX.constant((v) => Float64Array.from(v, (value, i) => (i === 3 ? NaN : value))),
    ],
  ])("a gradient of x %s fails in every case", (_, change) => {
    expect(spoilt(plantX(change)).filter(({ check }) => check.ok)).toEqual([]);
  });

  // Where pixels nearly agree, or where an eps of 1e-12 is divided by, rounding may do more than that.
  test("one part in 1e12 is found in every case of these norms", () => {
    const all = plantX(times(1 + 1e-12), /^(batchNorm|instanceNorm|groupNorm|rmsNorm|dynamicTanh|spectralNorm)$/);
    expect(all.filter(({ check }) => check.ok)).toEqual([]);
    for (const { check } of all) expect(check.maxError).toBeCloseTo(1e-12, 14);
  });

  test("a wrong gradient of the last input fails, and that input is named", () => {
    const planted = plant((gradients) => gradients.map((g, k) => (k === gradients.length - 1 && g ? g.add(g) : g)));
    for (const { check } of spoilt(planted)) {
      expect(check, `${check.norm} ${check.case}`).toMatchObject({ ok: false, input: inputsOf(check).at(-1) });
    }
  });

  test("a gradient that is not there counts as zeros", () => {
    const [{ check } = { check: null }] = plant((gradients) => gradients.map(() => null), /^layerNorm$/);
    expect(check).toMatchObject({ ok: false, maxError: 1 });
  });

  test("the bound follows what pixels are like: every case passes at 1e4 as well", () => {
    expect(checked(pixelsPlus(1e4)).filter(({ ok }) => !ok)).toEqual([]);
  });

  test("the same seed gives the same errors, another seed others", () => {
    const errors = (seed: number): number[] =>
      [...checkGradients(pixels, new Generator(seed), normDescriptors.slice(0, 1))].map(({ maxError }) => maxError);
    expect(errors(5)).toEqual(errors(5));
    expect(errors(6)).not.toEqual(errors(5));
  });
});

/** The names of a case's inputs. */
function inputsOf({ norm, case: label }: GradientCheck): string[] {
  const descriptor = normDescriptors.find(({ name }) => name === norm);
  const normCase = descriptor?.cases(pixels.shape).find((candidate) => candidate.label === label);
  return normCase?.inputs.map(({ name }) => name) ?? [];
}
