/** Wrong gradients that are something else's: another input's, gradOutput's own, the gradient of what was overwritten. */
import { say } from "./bench.ts";
import type { Diagnosis } from "./fault.ts";
import type { Jacobian } from "./jacobian.ts";
import { placesOf } from "./likeness.ts";
import { columnsOf, constant, differs, largest } from "./signs.ts";
import type { Pair } from "./signs.ts";

type Known = Jacobian & Pair;

/** Is a wrong gradient the right one of another input? */
function twinsOf(wrong: readonly Known[], all: readonly Known[]): readonly (readonly [Known, Known])[] {
  return wrong.flatMap((pair) => {
    const twin = all.find(
      (other) => other !== pair && sameSize(other.exact, pair.exact) && !differs({ ...pair, exact: other.exact }),
    );
    return twin === undefined ? [] : [[pair, twin] as const];
  });
}

/** Each of two inputs has the gradient of the other. */
export function* swapSigns(wrong: readonly Known[], all: readonly Known[]): Generator<Diagnosis> {
  const twins = new Map(twinsOf(wrong, all));
  const pair = wrong.find((one) => twins.get(twins.get(one) ?? one) === one);
  if (pair === undefined) return;
  yield say("parameter gradient", `the gradients of ${pair.input} and ${twins.get(pair)?.input} are swapped`);
}

/** Only parameters are wrong. */
export function* gradientSigns(first: string, wrong: readonly Known[], all: readonly Known[]): Generator<Diagnosis> {
  if (wrong.length === 0) return;
  const twins = new Map(twinsOf(wrong, all));
  const told = wrong.map((pair) => `${pair.input} is not${detailOf(pair, twins.get(pair))}`);
  yield say("parameter gradient", `the gradient of ${first} is right, that of ${told.join(", that of ")}`);
}

function detailOf(pair: Known, twin: Known | undefined): string {
  const { exact, analytic, noise, shape, outputShape, isFlat } = pair;
  if (largest(analytic) === 0) return ": it is 0, as if it were left out or detached";
  if (twin !== undefined) return `: it is that of ${twin.input}`;
  const off = largest(exact.map((row, i) => row.map((value, j) => (analytic[i]?.[j] ?? NaN) - value)));
  const bits = Math.floor(Math.log2(largest(exact) / off));
  if (bits >= 17) return `: it agrees to ${bits} bits${bits < 30 ? " (float32 has 24)" : ""}`;
  const floor = noise * largest(exact);
  const lost = exact.flatMap((row, i) => {
    const isLost = largest([row]) > floor && largest([analytic[i] ?? row]) <= floor;
    return isLost ? [i] : [];
  });
  const wrong = exact.filter((row, i) =>
    row.some((value, j) => !(Math.abs((analytic[i]?.[j] ?? NaN) - value) <= floor)),
  );
  if (lost.length > 0 && lost.length === wrong.length && lost.length < exact.length)
    return `: gradOutput does not arrive ${placesOf(lost, outputShape, isFlat)}`;
  const columns = columnsOf(pair);
  const bad = Array.from(columns.keys()).filter((j) => columns[j] !== "right");
  return bad.length < columns.length ? `: it is wrong ${placesOf(bad, shape)}, and right elsewhere` : "";
}

/** The right gradient and some of gradOutput itself: a path past the op that was counted twice, or not at all. */
export function* residualSigns({ input, exact, analytic, noise }: Known): Generator<Diagnosis> {
  if (exact.length !== exact[0]?.length) return;
  const error = exact.map((row, i) => row.map((value, j) => (analytic[i]?.[j] ?? NaN) - value));
  const times = constant(error.map((row, i) => row[i] ?? NaN), noise); // prettier-ignore
  const elsewhere = largest(error.map((row, i) => row.with(i, 0)));
  const floor = noise * largest(exact);
  if (times === null || !(elsewhere <= 1e3 * floor) || !(Math.abs(times) > 1e4 * floor)) return;
  yield say(
    "factor",
    `the gradient of ${input} is the right one plus ${Number(times.toPrecision(6))} · gradOutput: a path past the op`,
  );
}

/**
 * A gradient that is right for another gradOutput: for the gradient of the first input. Then that one was written into
 * gradOutput before this one was computed.
 */
export function* overwrittenSigns([first]: readonly Known[], wrong: readonly Known[]): Generator<Diagnosis> {
  if (first === undefined || first.exact.length !== first.exact[0]?.length) return;
  const after = wrong.find((pair) => {
    if (pair === first) return false;
    const exact = first.analytic.map((row) =>
      Float64Array.from(pair.exact[0] ?? [], (_, j) =>
        row.reduce((sum, g, i) => sum + g * (pair.exact[i]?.[j] ?? 0), 0),
      ),
    );
    return !differs({ ...pair, exact });
  });
  if (after === undefined) return;
  yield say(
    "gradOutput",
    `the gradient of ${after.input} is that of a gradOutput overwritten by the gradient of ${first.input}`,
  );
}

function sameSize(a: readonly Float64Array[], b: readonly Float64Array[]): boolean {
  return a.length === b.length && a[0]?.length === b[0]?.length;
}
