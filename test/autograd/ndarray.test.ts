import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, tensor } from "../../src/autograd/index.ts";
import type { Dtype } from "../../src/autograd/index.ts";
import { fixed, sum, toNumber } from "../helpers/fixedPoint.ts";
import { arrayOf, holds, shapes, values } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import { groupwiseLoop, reduceLoop } from "../helpers/loops.ts";
import { dimsOf, positive } from "../helpers/opDraws.ts";
import { breaks } from "../helpers/planted.ts";

const float64 = (data: readonly number[], shape: readonly number[] = [data.length]): NdArray =>
  new NdArray(Float64Array.from(data), shape);
const float32 = (data: readonly number[], shape: readonly number[] = [data.length]): NdArray =>
  new NdArray(Float32Array.from(data), shape);

describe("NdArray", () => {
  test("keeps data and shape", () => {
    const data = Float32Array.of(1, 2);
    const x = new NdArray(data, [2, 1]);
    expect([x.data, x.shape, x.dtype, x.ndim]).toEqual([data, [2, 1], "float32", 2]);
  });

  test("refuses a count that does not fit the shape", () => {
    expect(() => new NdArray(new Float64Array(3), [2, 2])).toThrow(
      new RangeError("NdArray: expected 4 values for shape [2, 2], got 3"),
    );
  });

  test("full repeats one value", () => {
    expect(NdArray.full([2, 2], 0.1, "float64").data).toEqual(Float64Array.of(0.1, 0.1, 0.1, 0.1));
    expect(NdArray.full([], 0.1, "float32").data).toEqual(Float32Array.of(0.1));
    expect(NdArray.full([0, 3], 1, "float64").shape).toEqual([0, 3]);
  });

  test("to rounds to nearest, and is the array itself where nothing changes", () => {
    const x = float64([0.1, 1e300]);
    expect(x.to("float64")).toBe(x);
    expect(x.to("float32").data).toEqual(Float32Array.of(0.1, Infinity));
    expect(x.to("float32").to("float64").data).toEqual(Float64Array.of(Math.fround(0.1), Infinity));
  });

  test("reshape shares the values, permute copies them, and neither does more than it must", () => {
    const x = float64([1, 2, 3, 4], [2, 2]);
    expect(x.reshape([4]).data).toBe(x.data);
    expect(x.reshape([-1, 2])).toBe(x);
    expect(x.expand([2, 2])).toBe(x);
    expect(x.detach()).toBe(x);
    expect(x.permute([0, 1]).data).not.toBe(x.data);
  });

  test("square roots are correctly rounded, which a power is not", () => {
    holds(arrayOf([20], fc.double({ min: 1e-300, max: 1e300, noNaN: true })), (x) => {
      expect(x.pow(0.5).data).toEqual(x.data.map(Math.sqrt));
      expect(x.pow(-0.5).data).toEqual(x.data.map((value) => 1 / Math.sqrt(value)));
    });
  });

  test("rsqrtOrZero is 0 at both zeros, NaN below, 1/√x above", () => {
    expect([...float64([0, -0, -1, 4, Infinity, NaN]).rsqrtOrZero().data]).toEqual([0, 0, NaN, 0.5, 0, NaN]);
    expect([...float64([0, 4]).rsqrt().data]).toEqual([Infinity, 0.5]);
  });
});

