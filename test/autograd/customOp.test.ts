import { describe, expect, test } from "vitest";
import { customOp, grad, tensor, Tensor } from "../../src/autograd/index.ts";
import type { FloatArray, NdArray } from "../../src/autograd/index.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";

const leaf = (data: readonly number[]): Tensor => tensor(data, { requiresGrad: true });
const values = (x: Tensor | null): number[] => [...given(x).data];

describe("customOp", () => {
  const cubeForward = (x: FloatArray): FloatArray => x.map((v) => v ** 3);
  const cubeBackward = (g: FloatArray, x: FloatArray): FloatArray[] => [g.map((v, i) => 3 * v * given(x[i]) ** 2)];
  const cube = customOp(cubeForward, cubeBackward);

  const isPow =
    (op: (...inputs: readonly Tensor[]) => Tensor) =>
    (array: NdArray): void => {
      const [x, y] = [new Tensor(array, true), new Tensor(array, true)];
      const [mine, theirs] = [op(x), y.pow(3)];
      expectClose("customOp", mine.value, theirs.value, EXACT);
      mine.sum().backward();
      theirs.sum().backward();
      expectClose("customOp's gradient", given(x.grad).value, given(y.grad).value, EXACT);
    };
  const draws = shapes({ minDims: 0 }).chain((shape) => arrayOf(shape));

  test("computes and differentiates what its functions say", () => {
    holds(draws, isPow(cube));
  });

  test("a backward with another factor would be found", () => {
    breaks(draws, isPow(customOp(cubeForward, (g, x) => [g.map((v, i) => 2 * v * given(x[i]) ** 2)])), /gradient/);
  });

  test("functions that write into all that they are given, and keep what they answer, corrupt nothing", () => {
    const kept: FloatArray[] = [];
    const keep = (data: FloatArray): FloatArray => {
      kept.push(data);
      return data;
    };
    const rude = customOp(
      (x) => {
        const output = keep(x.map((v) => v * 2));
        x.fill(NaN);
        return output;
      },
      (g, x) => {
        const gradient = keep(g.map((v, i) => (Number.isNaN(given(x[i])) ? NaN : v * 2)));
        g.fill(NaN);
        x.fill(NaN);
        return [gradient];
      },
    );
    const [x, gradOutput] = [leaf([1, 2]), tensor([3, 4])];
    const y = rude(x);
    y.backward(gradOutput, { retainGraph: true });
    y.backward(gradOutput);
    for (const data of kept) data.fill(NaN);
    expect([values(x), values(y), values(gradOutput), values(x.grad)]).toEqual([
      [1, 2],
      [2, 4],
      [3, 4],
      [12, 16],
    ]);
  });

  test("has a name: its own, else that of the forward function", () => {
    const names = [
      cube,
      customOp(
        (x) => x,
        (g) => [g],
      ),
      customOp(cubeForward, cubeBackward, { name: "mine" }),
    ].map((op) => given(op(leaf([1])).record).name);
    expect(names).toEqual(["cubeForward", "customOp", "mine"]);
  });

  test("may have several inputs, a shape of its own, and null for no gradient", () => {
    const dotted = customOp(
      (a, b) => Float64Array.of(Array.from(a).reduce((sum, v, i) => sum + v * given(b[i]), 0)),
      (g, _, b) => [b.map((v) => v * given(g[0])), null],
      { name: "dot", outputShape: () => [] },
    );
    const [a, b] = [leaf([1, 2]), leaf([3, 4])];
    const y = dotted(a, b);
    expect([y.shape, y.item()]).toEqual([[], 11]);
    y.backward();
    expect([values(a.grad), b.grad]).toEqual([[3, 4], null]);
  });

  test("works in float32, with whatever float array its functions answer", () => {
    const x = tensor(Float32Array.of(0.1), { requiresGrad: true });
    const y = customOp(
      (data) => Float64Array.from(data, (v) => v / 3),
      (g) => [Float64Array.from(g)],
    )(x);
    expect([y.dtype, y.data]).toEqual(["float32", Float32Array.of(Math.fround(0.1) / 3)]);
    y.backward();
    expect(given(x.grad).dtype).toBe("float32");
  });

  test("a second derivative through it throws, and names it", () => {
    const x = leaf([2]);
    const y = cube(x).mul(x);
    expect(() => grad(y, [x], { createGraph: true })).toThrow(
      new Error("cubeForward: expected an op with a rule to differentiate twice, got one with plain numbers only"),
    );
    expect(grad(y, [x]).map(values)).toEqual([[32]]); // nothing was consumed
  });

  test.each<readonly [string, () => unknown, string]>([
    [
      "an output of the wrong length",
      () =>
        customOp(
          (x) => x.slice(1),
          (g) => [g],
          { name: "short" },
        )(leaf([1, 2])),
      "short: expected the output of shape [2], got 1 values",
    ],
    [
      "an output that is no typed array",
      () =>
        customOp(
          (x) => JSON.parse(`[${String(x)}]`),
          (g) => [g],
          { name: "plain" },
        )(leaf([1, 2])),
      "plain: expected the output as a Float32Array or Float64Array, got [1, 2]",
    ],
    ["no inputs", () => cube(), "cubeForward: expected at least one input, got none"],
    [
      "two dtypes",
      () => cube(leaf([1]), tensor(Float32Array.of(1))),
      "cubeForward: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    ],
    [
      "a gradient of the wrong length",
      () =>
        customOp(
          (x) => x,
          (g) => [g.slice(1)],
          { name: "short" },
        )(leaf([1, 2]))
          .sum()
          .backward(),
      "short: expected gradient 0 of shape [2], got 1 values",
    ],
    [
      "too many gradients",
      () =>
        customOp(
          (x) => x,
          (g) => [g, g],
          { name: "many" },
        )(leaf([1, 2]))
          .sum()
          .backward(),
      "backward: expected 1 gradients from many, one per input, got 2",
    ],
    [
      "too few gradients",
      () =>
        customOp(
          (x) => x,
          () => [],
          { name: "few" },
        )(leaf([1, 2]))
          .sum()
          .backward(),
      "backward: expected 1 gradients from few, one per input, got 0",
    ],
  ])("refuses %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});
