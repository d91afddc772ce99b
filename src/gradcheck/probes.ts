/** Changes one thing of a case at a time: what makes a wrong backward pass tells what is wrong with it. */
import { NdArray } from "../autograd/ndarray.ts";
import { gradOutputOf, isRight, isWrong, say, show } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Case } from "./cases.ts";
import { estimateGradients } from "./estimates.ts";
import type { DoubleDouble } from "./doubleDouble.ts";
import type { Diagnosis } from "./fault.ts";
import type { FieldArray } from "./fieldArray.ts";
import { cellName } from "./gradcheck.ts";
import { analyticOf, jacobiansOf } from "./jacobian.ts";
import { exactGradients } from "./oracle.ts";
import { plainCase } from "./plainCase.ts";
import { largest } from "./signs.ts";

/** A power of two: nothing rounds. */
const WIDER = 2 ** 20;

/** The same call again, at once and with another in between. */
export function* stateSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  const run = (drawn: Case): Map<string, readonly NdArray[]> => {
    const subject = bench.subject(drawn);
    const { forward } = subject;
    const own = subject.value(drawn.inputs);
    const output = forward === null ? own : forward(drawn.inputs.map((input) => input.to("float64")));
    if (output === null) return new Map();
    const gradients = subject.gradients(drawn.inputs, gradOutputOf(output, drawn));
    return new Map([
      ["forward", [output]],
      ["op", own ? [own] : []],
      ["backward", gradients],
    ]);
  };
  const changed = (
    before: Map<string, readonly NdArray[]>,
    after: Map<string, readonly NdArray[]>,
  ): string | undefined =>
    [...before.keys()].find((what) =>
      before.get(what)?.some((array, i) => {
        const again = after.get(what)?.[i];
        return array.data.some((value: number, cell: number) => !Object.is(value, again?.data[cell]));
      }),
    );
  const first = run(looked);
  const second = run(looked);
  const atOnce = changed(first, second);
  if (atOnce !== undefined) {
    yield say("state", `the ${atOnce} gave other numbers when it was run again with the same inputs`);
    return;
  }
  const other = bench.draws.find((drawn) => drawn.trap !== "constant");
  if (other === undefined) return;
  run(other);
  if (changed(first, run(looked)) !== undefined) {
    yield say("state", "the same inputs gave other numbers after another call in between");
  }
}

export function* finiteSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  const subject = bench.subject(looked);
  const output = subject.forward === null ? subject.value(looked.inputs) : subject.forward(looked.inputs);
  if (output === null) return;
  const gradients = subject.gradients(looked.inputs, gradOutputOf(output, looked));
  const name = looked.names.find((_, i) => !gradients[i]?.data.every(Number.isFinite));
  if (name !== undefined) yield say("not finite", `the gradient of ${name} has values that are not finite`);
}

/** All of them exact in doubles. A threshold, as of a clamp or of what counts as 0, shows at the last two. */
const SCALES = [
  [-1, "changes its sign"],
  [2, "doubles"],
  [1 / 128, "is 128 times smaller"],
  [128, "is 128 times larger"],
] as const;

/** A backward is linear in gradOutput, whatever the op is. */
export function* gradOutputSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  const subject = bench.subject(looked);
  const output = subject.forward === null ? subject.value(looked.inputs) : subject.forward(looked.inputs);
  if (output === null) return;
  const gradOutput = gradOutputOf(output, looked);
  const at = (factor: number): readonly NdArray[] => subject.gradients(looked.inputs, gradOutput.mul(factor));
  const none = at(0);
  for (const [i, name] of looked.names.entries()) {
    const data = Array.from(none[i]?.data ?? []);
    const cell = data.findIndex((value) => Math.abs(value) > 0);
    if (cell < 0) continue;
    const where = cellName(cell, looked.inputs[i]?.shape ?? []);
    yield say(
      "gradOutput",
      `when gradOutput is 0, the gradient of ${name} is not: ${show(data[cell] ?? NaN)} at ${where}`,
    );
    return;
  }
  const once = at(1);
  for (const [factor, what] of SCALES) {
    const changed = at(factor);
    const wrong = looked.names.filter((_, i) => {
      const size = Math.max(...Array.from(once[i]?.data ?? [], Math.abs));
      return once[i]?.data.some(
        (value: number, cell: number) =>
          Math.abs((changed[i]?.data[cell] ?? NaN) - factor * value) > 1e-6 * Math.abs(factor) * size,
      );
    });
    if (wrong.length > 0) {
      yield say("gradOutput", `when gradOutput ${what}, the gradient of ${wrong.join(", ")} does not`);
      return;
    }
  }
}

/** Passes when a parameter is 1, or all are: then the fault is how they enter. */
export function* parameterSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  const [, ...parameters] = looked.names;
  const set = (changes: Readonly<Record<string, number>>): Case => ({
    ...looked,
    inputs: looked.inputs.map((array, i) => {
      const value = changes[looked.names[i] ?? ""];
      return value === undefined ? array : NdArray.full(array.shape, value, array.dtype);
    }),
  });
  for (const name of parameters) {
    const changed = set({ [name]: 1 });
    if (isRight(bench, changed) && mixesAs(bench, changed, looked)) {
      yield say("parameter", `it passes when ${name} = 1`);
      return;
    }
  }
  for (const [i, one] of parameters.entries()) {
    for (const [k, other] of parameters.entries()) {
      if (i === k) continue;
      for (const value of [0, 1]) {
        const changed = set({ [one]: 1, [other]: value });
        if (hasGradient(bench, changed) && isRight(bench, changed)) {
          yield say("parameter", `it passes when ${one} = 1 and ${other} = ${value}`);
          return;
        }
      }
    }
  }
  const absolute = parameters.find((name) => isRight(bench, withAbsolute(looked, name)));
  if (absolute !== undefined) yield say("parameter", `it passes when ${absolute} > 0`);
}

