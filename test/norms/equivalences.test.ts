/** Norms that are one another in special cases. Their backwards are derived independently, so each checks the other. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NdArray, Shape, Tensor } from "../../src/autograd/index.ts";
import { batchNorm, groupNorm, instanceNorm, layerNorm } from "../../src/norms/index.ts";
import { arrayOf, arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { runOp } from "../helpers/normLaws.ts";

type Op = (x: Tensor, weight: Tensor, bias: Tensor) => Tensor;

interface Equivalence {
  readonly left: Op;
  readonly right: Op;
  /** Almost `right`: the comparison rejects it. */
  readonly wrong: Op;
  /** Shapes of x: fixed ones, all dims different. */
  readonly shapes: readonly Shape[];
}

/** A [C] parameter at every element of normalizedShape [C, *]. */
function perChannel(parameter: Tensor, normalizedShape: Shape): Tensor {
  return parameter.reshape(normalizedShape.map((size, dim) => (dim === 0 ? size : 1))).expand(normalizedShape);
}

const swap = [2, 0, 1];
const trained = { training: true };

const equivalences: Readonly<Record<string, Equivalence>> = {
  "groupNorm in one group is layerNorm over C, *, with an affine map for each channel": {
    left: (x, weight, bias) => groupNorm(x, 1, { weight, bias }),
    right: (x, weight, bias) => {
      const normalizedShape = x.shape.slice(1);
      const affine = { weight: perChannel(weight, normalizedShape), bias: perChannel(bias, normalizedShape) };
      return layerNorm(x, normalizedShape, affine);
    },
    wrong: (x, weight, bias) => instanceNorm(x, { weight, bias }),
    shapes: [
      [2, 3, 5],
      [3, 6, 1, 2],
    ],
  },
  "groupNorm of [N, C] in one group is layerNorm over C": {
    left: (x, weight, bias) => groupNorm(x, 1, { weight, bias }),
    right: (x, weight, bias) => layerNorm(x, [x.shape[1] ?? 0], { weight, bias }),
    wrong: (x, weight, bias) => groupNorm(x, 3, { weight, bias }),
    shapes: [
      [2, 3],
      [5, 6],
    ],
  },
  "groupNorm in C groups is instanceNorm": {
    left: (x, weight, bias) => groupNorm(x, x.shape[1] ?? 0, { weight, bias }),
    right: (x, weight, bias) => instanceNorm(x, { weight, bias }),
    wrong: (x, weight, bias) => groupNorm(x, 1, { weight, bias }),
    shapes: [
      [2, 3, 5],
      [3, 2, 1, 7],
    ],
  },
  "groupNorm is instanceNorm of its groups": {
    left: (x) => groupNorm(x, 3),
    right: (x) => instanceNorm(x.reshape([x.shape[0] ?? 0, 3, -1])).reshape(x.shape),
    wrong: (x) => instanceNorm(x),
    shapes: [
      [2, 6, 5],
      [4, 9, 1, 2],
    ],
  },
  "batchNorm of one sample is instanceNorm": {
    left: (x, weight, bias) => batchNorm(x, null, null, { weight, bias, training: true }),
    right: (x, weight, bias) => instanceNorm(x, { weight, bias }),
    wrong: (x, weight, bias) => groupNorm(x, 1, { weight, bias }),
    shapes: [
      [1, 3, 5],
      [1, 2, 3, 5],
    ],
  },
  "instanceNorm is batchNorm with every sample's channel for a channel": {
    left: (x) => instanceNorm(x),
    right: (x) => batchNorm(x.reshape([1, -1, ...x.shape.slice(2)]), null, null, trained).reshape(x.shape),
    wrong: (x) => batchNorm(x, null, null, trained),
    shapes: [
      [2, 3, 5],
      [3, 2, 1, 7],
    ],
  },
  "instanceNorm without affine is layerNorm over the positions": {
    left: (x) => instanceNorm(x),
    right: (x) => layerNorm(x, x.shape.slice(2)),
    wrong: (x) => layerNorm(x, x.shape.slice(1)),
    shapes: [
      [2, 3, 5],
      [3, 2, 3, 2],
    ],
  },
  "batchNorm of [N, C] without affine is layerNorm of the transpose": {
    left: (x) => batchNorm(x, null, null, trained),
    right: (x) => layerNorm(x.transpose(0, 1), [x.shape[0] ?? 0]).transpose(0, 1),
    wrong: (x) => layerNorm(x, [x.shape[1] ?? 0]),
    shapes: [
      [7, 3],
      [3, 5],
    ],
  },
  "batchNorm takes positions for samples": {
    left: (x, weight, bias) => batchNorm(x, null, null, { weight, bias, training: true }),
    right: (x, weight, bias) => {
      const [N = 0, C = 0, L = 0] = x.shape;
      const rows = x.permute([0, 2, 1]).reshape([N * L, C]);
      return batchNorm(rows, null, null, { weight, bias, training: true }).reshape([N, L, C]).permute([0, 2, 1]);
    },
    wrong: (x, weight, bias) => instanceNorm(x, { weight, bias }),
    shapes: [
      [2, 3, 5],
      [3, 2, 4],
    ],
  },
  "batchNorm of permuted samples permutes": {
    left: (x, weight, bias) => batchNorm(x.indexSelect(0, swap), null, null, { weight, bias, training: true }),
    right: (x, weight, bias) => batchNorm(x, null, null, { weight, bias, training: true }).indexSelect(0, swap),
    wrong: (x, weight, bias) => batchNorm(x, null, null, { weight, bias, training: true }),
    shapes: [
      [3, 2],
      [3, 2, 5],
    ],
  },
  "groupNorm treats each sample on its own": {
    left: (x, weight, bias) => groupNorm(x, 2, { weight, bias }),
    right: (x, weight, bias) => {
      const [first = x, ...others] = [0, 1, 2].map((n) => groupNorm(x.slice(0, n, n + 1), 2, { weight, bias }));
      return first.concat(others, 0);
    },
    wrong: (x, weight, bias) => groupNorm(x.indexSelect(0, swap), 2, { weight, bias }),
    shapes: [
      [3, 4],
      [3, 6, 2],
    ],
  },
  "evaluation is the same in batchNorm and instanceNorm": {
    left: (x, weight, bias) => batchNorm(x, weight.detach(), bias.detach().square(), { weight, bias }),
    right: (x, weight, bias) => {
      const running = { runningMean: weight.detach(), runningVar: bias.detach().square() };
      return instanceNorm(x, { ...running, weight, bias, useInputStats: false });
    },
    wrong: (x, weight, bias) => instanceNorm(x, { weight, bias }),
    shapes: [
      [3, 2, 5],
      [1, 3, 2],
    ],
  },
};

