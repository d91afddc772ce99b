/** What every norm does where there is nothing, or nothing but one value, to normalize. */
import { describe, expect, test } from "vitest";
import { grad, NdArray, noGrad, sizeOf, Tensor, withBackend } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchRenorm1d,
  InstanceNorm1d,
  normDescriptors,
  SwitchableNorm2d,
} from "../../src/norms/index.ts";
import type { Norm, NormCase } from "../../src/norms/index.ts";
import { mutantCase, redeal } from "../helpers/mutantNorm.ts";
import type { Mutation } from "../helpers/mutantNorm.ts";
import { setsByNorm, setsOf } from "../helpers/normOracles.ts";

/** Some numbers that are no two alike, positive and negative. */
function numbers(shape: Shape, from = 0): NdArray {
  return new NdArray(
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(from + 1.7 * i) + (i % 2 === 0 ? 1.5 : -1.5)),
    shape,
  );
}

function inputsOf({ inputs }: NormCase, x: NdArray): Tensor[] {
  return inputs.map(({ shape }, i) => new Tensor(i === 0 ? x : numbers(shape, i), true));
}

/** Output, gradients of all inputs, and the second derivative of their squares by all inputs. */
function derivatives(
  normCase: NormCase,
  inputs: readonly Tensor[],
): { output: NdArray; first: Tensor[]; second: Tensor[] } {
  const output = normCase.op(inputs);
  const gradOutput = new Tensor(numbers(output.shape, 9), true);
  const first = grad(output, inputs, { gradOutput, createGraph: true });
  const along = first.map((gradient) => gradient.square().sum()).reduce((a, b) => a.add(b));
  const second = grad(along, [...inputs, gradOutput], { allowUnused: true }).filter((gradient) => gradient !== null);
  return { output: output.value, first, second };
}

/** With eps = 0, a set of equal values has x̂ = 0: the output is the bias, and gradInput and gradWeight are 0. */
function expectConstantSetsVanish(normCase: NormCase): void {
  const sets = setsOf(normCase);
  if (sets.some(({ running }) => running !== null)) return; // their variance is that of other values: see the end
  const [xShape = []] = normCase.inputs.map(({ shape }) => shape);
  const constants = [0.1, -0.3, 1 / 3, 1e8 + 0.1, 7.7];
  const x = new Float64Array(sizeOf(xShape));
  sets.forEach(({ cells }, set) => {
    for (const cell of cells) x[cell] = constants[set % constants.length] ?? 0;
  });
  const inputs = inputsOf(normCase, new NdArray(x, xShape));
  const { output, first, second } = derivatives(normCase, inputs);
  const bias = inputs[normCase.inputs.findIndex(({ name }) => name === "bias")];
  for (const { cells, parameters } of sets) {
    cells.forEach((cell, i) => expect((output.data[cell] ?? NaN) + 0).toBe(bias?.data[parameters[i] ?? 0] ?? 0));
  }
  normCase.inputs.forEach(({ name }, i) => {
    if (name !== "bias") for (const value of first[i]?.data ?? [NaN]) expect(Math.abs(value)).toBe(0);
  });
  for (const gradient of second) expect(gradient.data.every(Number.isFinite)).toBe(true);
}

/** An empty output, and parameters that get gradients of 0, at second order too. */
function expectEmpty(normCase: NormCase): void {
  const [xShape = []] = normCase.inputs.map(({ shape }) => shape);
  const inputs = inputsOf(normCase, numbers(xShape));
  const { output, first, second } = derivatives(normCase, inputs);
  expect(output.shape).toEqual(xShape);
  expect(first.map(({ shape }) => shape)).toEqual(normCase.inputs.map(({ shape }) => shape));
  for (const gradient of [...first, ...second]) for (const value of gradient.data) expect(Math.abs(value)).toBe(0);
}

/** What is not a number stays in the set that it is in. */
function expectPoisonStays(normCase: NormCase, poison: number): void {
  const sets = setsOf(normCase);
  const [xShape = []] = normCase.inputs.map(({ shape }) => shape);
  const healthy = numbers(xShape);
  const last = sets.at(-1)?.cells[0] ?? 0;
  const ill = new NdArray(healthy.data.with(last, poison), xShape);
  const [before, after] = [healthy, ill].map((x) => derivatives(normCase, inputsOf(normCase, x)));
  sets.forEach(({ cells, running }, set) => {
    for (const cell of cells) {
      const isIll = set === sets.length - 1 && running === null;
      if (!isIll && cell === last) continue;
      for (const [is, was] of [
        [after?.output, before?.output],
        [after?.first[0], before?.first[0]],
      ]) {
        expect(is?.data[cell]).toBe(isIll ? NaN : was?.data[cell]);
      }
    }
  });
}

