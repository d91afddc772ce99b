import fc from "fast-check";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { describe, expect, test } from "vitest";
import { Generator, manualSeed, rand, randn } from "../../src/autograd/index.ts";
import { holds } from "../helpers/generators.ts";
import { breaks } from "../helpers/planted.ts";

const seeds = fc.integer();
const list = (n: number, next: () => number): number[] => Array.from({ length: n }, next);

/** Drawn one after the other from seed 0. */
const PINNED = {
  uniform: [0.12406416194182224, 0.7721193584278794, 0.5768557109573459],
  normal: [1.5316753787862896, 0.9064343348190224, -0.17863411493263553],
  integer: [42, 81, 78, 71, 43],
  permutation: [0, 3, 2, 5, 1, 4],
};

describe("Generator", () => {
  test("the same seed gives the same numbers", () => {
    holds(seeds, (seed) => {
      const draw = (generator: Generator): unknown[] => [
        list(5, () => generator.uniform()),
        list(5, () => generator.normal()),
        generator.permutation(7),
      ];
      expect(draw(new Generator(seed))).toEqual(draw(new Generator(seed)));
      expect(draw(new Generator(seed))).not.toEqual(draw(new Generator(seed ^ 1)));
    });
  });

  test("manualSeed starts anew", () => {
    const generator = new Generator(1);
    const first = list(5, () => generator.uniform());
    expect(list(5, () => generator.manualSeed(1).uniform())).toEqual(Array.from({ length: 5 }, () => first[0]));
    expect(list(5, () => generator.uniform())).toEqual([...first.slice(1), expect.any(Number)]);
  });

  // The Mersenne Twister's first 32-bit words for seed 5489 are 3499211612, 581869302, …: uniform takes 26 + 27 bits.
  test("is the Mersenne Twister", () => {
    const [high, low] = [3499211612 & 0x3ffffff, 581869302 & 0x7ffffff];
    expect(new Generator(5489).uniform()).toBe((high * 2 ** 27 + low) / 2 ** 53);
  });

  test("a few numbers, for good: results that were published with a seed must come again", () => {
    const generator = new Generator(0);
    expect(list(3, () => generator.uniform())).toEqual(PINNED.uniform);
    expect(list(3, () => generator.normal())).toEqual(PINNED.normal);
    expect(list(5, () => generator.integer(100))).toEqual(PINNED.integer);
    expect([...generator.permutation(6)]).toEqual(PINNED.permutation);
  });

  test("uniform stays in [0, 1) and integer in its range", () => {
    holds(fc.tuple(seeds, fc.integer({ min: 1, max: 2 ** 40 })), ([seed, n]) => {
      const generator = new Generator(seed);
      for (const value of list(50, () => generator.uniform())) expect(value >= 0 && value < 1).toBe(true);
      for (const value of list(50, () => generator.integer(n))) {
        expect(Number.isInteger(value) && value >= 0 && value < n).toBe(true);
      }
    });
  });

  /** The mean of the first numbers of 2,000 neighbouring seeds: 0.5 ± 0.0065. Within six deviations. */
  function expectSpread(first: (seed: number) => number): void {
    const numbers = Array.from({ length: 2000 }, (_, seed) => first(seed));
    const mean = numbers.reduce((a, b) => a + b, 0) / 2000;
    const moving = numbers.reduce((sum, value, i) => sum + Math.abs(value - (numbers[i - 1] ?? value)), 0) / 1999;
    // Two independent uniform numbers are 1/3 apart on average.
    if (Math.abs(mean - 0.5) > 0.04 || Math.abs(moving - 1 / 3) > 0.04) {
      throw new Error(`seeds: first numbers have mean ${mean} and differ by ${moving}`);
    }
  }

  test("the first numbers of neighbouring seeds have nothing to do with each other", () => {
    expectSpread((seed) => new Generator(seed).uniform());
  });

  test("a generator that takes the seed for its state would be found", () => {
    expect(() => expectSpread((seed) => uniformFloat64(xoroshiro128plus(seed)))).toThrow(
      "first numbers have mean 0.99",
    );
  });

  /** Moments of 20,000 numbers: each within six standard errors, which are √(var/n). */
  function expectMoments(
    numbers: readonly number[],
    moments: readonly (readonly [mean: number, variance: number])[],
  ): void {
    moments.forEach(([mean, variance], k) => {
      const found = numbers.reduce((sum, value) => sum + value ** (k + 1), 0) / numbers.length;
      const error = Math.sqrt(variance / numbers.length);
      if (Math.abs(found - mean) > 6 * error)
        throw new Error(`moment ${k + 1}: expected ${mean} ± ${error}, got ${found}`);
    });
  }
  // E[xᵏ] and var[xᵏ] = E[x²ᵏ] − E[xᵏ]²: 1/(k+1) for uniform; 0, 1, 0, 3 with E[x⁶] = 15 and E[x⁸] = 105 for normal.
  const UNIFORM = [1, 2, 3, 4].map((k): [number, number] => [1 / (k + 1), 1 / (2 * k + 1) - 1 / (k + 1) ** 2]);
  const NORMAL: readonly (readonly [number, number])[] = [
    [0, 1],
    [1, 2],
    [0, 15],
    [3, 96],
  ];

  test("uniform and normal numbers have the moments of their distributions", () => {
    const generator = new Generator(7);
    expectMoments(
      list(20_000, () => generator.uniform()),
      UNIFORM,
    );
    expectMoments(
      list(20_000, () => generator.normal()),
      NORMAL,
    );
  });

  test("normal numbers whose variance is 10 % off would be found", () => {
    const generator = new Generator(7);
    expect(() =>
      expectMoments(
        list(20_000, () => generator.normal() * 1.05),
        NORMAL,
      ),
    ).toThrow("moment 2");
    expect(() =>
      expectMoments(
        list(20_000, () => generator.uniform() ** 1.1),
        UNIFORM,
      ),
    ).toThrow("moment 1");
  });

  const isPermutation =
    (draw: (seed: number, n: number) => Int32Array) =>
    ([seed, n]: readonly [number, number]): void => {
      const sorted = draw(seed, n).toSorted();
      if (sorted.length !== n || sorted.some((value, i) => value !== i))
        throw new Error("permutation: not one of 0 … n−1");
    };

  test("permutation holds each of 0, …, n − 1 once", () => {
    const draws = fc.tuple(seeds, fc.nat(40));
    holds(
      draws,
      isPermutation((seed, n) => new Generator(seed).permutation(n)),
    );
    breaks(
      draws,
      isPermutation((seed, n) => new Generator(seed).permutation(n).fill(0, 0, 1)),
      /not one of/,
    );
  });

  test("each of the six permutations of three comes up a sixth of the time", () => {
    const generator = new Generator(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = String(generator.permutation(3));
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // √(6000 · 1/6 · 5/6) = 29: within six deviations.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(174);
  });

  test.each([0, -1, 1.5, NaN, 2 ** 60])("integer(%d) has no integer to draw", (n) => {
    expect(() => new Generator(0).integer(n)).toThrow(new RangeError(`integer: expected n of 1 or more, got ${n}`));
  });

  test.each([0.5, NaN, Infinity])("%d is no seed", (seed) => {
    expect(() => new Generator(seed)).toThrow(new TypeError(`Generator: expected an integer as seed, got ${seed}`));
    expect(() => manualSeed(seed)).toThrow(new TypeError(`manualSeed: expected an integer as seed, got ${seed}`));
  });
});

describe("manualSeed", () => {
  test("seeds what rand and randn draw from by default", () => {
    manualSeed(3);
    const first = [...rand([4]).data, ...randn([4]).data];
    const generator = manualSeed(3);
    expect([...rand([4]).data, ...randn([4]).data]).toEqual(first);
    generator.manualSeed(3);
    expect([...rand([4], { generator: new Generator(3) }).data]).toEqual(first.slice(0, 4));
    expect([...rand([4]).data]).toEqual(first.slice(0, 4));
  });
});
