/** The kernels of norms against the definition: the proven bound in float64, one unit in the last place in float32. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withBackend } from "../../src/autograd/index.ts";
import { checkCase } from "../../src/gradcheck/checkCase.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { hard } from "../gradcheck/trackedDraws.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { extreme, normDraws } from "../helpers/normDraws.ts";
import type { NormDraw, Profile } from "../helpers/normDraws.ts";
import { FROM_FORMULA, normsWithKernel, runOp } from "../helpers/normLaws.ts";
import type { Law } from "../helpers/normLaws.ts";
import { breaks } from "../helpers/planted.ts";
import { subjectOfNorm } from "../verify/judgeNorms.ts";

const withKernel = normDescriptors.filter(({ name }) => normsWithKernel.includes(name));

/** Output and gradients are within the computed bound on the rounding error of the formula. */
const isWithinTheProvenBound: Law = ({ normCase, inputs, gradOutput }) => {
  const names = normCase.inputs.map(({ name }) => name);
  const verdict = checkCase(subjectOfNorm(normCase), names, inputs, [...gradOutput.data], {
    order: 1,
    tolerance: "proven",
  });
  if (verdict === "right" || verdict === "skip") return;
  const { array, worst, analytic, exact, bound } = verdict;
  throw new Error(
    `outside of the bound: ${array} at ${worst}: ${analytic[worst]}, exact ${exact[worst]}, bound ${bound[worst]}`,
  );
};

const exponent = (value: number): number => Math.floor(Math.log2(Math.max(value, 2 ** -126)));

/**
 * float32 in and out: what is stored is off by at most a unit in the last place of the array's largest value. Where large
 * terms cancel to nothing, in sets of two without eps, what is left of the float64 arithmetic may be more than that: its
 * proven bound is allowed on top.
 */
const isWithinOneUlp: Law = ({ normCase, inputs, gradOutput }) => {
  const stored = inputs.map((input) => input.to("float32"));
  const g = gradOutput.to("float32");
  const actual = runOp(normCase, stored, g);
  const [wide, wideG] = [stored.map((input) => input.to("float64")), g.to("float64")];
  const expected = withBackend("formula", () => runOp(normCase, wide, wideG));
  const trace = normCase.trace(wide.map((input) => FieldArray.from(tracked, input)));
  const bounds = [trace.output, ...trace.pullback(FieldArray.from(tracked, wideG))];
  [actual.output, ...actual.gradients].forEach((array, k) => {
    const { data } = given([expected.output, ...expected.gradients][k]);
    const ulp = 2 ** (exponent(Math.max(0, ...Array.from(data, Math.abs))) - 23);
    data.forEach((value, cell) => {
      const error = Math.abs(given(array.data[cell]) - value);
      if (!(error <= ulp + FROM_FORMULA * (bounds[k]?.data[cell]?.error ?? 0))) {
        throw new Error(`more than an ulp off: array ${k} at ${cell}: ${error / ulp} ulp`);
      }
    });
  });
};

/** Means that float32 holds: at 1e8 its values are multiples of 8. */
const upTo1e4: Profile = { ...hard, ranges: hard.ranges.filter(({ offset }) => Math.abs(offset) <= 1e4) };

test("the norms with a kernel are those of the list", () => {
  expect(withKernel.map(({ name }) => name).toSorted()).toEqual([...normsWithKernel].toSorted());
});

describe.each(withKernel)("the kernel of $name", (descriptor) => {
  test("is within the proven bound: means to 1e8, constant sets, eps 0", () => {
    holds(normDraws(descriptor, extreme), isWithinTheProvenBound, 40);
    holds(normDraws(descriptor, hard), isWithinTheProvenBound, 40);
  });

  test("in float32 is within an ulp of the largest value, at means to 1e4", () => {
    holds(normDraws(descriptor, upTo1e4), isWithinOneUlp, 150);
  });

  test("runs: on the tape its numbers are not those of the formula, to the last bit", () => {
    const differs = ({ normCase, inputs, gradOutput }: NormDraw): boolean => {
      const kernel = runOp(normCase, inputs, gradOutput);
      const formula = withBackend("formula", () => runOp(normCase, inputs, gradOutput));
      return kernel.gradients.some((array, i) => String(array.data) !== String(formula.gradients[i]?.data));
    };
    expect(fc.sample(normDraws(descriptor, extreme), { seed: 1, numRuns: 20 }).some(differs)).toBe(true);
  });

  test("one that is a part in 1e12 off, five ulp in float32, or loses a part in 1e9 of the gradient, would be found", () => {
    const planted = (op: (normCase: NormCase) => NormCase["op"]): fc.Arbitrary<NormDraw> =>
      normDraws(descriptor, hard).map((draw) => ({ ...draw, normCase: { ...draw.normCase, op: op(draw.normCase) } }));
    const off = planted(
      ({ op }) =>
        (inputs) =>
          op(inputs).mul(1 + 1e-12),
    );
    const losing = planted(
      ({ op }) =>
        ([x, ...rest]) =>
          op([
            given(x)
              .mul(1 - 1e-9)
              .add(given(x).detach().mul(1e-9)),
            ...rest,
          ]),
    );
    breaks(off, isWithinTheProvenBound, /outside of the bound/);
    breaks(losing, isWithinTheProvenBound, /outside of the bound/);
    const fifth = planted(
      ({ op }) =>
        (inputs) =>
          op(inputs).mul(1 + 5 * 2 ** -23),
    );
    breaks(fifth, isWithinOneUlp, /more than an ulp off/);
  });
});
