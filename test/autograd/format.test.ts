import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arange, formatNumber, formatValue, tensor, zeros } from "../../src/autograd/index.ts";
import { describeValue, formatArray, formatNames } from "../../src/autograd/format.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";
import { breaks } from "../helpers/planted.ts";

describe("formatNumber", () => {
  const anyNumber = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.integer({ min: -9, max: 9 }).map((power) => 10 ** power),
  );
  const readsBack =
    (format: (value: number) => string) =>
    (value: number): void => {
      // −0 prints as 0: nobody wants to read a negative zero.
      if (!Object.is(Number(format(value)), value + 0)) throw new Error(`formatNumber: ${value} as ${format(value)}`);
    };

  test("reads back to the same number, in no more characters than JavaScript takes", () => {
    holds(anyNumber, readsBack(formatNumber), 500);
    holds(anyNumber, (value) => {
      expect(formatNumber(value).length).toBeLessThanOrEqual(String(value).length);
    });
  });

  test("six digits would not read back", () => {
    breaks(
      anyNumber,
      readsBack((value) => value.toPrecision(6)),
      /formatNumber: /,
    );
  });

  test("is short where it can be, and leaves counts as they are", () => {
    const numbers = [0.1, 1e-5, 0.001, 0.01, 32, 10_000, 999_999, 1e6, 1.5e6, 1e21, 123_456.789, -1e-8, -0];
    expect(numbers.map(formatNumber)).toEqual([
      "0.1",
      "1e-5",
      "1e-3",
      "0.01",
      "32",
      "10000",
      "999999",
      "1e6",
      "1.5e6",
      "1e21",
      "123456.789",
      "-1e-8",
      "0",
    ]);
    expect([NaN, Infinity, -Infinity].map(formatNumber)).toEqual(["NaN", "Infinity", "-Infinity"]);
  });
});

describe("formatValue", () => {
  test("shows what options hold", () => {
    expect(formatValue([3, [1e-5, "mean"]])).toBe("[3, [1e-5, mean]]");
    expect([true, null, undefined, "same"].map(formatValue)).toEqual(["true", "null", "undefined", "same"]);
  });
});

describe("describeValue", () => {
  test("says in a few words what stands where something else was expected", () => {
    class Elephant {
      readonly trunk = 1;
    }
    const values = [
      "3",
      3,
      null,
      undefined,
      [1, "a"],
      Array.from("nine times").slice(1),
      new Float32Array(6),
      {},
      new Elephant(),
      () => 0,
    ];
    expect(values.map(describeValue)).toEqual([
      '"3"',
      "3",
      "null",
      "undefined",
      '[1, "a"]',
      "an Array of 9",
      "a Float32Array of 6",
      "an object",
      "an Elephant",
      "a function",
    ]);
    expect(describeValue(new Map())).toBe("a Map");
    expect(describeValue(Object.create(null))).toBe("an object");
  });
});

describe("formatNames", () => {
  test("lists up to six names, and the first five of more", () => {
    expect(formatNames([])).toBe("");
    expect(formatNames(["a", "b"])).toBe("a, b");
    expect(formatNames([..."abcdef"])).toBe("a, b, c, d, e, f");
    expect(formatNames([..."abcdefg"])).toBe("a, b, c, d, e, and 2 more");
  });
});

