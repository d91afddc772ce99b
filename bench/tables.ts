/** What was measured, as rows of text: the first row is the heading. */
import { accuracy, elementsOf, parametersOf, shapes, sizes, timed } from "./cases.ts";
import type { Case } from "./cases.ts";
import { CONTESTANTS, LABELS } from "./contestants/names.ts";
import type { ContestantName } from "./contestants/names.ts";
import { goals, isMet } from "./goals.ts";
import type { Goal } from "./goals.ts";
import { measurementsOf, ratioOf, timesOf } from "./measurement.ts";
import type { Results } from "./measurement.ts";
import type { TableName } from "./settings.ts";
import { median } from "./statistics.ts";
import { showNumber, showSpread, showTime } from "./format.ts";
import type { Row } from "./format.ts";

/** Others are compared to our default backend, if it was measured. */
export function baseOf({ measurements }: Results): ContestantName {
  const there = new Set(measurements.filter(({ table }) => table === "times").map(({ contestant }) => contestant));
  if (there.has("normgrad-typescript")) return "normgrad-typescript";
  return CONTESTANTS.find((name) => there.has(name)) ?? "normgrad-typescript";
}

/** Times over the base's, of CPU time. */
export function ratioRows(results: Results): Row[] {
  const base = baseOf(results);
  const present = presentIn(results, "times");
  return tableOf(results, "times", timed, ["time", ...present.map((name) => LABELS[name])], ({ id }) => {
    const time = timesOf(results, "times", id, base);
    return [
      time ? showTime(time.median) : "",
      ...present.map((name) => cell(results, "times", id, name, () => ratioCell(results, id, name, base))),
    ];
  });
}

function ratioCell(results: Results, id: string, name: ContestantName, base: ContestantName): string {
  const ratio = ratioOf(results, "times", id, name, base);
  const mark = measurementsOf(results, "times", id, name).some(({ fromPrimitives }) => fromPrimitives) ? "*" : "";
  return ratio ? showNumber(ratio.median) + mark : "";
}

/** Medians with the least and the most of all rounds. */
export function timeRows(results: Results): Row[] {
  const present = presentIn(results, "times");
  return tableOf(
    results,
    "times",
    timed,
    present.map((name) => LABELS[name]),
    ({ id }) =>
      present.map((name) => cell(results, "times", id, name, () => showSpread(timesOf(results, "times", id, name)))),
  );
}

/** Bytes kept by a step, over those of its results; and by how much the process grew at most. */
export function memoryRows(results: Results): Row[] {
  const present = presentIn(results, "times");
  const measured = timed.filter(({ op }) => op !== "mlp");
  return tableOf(
    results,
    "times",
    measured,
    present.map((name) => LABELS[name]),
    (one) =>
      present.map((name) =>
        cell(results, "times", one.id, name, () => {
          const own = measurementsOf(results, "times", one.id, name);
          const kept = own.flatMap(({ kept }) => kept ?? []);
          const peak = own.flatMap(({ peak }) => peak ?? []);
          const share =
            kept.length > 0 && resultBytes(one) > NOISE ? `${showNumber(median(kept) / resultBytes(one))}× ` : "";
          return `${share}${peak.length > 0 ? `${showNumber(median(peak) / 2 ** 20)} MB` : ""}`;
        }),
      ),
  );
}

/** A heap of JavaScript grows and shrinks by itself: what smaller results keep cannot be seen. */
const NOISE = 1e6;

/** Output and gradients. */
function resultBytes(measured: Case): number {
  const width = measured.dtype === "float32" ? 4 : 8;
  if (measured.op === "matmul" || measured.op === "mlp") return width * elementsOf(measured);
  const parameters = parametersOf(measured) * (measured.op === "rmsNorm" ? 1 : 2);
  return width * (2 * elementsOf(measured) + parameters);
}

/** Output / gradients: the largest error over the largest value, and in ulp. A row for each contestant. */
export function accuracyRows(results: Results): Row[] {
  const present = presentIn(results, "accuracy");
  const rows = tableOf(
    results,
    "accuracy",
    accuracy,
    present.map((name) => LABELS[name]),
    ({ id }) =>
      present.map((name) =>
        cell(results, "accuracy", id, name, () => {
          const errors = measurementsOf(results, "accuracy", id, name)[0]?.errors;
          if (!errors) return "";
          const { output, gradients } = errors;
          const relative = `${output.relative.toExponential(0)} / ${gradients.relative.toExponential(0)}`;
          if (Number.isNaN(output.relative + gradients.relative)) return "NaN";
          return `${relative} (${showNumber(output.ulp)} / ${showNumber(gradients.ulp)} ulp)`;
        }),
      ),
  );
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? ""));
}

