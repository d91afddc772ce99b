import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { apply, NdArray, ones, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num, Tensor, Traced } from "../../src/autograd/index.ts";
import {
  batchNormDescriptor,
  runningNormBackward,
  runningNormForward,
  updateRunningStats,
} from "../../src/norms/index.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { channelShape, nonChannelDims } from "../../src/norms/channels.ts";
import { commitRunningStats, exampleRunningStats } from "../../src/norms/runningStats.ts";
import { arrayOf, holds, SEED } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { extreme, normDraws, tame } from "../helpers/normDraws.ts";
import { expectFixture, normFixtures } from "../helpers/normFixtures.ts";
import type { FixtureInputs, NormFixture } from "../helpers/normFixtures.ts";
import { laws } from "../helpers/normLaws.ts";
import { oracleLaws } from "../helpers/normOracleLaws.ts";
import { setsOf } from "../helpers/normOracles.ts";

interface Update {
  readonly running: NdArray;
  readonly batch: NdArray;
  readonly momentum: number;
}

const updates: fc.Arbitrary<Update> = fc.record({
  running: arrayOf([3]),
  batch: arrayOf([3]),
  momentum: fc.integer({ min: 0, max: 16 }).map((sixteenths) => sixteenths / 16),
});

describe("updateRunningStats", () => {
  const expectWeighted = (update: typeof updateRunningStats, { running, batch, momentum }: Update): void => {
    const expected = Array.from(running.data, (old, c) => (1 - momentum) * old + momentum * (batch.data[c] ?? NaN));
    expectClose("running", update(running, batch, { momentum }), new NdArray(Float64Array.from(expected), [3]), 1e-15);
  };

  test("weighs the new value by momentum, and the old one by the rest", () => {
    holds(updates, (drawn) => expectWeighted(updateRunningStats, drawn));
  });

  test("… and a momentum that weighs the old value is noticed", () => {
    const inverted: typeof updateRunningStats = (running, batch, { momentum }) =>
      updateRunningStats(running, batch, { momentum: 1 - momentum });
    expect(() => holds(updates, (drawn) => expectWeighted(inverted, drawn))).toThrow(/Property failed/);
  });

  test("stays between the two", () => {
    holds(updates, ({ running, batch, momentum }) => {
      updateRunningStats(running, batch, { momentum }).data.forEach((value, c) => {
        const ends = [running.data[c] ?? NaN, batch.data[c] ?? NaN];
        expect(value).toBeGreaterThanOrEqual(Math.min(...ends) - 1e-15);
        expect(value).toBeLessThanOrEqual(Math.max(...ends) + 1e-15);
      });
    });
  });

  test("changes neither array, and keeps the running one's dtype, rounding once", () => {
    holds(updates, ({ running, batch, momentum }) => {
      const [before, given] = [running.data.slice(), batch.data.slice()];
      const wide = updateRunningStats(running.to("float32").to("float64"), batch, { momentum });
      const narrow = updateRunningStats(running.to("float32"), batch, { momentum });
      expect(narrow.data).toEqual(Float32Array.from(wide.data));
      expect([running.data, batch.data]).toEqual([before, given]);
    });
  });
});

describe("commitRunningStats", () => {
  test("assigns to the tensors that are there, and nothing for an empty batch", () => {
    const [runningMean, runningVar] = [zeros([2]), ones([2])];
    commitRunningStats(runningMean, runningVar, [], 0.5);
    expect([runningMean.toArray(), runningVar.toArray()]).toEqual([
      [0, 0],
      [1, 1],
    ]);
    const batch = [tensor([2, 4]).value, tensor([3, 5]).value];
    commitRunningStats(runningMean, null, batch, 0.5);
    commitRunningStats(null, runningVar, batch, 0.5);
    expect([runningMean.toArray(), runningVar.toArray()]).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });
});

