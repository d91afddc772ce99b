import { describe, expect, test } from "vitest";
import { NdArray } from "../../src/autograd/index.ts";
import type { Index, Num } from "../../src/autograd/index.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { FieldArray } from "../../src/gradcheck/fieldArray.ts";
import { real } from "../../src/gradcheck/real.ts";
import { tracked } from "../../src/gradcheck/tracked.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import { ops } from "../helpers/opCases.ts";
import type { OpCase } from "../helpers/opDraws.ts";
import { breaks } from "../helpers/planted.ts";
import { expectSameAsNdArray, FEW_ULP, make } from "./sameAsNdArray.ts";
import type { Make } from "./sameAsNdArray.ts";
import { dyadic, exactly, minus, ratio, times } from "./dyadic.ts";

function overEveryField(check: <S>(of: (array: NdArray) => FieldArray<S>) => void): void {
  check((array) => FieldArray.from(real, array));
  check((array) => FieldArray.from(doubleDouble, array));
  check((array) => FieldArray.from(tracked, array));
}

const x = new NdArray(Float64Array.of(1, -2, 3, 4, 5, -6), [2, 3]);
const column = new NdArray(Float64Array.of(10, 20), [2, 1]);

describe("FieldArray", () => {
  test.each(Object.keys(ops))("%s over ordinary doubles is NdArray's, and so is its pullback", (name) => {
    holds(given(ops[name]), (drawn) => expectSameAsNdArray(name, drawn), 40);
  });

  test("keeps every double", () => {
    const values = Float64Array.of(0, 1e-320, 0.1, -7e300, 2 ** -1074);
    overEveryField((of) => {
      const array = of(new NdArray(values, [5]));
      expect(array.toNdArray().data).toEqual(values);
      expect(array.detach()).toBe(array);
    });
  });

  test("reads float32 arrays exactly, and answers float64", () => {
    const array = FieldArray.from(real, new NdArray(Float32Array.of(0.1, 2), [2])).toNdArray();
    expect(array.dtype).toBe("float64");
    expect([...array.data]).toEqual([Math.fround(0.1), 2]);
  });

  test("shows its values, rounded, to what chooses or makes constants by value", () => {
    const array = FieldArray.from(doubleDouble, x).div(3);
    const thirds = Float64Array.from(x.data, (value) => value / 3);
    const seen: unknown[] = [];
    array.take((values) => (seen.push(values), Int32Array.of(0)));
    array.constant((values) => (seen.push(values), values));
    expect(seen).toEqual([thirds, thirds]);
    expect(array.constant(() => [7, 8], [2]).toNdArray()).toEqual(new NdArray(Float64Array.of(7, 8), [2]));
    // A constant is made from doubles: what is below them is gone.
    expect(array.constant((values) => values).data.every(({ lo }) => lo === 0)).toBe(true);
  });

  test("sums of nothing are zero, means of nothing not a number, as for NdArray", () => {
    const empty = new NdArray(new Float64Array(), [2, 0]);
    overEveryField((of) => {
      const array = of(empty);
      expect(array.sum([1]).toNdArray()).toEqual(empty.sum([1]));
      expect(array.mean([1]).toNdArray()).toEqual(empty.mean([1]));
      expect(array.center([1]).shape).toEqual([2, 0]);
      expect(array.concat([array], 0).shape).toEqual([4, 0]);
    });
  });

  test.each([3, 7, 10])("means and quotients by %i are true divisions", (n) => {
    const one = new NdArray(
      Float64Array.from({ length: n }, (_, i) => Number(i === 0)),
      [1, n],
    );
    const array = FieldArray.from(doubleDouble, one);
    const means = [
      array.mean([1]),
      array.mean(),
      array.sum([1]).div(n),
      array.sum().div(FieldArray.from(doubleDouble, new NdArray(Float64Array.of(n), []))),
    ];
    for (const mean of means) {
      // n · mean − 1, exactly; a product with the double 1/n would be off by up to 2⁵³ u².
      const rest = minus(times(exactly(given(mean.data[0])), dyadic(n)), dyadic(1));
      expect(ratio(rest, dyadic(1), 106)).toBeLessThanOrEqual(15);
    }
    const byProduct = exactly(doubleDouble.mul(doubleDouble.of(1), doubleDouble.of(1 / n)));
    expect(ratio(minus(times(byProduct, dyadic(n)), dyadic(1)), dyadic(1), 106)).toBeGreaterThan(1e12);

    holds(arrayOf([2, n]), (values) => {
      const sum = values.sum([1]).data;
      const quotients = Float64Array.from(sum, (total) => total / n);
      expect(values.mean([1]).data).toEqual(quotients);
      expect(FieldArray.from(real, values).mean([1]).toNdArray().data).toEqual(quotients);
      expect(FieldArray.from(tracked, values).mean([1]).toNdArray().data).toEqual(quotients);
    });
  });

  test("centres twice: at 1e8 as exactly as at 0, and a constant group to zeros", () => {
    holds(arrayOf([2, 7]), (values) => {
      const x = values.add(1e8);
      const exact = FieldArray.from(doubleDouble, x).center([1]).toNdArray();
      expectClose("real", FieldArray.from(real, x).center([1]).toNdArray(), exact, FEW_ULP);
      expectClose("tracked", FieldArray.from(tracked, x).center([1]).toNdArray(), exact, FEW_ULP);
      expectClose("NdArray", x.center([1]), exact, FEW_ULP);
    });
    overEveryField((of) => {
      const centered = of(NdArray.full([3], 7.3, "float64"))
        .center([0])
        .toNdArray();
      expect([...centered.data]).toEqual([0, 0, 0]);
    });
  });

  test("remembers where numbers lie for more shapes than it has room for", () => {
    for (const round of [1, 2]) {
      for (let n = 1; n <= 600; n++) {
        const array = FieldArray.from(real, NdArray.full([n], round, "float64"));
        expect(array.sum().data).toEqual([n * round]);
      }
    }
  });

  const calls: readonly (readonly [string, <A extends Num<A>>(a: A, b: A) => unknown])[] = [
    ["shapes that do not broadcast", (a, b) => a.add(b.reshape([2]))],
    ["an expansion that shrinks", (a) => a.expand([3])],
    ["an expansion of another size", (a) => a.expand([4, 3])],
    ["a shape of another size", (a) => a.reshape([4])],
    ["two unknown sizes", (a) => a.reshape([-1, -1])],
    ["a dim outside", (a) => a.sum([2])],
    ["a repeated dim", (a) => a.mean([1, -1])],
    ["a centring over a dim outside", (a) => a.center([-3])],
    ["a permutation of too few dims", (a) => a.permute([0])],
    ["a permutation that repeats", (a) => a.permute([0, 0])],
    ["arrays that cannot be joined", (a, b) => a.concat([b], 0)],
    ["an index outside", (a) => a.take(Int32Array.of(0, 6))],
    ["an index below −1", (a) => a.take(() => Int32Array.of(-2))],
    ["an index to put outside", (a) => a.putAdd(new Int32Array(6).fill(4), 4)],
    ["too few indices to put", (a) => a.putAdd(new Int32Array(5), 4)],
    ["inner sizes that differ", (a) => a.matmul(a)],
    ["batches that differ", (a) => a.reshape([2, 3, 1]).matmul(a.reshape([3, 1, 2]))],
    ["a maximum of nothing", (a) => a.slice(0, 2).max()],
    ["padding that is no number", (a) => a.pad([1.5, 0])],
  ];

  test.each(calls)("complains as NdArray does: %s", (_, call) => {
    const complaint = (run: () => unknown): unknown => {
      try {
        run();
      } catch (error) {
        return error;
      }
      return "no complaint";
    };
    const expected = complaint(() => call(x, column));
    expect(expected).toBeInstanceOf(RangeError);
    expect(complaint(() => call(make(x), make(column)))).toEqual(expected);
  });

  test("complains about a number of values that is not that of the shape", () => {
    expect(() => new FieldArray(real, [1, 2], [3])).toThrow(/^FieldArray: expected 3 values for shape \[3\], got 2$/);
    expect(() => make(x).constant(() => [1, 2])).toThrow(/^FieldArray: expected 6 values for shape \[2, 3\], got 2$/);
  });
});