const constantShapes = [3, 7, 10].flatMap((n): Shape[] => [
  [n, 2],
  [2, n],
  [2, 2, n],
  [1, 3, n, 1],
]);

// The norms with one mean and one variance of each set. The others have their edges in tests of their own.
const ofOneSet = normDescriptors.filter(({ name }) => name in setsByNorm);

describe.each(ofOneSet)("$name", ({ name, cases }) => {
  test("a set of equal values gives the bias and no gradient when eps is 0", () => {
    const all = constantShapes.flatMap((shape) => cases(shape, 0));
    expect(all.length).toBeGreaterThan(10);
    for (const normCase of all) expectConstantSetsVanish(normCase);
  });

  test("… and a mean that is an ulp off, or the reciprocal of 0, is noticed", () => {
    const planted = (mutation: Mutation): void => {
      for (const normCase of constantShapes.flatMap((shape) => cases(shape, 0))) {
        const sets = setsOf(normCase);
        if (sets.some(({ running }) => running !== null)) continue;
        expectConstantSetsVanish(mutantCase(normCase, sets, 0, mutation));
      }
    };
    expect(() => planted({ parts: { centered: ({ x }) => x.sub(x.mean([1], true)) } })).toThrow(/to be/);
    expect(() => planted({ parts: { rstd: ({ variance, eps }) => variance.add(eps).rsqrt() } })).toThrow(/to be/);
  });

  test("an empty batch, or no positions, gives an empty output and parameter gradients of 0", () => {
    const all = [
      [0, 3],
      [0, 4, 3],
      [2, 4, 0],
      [0, 2, 0, 5],
    ].flatMap((shape) => cases(shape));
    expect(all.length).toBeGreaterThan(10);
    for (const normCase of all) expectEmpty(normCase);
  });

  test("… and a parameter's gradient of NaN is noticed", () => {
    const withWeight = cases([0, 4, 3]).find(({ inputs }) => inputs.length > 1);
    if (!withWeight) throw new Error(`expected ${name} to have a case with parameters`);
    const op: NormCase["op"] = (inputs) => withWeight.op(inputs).add(inputs[1]?.sum().mul(NaN) ?? 0);
    expect(() => expectEmpty({ ...withWeight, op })).toThrow(/to be/);
  });

  test("a NaN or an infinity poisons the set that it is in, and no other", () => {
    for (const normCase of cases([2, 4, 3])) {
      for (const poison of [NaN, Infinity, -Infinity]) expectPoisonStays(normCase, poison);
    }
  });

  test("… and one that leaks is noticed", () => {
    expect(() => {
      for (const normCase of cases([2, 4, 3])) {
        const sets = setsOf(normCase);
        if (sets.length === 1 || sets.some(({ running }) => running !== null)) continue;
        expectPoisonStays(
          mutantCase(normCase, sets, 1e-5, { sets: (right) => redeal(right, (s, i, n) => s * n + i + 1) }),
          NaN,
        );
      }
    }).toThrow(/to be/);
  });

  test("in noGrad nothing is recorded, and the output is the same", () => {
    for (const normCase of cases([2, 4, 3])) {
      const inputs = inputsOf(normCase, numbers([2, 4, 3]));
      const recorded = normCase.op(inputs);
      const silent = noGrad(() => normCase.op(inputs));
      expect([silent.record, silent.requiresGrad]).toEqual([null, false]);
      expect(recorded.record?.name).toBe(name);
      expect(silent.data).toEqual(recorded.data);
    }
  });

  test("the record holds the inputs, and its attributes name eps", () => {
    for (const normCase of cases([2, 4, 3], 0.25)) {
      const inputs = inputsOf(normCase, numbers([2, 4, 3]));
      const { record } = normCase.op(inputs);
      const recorded = record?.inputs.filter((input) => input?.requiresGrad);
      expect(recorded?.length).toBe(inputs.length);
      recorded?.forEach((input, i) => expect(input).toBe(inputs[i]));
      expect(record?.attributes["eps"]).toBe(0.25);
    }
  });

  test("inputs of two dtypes are refused", () => {
    for (const normCase of cases([2, 4, 3])) {
      const inputs = inputsOf(normCase, numbers([2, 4, 3]));
      inputs.forEach((input, i) => {
        if (inputs.length > 1) expect(() => normCase.op(inputs.with(i, input.to("float32")))).toThrow(TypeError);
      });
    }
  });

  test("a case takes as many inputs as it lists", () => {
    for (const normCase of cases([2, 4, 3])) {
      const arrays = inputsOf(normCase, numbers([2, 4, 3])).map(({ value }) => value);
      expect(() => normCase.trace(arrays.slice(1))).toThrow(RangeError);
      expect(() => normCase.trace([...arrays, ...arrays])).toThrow(`expected ${arrays.length} inputs`);
    }
  });
});

