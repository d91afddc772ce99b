/** What lessons compare methods with: accuracy, learning rates, pictures. */
import { describe, expect, test } from "vitest";
import { tensor } from "normgrad";
import { percentOf, rightOf } from "../../../examples/shared/accuracy.ts";
import { svgOf } from "../../../examples/shared/chart.ts";
import { pictures } from "../../../examples/shared/pictures.ts";
import { dusk, hills, lagoon } from "../../../examples/shared/scenes.ts";
import { tune } from "../../../examples/shared/tuning.ts";

describe("rightOf and percentOf", () => {
  test("count the rows whose label has the largest logit", () => {
    const logits = tensor([
      [1, 3, 2],
      [5, 4, 0],
      [0, 0, 1],
      [2, 1, 0],
    ]);
    const right = rightOf(logits, Int32Array.of(1, 1, 2, 0));
    expect(right).toEqual([true, false, true, true]);
    expect(percentOf(right)).toBe(75);
  });

  test("a logit that is no number is never right", () => {
    expect(rightOf(tensor([[NaN, 1]]), Int32Array.of(1))).toEqual([false]);
  });
});

describe("tune", () => {
  const scores: Readonly<Record<string, number>> = { "a 1": 50, "a 2": 60, "b 1": 70, "b 2": 40 };

  test("takes the rate with the highest mean for each method, and shows the spread", () => {
    const tuned = tune(["a", "b"], [1, 2], [0, 1], (name, rate, seed) => (scores[`${name} ${rate}`] ?? NaN) + seed);
    expect([tuned.rateOf("a"), tuned.rateOf("b")]).toEqual([2, 1]);
    expect(tuned.heads).toEqual(["", "taken", "rate 1", "rate 2"]);
    expect(tuned.rows[0]).toEqual(["a", "2", "50.5 (50.0 … 51.0)", "60.5 (60.0 … 61.0)"]);
  });

  test("tries nothing where there is no choice", () => {
    const tuned = tune(["a"], [0.5], [1], () => {
      throw new Error("tried");
    });
    expect(tuned.rateOf("a")).toBe(0.5);
    expect(tuned.rows).toEqual([["a", "0.5", "not tried"]]);
  });
});

describe("pictures", () => {
  test("draws each pixel in its colour, cut off at 0 and 1", async () => {
    const image = tensor([[[[0, 1]], [[0.5, 2]], [[-1, 0]]]]);
    const svg = await svgOf(pictures([{ row: "r", column: "c", image }]), "a picture");
    for (const text of ["rgb(0,128,0)", "rgb(255,255,0)", ">r<", ">c<"]) expect(svg).toContain(text);
    expect(svg).not.toContain("NaN");
  });

  test("of the scenes are [1, 3, 24, 24], from 0 to 1, and each is another", () => {
    const scenes = [hills(0), hills(1), dusk(), lagoon()];
    for (const scene of scenes) {
      expect(scene.shape).toEqual([1, 3, 24, 24]);
      expect(Math.min(...scene.data)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...scene.data)).toBeLessThanOrEqual(1);
    }
    expect(new Set(scenes.map((scene) => scene.data.join(" "))).size).toBe(4);
  });
});
