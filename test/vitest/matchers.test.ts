import { describe, expect, test } from "vitest";
import { customOp, NdArray, randn, tensor } from "../../src/autograd/index.ts";
import type { Tensor } from "../../src/autograd/index.ts";
import { matchers, register } from "../../src/vitest/index.ts";

expect.extend(matchers);

/** The message of a failing expectation. */
function messageOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("expected a failure, got none");
}

const x = tensor(
  [
    [1, 2, 3],
    [4, 5, 6],
  ],
  { requiresGrad: true },
);

describe("toPassGradcheck", () => {
  const square = (a: Tensor): Tensor => a.square();
  /** The gradient of the identity. */
  const wrong = customOp(
    (value) => value.map((v) => v * v),
    (gradOutput) => [gradOutput],
  );

  test("passes where gradcheck does, with its options", () => {
    expect(square).toPassGradcheck([x]);
    expect(square).toPassGradcheck([x], { fastMode: true, eps: 1e-5 });
    expect(wrong).not.toPassGradcheck([x]);
    expect(wrong).toPassGradcheck([x], { atol: 100 });
  });

  test("fails with gradcheck's own words", () => {
    expect(messageOf(() => expect(wrong).toPassGradcheck([x]))).toMatch(
      /^toPassGradcheck: gradcheck: backward is wrong at input 0\[0, 0\], output\[0, 0\]: analytic 1, numeric 2/,
    );
  });

  test("tells with .not what was right", () => {
    expect(messageOf(() => expect(square).not.toPassGradcheck([x, tensor([1])]))).toBe(
      "toPassGradcheck: expected a wrong gradient, got none: those of input 0 [2, 3] are within 1e-5 + 1e-3·|numeric|",
    );
  });

  test("a wrong call is no failed check: it throws with .not as well", () => {
    const single = randn([2], { dtype: "float32", requiresGrad: true });
    expect(() => expect(square).not.toPassGradcheck([single])).toThrow(TypeError);
    expect(() => expect(3).not.toPassGradcheck([x])).toThrow("toPassGradcheck: expected expect(a function), got 3");
  });
});