describe("formatArray", () => {
  const numbersIn = (text: string): number[] =>
    (text.match(/-?(?:[\d.]+(?:e[+-]\d+)?|Infinity)|NaN/g) ?? []).map(Number);
  const wide = fc.oneof(
    fc.double({ min: -1e4, max: 1e4, noNaN: true }),
    fc.integer({ min: -99, max: 99 }),
    fc.integer({ min: -12, max: 12 }).map((power) => 3 * 10 ** power),
  );
  const draws = shapes({ minDims: 0, maxDims: 4, maxSize: 4 }).chain((shape) => arrayOf(shape, wide));
  type Format = typeof formatArray;

  /** Four decimals, or four digits of mantissa: each number shows at least its first digit, and zero only as zero. */
  const showsValues =
    (format: Format) =>
    ({ data, shape }: { readonly data: Readonly<ArrayLike<number>>; readonly shape: readonly number[] }): void => {
      const shown = numbersIn(format(data, shape, 0));
      if (data.length > 200) return;
      Array.from(data).forEach((value, i) => {
        const error = Math.abs((shown[i] ?? NaN) - value);
        if (!(error <= 0.5e-4 && error <= Math.abs(value) * 0.5) && !(error <= 1e-4 * Math.abs(value))) {
          throw new Error(`formatArray: ${value} is shown as ${shown[i]}`);
        }
      });
      if (shown.length !== data.length) throw new Error(`formatArray: ${data.length} values, ${shown.length} shown`);
    };

  test("shows every value of a small array, in order, and none as zero that is not", () => {
    holds(draws, showsValues(formatArray), 300);
  });

  test("two decimals, and a forgotten value, would be found", () => {
    const coarse: Format = (data, shape) =>
      formatArray(
        Float64Array.from(data, (v) => Number(v.toFixed(2))),
        shape,
        0,
      );
    const short: Format = (data) => formatArray(Array.from(data).slice(1), [data.length - 1], 0);
    breaks(draws, showsValues(coarse), /is shown as/);
    breaks(draws, showsValues(short), /formatArray/);
  });

  /** Where each number of a row ends. */
  const endsOf = (row: string): number[] => Array.from(row.matchAll(/[^\s,[\]]+/g), (m) => m.index + m[0].length);
  const isAligned =
    (format: Format) =>
    ({ data, shape }: { readonly data: Readonly<ArrayLike<number>>; readonly shape: readonly number[] }): void => {
      const rows = format(data, shape, 0)
        .split("\n")
        .filter((row) => row !== "");
      const columns = new Set(rows.map((row) => String(endsOf(row))));
      if (columns.size !== 1) throw new Error(`formatArray: columns end at ${[...columns].join(" and ")}`);
    };
  const small = draws.filter(({ data }) => data.length > 0 && data.length <= 200);

  test("numbers of a column end below each other, in every row of every matrix", () => {
    holds(small, isAligned(formatArray), 300);
  });

  test("numbers that are not padded would be found", () => {
    const ragged: Format = (data, shape, indent) => formatArray(data, shape, indent).replaceAll(/([[,] ?) +/g, "$1");
    breaks(small, isAligned(ragged), /columns end at/);
  });

  test("brackets match, one pair for each row", () => {
    holds(draws, ({ data, shape }) => {
      const text = formatArray(data, shape, 0);
      expect(text.split("[").length).toBe(text.split("]").length);
    });
  });
});

describe("a printed tensor", () => {
  test("without dims is a number", () => {
    expect(String(tensor(3))).toBe("tensor(3, shape [], float64)");
    expect(String(tensor(-2.5))).toBe("tensor(-2.5000, shape [], float64)");
  });

  test("of whole numbers has no decimals", () => {
    expect(String(tensor([1, -20, 300]))).toBe("tensor([  1, -20, 300], shape [3], float64)");
    expect(String(tensor([-0, 0]))).toBe("tensor([0, 0], shape [2], float64)");
  });

  test("shows dtype, leaf and op", () => {
    const x = tensor([0.5], { dtype: "float32", requiresGrad: true });
    expect(String(x)).toBe("tensor([0.5000], shape [1], float32, requiresGrad)");
    expect(String(x.exp())).toBe("tensor([1.6487], shape [1], float32, from exp)");
  });

  test("has rows below each other, and a blank line between matrices", () => {
    expect(String(arange(12).div(4).reshape([2, 2, 3]))).toBe(
      [
        "tensor([[[0.0000, 0.2500, 0.5000],",
        "         [0.7500, 1.0000, 1.2500]],",
        "",
        "        [[1.5000, 1.7500, 2.0000],",
        "         [2.2500, 2.5000, 2.7500]]], shape [2, 2, 3], float64)",
      ].join("\n"),
    );
  });

  test("pads NaN and infinities to the width of the numbers, and the other way round", () => {
    expect(
      String(
        tensor([
          [1, NaN],
          [-Infinity, -2.5],
        ]),
      ),
    ).toBe(["tensor([[   1.0000,       NaN],", "        [-Infinity,   -2.5000]], shape [2, 2], float64)"].join("\n"));
    expect(String(tensor([NaN, Infinity]))).toBe("tensor([     NaN, Infinity], shape [2], float64)");
  });

  test("switches to powers of ten where four decimals would show a value as zero, or be long", () => {
    expect(String(tensor([1e-10, -2.5e-12]))).toBe("tensor([ 1.0000e-10, -2.5000e-12], shape [2], float64)");
    expect(String(tensor([0.5, -1e-5, 0]))).toBe("tensor([ 5.0000e-1, -1.0000e-5,  0.0000e+0], shape [3], float64)");
    expect(String(tensor([1e6, 2]))).toBe("tensor([1.0000e+6, 2.0000e+0], shape [2], float64)");
    expect(String(tensor([1e-4, 999_999.5]))).toBe("tensor([     0.0001, 999999.5000], shape [2], float64)");
  });

  test("of no values shows its empty rows", () => {
    expect(String(zeros([0]))).toBe("tensor([], shape [0], float64)");
    expect(String(zeros([0, 3]))).toBe("tensor([], shape [0, 3], float64)");
    expect(String(zeros([2, 0]))).toBe("tensor([[],\n        []], shape [2, 0], float64)");
  });

  test("breaks a long row after as many numbers as fit into a line", () => {
    const text = String(arange(30).add(0.5));
    expect(text).toBe(
      [
        "tensor([ 0.5000,  1.5000,  2.5000,  3.5000,  4.5000,  5.5000,  6.5000,  7.5000,  8.5000,  9.5000,",
        "        10.5000, 11.5000, 12.5000, 13.5000, 14.5000, 15.5000, 16.5000, 17.5000, 18.5000, 19.5000,",
        "        20.5000, 21.5000, 22.5000, 23.5000, 24.5000, 25.5000, 26.5000, 27.5000, 28.5000, 29.5000], shape [30], float64)",
      ].join("\n"),
    );
  });

  test("of more than 200 values shows three at each end of a dim", () => {
    expect(String(arange(201))).toBe("tensor([  0,   1,   2, …, 198, 199, 200], shape [201], float64)");
    expect(String(arange(400).reshape([20, 20]))).toBe(
      [
        "tensor([[  0,   1,   2, …,  17,  18,  19],",
        "        [ 20,  21,  22, …,  37,  38,  39],",
        "        [ 40,  41,  42, …,  57,  58,  59],",
        "        …,",
        "        [340, 341, 342, …, 357, 358, 359],",
        "        [360, 361, 362, …, 377, 378, 379],",
        "        [380, 381, 382, …, 397, 398, 399]], shape [20, 20], float64)",
      ].join("\n"),
    );
    expect(String(arange(200))).not.toContain("…");
    expect(String(arange(204).reshape([34, 6])).split("\n").length).toBe(7);
    expect(String(arange(204).reshape([34, 6]))).toContain("[  0,   1,   2,   3,   4,   5]");
  });

  test("the format is chosen by the values that are shown", () => {
    const x = arange(300);
    const hidden = x.constant((values) => Float64Array.from(values, (value) => (value === 150 ? 1e-9 : value)));
    expect(String(hidden)).toBe(String(x));
  });

  test("of seven dims does not overflow the stack", () => {
    expect(String(zeros([7, 7, 7, 7, 7, 7, 7])).length).toBeGreaterThan(6 ** 7);
  });
});
