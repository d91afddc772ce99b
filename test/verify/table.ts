/** What is printed at the end of a run, and its exit status. */
import { modeOf } from "./outcome.ts";
import type { Violation } from "./outcome.ts";
import type { Settings } from "./settings.ts";
import { merge } from "./summary.ts";
import type { Counts, Summary } from "./summary.ts";

export interface Finished {
  readonly text: string;
  readonly exitCode: number;
}

type Run = Pick<Settings, "seed" | "json">;

const COLUMNS: readonly (readonly [heading: string, cell: (counts: Counts) => string])[] = [
  ["cases", ({ cases }) => count(cases)],
  ["2nd order", ({ secondOrder }) => count(secondOrder)],
  ["skipped", ({ skipped }) => count(skipped)],
  ["groups of 1", ({ groupsOfOne }) => count(groupsOfOne)],
  ["mean 1e8", ({ mean1e8 }) => count(mean1e8)],
  ["error/bound", ({ worst }) => share(worst)],
  ["2nd error/bound", ({ worstSecond, secondOrder }) => (secondOrder === 0 ? "–" : share(worstSecond))],
  ["violations", ({ violations }) => count(violations)],
];

/** `planned` is more than the cases of the summary if the run was interrupted. */
export function finish(summary: Summary, planned: number, run: Run): Finished {
  const { total, violations } = summary;
  const complete = total.cases === planned;
  const exitCode = total.violations > 0 ? 1 : complete ? 0 : 130;
  if (run.json) {
    const listed = violations.map((violation) => ({ ...violation, command: commandOf(violation, run) }));
    return { text: JSON.stringify({ seed: run.seed, complete, ...summary, violations: listed }, null, 2), exitCode };
  }
  const cases = complete ? count(total.cases) : `Interrupted after ${count(total.cases)} of ${count(planned)}`;
  const last = `${cases} ${planned === 1 ? "case" : "cases"}, ${count(total.violations)} violations`;
  return { text: [table(summary), ...violations.map((v) => detail(v, run)), last].join("\n\n"), exitCode };
}

function table({ rows, total }: Summary): string {
  const named = merge(rows, modeOf).map((row) => [[row.norm, row.options] as const, row] as const);
  const lines: readonly (readonly string[])[] = [
    ["norm", "options", ...COLUMNS.map(([heading]) => heading)],
    ...[...named, [["all", ""] as const, total] as const].map(([names, counts]) => [
      ...names,
      ...COLUMNS.map(([, cell]) => cell(counts)),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function detail(violation: Violation, run: Run): string {
  const { index, norm, what, how } = violation;
  return `FAIL case ${index}, ${norm} ${what}\n  ${how}\n  again: ${commandOf(violation, run)}`;
}

function commandOf({ index }: Violation, { seed }: Run): string {
  return `npm run verify -- --seed ${seed} --case ${index}`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function share(ratio: number): string {
  return ratio !== 0 && (ratio < 1e-3 || ratio >= 1e4) ? ratio.toExponential(1) : ratio.toFixed(3);
}
