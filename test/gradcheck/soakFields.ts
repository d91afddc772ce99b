/**
 * `npm run soak:fields`: the laws of the verifier's numbers on as many draws as a minute or two allows, a million of them
 * arithmetic. Prints the worst that it has met; the first broken law ends it.
 *
 * @example
 * npm run soak:fields -- 7 0.1   // another seed, a tenth of the draws
 */
import { Presets, SingleBar } from "cli-progress";
import fc from "fast-check";
import { Generator } from "normgrad";
import { normDescriptors } from "normgrad/norms";
import { erf } from "../../src/autograd/erf.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import { given } from "../helpers/given.ts";
import { normDraws } from "../helpers/normDraws.ts";
import { ops } from "../helpers/opCases.ts";
import { drawOperands, errorOf, OPERATIONS, publishedBound } from "./doubleDoubleLaws.ts";
import { exactly } from "./dyadic.ts";
import { elementary } from "./elementary.ts";
import { drawArgument, errorOfFunction, STATED } from "./elementaryLaws.ts";
import { FUNCTIONS } from "./reference.ts";
import { chainDraws, hard, opDraws } from "./trackedDraws.ts";
import { both, expectWithinBound, NOTHING_SEEN } from "./trackedLaws.ts";

const SEED = Number(process.argv[2] ?? 1);
const SHARE = Number(process.argv[3] ?? 1);

interface Part {
  readonly name: string;
  readonly count: number;
  readonly run: (i: number) => void;
  /** What it has found, a line each. */
  readonly found: () => readonly string[];
}

/** The largest number seen under each name. */
class Worst {
  readonly #largest = new Map<string, number>();

  see(name: string, value: number): void {
    this.#largest.set(name, Math.max(value, this.#largest.get(name) ?? 0));
  }

  lines(unit: string, limit: (name: string) => number): string[] {
    return Array.from(
      this.#largest,
      ([name, value]) => `${name}: ${value.toFixed(3)}${unit} of ${limit(name).toFixed(3)}${unit}`,
    );
  }
}

function pick<T>(list: readonly T[], i: number): T {
  return given(list[i % list.length]);
}

function arithmetic(): Part {
  const random = new Generator(SEED);
  const worst = new Worst();
  return {
    name: "arithmetic",
    count: 1_000_000,
    run: (i) => {
      const operation = pick(OPERATIONS, i);
      worst.see(operation, errorOf(operation, doubleDouble, ...drawOperands(operation, random, new Map())));
    },
    found: () => worst.lines(" u²", (name) => publishedBound(given(OPERATIONS.find((own) => own === name)))),
  };
}

function functions(): Part {
  const random = new Generator(SEED);
  const worst = new Worst();
  return {
    name: "functions",
    count: 400_000,
    run: (i) => {
      const name = pick(FUNCTIONS, i);
      const x = drawArgument(name, random);
      worst.see(name, errorOfFunction(name, doubleDouble, x, elementary[name](exactly(x))));
    },
    found: () => worst.lines(" u²", () => STATED),
  };
}

/** What tracked.ts says of the doubles' own functions. */
const library: readonly (readonly [string, number, (x: number) => number, (x: DoubleDouble) => DoubleDouble])[] = [
  ["Math.exp", 2, Math.exp, doubleDouble.exp],
  ["Math.log", 2, Math.log, doubleDouble.log],
  ["Math.tanh", 5, Math.tanh, doubleDouble.tanh],
  ["erf", 20, erf, doubleDouble.erf],
  ...[2, 3, -1, -2, 2.5, -1.5, 0.3].map(
    (p) =>
      [
        `x ** ${p}`,
        Math.max(2, Math.abs(p)),
        (x: number) => x ** p,
        (x: DoubleDouble) => doubleDouble.pow(x, p),
      ] as const,
  ),
];

/** Where some of them are worst. */
const worstNear = new Map<string, readonly [number, number]>([
  ["Math.tanh", [0.1, 0.5]],
  ["erf", [1.8, 2]],
]);

function doubles(): Part {
  const random = new Generator(SEED);
  const worst = new Worst();
  return {
    name: "functions of doubles",
    count: 4_400_000,
    run: (i) => {
      const [name, limit, f, exact] = pick(library, i);
      const [from, to] = random.integer(2) === 0 ? [0.1, 10] : (worstNear.get(name) ?? [0.5, 2]);
      const x = from * (to / from) ** random.uniform();
      const { hi, lo } = exact(doubleDouble.of(x));
      const units = hi === 0 ? 0 : Math.abs((f(x) - hi - lo) / hi) * 2 ** 53;
      if (!(units <= limit)) throw new Error(`${name} of ${x}: expected at most ${limit}u, got ${units}u`);
      worst.see(name, units);
    },
    found: () => worst.lines("u", (name) => given(library.find(([own]) => own === name))[1]),
  };
}

/** Draws of fast-check, a few at a time. */
function tracking<T>(
  name: string,
  arbitraries: readonly (readonly [string, fc.Arbitrary<T>])[],
  count: number,
  check: (draw: T) => ReturnType<typeof expectWithinBound>,
): Part {
  const seen = new Map(arbitraries.map(([own]) => [own, NOTHING_SEEN]));
  return {
    name,
    count,
    run: (i) => {
      const [own, arbitrary] = pick(arbitraries, i);
      for (const draw of fc.sample(arbitrary, { seed: SEED * 1_000_003 + i, numRuns: 10 })) {
        seen.set(own, both(given(seen.get(own)), check(draw)));
      }
    },
    found: () => {
      const total = [...seen.values()].reduce(both);
      const [worst] = [...seen].toSorted(([, a], [, b]) => b.worst - a.worst);
      return [
        `${total.components} components, 0 outside of the bound, ${total.unbounded} without one`,
        `largest error/bound ${total.worst.toFixed(6)} (${given(worst)[0]})`,
      ];
    },
  };
}

const parts: readonly Part[] = [
  arithmetic(),
  functions(),
  doubles(),
  tracking(
    "tracked ops",
    Object.keys(ops).map((name) => [name, opDraws(name)] as const),
    2000,
    ({ what, formula, inputs }) => expectWithinBound(what, formula, inputs),
  ),
  tracking("tracked chains", [["chains", chainDraws]], 2000, ({ what, formula, inputs }) => {
    return expectWithinBound(what, formula, inputs);
  }),
  tracking(
    "tracked gradients of norms",
    normDescriptors.map((descriptor) => [descriptor.name, normDraws(descriptor, hard)] as const),
    800,
    ({ normCase, inputs, gradOutput }) =>
      expectWithinBound(
        `${normCase.norm}, ${normCase.label}`,
        ([g, ...rest]) => normCase.trace(rest).pullback(given(g)).map(given),
        [gradOutput, ...inputs],
      ),
  ),
];

const bar = new SingleBar({ format: "{bar} {percentage}%  {eta_formatted} left  {part}" }, Presets.shades_classic);
const lines: string[] = [];
const total = parts.reduce((sum, { count }) => sum + Math.ceil(count * SHARE), 0);
bar.start(total, 0, { part: "" });
for (const { name, count, run, found } of parts) {
  const steps = Math.ceil(count * SHARE);
  const started = performance.now();
  for (let i = 0; i < steps; i++) {
    run(i);
    if (i % 1000 === 999) bar.increment(1000, { part: name });
  }
  bar.increment(steps % 1000, { part: name });
  lines.push(
    `${name}: ${steps} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
    ...found().map((l) => `  ${l}`),
  );
}
bar.stop();
console.log(lines.join("\n"));
