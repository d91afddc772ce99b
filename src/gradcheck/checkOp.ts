/** checkOp: is a hand-written backward right, and if not, where? */
import { GradcheckError } from "./gradcheck.ts";
import { caseArbitrary, cellsOfCase, describeCase } from "./cases.ts";
import type { Case, Domain, Trap } from "./cases.ts";
import { checkCase } from "./checkCase.ts";
import { gradName } from "./judge.ts";
import { checkSpec, faultOfKinds } from "./checkSpec.ts";
import { gradOutputOf } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { diagnose } from "./diagnosis.ts";
import type { Diagnosis } from "./fault.ts";
import type { CaseOptions, Mismatch, Verdict } from "./checkCase.ts";
import { kindsOf } from "./kinds.ts";
import { isAtKinks } from "./kinks.ts";
import { exactOutput } from "./oracle.ts";
import type { OpSpec, Params } from "./opSpec.ts";
import { recorded } from "./recorder.ts";
import { gradOutputFor, renderFailure } from "./report.ts";
import { OpFault } from "./answers.ts";
import { subjectOf } from "./subject.ts";
import { smallestFailing } from "./smallest.ts";
import type { OpFunctions } from "./subject.ts";
import type { Dtype } from "../autograd/ndarray.ts";

// An optional peer dependency: all of this folder but checkOp works without it.
const fastCheck = await import("fast-check").catch(() => null);

/** How many draws a diagnosis looks at. */
const LOOKS = 80;

export interface CheckOpOptions {
  /** How many cases are drawn. Default 200. */
  readonly runs?: number;
  /** Default 0: the same cases every time. */
  readonly seed?: number;
  /** Together with the seed: goes straight to a case that a report has named. */
  readonly path?: string;
  /** 2 checks the gradients of the gradients, too: of an `op` or a `formulaBackward`. Default 1. */
  readonly order?: 1 | 2;
  /** "proven" (default): the computed rounding bound; or a tolerance relative to the largest value of an array. */
  readonly tolerance?: "proven" | number;
  /**
   * Largest number of values that the inputs of a case may have together; sizes that need more are not drawn. The time of a
   * case grows with its square: each value has a gradient of its own to be judged. Default 200.
   */
  readonly maxCells?: number;
  /** Throw on failure; with false the result says it. Default true. */
  readonly raiseException?: boolean;
}

export interface CheckOpResult {
  readonly name: string;
  readonly ok: boolean;
  /** Cases that were judged, and cases that were not because the exact result is not finite. */
  readonly cases: number;
  readonly skipped: number;
  /** How often each trap was drawn. */
  readonly traps: Readonly<Record<Trap, number>>;
  /** A line for a pass, a page for a failure. */
  readonly report: string;
  /** The smallest failing case, or null. */
  readonly failure: {
    readonly case: Case;
    readonly mismatch: Mismatch;
    readonly gradOutput: ArrayLike<number>;
    /** What may be wrong, the most likely first. */
    readonly diagnosis: readonly Diagnosis[];
    readonly seed: number;
    readonly path: string;
  } | null;
}

/**
 * Checks a hand-written backward on cases drawn by fast-check, against the correctly rounded gradient, with a tolerance
 * that is computed for each number: the rounding error that the backward may have. A failure is therefore no rounding. It
 * is shrunk to the smallest shape at which it is met again, and reported with what the error looks like.
 *
 * The forward may be a formula (generic in `Num`; its duals over double-double numbers are the judge), or a plain function
 * on typed arrays: then finite differences scaled to the data are the judge, with an estimate of their error instead of a
 * bound, and the report says so. The backward may be a formula, plain code that knows nothing of this library, or an `op`
 * on tensors, whose tape is checked.
 *
 * @param name as the report names it
 * @param spec sizes (`dims`), options (`params`), `inputs`; `forward` or `plainForward`; `backward`, `formulaBackward` or `op`
 * @throws GradcheckError with the report if a gradient is wrong; OpFault if a function of the spec cannot be used (it
 *   throws, answers the wrong shape, writes to its inputs, …); Error if fast-check is not installed
 * @example
 * const { ok } = checkOp("cube", {
 *   dims: { n: [1, 5] },
 *   inputs: ({ n }) => ({ x: [n] }),
 *   forward: ({ x }) => x.pow(3),
 *   backward: (gradOutput, { x }) => ({ x: gradOutput.map((g, i) => 3 * g * (x[i] ?? 0) ** 2) }),
 * });
 * ok; // true
 */
export function checkOp<
  Name extends string,
  Dim extends string,
  const P extends Params = Params,
  const D extends Dtype = "float64",
>(name: string, spec: OpSpec<Name, Dim, P, D>, options: CheckOpOptions = {}): CheckOpResult {
  return recorded(name, options, (asked) => {
    checkSpec(name, spec, asked);
    return runCheck(name, spec, asked);
  });
}

