import { describe, expect, test } from "vitest";
import { apply, Generator, Tensor, zeros } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import {
  GRUCell,
  gruCell,
  gruGatesBackward,
  gruGatesForward,
  gruGatesKernel,
  gruGatesRule,
} from "../../src/nn/gruCell.ts";
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
  gates: 3,
  states: 1,
  op: ([x, hx, weightIh, weightHh, biasIh = null, biasHh = null]) =>
    gruCell(given(x), given(hx), given(weightIh), given(weightHh), { biasIh, biasHh }),
  pointwise: ([ur = NaN, uz = NaN, un = NaN], [vr = NaN, vz = NaN, vn = NaN], [h = NaN]) => {
    const n = Math.tanh(un + sigmoid(ur + vr) * vn);
    return [(1 - sigmoid(uz + vz)) * n + sigmoid(uz + vz) * h];
  },
};

const gates: OpCase = {
  shapes: [
    [2, 6],
    [2, 6],
    [2, 2],
  ],
  op: ([u, v, h]) => apply("gruGates", { rule: gruGatesRule, kernel: gruGatesKernel }, given(u), given(v), given(h)),
  kernel: ([u, v, h]) => gruGatesKernel(given(u), given(v), given(h)),
  rule: <A extends Num<A>>([u, v, h]: readonly A[]) => gruGatesRule<A>(given(u), given(v), given(h)),
};

describe("gruCell", () => {
  test("is plain loops", () => {
    expectCellIsLoops(spec);
  });

  test("has the derivatives of differences, at first and second order", () => {
    expectCellDerivatives(spec);
  });

  test("its gates have the derivatives of differences and of dual numbers, at first and second order", () => {
    holds(drawsFor(gates), (draw) => expectLayerLaws(gates, draw), 20);
  });

  test("a loop that resets before the product, as in the paper, is found", () => {
    const paper: CellSpec = {
      ...spec,
      pointwise: ([ur = NaN, uz = NaN, un = NaN], [vr = NaN, vz = NaN, vn = NaN], [h = NaN]) => {
        const n = Math.tanh(un + sigmoid(ur + vr) + vn);
        return [(1 - sigmoid(uz + vz)) * n + sigmoid(uz + vz) * h];
      },
    };
    expect(causeOf(() => expectCellIsLoops(paper))).toMatch(/output of the cell: expected/);
  });

  test("the laws reject a backward without the reset gate on the hidden candidate, and one with r and z exchanged", () => {
    const wrong = (change: <A>(gradients: readonly [A, A, A], u: A) => readonly [A, A, A]): OpCase => {
      const rule: typeof gruGatesRule = <A extends Num<A>>(u: A, v: A, h: A) => {
        const { output, saved } = gruGatesForward(u, v, h);
        return { output, pullback: (g: A) => change(gruGatesBackward(g, saved), u) };
      };
      return {
        shapes: gates.shapes,
        op: ([u, v, h]) => apply("wrong", { rule }, given(u), given(v), given(h)),
        rule: <A extends Num<A>>([u, v, h]: readonly A[]) => rule<A>(given(u), given(v), given(h)),
      };
    };
    for (const planted of [wrong(([gu, , gh]) => [gu, gu, gh]), wrong(([gu, gv, gh]) => [gv, gu, gh])]) {
      breaks(drawsFor(planted), (draw) => expectLayerLaws(planted, draw), BROKEN_LAW, 10);
    }
  });

  test.each(recurrentCases("gruCell"))("answers PyTorch's values: $name", (entry) => {
    expectRecurrentCase(entry, ({ input, hx, weightIh, weightHh, ...biases }) =>
      gruCell(given(input), given(hx), given(weightIh), given(weightHh), biases),
    );
  });
});

describe("GRUCell", () => {
  test.each(moduleCases("GRUCell"))("goes PyTorch's way from no state", ({ options, state, xs, outputs }) => {
    const cell = new GRUCell(3, 4, options);
    expect(Object.entries(cell.stateDict()).map(([key, { shape }]) => [key, shape])).toEqual(
      state.map(({ key, value }) => [key, value.shape]),
    );
    cell.loadStateDict(Object.fromEntries(state.map(({ key, value }) => [key, new Tensor(decoded(value))])));
    let hx: Tensor | null = null;
    xs.forEach((x, i) => {
      const next: Tensor = cell.forward(new Tensor(decoded(x)), hx);
      expectClose(`step ${i}`, next.value, decoded(given(outputs[i])), PYTORCH);
      hx = next;
    });
  });

  test("begins within 1/√hiddenSize, spread over the interval", () => {
    const { bound, boundOf } = given(moduleCases("GRUCell")[0]);
    const cell = new GRUCell(...boundOf, { generator: new Generator(3) });
    const all = cell.parameters().flatMap(({ data }) => Array.from(data, Math.abs));
    expect(Math.max(...all)).toBeLessThanOrEqual(bound);
    expect(Math.max(...all)).toBeGreaterThan(0.95 * bound);
  });

  test("prints as PyTorch does, and keeps float32", () => {
    expect(String(new GRUCell(10, 20))).toBe("GRUCell(10, 20)");
    expect(String(new GRUCell(1, 2, { bias: false }))).toBe("GRUCell(1, 2, bias=false)");
    expect(new GRUCell(2, 3, { dtype: "float32" }).forward(zeros([2], { dtype: "float32" })).dtype).toBe("float32");
  });
});
