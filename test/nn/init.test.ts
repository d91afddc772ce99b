import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator, sizeOf } from "../../src/autograd/index.ts";
import type { Shape, Tensor } from "../../src/autograd/index.ts";
import {
  calculateGain,
  defaultBias,
  defaultWeight,
  kaimingNormal,
  kaimingUniform,
  xavierNormal,
  xavierUniform,
} from "../../src/nn/init.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { initCases } from "../helpers/layerFixture.ts";

const generator = new Generator(7);

function largest(tensor: Tensor): number {
  return tensor.abs().max().item();
}

function deviation(tensor: Tensor): number {
  return tensor.square().mean().sqrt().item();
}

function draw(seed: number): Tensor {
  return kaimingUniform([3, 4], { generator: new Generator(seed), dtype: "float32" });
}

/** Enough draws of one shape that bounds and deviations are seen to within 3 %. */
function many(init: () => Tensor, shape: Shape): Tensor[] {
  return Array.from({ length: Math.ceil(20_000 / sizeOf(shape)) }, init);
}

const functions = {
  kaimingUniform_: kaimingUniform,
  kaimingNormal_: kaimingNormal,
  xavierUniform_: xavierUniform,
  xavierNormal_: xavierNormal,
};

describe("PyTorch's bounds and deviations", () => {
  const cases = initCases().flatMap((entry) =>
    Object.entries(functions).flatMap(([name, init]) => (name === entry.init ? [{ ...entry, initialize: init }] : [])),
  );

  test("are there for every function", () => {
    expect(new Set(cases.map((entry) => entry.init))).toEqual(new Set(Object.keys(functions)));
  });

  test.each(cases)("$init $shape $options", ({ shape, options, gain, bound, std, initialize }) => {
    const size = given(shape);
    const tensors = many(() => initialize(size, { ...options, generator }), size);
    const numbers = tensors.flatMap((tensor) => [...tensor.data]);
    const seenStd = Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0) / numbers.length);
    const seenBound = Math.max(...tensors.map(largest));
    if (bound !== undefined) {
      expect(seenBound).toBeLessThanOrEqual(bound);
      expect(seenBound).toBeGreaterThan(0.99 * bound);
      expect(seenStd).toBeCloseTo(bound / Math.sqrt(3), 2);
    }
    if (std !== undefined) {
      // 20,000 draws show a deviation to 1/√40,000 = 0.5 %: 3 % is six times that. Uniform numbers end at √3 of it.
      expect(Math.abs(seenStd / std - 1)).toBeLessThan(0.03);
      expect(seenBound).toBeGreaterThan(3 * std);
    }
    if (options?.nonlinearity) expect(calculateGain(options.nonlinearity, options.a)).toBeCloseTo(given(gain), 14);
  });

  test.each(initCases().filter((entry) => entry.init === "default"))("of $module", (entry) => {
    const shape = entry.module === "Linear(20, 30)" ? [30, 20] : [8, 3, 3, 3];
    const weights = many(() => defaultWeight(shape, { generator }), shape);
    const biases = many(() => defaultBias(shape, { generator }), shape.slice(0, 1));
    for (const [tensors, bound] of [
      [weights, given(entry.weightBound)],
      [biases, given(entry.biasBound)],
    ] as const) {
      const seen = Math.max(...tensors.map(largest));
      expect(seen).toBeLessThanOrEqual(bound * (1 + 1e-15));
      expect(seen).toBeGreaterThan(0.99 * bound);
    }
    expect(given(biases[0]).shape).toEqual(shape.slice(0, 1));
  });
});

describe("kaimingUniform", () => {
  test("has a bound of gain · √(3 / fan) and is centred", () => {
    const sizes = fc.record({
      shape: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 }),
      mode: fc.constantFrom("fan_in" as const, "fan_out" as const),
      a: fc.constantFrom(0, 0.2, Math.sqrt(5)),
    });
    holds(sizes, ({ shape, mode, a }) => {
      const [out = 1, into = 1, ...kernel] = shape;
      const fan = (mode === "fan_in" ? into : out) * sizeOf(kernel);
      const bound = Math.sqrt(2 / (1 + a * a)) * Math.sqrt(3 / fan);
      const tensor = kaimingUniform(shape, { mode, a, generator });
      expect(tensor.shape).toEqual(shape);
      expect(largest(tensor)).toBeLessThanOrEqual(bound * (1 + 1e-15));
    });
    const numbers = kaimingUniform([100, 100], { generator });
    expect(Math.abs(numbers.mean().item())).toBeLessThan(5 * (deviation(numbers) / 100)); // five standard errors
  });

  test("draws from the generator it is given, in the dtype it is given", () => {
    expect(draw(1).toArray()).toEqual(draw(1).toArray());
    expect(draw(1).toArray()).not.toEqual(draw(2).toArray());
    expect(draw(1).dtype).toBe("float32");
    expect(kaimingUniform([3, 4]).dtype).toBe("float64");
  });

  test("names what does not fit", () => {
    expect(() => kaimingUniform([3])).toThrow(
      "kaimingUniform: expected a shape [out, in, ...kernel] of at least two dims, got [3]",
    );
    expect(() => kaimingNormal([])).toThrow(/^kaimingNormal: expected a shape/);
    expect(() => xavierUniform([3])).toThrow(/^xavierUniform: expected a shape/);
    const mode: { mode: "fan_in" } = JSON.parse('{ "mode": "fan_avg" }');
    expect(() => kaimingNormal([2, 2], mode)).toThrow(
      'kaimingNormal: expected mode "fan_in" or "fan_out", got fan_avg',
    );
    expect(() => xavierNormal([2, 2], { gain: NaN })).toThrow("xavierNormal: expected a finite gain, got NaN");
  });
});

describe("calculateGain", () => {
  test("is PyTorch's", () => {
    expect(calculateGain("linear")).toBe(1);
    expect(calculateGain("conv1d")).toBe(1);
    expect(calculateGain("conv2d")).toBe(1);
    expect(calculateGain("sigmoid")).toBe(1);
    expect(calculateGain("tanh")).toBe(5 / 3);
    expect(calculateGain("relu")).toBe(Math.SQRT2);
    expect(calculateGain("leaky_relu")).toBe(Math.sqrt(2 / 1.0001));
    expect(calculateGain("leaky_relu", 1)).toBe(1);
    expect(calculateGain("selu")).toBe(0.75);
  });

  test("refuses an unknown nonlinearity and a slope that is none", () => {
    const unknown: "relu" = JSON.parse('"swish"');
    expect(() => calculateGain(unknown)).toThrow(
      "calculateGain: expected one of linear, conv1d, conv2d, sigmoid, tanh, relu, leaky_relu, selu as nonlinearity, got swish",
    );
    expect(() => calculateGain("leaky_relu", NaN)).toThrow("calculateGain: expected a finite slope, got NaN");
  });
});