/** Right for positive data: then something is taken for its absolute value, or left out below 0. */
export function* positiveSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  const [first = ""] = looked.names;
  if (isRight(bench, withAbsolute(looked, first))) yield say("parameter", `it passes when ${first} > 0`);
}

/** A gradient that is the same whatever the inputs are, where the exact one is not. */
export function* sameSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  const other = plainCase(bench.domain, looked.settings, 2);
  if (other === null) return;
  const isSame = (a: readonly Float64Array[], b: readonly Float64Array[]): boolean =>
    a.every((row, i) => row.every((value, j) => Object.is(value, b[i]?.[j])));
  const analytic = analyticOf(bench.subject(looked), looked);
  if (!(largest(analytic) > 0)) return; // 0 and NaN have signs of their own
  if (!isSame(analytic, analyticOf(bench.subject(other), other))) return;
  const [first] = jacobiansOf(bench.subject(looked), looked);
  const [second] = jacobiansOf(bench.subject(other), other);
  if (first === undefined || second === undefined || isSame(first.exact, second.exact)) return;
  yield say(
    "state",
    `the gradient of ${first.input} does not change with the inputs, as if it were kept from a call before`,
  );
}

/** With a weight of 0 everything passes. */
function hasGradient(bench: Bench, drawn: Case): boolean {
  const subject = bench.subject(drawn);
  if (subject.forward === null) {
    const f = (arrays: readonly NdArray[]): NdArray => subject.value(arrays) ?? NdArray.full([0], 0, "float64");
    const [first = []] = estimateGradients(f, drawn.inputs, gradOutputOf(f(drawn.inputs), drawn));
    return first.some(({ value, error }) => Math.abs(value) > 8 * error);
  }
  const output = subject.forward(drawn.inputs);
  return largestOf(exactGradients(subject.forward, drawn.inputs, gradOutputOf(output, drawn))[0]) > 0;
}

/** A style of ones has no spread: where it takes away what flows between cells, that it passes says nothing. */
function mixesAs(bench: Bench, changed: Case, looked: Case): boolean {
  const mixes = (drawn: Case): boolean => {
    const [first] = jacobiansOf(bench.subject(drawn), drawn);
    const between = first?.exact.map((row, i) => row.with(i, 0)) ?? [];
    return largest(between) > 1e-6 * largest(first?.exact ?? []);
  };
  return mixes(changed) || !mixes(looked);
}

function largestOf(array: FieldArray<DoubleDouble> | undefined): number {
  return Math.max(0, ...(array?.data ?? []).map(({ hi }) => Math.abs(hi)));
}

function withAbsolute(looked: Case, name: string): Case {
  const inputs = looked.inputs.map((array, i) => (looked.names[i] === name ? array.abs() : array));
  return { ...looked, inputs };
}

/** Does it depend on eps, or on how large the variance is? */
export function* optionSigns(bench: Bench, looked: Case): Generator<Diagnosis> {
  if (typeof looked.settings["eps"] !== "number") return;
  const wide = looked.inputs.map((array, i) => (i === 0 ? array.mul(WIDER) : array));
  if (isRight(bench, { ...looked, inputs: wide }))
    yield say("rstd", "it passes when the first input is 2²⁰ times larger");
  const without = { ...looked, settings: { ...looked.settings, eps: 0 } };
  if (looked.settings["eps"] !== 0 && isRight(bench, without)) yield say("rstd", "it passes when eps = 0");
}

/** Which kinds of data fail, where ordinary data does not. */
export function* trapSigns(bench: Bench, large: Case | null): Generator<Diagnosis> {
  if (large !== null) return;
  const traps = new Set(bench.draws.filter((drawn) => isWrong(bench, drawn)).map(({ trap }) => trap));
  if (traps.has("plain")) return;
  if (traps.size === 0) return;
  const list = [...traps].join(", ");
  const passes = bench.draws.some((drawn) => drawn.trap === "plain");
  if (!passes) return;
  const evidence = `ordinary data passes; it fails for data of the kind: ${list}`;
  if (traps.has("offset") || traps.has("large")) yield say("precision", evidence);
  else if (bench.draws.some(({ settings }) => typeof settings["eps"] === "number")) yield say("rstd", evidence);
  else yield say("indices", `${evidence}: only where values are equal, 0 or close together`);
}

/** A size that has to be 1 for it to fail. */
export function* sizeSigns(bench: Bench, failing: Case): Generator<Diagnosis> {
  const same = plainCase(bench.domain, failing.settings, 1);
  if (same === null || !isWrong(bench, same)) return; // then it is the data, and not the sizes
  const alone = Object.entries(bench.domain.dims).flatMap(([dim, [, most]]) => {
    if (failing.settings[dim] !== 1) return [];
    const larger = [2, 3].filter((size) => size <= most);
    const passes = larger.map((size) => plainCase(bench.domain, { ...failing.settings, [dim]: size }, 1));
    return passes.length > 0 && passes.every((drawn) => drawn !== null && isRight(bench, drawn)) ? [dim] : [];
  });
  if (alone.length > 0) yield say("axes", `it fails only when ${alone.map((dim) => `${dim} = 1`).join(" or ")}`);
}

export function passing(bench: Bench, smallest: Case): string {
  const changed = Object.keys(bench.domain.dims).filter((dim) => {
    if (smallest.settings[dim] === 1) return false;
    const one = plainCase(bench.domain, { ...smallest.settings, [dim]: 1 }, 1);
    return one !== null && isRight(bench, one);
  });
  return changed.length > 0 ? `; it passes when ${changed.map((dim) => `${dim} = 1`).join(" or ")}` : "";
}
