import { describe, expect, test } from "vitest";
import { checkTable, rowsOf, showError, showRatio } from "../../../examples/digits/checkTable.ts";
import type { GradientCheck } from "../../../examples/digits/gradientChecks.ts";

function check(norm: string, label: string, maxError: number, ofBound: number, input = "x"): GradientCheck {
  return { norm, case: label, maxError, ofBound, input, ok: ofBound <= 1 };
}

const checks = [
  check("layerNorm", "weight", 3.6e-16, 0.2),
  check("layerNorm", "no affine", 1e-16, 0.25),
  check("rmsNorm", "weight", 1e-12, 700, "weight"),
  check("rmsNorm", "bias", 0.5, 9e12, "bias"),
];

describe("rowsOf", () => {
  test("one row a norm, in order: the largest of each number, and the worst that fails", () => {
    expect(rowsOf(checks)).toEqual([
      { norm: "layerNorm", cases: 2, maxError: 3.6e-16, ofBound: 0.25, failed: null },
      { norm: "rmsNorm", cases: 2, maxError: 0.5, ofBound: 9e12, failed: checks[3] },
    ]);
    expect(rowsOf([])).toEqual([]);
  });

  test("a check without a number is the worst, and fails", () => {
    const none = check("rmsNorm", "no number", Infinity, Infinity);
    expect(rowsOf([...checks, none]).at(-1)).toMatchObject({ ofBound: Infinity, failed: none });
    expect(rowsOf([...checks, { ...none, ofBound: NaN }]).at(-1)).toMatchObject({ failed: { ok: false } });
  });
});

describe("checkTable", () => {
  test("a row a norm, columns of one width, and the worst case where one fails", () => {
    expect(checkTable(checks)).toBe(
      [
        "  norm        cases   largest error   error/bound",
        "  layerNorm       2         3.6e-16         0.250  ✓",
        "  rmsNorm         2          5.0e-1       9.0e+12  ✗ bias: the gradient of bias",
        "  4 checks, 2 within the bound of rounding",
        "",
      ].join("\n"),
    );
    expect(checkTable(checks.slice(0, 2))).toContain("2 checks, all within the bound of rounding");
  });

  test("holds together where nothing was checked", () => {
    expect(checkTable([])).toBe(
      "  norm   cases   largest error   error/bound\n  0 checks, all within the bound of rounding\n",
    );
  });
});

test.each([
  [0, "0", "0.000"],
  [3.64e-16, "3.6e-16", "<0.001"],
  [0.25, "2.5e-1", "0.250"],
  [1234, "1.2e+3", "1.2e+3"],
  [Infinity, "no number", "∞"],
  [NaN, "no number", "∞"],
])("%s is shown as an error and as a ratio", (value, error, ratio) => {
  expect([showError(value), showRatio(value)]).toEqual([error, ratio]);
});