describe("dtypes", () => {
  /** Ops that round once: what they answer for float32 is what float64 answers, rounded. */
  const once: Readonly<Record<string, (x: NdArray) => NdArray>> = {
    "add a number": (x) => x.add(0.1),
    "mul by a number": (x) => x.mul(0.1),
    "div by a number": (x) => x.div(3),
    add: (x) => x.add(x),
    mul: (x) => x.mul(x),
    div: (x) => x.div(x.slice(0, 0, 1)),
    pow: (x) => x.pow(3),
    exp: (x) => x.exp(),
    log: (x) => x.log(),
    tanh: (x) => x.tanh(),
    erf: (x) => x.erf(),
    rsqrtOrZero: (x) => x.rsqrtOrZero(),
    sum: (x) => x.sum(),
    "sum over a dim": (x) => x.sum([0]),
    mean: (x) => x.mean([-1]),
    permute: (x) => x.transpose(0, 1),
    expand: (x) => x.expand([2, ...x.shape]),
    concat: (x) => x.concat([x], 1),
    take: (x) => x.take(Int32Array.of(0, -1)),
    putAdd: (x) => x.putAdd(new Int32Array(x.data.length), 1),
    constant: (x) => x.constant((data) => Float64Array.from(data, (value) => value / 3)),
  };
  const arrays = shapes({ minDims: 2, maxDims: 2 }).chain((shape) => arrayOf(shape, positive));
  const roundsOnce =
    (op: (x: NdArray) => NdArray) =>
    (x: NdArray): void => {
      const narrow = op(x.to("float32"));
      const wide = op(x.to("float32").to("float64"));
      expectClose(narrow.dtype, narrow.to("float64"), wide.to("float32").to("float64"), 0);
      expect([narrow.dtype, wide.dtype]).toEqual(["float32", "float64"]);
    };

  test.each(Object.keys(once))("%s of float32 is that of float64, rounded once", (name) => {
    holds(arrays, roundsOnce(given(once[name])));
  });

  test("an op that rounds twice would be found", () => {
    breaks(
      arrays,
      roundsOnce((x) => x.div(3).mul(3.1)),
      /float32: expected/,
    );
  });

  test("matmul answers the dtype of its operands", () => {
    const x = float32([1, 2, 3, 4], [2, 2]);
    expect([x.matmul(x).dtype, x.to("float64").matmul(x.to("float64")).dtype]).toEqual(["float32", "float64"]);
  });

  test.each<readonly [string, (x: NdArray, y: NdArray) => NdArray]>([
    ["add", (x, y) => x.add(y)],
    ["sub", (x, y) => x.sub(y)],
    ["mul", (x, y) => x.mul(y)],
    ["div", (x, y) => x.div(y)],
    ["matmul", (x, y) => x.matmul(y)],
    ["concat", (x, y) => x.concat([y], 0)],
  ])("%s of two dtypes is refused", (name, op) => {
    expect(() => op(float32([1]), float64([1]))).toThrow(
      new TypeError(
        `${name}: expected both operands in one dtype, got float32 and float64: convert one with .to(dtype)`,
      ),
    );
  });
});

describe("division", () => {
  test("mean and div(number) divide: a product with 1/n would round twice", () => {
    for (const n of [3, 7, 10, 49]) {
      const x = float64(Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0)));
      expect(x.mean().data[0]).toBe(1 / n);
      expect(float64([n * 0.1]).div(n).data[0]).toBe((n * 0.1) / n);
    }
    const [wrong] = float64([5]).mul(1 / 49).data;
    expect(wrong).not.toBe(5 / 49); // the mistake that this test is about is visible
    expect(float64([5]).div(49).data[0]).toBe(5 / 49);
  });
});

