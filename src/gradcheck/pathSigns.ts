/** What two Jacobians show of something that centres and scales: which of its two paths is wrong. */
import type { NdArray } from "../autograd/ndarray.ts";
import { sizeOf } from "../autograd/shape.ts";
import { say, show, suspect } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./cases.ts";
import type { Sign } from "./fault.ts";
import { jacobiansOf } from "./jacobian.ts";
import type { Jacobian } from "./jacobian.ts";
import { plainCase } from "./plainCase.ts";
import { centres, constant, errorAlong, largest, pathParts, ratioBetween, setsOf } from "./signs.ts";
import type { PathParts, Pair } from "./signs.ts";

export function* pathSigns(bench: Bench, pair: Jacobian & Pair, { inputs: [x], settings }: Case): Generator<Sign> {
  if (x === undefined || pair.exact.length !== x.data.length) return;
  const sets = setsOf(pair);
  const parts = pathParts(pair, x.data, sets);
  if (parts === null) {
    yield* mixedSigns(pair, x);
    return;
  }
  const noise = 1e4 * pair.noise;
  const n = sets[0]?.length ?? 0;
  const known = (of: (part: PathParts) => number | null): readonly number[] => parts.map(of).filter((p) => p !== null);
  const all = (values: readonly number[], expected: number): boolean =>
    values.every((value) => value === expected || Math.abs(value - expected) < noise);
  const [means, variances] = [known(({ mean }) => mean), known(({ variance }) => variance)];
  const miscounted = ([first = 1, ...others]: readonly number[]): boolean =>
    isCount(first, n) && all(others, first) && all([first], first);
  const told = (values: readonly number[]): string => {
    if (all(values, 0)) return "missing";
    if (values.includes(Infinity)) return "there and should not be";
    return `${[...new Set(values.map(show))].slice(0, 4).join(", ")} times what it should be`;
  };
  const other = (values: readonly number[], path: string): string =>
    values.length > 0 ? `; the one through the ${path} is right` : "";
  if (all(means, 1) && all(variances, 1)) return;
  if (means.length > 0 && variances.length > 0 && all(means, 0) && all(variances, 0)) {
    yield say("statistics as constants", "no gradient flows from one cell of a set to another");
  } else if (all(variances, 1)) {
    if (miscounted(means)) yield say("count", `the path through the mean is ${told(means)}, of sets of ${n}`);
    yield say("mean path", `the path through the mean is ${told(means)}${other(variances, "variance")}`);
  } else if (all(means, 1)) {
    if (miscounted(variances))
      yield say("count", `the path through the variance is ${told(variances)}, of sets of ${n}`);
    yield say("variance path", `the path through the variance is ${told(variances)}${other(means, "mean")}`);
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
    // A slip in a path scales it alike in all sets: other factors in each say that the fault is another.
    const tell = (values: readonly number[]): typeof say => (all(values, values[0] ?? 1) ? say : suspect);
    yield tell(means)("mean path", `the path through the mean is ${told(means)}`);
    yield tell(variances)("variance path", `the path through the variance is ${told(variances)}`);
  }
}

/** A mean of n values that was divided by another whole number. 2, ½ and −1 are slips of their own. */
function isCount(factor: number, n: number): boolean {
  const divisor = n / factor;
  const isWhole = Math.abs(divisor - Math.round(divisor)) < 1e-6 && divisor > 0.5;
  const isOther = [0, 0.5, 1, 2, -1].every((value) => Math.abs(factor - value) > 1e-6);
  return n > 2 && isOther && (isWhole || Math.abs(factor - (n - 1) / n) < 1e-6);
}

/** Where a cell has a part in several means, as in SwitchableNorm, or none, as where a power sum or a window divides. */
function* mixedSigns(pair: Jacobian & Pair, { shape, data }: NdArray): Generator<Sign> {
  const between = ratioBetween(pair);
  const slip = [0, 2, 0.5, -1].find((value) => between !== null && Math.abs(between - value) < 1e4 * pair.noise);
  if (slip !== undefined && !centres(pair)) {
    const told = slip === 0 ? "missing" : `${show(slip)} times what it should be`;
    yield say("variance path", `there is no mean, and the path through what x is divided by is ${told}`);
  } else if (between !== null && Math.abs(between) < 1e4 * pair.noise) {
    const isNone = largest(pair.analytic) <= 1e4 * pair.noise * largest(pair.exact); // then nothing flows to itself, either
    yield (isNone ? suspect : say)("statistics as constants", "no gradient flows from one cell to another");
  } else if (between !== null && Math.abs(between - 1) > 1e4 * pair.noise) {
    yield say("count", `what flows from cell to cell is ${show(between)} times what it should be`);
  }
  const length = sizeOf(shape.slice(2));
  const slices = Array.from({ length: data.length / Math.max(1, length) }, (_, slice) =>
    Array.from({ length }, (_cell, i) => slice * length + i),
  );
  const along = errorAlong(pair, data, slices);
  if (along === "constant") yield say("mean path", "the error is constant along the last dims, as a mean's is");
  if (along === "linear")
    yield say("variance path", "the error is linear in x along the last dims, as a variance's is");
}
