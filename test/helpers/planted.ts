/** Tests of the tests: a planted error must be found, and found by the law that is meant to find it. */
import fc from "fast-check";
import { SEED } from "./generators.ts";

/**
 * Checks that a property fails for some draw, with a message that matches: a crash elsewhere would prove nothing.
 *
 * @param law what the broken law says
 */
export function breaks<T>(arbitrary: fc.Arbitrary<T>, property: (value: T) => void, law: RegExp, numRuns = 60): void {
  const asserted = fc.property(arbitrary, (value) => property(value));
  const { failed, errorInstance } = fc.check(asserted, { seed: SEED, numRuns, endOnFailure: true });
  if (!failed) throw new Error(`planted error: expected a broken law ${String(law)}, got none in ${numRuns} draws`);
  const message = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  if (!law.test(message)) throw new Error(`planted error: expected a broken law ${String(law)}, got: ${message}`);
}
