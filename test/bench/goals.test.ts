import { describe, expect, test } from "vitest";
import { goals, isMet } from "../../bench/goals.ts";
import type { Goal } from "../../bench/goals.ts";
import { goalRows } from "../../bench/tables.ts";
import { measured, results } from "./results.ts";

function goalOf(beginning: string): Goal {
  const goal = goals.find(({ what }) => what.startsWith(beginning));
  if (goal === undefined) throw new Error(`no goal begins with ${beginning}`);
  return goal;
}

describe("isMet", () => {
  test("limits hold at the limit itself; what was not measured is neither met nor missed", () => {
    const [below, above] = [
      { says: "≤ 5×", atMost: 5 },
      { says: "≥ 4×", atLeast: 4 },
    ];
    expect([isMet(below, 5), isMet(below, 5.1), isMet(above, 4), isMet(above, 3.9)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([isMet(below, null), isMet(null, 1)]).toEqual([null, null]);
  });

  test("NaN meets nothing", () => {
    expect(isMet({ says: "≤ 1 ulp", atMost: 1 }, NaN)).toBe(false);
  });
});

describe("goals", () => {
  test("against PyTorch: our time over its own", () => {
    const all = results(measured("ln-512x768", { "normgrad-typescript": [40], "normgrad-wasm": [12], pytorch: [10] }));
    const goal = goalOf("LN 512×768 f32");
    expect(goal.measure(all, "normgrad-typescript")).toBe(4);
    expect(goal.measure(all, "normgrad-wasm")).toBe(1.2);
    expect(goalRows(all)[1]).toEqual([goal.what, "≤ 5×", "4× ✓", "≤ 1.3×", "1.2× ✓"]);
  });

  test("small problems: its time over ours", () => {
    const all = results(measured("ln-8x16", { "normgrad-wasm": [2], pytorch: [18] }));
    const goal = goalOf("LN 8×16");
    expect(goal.measure(all, "normgrad-wasm")).toBe(9);
    expect(
      goalRows(all)
        .find(([what]) => what === goal.what)
        ?.slice(1),
    ).toEqual(["≥ 7×", "not measured", "≥ 10×", "9× ✗"]);
  });

  test("the peers: the least lead on any norm counts, and matmul is no norm", () => {
    const all = results([
      ...measured("ln-8x16", { "normgrad-wasm": [1], deepbox: [50], "jax-js": [6] }),
      ...measured("bn-32x64x28x28", { "normgrad-wasm": [1], deepbox: [9] }),
      ...measured("matmul-256-f32", { "normgrad-wasm": [1], deepbox: [0.5] }),
    ]);
    expect(goalOf("the nearest JavaScript peer").measure(all, "normgrad-wasm")).toBe(6);
  });

  test("matmul: two operations for each of n³ products, a nanosecond each is one GFLOP/s", () => {
    const all = results(measured("matmul-256-f32", { "normgrad-wasm": [2 * 256 ** 3] }));
    expect(goalOf("matmul").measure(all, "normgrad-wasm")).toBe(1);
  });

  test("accuracy: the worst of all cases, of outputs and gradients", () => {
    const errors = (ulp: number): { readonly output: Size; readonly gradients: Size } => ({
      output: { relative: 0, ulp: 0.5 },
      gradients: { relative: 0, ulp },
    });
    const all = results([
      ...measured("ln-512x768", { "normgrad-wasm": [1] }, { table: "accuracy", errors: errors(3) }),
      ...measured("bn-32x64x28x28", { "normgrad-wasm": [1] }, { table: "accuracy", errors: errors(2) }),
    ]);
    expect(goalOf("largest error").measure(all, "normgrad-wasm")).toBe(3);
  });

  test("memory: bytes kept over those of the output and three gradients", () => {
    const bytes = 4 * (2 * 512 * 768 + 2 * 768);
    const all = results(measured("ln-512x768", { "normgrad-typescript": [1, 1] }, { kept: 2 * bytes }));
    expect(goalOf("memory").measure(all, "normgrad-typescript")).toBe(2);
  });

  test("without measurements no goal is met or missed", () => {
    for (const goal of goals) expect(goal.measure(results([]), "normgrad-wasm"), goal.what).toBeNull();
  });
});

interface Size {
  readonly relative: number;
  readonly ulp: number;
}
