/**
 * What is wrong with a backward, from outside. The smallest failing case is too small to show a pattern, so this looks at
 * the largest ordinary one: it compares the two Jacobians, changes one thing of the case at a time, and ranks what it sees.
 */
import type { Case } from "./cases.ts";
import type { Mismatch } from "./checkCase.ts";
import { largestDrawn, largestFailing, relativeError, say } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Diagnosis, Sign } from "./fault.ts";
import { cellName } from "./gradcheck.ts";
import { jacobiansOf } from "./jacobian.ts";
import { factorSigns, indexSigns, precisionSigns, scaleSigns } from "./likeness.ts";
import { pathSigns } from "./pathSigns.ts";
import {
  finiteSigns,
  gradOutputSigns,
  optionSigns,
  parameterSigns,
  positiveSigns,
  sameSigns,
  passing,
  sizeSigns,
  stateSigns,
  trapSigns,
} from "./probes.ts";
import { gradientSigns, overwrittenSigns, residualSigns, swapSigns } from "./relations.ts";
import { differs, largest, strayConnection } from "./signs.ts";

/** Relative to the largest number: far above the rounding of doubles, and of differences where there is no formula. */
const NOISE = 1e-12;
const NOISE_OF_DIFFERENCES = 1e-7;
const NOISE_OF_FLOAT32 = 1e-4;

export interface Findings {
  /** The most likely fault first; never empty. */
  readonly diagnosis: readonly Diagnosis[];
  /** The case that was looked at. */
  readonly at: Case;
}

/** `met` is a failure that was met on the way to the smallest case; it may be that case's own. */
export function diagnose(bench: Bench, smallest: Case, { array }: Mismatch, met: Mismatch): Findings {
  const found: Sign[] = [];
  const large = largestFailing(bench);
  const at = large ?? (array === "output" ? null : largestDrawn(bench)) ?? smallest;
  try {
    for (const diagnosis of signs(bench, smallest, large, at, array)) found.push(diagnosis);
  } catch {
    // an op may refuse what a probe gives it: what was found before it counts
  }
  const value = met.analytic[met.worst] ?? 0;
  if (!Number.isFinite(value) && array !== "output") {
    const evidence = `${met.array}${cellName(met.worst, met.shape)} was ${value} in a case that was drawn, with ${met.exact[met.worst]} exact`;
    found.splice(1, 0, say("not finite", evidence));
  }
  const strong = found.filter(({ isWeak }, i) => i === 0 || isWeak !== true);
  const first = strong.filter(({ fault }, i) => strong.findIndex((other) => other.fault === fault) === i);
  const diagnosis = first.map(({ fault, evidence }) => ({ fault, evidence }));
  return { diagnosis: diagnosis.length > 0 ? diagnosis : [{ fault: "unknown", evidence: FAULT_UNKNOWN }], at };
}

const FAULT_UNKNOWN = "no ratio, no path, no index and no option stands out";

function* signs(bench: Bench, smallest: Case, large: Case | null, at: Case, array: string): Generator<Sign> {
  if (array !== "output" && bench.subject(smallest).hasGraph?.(smallest.inputs) === false) {
    yield say("gradOutput", "op answers a Tensor without a graph (noGrad, detach, numbers taken out of it)");
    return;
  }
  yield* stateSigns(bench, large ?? smallest);
  const verdict = large === null ? null : bench.judge(large);
  const seen = typeof verdict === "object" ? verdict : null;
  if (array === "output" || seen?.array === "output") {
    yield* trapSigns(bench, large);
    if (seen !== null && relativeError(seen) < 2 ** -17) {
      yield say(
        "precision",
        `in ordinary data the value agrees to ${Math.floor(-Math.log2(relativeError(seen)))} bits`,
      );
    }
    yield say("output", `the op's own value is not that of the formula${passing(bench, smallest)}`);
    return;
  }
  yield* finiteSigns(bench, large ?? smallest);
  if (array.startsWith("second")) {
    yield say(
      "statistics as constants",
      "first derivatives are right and second ones are not: what was saved is detached",
    );
  }
  yield* gradOutputSigns(bench, large ?? smallest);
  if (large === null) yield* trapSigns(bench, large);
  yield* jacobianSigns(bench, at, seen);
}

function* jacobianSigns(bench: Bench, looked: Case, seen: Mismatch | null): Generator<Sign> {
  const single = looked.inputs[0]?.dtype === "float32";
  const usual = bench.subject(looked).forward === null ? NOISE_OF_DIFFERENCES : single ? NOISE_OF_FLOAT32 : NOISE;
  const noise = seen === null ? usual : Math.min(usual, noiseOfCase(seen));
  const pairs = jacobiansOf(bench.subject(looked), looked).map((jacobian) => ({ ...jacobian, noise }));
  const wrong = pairs.filter(differs);
  const [first = ""] = looked.names;
  const x = wrong.find(({ input }) => input === first);
  yield* overwrittenSigns(pairs, wrong);
  yield* swapSigns(wrong, pairs);
  for (const pair of wrong) {
    // A gradient that is 0 as a whole, as of a set of one value, has no connection to tell from another.
    const stray = pair.input === first && largest(pair.exact) === 0 ? null : strayConnection(pair);
    if (stray !== null) {
      const [row, column] = stray;
      yield say(
        "axes",
        `the gradient of ${pair.input}${cellName(column, pair.shape)} uses gradOutput${cellName(row, pair.outputShape)}, which it does not reach`,
      );
    }
  }
  if (x === undefined) {
    yield* sizeSigns(bench, looked);
    for (const pair of wrong) {
      yield* indexSigns(bench, looked, pair);
      yield* factorSigns(bench, looked, pair);
    }
    yield* gradientSigns(first, wrong, pairs);
  }
  // An error near its bound passes wherever the bound is a little wider: then what the error looks like comes first.
  if (x !== undefined && seen !== null && isSmall(seen)) yield* factorSigns(bench, looked, x);
  yield* parameterSigns(bench, looked);
  yield* optionSigns(bench, looked);
  if (x === undefined) return;
  yield* sizeSigns(bench, looked);
  yield* indexSigns(bench, looked, x);
  const factors = [...factorSigns(bench, looked, x)];
  yield* factors;
  yield* residualSigns(x);
  yield* precisionSigns(x);
  if (factors.length === 0) yield* scaleSigns(bench, looked, x);
  yield* pathSigns(bench, x, looked);
  yield* indexSigns(bench, looked, x, true);
  yield* positiveSigns(bench, looked);
  yield* sameSigns(bench, looked);
}

function isSmall({ error, bound }: Mismatch): boolean {
  return error.every((e, cell) => e < 100 * (bound[cell] ?? 0));
}

/** An error that is small itself is looked at with less noise: with what its own bound allows. */
function noiseOfCase({ bound, exact, error }: Mismatch): number {
  const scale = Math.max(Number.MIN_VALUE, ...exact.map(Math.abs).filter(Number.isFinite));
  const allowed = Math.max(...bound.filter(Number.isFinite), 0) / scale;
  const found = Math.max(...error.filter(Number.isFinite), 0) / scale;
  return found > 100 * NOISE ? Infinity : Math.max(2 ** -50, Math.min(allowed, found / 4));
}