interface Drawn {
  readonly inputs: readonly NdArray[];
  readonly gradOutput: NdArray;
}

function draws(shapes: readonly Shape[]): fc.Arbitrary<Drawn> {
  return fc.constantFrom(...shapes).chain((shape) => {
    const channel = [shape[1] ?? 0];
    return fc.record({ inputs: arraysOf([shape, channel, channel]), gradOutput: arrayOf(shape) });
  });
}

/** Outputs and all gradients agree, but for the order of some sums. */
function expectEquivalent(left: Op, right: Op, { inputs, gradOutput }: Drawn): void {
  const run = (op: Op): ReturnType<typeof runOp> => {
    // A parameter that an op leaves out still gets a gradient: zero.
    const total = ([x, weight, bias]: readonly Tensor[]): Tensor => {
      if (!x || !weight || !bias) throw new RangeError("expected three inputs");
      return op(x, weight, bias).add(weight.sum().add(bias.sum()).mul(0));
    };
    return runOp({ op: total }, inputs, gradOutput);
  };
  const [a, b] = [run(left), run(right)];
  expectClose("output", a.output, b.output, 1e-13);
  a.gradients.forEach((gradient, i) => {
    expectClose(`gradient ${i}`, gradient, b.gradients[i] ?? gradient, 1e-12);
  });
}

describe.each(Object.entries(equivalences))("%s", (_, { left, right, wrong, shapes }) => {
  test("in value and gradients", () => {
    holds(draws(shapes), (drawn) => expectEquivalent(left, right, drawn), 20);
  });

  test("and the comparison rejects one that is not", () => {
    expect(() => holds(draws(shapes), (drawn) => expectEquivalent(left, wrong, drawn), 20)).toThrow(/Property failed/);
  });
});
