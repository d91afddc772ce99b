/**
 * After fast-check's shrinking, which follows the values that were drawn: the sizes below, tried one by one, so that a failure
 * is reported with the smallest shape at which it was seen.
 */
import { caseArbitrary, isAllowed } from "./cases.ts";
import type { Case, Domain } from "./cases.ts";
import type { Mismatch, Verdict } from "./checkCase.ts";
import type { FastCheckModule } from "./generators.ts";
import type { AnySettings } from "./subject.ts";

export interface Failing {
  readonly drawn: Case;
  readonly mismatch: Mismatch;
}

/** How many cases are drawn of each smaller size, and of all sizes together. */
const OF_A_SIZE = 12;
const OF_ALL = 240;
/** Before them the ordinary ones among so many draws: numbers near 1 are read more easily than those near 1e4. */
const ORDINARY_AMONG = 40;
/** How many are drawn to find a number that is wrong in place of NaN. */
const FINITE = 40;

/**
 * A failure of the same array with a smaller size, as long as there is one; then with a number in place of NaN or infinity,
 * which show no error to look at. The same case and seed always lead to the same result, so a replay ends there too.
 */
export function smallestFailing(
  fc: FastCheckModule,
  domain: Domain,
  judge: (drawn: Case) => Verdict,
  start: Failing,
  seed: number,
): Failing {
  const asStart = (verdict: Verdict): verdict is Mismatch =>
    typeof verdict === "object" && verdict.array === start.mismatch.array;
  const search = (
    settings: AnySettings,
    runs: number,
    counts: (mismatch: Mismatch) => boolean,
    isTried: (drawn: Case) => boolean = () => true,
  ): Failing | null => {
    const fails = (drawn: Case): boolean => {
      if (!isTried(drawn)) return false;
      const verdict = judge(drawn);
      return asStart(verdict) && counts(verdict);
    };
    try {
      const arbitrary = caseArbitrary(fc, fixed(domain, settings), Infinity);
      const details = fc.check(fc.property(arbitrary, (drawn) => !fails(drawn)), { numRuns: runs, seed }); // prettier-ignore
      const drawn = details.counterexample?.[0];
      const mismatch = drawn && judge(drawn);
      return drawn && mismatch && asStart(mismatch) ? { drawn, mismatch } : null;
    } catch {
      return null; // sizes that the domain does not know: the case that is known stays
    }
  };
  let found = start;
  let left = OF_ALL;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    const sizes = smallerSettings(domain, found.drawn.settings);
    const runs = Math.min(OF_A_SIZE, Math.floor(left / sizes.length));
    for (const settings of runs > 0 ? sizes : []) {
      left -= runs;
      const counts = (mismatch: Mismatch): boolean => isNumber(mismatch) || !isNumber(found.mismatch);
      const smaller =
        search(settings, ORDINARY_AMONG, counts, ({ trap }) => trap === "plain") ?? search(settings, runs, counts);
      if (smaller === null) continue;
      found = smaller;
      isSmaller = true;
      break;
    }
  }
  return isNumber(found.mismatch) ? found : (search(found.drawn.settings, FINITE, isNumber) ?? found);
}

/** One size less than it was, the smallest first; all else as it is. */
function smallerSettings(domain: Domain, settings: AnySettings): readonly AnySettings[] {
  const all = Object.entries(domain.dims).flatMap(([dim, [min]]) =>
    Array.from({ length: Math.max(0, Number(settings[dim]) - min) }, (_, i) => ({ ...settings, [dim]: min + i })),
  );
  return all.filter((changed) => {
    try {
      return isAllowed(domain, changed);
    } catch {
      return false;
    }
  });
}

/** The domain with these settings alone. */
function fixed(domain: Domain, settings: AnySettings): Domain {
  const dims = Object.keys(domain.dims).map((dim) => [dim, [Number(settings[dim]), Number(settings[dim])]]);
  const params = Object.keys(domain.params ?? {}).map((name) => [name, [settings[name]]]);
  return { ...domain, dims: Object.fromEntries(dims), params: Object.fromEntries(params) };
}

function isNumber({ error }: Mismatch): boolean {
  return error.every(Number.isFinite);
}
