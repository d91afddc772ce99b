import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, Parameter, Tensor, tensor } from "../../src/autograd/index.ts";
import { SGD } from "../../src/nn/sgd.ts";
import type { SGDOptions } from "../../src/nn/sgd.ts";
import { descend, expectFollows, histories, NOT_FOLLOWED } from "../helpers/descent.ts";
import type { ScalarOracle } from "../helpers/descent.ts";
import { holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { decoded, nnFixture, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";

type Options = SGDOptions & { readonly lr: number };

const optionSets: fc.Arbitrary<Options> = fc
  .record({
    lr: fc.constantFrom(0, 0.05, 0.3),
    momentum: fc.constantFrom(0.5, 0.9, 0),
    dampening: fc.constantFrom(0, 0.2),
    weightDecay: fc.constantFrom(0, 0.1),
    maximize: fc.boolean(),
    nesterov: fc.boolean(),
  })
  .filter(({ nesterov, momentum, dampening }) => !nesterov || (momentum > 0 && dampening === 0));

/** The buffer as one sum over the whole history instead of a recursion. */
function oracle({ lr, momentum, dampening, weightDecay, nesterov, maximize }: Options): ScalarOracle {
  return (initial, gradients) => {
    const directions: number[] = [];
    return gradients.reduce((theta, gradient) => {
      directions.push((maximize ? -gradient : gradient) + weightDecay * theta);
      const newest = directions.length - 1;
      const buffer = directions.reduce(
        (sum, direction, k) => sum + momentum ** (newest - k) * (k === 0 ? 1 : 1 - dampening) * direction,
        0,
      );
      const direction = directions[newest] ?? NaN;
      if (momentum === 0) return theta - lr * direction;
      return theta - lr * (nesterov ? direction + momentum * buffer : buffer);
    }, initial);
  };
}

const draws = fc.record({ options: optionSets, all: histories });

describe("SGD", () => {
  test("follows PyTorch's rule, with every combination of options", () => {
    holds(draws, ({ options, all }) =>
      expectFollows((parameters) => new SGD(parameters, options), all, oracle(options)),
    );
  });

  const planted: Readonly<Record<string, (options: Options) => Options>> = {
    "lost dampening": (options) => ({ ...options, dampening: 0 }),
    "lost weight decay": (options) => ({ ...options, weightDecay: 0 }),
    "lost nesterov": (options) => ({ ...options, nesterov: false }),
    "the wrong direction": (options) => ({ ...options, maximize: !options.maximize }),
    "momentum as the share of the new gradient": (options) => ({ ...options, momentum: 1 - options.momentum }),
  };
  for (const [error, spoil] of Object.entries(planted)) {
    test(`the law rejects ${error}`, () => {
      breaks(
        draws,
        ({ options, all }) => expectFollows((parameters) => new SGD(parameters, spoil(options)), all, oracle(options)),
        NOT_FOLLOWED,
      );
    });
  }

  test("the law rejects a buffer that is dampened in the first step too", () => {
    class DampenedFirst extends SGD {
      protected override update(
        ...[parameter, gradient, state, options]: Parameters<SGD["update"]>
      ): ReturnType<SGD["update"]> {
        const zero = { momentumBuffer: NdArray.full(parameter.shape, 0, parameter.dtype) };
        return super.update(parameter, gradient, { ...zero, ...state }, options);
      }
    }
    breaks(
      draws,
      ({ options, all }) => expectFollows((parameters) => new DampenedFirst(parameters, options), all, oracle(options)),
      NOT_FOLLOWED,
    );
  });

  for (const { optimizer, name, options, params, steps } of nnFixture().optimizers) {
    if (optimizer !== "SGD") continue;
    test(`agrees with PyTorch: ${name}`, () => {
      steps.forEach(({ params: expected }, last) => {
        const all = params.map((initial, i) => ({
          initial: decoded(initial),
          gradients: steps.slice(0, last + 1).map(({ grads }) => decoded(grads[i] ?? initial)),
        }));
        descend((parameters) => new SGD(parameters, options), all).forEach((parameter, i) => {
          expectClose(name, parameter.value, decoded(expected[i] ?? { shape: [], data: [] }), PYTORCH);
        });
      });
    });
  }

  test("takes a quadratic to its minimum", () => {
    const w = new Parameter(tensor([3, -2]));
    const optimizer = new SGD([w], { lr: 0.1, momentum: 0.5 });
    for (let step = 0; step < 100; step++) {
      optimizer.zeroGrad();
      w.sub(tensor([1, 1]))
        .square()
        .sum()
        .backward();
      optimizer.step();
    }
    expectClose("minimum", w.value, tensor([1, 1]).value, 1e-12); // the error halves with every step or two
  });

  test("float32 parameters stay float32, and each value is rounded once", () => {
    const w = new Parameter(tensor([0.1], { dtype: "float32" }));
    w.grad = tensor([0.3], { dtype: "float32" });
    new SGD([w], { lr: 0.1, weightDecay: 0.1 }).step();
    const [theta, gradient] = [Math.fround(0.1), Math.fround(0.3)];
    expect(w.data).toEqual(Float32Array.of(theta - 0.1 * (gradient + 0.1 * theta)));
  });

  test("refuses options that are out of range or do not go together", () => {
    const w = [new Tensor(tensor(1).value, true)];
    expect(() => new SGD(w, { lr: -1 })).toThrow(
      new RangeError("SGD: expected lr to be a finite number of at least 0, got -1"),
    );
    // @ts-expect-error lr has no default
    expect(() => new SGD(w, {})).toThrow(/expected lr .* got undefined/);
    expect(() => new SGD(w, { lr: NaN })).toThrow(RangeError);
    expect(() => new SGD(w, { lr: 1, momentum: -0.1 })).toThrow(/momentum/);
    expect(() => new SGD(w, { lr: 1, weightDecay: -0.1 })).toThrow(/weightDecay/);
    expect(() => new SGD(w, { lr: 1, dampening: NaN })).toThrow(/dampening/);
    expect(() => new SGD(w, { lr: 1, nesterov: true })).toThrow(
      new RangeError("SGD: expected a momentum and no dampening with nesterov, got momentum 0 and dampening 0"),
    );
    expect(() => new SGD(w, { lr: 1, nesterov: true, momentum: 0.9, dampening: 0.1 })).toThrow(/dampening 0.1/);
  });
});
