import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad, hvp, jvp, NdArray, noGrad, tapeOf, tensor, Tensor, vjp } from "../../src/autograd/index.ts";
import type { Formula, Num } from "../../src/autograd/index.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { DIFFERENCES, dot, EXACT, expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";

const values = (x: Tensor | undefined): number[] => [...given(x).data];
const tensors = (arrays: readonly NdArray[]): Tensor[] => arrays.map((array) => new Tensor(array));
const arrays = (list: readonly Tensor[]): NdArray[] => list.map((x) => x.value);

/** Curved in both inputs, with broadcasting and a matrix product. */
const curved: Formula = <A extends Num<A>>(...[x, w]: readonly A[]) =>
  given(x)
    .matmul(given(w))
    .tanh()
    .mul(given(w).sum([0]));
const single: Formula = <A extends Num<A>>(...inputs: readonly A[]) =>
  curved(...inputs)
    .square()
    .sum();
const shapesOfInputs = [
  [2, 3],
  [3, 2],
];
const draws = fc.tuple(
  arraysOf(shapesOfInputs),
  arraysOf(shapesOfInputs),
  arraysOf(shapesOfInputs),
  arraysOf([[2, 2]]),
);
type Draw = readonly [x: NdArray[], v: NdArray[], u: NdArray[], g: NdArray[]];

describe("jvp", () => {
  test("has the values of the function, and slopes by hand", () => {
    const [output, tangent] = jvp((x) => given(x).square().sum(), [tensor([1, 2])], [tensor([1, 10])]);
    expect([output.item(), tangent.item(), output.requiresGrad, tangent.requiresGrad]).toEqual([5, 42, false, false]);
  });

  test("of a linear function is the function of the tangents", () => {
    const linear: Formula = <A extends Num<A>>(...[x, y]: readonly A[]) =>
      given(x)
        .center([1])
        .matmul(given(y).detach().mul(0).add(2))
        .sub(given(x).sum([1], true))
        .mul(3);
    holds(draws, ([x, v]) => {
      const [, tangent] = jvp(linear, tensors(x), tensors(v));
      expectClose("linear", tangent.value, linear(...v), EXACT);
    });
  });

  test("counts and shapes of tangents must be those of the inputs", () => {
    const x = tensor([1, 2]);
    expect(() => jvp(curved, [x], [])).toThrow(new RangeError("jvp: expected 1 tangents, one per input, got 0"));
    expect(() => jvp(curved, [x], [x, x])).toThrow(new RangeError("jvp: expected 1 tangents, one per input, got 2"));
    expect(() => jvp(curved, [x, x], [x, tensor([1])])).toThrow(
      new RangeError("jvp: expected tangents[1] of shape [2], got [1]"),
    );
  });

  test("tangents have the dtypes of the inputs, and give them to the answers", () => {
    const [wide, narrow] = [tensor([1, 2]), tensor(Float32Array.of(1, 2))];
    const squares: Formula = <A extends Num<A>>(...[x]: readonly A[]) => given(x).square();
    expect(jvp(squares, [narrow], [narrow]).map((x) => x.dtype)).toEqual(["float32", "float32"]);
    expect(() => jvp(squares, [wide], [narrow])).toThrow(
      new TypeError("jvp: expected tangents[0] in float64, got float32"),
    );
    expect(() => jvp(squares, [narrow], [wide])).toThrow(
      new TypeError("jvp: expected tangents[0] in float32, got float64"),
    );
  });
});