/** Layers whose running variance has become 0, in all modes that read it, by the statistics of constant batches. */
const constantLayers: Readonly<Record<string, () => readonly [layer: Norm, shape: Shape]>> = {
  BatchNorm1d: () => [new BatchNorm1d(2, { momentum: null, eps: 0 }), [3, 2]],
  BatchNorm2d: () => [new BatchNorm2d(2, { momentum: null, eps: 0 }), [3, 2, 2, 1]],
  InstanceNorm1d: () => [
    new InstanceNorm1d(2, { momentum: 1, eps: 0, affine: true, trackRunningStats: true }),
    [3, 2, 4],
  ],
  "BatchRenorm1d, the paper's": () => [new BatchRenorm1d(2, { momentum: null, eps: 0 }), [3, 2]],
  "BatchRenorm1d, the paper's, without limits": () => {
    const layer = new BatchRenorm1d(2, { momentum: null, eps: 0, rMax: Infinity, dMax: Infinity });
    layer.runningMean.value = new NdArray(Float64Array.of(0.1, 0.1), [2]); // of another one y would tell
    return [layer, [3, 2]];
  },
  "BatchRenorm1d, ludvb's": () => [new BatchRenorm1d(2, { momentum: null, eps: 0, convention: "ludvb" }), [3, 2]],
  SwitchableNorm2d: () => [new SwitchableNorm2d(2, { momentum: null, eps: 0 }), [3, 2, 2, 1]],
};

describe.each(Object.entries(constantLayers))(
  "%s, with running statistics of constant batches and eps 0",
  (_, make) => {
    test.each(["formula", "typescript", "wasm"] as const)("%s: gives the bias and no gradient", (backend) => {
      const [layer, shape] = make();
      const { weight, bias } = Object.fromEntries(layer.namedParameters());
      if (!weight || !bias) throw new Error("expected weight and bias");
      weight.value = new NdArray(Float64Array.of(5, 7), [2]);
      bias.value = new NdArray(Float64Array.of(0.5, -2), [2]);
      const values = new NdArray(new Float64Array(sizeOf(shape)).fill(0.1), shape);
      withBackend(backend, () => {
        for (const training of [true, true, true, true, false]) {
          layer.train(training);
          for (const parameter of layer.parameters()) parameter.grad = null;
          const x = new Tensor(values, true);
          const y = layer.forward(x);
          expectBias(y, bias);
          y.square().sum().backward();
          for (const gradient of [x.grad, weight.grad]) expect(gradient?.data.every((value) => value === 0)).toBe(true);
        }
        for (const buffer of layer.buffers()) expect(buffer.data.every(Number.isFinite)).toBe(true);
      });
    });

    test("in evaluation the same for any x", () => {
      const [layer, shape] = make();
      layer.train(false);
      for (const [name, buffer] of layer.namedBuffers()) {
        if (/Var|Std/.test(name)) buffer.value = buffer.value.mul(0);
      }
      const { weight, bias } = Object.fromEntries(layer.namedParameters());
      if (!weight || !bias || layer instanceof SwitchableNorm2d) return; // whose other variances are x's own
      const x = new Tensor(numbers(shape), true);
      const y = layer.forward(x);
      expectBias(y, bias);
      y.sum().backward();
      for (const gradient of [x.grad, weight.grad]) expect(gradient?.data.every((value) => value === 0)).toBe(true);
    });
  },
);

function expectBias(y: Tensor, bias: Tensor): void {
  const expected = bias.reshape(y.shape.map((size, dim) => (dim === 1 ? size : 1))).expand(y.shape);
  expect([...y.data]).toEqual([...expected.data]);
}