function runCheck(name: string, given: Domain & OpFunctions, options: CheckOpOptions): CheckOpResult {
  const {
    runs = 200,
    seed = 0,
    path,
    order = 1,
    tolerance = "proven",
    raiseException = true,
    maxCells = 200,
  } = options;
  // Not reached where fast-check is installed, as it is for the tests.
  if (fastCheck === null)
    throw new Error(`checkOp: expected fast-check, got none: install it by npm install --save-dev fast-check`);
  const { check, property, sample } = fastCheck;
  const arbitrary = named(name, () => caseArbitrary(fastCheck, given, maxCells));
  const spec = named(name, () => {
    const [example] = sample(arbitrary, { numRuns: 1, seed });
    return example ? kindsOf(given, example.names, example.settings, example.inputs) : given;
  });
  const fault = faultOfKinds(spec, options);
  if (fault !== null) throw new OpFault(`${name}: expected ${fault}`);
  const judge = (drawn: Case): Verdict => judgeCase(name, spec, drawn, { order, tolerance });
  const traps: Record<Trap, number> = { plain: 0, offset: 0, "near eps": 0, large: 0, constant: 0, zeros: 0 };
  let cases = 0;
  let skipped = 0;
  let failed = false;
  const isRight = (drawn: Case): boolean => {
    const verdict = judge(drawn);
    if (!failed) {
      traps[drawn.trap]++;
      if (verdict === "skip") skipped++;
      else cases++;
    }
    failed ||= typeof verdict === "object";
    return typeof verdict !== "object";
  };
  const settings = { numRuns: runs, seed, ...(path !== undefined && { path }) };
  const details = named(name, () => check(property(arbitrary, isRight), settings));
  const drawn = details.counterexample?.[0];
  if (details.errorInstance instanceof OpFault) throw details.errorInstance;
  if (!details.failed) {
    if (cases === 0) {
      const where = path === undefined ? `${runs} draws` : `those of path "${path}"`;
      throw new OpFault(`${name}: expected cases with a finite result, got none in ${where}`);
    }
    const within = spec.plainForward === undefined ? "its rounding bound" : "the error estimate of its differences";
    const allowed =
      tolerance === "proven" ? `each number within ${within}` : `within ${tolerance} of the largest value`;
    const unjudged = skipped > 0 ? ` (${skipped} more have no finite result, or no derivative)` : "";
    const report = `ok   ${name}: ${cases} cases${unjudged}, ${allowed}${notDrawn(spec, options)}`;
    return { name, ok: true, cases, skipped, traps, report, failure: null };
  }
  const met = drawn && judge(drawn);
  if (drawn === undefined || typeof met !== "object") {
    throw new OpFault(
      `${name}${drawn ? `, case ${describeCase(drawn)}` : ""}: expected an op that gives the same result twice, got ` +
        `a failure that does not repeat: is there a random number in it, or something kept from an earlier call?`,
    );
  }
  const smallest = smallestFailing(fastCheck, spec, judge, { drawn, mismatch: met }, details.seed);
  const replay = { seed: details.seed, path: details.counterexamplePath ?? "" };
  const bench: Bench = {
    domain: spec,
    judge,
    subject: ({ names, settings }) => subjectOf(spec, names, settings),
    draws: sample(arbitrary, { numRuns: LOOKS, seed }),
  };
  const { drawn: shown, mismatch } = smallest;
  const gradOutput = gradOutputFor(shown, bench);
  const { diagnosis, at } = diagnose(bench, shown, mismatch, met);
  const failure = { case: shown, mismatch, gradOutput, diagnosis, ...replay };
  const counts = { tried: details.numRuns, shrinks: details.numShrinks };
  const report = renderFailure(name, failure, at, counts, bench);
  if (raiseException) throw new GradcheckError(report);
  return { name, ok: false, cases, skipped, traps, report, failure };
}

function judgeCase(name: string, spec: OpFunctions, drawn: Case, options: CaseOptions): Verdict {
  return named(`${name}, case ${describeCase(drawn)}`, () => {
    const subject = subjectOf(spec, drawn.names, drawn.settings);
    const verdict = checkCase(subject, drawn.names, drawn.inputs, drawn.noise, options);
    if (typeof verdict !== "object" || subject.forward === null) return verdict;
    const k = drawn.names.findIndex((input) => gradName(input) === verdict.array);
    if (k < 0) return verdict;
    const gradOutput = gradOutputOf(exactOutput(subject.forward, drawn.inputs).toNdArray(), drawn);
    return isAtKinks(subject.forward, drawn.inputs, k, gradOutput, verdict) ? "skip" : verdict;
  });
}

/** What the limit on the number of values keeps from being drawn: a wrong end of a long loop would not be seen. */
function notDrawn({ dims, params = {}, ...domain }: Domain, { maxCells = 200 }: CheckOpOptions): string {
  const options = Object.entries(params).map(([name, values]) => [name, values[0]]);
  const most = Object.entries(dims).map(([name, [, max]]) => [name, max]);
  const cells = cellsOfCase({ dims, ...domain }, Object.fromEntries([...most, ...options]));
  return cells > maxCells ? `; sizes with more than ${maxCells} values (maxCells) were not drawn` : "";
}

/** Whatever goes wrong in a function of the user is told with the name of the op and the case. */
function named<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const told = error instanceof OpFault ? message : `expected a case of this op, it threw "${message}"`;
    throw new OpFault(`${where}: ${told}`, { cause: error });
  }
}