describe("vjp", () => {
  test("has the value of the function, and gradients by hand", () => {
    const [output, [gradient]] = vjp((x) => given(x).square(), [tensor([1, 2])], tensor([1, 10]));
    expect([values(output), values(gradient), output.requiresGrad]).toEqual([[1, 4], [2, 40], false]);
    const [, [slope]] = vjp((x) => given(x).pow(3), [tensor(2)]);
    expect(given(slope).item()).toBe(12);
  });

  const isTranspose =
    (gradients: (x: readonly Tensor[], g: Tensor) => readonly Tensor[]) =>
    ([x, v, , g]: Draw): void => {
      const [, tangent] = jvp(curved, tensors(x), tensors(v));
      const forward = dot([tangent.value], g);
      const reverse = dot(v, arrays(gradients(tensors(x), new Tensor(given(g[0])))));
      // Some 40 products of numbers up to 3 · 9 · 9.
      if (!(Math.abs(forward - reverse) < 1e-11 * 1000)) throw new Error(`transpose: ${forward} and ${reverse}`);
    };

  test("is the transpose of jvp: ⟨g, J·v⟩ = ⟨Jᵀ·g, v⟩", () => {
    holds(
      draws,
      isTranspose((x, g) => vjp(curved, x, g)[1]),
    );
  });

  test("a gradient that is 1e-6 off would be found", () => {
    breaks(
      draws,
      isTranspose((x, g) => vjp(curved, x, g)[1].map((gradient) => gradient.add(1e-6))),
      /transpose: /,
    );
  });

  test("touches neither the inputs nor a tape around it", () => {
    const x = tensor([1, 2], { requiresGrad: true });
    vjp((y) => given(y).exp(), [x], tensor([1, 1]));
    expect(x.grad).toBeNull();
    expect(vjp((y) => given(y).exp(), [x.mul(2)], tensor([1, 1]))[0].record).toBeNull();
  });

  test("is zero by an input that the function does not use, or uses detached only", () => {
    const [x, y] = [tensor([1, 2]), tensor(Float32Array.of(3))];
    const [, gradients] = vjp((a) => given(a).exp(), [x, y], tensor([1, 1]));
    expect(gradients.map((g) => [g.dtype, g.shape])).toEqual([
      ["float64", [2]],
      ["float32", [1]],
    ]);
    expect(values(gradients[1])).toEqual([0]);
    expect(values(vjp((a) => given(a).detach(), [x], tensor([1, 1]))[1][0])).toEqual([0, 0]);
  });

  test("of several values needs a gradOutput, in their shape", () => {
    const x = tensor([1, 2]);
    expect(() => vjp((y) => given(y).exp(), [x])).toThrow(
      "vjp: expected a gradOutput for an output of more than one value",
    );
    expect(() => vjp((y) => given(y).exp(), [x], tensor([1]))).toThrow(
      "vjp: expected gradOutput of shape [2], got [1]",
    );
  });
});

