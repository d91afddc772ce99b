/** The tests of the tests: each law rejects the wrong norms that it is there for. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormDescriptor } from "../../src/norms/index.ts";
import { SEED } from "../helpers/generators.ts";
import { mutantCase } from "../helpers/mutantNorm.ts";
import type { Mutation } from "../helpers/mutantNorm.ts";
import { extreme, normDraws, tame } from "../helpers/normDraws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { laws } from "../helpers/normLaws.ts";
import { backwardMutants, forwardMutants } from "../helpers/normMutants.ts";
import { oracleLaws } from "../helpers/normOracleLaws.ts";
import { setsOf } from "../helpers/normOracles.ts";

const RUNS = 60;

/** The draws on which the library is held to a law, but those in evaluation: a mutant of training is not seen there. */
function drawsFor(descriptor: NormDescriptor): (law: string) => readonly NormDraw[] {
  const sample = (profile: typeof tame): NormDraw[] =>
    fc
      .sample(normDraws(descriptor, profile), { seed: SEED, numRuns: RUNS })
      .filter(({ normCase }) => setsOf(normCase).every(({ running }) => running === null));
  const [forLaws, forOracles] = [sample(tame), sample(extreme)];
  return (law) => (law in laws ? forLaws : forOracles);
}

function rejection(mutation: Mutation, name: string, draws: readonly NormDraw[]): string | null {
  const law = laws[name] ?? oracleLaws[name];
  if (law === undefined) throw new RangeError(`no law says "${name}"`);
  for (const draw of draws) {
    try {
      law({ ...draw, normCase: mutantCase(draw.normCase, setsOf(draw.normCase), draw.eps, mutation) });
    } catch (error) {
      return String(error);
    }
  }
  return null;
}

const all = { ...laws, ...oracleLaws };
const mutants = Object.entries({ ...backwardMutants, ...forwardMutants });

describe.each(normDescriptors)("mutants of $name", (descriptor) => {
  const draws = drawsFor(descriptor);

  test.each(Object.keys(all))("the norm that is derived anew obeys: %s", (law) => {
    if (law === "the op on the tape equals the pure pair bit by bit") return;
    expect(rejection({}, law, draws(law))).toBeNull();
  });

  test.each(mutants)("%s is rejected", (_, { mutation, rejectedBy, equivalentFor = [] }) => {
    const equivalent = equivalentFor.includes(descriptor.name);
    for (const law of equivalent ? Object.keys(all) : rejectedBy) {
      const found = rejection(mutation, law, draws(law));
      if (equivalent) expect(found, law).toBeNull();
      else expect(found, law).not.toBeNull();
    }
  });
});
