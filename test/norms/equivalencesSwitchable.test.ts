/** What SwitchableNorm and BatchRenorm are in special cases. Their backwards are derived independently. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, ones, Tensor, zeros } from "../../src/autograd/index.ts";
import type { Shape } from "../../src/autograd/index.ts";
import { batchNorm, batchRenorm, groupNorm, instanceNorm, layerNorm, switchableNorm } from "../../src/norms/index.ts";
import { arrayOf, arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { runOp } from "../helpers/normLaws.ts";

type Op = (x: Tensor, weight: Tensor, bias: Tensor) => Tensor;

interface Equivalence {
  readonly left: Op;
  readonly right: Op;
  /** Almost `right`: the comparison rejects it. */
  readonly wrong: Op;
  readonly shapes: readonly Shape[];
}

/** e⁻¹⁰⁰⁰ = 0: softmax leaves the one entry alone. */
function only(k: number, n: number): Tensor {
  return new Tensor(new NdArray(new Float64Array(n).with(k, 1000), [n]));
}

function alone(k: number, n = 3): Op {
  return (x, weight, bias) => switchableNorm(x, only(k, n), only(k, n), { weight, bias, training: true });
}

/** A [C] parameter at every element of [C, *]. */
function widened(parameter: Tensor, shape: Shape): Tensor {
  return parameter.reshape(shape.map((size, dim) => (dim === 0 ? size : 1))).expand(shape);
}

const layer: Op = (x, weight, bias) => {
  const shape = x.shape.slice(1);
  return layerNorm(x, shape, { weight: widened(weight, shape), bias: widened(bias, shape) });
};
const batch: Op = (x, weight, bias) => batchNorm(x, null, null, { weight, bias, training: true });
const instance: Op = (x, weight, bias) => instanceNorm(x, { weight, bias });

const deep = [
  [2, 3, 5],
  [3, 2, 1, 7],
];
const flat = [
  [2, 3],
  [5, 6],
];

const equivalences: Readonly<Record<string, Equivalence>> = {
  "switchableNorm with IN alone is instanceNorm": { left: alone(0), right: instance, wrong: layer, shapes: deep },
  "switchableNorm with LN alone is layerNorm over [C, *]": { left: alone(1), right: layer, wrong: batch, shapes: deep },
  "switchableNorm with BN alone is batchNorm": { left: alone(2), right: batch, wrong: instance, shapes: deep },
  "switchableNorm without BN, with IN alone, is instanceNorm": {
    left: alone(0, 2),
    right: instance,
    wrong: layer,
    shapes: deep,
  },
  "switchableNorm without BN, with LN alone, is groupNorm in one group": {
    left: alone(1, 2),
    right: (x, weight, bias) => groupNorm(x, 1, { weight, bias }),
    wrong: instance,
    shapes: deep,
  },
  "switchableNorm of [N, C] with LN alone is layerNorm over C": {
    left: alone(0, 2),
    right: layer,
    wrong: batch,
    shapes: flat,
  },
  "switchableNorm of [N, C] with BN alone is batchNorm": {
    left: alone(1, 2),
    right: batch,
    wrong: layer,
    shapes: flat,
  },
  "switchableNorm with BN alone in evaluation is batchNorm in evaluation": {
    left: (x, weight, bias) => {
      const [n, c] = [x.ndim === 2 ? 2 : 3, x.shape[1] ?? 0];
      const running = { runningMean: ones([c]), runningVar: ones([c]).mul(3) };
      return switchableNorm(x, only(n - 1, n), only(n - 1, n), { ...running, weight, bias });
    },
    right: (x, weight, bias) => {
      const c = x.shape[1] ?? 0;
      return batchNorm(x, ones([c]), ones([c]).mul(3), { weight, bias });
    },
    wrong: batch,
    shapes: [...deep, ...flat],
  },
  "switchableNorm of one sample: IN and BN are the same": {
    left: alone(0),
    right: alone(2),
    wrong: alone(1),
    shapes: [
      [1, 3, 5],
      [1, 2, 3, 5],
    ],
  },
  "switchableNorm of one channel: IN and LN are the same, whatever their shares": {
    left: (x, weight, bias) => {
      const logits = new Tensor(new NdArray(Float64Array.of(0.5, -1), [2]));
      return switchableNorm(x, logits, logits.neg(), { weight, bias, training: true });
    },
    right: instance,
    wrong: batch,
    shapes: [
      [2, 1, 5],
      [3, 1, 2, 3],
    ],
  },
  "batchRenorm with rMax 1 and dMax 0 is batchNorm in training": {
    left: (x, weight, bias) => {
      const c = x.shape[1] ?? 0;
      return batchRenorm(x, ones([c]), ones([c]).mul(3), { weight, bias, training: true, rMax: 1, dMax: 0 });
    },
    right: batch,
    wrong: (x, weight, bias) => {
      const c = x.shape[1] ?? 0;
      return batchRenorm(x, ones([c]), ones([c]).mul(3), { weight, bias, training: true, rMax: 1.5, dMax: 0 });
    },
    shapes: [...deep, ...flat],
  },
  "batchRenorm in evaluation is batchNorm in evaluation with the square of the running std": {
    left: (x, weight, bias) => {
      const c = x.shape[1] ?? 0;
      return batchRenorm(x, ones([c]), ones([c]).mul(3), { weight, bias });
    },
    right: (x, weight, bias) => {
      const c = x.shape[1] ?? 0;
      return batchNorm(x, ones([c]), ones([c]).mul(9), { weight, bias, eps: 0 });
    },
    wrong: batch,
    shapes: [...deep, ...flat],
  },
};

function compare(left: Op, right: Op, arrays: readonly NdArray[], gradOutput: NdArray): void {
  const opOf = (op: Op) => ({
    op: ([x, weight, bias]: readonly Tensor[]): Tensor => {
      if (!x || !weight || !bias) throw new RangeError("expected three inputs");
      return op(x, weight, bias);
    },
  });
  const [one, two] = [left, right].map((op) => runOp(opOf(op), arrays, gradOutput));
  if (!one || !two) return;
  expectClose("output", one.output, two.output, 1e-13);
  one.gradients.forEach((gradient, i) => {
    expectClose(`gradient ${i}`, gradient, two.gradients[i] ?? gradient, 1e-13);
  });
}

describe.each(Object.entries(equivalences))("%s", (_, { left, right, wrong, shapes }) => {
  const draws = fc
    .constantFrom(...shapes)
    .chain((shape) => fc.tuple(arraysOf([shape, [shape[1] ?? 0], [shape[1] ?? 0]]), arrayOf(shape)));

  test("output and gradients are the same", () => {
    holds(draws, ([arrays, gradOutput]) => compare(left, right, arrays, gradOutput), 40);
  });

  test("… and what is almost the same is not", () => {
    expect(() => holds(draws, ([arrays, gradOutput]) => compare(left, wrong, arrays, gradOutput), 40)).toThrow();
  });
});

test("batchRenorm within its limits gives what evaluation gives, and batchNorm's gradient times std / runningStd", () => {
  holds(arrayOf([4, 2, 3]), (array) => {
    const x = new Tensor(array);
    const options = { rMax: Infinity, dMax: Infinity, eps: 0 };
    const running = (): [Tensor, Tensor] => [zeros([2]), ones([2]).mul(2)];
    const training = batchRenorm(x, ...running(), { ...options, training: true });
    expectClose("output", training.value, batchRenorm(x, ...running()).value, 1e-14);
  });
});
