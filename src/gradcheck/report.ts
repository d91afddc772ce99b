/** The report of a failure: what is wrong, where, by how much, and what it looks like. */
import { formatNumber } from "../autograd/format.ts";
import { NdArray } from "../autograd/ndarray.ts";
import { describeCase } from "./cases.ts";
import type { Case } from "./cases.ts";
import { gradOutputOf, isRight } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { Mismatch } from "./judge.ts";
import { FAULTS } from "./fault.ts";
import type { Diagnosis } from "./fault.ts";
import { cellName } from "./gradcheck.ts";
import { plainCase } from "./plainCase.ts";

export interface Failure {
  readonly case: Case;
  readonly mismatch: Mismatch;
  readonly gradOutput: ArrayLike<number>;
  readonly diagnosis: readonly Diagnosis[];
  readonly seed: number;
  readonly path: string;
}

export function renderFailure(
  name: string,
  { case: drawn, mismatch, gradOutput, diagnosis, seed, path }: Failure,
  lookedAt: Case,
  { tried, shrinks }: { readonly tried: number; readonly shrinks: number },
  bench: Bench,
): string {
  const { array, shape, worst, basis } = mismatch;
  const lines: (readonly [string, string])[] = [
    ["smallest case", describeCase(drawn)],
    ...drawn.names.map((input, i) => [input, values(drawn.inputs[i]?.data ?? [])] as const),
    ...(array === "output" ? [] : [["gradOutput", values(gradOutput)] as const]),
    [`${array}${cellName(worst, shape)}`, numbersOf(mismatch)],
    ["allowed by", basis],
    ["error map", errorMap(mismatch)],
    ...probes(drawn, bench),
    ...diagnosis.slice(0, 3).flatMap(({ fault, evidence }, i): readonly (readonly [string, string])[] => {
      if (i > 0 || fault === "unknown") return [[i === 0 ? "diagnosis" : "or", `${fault}: ${evidence}`]];
      return [
        ["diagnosis", `${fault}: ${evidence}`],
        ["", `(${FAULTS[fault]})`],
      ];
    }),
    ...(describeCase(lookedAt) === describeCase(drawn) ? [] : [["diagnosed at", describeCase(lookedAt)] as const]),
    ["replay", `{ seed: ${seed}, path: "${path}" }`],
  ];
  const width = Math.max(...lines.map(([label]) => label.length)) + 3;
  const heading = `FAIL ${name}: ${array} is wrong (${counted(tried, "case")} tried, ${counted(shrinks, "shrink")})`;
  return [heading, ...lines.map(([label, text]) => label.padEnd(width) + text)].join("\n");
}

function numbersOf({ analytic, exact, reference, error, bound, worst }: Mismatch): string {
  const [wrong, allowed] = apart(error[worst], bound[worst]);
  return (
    `got ${show(analytic[worst])}   ${reference} ${show(exact[worst])}   error ${wrong}` +
    `${ulps(error[worst], exact[worst])}   allowed ${allowed}`
  );
}

/** With as few digits as show that they are not the same. */
function apart(error: unknown, bound: unknown): readonly [string, string] {
  for (let digits = 3; digits < 17; digits++) {
    const shown = [show(error, digits), show(bound, digits)] as const;
    if (shown[0] !== shown[1]) return shown;
  }
  return [show(error), show(bound)];
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** As many numbers as the output has; all, where the op cannot say how many. */
export function gradOutputFor(drawn: Case, bench: Bench): ArrayLike<number> {
  const { forward, value } = bench.subject(drawn);
  const output = forward?.(drawn.inputs) ?? value(drawn.inputs);
  return output ? gradOutputOf(output, drawn).data : drawn.noise;
}

function show(value: unknown, digits = 17): string {
  if (typeof value !== "number") return String(value);
  return Number.isFinite(value) ? formatNumber(Number(value.toPrecision(digits))) : String(value);
}

function values(data: ArrayLike<number>): string {
  const shown = Array.from(data)
    .slice(0, 12)
    .map((value) => show(value, 12));
  return shown.join(" ") + (data.length > shown.length ? ` … (${data.length} values)` : "");
}

function ulps(error: number | undefined, exact: number | undefined): string {
  const count = ulpsOf(error, exact);
  if (count === null) return "";
  return ` (${count < 1e6 ? count.toLocaleString("en") : formatNumber(count)} ulp)`;
}

/** The error in ulps of the exact number, to two digits; null where there are none. */
export function ulpsOf(error: number | undefined, exact: number | undefined): number | null {
  if (error === undefined || !exact || !Number.isFinite(error) || !Number.isFinite(exact)) return null;
  const ulp = 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 52);
  return Number((error / ulp).toPrecision(2));
}

/** A character a cell, rows of the last dim: "." right, "%" wrong, "@" the worst, "?" not judged. */
export function errorMap({ shape, error, bound, worst }: Mismatch): string {
  const row = shape.at(-1) ?? 1;
  const mark = (cell: number): string => {
    if (cell === worst) return "@";
    if (bound[cell] === Infinity) return "?";
    return (error[cell] ?? 0) > (bound[cell] ?? 0) ? "%" : ".";
  };
  const cells = Array.from(error.keys(), mark);
  const rows = Array.from({ length: Math.ceil(cells.length / Math.max(1, row)) }, (_, i) =>
    cells.slice(i * row, (i + 1) * row).join(""),
  );
  return rows.slice(0, 16).join(" ") + (rows.length > 16 ? " …" : "");
}

/** Changes one thing of the case at a time, and tells which changes make it pass. */
function probes(drawn: Case, bench: Bench): (readonly [string, string])[] {
  const withInput = (k: number, value: number): Case => ({
    ...drawn,
    inputs: drawn.inputs.map((array, i) => (i === k ? NdArray.full(array.shape, value, array.dtype) : array)),
  });
  const withSize = (dim: string): Case | null => plainCase(bench.domain, { ...drawn.settings, [dim]: 1 }, 1);
  const tries: (readonly [string, Case | null])[] = [
    ...Object.entries(drawn.settings).map(([name, value]) =>
      Number.isInteger(value) && Number(value) > 1 ? ([`${name} = 1`, withSize(name)] as const) : (["", null] as const),
    ),
    ...drawn.names.slice(1).map((input, i) => [`${input} = 1`, withInput(i + 1, 1)] as const),
    ...("eps" in drawn.settings ? [["eps = 0", { ...drawn, settings: { ...drawn.settings, eps: 0 } }] as const] : []),
    ["gradOutput = 1", { ...drawn, noise: drawn.noise.map(() => 1) }],
    ["gradOutput > 0", { ...drawn, noise: drawn.noise.map(Math.abs) }],
  ];
  const passing = tries.flatMap(([label, changed]) => (changed !== null && isRight(bench, changed) ? [label] : []));
  return passing.length > 0 ? [["it passes when", passing.join(" · ")]] : [];
}
