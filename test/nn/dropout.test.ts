import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator, grad, NdArray, ones, printTape, randn, tensor, Tensor } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { Dropout, dropout, dropoutRule } from "../../src/nn/dropout.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { drawsFor, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";

const probabilities = fc.constantFrom(0.1, 0.25, 0.5, 0.9);

/** The mask that a seed draws: what dropout makes of ones. */
function maskOf(seed: number, p: number, shape: readonly number[]): Tensor {
  return dropout(ones(shape), p, { generator: new Generator(seed) });
}

/** Two successive draws of a layer that is made anew. */
function draws(): unknown[] {
  const layer = new Dropout(0.5, { generator: new Generator(2) });
  return [layer.forward(ones([50])).toArray(), layer.forward(ones([50])).toArray()];
}

describe("dropout", () => {
  test("sets values to zero or divides them by 1 − p", () => {
    holds(fc.tuple(fc.nat(1000), probabilities), ([seed, p]) => {
      const x = randn([40], { generator: new Generator(seed) });
      const y = dropout(x, p, { generator: new Generator(seed + 1) });
      y.data.forEach((value, i) => expect([0, given(x.data[i]) * (1 / (1 - p))]).toContain(value === 0 ? 0 : value));
    });
  });

  test("keeps a share of 1 − p", () => {
    // A count of n = 10,000 has the standard deviation √(n p (1 − p)) ≤ 50: 250 is five of them.
    holds(
      fc.tuple(fc.nat(1000), probabilities),
      ([seed, p]) => {
        const kept = maskOf(seed, p, [10_000]).data.filter((value) => value !== 0).length;
        expect(Math.abs(kept - 10_000 * (1 - p))).toBeLessThan(250);
      },
      10,
    );
  });

  test("has the derivatives of finite differences and of dual numbers with its mask held, at first and second order", () => {
    holds(
      fc.tuple(fc.nat(1000), probabilities).chain(([seed, p]) => {
        const mask = maskOf(seed, p, [2, 3]);
        const opCase: OpCase = {
          shapes: [[2, 3]],
          op: ([x]) => dropout(given(x), p, { generator: new Generator(seed) }),
          rule: <A extends Num<A>>([x]: readonly A[]) =>
            dropoutRule<A>(
              given(x),
              given(x).constant(() => mask.data),
            ),
        };
        return fc.tuple(fc.constant(opCase), drawsFor(opCase));
      }),
      ([opCase, draw]) => expectLayerLaws(opCase, draw),
      20,
    );
  });

  test("uses one mask forward, backward and in a rule that runs again", () => {
    const x = randn([30], { generator: new Generator(0), requiresGrad: true });
    const y = dropout(x, 0.5, { generator: new Generator(1) });
    const mask = maskOf(1, 0.5, [30]);
    const [first] = grad(y, [x], { gradOutput: ones([30]), createGraph: true });
    expect(given(first).toArray()).toEqual(mask.toArray());
  });

  test("gives no gradient to its mask, and is one record with one drawn input", () => {
    const y = dropout(ones([3], { requiresGrad: true }), 0.5, { generator: new Generator(1) });
    expect(printTape(y)).toBe("%1 = dropout(leaf[3], input[3]; p 0.5) : [3]");
    const g = new NdArray(Float64Array.of(1), [1]);
    expect(dropoutRule<NdArray>(g, g).pullback(g)[1]).toBeNull();
  });

  test("answers its input in evaluation and with p = 0, and draws nothing then", () => {
    const x = ones([3]);
    const generator = new Generator(5);
    expect(dropout(x, 0.5, { training: false, generator })).toBe(x);
    expect(dropout(x, 0, { generator })).toBe(x);
    expect(generator.uniform()).toBe(new Generator(5).uniform());
  });

  test("with p = 1 sets all to zero, gradients too", () => {
    const x = tensor([1, -2], { requiresGrad: true });
    const y = dropout(x, 1);
    expect(y.data.every((value) => value === 0)).toBe(true);
    y.sum().backward();
    expect(x.grad?.data.every((value) => value === 0)).toBe(true);
  });

  test("keeps float32", () => {
    expect(dropout(ones([3], { dtype: "float32" }), 0.5).dtype).toBe("float32");
  });

  test.each([-0.1, 1.1, NaN])("refuses p = %d", (p) => {
    expect(() => dropout(ones([1]), p)).toThrow(`dropout: expected a probability p in [0, 1], got ${p}`);
    expect(() => new Dropout(p)).toThrow(/^Dropout: expected a probability/);
  });
});

describe("Dropout", () => {
  test("draws in training and not in evaluation", () => {
    const layer = new Dropout(0.5, { generator: new Generator(2) });
    const x = ones([100]);
    expect(layer.forward(x).data.some((value) => value === 0)).toBe(true);
    expect(layer.eval().forward(x)).toBe(x);
    expect(layer.train().forward(x)).not.toBe(x);
  });

  test("draws a new mask each time, and the same ones from the same seed", () => {
    const [first, second] = draws();
    expect(first).not.toEqual(second);
    expect(draws()).toEqual([first, second]);
  });

  test("has p = 0.5 by default, no state, and prints as PyTorch does", () => {
    expect(String(new Dropout())).toBe("Dropout(p=0.5)");
    expect(new Dropout(0.2).stateDict()).toEqual({});
  });
});
