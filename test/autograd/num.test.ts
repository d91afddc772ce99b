import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Dual, tensor, Tensor, zeros } from "../../src/autograd/index.ts";
import type { Num } from "../../src/autograd/index.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import { ops } from "../helpers/opCases.ts";
import type { OpCase } from "../helpers/opDraws.ts";
import { breaks } from "../helpers/planted.ts";

/** Sums of at most 64 terms, each rounded to 1e-16. */
const ROUNDING = 1e-13;

const names = Object.keys(ops);

/** The value of the op in each of the three readings is that of plain loops. */
function expectLoops({ f, inputs, expected }: OpCase): void {
  expectClose("numbers", f(inputs), expected, ROUNDING);
  expectClose("dual numbers", f(inputs.map((input) => new Dual(input, input))).primal, expected, ROUNDING);
  expectClose("tensors", f(inputs.map((input) => new Tensor(input, true))).value, expected, ROUNDING);
}

describe("Num", () => {
  test.each(names)("%s is what plain loops answer, read with numbers, dual numbers and tensors", (name) => {
    holds(given(ops[name]), expectLoops);
  });

  test.each(names)("%s changes none of its inputs", (name) => {
    holds(given(ops[name]), ({ f, inputs }) => {
      const before = inputs.map((input) => input.data.slice());
      const leaves = inputs.map((input) => new Tensor(input, true));
      f(leaves).sum().backward();
      inputs.forEach((input, i) => expect(input.data).toEqual(before[i]));
    });
  });

  test("loops reject an answer that is 1e-9 off, and one of another shape", () => {
    for (const name of names) {
      breaks(given(ops[name]), (drawn) => expectLoops({ ...drawn, f: off(drawn, 1e-9) }), /numbers: expected/);
    }
    breaks(given(ops.sum), (drawn) => expectLoops({ ...drawn, f: widened(drawn) }), /numbers: expected shape/);
  });

  function off({ f }: OpCase, error: number): OpCase["f"] {
    return <A extends Num<A>>(inputs: readonly A[]) => f(inputs).add(error);
  }

  function widened({ f }: OpCase): OpCase["f"] {
    return <A extends Num<A>>(inputs: readonly A[]) => f(inputs).stack([]);
  }

  test("ndim is the number of dims", () => {
    holds(shapes({ minDims: 0 }).chain(arrayOf), (x) => {
      expect(x.ndim).toBe(x.shape.length);
    });
  });

  test("constant and detach keep the values and do not move", () => {
    holds(shapes({ minDims: 0 }).chain(arrayOf), (x) => {
      const moving = new Dual(x, x.square());
      for (const still of [moving.detach(), moving.constant((values) => values)]) {
        expect(still.primal.data).toEqual(x.data);
        expect(still.tangent.data.every((value) => value === 0)).toBe(true);
      }
      const leaf = new Tensor(x, true);
      expect(leaf.detach().data).toEqual(x.data);
      expect(leaf.detach().requiresGrad || leaf.constant((values) => values).requiresGrad).toBe(false);
    });
  });

  test("constant may have a shape of its own", () => {
    const x = tensor([1, 2, 3]);
    expect(x.constant((values) => [values.length, values[2] ?? NaN], [2, 1]).toArray()).toEqual([[3], [3]]);
    expect(() => x.constant(() => [1, 2], [3])).toThrow(
      new RangeError("NdArray: expected 3 values for shape [3], got 2"),
    );
  });
});

describe("sums of shapes", () => {
  test("sumTo undoes what expand repeats, times the number of repetitions", () => {
    const draws = shapes({ maxDims: 3, maxSize: 3 }).chain((shape) =>
      fc.tuple(arrayOf(shape.map((size, dim) => (dim % 2 === 0 ? 1 : size))), fc.constant(shape)),
    );
    holds(draws, ([x, shape]) => {
      const wide = [2, ...shape];
      const repetitions = wide.reduce((a, b) => a * b, 1) / x.data.length;
      expectClose("sumTo(expand)", x.expand(wide).sumTo(x.shape), x.mul(repetitions), ROUNDING);
    });
  });

  test("sumTo with nothing to sum is the array itself", () => {
    const x = tensor([[1, 2]]).value;
    expect(x.sumTo([1, 2])).toBe(x);
  });
});

