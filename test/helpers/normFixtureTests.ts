/** The tests that hold a norm to test/pytorch/norms.json, and those that show that a wrong one would be noticed. */
import { describe, expect, test } from "vitest";
import type { Dtype, Tensor } from "../../src/autograd/index.ts";
import { mutantOp } from "./mutantNorm.ts";
import type { Mutation } from "./mutantNorm.ts";
import { expectFixture, normFixtures } from "./normFixtures.ts";
import type { FixtureInputs, NormFixture } from "./normFixtures.ts";
import { backwardMutants, forwardMutants } from "./normMutants.ts";
import type { CellSet } from "./normOracles.ts";

export type FixtureOp = (inputs: FixtureInputs, options: NormFixture["options"]) => Tensor;

/** Mistakes, in which dtype, and in what they show. */
const planted: Readonly<Record<string, { dtype: Dtype; mutation: Mutation | undefined; shows: RegExp }>> = {
  "unbiased variance": { dtype: "float64", mutation: forwardMutants["unbiased variance"]?.mutation, shows: /output/ },
  "eps outside of the root": {
    dtype: "float64",
    mutation: forwardMutants["eps outside of the root"]?.mutation,
    shows: /output/,
  },
  "centred once": { dtype: "float64", mutation: forwardMutants["centred once"]?.mutation, shows: /mean (100|1e)/ },
  "mean term dropped": {
    dtype: "float64",
    mutation: backwardMutants["mean term dropped"]?.mutation,
    shows: /gradient of x/,
  },
  "variance term dropped": {
    dtype: "float64",
    mutation: backwardMutants["variance term dropped"]?.mutation,
    shows: /gradient of x/,
  },
  "saved statistics detached": {
    dtype: "float64",
    mutation: backwardMutants["saved statistics detached"]?.mutation,
    shows: /second derivative by x/,
  },
  "one-pass variance": { dtype: "float32", mutation: forwardMutants["one-pass variance"]?.mutation, shows: /mean 1/ },
  "arithmetic in float32": { dtype: "float32", mutation: { narrow: true }, shows: /error/ },
};

export function testFixtures(
  norm: string,
  op: FixtureOp,
  setsOf: (shape: readonly number[], options: NormFixture["options"]) => CellSet[],
): void {
  describe("exact values", () => {
    test.each(["float64", "float32"] as const)("%s: output, gradients and second derivatives", (dtype) => {
      const fixtures = normFixtures(norm, dtype);
      expect(fixtures.length).toBeGreaterThan(10);
      for (const fixture of fixtures) expectFixture(fixture, (inputs) => op(inputs, fixture.options));
    });

    test.each(Object.entries(planted))("%s is not that close", (_, { dtype, mutation, shows }) => {
      const wrong = (fixture: NormFixture): ((inputs: FixtureInputs) => Tensor) => {
        const sets = setsOf(fixture.inputs.x.shape, fixture.options);
        return ({ x, weight, bias }) => mutantOp([x, weight, bias], sets, fixture.options.eps, mutation);
      };
      expect(() => {
        for (const fixture of normFixtures(norm, dtype)) {
          if (!fixture.inputs.runningMean) expectFixture(fixture, wrong(fixture));
        }
      }).toThrow(shows);
    });
  });
}
