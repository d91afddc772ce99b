import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dual, NdArray, tensor, Tensor } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { arraysOf, holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { DIFFERENCES, EXACT, expectClose } from "../helpers/laws.ts";
import type { GenericForward } from "../helpers/laws.ts";
import { directed, ops } from "../helpers/opCases.ts";
import type { DirectedCase } from "../helpers/opCases.ts";
import { breaks } from "../helpers/planted.ts";

const names = Object.keys(ops);
const RUNS = 40;
const drawsOf = (name: string): fc.Arbitrary<DirectedCase> => directed(given(ops[name]));

const dual = (primal: readonly number[], tangent: readonly number[]): Dual<NdArray> =>
  new Dual(tensor(primal).value, tensor(tangent).value);
const zerosLike = (x: NdArray): NdArray => NdArray.full(x.shape, 0, x.dtype);

/** (f(x + hv) − f(x − hv)) / 2h with Richardson's correction: an error of h⁴, as in laws.ts. */
function slopeByDifferences(f: GenericForward, x: readonly NdArray[], v: readonly NdArray[]): NdArray {
  const step = 2 ** -10;
  const at = (delta: number): NdArray => f(x.map((array, i) => array.add(given(v[i]).mul(delta))));
  return at(step)
    .sub(at(-step))
    .mul(8)
    .sub(at(2 * step).sub(at(-2 * step)))
    .div(12 * step);
}

const tangentIsDifferences =
  (tangentOf: (f: GenericForward, x: readonly NdArray[], v: readonly NdArray[]) => NdArray) =>
  ({ f, inputs, tangents }: DirectedCase): void => {
    // A twentieth of the directions, so that no kink lies between x − 2hv and x + 2hv.
    const slow = tangents.map((tangent) => tangent.div(20));
    expectClose("tangent", tangentOf(f, inputs, slow), slopeByDifferences(f, inputs, slow), DIFFERENCES);
  };

const tangentOf = (f: GenericForward, x: readonly NdArray[], v: readonly NdArray[]): NdArray =>
  f(x.map((array, i) => new Dual(array, given(v[i])))).tangent;

describe("Dual", () => {
  test.each(names)("the tangent of %s is the slope by differences", (name) => {
    holds(drawsOf(name), tangentIsDifferences(tangentOf), RUNS);
  });

  test.each(names)("the tangent of %s is linear in the tangents", (name) => {
    holds(
      drawsOf(name),
      ({ f, inputs, tangents, others }) => {
        const mixed = tangents.map((tangent, i) => tangent.mul(2).sub(given(others[i])));
        const expected = tangentOf(f, inputs, tangents)
          .mul(2)
          .sub(tangentOf(f, inputs, others));
        expectClose("linear", tangentOf(f, inputs, mixed), expected, EXACT);
      },
      RUNS,
    );
  });

  test.each(names)("a tangent of %s that is 1e-5 off would be found", (name) => {
    const off: typeof tangentOf = (f, x, v) => tangentOf(f, x, v).add(1e-5);
    breaks(drawsOf(name), tangentIsDifferences(off), /tangent: expected/, RUNS);
  });

  test("the shape is that of the value, and numbers are constants", () => {
    const x = dual([1, 2], [3, 4]);
    expect(x.shape).toEqual([2]);
    expect([...x.add(5).tangent.data]).toEqual([3, 4]);
    expect([...x.mul(5).tangent.data]).toEqual([15, 20]);
    expect([...x.div(2).tangent.data]).toEqual([1.5, 2]);
    expect([...x.sub(5).primal.data]).toEqual([-4, -3]);
  });

  test("what is detached or constant does not move, what is taken from it neither", () => {
    const x = dual([3, -4], [1, 1]);
    expect([...x.mul(x.detach()).tangent.data]).toEqual([3, -4]);
    expect([...x.mul(x.constant((values) => values)).tangent.data]).toEqual([3, -4]);
    expect(
      x
        .detach()
        .square()
        .tangent.data.every((value) => value === 0),
    ).toBe(true);
    expect([...x.add(x.constant(() => [7], [1])).tangent.data]).toEqual([1, 1]);
  });

  test("an index that is chosen by the values chooses the tangents of the same cells", () => {
    const x = dual([3, 9, 4], [10, 20, 30]);
    const largest = x.take((values) => Int32Array.of(Array.from(values).indexOf(9), -1));
    expect([[...largest.primal.data], [...largest.tangent.data]]).toEqual([
      [9, 0],
      [20, 0],
    ]);
    expect([...x.max().tangent.data]).toEqual([20]);
    expect([...x.min([0]).tangent.data]).toEqual([10]);
  });

  test("float32 stays float32", () => {
    const x = new Dual(tensor(Float32Array.of(1, 2)).value, tensor(Float32Array.of(3, 4)).value);
    const y = x.sigmoid().add(x.softmax(0)).mul(x.detach());
    expect([y.primal.dtype, y.tangent.dtype]).toEqual(["float32", "float32"]);
  });
});

describe("Dual of Dual", () => {
  /** f along x + s·u + t·v: its value, its two slopes, and its mixed second derivative. */
  const twice = (f: GenericForward, x: NdArray, u: NdArray, v: NdArray): Dual<Dual<NdArray>> =>
    f([new Dual(new Dual(x, u), new Dual(v, zerosLike(x)))]);
  const draws = shapes({ minDims: 0, maxDims: 2 }).chain((shape) => arraysOf([shape, shape, shape]));
  const formula: GenericForward = <A extends Num<A>>([x]: readonly A[]) => {
    const y = given(x);
    return y.tanh().mul(y.square()).sum().exp().log().add(y.erf());
  };

  test("carries both slopes, and the second derivative in either order", () => {
    holds(draws, ([x, u, v]) => {
      const [a, b, c] = [given(x), given(u), given(v)];
      const forth = twice(formula, a, b, c);
      const back = twice(formula, a, c, b);
      expectClose("slope u", forth.primal.tangent, tangentOf(formula, [a], [b]), EXACT);
      expectClose("slope v", forth.tangent.primal, tangentOf(formula, [a], [c]), EXACT);
      expectClose("symmetry", forth.tangent.tangent, back.tangent.tangent, EXACT);
    });
  });

  test("d²/dx² x³ = 6x, and 0 through what is detached at either level", () => {
    const x = tensor([2]).value;
    const one = tensor([1]).value;
    expect([...twice(([y]) => given(y).pow(3), x, one, one).tangent.tangent.data]).toEqual([12]);
    expect([...twice(([y]) => given(y).mul(given(y).detach().square()), x, one, one).tangent.tangent.data]).toEqual([
      0,
    ]);
  });

  test("its second derivative is the slope of the slope by differences", () => {
    holds(
      draws,
      ([x, u, v]) => {
        const [a, b, c] = [given(x), given(u).div(8), given(v).div(8)];
        const slope: (y: NdArray) => NdArray = (y) => tangentOf(formula, [y], [b]);
        const step = 2 ** -10;
        const at = (delta: number): NdArray => slope(a.add(c.mul(delta)));
        const expected = at(step)
          .sub(at(-step))
          .mul(8)
          .sub(at(2 * step).sub(at(-2 * step)))
          .div(12 * step);
        expectClose("second", twice(formula, a, b, c).tangent.tangent, expected, DIFFERENCES);
      },
      RUNS,
    );
  });
});

describe("Dual of Tensor", () => {
  test("the gradient of a tangent is H·v: reverse over forward", () => {
    holds(arraysOf([[3], [3]]), ([x, v]) => {
      const leaf = new Tensor(given(x), true);
      const moving = new Dual(leaf, new Tensor(given(v)));
      moving.pow(3).sum().tangent.backward();
      expectClose("H·v", given(leaf.grad).value, given(x).mul(6).mul(given(v)), EXACT);
    });
  });

  test("a direction is taken from the tangent, not from the value", () => {
    const leaf = tensor([2, 3], { requiresGrad: true });
    new Dual(leaf, tensor([1, 0])).square().sum().tangent.backward();
    expect(leaf.grad?.toArray()).toEqual([2, 0]);
  });
});

describe("kinks", () => {
  test("at a kink the tangent is that of one side, and never NaN", () => {
    const x = dual([0, 0], [1, -1]);
    expect([...x.relu().tangent.data]).toEqual([0, 0]);
    expect(Array.from(x.abs().tangent.data, (value) => value + 0)).toEqual([0, 0]);
    expect([...x.clamp(0, 1).tangent.data]).toEqual([1, -1]);
    expect(Array.from(x.rsqrtOrZero().tangent.data, (value) => value + 0)).toEqual([0, 0]);
    expect([...x.pow(0).tangent.data].map(Math.abs)).toEqual([0, 0]);
    expect([...x.pow(1).tangent.data]).toEqual([1, -1]);
  });

  test("a cut tangent is 0 even where it was infinite", () => {
    expect([...dual([-1, 1], [Infinity, 2]).relu().tangent.data]).toEqual([0, 2]);
    expect([...dual([-1, 1], [Infinity, 2]).clamp(0, 5).tangent.data]).toEqual([0, 2]);
  });

  test("the sum of no values stands still", () => {
    const empty = dual([], []);
    expect(empty.exp().tangent.data.length).toBe(0);
    expect([...empty.exp().sum().tangent.data]).toEqual([0]);
  });
});