describe("NaN and infinities", () => {
  const odd = [NaN, -Infinity, Infinity, -0.5, 2];
  const readings: readonly (readonly [string, (f: <A extends Num<A>>(x: A) => A) => number[]])[] = [
    ["numbers", (f) => [...f(tensor(odd).value).data]],
    ["dual numbers", (f) => [...f(new Dual(tensor(odd).value, tensor(odd).value)).primal.data]],
    ["tensors", (f) => [...f(tensor(odd, { requiresGrad: true })).data]],
  ];

  test.each(readings)("relu, clamp and abs keep NaN, in %s", (_, read) => {
    expect(read((x) => x.relu())).toEqual([NaN, 0, Infinity, 0, 2]);
    expect(read((x) => x.clamp(-1, 1))).toEqual([NaN, -1, 1, -0.5, 1]);
    expect(read((x) => x.clamp(-Infinity, Infinity))).toEqual(odd);
    expect(read((x) => x.abs())).toEqual([NaN, Infinity, Infinity, 0.5, 2]);
  });

  test.each(readings)("NaN wins max and min; without it infinities do, in %s", (_, read) => {
    expect(read((x) => x.max())).toEqual([NaN]);
    expect(read((x) => x.min())).toEqual([NaN]);
    expect(read((x) => x.slice(0, 1).max())).toEqual([Infinity]);
    expect(read((x) => x.slice(0, 1).min())).toEqual([-Infinity]);
  });

  test.each(readings)("sigmoid and softmax have their limits at ±∞, in %s", (_, read) => {
    expect(read((x) => x.sigmoid())).toEqual([NaN, 0, 1, expect.closeTo(0.3775, 4), expect.closeTo(0.8808, 4)]);
    expect(read((x) => x.take(Int32Array.of(1, 4)).softmax(0))).toEqual([0, 1]);
    expect(read((x) => x.take(Int32Array.of(1, 4)).logSoftmax(0))).toEqual([-Infinity, 0]);
  });

  test("sigmoid, softmax and logSoftmax do not overflow at ±800", () => {
    const far = tensor([-800, 0, 800]).value;
    expect([...far.sigmoid().data]).toEqual([0, 0.5, 1]);
    expect([...far.softmax(0).data]).toEqual([0, 0, 1]);
    expect([...far.logSoftmax(0).data]).toEqual([-1600, -800, 0]);
    expect([...new Dual(far, far.mul(0).add(1)).sigmoid().tangent.data]).toEqual([0, 0.25, 0]);
  });
});

describe("empty arrays", () => {
  const none = zeros([2, 0]).value;

  test("reductions over no value are 0, NaN, or refused", () => {
    expect([...none.sum([1]).data]).toEqual([0, 0]);
    expect([...none.mean([1]).data]).toEqual([NaN, NaN]);
    expect([...none.variance([1]).data]).toEqual([NaN, NaN]);
    expect(none.sum([0], true).shape).toEqual([1, 0]);
    expect(none.max([0]).shape).toEqual([0]);
    expect(() => none.max([1])).toThrow(
      new RangeError("max: expected at least one value to choose from, got shape [2, 0]"),
    );
    expect(() => none.min()).toThrow(
      new RangeError("min: expected at least one value to choose from, got shape [2, 0]"),
    );
  });

  test.each<readonly [string, (x: Tensor) => Tensor, readonly number[]]>([
    ["exp", (x) => x.exp(), [2, 0]],
    ["add with broadcasting", (x) => x.add(zeros([3, 1, 1])), [3, 2, 0]],
    ["center", (x) => x.center([0, 1]), [2, 0]],
    ["softmax along the empty dim", (x) => x.softmax(1), [2, 0]],
    ["logSoftmax along the other dim", (x) => x.logSoftmax(0), [2, 0]],
    ["relu", (x) => x.relu(), [2, 0]],
    ["clamp", (x) => x.clamp(0, 1), [2, 0]],
    ["reshape with −1", (x) => x.reshape([-1, 5]), [0, 5]],
    ["permute", (x) => x.permute([1, 0]), [0, 2]],
    ["expand", (x) => x.expand([4, 2, 0]), [4, 2, 0]],
    ["concat", (x) => x.concat([x, x], 0), [6, 0]],
    ["stack", (x) => x.stack([x], 1), [2, 2, 0]],
    ["slice", (x) => x.slice(0, 1), [1, 0]],
    ["pad", (x) => x.pad([1, 2]), [2, 3]],
    ["take nothing", (x) => x.take(new Int32Array()), [0]],
    ["putAdd nothing", (x) => x.putAdd(new Int32Array(), 3), [3]],
    ["matmul over an empty dim", (x) => x.matmul(zeros([0, 3])), [2, 3]],
    ["matmul with no rows", (x) => x.transpose(0, 1).matmul(zeros([2, 3])), [0, 3]],
    ["sumTo", (x) => x.sumTo([1, 0]), [1, 0]],
  ])("%s of an empty array has the shape that it should have, zeros only, and a gradient", (_, f, shape) => {
    const x = zeros([2, 0], { requiresGrad: true });
    const answer = f(x);
    expect(answer.shape).toEqual(shape);
    expect(answer.data.length).toBe(shape.reduce((a, b) => a * b, 1));
    expect(answer.data.every((value) => value === 0)).toBe(true);
    answer.sum().backward();
    expect(x.grad?.shape).toEqual([2, 0]);
  });
});

