import { describe, expect, test } from "vitest";
import {
  apply,
  concat,
  Generator,
  grad,
  printTape,
  randn,
  tensor,
  Tensor,
  withBackend,
  zeros,
} from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import {
  LSTMCell,
  lstmCell,
  lstmGatesBackward,
  lstmGatesForward,
  lstmGatesKernel,
  lstmGatesRule,
} from "../../src/nn/lstmCell.ts";
import type { LSTMState } from "../../src/nn/lstmCell.ts";
import { expectCellDerivatives, expectCellIsLoops } from "../helpers/cellLaws.ts";
import type { CellSpec } from "../helpers/cellLaws.ts";
import { BROKEN_LAW } from "../helpers/derivativeLaws.ts";
import { causeOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { expectClose } from "../helpers/laws.ts";
import { decoded, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";
import { expectRecurrentCase, moduleCases, recurrentCases } from "../helpers/recurrentFixture.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const spec: CellSpec = {
  gates: 4,
  states: 2,
  op: ([x, h, c, weightIh, weightHh, biasIh = null, biasHh = null]) =>
    concat(lstmCell(given(x), [given(h), given(c)], given(weightIh), given(weightHh), { biasIh, biasHh }), -1),
  pointwise: (u, v, [, c = NaN]) => {
    const [i = NaN, f = NaN, g = NaN, o = NaN] = u.map((value, k) => value + (v[k] ?? NaN));
    const nextC = sigmoid(f) * c + sigmoid(i) * Math.tanh(g);
    return [sigmoid(o) * Math.tanh(nextC), nextC];
  },
};

function gatesOf(rule: typeof lstmGatesRule): OpCase {
  return {
    shapes: [
      [2, 8],
      [2, 2],
    ],
    op: ([a, c]) => apply("lstmGates", { rule }, given(a), given(c)),
    rule: <A extends Num<A>>([a, c]: readonly A[]) => rule<A>(given(a), given(c)),
  };
}

describe("lstmCell", () => {
  test("is plain loops", () => {
    expectCellIsLoops(spec);
  });

  test("has the derivatives of differences, at first and second order", () => {
    expectCellDerivatives(spec, 8);
  });

  test("its gates have the derivatives of differences and of dual numbers, at first and second order", () => {
    const op = { rule: lstmGatesRule, kernel: lstmGatesKernel };
    const gates: OpCase = {
      ...gatesOf(lstmGatesRule),
      op: ([a, c]) => apply("lstmGates", op, given(a), given(c)),
      kernel: ([a, c]) => lstmGatesKernel(given(a), given(c)),
    };
    holds(drawsFor(gates), (draw) => expectLayerLaws(gates, draw), 20);
  });

  test("a loop with the gates in another order is found", () => {
    const order: CellSpec = { ...spec, pointwise: (u, v, states) => spec.pointwise(u.toReversed(), v, states) };
    expect(causeOf(() => expectCellIsLoops(order))).toMatch(/output of the cell: expected/);
  });

  test("the laws reject a backward that forgets what reaches c′ from outside, or from h′", () => {
    for (const [kept, other] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const planted = gatesOf(<A extends Num<A>>(a: A, c: A) => {
        const { output, saved } = lstmGatesForward(a, c);
        const half = (g: A): A =>
          g.mul(g.constant((values) => Float64Array.from(values, (_, i) => (i % 4 < 2 ? kept : other))));
        return { output, pullback: (g: A) => lstmGatesBackward(half(g), saved) };
      });
      breaks(drawsFor(planted), (draw) => expectLayerLaws(planted, draw), BROKEN_LAW, 10);
    }
  });

  test.each(recurrentCases("lstmCell"))("answers PyTorch's values: $name", (entry) => {
    expectRecurrentCase(entry, ({ input, h, c, weightIh, weightHh, ...biases }) =>
      concat(lstmCell(given(input), [given(h), given(c)], given(weightIh), given(weightHh), biases), -1),
    );
  });

  test("is the products, the gates in one record, and two slices", () => {
    const cell = new LSTMCell(2, 3, { generator: new Generator(0) });
    const [h, c] = cell.forward(zeros([4, 2]));
    expect(printTape(h.add(c), { names: cell }).match(/= \w+/g)).toEqual([
      "= linear",
      "= linear",
      "= add",
      "= lstmGates",
      "= slice",
      "= slice",
      "= add",
    ]);
  });
});

describe("LSTMCell", () => {
  test.each(moduleCases("LSTMCell"))(
    "goes PyTorch's way from no state: $options",
    ({ options, state, xs, outputs }) => {
      const cell = new LSTMCell(3, 4, options);
      expect(Object.entries(cell.stateDict()).map(([key, { shape }]) => [key, shape])).toEqual(
        state.map(({ key, value }) => [key, value.shape]),
      );
      cell.loadStateDict(Object.fromEntries(state.map(({ key, value }) => [key, new Tensor(decoded(value))])));
      let hx: LSTMState | null = null;
      xs.forEach((x, i) => {
        const next: LSTMState = cell.forward(new Tensor(decoded(x)), hx);
        expectClose(`step ${i}`, concat(next, -1).value, decoded(given(outputs[i])), PYTORCH);
        hx = next;
      });
    },
  );

  test("begins within 1/√hiddenSize, spread over the interval", () => {
    const { bound, boundOf } = given(moduleCases("LSTMCell")[0]);
    const cell = new LSTMCell(...boundOf, { generator: new Generator(3) });
    const all = cell.parameters().flatMap(({ data }) => Array.from(data, Math.abs));
    expect(Math.max(...all)).toBeLessThanOrEqual(bound);
    expect(Math.max(...all)).toBeGreaterThan(0.95 * bound);
  });

  test("prints as PyTorch does, and keeps float32", () => {
    expect(String(new LSTMCell(10, 20))).toBe("LSTMCell(10, 20)");
    expect(String(new LSTMCell(1, 2, { bias: false }))).toBe("LSTMCell(1, 2, bias=false)");
    const [h, c] = new LSTMCell(2, 3, { dtype: "float32" }).forward(zeros([2], { dtype: "float32" }));
    expect([h.dtype, c.dtype]).toEqual(["float32", "float32"]);
  });

  test("float32 is computed in float64 and rounded once, by the loops and by the formulas, even where gates saturate", () => {
    const draw = (shape: readonly number[], seed: number): Tensor =>
      randn(shape, { generator: new Generator(seed), dtype: "float32", requiresGrad: true }).mul(400);
    const run = (): unknown[] => {
      const [x, h, c] = [draw([5, 2], 1), draw([5, 3], 2), draw([5, 3], 3)];
      const [weightIh, weightHh] = [draw([12, 2], 4), draw([12, 3], 5)];
      const output = concat(lstmCell(x, [h, c], weightIh, weightHh), -1);
      return [output, ...grad(output.sum(), [x, h, c, weightIh, weightHh])].map((array) => array.data);
    };
    const byLoops = run();
    expect(byLoops).toEqual(withBackend("formula", run));
    expect(
      byLoops.flatMap((data) => (data instanceof Float32Array ? Array.from(data) : [NaN])).every(Number.isFinite),
    ).toBe(true);
  });

  test("an open forget gate and a shut input gate carry c over, far beyond where tanh would saturate", () => {
    const biasIh = tensor([-800, 800, 0, 800]);
    const [h, c] = lstmCell(tensor([1]), [tensor([0]), tensor([7])], zeros([4, 1]), zeros([4, 1]), { biasIh });
    expect([c.item(), h.item()]).toEqual([7, Math.tanh(7)]);
  });
});
