/** Norms of styles, responses and weights that are other norms in special cases; each checks the other's derivation. */
import { describe, expect, test } from "vitest";
import { ones, Tensor } from "../../src/autograd/index.ts";
import type { NdArray, Shape } from "../../src/autograd/index.ts";
import {
  adaptiveInstanceNorm,
  conditionalInstanceNorm,
  filterResponseNorm,
  instanceNorm,
  layerNorm,
  powerIteration,
  spectralNorm,
  weightNorm,
  weightStandardization,
} from "../../src/norms/index.ts";
import { arraysOf, causeOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { runOp } from "../helpers/normLaws.ts";

type Op = (first: Tensor, second: Tensor, third: Tensor) => Tensor;

interface Equivalence {
  readonly left: Op;
  readonly right: Op;
  /** Almost `right`: the comparison rejects it. */
  readonly wrong: Op;
  /** Of the three inputs; one that is not used must be in the output with the factor 0. */
  readonly shapes: readonly [Shape, Shape, Shape];
}

const eps = 0.25;

function row(table: Tensor, index: number): Tensor {
  return table.select(0, index);
}

function moments(style: Tensor, correction: number): { readonly std: Tensor; readonly mean: Tensor } {
  return { std: style.variance([2], { correction }).add(eps).sqrt(), mean: style.mean([2]) };
}

const equivalences: Readonly<Record<string, Equivalence>> = {
  "adaptiveInstanceNorm, biased, is conditionalInstanceNorm with the styles' deviations and means": {
    left: (content, style) => adaptiveInstanceNorm(content, style, { unbiased: false, eps }),
    right: (content, style) => {
      const { std, mean } = moments(style, 0);
      return conditionalInstanceNorm(content, [0, 1], { weight: std, bias: mean, eps });
    },
    wrong: (content, style) => {
      const { std, mean } = moments(style, 1);
      return conditionalInstanceNorm(content, [0, 1], { weight: std, bias: mean, eps });
    },
    shapes: [[2, 3, 5], [2, 3, 4], [1]],
  },
  "adaptiveInstanceNorm with the content as its style gives the content back": {
    left: (content) => adaptiveInstanceNorm(content, content, { eps }),
    right: (content) => content,
    wrong: (content) => {
      const { std, mean } = moments(content, 0); // of the other convention than the style's
      return adaptiveInstanceNorm(
        content,
        content
          .center([2])
          .mul(std.reshape([2, 3, 1]))
          .add(mean.reshape([2, 3, 1])),
      );
    },
    shapes: [[2, 3, 5], [1], [1]],
  },
  "adaptiveInstanceNorm, biased, with the content as its style gives the content back": {
    left: (content) => adaptiveInstanceNorm(content, content, { unbiased: false, eps }),
    right: (content) => content,
    wrong: (content) => adaptiveInstanceNorm(content, content.detach(), { unbiased: false, eps }),
    shapes: [[2, 3, 5], [1], [1]],
  },
  "conditionalInstanceNorm with one style is instanceNorm": {
    left: (x, weight, bias) => conditionalInstanceNorm(x, [1, 1], { weight, bias, eps }),
    right: (x, weight, bias) => instanceNorm(x, { weight: row(weight, 1), bias: row(bias, 1), eps }),
    wrong: (x, weight, bias) => instanceNorm(x, { weight: row(weight, 0), bias: row(bias, 1), eps }),
    shapes: [
      [2, 3, 5],
      [2, 3],
      [2, 3],
    ],
  },
  "conditionalInstanceNorm with weights of 0 and 1 is the one with labels": {
    left: (x, weight, bias) => {
      const blend = ones([2]).reshape([2, 1]).pad([0, 1]); // both samples have style 0
      return conditionalInstanceNorm(x, blend, { weight, bias, eps });
    },
    right: (x, weight, bias) => conditionalInstanceNorm(x, [0, 0], { weight, bias, eps }),
    wrong: (x, weight, bias) => conditionalInstanceNorm(x, [0, 1], { weight, bias, eps }),
    shapes: [
      [2, 3, 2, 3],
      [2, 3],
      [2, 3],
    ],
  },
  "filterResponseNorm of what has no mean is instanceNorm": {
    left: (x, weight, bias) => filterResponseNorm(x.center([2]), { weight, bias, eps }),
    right: (x, weight, bias) => instanceNorm(x, { weight, bias, eps }),
    wrong: (x, weight, bias) => filterResponseNorm(x, { weight, bias, eps }),
    shapes: [[2, 3, 5], [3], [3]],
  },
  "filterResponseNorm with tau 0 is a ReLU behind it": {
    left: (x, weight, bias) => filterResponseNorm(x, { weight, bias, tau: ones([3]).mul(0), eps }),
    right: (x, weight, bias) => filterResponseNorm(x, { weight, bias, eps }).relu(),
    wrong: (x, weight, bias) => filterResponseNorm(x, { weight, bias, eps }).abs(),
    shapes: [[2, 3, 5], [3], [3]],
  },
  "weightStandardization, biased, is layerNorm over all but the first dim": {
    left: (weight) => weightStandardization(weight, { eps }),
    right: (weight) => layerNorm(weight, weight.shape.slice(1), { eps }),
    wrong: (weight) => layerNorm(weight, weight.shape.slice(-1), { eps }),
    shapes: [[3, 2, 5], [1], [1]],
  },
  "weightNorm of the whole is that of one row": {
    left: (v, g) => weightNorm(v, g.reshape([]), { dim: null }),
    right: (v, g) => weightNorm(v.reshape([1, -1]), g.reshape([1, 1])).reshape(v.shape),
    wrong: (v, g) => weightNorm(v, g.reshape([1, 1]).expand([3, 1])),
    shapes: [[3, 5], [1], [1]],
  },
  "weightNorm is its own length times itself, where g is the norm of v": {
    left: (v) => weightNorm(v, v.square().sum([1], true).sqrt()),
    right: (v) => v,
    wrong: (v) => weightNorm(v, v.detach().square().sum([1], true).sqrt()),
    shapes: [[3, 5], [1], [1]],
  },
  "spectralNorm of a single row is weightNorm with length 1": {
    left: (weight) => {
      const [u, v] = powerIteration(weight, ones([1]), ones([5]), { order: "uThenV" });
      return spectralNorm(weight, u, v);
    },
    right: (weight) => weightNorm(weight, ones([1, 1])),
    wrong: (weight) => weight.div(weight.detach().square().sum().sqrt()),
    shapes: [[1, 5], [1], [1]],
  },
};

function expectSame(left: Op, right: Op, arrays: readonly NdArray[], gradOutput: NdArray): void {
  const run = (op: Op): ReturnType<typeof runOp> => {
    const all = ([first, second, third]: readonly Tensor[]): Tensor => {
      if (!first || !second || !third) throw new Error("expected three inputs");
      return op(first, second, third).add(second.sum().add(third.sum()).mul(0));
    };
    return runOp({ op: all }, arrays, gradOutput);
  };
  const [one, other] = [run(left), run(right)];
  expectClose("output", one.output, other.output, 1e-12);
  one.gradients.forEach((gradient, i) => {
    expectClose(`gradient ${i}`, gradient, other.gradients[i] ?? gradient, 1e-12);
  });
}

describe.each(Object.entries(equivalences))("%s", (_, { left, right, wrong, shapes }) => {
  const draws = arraysOf([...shapes, shapes[0]]);
  const split = (arrays: readonly NdArray[]): readonly [NdArray[], NdArray] => {
    const gradOutput = arrays.at(-1);
    if (!gradOutput) throw new Error("expected arrays");
    return [arrays.slice(0, -1), gradOutput];
  };

  test("in output and gradients", () => {
    holds(draws, (arrays) => expectSame(left, right, ...split(arrays)));
  });

  test("and not what is almost that", () => {
    expect(causeOf(() => holds(draws, (arrays) => expectSame(left, wrong, ...split(arrays))))).toMatch(
      /output|gradient/,
    );
  });
});