describe("planted errors in FieldArray", () => {
  const over =
    (wrong: Partial<Field<number>>): Make =>
    (array) =>
      FieldArray.from({ ...real, ...wrong }, array);
  const wrongFields: readonly (readonly [string, Partial<Field<number>>])[] = [
    ["add", { add: (a, b) => (a + b) * (1 + 2 ** -52) }],
    ["sub", { sub: (a, b) => b - a }],
    ["mul", { mul: (a, b) => a * b + 1e-15 }],
    ["div", { div: (a, b) => a * (1 / b) }],
    ["pow -0.5", { pow: (a, p) => a ** p * (1 + 2 ** -52) }],
    ["rsqrtOrZero", { rsqrtOrZero: (a) => 1 / a }],
    ["exp", { exp: (a) => Math.expm1(a) + 1 }],
    ["log", { log: (a) => Math.log2(a) * Math.LN2 }],
    ["tanh", { tanh: (a) => 1 - 2 / (Math.exp(2 * a) + 1) }],
    ["erf", { erf: Math.tanh }],
    ["sum", { sum: (terms) => terms.slice(1).reduce((a, b) => a + b, 0) }],
    ["mean", { div: (a, b) => a / (b + 1) }],
    ["center", { center: (group) => group.map((value) => value - given(group[0])) }],
    ["matmul", { sum: (terms) => terms.slice(0, 2).reduce((a, b) => a + b, 0) }],
    ["variance", { center: (group) => group }],
    ["softmax", { exp: (a) => 2 ** a }],
  ];

  test.each(wrongFields)("%s", (name, wrong) => {
    const property = (drawn: OpCase): void => expectSameAsNdArray(name, drawn, over(wrong));
    breaks(given(ops[name]), property, new RegExp(`${name}: expected`), 200);
  });

  /** The first op on it goes wrong. */
  class Misplaced extends FieldArray<number> {
    override take(index: Index): FieldArray<number> {
      const cells = typeof index === "function" ? index(this.toNdArray().data) : index;
      return super.take(cells.map((cell) => Math.max(cell - 1, -1)));
    }

    override putAdd(index: Int32Array, length: number): FieldArray<number> {
      return super.putAdd(index, length + 1).take(Int32Array.from({ length }, (_, i) => i + 1));
    }

    override permute(dims: readonly number[]): FieldArray<number> {
      return super.permute(dims.map((_, i) => i)).reshape(super.permute(dims).shape);
    }

    override expand(shape: readonly number[]): FieldArray<number> {
      return super
        .expand(shape)
        .permute(shape.map((_, i) => i))
        .mul(2);
    }

    override concat(others: readonly FieldArray<number>[], dim: number): FieldArray<number> {
      return super.concat(others.toReversed(), dim);
    }

    override reshape(shape: readonly number[]): FieldArray<number> {
      const { data, shape: inferred } = super.reshape(shape);
      return new Misplaced(real, data, inferred);
    }
  }

  test.each([
    "take",
    "putAdd",
    "permute",
    "transpose",
    "expand",
    "concat",
    "stack",
    "slice",
    "indexSelect",
    "select",
    "pad",
    "max",
    "min",
    "relu",
    "clamp",
  ])("cells that %s moves to wrong places", (name) => {
    const property = (drawn: OpCase): void =>
      expectSameAsNdArray(name, drawn, (array) => new Misplaced(real, [...array.data], array.shape));
    breaks(given(ops[name]), property, new RegExp(`${name}: expected`), 200);
  });
});
