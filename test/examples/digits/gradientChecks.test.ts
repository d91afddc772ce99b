import { describe, expect, test } from "vitest";
import { apply, Generator, tensor } from "normgrad";
import type { NdArray, Tensor } from "normgrad";
import { normDescriptors } from "normgrad/norms";
import type { NormDescriptor, NormTerms } from "normgrad/norms";
import { checkGradients, countChecks, TOLERANCE } from "../../../examples/digits/gradientChecks.ts";
import type { GradientCheck } from "../../../examples/digits/gradientChecks.ts";
import { someDigits } from "./files.ts";

type Gradients = readonly (NdArray | null)[];

const digits = someDigits(1).pixels;

/** Small, to be quick: [2, 2, 2, 2]. */
function pixelsPlus(offset: number): Tensor {
  const values = Float64Array.from({ length: 16 }, (_, i) => (digits[2 + i] ?? NaN) + offset);
  return tensor(values, { shape: [2, 2, 2, 2] });
}

const pixels = pixelsPlus(0);

function checked(descriptors?: readonly NormDescriptor[], x: Tensor = pixels): GradientCheck[] {
  return [...checkGradients(x, new Generator(1), descriptors)];
}

/** The real norms with their right forward, and a backward of which `planted` makes something else. */
function withBackward(
  planted: (gradients: Gradients, terms: NormTerms<NdArray>) => Gradients,
): readonly NormDescriptor[] {
  return normDescriptors.map(({ name, cases }) => ({
    name,
    cases: (shape, eps) =>
      cases(shape, eps).map((real) => {
        const kernel = (
          ...inputs: readonly NdArray[]
        ): { output: NdArray; pullback: (gradOutput: NdArray) => Gradients } => {
          const { output, pullback, terms } = real.trace(inputs);
          return { output, pullback: (gradOutput) => planted(pullback(gradOutput), terms(gradOutput)) };
        };
        return { ...real, op: (inputs: readonly Tensor[]) => apply("planted", { kernel }, ...inputs) };
      }),
  }));
}

/** Only the gradient of x. */
const changeX =
  (change: (gradX: NdArray, terms: NormTerms<NdArray>) => NdArray) =>
  ([gradX = null, ...others]: Gradients, terms: NormTerms<NdArray>): Gradients => [
    gradX && change(gradX, terms),
    ...others,
  ];

describe("checkGradients", () => {
  const real = checked();

  test("every case of every norm passes, and is there once", () => {
    const checks = real;
    const expected = normDescriptors.flatMap(({ name, cases }) =>
      cases(pixels.shape).map(({ label }) => `${name} ${label}`),
    );
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(checks.map((check) => `${check.norm} ${check.case}`)).toEqual(expected);
    expect(new Set(expected).size).toBe(expected.length);
    expect(countChecks(pixels)).toBe(checks.length);
    expect([...new Set(checks.map(({ norm }) => norm))]).toEqual([
      "batchNorm",
      "layerNorm",
      "instanceNorm",
      "groupNorm",
    ]);
  });

  test("errors are measured: below the tolerance, but not all zero", () => {
    const errors = real.map(({ maxError }) => maxError);
    expect(Math.max(...errors)).toBeLessThan(TOLERANCE);
    expect(Math.min(...errors)).toBeGreaterThan(0);
  });

  test("the planting itself changes nothing: the right backward passes", () => {
    expect(checked(withBackward((gradients) => gradients)).every(({ ok }) => ok)).toBe(true);
    const sumOfTerms = changeX((_, { direct, viaMean, viaVariance }) => direct.add(viaMean).add(viaVariance));
    expect(checked(withBackward(sumOfTerms)).every(({ ok }) => ok)).toBe(true);
  });

  // Cases that normalize with given statistics have no gradient through them to lose.
  const fixed = /^evaluation|^running statistics/;

  test.each<[string, (gradX: NdArray, terms: NormTerms<NdArray>) => NdArray]>([
    ["without the gradient through the mean", (_, { direct, viaVariance }) => direct.add(viaVariance)],
    ["without the gradient through the variance", (_, { direct, viaMean }) => direct.add(viaMean)],
    ["with the statistics held constant", (_, { direct }) => direct],
  ])("a backward %s fails in every case with statistics of its own", (_, change) => {
    const checks = checked(withBackward(changeX(change)));
    for (const check of checks) {
      expect(check, check.case).toMatchObject({ ok: fixed.test(check.case) });
      if (!check.ok) expect(check.maxError).toBeGreaterThan(1e-3);
    }
    expect(new Set(checks.map(({ ok }) => ok)).size).toBe(2);
  });

  test.each<[string, (gradX: NdArray) => NdArray]>([
    ["wrong by 1e-7 of its size", (gradX) => gradX.mul(gradX.constant((v) => Float64Array.from(v, () => 1 + 1e-7)))],
    ["of the wrong sign", (gradX) => gradX.neg()],
    ["of zeros", (gradX) => gradX.sub(gradX)],
    ["that is NaN", (gradX) => gradX.constant((v) => Float64Array.from(v, () => NaN))],
    [
      "that is NaN in one cell",
      (gradX) => gradX.constant((v) => Float64Array.from(v, (value, i) => (i === 3 ? NaN : value))),
    ],
  ])("a gradient of x %s fails in every case", (_, change) => {
    expect(checked(withBackward(changeX(change))).filter(({ ok }) => ok)).toEqual([]);
  });

  test("a wrong gradient of the last input fails: of the bias, else of the weight, else of x", () => {
    const planted = withBackward((gradients) =>
      gradients.map((g, k) => (k === gradients.length - 1 && g ? g.add(g) : g)),
    );
    expect(checked(planted).filter(({ ok }) => ok)).toEqual([]);
  });

  test("steps follow the spread, not the size: pixels at 1e4 are checked as well", () => {
    const statistics = (check: GradientCheck): boolean => !fixed.test(check.case);
    const errors = checked(normDescriptors, pixelsPlus(1e4))
      .filter(statistics)
      .map(({ maxError }) => maxError);
    // Values at 1e4 are rounded to 1e4 · u ≈ 1e-12, over a step of 6e-4 times a spread of 0.003 or more: at most 1e-6.
    // With a step in proportion to the values the difference would be wrong altogether.
    expect(Math.max(...errors)).toBeLessThan(1e-6);
  });

  test("the same seed gives the same errors, another seed others", () => {
    const errors = (seed: number): number[] =>
      [...checkGradients(pixels, new Generator(seed), normDescriptors.slice(0, 1))].map(({ maxError }) => maxError);
    expect(errors(5)).toEqual(errors(5));
    expect(errors(6)).not.toEqual(errors(5));
  });
});
