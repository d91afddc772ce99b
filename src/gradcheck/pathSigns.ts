/** What two Jacobians show of something that centres and scales: which of its two paths is wrong. */
import { say, show } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./cases.ts";
import type { Diagnosis } from "./fault.ts";
import { jacobiansOf } from "./jacobian.ts";
import type { Jacobian } from "./jacobian.ts";
import { plainCase } from "./plainCase.ts";
import { constant, pathParts, setsOf } from "./signs.ts";
import type { PathParts, Pair } from "./signs.ts";

export function* pathSigns(bench: Bench, pair: Jacobian & Pair, { inputs: [x], settings }: Case): Generator<Diagnosis> {
  if (x === undefined || pair.exact.length !== x.data.length) return;
  const sets = setsOf(pair);
  const parts = pathParts(pair, x.data, sets);
  if (parts === null) return;
  const noise = 1e4 * pair.noise;
  const n = sets[0]?.length ?? 0;
  const known = (of: (part: PathParts) => number | null): readonly number[] => parts.map(of).filter((p) => p !== null);
  const all = (values: readonly number[], expected: number): boolean =>
    values.every((value) => value === expected || Math.abs(value - expected) < noise);
  const [means, variances] = [known(({ mean }) => mean), known(({ variance }) => variance)];
  const miscounted = (values: readonly number[]): boolean =>
    n > 2 && values.length > 0 && [n / (n - 1), n / (n + 1), (n - 1) / n].some((count) => all(values, count));
  const told = (values: readonly number[]): string => {
    if (all(values, 0)) return "missing";
    if (values.includes(Infinity)) return "there and should not be";
    return `${[...new Set(values.map(show))].slice(0, 4).join(", ")} times what it should be`;
  };
  if (all(means, 1) && all(variances, 1)) return;
  if (means.length > 0 && variances.length > 0 && all(means, 0) && all(variances, 0)) {
    yield say("statistics as constants", "no gradient flows from one cell of a set to another");
  } else if (all(variances, 1)) {
    if (miscounted(means)) yield say("count", `the path through the mean is ${told(means)}, of sets of ${n}`);
    yield say("mean path", `the path through the mean is ${told(means)}; the one through the variance is right`);
  } else if (all(means, 1)) {
    if (miscounted(variances))
      yield say("count", `the path through the variance is ${told(variances)}, of sets of ${n}`);
    yield say(
      "variance path",
      `the path through the variance is ${told(variances)}; the one through the mean is right`,
    );
  } else if (
    parts.every(({ mean, variance }) => mean !== null && variance !== null && Math.abs(mean - variance) < noise)
  ) {
    yield say("count", `what flows between the cells of a set is ${told(means)}, of sets of ${n}`);
  } else if (
    parts.every(
      ({ mean, variance }) =>
        mean === null || variance === null || Math.abs(mean ** 3 - variance) < noise * Math.max(1, mean ** 3),
    )
  ) {
    const bare = typeof settings["eps"] === "number" ? plainCase(bench.domain, { ...settings, eps: 0 }, 1) : null;
    const found = bare && jacobiansOf(bench.subject(bare), bare)[0];
    const free = found && bare.inputs[0] && pathParts({ ...found, noise: pair.noise }, bare.inputs[0].data, sets);
    const factor = free && constant(free.flatMap(({ mean }) => mean ?? []), pair.noise); // prettier-ignore
    if (typeof factor === "number" && Math.abs(factor - 1) > noise) {
      yield say("count", `1/√(variance) is ${show(factor)} times what it should be, without eps, of sets of ${n}`);
    } else yield say("rstd", `1/√(variance + eps) is ${told(means)}`);
  } else {
    yield say("mean path", `the path through the mean is ${told(means)}`);
    yield say("variance path", `the path through the variance is ${told(variances)}`);
  }
}
