import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  arange,
  concat,
  full,
  Generator,
  getDefaultDtype,
  ones,
  Parameter,
  rand,
  randn,
  setDefaultDtype,
  sizeOf,
  stack,
  Tensor,
  tensor,
  zeros,
} from "../../src/autograd/index.ts";
import type { NestedArray } from "../../src/autograd/index.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { breaks } from "../helpers/planted.ts";

const anyShape = fc.array(fc.nat(3), { maxLength: 4 });

afterEach(() => setDefaultDtype("float64"));

describe("tensor", () => {
  const nested = shapes({ minDims: 0 })
    .chain(arrayOf)
    .map((array) => new Tensor(array));
  const undoesToArray =
    (make: (data: NestedArray) => Tensor) =>
    (x: Tensor): void => {
      const again = make(x.toArray());
      if (String(again.shape) !== String(x.shape)) throw new Error(`tensor: shape ${String(again.shape)}`);
      if (String(again.data) !== String(x.data)) throw new Error(`tensor: values ${String(again.data)}`);
    };

  test("of nested arrays is what toArray answers, and the other way round", () => {
    holds(nested, undoesToArray(tensor));
  });

  test("columns taken for rows would be found", () => {
    breaks(
      nested,
      undoesToArray((data) => {
        const x = tensor(data);
        return x.ndim < 2 ? x : x.transpose(0, 1);
      }),
      /tensor: /,
    );
  });

  test("a typed array decides the dtype, the default dtype everything else", () => {
    const dtypes = (): string[] =>
      [new Float32Array(2), new Float64Array(2), new Int32Array(2), new Uint8Array(2), [0, 0]].map(
        (data) => tensor(data).dtype,
      );
    expect(dtypes()).toEqual(["float32", "float64", "float64", "float64", "float64"]);
    setDefaultDtype("float32");
    expect(getDefaultDtype()).toBe("float32");
    expect(dtypes()).toEqual(["float32", "float64", "float32", "float32", "float32"]);
    expect(tensor(new Float32Array(2), { dtype: "float64" }).dtype).toBe("float64");
  });

  test("takes four kinds of typed arrays, and refuses the others by name", () => {
    for (const data of [
      new Int8Array(2),
      new Uint8ClampedArray(2),
      new Float64Array(2).buffer,
      new BigUint64Array(2),
    ]) {
      expect(() => Reflect.apply(tensor, null, [data])).toThrow(/^tensor: expected .*, got an? \w+/);
    }
    expect(Reflect.apply(tensor, null, [Buffer.from([1, 2])]).toArray()).toEqual([1, 2]); // Node's: a Uint8Array
  });

  test("values are copied, so that the source may be reused", () => {
    const source = Float64Array.of(1, 2);
    const shape = [1, 2];
    const x = tensor(source, { shape });
    source[0] = 9;
    shape[0] = 9;
    expect([x.toArray(), x.shape]).toEqual([[[1, 2]], [1, 2]]);
  });

  test("empty arrays have shapes too", () => {
    expect([[], [[], []], [[[]]]].map((data) => tensor(data).shape)).toEqual([[0], [2, 0], [1, 1, 0]]);
    expect(zeros([2, 0, 3]).toArray()).toEqual([[], []]);
    expect(tensor([], { shape: [3, 0] }).shape).toEqual([3, 0]);
  });

  test("requiresGrad makes a leaf", () => {
    expect([tensor(1).requiresGrad, tensor(1, { requiresGrad: true }).requiresGrad]).toEqual([false, true]);
    expect(tensor(1, { requiresGrad: true }).record).toBeNull();
  });

  const refused: readonly (readonly [call: () => unknown, message: string])[] = [
    [() => tensor([[1, 2], [3]]), "tensor: expected 2 entries in every array at depth 1, got [3]"],
    [() => tensor([[1, 2], 3]), "tensor: expected 2 entries in every array at depth 1, got 3"],
    [() => tensor([[], [1]]), "tensor: expected 0 entries in every array at depth 1, got [1]"],
    [() => tensor([1, 2, 3], { shape: [2, 2] }), "tensor: expected 4 values for shape [2, 2], got 3"],
    [() => tensor([1, 2], { shape: [-1] }), "tensor: expected a shape of whole numbers, got [-1]"],
    [() => tensor([1, 2], { shape: [0.5, 4] }), "tensor: expected a shape of whole numbers, got [0.5, 4]"],
  ];
  test.each(refused.map(([call, message]) => ({ call, message })))("$message", ({ call, message }) => {
    expect(call).toThrow(new RangeError(message));
  });

  test("a number where others are arrays is refused, and an array where others are numbers", () => {
    expect(() => tensor([1, [2]])).toThrow(new TypeError("tensor: expected a number at depth 1, got [2]"));
  });
});

describe("full, zeros, ones", () => {
  test("repeat a value in any shape, of either dtype", () => {
    holds(fc.tuple(anyShape, fc.constantFrom("float32" as const, "float64" as const)), ([shape, dtype]) => {
      for (const [x, value] of [
        [full(shape, 0.5, { dtype }), 0.5],
        [zeros(shape, { dtype }), 0],
        [ones(shape, { dtype }), 1],
      ] as const) {
        expect([x.shape, x.dtype, x.numel]).toEqual([shape, dtype, sizeOf(shape)]);
        expect(x.data.every((entry) => entry === value)).toBe(true);
      }
    });
  });

  test("take the default dtype, and may be leaves", () => {
    setDefaultDtype("float32");
    expect([full([], 1), zeros([1]), ones([1])].map((x) => x.dtype)).toEqual(["float32", "float32", "float32"]);
    expect(ones([1], { requiresGrad: true }).requiresGrad).toBe(true);
  });

  test("name themselves when a shape is refused", () => {
    expect(() => zeros([-1])).toThrow(new RangeError("zeros: expected a shape of whole numbers, got [-1]"));
    expect(() => ones([NaN])).toThrow(new RangeError("ones: expected a shape of whole numbers, got [NaN]"));
    expect(() => full([0.5], 1)).toThrow(new RangeError("full: expected a shape of whole numbers, got [0.5]"));
    expect(() => rand([2, -2])).toThrow(new RangeError("rand: expected a shape of whole numbers, got [2, -2]"));
    expect(() => randn([1.5])).toThrow(new RangeError("randn: expected a shape of whole numbers, got [1.5]"));
  });
});

