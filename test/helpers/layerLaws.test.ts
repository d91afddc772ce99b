/** The laws of layers, tried on ops that break them. */
import { describe, expect, test } from "vitest";
import { apply, NdArray } from "../../src/autograd/index.ts";
import type { Num, Traced } from "../../src/autograd/index.ts";
import { expectKernelIsRule, expectLayerLaws, expectSecondOrderIsDifferences } from "./layerLaws.ts";
import type { OpCase } from "./layerLaws.ts";
import { given } from "./given.ts";

const array = (...values: readonly number[]): NdArray => new NdArray(Float64Array.from(values), [values.length]);

const draw = {
  inputs: [array(0.5, -1.5), array(2, 0.25)],
  tangents: [array(1, 2), array(-1, 0.5)],
  weights: [array(0.5, -2), array(1.5, 1)],
  gradOutput: array(1.25, -0.75),
  gradOutputTangent: array(2, 1),
};

/** x² · w, and what is wrong with it. */
function cubic({
  slope = 2,
  detached = false,
}: {
  /** Factor of the gradient by x: 2 is right. */
  readonly slope?: number;
  /** Whether the backward takes x for a constant. */
  readonly detached?: boolean;
}): OpCase {
  const rule = <A extends Num<A>>(x: A, w: A): Traced<A, readonly [A, A]> => {
    const saved = detached ? x.detach() : x;
    return {
      output: x.square().mul(w),
      pullback: (g) => [g.mul(w).mul(saved).mul(slope), g.mul(saved).mul(saved)],
    };
  };
  return {
    shapes: [[2], [2]],
    op: ([x, w]) => apply("cubic", { rule }, given(x), given(w)),
    rule: <A extends Num<A>>([x, w]: readonly A[]) => rule(given(x), given(w)),
  };
}

describe("expectLayerLaws", () => {
  test("accepts a right op", () => {
    expect(() => expectLayerLaws(cubic({}), draw)).not.toThrow();
  });

  test("rejects a gradient that is 0.01 % off", () => {
    expect(() => expectLayerLaws(cubic({ slope: 2.0002 }), draw)).toThrow(/differences/);
  });

  test("rejects a kernel beside a rule that it does not compute", () => {
    const right = cubic({});
    const kernel = cubic({ slope: 3 }).rule<NdArray>;
    expect(() => expectLayerLaws({ ...right, kernel }, draw)).toThrow(/gradient 0 of the kernel/);
  });
});

describe("expectSecondOrderIsDifferences", () => {
  test("rejects a backward that takes a saved value for a constant, though its first order is right", () => {
    expect(() => expectSecondOrderIsDifferences(cubic({}).op, draw)).not.toThrow();
    expect(() => expectSecondOrderIsDifferences(cubic({ detached: true }).op, draw)).toThrow(/second order/);
  });
});

/** What a kernel may do wrong, made of the right one. */
const { rule } = cubic({});

function offOutput(inputs: readonly NdArray[]): Traced<NdArray> {
  const { output, pullback } = rule<NdArray>(inputs);
  return { output: output.mul(1 + 1e-9), pullback };
}

function oneGradient(inputs: readonly NdArray[]): Traced<NdArray> {
  const { output, pullback } = rule<NdArray>(inputs);
  return { output, pullback: (g) => pullback(g).slice(0, 1) };
}

function noSecondGradient(inputs: readonly NdArray[]): Traced<NdArray> {
  const { output, pullback } = rule<NdArray>(inputs);
  return { output, pullback: (g) => pullback(g).with(1, null) };
}

describe("expectKernelIsRule", () => {
  test("rejects another output", () => {
    expect(() => expectKernelIsRule(offOutput, rule, draw)).toThrow(/output of the kernel/);
  });

  test("rejects a gradient too few, and one that is left out", () => {
    expect(() => expectKernelIsRule(oneGradient, rule, draw)).toThrow(/expected 2 gradients/);
    expect(() => expectKernelIsRule(noSecondGradient, rule, draw)).toThrow(/expected gradient 1/);
  });
});
