import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { mersenne } from "pure-rand/generator/mersenne";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { describeValue } from "./format.ts";

/**
 * A seeded source of random numbers: the same seed gives the same numbers on every machine. The Mersenne Twister, whose
 * seeding spreads small seeds over its whole state: a generator that is seeded with s itself begins with nearly the same
 * numbers for s = 0, 1, 2, ….
 *
 * @param seed a 32-bit integer
 * @throws TypeError if the seed is not an integer
 * @example
 * const generator = new Generator(0);
 * randn([2, 3], { generator });
 */
export class Generator {
  #source: RandomGenerator;

  constructor(seed: number) {
    this.#source = sourceOf("Generator", seed);
  }

  /** Starts anew from `seed`. */
  manualSeed(seed: number): this {
    this.#source = sourceOf("manualSeed", seed);
    return this;
  }

  /** Uniform on [0, 1). */
  uniform(): number {
    return uniformFloat64(this.#source);
  }

  /** Normal with mean 0 and variance 1 (Box and Muller, 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A uniform integer from 0 to n − 1. */
  integer(n: number): number {
    if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`integer: expected n of 1 or more, got ${n}`);
    return uniformInt(this.#source, 0, n - 1);
  }

  /** 0, …, n − 1 in random order (Fisher and Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swapped = order[i] ?? 0;
      order[i] = order[j] ?? 0;
      order[j] = swapped;
    }
    return order;
  }
}

function sourceOf(name: string, seed: number): RandomGenerator {
  if (!Number.isInteger(seed)) throw new TypeError(`${name}: expected an integer as seed, got ${describeValue(seed)}`);
  return mersenne(seed);
}

export function checkGenerator(name: string, generator: Generator): Generator {
  if (generator instanceof Generator) return generator;
  throw new TypeError(`${name}: expected a generator, as new Generator(0), got ${describeValue(generator)}`);
}

/** What is used where no generator is passed. */
export const defaultGenerator: Generator = new Generator(0);

/**
 * Seeds the generator that `rand`, `randn`, initial weights and dropout draw from where none is passed, and answers it.
 * Before the first call its seed is 0.
 *
 * @throws TypeError if the seed is not an integer
 * @example
 * const [first, again] = [1, 2].map(() => (manualSeed(7), randn([1]).item()));
 * first === again; // true
 */
export function manualSeed(seed: number): Generator {
  return defaultGenerator.manualSeed(seed);
}