describe("errors", () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]).value;

  const refused: readonly (readonly [call: () => unknown, message: string])[] = [
    [() => x.clamp(2, 1), "clamp: expected min ≤ max, got min 2 and max 1"],
    [() => x.clamp(NaN, 1), "clamp: expected min ≤ max, got min NaN and max 1"],
    [() => x.variance([2]), "variance: expected a dim in [-2, 2), got 2"],
    [() => x.max([0, -2]), "max: expected each dim once, got dims [0, -2]"],
    [() => x.min([1.5]), "min: expected a dim in [-2, 2), got 1.5"],
    [() => x.softmax(2), "softmax: expected a dim in [-2, 2), got 2"],
    [() => x.logSoftmax(-3), "logSoftmax: expected a dim in [-2, 2), got -3"],
    [() => x.transpose(0, 2), "transpose: expected a dim in [-2, 2), got 2"],
    [() => x.matmul(x), "matmul: expected shapes [*, m, k] and [*, k, n], got [2, 3] and [2, 3]"],
    [() => x.sum().matmul(x), "matmul: expected shapes [*, m, k] and [*, k, n], got [] and [2, 3]"],
    [() => x.matmul(x.sum()), "matmul: expected shapes [*, m, k] and [*, k, n], got [2, 3] and []"],
    [() => x.slice(0, 0, 2, 0), "slice: expected a step of 1 or more, got 0"],
    [() => x.slice(0, 0, 2, 1.5), "slice: expected a step of 1 or more, got 1.5"],
    [() => x.slice(0, 0.5), "slice: expected whole numbers for start and end, got 0.5 and Infinity"],
    [() => x.slice(0, 0, NaN), "slice: expected whole numbers for start and end, got 0 and NaN"],
    [() => x.slice(2), "slice: expected a dim in [-2, 2), got 2"],
    [() => x.indexSelect(1, [3]), "indexSelect: expected indices in [-3, 3) for dim 1, got 3"],
    [() => x.indexSelect(1, [0.5]), "indexSelect: expected indices in [-3, 3) for dim 1, got 0.5"],
    [() => x.select(2, 0), "select: expected a dim in [-2, 2), got 2"],
    [() => x.pad([1]), "pad: expected pairs of counts for at most 2 dims, got [1]"],
    [() => x.pad([-1, 0]), "pad: expected pairs of counts for at most 2 dims, got [-1, 0]"],
    [() => x.pad([0, 0, 0, 0, 1, 1]), "pad: expected pairs of counts for at most 2 dims, got [0, 0, 0, 0, 1, 1]"],
    [() => x.stack([x.sum([0])]), "stack: expected arrays of one shape, got [2, 3] and [3]"],
    [() => x.stack([], 3), "stack: expected a dim in [-3, 3), got 3"],
    [() => x.sumTo([2, 4]), "sumTo: expected shapes that broadcast together, got [2, 4] and [2, 3]"],
    [() => x.sumTo([1, 2, 3]), "sumTo: expected a shape that broadcasts to [2, 3], got [1, 2, 3]"],
    [() => x.sum([0]).sumTo([2, 3]), "sumTo: expected a shape that broadcasts to [3], got [2, 3]"],
  ];
  test.each(refused.map(([call, message]) => ({ call, message })))("$message", ({ call, message }) => {
    expect(call).toThrow(new RangeError(message));
  });
});