/** Nanoseconds an element, over the least among the shapes; the last row is the worst. */
export function shapeRows(results: Results): Row[] {
  const present = presentIn(results, "shapes");
  const costs = new Map(
    present.map((name) => [
      name,
      shapes.map((one) => {
        const time = timesOf(results, "shapes", one.id, name);
        return time ? time.median / elementsOf(one) : null;
      }),
    ]),
  );
  const least = (name: ContestantName): number => Math.min(...(costs.get(name) ?? []).flatMap((cost) => cost ?? []));
  const most = (name: ContestantName): number => Math.max(...(costs.get(name) ?? []).flatMap((cost) => cost ?? []));
  const rows = tableOf(
    results,
    "shapes",
    shapes,
    present.map((name) => LABELS[name]),
    (one) =>
      present.map((name) =>
        cell(results, "shapes", one.id, name, () => {
          const cost = costs.get(name)?.[shapes.indexOf(one)] ?? null;
          return cost === null ? "" : `${showNumber(cost)} ns  ${showNumber(cost / least(name))}×`;
        }),
      ),
  );
  if (rows.length < 2) return rows;
  return [...rows, ["worst over best", ...present.map((name) => `${showNumber(most(name) / least(name))}×`)]];
}

/** Nanoseconds an element. */
export function sizeRows(results: Results): Row[] {
  const present = presentIn(results, "sizes");
  return tableOf(
    results,
    "sizes",
    sizes,
    present.map((name) => LABELS[name]),
    (one) =>
      present.map((name) =>
        cell(results, "sizes", one.id, name, () => {
          const time = timesOf(results, "sizes", one.id, name);
          return time ? showNumber(time.median / elementsOf(one)) : "";
        }),
      ),
  );
}

export function goalRows(results: Results): Row[] {
  const column = (goal: Goal, backend: "typescript" | "wasm"): Row => {
    const target = goal[backend];
    if (target === null) return ["", ""];
    const measured = goal.measure(results, `normgrad-${backend}`);
    const met = isMet(target, measured);
    const seen = measured === null ? "not measured" : `${showNumber(measured)}${goal.unit}`;
    return [target.says, met === null ? seen : `${seen} ${met ? "✓" : "✗"}`];
  };
  return [
    ["goal", "TypeScript", "measured", "WebAssembly", "measured"],
    ...goals.map((goal) => [goal.what, ...column(goal, "typescript"), ...column(goal, "wasm")]),
  ];
}

/** Who cannot be measured here, and who failed, with the reason: one line each. */
export function notes({ absences }: Results): string[] {
  const lines = absences.flatMap(({ missing, contestant, table, case: id, reason }) => {
    if (missing === "contestant") return [`${LABELS[contestant]}: ${reason}`];
    if (reason === LACKS) return [];
    return [`${LABELS[contestant]} on ${id}${table === "times" ? "" : ` (${table})`}: ${reason}`];
  });
  return [...new Set(lines)];
}

const LACKS = "has no such op";

// ── Helpers ───────────────────────────────────────────────────────────────────────────────────────────────────────

function presentIn({ measurements }: Results, table: TableName): readonly ContestantName[] {
  const there = new Set(measurements.filter((one) => one.table === table).map(({ contestant }) => contestant));
  return CONTESTANTS.filter((name) => there.has(name));
}

/** A row for each case that anyone was measured on. */
function tableOf<C extends Case>(
  { measurements, absences }: Results,
  table: TableName,
  cases: readonly C[],
  heading: Row,
  row: (measured: C) => Row,
): Row[] {
  const touched = new Set([...measurements, ...absences].filter((one) => one.table === table).map((one) => one.case));
  const rows = cases.filter(({ id }) => touched.has(id)).map((measured) => [measured.title, ...row(measured)]);
  return rows.length === 0 ? [] : [["", ...heading], ...rows];
}

/** What was measured; "–" where there is no such op, or the word why there is no number. */
function cell(results: Results, table: TableName, id: string, name: ContestantName, show: () => string): string {
  const shown = show();
  if (shown !== "") return shown;
  const absence = results.absences.find((one) => one.table === table && one.case === id && one.contestant === name);
  if (absence === undefined) return "";
  if (absence.reason === LACKS) return "–";
  return absence.missing === "wrong" ? "wrong" : "failed";
}
