import fc from "fast-check";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  apply,
  concat,
  customOp,
  grad,
  NdArray,
  noGrad,
  Parameter,
  printTape,
  stack,
  tapeOf,
  tensor,
  Tensor,
  zeros,
} from "../../src/autograd/index.ts";
import type { Num, Rule, Traced } from "../../src/autograd/index.ts";
import * as rules from "../../src/autograd/rules.ts";
import { arrayOf, arraysOf, holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";

const leaf = (data: readonly number[]): Tensor => tensor(data, { requiresGrad: true });
const values = (x: Tensor | null): number[] => [...given(x).data];

describe("Tensor", () => {
  test("shows what its array holds", () => {
    holds(
      shapes({ minDims: 0 }).chain((shape) => arrayOf(shape)),
      (array) => {
        const x = new Tensor(array);
        expect([x.value, x.shape, x.dtype, x.numel, x.data]).toEqual([
          array,
          array.shape,
          array.dtype,
          array.data.length,
          array.data,
        ]);
        expect([x.grad, x.record, x.requiresGrad]).toEqual([null, null, false]);
      },
    );
  });

  test("item is the only value", () => {
    expect([tensor(3).item(), tensor([[4]]).item()]).toEqual([3, 4]);
    expect(() => tensor([1, 2]).item()).toThrow(new RangeError("item: expected a tensor of one value, got shape [2]"));
    expect(() => zeros([0]).item()).toThrow(new RangeError("item: expected a tensor of one value, got shape [0]"));
  });

  test("toArray nests as deep as there are dims", () => {
    expect(tensor(7).toArray()).toBe(7);
    expect(tensor(new Float64Array([1, 2, 3, 4]), { shape: [2, 1, 2] }).toArray()).toEqual([[[1, 2]], [[3, 4]]]);
    expect(zeros([2, 0]).toArray()).toEqual([[], []]);
    expect(zeros([0, 2]).toArray()).toEqual([]);
  });

  test("the console shows what String shows", () => {
    expect(inspect(tensor([1, 2]))).toBe("tensor([1, 2], shape [2], float64)");
  });

  test("value of a leaf may be replaced by one of the same shape and dtype", () => {
    const x = leaf([1, 2]);
    x.value = tensor([3, 4]).value;
    expect(values(x)).toEqual([3, 4]);
    expect(() => (x.value = tensor([3]).value)).toThrow(new RangeError("value: expected shape [2], got [1]"));
    expect(() => (x.value = x.value.to("float32"))).toThrow(
      new TypeError("value: expected dtype float64, got float32"),
    );
    const y = x.exp();
    expect(() => (y.value = x.value)).toThrow(
      new TypeError("value: expected a leaf, got the output of exp; detach() it first"),
    );
    expect(values(x)).toEqual([3, 4]);
  });

  test("requiresGrad of a leaf may change, that of an output may not", () => {
    const x = tensor([1]);
    x.requiresGrad = true;
    const y = x.mul(2);
    expect(y.requiresGrad).toBe(true);
    expect(() => (y.requiresGrad = false)).toThrow(
      new TypeError("requiresGrad: expected a leaf, got the output of mul; detach() it first"),
    );
  });

  test("an op needs a gradient exactly if one of its inputs does", () => {
    const [x, c] = [leaf([1]), tensor([2])];
    const outputs = [x.add(c), c.add(x), c.add(c), x.detach().mul(3), x.constant((v) => v), noGrad(() => x.mul(2))];
    expect(outputs.map((y) => y.requiresGrad)).toEqual([true, true, false, false, false, false]);
    expect(outputs.map((y) => y.record !== null)).toEqual([true, true, false, false, false, false]);
  });

  test.each<readonly [string, (x: Tensor) => Tensor]>([
    ["sub", (x) => x.sub(x)],
    ["sub", (x) => x.sub(2)],
    ["neg", (x) => x.neg()],
    ["square", (x) => x.square()],
    ["sqrt", (x) => x.sqrt()],
    ["rsqrt", (x) => x.rsqrt()],
    ["rsqrtOrZero", (x) => x.rsqrtOrZero()],
    ["sigmoid", (x) => x.sigmoid()],
    ["relu", (x) => x.relu()],
    ["gelu", (x) => x.gelu()],
    ["abs", (x) => x.abs()],
    ["clamp", (x) => x.clamp(0, 1)],
    ["variance", (x) => x.variance()],
    ["center", (x) => x.center([0])],
    ["max", (x) => x.max()],
    ["softmax", (x) => x.softmax(0)],
    ["logSoftmax", (x) => x.logSoftmax(0)],
    ["take", (x) => x.take(Int32Array.of(0))],
    ["putAdd", (x) => x.putAdd(Int32Array.of(0, 0), 1)],
    ["slice", (x) => x.slice(0, 1)],
    ["indexSelect", (x) => x.indexSelect(0, [1, 1])],
    ["pad", (x) => x.pad([1, 1])],
    ["to", (x) => x.to("float32")],
  ])("%s is one record of the tape", (name, op) => {
    expect(tapeOf(op(leaf([0.5, 0.25]))).map((record) => record.name)).toEqual([name]);
  });

  test("an op that changes nothing writes nothing", () => {
    const x = leaf([1, 2]);
    expect(x.reshape([-1])).toBe(x);
    expect(x.expand([2])).toBe(x);
    expect(x.to("float64")).toBe(x);
    expect(x.sumTo([2])).toBe(x);
  });

  test("an index may be reused by its owner: forward, backward and second derivative keep their own", () => {
    const index = Int32Array.of(1, 0);
    const x = leaf([2, 3]);
    const outputs = [x.take(index), x.putAdd(index, 2), x.take(() => index)].map((y) => y.square());
    index.fill(0);
    for (const y of outputs) {
      const [first] = grad(y, [x], { gradOutput: tensor([1, 10]), createGraph: true });
      expect(values(given(first))).toEqual([40, 6]);
      expect(values(given(grad(given(first).sum(), [x])[0]))).toEqual([20, 2]);
    }
  });
});

describe("an array that the caller reuses after the forward", () => {
  /** An op, and the array to call it with: of numbers, or of tensors made from x. */
  type Case<L extends { fill(value: never): unknown }> = readonly [
    op: (x: Tensor, list: L) => Tensor,
    list: (x: Tensor) => L,
  ];
  interface Outcome {
    readonly text: string;
    readonly numbers: readonly NdArray[];
  }
  const weights = (shape: readonly number[]): Tensor =>
    tensor(
      Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 1 + i / 7),
      { shape },
    );

  /** What can be read off an output once `reuse` has run: the printed tape, value, first and second derivative. */
  function outcome(op: (x: Tensor) => Tensor, array: NdArray, reuse: () => void): Outcome {
    const x = new Tensor(array, true);
    const y = op(x);
    const z = y.square();
    reuse();
    const text = `${printTape(z)} ${String(y.shape)}`;
    const [plain] = grad(z, [x], { gradOutput: weights(z.shape), retainGraph: true });
    const [first] = grad(z, [x], { gradOutput: weights(z.shape), createGraph: true });
    const [second] = grad(
      given(first)
        .mul(weights([2, 2]))
        .sum(),
      [x],
    );
    return { text, numbers: [y.value, given(plain).value, given(first).value, given(second).value] };
  }

  const isKept =
    <L extends { fill(value: never): unknown }>([op, make]: Case<L>, scribble: (list: L, x: Tensor) => void) =>
    (array: NdArray): void => {
      const alone = outcome(
        (x) => op(x, make(x)),
        array,
        () => {},
      );
      let reuse = (): void => {};
      let after: Outcome;
      try {
        const called = (x: Tensor): Tensor => {
          const list = make(x);
          reuse = () => scribble(list, x);
          return op(x, list);
        };
        after = outcome(called, array, () => reuse());
      } catch (error) {
        throw new Error(`reused: ${String(error)}`, { cause: error });
      }
      if (after.text !== alone.text) throw new Error(`reused: ${after.text} instead of ${alone.text}`);
      after.numbers.forEach((numbers, i) => expectClose(`reused: number ${i}`, numbers, given(alone.numbers[i]), 0));
    };
  const zeroed = (list: number[] | Int32Array): void => void list.fill(0);
  const square = arrayOf([2, 2]);

  const ofNumbers: Readonly<Record<string, Case<number[]>>> = {
    sum: [(x, dims) => x.sum(dims), () => [1]],
    "sum with keepdim": [(x, dims) => x.sum(dims, true), () => [1]],
    mean: [(x, dims) => x.mean(dims), () => [1]],
    variance: [(x, dims) => x.variance(dims, { correction: 0 }), () => [1]],
    center: [(x, dims) => x.center(dims), () => [1]],
    max: [(x, dims) => x.max(dims), () => [1]],
    min: [(x, dims) => x.min(dims), () => [1]],
    reshape: [(x, shape) => x.reshape(shape), () => [4, 1]],
    permute: [(x, dims) => x.permute(dims), () => [1, 0]],
    expand: [(x, shape) => x.expand(shape), () => [3, 2, 2]],
    sumTo: [(x, shape) => x.sumTo(shape), () => [2, 1]],
    indexSelect: [(x, indices) => x.indexSelect(1, indices), () => [1, -1, 0]],
    pad: [(x, amounts) => x.pad(amounts), () => [1, 2]],
    constant: [(x, shape) => x.reshape([4]).mul(x.constant((values) => values, shape)), () => [4]],
  };
  test.each(Object.entries(ofNumbers))("changes nothing: %s", (_, numbers) => {
    holds(square, isKept(numbers, zeroed));
  });

  const ofIndices: Readonly<Record<string, Case<Int32Array>>> = {
    indexSelect: [(x, indices) => x.indexSelect(1, indices), () => Int32Array.of(1, 1, 0)],
    take: [(x, index) => x.take(index), () => Int32Array.of(3, -1, 2)],
    "take by a function": [(x, index) => x.take(() => index), () => Int32Array.of(3, -1, 2)],
    putAdd: [(x, index) => x.putAdd(index, 3), () => Int32Array.of(2, 1, 2, -1)],
  };
  test.each(Object.entries(ofIndices))("changes nothing, an Int32Array: %s", (_, indices) => {
    holds(square, isKept(indices, zeroed));
  });

  const ofTensors: Readonly<Record<string, Case<Tensor[]>>> = {
    concat: [(x, others) => x.concat(others, 0), (x) => [x.mul(2), x]],
    stack: [(x, others) => x.stack(others, 1), (x) => [x.mul(2), x]],
    "the function concat": [(_, all) => concat(all, 1), (x) => [x.mul(2), x]],
    "the function stack": [(_, all) => stack(all), (x) => [x.mul(2), x]],
  };
  test.each(Object.entries(ofTensors))("changes nothing, of tensors: %s", (_, tensors) => {
    const replaced = (list: Tensor[], x: Tensor): void => void list.fill(x.exp());
    holds(square, isKept(tensors, replaced));
  });

  test("an op that keeps the array for its backward, or for the printed tape, would be found", () => {
    const keeps = (x: Tensor, dims: number[]): Tensor => apply("sum", { rule: rules.sum(dims, true) }, x);
    breaks(square, isKept([keeps, () => [1]], zeroed), /^reused: /);
    const shows = (x: Tensor, dims: number[]): Tensor =>
      apply("sum", { rule: rules.sum([...dims], true), attributes: { dims } }, x);
    breaks(square, isKept([shows, () => [1]], zeroed), /^reused: %1 = sum\(leaf\[2,2\]; dims \[0\]/);
  });

  test("a shape is the array's own too", () => {
    const shape = [1, 2];
    const array = new NdArray(Float64Array.of(1, 2), shape);
    const op = customOp(
      (x) => x,
      (g) => [g],
      { outputShape: () => shape },
    );
    const others = [op(leaf([1, 2])).value, NdArray.full(shape, 1, "float64"), array.constant(() => [1, 2], shape)];
    shape.fill(7);
    expect([array, ...others].map((each) => each.shape)).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
  });
});

describe("backward", () => {
  test("adds the gradients of all paths: a diamond", () => {
    const x = leaf([3]);
    const y = x.square();
    y.mul(y).add(x.mul(x)).add(x).sum().backward(); // x⁴ + x² + x
    expect(values(x.grad)).toEqual([4 * 27 + 2 * 3 + 1]);
  });

  test("adds to .grad over several calls, until it is set to null", () => {
    const x = leaf([1, 2]);
    x.square().sum().backward();
    x.mul(10).sum().backward();
    expect(values(x.grad)).toEqual([12, 14]);
    x.grad = null;
    x.mul(10).sum().backward();
    expect(values(x.grad)).toEqual([10, 10]);
  });

  test("is linear in gradOutput, which is 1 for a single value", () => {
    holds(arraysOf([[2, 3], [3], [3]]), ([w, g, h]) => {
      const gradientFor = (gradOutput: NdArray): NdArray => {
        const x = new Tensor(given(w), true);
        x.exp().sum([0]).backward(new Tensor(gradOutput));
        return given(x.grad).value;
      };
      const mixed = gradientFor(given(g).mul(2).add(given(h)));
      expectClose(
        "linear",
        mixed,
        gradientFor(given(g))
          .mul(2)
          .add(gradientFor(given(h))),
        EXACT,
      );
    });
    const [x, y] = [leaf([2]), leaf([2])];
    x.square().backward();
    y.square().backward(tensor([1]));
    expect(values(x.grad)).toEqual(values(y.grad));
  });

  test("of a leaf is gradOutput itself", () => {
    const x = tensor(5, { requiresGrad: true });
    x.backward();
    expect(given(x.grad).item()).toBe(1);
    const y = leaf([1, 2]);
    y.backward(tensor([3, 4]));
    expect(values(y.grad)).toEqual([3, 4]);
  });

  test("reaches leaves that require a gradient, and no others", () => {
    const [x, c] = [leaf([2]), tensor([3])];
    const inner = x.mul(c);
    inner.add(c).sum().backward();
    expect([values(x.grad), c.grad, inner.grad]).toEqual([[3], null, null]);
  });

  test("leaves no tape on .grad, but with createGraph", () => {
    const [x, y] = [leaf([2]), leaf([2])];
    x.pow(3).sum().backward();
    y.pow(3).sum().backward(null, { createGraph: true });
    expect([given(x.grad).requiresGrad, given(y.grad).requiresGrad]).toEqual([false, true]);
    const slope = given(y.grad);
    y.grad = null;
    slope.sum().backward();
    expect(values(y.grad)).toEqual([12]);
  });

  test("with createGraph adds to an earlier .grad on the tape", () => {
    const x = leaf([2]);
    x.pow(3).sum().backward(null, { createGraph: true });
    x.pow(2).sum().backward(null, { createGraph: true });
    const [curvature] = grad(given(x.grad).sum(), [x]);
    expect([values(x.grad), values(given(curvature))]).toEqual([[16], [14]]);
  });

  test("createGraph writes the tape in noGrad too: it was asked for", () => {
    const x = leaf([2]);
    const y = x.pow(3).sum();
    const z = x.pow(2).sum();
    noGrad(() => {
      y.backward(null, { createGraph: true });
      z.backward(null, { createGraph: true });
    });
    expect(values(given(grad(given(x.grad).sum(), [x])[0]))).toEqual([14]);
    expect(noGrad(() => given(grad(y, [x], { createGraph: true })[0])).requiresGrad).toBe(true);
  });

  test("in float32 answers float32", () => {
    const x = tensor(Float32Array.of(1, 2), { requiresGrad: true });
    x.exp()
      .softmax(0)
      .mul(tensor(Float32Array.of(1, 3)))
      .sum()
      .backward();
    expect(given(x.grad).dtype).toBe("float32");
  });

  test("third order by createGraph is that of differences of the second", () => {
    const f = (x: Tensor): Tensor => x.tanh().mul(x.exp()).sum();
    const second = (at: number): number => {
      const x = leaf([at]);
      const [first] = grad(f(x), [x], { createGraph: true });
      return given(given(grad(given(first).sum(), [x])[0]).data[0]);
    };
    holds(fc.double({ min: -1, max: 1, noNaN: true }), (at) => {
      const x = leaf([at]);
      const [first] = grad(f(x), [x], { createGraph: true });
      const [curvature] = grad(given(first).sum(), [x], { createGraph: true });
      const [third] = grad(given(curvature).sum(), [x]);
      const h = 2 ** -10;
      const slope = (8 * (second(at + h) - second(at - h)) - (second(at + 2 * h) - second(at - 2 * h))) / (12 * h);
      // Truncation h⁴ f⁽⁷⁾/30 ≈ 1e-11 and rounding 1e-16/h ≈ 1e-12, as in laws.ts.
      expect(Math.abs(given(given(third).data[0]) - slope)).toBeLessThan(1e-8);
    });
  });
});

describe("argmax", () => {
  test("is where max takes its value from, in any shape and along any dim", () => {
    holds(shapes().chain(arrayOf), (array) => {
      const x = new Tensor(array);
      for (const [dim, size] of x.shape.entries()) {
        const found = x.argmax(dim);
        expect(x.argmax(dim - x.ndim)).toEqual(found);
        const others = [...x.shape.keys()].filter((other) => other !== dim);
        const rows = x.permute([...others, dim]).data; // `size` values for each position
        expect(Array.from(found, (at, row) => rows[row * size + at])).toEqual([...x.max([dim]).data]);
      }
    });
  });

  test("the first of equal values, and the first NaN", () => {
    expect(tensor([[1, 3, 3], [NaN, 5, NaN], [5, NaN, 6], [-Infinity, -Infinity, -Infinity]]).argmax(1)).toEqual(Int32Array.of(1, 0, 1, 0)); // prettier-ignore
    expect(tensor([2, 7], { requiresGrad: true }).argmax(0)).toEqual(Int32Array.of(1));
  });
});

describe("toJSON", () => {
  test("is the nested numbers, from which tensor makes the same values", () => {
    const x = tensor([[1, 2.5], [-3, 1e-9]], { requiresGrad: true }); // prettier-ignore
    x.square().sum().backward();
    expect(JSON.stringify({ x, none: zeros([0]), one: tensor(3) })).toBe('{"x":[[1,2.5],[-3,1e-9]],"none":[],"one":3}');
    expect(tensor(JSON.parse(JSON.stringify(x))).data).toEqual(x.data);
  });
});

describe("retainGrad", () => {
  test("writes .grad of an output too, and does nothing to a leaf", () => {
    const x = leaf([2]);
    const y = x.square();
    const root = y.mul(3);
    y.retainGrad();
    root.retainGrad();
    x.retainGrad();
    root.backward();
    expect([values(x.grad), values(y.grad), values(root.grad)]).toEqual([[12], [3], [1]]);
  });

  test("adds over two backwards", () => {
    const x = leaf([2]);
    const y = x.square();
    y.retainGrad();
    y.mul(3).backward(null, { retainGraph: true });
    y.mul(4).backward();
    expect(values(y.grad)).toEqual([7]);
  });

  test("needs something that requires a gradient", () => {
    expect(() => tensor([1]).retainGrad()).toThrow(
      new Error("retainGrad: expected a tensor that requires a gradient, got tensor([1], shape [1], float64)"),
    );
  });
});

describe("grad", () => {
  test("is what backward writes, and writes nothing", () => {
    holds(arraysOf([[2, 3], [3]]), ([a, b]) => {
      const f = (x: Tensor, w: Tensor): Tensor => x.mul(w).tanh().sum();
      const [x, w, y, v] = [given(a), given(b), given(a), given(b)].map((array) => new Tensor(array, true));
      const gradients = grad(f(given(x), given(w)), [given(x), given(w)]);
      f(given(y), given(v)).backward();
      expect([x?.grad, w?.grad]).toEqual([null, null]);
      expect(gradients.map(values)).toEqual([y, v].map((t) => values(given(given(t).grad))));
    });
  });

  test("answers for outputs in between, and for the output itself", () => {
    const x = leaf([2]);
    const y = x.square();
    const z = y.mul(3);
    expect(grad(z, [z, y, x, y]).map(values)).toEqual([[1], [3], [12], [3]]);
    const l = leaf([7]);
    expect(grad(l, [l]).map(values)).toEqual([[1]]);
  });

  test("of several outputs in between is right for each, whichever is asked for", () => {
    const x = leaf([2]);
    const [a, b] = [x.mul(2), x.mul(5)];
    const product = a.mul(b);
    expect(grad(product, [b], { retainGraph: true }).map(values)).toEqual([[4]]);
    expect(grad(product, [x, a]).map(values)).toEqual([[40], [10]]);
  });

  test("refuses an input that the output does not depend on, unless that is allowed", () => {
    const [x, other, plain] = [leaf([1]), leaf([1, 2]), tensor([1])];
    const y = x.mul(2);
    expect(() => grad(y, [x, other])).toThrow(
      new Error(
        "grad: expected inputs that the output depends on, got input 1 of shape [2] that it does not; pass { allowUnused: true } for null",
      ),
    );
    expect(() => grad(y, [plain])).toThrow(
      new Error(
        "grad: expected inputs that the output depends on, got input 0 of shape [1] that it does not (it does not require a gradient); pass { allowUnused: true } for null",
      ),
    );
    // Neither has consumed the tape.
    expect(grad(y, [x, other, plain], { allowUnused: true }).map((g) => g && values(g))).toEqual([[2], null, null]);
  });

  test("answers null for a leaf behind a pullback that answers null", () => {
    const x = leaf([1]);
    const stop: Rule<readonly [Tensor]> = (input) => ({ output: input, pullback: () => [null] });
    const y = apply("stop", { rule: stop }, x);
    expect(grad(y, [x], { allowUnused: true, retainGraph: true })).toEqual([null]);
    y.backward();
    expect(x.grad).toBeNull();
  });

  test.each<readonly [string, () => unknown, string]>([
    [
      "a constant",
      () => grad(tensor([1]), []),
      "grad: expected a tensor that requires a gradient, got tensor([1], shape [1], float64): no input of it has requiresGrad, or it was detached or made in noGrad",
    ],
    [
      "several values",
      () => grad(leaf([1, 2]).mul(2), []),
      "grad: expected a gradOutput for an output of more than one value, got none for shape [2]",
    ],
    [
      "another shape",
      () => grad(leaf([1, 2]).mul(2), [], { gradOutput: tensor([1]) }),
      "grad: expected gradOutput of shape [2], got [1]",
    ],
    [
      "another dtype",
      () => grad(leaf([1]).mul(2), [], { gradOutput: tensor(Float32Array.of(1)) }),
      "grad: expected gradOutput in float64, got float32",
    ],
    [
      "an empty output",
      () => zeros([0], { requiresGrad: true }).backward(),
      "backward: expected a gradOutput for an output of more than one value, got none for shape [0]",
    ],
  ])("refuses %s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("to", () => {
  test("converts values there, and gradients back", () => {
    const x = leaf([0.1, 0.2]);
    const y = x.to("float32");
    expect([y.dtype, y.data]).toEqual(["float32", Float32Array.of(0.1, 0.2)]);
    const [gradient] = grad(y.square().sum(), [x]);
    expect(given(gradient).data).toEqual(Float64Array.from([0.1, 0.2], (v) => Math.fround(2 * Math.fround(v))));
  });

  test("is differentiable twice", () => {
    const x = tensor(Float32Array.of(2, 3), { requiresGrad: true });
    const [first] = grad(x.to("float64").pow(3).to("float32").sum(), [x], { createGraph: true });
    expect([given(first).dtype, values(given(first))]).toEqual(["float32", [12, 27]]);
    const [second] = grad(given(first).sum(), [x]);
    expect([given(second).dtype, values(given(second))]).toEqual(["float32", [12, 18]]);
  });
});

describe("apply", () => {
  const double: Rule<readonly [Tensor]> = (x) => ({ output: x.mul(2), pullback: (g) => [g.mul(2)] });

  test("computeIn float64 rounds the output once, and the gradients once", () => {
    // (x + 1e-4) · 7 − 7x: in float32 all the way, 1e-4 would be lost in the ulp of 7x.
    const rule: Rule<readonly [Tensor]> = (x) => ({
      output: x.add(1e-4).mul(7).sub(x.mul(7)),
      pullback: (g) => [g.add(1e-4).mul(7).sub(g.mul(7))],
    });
    const x = tensor(Float32Array.of(1000, 3), { requiresGrad: true });
    const y = apply("wide", { rule, computeIn: "float64" }, x);
    const exact = (v: number): number => Math.fround((v + 1e-4) * 7 - v * 7);
    expect(y.data).toEqual(Float32Array.of(exact(1000), exact(3)));
    y.backward(tensor(Float32Array.of(1000, 3)));
    expect(given(x.grad).data).toEqual(y.data);
    const narrow = apply("narrow", { rule }, x);
    expect(narrow.data).not.toEqual(y.data);
  });

  test("computeIn reaches the replay: gradients of gradients are float32 and rounded once", () => {
    const cube: Rule<readonly [Tensor]> = (x) => ({ output: x.pow(3), pullback: (g) => [g.mul(x.square()).mul(3)] });
    const x = tensor(Float32Array.of(1.1), { requiresGrad: true });
    const [first] = grad(apply("cube", { rule: cube, computeIn: "float64" }, x), [x], { createGraph: true });
    const [second] = grad(given(first), [x]);
    const wide = Math.fround(1.1);
    expect(given(first).data).toEqual(Float32Array.of(wide * wide * 3));
    expect(given(second).data).toEqual(Float32Array.of(6 * wide));
  });

  test("the kernel runs, the rule is for the replay", () => {
    const kernel = (x: NdArray): Traced<NdArray, readonly [NdArray]> => ({
      output: x.mul(20),
      pullback: (g) => [g.mul(20)],
    });
    const x = leaf([1]);
    const y = apply("twice", { rule: double, kernel }, x);
    expect(values(y)).toEqual([20]);
    expect(grad(y, [x], { retainGraph: true }).map(values)).toEqual([[20]]);
    expect(grad(y, [x], { createGraph: true }).map(values)).toEqual([[2]]);
  });

  test("null stands for an optional input, in rule and gradients", () => {
    const rule: Rule<readonly [Tensor, Tensor | null]> = (x, b) => ({
      output: b === null ? x : x.add(b),
      pullback: (g) => [g, b && g.sumTo(b.shape)],
    });
    const [x, b] = [leaf([1, 2]), leaf([3])];
    expect(values(apply("shift", { rule }, x, null))).toEqual([1, 2]);
    const gradients = grad(apply("shift", { rule }, x, b), [x, b], { gradOutput: tensor([1, 10]) });
    expect(gradients.map(values)).toEqual([[1, 10], [11]]);
  });

  test("commit gets aux once, when the record is written, and not on a replay", () => {
    const seen: number[][] = [];
    const rule: Rule<readonly [Tensor]> = (x) => ({
      output: x.square(),
      pullback: (g) => [g.mul(x).mul(2)],
      aux: [x.mean()],
    });
    const x = leaf([1, 3]);
    const op = { rule, commit: (aux: readonly NdArray[]) => void seen.push(aux.flatMap((array) => [...array.data])) };
    const y = apply("counted", op, x);
    expect(seen).toEqual([[2]]);
    const [first] = grad(y, [x], { gradOutput: tensor([1, 1]), createGraph: true });
    grad(given(first).sum(), [x]);
    expect(seen).toEqual([[2]]);
    noGrad(() => apply("counted", op, x));
    expect(seen.length).toBe(2);
    apply("counted", { ...op, rule: double }, x);
    expect(seen.length).toBe(2); // no aux, no commit
  });

  test("a rule that throws commits nothing", () => {
    let committed = 0;
    const rule = <A extends Num<A>>(x: A): Traced<A, readonly [A]> => {
      throw new RangeError(`no rule for ${String(x.shape)}`);
    };
    expect(() => apply("broken", { rule, commit: () => void committed++ }, leaf([1]))).toThrow("no rule for 1");
    expect(committed).toBe(0);
  });

  test("refuses dtypes that differ, and an op with nothing to run", () => {
    const [x, y] = [leaf([1]), tensor(Float32Array.of(1))];
    expect(() => x.add(y)).toThrow(
      new TypeError("add: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)"),
    );
    expect(() => apply("empty", {}, x)).toThrow(
      new TypeError("empty: expected an op with a rule or a kernel, got neither"),
    );
  });
});

describe("a Parameter", () => {
  test("behaves in ops as any leaf", () => {
    const w = new Parameter(tensor([2, 3]));
    const y = w.mul(w).sum();
    expect(printTape(y, { names: { w } })).toBe("%1 = mul(w[2], w[2]) : [2]\n%2 = sum(%1) : []");
    y.backward();
    expect(values(w.grad)).toEqual([4, 6]);
  });
});

describe("the gradients that backward writes", () => {
  test("are tensors of their own, also with createGraph, and stay connected to gradOutput", () => {
    const a = tensor([1, 2], { requiresGrad: true });
    const b = tensor([3, 4], { requiresGrad: true });
    const gradOutput = tensor([5, 6], { requiresGrad: true });
    a.add(b).backward(gradOutput, { createGraph: true });
    expect(a.grad).not.toBe(b.grad);
    expect(a.grad).not.toBe(gradOutput);
    const [slope] = grad(a.grad?.square().sum() ?? a, [gradOutput]);
    expect(slope?.toArray()).toEqual([10, 12]);
  });

  test("stay connected to gradOutput in noGrad too", () => {
    const [x, gradOutput] = [leaf([1]), leaf([5])];
    const y = x.add(2);
    noGrad(() => y.backward(gradOutput, { createGraph: true }));
    expect(grad(given(x.grad).square(), [gradOutput]).map(values)).toEqual([[10]]);
  });
});
