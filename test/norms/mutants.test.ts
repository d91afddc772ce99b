/** The tests of the tests: each law rejects the wrong norms that it is there for. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply } from "../../src/autograd/index.ts";
import type { Num, Traced } from "../../src/autograd/index.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import type { NormCase, NormDescriptor } from "../../src/norms/index.ts";
import { SEED } from "../helpers/generators.ts";
import { mutantCase } from "../helpers/mutantNorm.ts";
import { extreme, normDraws, tame } from "../helpers/normDraws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { laws } from "../helpers/normLaws.ts";
import { backwardMutants, forwardMutants } from "../helpers/normMutants.ts";
import { oracleLaws } from "../helpers/normOracleLaws.ts";
import { setsByNorm, setsOf } from "../helpers/normOracles.ts";

const allLaws = { ...laws, ...oracleLaws };

/** The draws on which the library is held to a law, but those in evaluation: a mutant of training is not seen there. */
function drawsFor(descriptor: NormDescriptor): (law: string) => readonly NormDraw[] {
  const sample = (profile: typeof tame): NormDraw[] =>
    fc
      .sample(normDraws(descriptor, profile), { seed: SEED, numRuns: 60 })
      .filter(({ normCase }) => setsOf(normCase).every(({ running }) => running === null));
  const [forLaws, forOracles] = [sample(tame), sample(extreme)];
  return (law) => (law in laws ? forLaws : forOracles);
}

/** What the law says against the case that `change` makes of each draw's, or null if it accepts all. */
function rejection(law: string, draws: readonly NormDraw[], change: (draw: NormDraw) => NormCase): string | null {
  for (const draw of draws) {
    try {
      allLaws[law]?.({ ...draw, normCase: change(draw) });
    } catch (error) {
      return String(error);
    }
  }
  return null;
}

/** Mistakes of the wrapping: for each law one that no replaced formula makes. */
const badWrappings: Readonly<Record<string, (draw: NormDraw) => NormCase>> = {
  "the op on the tape equals the pure pair: bit by bit by formula, but for rounding by kernel": ({ normCase }) => ({
    ...normCase,
    op: (inputs) => normCase.op(inputs).mul(1 + 2 ** -52),
  }),
  "float32 is computed in float64 and rounded once": ({ normCase, eps }) =>
    mutantCase(normCase, setsOf(normCase), eps, { narrow: true }),
  "reverse over reverse is forward over reverse, by gradOutput too": ({ normCase, eps }) => ({
    ...normCase,
    op: mutantCase(normCase, setsOf(normCase), eps, backwardMutants["saved statistics detached"]?.mutation).op,
  }),
  "createGraph changes neither gradients nor later results": ({ normCase }) => {
    let runs = 0;
    const rule = <A extends Num<A>>(y: A): Traced<A, readonly [A]> => {
      runs += 1;
      const factor = runs;
      return { output: y.mul(factor), pullback: (g) => [g.mul(factor)] };
    };
    return { ...normCase, op: (inputs) => apply("counts its runs", { rule }, normCase.op(inputs)) };
  },
  "no array is written to": ({ normCase }) => ({
    ...normCase,
    op: (inputs) => {
      const output = normCase.op(inputs);
      inputs[0]?.data.fill(0);
      return output;
    },
  }),
  "direct + viaMean + viaVariance = gradInput": ({ normCase }) => ({
    ...normCase,
    trace: (inputs) => {
      const trace = normCase.trace(inputs);
      return { ...trace, terms: (g) => ({ ...trace.terms(g), direct: trace.terms(g).direct.mul(1 + 1e-9) }) };
    },
  }),
  "what the definition holds constant changes nothing where it is held": ({ normCase }) => ({
    ...normCase,
    held: () => (inputs) => normCase.op(inputs).mul(1 + 2 ** -52),
  }),
  "each term is the derivative along its path, the others frozen": ({ normCase }) => ({
    ...normCase,
    trace: (inputs) => {
      const trace = normCase.trace(inputs);
      const swapped = (g: Parameters<typeof trace.terms>[0]): ReturnType<typeof trace.terms> => {
        const { direct, viaMean, viaVariance } = trace.terms(g);
        return { direct, viaMean: viaVariance, viaVariance: viaMean };
      };
      return { ...trace, terms: swapped };
    },
  }),
};

const mutants = Object.entries({ ...backwardMutants, ...forwardMutants });

// The norms that are derived anew: those with one mean and one variance of each set. The others have tests of their own.
const derivedAnew = normDescriptors.filter(({ name }) => name in setsByNorm);

describe.each(derivedAnew)("mutants of $name", (descriptor) => {
  const draws = drawsFor(descriptor);

  test.each(Object.keys(allLaws))("the norm that is derived anew, with nothing replaced, obeys: %s", (law) => {
    const anew = ({ normCase, eps }: NormDraw): NormCase => mutantCase(normCase, setsOf(normCase), eps);
    expect(rejection(law, draws(law).slice(0, 20), anew)).toBeNull();
  });

  test.each(mutants)("%s is rejected", (_, { mutation, rejectedBy, equivalentFor = [] }) => {
    const change = ({ normCase, eps }: NormDraw): NormCase => mutantCase(normCase, setsOf(normCase), eps, mutation);
    for (const law of rejectedBy) {
      if (equivalentFor.includes(descriptor.name)) {
        expect(rejection(law, draws(law).slice(0, 20), change), law).toBeNull();
      } else {
        expect(rejection(law, draws(law), change), law).not.toBeNull();
      }
    }
  });

  test.each(Object.entries(badWrappings))("a mistake in the wrapping is rejected by: %s", (law, change) => {
    expect(rejection(law, draws(law), change)).not.toBeNull();
  });
});

test("every law is seen to reject something", () => {
  const rejecting = new Set([...Object.keys(badWrappings), ...mutants.flatMap(([, { rejectedBy }]) => rejectedBy)]);
  expect([...rejecting].toSorted()).toEqual(Object.keys(allLaws).toSorted());
});
