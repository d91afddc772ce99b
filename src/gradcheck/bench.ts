/** An op on the bench of a diagnosis: what can be tried with it. */
import { NdArray } from "../autograd/ndarray.ts";
import type { Case, Domain } from "./cases.ts";
import type { Verdict } from "./checkCase.ts";
import type { Diagnosis, Fault } from "./fault.ts";
import { jacobiansOf } from "./jacobian.ts";
import type { Jacobian } from "./jacobian.ts";
import { plainCase } from "./plainCase.ts";
import type { Pair } from "./signs.ts";
import type { AnySettings, Subject } from "./subject.ts";

export interface Bench {
  readonly domain: Domain;
  readonly judge: (drawn: Case) => Verdict;
  readonly subject: (drawn: Case) => Subject;
  /** Draws of the domain, traps among them. */
  readonly draws: readonly Case[];
}

/** Jacobians larger than this take too long. */
const MOST_CELLS = 64;
export function say(fault: Fault, evidence: string): Diagnosis {
  return { fault, evidence };
}

export function isWrong(bench: Bench, drawn: Case): boolean {
  try {
    return typeof bench.judge(drawn) === "object";
  } catch {
    return false; // an op may refuse what a probe gives it
  }
}

export function isRight(bench: Bench, drawn: Case): boolean {
  try {
    return bench.judge(drawn) === "right";
  } catch {
    return false;
  }
}

/** The failing plain case with the most to see: many cells, unequal sizes. */
export function largestFailing(bench: Bench): Case | null {
  const settings = new Map(bench.draws.map((drawn) => [JSON.stringify(drawn.settings), drawn.settings]));
  const candidates = Array.from(settings.values(), (drawn) => plainCase(bench.domain, drawn, 1)).filter(
    (drawn): drawn is Case => drawn !== null && (drawn.inputs[0]?.data.length ?? 0) <= MOST_CELLS,
  );
  const worth = ({ inputs: [x] }: Case): number => {
    const sizes = (x?.shape ?? []).filter((size) => size > 1);
    return (x?.data.length ?? 0) * new Set(sizes).size;
  };
  return candidates.toSorted((a, b) => worth(b) - worth(a)).find((drawn) => isWrong(bench, drawn)) ?? null;
}

/** The Jacobian of the same input with other values, or other settings. */
export function redrawn(
  bench: Bench,
  settings: AnySettings,
  seed: number,
  like: Jacobian & Pair,
): (Jacobian & Pair) | null {
  const drawn = plainCase(bench.domain, settings, seed);
  const found = drawn && jacobiansOf(bench.subject(drawn), drawn).find(({ input }) => input === like.input);
  return found ? { ...found, noise: like.noise } : null;
}

/** Cases that are quick to look at. */
export function isQuick(settings: AnySettings, { domain }: Bench): boolean {
  const cells = plainCase(domain, settings, 3)?.inputs[0]?.data.length ?? 0;
  return cells > 1 && cells <= MOST_CELLS / 2;
}

export function gradOutputOf(output: NdArray, { noise }: Case): NdArray {
  return new NdArray(Float64Array.from(output.data, (_, i) => noise[i % noise.length] ?? 1), output.shape); // prettier-ignore
}

export function show(value: number): string {
  return String(Number(value.toPrecision(value === 0 || Math.abs(value - 1) > 1e-4 ? 4 : 12)));
}
