/** A comparison is fair where each method has the learning rate that suits it. */
import { spreadOf, spreadText } from "./spread.ts";

export interface Tuned<Name extends string> {
  readonly heads: readonly string[];
  /** One a method: the rate that it takes, then how it scored at each. */
  readonly rows: readonly (readonly string[])[];
  readonly rateOf: (name: Name) => number;
}

/**
 * Tries each rate with each method and takes the one with the highest mean. A single rate is taken as it is.
 *
 * @param score of one run, the more the better; not measured on the test images
 */
export function tune<const Name extends string>(
  names: readonly Name[],
  rates: readonly number[],
  seeds: readonly number[],
  score: (name: Name, rate: number, seed: number) => number,
): Tuned<Name> {
  const tried = names.map((name) => {
    const tries = rates.length === 1 ? [] : seeds;
    const scores = rates.map((rate) => ({ rate, values: tries.map((seed) => score(name, rate, seed)) }));
    const [best] = scores.toSorted((a, b) => spreadOf(b.values).mean - spreadOf(a.values).mean);
    return { name, scores, rate: best?.rate ?? NaN };
  });
  return {
    heads: ["", "taken", ...rates.map((rate) => `rate ${rate}`)],
    rows: tried.map(({ name, scores, rate }) => [
      name,
      `${rate}`,
      ...scores.map(({ values }) => (values.length === 0 ? "not tried" : spreadText(values))),
    ]),
    rateOf: (name) => tried.find((one) => one.name === name)?.rate ?? NaN,
  };
}