describe("center", () => {
  /** x − mean(x) over all values, in integers: exact. */
  function exactCenter(x: NdArray): number[] {
    const all = Array.from(x.data, fixed);
    return all.map((value) => toNumber((value * BigInt(all.length) - sum(all)) / BigInt(all.length)));
  }
  const expectExact =
    (center: (x: NdArray) => NdArray) =>
    (x: NdArray): void => {
      expectClose("center", center(x).div(scaleOf(x)), float64(exactCenter(x)).div(scaleOf(x)), 1e-15);
    };
  const scaleOf = (x: NdArray): number => Math.max(...exactCenter(x).map(Math.abs));
  /** Values of a spread of about 3 around a mean. */
  const around = (mean: number): fc.Arbitrary<NdArray> =>
    fc.integer({ min: 2, max: 12 }).chain((n) =>
      arrayOf(
        [n],
        values().map((value) => mean + value),
      ),
    );

  test.each([0, 1e4, 1e8, -1e8])("at a mean of %d it is exact to 1e-15 of the largest deviation", (mean) => {
    holds(
      around(mean).filter((x) => scaleOf(x) > 0.01),
      expectExact((x) => x.center([0])),
      200,
    );
  });

  test("centring once, or with the mean of the values as they are, would be found at 1e8", () => {
    const once = (x: NdArray): NdArray => x.sub(x.mean());
    breaks(
      around(1e8).filter((x) => scaleOf(x) > 0.01),
      expectExact(once),
      /center: expected/,
    );
  });

  const isZero =
    (center: (x: NdArray) => NdArray) =>
    (x: NdArray): void => {
      if (center(x).data.some((value) => value !== 0)) throw new Error(`center: ${String(center(x).data)}`);
    };
  const constants = fc
    .tuple(
      fc.constantFrom(2, 3, 7, 10, 48, 100),
      fc.oneof(fc.constant(0.1), fc.double({ min: -1e9, max: 1e9, noNaN: true })),
    )
    .map(([n, value]) => NdArray.full([n], value, "float64"));

  test("a constant group becomes exactly 0, for every constant and any number of values", () => {
    holds(
      constants,
      isZero((x) => x.center([0])),
      500,
    );
    for (const n of [3, 7, 10]) isZero((x) => x.center([0]))(NdArray.full([n], 0.1, "float64"));
  });

  test("a mean that is an ulp off would be found in constant groups", () => {
    breaks(
      constants,
      isZero((x) => x.sub(x.mean())),
      /center: /,
      500,
    );
  });

  test("over any dims it is the deviation from the group's mean, twice as once", () => {
    const draws = shapes({ minDims: 0, maxDims: 3 }).chain((shape) => fc.tuple(arrayOf(shape), dimsOf(shape.length)));
    holds(draws, ([x, dims = []]) => {
      const over = dims.map((dim) => (dim < 0 ? dim + x.ndim : dim));
      const expected = groupwiseLoop(x, over, (v, group) => v - group.reduce((a, b) => a + b, 0) / group.length);
      expectClose("center", x.center(dims), expected, 1e-14);
      expectClose("center twice", x.center(dims).center(dims), expected, 1e-14);
    });
  });

  test("an outlier in the first place costs no accuracy", () => {
    expectExact((x) => x.center([0]))(float64([1e16, 1, 2, 3]));
  });
});

describe("reductions", () => {
  const draws = fc
    .array(fc.nat(3), { maxLength: 4 })
    .chain((shape) =>
      fc.tuple(arrayOf(shape), dimsOf(shape.length), fc.boolean(), fc.constantFrom<Dtype>("float32", "float64")),
    );
  type Draw = readonly [NdArray, readonly number[] | undefined, boolean, Dtype];
  const isLoops =
    (
      op: (x: NdArray, dims: readonly number[] | undefined, keepdim: boolean) => NdArray,
      loop: (group: readonly number[]) => number,
    ) =>
    ([array, dims, keepdim, dtype]: Draw): void => {
      const x = array.to(dtype);
      const over = dims?.map((dim) => (dim < 0 ? dim + x.ndim : dim)) ?? x.shape.map((_, dim) => dim);
      const answer = op(x, dims, keepdim);
      const expected = reduceLoop(x, over, keepdim, loop);
      expect(answer.dtype).toBe(dtype);
      expect(answer.shape).toEqual(expected.shape);
      answer.data.forEach((value, i) => {
        const wanted = given(expected.data[i]);
        const close = Number.isNaN(wanted)
          ? Number.isNaN(value)
          : Math.abs(value - wanted) <= (dtype === "float32" ? 1e-5 : 1e-13);
        if (!close) throw new Error(`reduction: expected ${wanted}, got ${value}`);
      });
    };
  const total = (group: readonly number[]): number => group.reduce((a, b) => a + b, 0);

  test("sum and mean over any dims, or none, with sizes 0 too, are those of loops", () => {
    holds(
      draws,
      isLoops((x, dims, keepdim) => x.sum(dims, keepdim), total),
      300,
    );
    holds(
      draws,
      isLoops(
        (x, dims, keepdim) => x.mean(dims, keepdim),
        (group) => total(group) / group.length,
      ),
      300,
    );
  });

  test("a mean over one value too few would be found", () => {
    breaks(
      draws,
      isLoops(
        (x, dims, keepdim) => x.mean(dims, keepdim),
        (group) => total(group) / (group.length - 1),
      ),
      /reduction/,
    );
  });
});