describe("arange", () => {
  test("has ⌈(end − start)/step⌉ values, each start + i · step", () => {
    const eighths = fc.integer({ min: -40, max: 40 }).map((k) => k / 8);
    holds(
      fc.tuple(
        eighths,
        eighths,
        fc.integer({ min: 1, max: 16 }).map((k) => k / 8),
      ),
      ([a, b, size]) => {
        const step = b >= a ? size : -size;
        const values = [...arange(a, b, step).data];
        expect(values).toEqual(Array.from(values, (_, i) => a + i * step));
        // The last value is before the end, one more would not be.
        expect(values.every((value) => (b - value) / step > 0)).toBe(true);
        expect((b - (a + values.length * step)) / step).toBeLessThanOrEqual(0);
      },
    );
  });

  test("with one argument counts from 0", () => {
    expect(arange(3).toArray()).toEqual([0, 1, 2]);
    expect(arange(2.5).toArray()).toEqual([0, 1, 2]);
    expect(arange(0).toArray()).toEqual([]);
    expect(arange(5, 2, -2).toArray()).toEqual([5, 3]);
    expect(arange(3, undefined, 2, { dtype: "float32" }).dtype).toBe("float32");
    setDefaultDtype("float32");
    expect(arange(2).dtype).toBe("float32");
  });

  test.each([
    [0, 3, 0],
    [0, 3, -1],
    [3, 0, 1],
    [0, -0.5, 1],
    [0, Infinity, 1],
    [0, NaN, 1],
  ])("from %d to %d no step of %d leads", (start, end, step) => {
    expect(() => arange(start, end, step)).toThrow(
      new RangeError(`arange: expected a step that leads from ${start} to ${end}, got ${step}`),
    );
  });
});

describe("rand and randn", () => {
  test("draw from the generator, in row-major order", () => {
    const generator = new Generator(5);
    const first = [generator.uniform(), generator.uniform()];
    expect(rand([2, 1], { generator: new Generator(5) }).toArray()).toEqual(first.map((value) => [value]));
    const normal = new Generator(5).normal();
    expect(randn([], { generator: new Generator(5) }).item()).toBe(normal);
  });

  test("may be leaves and of either dtype", () => {
    expect([rand([1]).requiresGrad, randn([1]).requiresGrad]).toEqual([false, false]);
    const x = randn([3], { generator: new Generator(1), dtype: "float32", requiresGrad: true });
    expect([x.dtype, x.requiresGrad]).toEqual(["float32", true]);
    expect(x.data).toEqual(Float32Array.from(randn([3], { generator: new Generator(1) }).data));
    setDefaultDtype("float32");
    expect([rand([1]).dtype, randn([1]).dtype]).toEqual(["float32", "float32"]);
  });

  test("rand stays below 1 in float32 too, where the largest double below 1 would round to it", () => {
    class Largest extends Generator {
      override uniform(): number {
        return 1 - 2 ** -53;
      }
    }
    const generator = new Largest(0);
    expect(rand([1], { generator }).item()).toBe(1 - 2 ** -53);
    expect(rand([1], { generator, dtype: "float32" }).item()).toBe(1 - 2 ** -24);
    setDefaultDtype("float32");
    expect(rand([1], { generator }).item()).toBe(1 - 2 ** -24);
  });
});

describe("concat and stack", () => {
  test("are the methods, for a list", () => {
    const [a, b] = [tensor([[1, 2]]), tensor([[3, 4]])];
    expect(concat([a, b]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(concat([a, b], -1).toArray()).toEqual([[1, 2, 3, 4]]);
    expect(stack([a, b]).shape).toEqual([2, 1, 2]);
    expect(stack([a, b], -1).toArray()).toEqual([
      [
        [1, 3],
        [2, 4],
      ],
    ]);
    expect(stack([tensor(1), tensor(2)]).toArray()).toEqual([1, 2]);
    expect(concat([a]).toArray()).toEqual([[1, 2]]);
  });

  test("of no tensors have no shape", () => {
    expect(() => concat([])).toThrow(new RangeError("concat: expected at least one tensor, got none"));
    expect(() => stack([])).toThrow(new RangeError("stack: expected at least one tensor, got none"));
  });

  test("pass gradients to every tensor", () => {
    const leaves = [new Parameter(tensor([1])), new Parameter(tensor([2]))];
    concat(leaves)
      .mul(stack(leaves).reshape([2]))
      .sum()
      .backward();
    expect(leaves.map((leaf) => given(leaf.grad).toArray())).toEqual([[2], [4]]);
  });
});

describe("setDefaultDtype", () => {
  test("refuses what is no dtype", () => {
    // A caller in JavaScript may pass anything.
    expect(() => setDefaultDtype(JSON.parse('"float16"'))).toThrow(
      new TypeError('setDefaultDtype: expected dtype "float32" or "float64", got float16'),
    );
    expect(getDefaultDtype()).toBe("float64");
  });
});