describe("hvp", () => {
  test("has the value of the function, and H·v by hand", () => {
    const [output, [product]] = hvp((x) => given(x).pow(3).sum(), [tensor([1, 2])], [tensor([1, 10])]);
    expect([output.item(), values(product)]).toEqual([9, [6, 120]]);
    expect([output.record, given(product).requiresGrad]).toEqual([null, false]);
  });

  const isSymmetric =
    (product: (x: readonly Tensor[], v: readonly Tensor[]) => readonly Tensor[]) =>
    ([x, v, u]: Draw): void => {
      const forth = dot(u, arrays(product(tensors(x), tensors(v))));
      const back = dot(v, arrays(product(tensors(x), tensors(u))));
      if (!(Math.abs(forth - back) <= 1e-10 * Math.max(1, Math.abs(forth))))
        throw new Error(`symmetry: ${forth} and ${back}`);
    };

  test("is symmetric: ⟨u, H·v⟩ = ⟨v, H·u⟩", () => {
    holds(
      draws,
      isSymmetric((x, v) => hvp(single, x, v)[1]),
    );
  });

  test("a product that forgets the mixed blocks of one input would be found", () => {
    const forgetful = (x: readonly Tensor[], v: readonly Tensor[]): Tensor[] => {
      const [first, second] = hvp(single, x, v.with(1, given(v[1]).mul(0)))[1];
      return [given(first), given(second)];
    };
    breaks(draws, isSymmetric(forgetful), /symmetry: /);
  });

  test("is the slope of the gradient by differences", () => {
    const step = 2 ** -10;
    holds(
      draws,
      ([x, fast]) => {
        const v = fast.map((array) => array.div(16)); // keeps h⁴ times the fifth derivative small
        const products = hvp(single, tensors(x), tensors(v))[1];
        const gradientsAt = (delta: number): NdArray[] =>
          arrays(vjp(single, tensors(x.map((array, i) => array.add(given(v[i]).mul(delta)))))[1]);
        const [a, b, c, d] = [step, -step, 2 * step, -2 * step].map(gradientsAt);
        products.forEach((product, i) => {
          const near = given(a?.[i]).sub(given(b?.[i])).mul(8);
          const slope = near.sub(given(c?.[i]).sub(given(d?.[i]))).div(12 * step);
          expectClose("H·v against differences", product.value, slope, DIFFERENCES);
        });
      },
      20,
    );
  });

  test("is zero where the gradient is constant, or there is none", () => {
    const [x, v] = [tensor([1, 2]), tensor([3, 4])];
    expect(values(hvp((y) => given(y).mul(3).sum(), [x], [v])[1][0])).toEqual([0, 0]);
    expect(values(hvp((y) => given(y).detach().sum(), [x], [v])[1][0])).toEqual([0, 0]);
    expect(hvp((y) => given(y).square().sum(), [x, x], [v, v])[1].map(values)).toEqual([
      [6, 8],
      [0, 0],
    ]);
    expect(hvp((y) => given(y), [tensor(2)], [tensor(1)])[1].map(values)).toEqual([[0]]);
  });

  test("works for inputs and an output in different dtypes", () => {
    const [x, v] = [tensor(Float32Array.of(1, 2)), tensor(Float32Array.of(1, 10))];
    const [output, [product]] = hvp((y) => given(y).to("float64").pow(3).sum(), [x], [v]);
    expect([output.dtype, given(product).dtype, values(product)]).toEqual(["float64", "float32", [6, 120]]);
  });

  test("counts and shapes of vectors must be those of the inputs, and the function answers one value", () => {
    const x = tensor([1, 2]);
    expect(() => hvp(single, [x], [])).toThrow(new RangeError("hvp: expected 1 vectors, one per input, got 0"));
    expect(() => hvp(single, [x], [tensor([1])])).toThrow(
      new RangeError("hvp: expected vectors[0] of shape [2], got [1]"),
    );
    expect(() => hvp(single, [x], [tensor(Float32Array.of(1, 2))])).toThrow(
      new TypeError("hvp: expected vectors[0] in float64, got float32"),
    );
    expect(() => hvp((y) => given(y).exp(), [x], [x])).toThrow(
      new RangeError("hvp: expected a function that answers one value, got shape [2]"),
    );
  });
});

describe("in noGrad", () => {
  test("derivatives of functions are what they are outside, and the tape is off again afterwards", () => {
    const [x, v] = [tensor([1, 2]), tensor([3, 4])];
    const cubes: Formula = <A extends Num<A>>(...[y]: readonly A[]) => given(y).pow(3).sum();
    const all = (): number[][] => [values(vjp(cubes, [x])[1][0]), values(hvp(cubes, [x], [v])[1][0])];
    expect(noGrad(all)).toEqual(all());
    const leaf = tensor([1], { requiresGrad: true });
    expect(noGrad(() => [vjp(cubes, [x]), tapeOf(leaf.mul(2))][1])).toEqual([]);
  });

  test("an error inside leaves it as it was", () => {
    const leaf = tensor([1], { requiresGrad: true });
    const broken = (): Tensor => {
      throw new Error("no function");
    };
    noGrad(() => {
      expect(() => vjp(broken, [leaf])).toThrow("no function");
      expect(leaf.mul(2).requiresGrad).toBe(false);
    });
    expect(grad(leaf.mul(2), [leaf]).map(values)).toEqual([[2]]);
  });
});
