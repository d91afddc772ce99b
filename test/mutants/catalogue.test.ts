/** The catalogue is what it says, the right norms pass where mutants are judged, and mutants of each kind are found. */
import { describe, expect, test } from "vitest";
import { checkOp } from "../../src/gradcheck/index.ts";
import { FAULTS } from "../../src/gradcheck/fault.ts";
import { catalogue, pairs } from "./catalogue.ts";
import { designs, isKilledBy } from "./designs.ts";
import { checkPair, pairOf } from "./judgePair.ts";
import { GROUPS, NORMS } from "./mutant.ts";
import type { NormName } from "./mutant.ts";
import { renormSeries } from "./renormMutants.ts";
import { atSecondOrder, inBackward, inForward } from "./specimen.ts";
import { evaluation, series } from "./stateMutants.ts";

describe("the catalogue", () => {
  test("has at least 60 mutants, and each name once", () => {
    expect(catalogue.length).toBeGreaterThanOrEqual(60);
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });

  test("has every group, and plants only faults of the closed list", () => {
    expect(new Set(catalogue.map(({ group }) => group))).toEqual(new Set(GROUPS));
    expect(catalogue.filter(({ planted }) => !Object.hasOwn(FAULTS, planted))).toEqual([]);
  });

  test("names the source of every real bug", () => {
    const bugs = catalogue.filter(({ group }) => group === "real bugs");
    expect(bugs.filter(({ source }) => source === undefined)).toEqual([]);
    expect(new Set(bugs.map(({ source }) => source)).size).toBe(17);
  });

  test("calls a mutant equivalent only on norms that it is planted in, with a proof", () => {
    for (const { norms, equivalent } of catalogue) {
      if (equivalent === undefined) continue;
      expect(norms).toEqual(expect.arrayContaining([...equivalent.norms]));
      expect(equivalent.proof).not.toBe("");
    }
  });
});

describe("what is right passes on the domain of the mutants", () => {
  const right = { raiseException: false, runs: 12 } as const;

  test.each(NORMS)("%s, its hand-written backward and its forward", (norm) => {
    expect(checkOp(norm, inBackward({})(norm).spec, right).report).toMatch(/^ok/);
    expect(checkOp(norm, inForward({})(norm).spec, right).report).toMatch(/^ok/);
  });

  test.each(["batchNorm", "instanceNorm"] as const)("%s over a series of calls", (norm) => {
    expect(checkOp(norm, series({})(norm).spec, right).report).toMatch(/^ok/);
    expect(checkOp(norm, evaluation({})(norm).spec, right).report).toMatch(/^ok/);
  });

  test("batchRenorm over a series of calls", () => {
    expect(checkOp("batchRenorm", renormSeries({}).spec, right).report).toMatch(/^ok/);
  });

  test("the other designs accept it, too", () => {
    const makes = [
      ...NORMS.map((norm) => inBackward({})(norm)),
      inForward({})("groupNorm"),
      ...(["batchNorm", "instanceNorm"] as const).flatMap((norm) => [series({})(norm), evaluation({})(norm)]),
      renormSeries({}),
      atSecondOrder({})("layerNorm"),
    ];
    const killed = makes.flatMap((specimen, i) =>
      designs.filter((design) => isKilledBy(design, specimen, 1)).map(({ name }) => `${name} ${i}`),
    );
    expect(killed).toEqual([]);
  });

  test("equivalent mutants are let through", () => {
    const equivalents = pairs.filter(({ mutant, norm }) => mutant.equivalent?.norms.includes(norm));
    expect(equivalents.length).toBeGreaterThan(4);
    for (const pair of equivalents) expect(checkPair(pair, 10).report).toMatch(/^ok/);
  });
});

test.each<[mutant: string, norm: NormName]>([
  ["mean term dropped", "layerNorm"],
  ["weight outside of the reductions", "groupNorm"],
  ["n is the next power of two", "rmsNorm"],
  ["forward: unbiased variance", "batchNorm"],
  ["batches counted too late", "batchNorm"],
  ["logits without softmax", "switchableNorm"],
  ["style's mean without a gradient", "adaptiveInstanceNorm"],
  ["rows overwritten, not added up", "conditionalInstanceNorm"],
  ["scale taken for 1 + scale", "adaptiveLayerNorm"],
  ["r and d from running statistics after the update", "batchRenorm"],
  ["tau's gradient where y > tau", "filterResponseNorm"],
  ["eps inside in the backward, outside in the forward", "weightStandardization"],
  ["the window not mirrored", "localResponseNorm"],
  ["path through the norm where it is clamped", "normalize"],
  ["gradG from the direction over ‖v‖", "weightNorm"],
  ["uvᵀ not put back into the order of the weight", "spectralNorm"],
  ["RMSNorm's √d in the backward", "scaleNorm"],
  ["1 − tanh for 1 − tanh²", "dynamicTanh"],
  ["pytorch #186256: saved statistics are constants at second order", "instanceNorm"],
  ["MLX #3220: the absent bias gets a gradient of the weight's shape", "layerNorm"],
])("%s is found in %s", (mutant, norm) => {
  expect(checkPair(pairOf({ mutant, norm })).killed).toBe(true);
});
