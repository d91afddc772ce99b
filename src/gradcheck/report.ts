/** The report of a failure: what is wrong, where, by how much, and what it looks like. */
import { formatNumber } from "../autograd/format.ts";
import type { Case } from "./cases.ts";
import type { Mismatch, Verdict } from "./checkCase.ts";
import { cellName } from "./gradcheck.ts";

export interface Failure {
  readonly case: Case;
  readonly mismatch: Mismatch;
  readonly seed: number;
  readonly path: string;
}

export function renderFailure(
  name: string,
  { case: drawn, mismatch, seed, path }: Failure,
  { tried, shrinks }: { readonly tried: number; readonly shrinks: number },
  judge: (drawn: Case) => Verdict,
): string {
  const { array, shape, worst, analytic, exact, error, bound, basis } = mismatch;
  const shapes = drawn.names.map((input, i) => `${input} [${(drawn.inputs[i]?.shape ?? []).join(", ")}]`);
  const settings = Object.entries(drawn.settings).map(([key, value]) => `${key} ${show(value)}`);
  const lines: (readonly [string, string])[] = [
    ["smallest case", [...shapes, ...settings].join(", ")],
    ...drawn.names.map((input, i) => [input, values(drawn.inputs[i]?.data ?? [])] as const),
    ...(array === "output" ? [] : [["gradOutput", `${values(drawn.noise.slice(0, 12))} …`] as const]),
    [
      `${array}${cellName(worst, shape)}`,
      `got ${show(analytic[worst])}   exact ${show(exact[worst])}   error ${show(error[worst], 3)}` +
        `${ulps(error[worst], exact[worst])}   allowed ${show(bound[worst], 3)}`,
    ],
    ["allowed by", basis],
    ["error map", errorMap(mismatch)],
    ...probes(drawn, judge),
    ["replay", `{ seed: ${seed}, path: "${path}" }`],
  ];
  const width = Math.max(...lines.map(([label]) => label.length)) + 3;
  const heading = `FAIL ${name}: ${array} is wrong (${tried} cases tried, ${shrinks} shrinks)`;
  return [heading, ...lines.map(([label, text]) => label.padEnd(width) + text)].join("\n");
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
  if (error === undefined || !exact || !Number.isFinite(error)) return "";
  const ulp = 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 52);
  return ` (${Number((error / ulp).toPrecision(2)).toLocaleString("en")} ulp)`;
}

/** A character a cell, rows of the last dim: "." right, "%" wrong, "@" the worst. */
function errorMap({ shape, error, bound, worst }: Mismatch): string {
  const row = shape.at(-1) ?? 1;
  const cells = Array.from(error, (e, cell) => (cell === worst ? "@" : e > (bound[cell] ?? 0) ? "%" : "."));
  const rows = Array.from({ length: Math.ceil(cells.length / Math.max(1, row)) }, (_, i) =>
    cells.slice(i * row, (i + 1) * row).join(""),
  );
  return rows.slice(0, 16).join(" ") + (rows.length > 16 ? " …" : "");
}

/** Changes one thing of the case at a time, and tells which changes make it pass. */
function probes(drawn: Case, judge: (drawn: Case) => Verdict): (readonly [string, string])[] {
  const tries: (readonly [string, Case])[] = [
    ...drawn.names.slice(1).map((input, i): readonly [string, Case] => [
      `${input} = 1`,
      {
        ...drawn,
        inputs: drawn.inputs.map((array, k) =>
          k === i + 1 ? array.constant((v) => new Float64Array(v.length).fill(1)) : array,
        ),
      },
    ]),
    ...("eps" in drawn.settings ? [["eps = 0", { ...drawn, settings: { ...drawn.settings, eps: 0 } }] as const] : []),
    ["gradOutput = 1", { ...drawn, noise: drawn.noise.map(() => 1) }],
    ["gradOutput > 0", { ...drawn, noise: drawn.noise.map(Math.abs) }],
  ];
  const passing = tries.flatMap(([label, changed]) => {
    try {
      return judge(changed) === "right" ? [label] : [];
    } catch {
      return []; // an op may refuse what the probe gives it
    }
  });
  return passing.length > 0 ? [["it passes when", passing.join(" · ")]] : [];
}