describe("errors", () => {
  const x = float64([1, 2, 3, 4, 5, 6], [2, 3]);
  const refused: readonly (readonly [call: () => unknown, message: string])[] = [
    [() => x.add(float64([1, 2])), "add: expected shapes that broadcast together, got [2, 3] and [2]"],
    [
      () => x.matmul(float64([1, 2, 3, 4, 5, 6], [2, 3, 1]).expand([4, 2, 3, 1]).matmul(x)),
      "matmul: expected shapes [*, m, k] and [*, k, n], got [4, 2, 3, 1] and [2, 3]",
    ],
    [
      () =>
        x
          .reshape([2, 3, 1])
          .expand([2, 3, 3])
          .matmul(x.reshape([3, 2]).expand([4, 3, 2])),
      "matmul: expected shapes that broadcast together, got [2] and [4]",
    ],
    [() => x.sum([2]), "sum: expected a dim in [-2, 2), got 2"],
    [() => x.mean([0, 0]), "mean: expected each dim once, got dims [0, 0]"],
    [() => x.center([-3]), "center: expected a dim in [-2, 2), got -3"],
    [() => x.reshape([4]), "reshape: expected a shape of 6 elements, got [4]"],
    [() => x.permute([0]), "permute: expected each of 2 dims once, got [0]"],
    [() => x.permute([0, -2]), "permute: expected each of 2 dims once, got [0, -2]"],
    [() => x.permute([0, 2]), "permute: expected a dim in [-2, 2), got 2"],
    [() => x.expand([3]), "expand: expected a shape that [2, 3] broadcasts to, got [3]"],
    [() => x.expand([4, 3]), "expand: expected shapes that broadcast together, got [2, 3] and [4, 3]"],
    [() => x.concat([float64([1, 2])], 0), "concat: expected shapes that agree but along dim 0, got [2, 3] and [2]"],
    [
      () => x.concat([x.transpose(0, 1)], 1),
      "concat: expected shapes that agree but along dim 1, got [2, 3] and [3, 2]",
    ],
    [() => x.sum().concat([], 0), "concat: expected a dim in [0, 0), got 0"],
    [() => x.take(Int32Array.of(0, 6)), "take: expected indices in [-1, 6), got 6"],
    [() => x.take(Int32Array.of(-2)), "take: expected indices in [-1, 6), got -2"],
    [() => x.putAdd(Int32Array.of(0), 1), "putAdd: expected one index a value (6), got 1"],
    [() => float64([1]).putAdd(Int32Array.of(1), 1), "putAdd: expected indices in [-1, 1), got 1"],
    [() => float64([1]).putAdd(Int32Array.of(-2), 1), "putAdd: expected indices in [-1, 1), got -2"],
  ];
  test.each(refused.map(([call, message]) => ({ call, message })))("$message", ({ call, message }) => {
    expect(call).toThrow(new RangeError(message));
  });

  test("take with a function gets the values", () => {
    expect([...tensor([3, 9, 4]).value.take((data) => Int32Array.of(Array.from(data).indexOf(9))).data]).toEqual([9]);
  });
});