describe("runningNormForward and runningNormBackward", () => {
  test("are an affine map and its transpose, by hand", () => {
    const x = tensor([
      [3, 10],
      [7, 40],
    ]).value;
    const [mean, variance] = [tensor([1, 10]).value, tensor([4, 100]).value];
    const [weight, bias] = [tensor([3, 5]).value, tensor([7, 9]).value];
    const { output, saved } = runningNormForward(x, mean, variance, weight, bias, { eps: 0 });
    expect([...output.data]).toEqual([10, 9, 16, 24]);
    const g = tensor([
      [1, 2],
      [4, 8],
    ]).value;
    const gradients = runningNormBackward(g, saved).map((gradient) => Array.from(gradient?.data ?? []));
    expect(gradients).toEqual([
      [1.5, 1, 6, 4],
      [1 * 1 + 4 * 3, 8 * 3],
      [5, 10],
    ]);
    const without = runningNormForward(x, mean, variance, null, null, { eps: 0 });
    expect(runningNormBackward(g, without.saved).slice(1)).toEqual([null, null]);
  });

  /** Evaluation with a part replaced. */
  const evaluate = (
    normCase: NormCase,
    eps: number,
    {
      forward,
      backward,
    }: {
      forward?: <A extends Num<A>>(x: A, mean: A, rstd: A) => A;
      backward?: <A extends Num<A>>(g: A, rstd: A, xhat: A) => A;
    },
  ): NormCase => {
    const { mean, variance } = exampleRunningStats(normCase.inputs[0]?.shape[1] ?? 0);
    const rule = <A extends Num<A>>(x: A): Traced<A, readonly [A]> => {
      const perChannel = channelShape(x.shape);
      const running = (values: readonly number[]): A => x.constant(() => values, perChannel);
      const rstd = running(variance).add(eps).rsqrt();
      const xhat = x.sub(running(mean)).mul(rstd);
      return {
        output: forward ? forward(x, running(mean), rstd) : xhat,
        pullback: (g) => [backward ? backward(g, rstd, xhat) : g.mul(rstd)],
      };
    };
    return {
      ...normCase,
      trace: (inputs) => {
        const { output, pullback } = rule(inputs[0]!);
        return { ...normCase.trace(inputs), output, pullback };
      },
      op: ([x]) => apply("mutant", { rule }, x!),
    };
  };
  const overChannel = <A extends Num<A>>(a: A): A => a.mean(nonChannelDims(a.shape), true);

  const DIFFERENCES = "the backward is that of finite differences";
  const EXACT = "each gradient is the derivative in sixty digits";
  const VALUE = "the output is the plain-loop oracle's";
  const mutants: Readonly<Record<string, readonly [Parameters<typeof evaluate>[2], readonly string[]]>> = {
    "the backward of training": [
      {
        backward: (g, rstd, xhat) =>
          g
            .sub(overChannel(g))
            .sub(xhat.mul(overChannel(g.mul(xhat))))
            .mul(rstd),
      },
      [DIFFERENCES, EXACT],
    ],
    "the mean term of training": [{ backward: (g, rstd) => g.sub(overChannel(g)).mul(rstd) }, [DIFFERENCES, EXACT]],
    "rstd twice": [{ backward: (g, rstd) => g.mul(rstd).mul(rstd) }, [DIFFERENCES, EXACT]],
    "the batch's mean": [{ forward: (x, _, rstd) => x.center(nonChannelDims(x.shape)).mul(rstd) }, [VALUE]],
  };

  const plainDraws = (profile: typeof tame): ReturnType<typeof normDraws> =>
    normDraws(batchNormDescriptor, profile).filter(({ normCase }) => normCase.label === "evaluation, no affine");
  const rejects = (law: string, change: Parameters<typeof evaluate>[2]): boolean => {
    const draws = fc.sample(plainDraws(law in laws ? tame : extreme), { seed: SEED, numRuns: 20 });
    return draws.some((draw) => {
      try {
        (laws[law] ?? oracleLaws[law])?.({ ...draw, normCase: evaluate(draw.normCase, draw.eps, change) });
        return false;
      } catch {
        return true;
      }
    });
  };

  test.each(Object.entries(mutants))("evaluation with %s is rejected", (_, [change, rejectedBy]) => {
    for (const law of rejectedBy) expect(rejects(law, change), law).toBe(true);
  });

  test("a mean that is subtracted after the multiplication cancels, and is noticed at large means", () => {
    const wrong = ({ x, runningMean, runningVar, weight, bias }: FixtureInputs, eps: number): Tensor => {
      const perChannel = channelShape(x.shape);
      const scale = runningVar!
        .add(eps)
        .rsqrt()
        .mul(weight ?? 1);
      const shift = runningMean!
        .mul(scale)
        .neg()
        .add(bias ?? 0);
      return x.mul(scale.reshape(perChannel)).add(shift.reshape(perChannel));
    };
    const fixtures = normFixtures("batchNorm", "float64").filter(({ inputs }) => inputs.runningMean);
    const judge = (fixture: NormFixture): void => {
      expectFixture(fixture, (inputs) => wrong(inputs, fixture.options.eps));
    };
    for (const fixture of fixtures)
      if (fixture.mean >= 1e4 && fixture.spread <= 1) expect(() => judge(fixture)).toThrow(/output/);
    expect(fixtures.filter(({ mean }) => mean >= 1e4).length).toBeGreaterThan(3);
  });

  test("… and the right one, written the same way, is not", () => {
    for (const law of [DIFFERENCES, EXACT, VALUE]) expect(rejects(law, {}), law).toBe(false);
  });
});

describe("exampleRunningStats", () => {
  test("is never 0 or 1, and the sets of a case use them", () => {
    const { mean, variance } = exampleRunningStats(50);
    for (const value of [...mean, ...variance]) expect([0, 1]).not.toContain(value);
    expect(Math.min(...variance)).toBeGreaterThan(0);
    const evaluation = batchNormDescriptor.cases([2, 3]).find(({ label }) => label.startsWith("evaluation"));
    const running = evaluation && setsOf(evaluation).map((set) => set.running);
    expect(running).toEqual([0, 1, 2].map((c) => ({ mean: mean[c], variance: variance[c] })));
  });
});
