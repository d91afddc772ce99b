/** Norms that are one another in special cases. Their backwards are derived independently, so each checks the other. */
import { describe, expect, test } from "vitest";
import type { NdArray, Tensor } from "../../src/autograd/index.ts";
import {
  adaptiveLayerNorm,
  layerNorm,
  localResponseNorm,
  normalize,
  rmsNorm,
  scaleNorm,
} from "../../src/norms/index.ts";
import { arrayOf, arraysOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { runOp } from "../helpers/normLaws.ts";

type Op = (x: Tensor) => Tensor;

interface Equivalence {
  readonly left: Op;
  readonly right: Op;
  /** Almost `right`: the comparison rejects it. */
  readonly wrong: Op;
  readonly shape?: readonly number[];
}

const SHAPE = [3, 2, 5];

const equivalences: Readonly<Record<string, Equivalence>> = {
  "rmsNorm of rows without a mean is layerNorm": {
    left: (x) => rmsNorm(x.sub(x.mean([-1], true)), [5], { eps: 1e-5 }),
    right: (x) => layerNorm(x, [5]),
    wrong: (x) => rmsNorm(x, [5], { eps: 1e-5 }),
  },
  "rmsNorm is √d times normalize": {
    left: (x) => rmsNorm(x, [5], { eps: 0 }),
    right: (x) => normalize(x, { dim: -1 }).mul(Math.sqrt(5)),
    wrong: (x) => normalize(x, { dim: -1 }).mul(5),
  },
  "scaleNorm is normalize with p 2 along the last dim": {
    left: (x) => scaleNorm(x, { eps: 1e-5 }),
    right: (x) => normalize(x, { dim: 2, eps: 1e-5 }),
    wrong: (x) => normalize(x, { dim: 1, eps: 1e-5 }),
  },
  "both divide by the same eps where the norm is smaller": {
    left: (x) => scaleNorm(x, { eps: 1e3 }),
    right: (x) => normalize(x, { dim: 2, eps: 1e3 }),
    wrong: (x) => normalize(x, { dim: 2, eps: 2e3 }),
  },
  "adaptiveLayerNorm with a scale and shift of 0 is layerNorm": {
    left: (x) => adaptiveLayerNorm(x, x.select(1, 0).mul(0), x.select(1, 0).mul(0)),
    right: (x) => layerNorm(x, [5], { eps: 1e-6 }),
    wrong: (x) => layerNorm(x, [5], { eps: 1e-3 }),
  },
  "adaptiveLayerNorm of one sample is layerNorm with weight 1 + scale and bias shift": {
    left: (x) => adaptiveLayerNorm(x, x.select(1, 0), x.select(1, 1)),
    right: (x) => {
      const [weight, bias] = [x.select(1, 0).reshape([5]).add(1), x.select(1, 1).reshape([5])];
      return layerNorm(x, [5], { weight, bias, eps: 1e-6 });
    },
    wrong: (x) => {
      const [weight, bias] = [x.select(1, 0).reshape([5]), x.select(1, 1).reshape([5])];
      return layerNorm(x, [5], { weight, bias, eps: 1e-6 });
    },
    shape: [1, 2, 5],
  },
  "localResponseNorm whose window holds all channels is rmsNorm over them, with beta ½ and alpha the window's share": {
    // A window of 2C − 1 = 3 channels about each of 2 holds both: alpha/size · Σ = mean.
    left: (x) => localResponseNorm(x, 3, { alpha: 1.5, beta: 0.5, k: 1e-5 }),
    right: (x) => rmsNorm(x.transpose(1, 2), [2], { eps: 1e-5 }).transpose(1, 2),
    wrong: (x) => rmsNorm(x, [5], { eps: 1e-5 }),
  },
};

/** Ten roundings of the largest value, times the size of the derivatives of what is near 0. */
const TOLERANCE = 1e-12;

function compare(left: Op, right: Op, x: NdArray, gradOutput: NdArray): void {
  const results = [left, right].map((op) => runOp({ op: ([input]) => op(input ?? fail()) }, [x], gradOutput));
  const [l, r] = results;
  expectClose("output", l?.output ?? x, r?.output ?? fail(), TOLERANCE);
  expectClose("gradInput", l?.gradients[0] ?? x, r?.gradients[0] ?? fail(), TOLERANCE);
}

function fail(): never {
  throw new RangeError("expected a result");
}

describe("equivalences", () => {
  test.each(Object.entries(equivalences))("%s", (_, { left, right, shape = SHAPE }) => {
    holds(arraysOf([shape, shape]), ([x, gradOutput]) => compare(left, right, x ?? fail(), gradOutput ?? fail()));
  });

  test.each(Object.entries(equivalences))("… and what is almost the same is told apart: %s", (_, equivalence) => {
    const { left, wrong, shape = SHAPE } = equivalence;
    expect(() =>
      holds(arraysOf([shape, shape]), ([x, gradOutput]) => compare(left, wrong, x ?? fail(), gradOutput ?? fail())),
    ).toThrow(/^Property failed/);
  });

  test("a factor on x leaves rmsNorm without eps, scaleNorm and normalize", () => {
    holds(arrayOf(SHAPE), (x) => {
      for (const op of [
        (input: Tensor): Tensor => rmsNorm(input, [5], { eps: 0 }),
        (input: Tensor): Tensor => scaleNorm(input),
        (input: Tensor): Tensor => normalize(input, { p: 3 }),
        (input: Tensor): Tensor => normalize(input, { p: Infinity }),
      ]) {
        const run = (array: NdArray): NdArray => runOp({ op: ([input]) => op(input ?? fail()) }, [array], x).output;
        expectClose("output", run(x.mul(7)), run(x), 1e-14);
      }
    });
  });
});
