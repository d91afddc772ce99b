/** An op on the bench of a diagnosis: what can be tried with it. */
import { NdArray } from "../autograd/ndarray.ts";
import type { Case, Domain } from "./cases.ts";
import type { Mismatch, Verdict } from "./checkCase.ts";
import type { Diagnosis, Fault, Sign } from "./fault.ts";
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

/** The same where a true fault of this kind would look more regular: it counts as long as nothing else was seen before. */
export function suspect(fault: Fault, evidence: string): Sign {
  return { fault, evidence, isWeak: true };
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

/**
 * The failing plain case with the most to see: many cells, unequal sizes, and an error that is large against the gradient,
 * for a wrong term may be negligible with some options.
 */
export function largestFailing(bench: Bench): Case | null {
  const settings = new Map(bench.draws.map((drawn) => [JSON.stringify(drawn.settings), drawn.settings]));
  const candidates = Array.from(settings.values(), (drawn) => plainCase(bench.domain, drawn, 1)).filter(
    (drawn): drawn is Case => drawn !== null && (drawn.inputs[0]?.data.length ?? 0) <= MOST_CELLS,
  );
  const worth = ({ inputs: [x] }: Case): number => {
    const sizes = (x?.shape ?? []).filter((size) => size > 1);
    return (x?.data.length ?? 0) * new Set(sizes).size;
  };
  let found: { readonly drawn: Case; readonly error: number } | null = null;
  let seen = 0;
  for (const drawn of candidates.toSorted((a, b) => worth(b) - worth(a))) {
    const error = errorOf(bench, drawn);
    if (error === 0) continue;
    if (found === null || error > 100 * found.error) found = { drawn, error };
    if (++seen === FAILING) break;
  }
  return found?.drawn ?? null;
}

/** The largest failing draw of ordinary data: where values of one plain case happen to pass, those of another may not. */
export function largestDrawn(bench: Bench): Case | null {
  const cells = ({ inputs: [x] }: Case): number => x?.data.length ?? 0;
  const small = bench.draws.filter((drawn) => drawn.trap === "plain" && cells(drawn) <= MOST_CELLS);
  return small.toSorted((a, b) => cells(b) - cells(a)).find((drawn) => isWrong(bench, drawn)) ?? null;
}

/** How many failing cases are looked through. */
const FAILING = 8;

/**
 * The largest error relative to the largest value of the array that is wrong, 1 at most; 0 if none is. Where the whole
 * gradient is 0, as that of a set of one value that a mean is taken of, the error is all there is, and says nothing of its
 * kind: such a case is looked at if there is no other.
 */
function errorOf(bench: Bench, drawn: Case): number {
  try {
    const verdict = bench.judge(drawn);
    if (typeof verdict !== "object") return 0;
    return isZero(verdict) ? Number.MIN_VALUE : Math.min(1, relativeError(verdict));
  } catch {
    return 0; // an op may refuse what a probe gives it
  }
}

function isZero({ exact, bound, error, basis }: Mismatch): boolean {
  if (basis === "chosen tolerance") return exact.every((value) => value === 0);
  return exact.every((value, cell) => Math.abs(value) <= (bound[cell] ?? 0)) && error.every(Number.isFinite);
}

export function relativeError({ error, exact }: Mismatch): number {
  return Math.max(...error) / Math.max(Number.MIN_VALUE, ...exact.map(Math.abs));
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

/** A ratio; of one that is all but 1 what is beside the 1. */
export function show(value: number): string {
  const beside = value - 1;
  if (beside !== 0 && Math.abs(beside) < 1e-9) return `1 ${beside < 0 ? "−" : "+"} ${Math.abs(beside).toPrecision(2)}`;
  return String(Number(value.toPrecision(value === 0 || Math.abs(beside) > 1e-4 ? 4 : 12)));
}
