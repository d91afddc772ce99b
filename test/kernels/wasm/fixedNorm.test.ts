import { describe, expect, test } from "vitest";
import type { FloatArray } from "../../../src/kernels/floatArray.ts";
import * as typescript from "../../../src/kernels/norm.ts";
import type { NormLayout, NormNeeds, NormStatistics } from "../../../src/kernels/normLayout.ts";
import { normalizeBackward, normalizeForward } from "../../../src/kernels/wasm/fixedNorm.ts";
import { batches, groups, makeCase } from "./normCases.ts";
import type { Kind } from "./normCases.ts";

type Fixed = Pick<typeof typescript, "normalizeForward" | "normalizeBackward">;

const ALL: NormNeeds = { gradInput: true, gradWeight: true, gradBias: true };

const layouts: readonly (readonly [string, NormLayout])[] = [
  ["[N, C]", batches(67, 19, 1)],
  ["one channel", batches(701, 1, 1)],
  ["few positions", batches(29, 11, 4)],
  ["49 positions", batches(17, 3, 49)],
  ["81 positions", batches(5, 3, 81)],
  ["many positions", batches(3, 5, 211)],
  ["more positions than a chunk holds", batches(1, 2, 140009)],
  ["one sample of few positions", batches(1, 130, 5)],
  ["runs in sets", groups(1, 7, 3, 37)],
  ["few cells", batches(3, 2, 2)],
];

/** Means and deviations that are not those of x. */
function statisticsOf(sets: number, near: number): NormStatistics {
  const wave = (speed: number): Float64Array =>
    Float64Array.from({ length: sets }, (_, s) => Math.sin(speed * (s + 1)));
  return {
    mean: wave(1.3).map((value) => near + value),
    correction: new Float64Array(sets),
    variance: new Float64Array(sets),
    rstd: wave(0.7).map((value) => 2 + value),
  };
}

function answers(
  { normalizeForward: forward, normalizeBackward: backward }: Fixed,
  kind: Kind,
  layout: NormLayout,
  near: number,
  parameters: "both" | "none" = "both",
): readonly (FloatArray | null)[] {
  const given = makeCase(Float32Array, layout, near);
  const [x, g] = [kind.from(given.x), kind.from(given.gradOutput)];
  const weight = parameters === "none" || given.weight === null ? null : kind.from(given.weight);
  const bias = parameters === "none" || given.bias === null ? null : kind.from(given.bias);
  const statistics = statisticsOf(layout.sets, near);
  const { gradInput, gradWeight, gradBias } = backward(g, x, weight, statistics, layout, ALL);
  return [forward(x, weight, bias, statistics, layout), gradInput, gradWeight, gradBias];
}

/** |g · x̂|: |g| < 1.5, |x − mean| < 2.5, rstd < 3. */
const LARGEST_TERM = 11;

/** 4 ulp of the largest value, of the largest term of a sum; n terms may round n / 8 times in float64. */
function expectNear(
  kind: Kind,
  actual: readonly (FloatArray | null)[],
  expected: readonly (FloatArray | null)[],
): void {
  const terms = (expected[0]?.length ?? 0) / (expected[2]?.length ?? 1);
  const bound = kind === Float32Array ? 4 * 2 ** -23 : (terms / 8 + 16) * 2 ** -53;
  expected.forEach((wanted, k) => {
    expect(actual[k]).toBeInstanceOf(kind);
    const values = Array.from(wanted ?? []);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), k < 2 ? 1 : LARGEST_TERM);
    const errors = values.map((value, i) => Math.abs((actual[k]?.[i] ?? NaN) - value));
    // NaN is more than any bound.
    expect(errors.findIndex((error) => !(error <= bound * largest))).toBe(-1);
  });
}

const wasm: Fixed = { normalizeForward, normalizeBackward };

describe.each<[string, Kind]>([
  ["float32", Float32Array],
  ["float64", Float64Array],
])("normalizeForward and normalizeBackward, %s", (_, kind) => {
  test.each(layouts)("%s: those of ../norm.ts", (_, layout) => {
    for (const near of [0, 1e4]) {
      expectNear(kind, answers(wasm, kind, layout, near), answers(typescript, Float64Array, layout, near));
    }
    const without = answers(wasm, kind, layout, 1, "none");
    expectNear(kind, without, answers(typescript, Float64Array, layout, 1, "none"));
  });

  test("only the gradients that are needed", () => {
    for (const [, layout] of layouts.slice(0, 6)) {
      const { x, gradOutput, weight } = makeCase(kind, layout, 1);
      const statistics = statisticsOf(layout.sets, 1);
      const all = normalizeBackward(gradOutput, x, weight, statistics, layout, ALL);
      for (let which = 0; which < 8; which++) {
        const needs = { gradInput: (which & 1) > 0, gradWeight: (which & 2) > 0, gradBias: (which & 4) > 0 };
        expect(normalizeBackward(gradOutput, x, weight, statistics, layout, needs)).toEqual({
          gradInput: needs.gradInput ? all.gradInput : null,
          gradWeight: needs.gradWeight ? all.gradWeight : null,
          gradBias: needs.gradBias ? all.gradBias : null,
        });
      }
    }
  });

  test("a shift that is forgotten, or another channel's weight, would be found", () => {
    const [, layout] = layouts[0] ?? ["", batches(67, 19, 1)];
    const right = answers(typescript, Float64Array, layout, 1e4);
    const shifted: Fixed = {
      ...wasm,
      normalizeForward: (x, weight, _, ...rest) => normalizeForward(x, weight, null, ...rest),
    };
    const turned: Fixed = {
      ...wasm,
      normalizeBackward: (g, x, weight, ...rest) => normalizeBackward(g, x, weight?.toReversed() ?? null, ...rest),
    };
    for (const wrong of [shifted, turned]) {
      expect(() => expectNear(kind, answers(wrong, kind, layout, 1e4), right)).toThrow("to be -1");
    }
  });
});
