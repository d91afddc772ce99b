/** Every norm of the list, in every mode and with every combination of weight and bias, is held to every law. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, Tensor } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { holds, SEED } from "../helpers/generators.ts";
import { extreme, normDraws, tame } from "../helpers/normDraws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { laws } from "../helpers/normLaws.ts";
import { oracleLaws } from "../helpers/normOracleLaws.ts";
import { setsByNorm } from "../helpers/normOracles.ts";
import { plainOracleLaws, plainOracles } from "../helpers/plainOracles.ts";

function sizes({ normCase: { partition } }: NormDraw): number[] {
  return [...new Set(partition)].map((set) => partition.filter((other) => other === set).length);
}

function labelsOf(name: string, shape: Shape): string[] {
  const found = normDescriptors.find((descriptor) => descriptor.name === name);
  return (found?.cases(shape) ?? []).map(({ label }) => label);
}

describe.each(normDescriptors)("$name", (descriptor) => {
  test.each(Object.entries(laws))("%s", (_, law) => {
    holds(normDraws(descriptor, tame), law, 30);
  });

  test.each(Object.entries(descriptor.name in setsByNorm ? oracleLaws : plainOracleLaws))("%s", (_, law) => {
    holds(normDraws(descriptor, extreme), law, 30);
  });

  test("has an oracle", () => {
    expect(Object.keys({ ...setsByNorm, ...plainOracles })).toContain(descriptor.name);
  });

  test("the draws reach the traps: sizes, groups, parameters, means and eps at which mistakes hide", () => {
    const kindOf = ({ label }: NormCase): string => label.replace(/\[.*\]|\d/, "");
    // Some norms have other options for [N, C].
    const kinds = new Set(
      [
        [2, 6, 3],
        [4, 6],
      ].flatMap((shape) => descriptor.cases(shape).map(kindOf)),
    );
    const sample = (profile: typeof tame): NormDraw[] =>
      fc.sample(normDraws(descriptor, profile), { seed: SEED, numRuns: Math.max(60, 12 * kinds.size) });
    const count = (draws: readonly NormDraw[], is: (draw: NormDraw) => boolean): number => draws.filter(is).length;
    const statistics = (normCase: NormCase): boolean => new Set(normCase.partition).size < normCase.partition.length;
    const cases = descriptor.cases([2, 6, 3]);
    const ofSets: Readonly<Record<string, (draw: NormDraw) => boolean>> = {
      "sets of more than eight cells": (draw) => Math.max(...sizes(draw)) > 8,
      "set sizes that are no power of two": (draw) => !Number.isInteger(Math.log2(sizes(draw)[0] ?? 1)),
    };
    // Where a norm makes one set of all, a set of two would be an input of two.
    const ofSeveralSets: Readonly<Record<string, (draw: NormDraw) => boolean>> = {
      "more than four sets": (draw) => sizes(draw).length > 4,
      ...(cases.some(statistics) && { "sets of two": (draw: NormDraw) => sizes(draw).includes(2) }),
    };
    const ofParameters: Readonly<Record<string, (draw: NormDraw) => boolean>> = {
      // A weight that multiplies, or what stands in its place: another input than the first. A single one is negative.
      "weights of both signs": ({ normCase, inputs }) => {
        const names = normCase.inputs.map(({ name }) => name);
        const named = names.lastIndexOf("weight");
        const weight = inputs[named > 0 || names.length === 1 ? named : 1];
        if (weight === undefined || Math.min(...weight.data) > 0) return false;
        return weight.data.length === 1 || Math.max(...weight.data) > 0;
      },
    };
    const classes: Readonly<Record<string, (draw: NormDraw) => boolean>> = {
      ...(cases.some(statistics) && ofSets),
      ...(cases.some(({ partition }) => new Set(partition).size > 1) && ofSeveralSets),
      ...(cases.some(({ inputs }) => inputs.length > 1) && ofParameters),
      "dims that all differ": ({ gradOutput: { shape } }) => new Set(shape).size === shape.length,
      "more than one sample": ({ gradOutput: { shape } }) => (shape[0] ?? 0) > 1,
      "a gradOutput of both signs": ({ gradOutput: { data } }) => Math.min(...data) < 0 && Math.max(...data) > 0,
    };
    for (const draws of [sample(tame), sample(extreme)]) {
      for (const [what, is] of Object.entries(classes)) expect(count(draws, is), what).toBeGreaterThanOrEqual(3);
      expect(new Set(draws.map(({ normCase }) => kindOf(normCase)))).toEqual(kinds);
    }
    expect(count(sample(extreme), ({ offset }) => offset === 1e8)).toBeGreaterThanOrEqual(5);
    expect(count(sample(extreme), ({ eps, spread }) => eps === 0 && spread < 1e-6)).toBeGreaterThanOrEqual(5);
  });
});

describe("cases", () => {
  test.each(normDescriptors)("$name: no two cases of a shape have the same label", ({ cases }) => {
    const labels = cases([2, 6, 3]).map(({ label }) => label);
    expect(new Set(labels).size).toBe(labels.length);
  });

  // So small that a norm which divides by eps at least does so.
  test.each(normDescriptors)("$name: eps is 1e-5 unless it is given, in the op and in the pure pair", ({ cases }) => {
    const x = new NdArray(
      Float64Array.from({ length: 36 }, (_, i) => Math.sin(i * i) / 1e8),
      [2, 6, 3],
    );
    const output = (found: readonly NormCase[]): (readonly unknown[])[] =>
      found.map(({ inputs, op, trace }) => {
        const arrays = inputs.map(({ shape }, i) => (i === 0 ? x : NdArray.full(shape, i, "float64")));
        return [op(arrays.map((array) => new Tensor(array))).data, trace(arrays).output.data];
      });
    expect(output(cases(x.shape))).toEqual(output(cases(x.shape, 1e-5)));
    const [one, two] = [1, 2].map((eps) => output(cases(x.shape, eps)));
    // A norm without an eps gives the same for all.
    if (String(one) !== String(two)) expect(output(cases(x.shape))).not.toEqual(output(cases(x.shape, 1e-6)));
  });

  test("a shape with one value a set has no case in training, and those of evaluation", () => {
    const affine = ["weight, bias", "weight", "bias", "no affine"];
    expect(labelsOf("batchNorm", [1, 3])).toEqual(affine.map((has) => `evaluation, ${has}`));
    expect(labelsOf("instanceNorm", [2, 3, 1])).toEqual(affine.map((has) => `running statistics, ${has}`));
    expect(labelsOf("groupNorm", [1, 2])).toEqual(affine.map((has) => `numGroups 1, ${has}`));
    expect(labelsOf("groupNorm", [2, 2])).toHaveLength(8);
    expect(labelsOf("layerNorm", [1, 1])).toHaveLength(8);
  });

  test("a shape that a norm does not take has no case", () => {
    for (const shape of [[], [3], [3, 0]]) {
      for (const name of ["batchNorm", "instanceNorm", "groupNorm"]) expect(labelsOf(name, shape)).toEqual([]);
    }
    expect(labelsOf("instanceNorm", [3, 2])).toEqual([]);
    expect(labelsOf("layerNorm", [])).toEqual([]);
  });
});
