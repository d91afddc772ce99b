import { describe, expect, test } from "vitest";
import { Generator, printTape, randn, tensor, Tensor, zeros } from "../../src/autograd/index.ts";
import { RNNCell, rnnCell } from "../../src/nn/rnnCell.ts";
import type { RNNCellBiases } from "../../src/nn/rnnCell.ts";
import { expectCellDerivatives, expectCellIsLoops } from "../helpers/cellLaws.ts";
import type { CellSpec } from "../helpers/cellLaws.ts";
import { causeOf } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import { decoded, PYTORCH } from "../helpers/nnFixture.ts";
import { expectRecurrentCase, moduleCases, recurrentCases } from "../helpers/recurrentFixture.ts";

function specOf(nonlinearity: "tanh" | "relu"): CellSpec {
  return {
    gates: 1,
    states: 1,
    op: ([x, hx, weightIh, weightHh, biasIh = null, biasHh = null]) =>
      rnnCell(given(x), given(hx), given(weightIh), given(weightHh), { biasIh, biasHh, nonlinearity }),
    pointwise: ([u = NaN], [v = NaN]) => [nonlinearity === "tanh" ? Math.tanh(u + v) : Math.max(0, u + v)],
  };
}

describe("rnnCell", () => {
  test.each(["tanh", "relu"] as const)("is plain loops, with %s", (nonlinearity) => {
    expectCellIsLoops(specOf(nonlinearity));
  });

  test("has the derivatives of differences, at first and second order", () => {
    expectCellDerivatives(specOf("tanh"));
  });

  test("a loop with another nonlinearity is found", () => {
    const planted: CellSpec = { ...specOf("tanh"), pointwise: ([u = NaN], [v = NaN]) => [u + v] };
    expect(causeOf(() => expectCellIsLoops(planted))).toMatch(/output of the cell: expected/);
  });

  test.each(recurrentCases<RNNCellBiases>("rnnCell"))("answers PyTorch's values: $name", (entry) => {
    expectRecurrentCase(entry, ({ input, hx, weightIh, weightHh, ...biases }) =>
      rnnCell(given(input), given(hx), given(weightIh), given(weightHh), { ...biases, ...entry.options }),
    );
  });

  test("is two products, their sum and the nonlinearity", () => {
    const cell = new RNNCell(2, 3, { generator: new Generator(0) });
    expect(printTape(cell.forward(zeros([4, 2])), { names: cell }).split("\n")).toEqual([
      expect.stringContaining("linear(input[4,2], weightIh[3,2], biasIh[3])"),
      expect.stringContaining("linear(input1[4,3], weightHh[3,3], biasHh[3])"),
      expect.stringContaining("add"),
      expect.stringContaining("tanh"),
    ]);
  });
});

describe("RNNCell", () => {
  test.each(moduleCases("RNNCell"))("goes PyTorch's way from no state: $options", ({ options, state, xs, outputs }) => {
    const cell = new RNNCell(3, 4, options);
    expect(Object.keys(cell.stateDict())).toEqual(state.map(({ key }) => key));
    cell.loadStateDict(Object.fromEntries(state.map(({ key, value }) => [key, new Tensor(decoded(value))])));
    let hx: Tensor | null = null;
    xs.forEach((x, i) => {
      const next: Tensor = cell.forward(new Tensor(decoded(x)), hx);
      expectClose(`step ${i}`, next.value, decoded(given(outputs[i])), PYTORCH);
      hx = next;
    });
  });

  test("begins within 1/√hiddenSize, spread over the interval, the same for the same seed", () => {
    const { bound, boundOf } = given(moduleCases("RNNCell")[0]);
    const cell = new RNNCell(...boundOf, { generator: new Generator(3) });
    const all = cell.parameters().flatMap(({ data }) => Array.from(data, Math.abs));
    expect(Math.max(...all)).toBeLessThanOrEqual(bound);
    expect(Math.max(...all)).toBeGreaterThan(0.95 * bound);
    const again = new RNNCell(...boundOf, { generator: new Generator(3) });
    expect(again.weightHh.toArray()).toEqual(cell.weightHh.toArray());
  });

  test("prints as PyTorch does", () => {
    expect(String(new RNNCell(10, 20))).toBe("RNNCell(10, 20)");
    expect(String(new RNNCell(1, 2, { bias: false, nonlinearity: "relu" }))).toBe(
      "RNNCell(1, 2, bias=false, nonlinearity=relu)",
    );
  });

  test("keeps float32, a state of zeros too", () => {
    const cell = new RNNCell(2, 3, { dtype: "float32" });
    expect(cell.forward(zeros([2], { dtype: "float32" })).dtype).toBe("float32");
    expect(() => cell.forward(zeros([2]))).toThrow(TypeError);
  });

  test("takes an empty batch", () => {
    expect(new RNNCell(2, 3).forward(zeros([0, 2])).shape).toEqual([0, 3]);
  });

  test("a chain of steps gives a gradient to the first input", () => {
    const cell = new RNNCell(2, 3, { generator: new Generator(1) });
    const first = randn([1, 2], { generator: new Generator(2), requiresGrad: true });
    const last = cell.forward(tensor([[0, 0]]), cell.forward(tensor([[1, 1]]), cell.forward(first)));
    last.sum().backward();
    expect(first.grad?.data.every((value) => value !== 0)).toBe(true);
  });
});
