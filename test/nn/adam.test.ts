import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Parameter, tensor } from "../../src/autograd/index.ts";
import { Adam, AdamW } from "../../src/nn/adam.ts";
import type { AdamOptions } from "../../src/nn/adam.ts";
import { descend, expectFollows, histories, NOT_FOLLOWED } from "../helpers/descent.ts";
import type { ScalarOracle } from "../helpers/descent.ts";
import { holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { decoded, nnFixture, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";

type Options = AdamOptions & { readonly lr: number };

const optionSets: fc.Arbitrary<Options> = fc.record({
  lr: fc.constantFrom(0.01, 0.3),
  betas: fc.constantFrom<readonly [number, number]>([0.9, 0.999], [0.5, 0.7], [0, 0]),
  eps: fc.constantFrom(1e-8, 0.1),
  weightDecay: fc.constantFrom(0, 0.2),
  amsgrad: fc.boolean(),
  maximize: fc.boolean(),
});

/** An exponential average from 0 as one sum over the whole history instead of a recursion. */
function average(values: readonly number[], beta: number): number {
  return values.reduce((sum, value, k) => sum + (1 - beta) * beta ** (values.length - 1 - k) * value, 0);
}

function oracle(options: Options, decoupled: boolean): ScalarOracle {
  const { lr, betas, eps, weightDecay, amsgrad, maximize } = options;
  return (initial, all) => {
    const gradients: number[] = [];
    let largest = 0;
    return all.reduce((theta, given) => {
      const gradient = maximize ? -given : given;
      gradients.push(decoupled ? gradient : gradient + weightDecay * theta);
      const t = gradients.length;
      const squares = average(
        gradients.map((g) => g ** 2),
        betas[1],
      );
      largest = Math.max(largest, squares);
      const mean = average(gradients, betas[0]) / (1 - betas[0] ** t);
      const variance = (amsgrad ? largest : squares) / (1 - betas[1] ** t);
      const decayed = decoupled ? theta - lr * weightDecay * theta : theta;
      return decayed - (lr * mean) / (Math.sqrt(variance) + eps);
    }, initial);
  };
}

const draws = fc.record({ options: optionSets, all: histories });

describe.each([
  { name: "Adam", Optimizer: Adam, decoupled: false },
  { name: "AdamW", Optimizer: AdamW, decoupled: true },
])("$name", ({ name: kind, Optimizer, decoupled }) => {
  test("follows its paper's rule, with every combination of options", () => {
    holds(draws, ({ options, all }) =>
      expectFollows((parameters) => new Optimizer(parameters, options), all, oracle(options, decoupled)),
    );
  });

  const planted: Readonly<Record<string, (options: Options) => Options>> = {
    "exchanged betas": (options) => ({ ...options, betas: [options.betas[1], options.betas[0]] }),
    "lost weight decay": (options) => ({ ...options, weightDecay: 0 }),
    "lost amsgrad": (options) => ({ ...options, amsgrad: false }),
    "eps inside of the root": (options) => ({ ...options, eps: Math.sqrt(options.eps) }),
    "the wrong direction": (options) => ({ ...options, maximize: !options.maximize }),
  };
  for (const [error, spoil] of Object.entries(planted)) {
    test(`the law rejects ${error}`, () => {
      breaks(
        draws,
        ({ options, all }) =>
          expectFollows((parameters) => new Optimizer(parameters, spoil(options)), all, oracle(options, decoupled)),
        NOT_FOLLOWED,
      );
    });
  }

  test("the law rejects the other one's weight decay", () => {
    breaks(
      draws,
      ({ options, all }) =>
        expectFollows((parameters) => new Optimizer(parameters, options), all, oracle(options, !decoupled)),
      NOT_FOLLOWED,
    );
  });

  test("the law rejects averages without bias correction", () => {
    class Uncorrected extends Optimizer {
      protected override update(
        ...[parameter, gradient, state, options]: Parameters<Adam["update"]>
      ): ReturnType<Adam["update"]> {
        return super.update(parameter, gradient, { ...state, step: tensor(1000).value }, options);
      }
    }
    breaks(
      draws,
      ({ options, all }) =>
        expectFollows((parameters) => new Uncorrected(parameters, options), all, oracle(options, decoupled)),
      NOT_FOLLOWED,
    );
  });

  for (const { optimizer, name, options, params, steps } of nnFixture().optimizers) {
    if (optimizer !== kind) continue;
    test(`agrees with PyTorch: ${name}`, () => {
      steps.forEach(({ params: expected }, last) => {
        const all = params.map((initial, i) => ({
          initial: decoded(initial),
          gradients: steps.slice(0, last + 1).map(({ grads }) => decoded(grads[i] ?? initial)),
        }));
        descend((parameters) => new Optimizer(parameters, options), all).forEach((parameter, i) => {
          expectClose(name, parameter.value, decoded(expected[i] ?? { shape: [], data: [] }), PYTORCH);
        });
      });
    });
  }

  test("the first step is lr in the gradient's direction, whatever the gradient's size", () => {
    const w = new Parameter(tensor([1, 1, 1]));
    w.grad = tensor([1e-3, -5, 1e6]);
    new Optimizer([w], { lr: 0.1, weightDecay: 0 }).step();
    expectClose("first step", w.value, tensor([0.9, 1.1, 0.9]).value, 2e-6); // eps/|g| = 1e-5 of lr
  });

  test("float32 parameters and averages stay float32", () => {
    const w = new Parameter(tensor([1], { dtype: "float32" }));
    const optimizer = new Optimizer([w], { amsgrad: true });
    w.grad = tensor([0.3], { dtype: "float32" });
    optimizer.step();
    const { expAvg, expAvgSq, maxExpAvgSq, step } = optimizer.stateDict().state[0] ?? {};
    expect([w, expAvg, expAvgSq, maxExpAvgSq, step].map((array) => array?.dtype)).toEqual([
      "float32",
      "float32",
      "float32",
      "float32",
      "float64",
    ]);
  });

  test("refuses options that are out of range", () => {
    const w = [new Parameter(tensor(1))];
    expect(() => new Optimizer(w, { lr: -1 })).toThrow(
      new RangeError(`${kind}: expected lr to be a finite number of at least 0, got -1`),
    );
    expect(() => new Optimizer(w, { eps: -1 })).toThrow(/eps/);
    expect(() => new Optimizer(w, { weightDecay: -1 })).toThrow(/weightDecay/);
    expect(() => new Optimizer(w, { betas: [0.9, 1] })).toThrow(/betas\[1\] to be in \[0, 1\), got 1/);
    expect(() => new Optimizer(w, { betas: [-0.1, 0.9] })).toThrow(/betas\[0\]/);
  });
});

test("defaults are PyTorch's", () => {
  const w = [new Parameter(tensor(1))];
  const common = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false, maximize: false, params: w };
  expect(new Adam(w).paramGroups).toEqual([{ ...common, weightDecay: 0 }]);
  expect(new AdamW(w).paramGroups).toEqual([{ ...common, weightDecay: 1e-2 }]);
});