describe("toBeCloseToTensor", () => {
  test("refuses an option that it does not know", () => {
    const options = { ulp: 3 };
    const check = () => Reflect.apply(expect(x).toBeCloseToTensor, expect(x), [x, options]);
    expect(check).toThrow(TypeError);
    expect(check).toThrow("toBeCloseToTensor: expected options out of ulps, scale, equalNan, got ulp");
  });

  test("compares every way in which numbers are written", () => {
    const nested = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const array = new NdArray(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    for (const actual of [x, array, nested]) {
      for (const expected of [x, array, nested]) expect(actual).toBeCloseToTensor(expected);
    }
    expect(Float32Array.of(0.1, 0.2)).toBeCloseToTensor([0.1, 0.2], { ulps: 0 });
    expect(Int32Array.of(1, 2)).toBeCloseToTensor(tensor([1, 2]));
    expect(tensor(2)).toBeCloseToTensor(2);
    expect([]).toBeCloseToTensor(new Float64Array(0));
    expect({ weight: tensor([1, 2]) }).toEqual({ weight: expect.toBeCloseToTensor([1, 2]) });
    expect({ weight: tensor([1, 2]) }).not.toEqual({ weight: expect.toBeCloseToTensor([1, 3]) });
  });

  test.each([
    [1, 1 + 2 ** -50, 4],
    [1, 1 - 2 ** -53, 1],
    [0, -0, 0],
    [5e-324, -5e-324, 2],
    [2, 2 + 2 ** -48, 8],
    [Infinity, Number.MAX_VALUE, Infinity],
  ])("%d and %d are %d ulps apart", (a, b, ulps) => {
    if (ulps < Infinity) expect(a).toBeCloseToTensor(b, { ulps });
    if (ulps > 0) expect(a).not.toBeCloseToTensor(b, { ulps: Math.min(ulps - 1, 1e18) });
  });

  test("counts the ulps of float32 where one side is float32", () => {
    const one = Float32Array.of(1);
    expect(one).toBeCloseToTensor([1 + 2 ** -23], { ulps: 1 });
    expect(one).not.toBeCloseToTensor([1 + 2 ** -23], { ulps: 0 });
  });

  test("names the worst value, both numbers and both distances", () => {
    const off = [
      [1, 2, 3],
      [4, 5.000000000000001, 6.000000000000004],
    ];
    expect(messageOf(() => expect(off).toBeCloseToTensor(x, { ulps: 1 }))).toBe(
      "toBeCloseToTensor: expected every value within 1 ulp of float64, 1 of 6 are not\n" +
        "  worst at [1, 2]: got 6.000000000000004, expected 6, apart by 5 ulps, by 7.4e-16 of the largest magnitude 6",
    );
    expect(messageOf(() => expect([1, 200]).toBeCloseToTensor([1, 100], { scale: 0.5 }))).toContain(
      "expected every value within 0.5 of the largest magnitude, 1 of 2 are not\n  worst at [1]: got 200, expected 100",
    );
  });

  test("scale is relative to the largest magnitude, not to each value", () => {
    expect([1000, 0.5]).toBeCloseToTensor([1000, 0], { scale: 1e-3 });
    expect([1000, 0.5]).not.toBeCloseToTensor([1000, 0], { scale: 1e-4 });
    expect([Infinity, 1]).not.toBeCloseToTensor([Infinity, 2], { scale: 0.1 }); // an infinity is not the largest magnitude
    expect([1e-30]).not.toBeCloseToTensor([0], { scale: 1 });
  });

  test("says with .not how close it was", () => {
    expect(messageOf(() => expect([1, 2]).not.toBeCloseToTensor([1, 2]))).toBe(
      "toBeCloseToTensor: expected a value that is too far off, got none: all 2 values are within 4 ulps of float64; " +
        "worst at [0]: got 1, expected 1, apart by 0 ulps, by 0 of the largest magnitude 2",
    );
    expect(messageOf(() => expect([]).not.toBeCloseToTensor([]))).toContain("there are no values");
  });

  test("names a shape or a dtype that differs", () => {
    expect(messageOf(() => expect(x).toBeCloseToTensor([1, 2]))).toBe(
      "toBeCloseToTensor: expected shape [2], got shape [2, 3]",
    );
    expect(messageOf(() => expect(Float32Array.of(1)).toBeCloseToTensor(tensor([1])))).toBe(
      "toBeCloseToTensor: expected dtype float64, got float32",
    );
    expect(x).not.toBeCloseToTensor([1, 2]);
  });

  test("NaN equals NaN only with equalNan, and nothing else ever", () => {
    expect([NaN, 1]).not.toBeCloseToTensor([NaN, 1]);
    expect([NaN, 1]).toBeCloseToTensor([NaN, 1], { equalNan: true });
    expect([NaN, 1]).toBeCloseToTensor([NaN, 1], { scale: 0, equalNan: true });
    expect([NaN]).not.toBeCloseToTensor([1], { scale: 1e9, equalNan: true });
    expect(messageOf(() => expect([0, NaN]).toBeCloseToTensor([0, 1]))).toContain(
      "worst at [1]: got NaN, expected 1, apart by Infinity ulps",
    );
  });

  test("what cannot be compared is a wrong call, with .not as well", () => {
    const call =
      (actual: unknown, tolerance: object = {}) =>
      (): void =>
        expect(actual).not.toBeCloseToTensor([1], tolerance);
    expect(call("a")).toThrow('expected the actual value as a tensor or an array of numbers, got "a"');
    expect(call([["a"]])).toThrow(
      "toBeCloseToTensor: the actual value is no tensor; TypeError: tensor: expected a number",
    );
    expect(call([1], { ulps: 1, scale: 1 })).toThrow("expected ulps or scale, got ulps 1 and scale 1");
    expect(call([1], { ulps: -1 })).toThrow("expected ulps of at least 0, got -1");
    expect(call([1], { scale: NaN })).toThrow("expected scale of at least 0, got NaN");
  });
});

describe("register", () => {
  test("hands the matchers to an expect", () => {
    const given: object[] = [];
    register({ extend: (more) => given.push(more) });
    register(expect);
    expect(given).toEqual([matchers]);
  });
});
