/** The gradient checks, one row a norm: for the terminal here, for the report in report.ts. */
import type { GradientCheck } from "./gradientChecks.ts";

export interface NormRow {
  readonly norm: string;
  /** How many combinations of its options were checked. */
  readonly cases: number;
  readonly maxError: number;
  readonly ofBound: number;
  /** Of the checks that fail the one that is furthest off; null if all pass. */
  readonly failed: GradientCheck | null;
}

export function rowsOf(checks: readonly GradientCheck[]): NormRow[] {
  return [...new Set(checks.map(({ norm }) => norm))].map((norm) => {
    const own = checks.filter((check) => check.norm === norm);
    const worst = own.toSorted((a, b) => Number(a.ok) - Number(b.ok) || b.ofBound - a.ofBound)[0] ?? null;
    return {
      norm,
      cases: own.length,
      maxError: Math.max(...own.map(({ maxError }) => maxError)),
      ofBound: Math.max(...own.map(({ ofBound }) => ofBound)),
      failed: worst?.ok ? null : worst,
    };
  });
}

export function checkTable(checks: readonly GradientCheck[]): string {
  const rows = rowsOf(checks);
  const width = Math.max(...rows.map(({ norm }) => norm.length), 4);
  const line = (norm: string, cases: string, error: string, ofBound: string, verdict: string): string =>
    `  ${norm.padEnd(width)}${cases.padStart(8)}${error.padStart(16)}${ofBound.padStart(14)}  ${verdict}`.trimEnd();
  return [
    line("norm", "cases", "largest error", "error/bound", ""),
    ...rows.map(({ norm, cases, maxError, ofBound, failed }) =>
      line(norm, String(cases), showError(maxError), showRatio(ofBound), failed ? `✗ ${showFailure(failed)}` : "✓"),
    ),
    `  ${summary(checks)}\n`,
  ].join("\n");
}

export function summary(checks: readonly GradientCheck[]): string {
  const failed = checks.filter(({ ok }) => !ok).length;
  return `${checks.length} checks, ${failed === 0 ? "all" : checks.length - failed} within the bound of rounding`;
}

/** 3.6e-16: part of the largest gradient. */
export function showError(maxError: number): string {
  if (maxError === 0) return "0";
  return Number.isFinite(maxError) ? maxError.toExponential(1) : "no number";
}

export function showRatio(ofBound: number): string {
  if (!Number.isFinite(ofBound)) return "∞";
  if (ofBound > 0 && ofBound < 0.001) return "<0.001";
  return ofBound < 100 ? ofBound.toFixed(3) : ofBound.toExponential(1);
}

export function showFailure({ case: label, input }: GradientCheck): string {
  return `${label}: the gradient of ${input}`;
}
