import { describe, expect, test } from "vitest";
import { Dual, grad, NdArray, tensor, zeros } from "../../src/autograd/index.ts";
import { LayerNorm, layerNorm, layerNormDescriptor, layerNormForward } from "../../src/norms/index.ts";
import { arrayOf, holds } from "../helpers/generators.ts";
import { expectClose } from "../helpers/laws.ts";
import { testFixtures } from "../helpers/normFixtureTests.ts";
import { layerNormSets } from "../helpers/normOracles.ts";

// Laws for all shapes, options and modes: descriptors.test.ts, edges.test.ts, equivalences.test.ts.

describe("layerNorm", () => {
  testFixtures(
    "layerNorm",
    ({ x, weight, bias }, { normalizedShape = [], eps }) => layerNorm(x, normalizedShape, { weight, bias, eps }),
    (shape, { normalizedShape = [] }) => layerNormSets(shape, normalizedShape),
  );

  test("without options it normalizes with eps 1e-5", () => {
    const y = layerNorm(tensor([[1, 2, 4, 8]]), [4]);
    expectClose("output", y.value, tensor([[-1.0257, -0.6528, 0.0933, 1.5852]]).value, 5e-5);
    expect(layerNorm(tensor([[1, 2, 4, 8]]), [4], { eps: 1e-5 }).data).toEqual(y.data);
    expect(layerNorm(tensor([[1, 2, 4, 8]]), [4], { eps: 1e-3 }).data).not.toEqual(y.data);
  });

  test("each index of the leading dims has statistics of its own, unlike a channel or a batch", () => {
    const x = tensor([
      [
        [1, 3],
        [10, 30],
      ],
      [
        [2, 2.5],
        [-7, 9],
      ],
    ]);
    const y = layerNorm(x, [2], { eps: 0 });
    expect(y.data).toEqual(Float64Array.of(-1, 1, -1, 1, -1, 1, -1, 1));
  });

  test("a weight without a bias and a bias without a weight are both used", () => {
    const x = tensor([[1, 3]]);
    expect(layerNorm(x, [2], { weight: tensor([2, 5]), eps: 0 }).toArray()).toEqual([[-2, 5]]);
    expect(layerNorm(x, [2], { bias: tensor([2, 5]), eps: 0 }).toArray()).toEqual([[1, 6]]);
    expect(layerNorm(x, [2], { weight: null, bias: null, eps: 0 }).toArray()).toEqual([[-1, 1]]);
  });

  test("normalizedShape is copied: a caller who changes the array changes no gradient", () => {
    const secondOrder = (scribble: (sizes: number[]) => void): unknown => {
      const x = tensor(
        [
          [1, 2, 4, 8],
          [3, -1, 0, 5],
        ],
        { requiresGrad: true },
      ).reshape([2, 2, 2]);
      const sizes = [2, 2];
      const y = layerNorm(x, sizes);
      scribble(sizes);
      const [first] = grad(y.pow(3).sum(), [x], { createGraph: true });
      const [second] = grad(first!.square().sum(), [x]);
      return [first!.data, second!.data, y.record?.attributes];
    };
    const untouched = secondOrder(() => {});
    expect(secondOrder((sizes) => sizes.pop())).toEqual(untouched);
    expect(secondOrder((sizes) => sizes.splice(0, 2, 1))).toEqual(untouched);
  });

  test("a case keeps no array of its caller", () => {
    const shape = [2, 3];
    const [normCase] = layerNormDescriptor.cases(shape);
    shape[1] = 7;
    expect(normCase?.inputs.map((input) => input.shape)).toEqual([[2, 3], [3], [3]]);
  });

  test("one value gives the bias exactly, whatever it is", () => {
    const x = tensor([[0.1], [-3e7], [7]], { requiresGrad: true });
    const y = layerNorm(x, [1], { weight: tensor([3]), bias: tensor([0.7]) });
    expect(y.toArray()).toEqual([[0.7], [0.7], [0.7]]);
    expect(grad(y.square().sum(), [x])[0]?.data.every((value) => value === 0)).toBe(true);
  });

  test("an input that is also the weight gets both gradients", () => {
    const x = tensor([1, 2, 4], { requiresGrad: true });
    const copy = tensor([1, 2, 4], { requiresGrad: true });
    const [both] = grad(layerNorm(x, [3], { weight: x }).square().sum(), [x]);
    const parts = grad(layerNorm(x, [3], { weight: copy }).square().sum(), [x, copy]);
    expectClose("gradient", both!.value, parts[0]!.add(parts[1]!).value, 1e-15);
  });

  test("the Jacobian of x̂ is the symmetric matrix rstd · (I − 11ᵀ/n − x̂x̂ᵀ/n) of the formula comment", () => {
    holds(arrayOf([5]), (x) => {
      const { saved } = layerNormForward(x, null, null, { normalizedShape: [5], eps: 0.5 });
      const [rstd = NaN] = saved.rstd.data;
      const xhat = Array.from(saved.xhat.data);
      const column = (j: number): NdArray => {
        const unit = new NdArray(new Float64Array(5).with(j, 1), [5]);
        return layerNormForward(new Dual(x, unit), null, null, { normalizedShape: [5], eps: 0.5 }).output.tangent;
      };
      for (let j = 0; j < 5; j++) {
        const expected = xhat.map((xh, i) => rstd * ((i === j ? 1 : 0) - 1 / 5 - (xh * (xhat[j] ?? NaN)) / 5));
        expectClose(`column ${j}`, column(j), new NdArray(Float64Array.from(expected), [5]), 1e-14);
      }
    });
  });

  test.each([
    [[], "expected normalizedShape of at least one size, in whole numbers, got []"],
    [[4], "expected input ending in normalizedShape [4], got shape [2, 3]"],
    [[3, 2], "expected input ending in normalizedShape [3, 2], got shape [2, 3]"],
    [[1, 2, 3], "expected input ending in normalizedShape [1, 2, 3], got shape [2, 3]"],
    [[-3], "expected normalizedShape of at least one size, in whole numbers, got [-3]"],
    [[1.5], "expected normalizedShape of at least one size, in whole numbers, got [1.5]"],
  ])("normalizedShape %j is refused for an input [2, 3]", (normalizedShape, message) => {
    expect(() => layerNorm(zeros([2, 3]), normalizedShape)).toThrow(new RangeError(`layerNorm: ${message}`));
  });

  test("a parameter of another shape is refused, one that would broadcast included", () => {
    const refused = (name: string, shape: string): RangeError =>
      new RangeError(`layerNorm: expected ${name} of shape normalizedShape [2, 3], got ${shape}`);
    const x = zeros([4, 2, 3]);
    expect(() => layerNorm(x, [2, 3], { weight: zeros([3]) })).toThrow(refused("weight", "[3]"));
    expect(() => layerNorm(x, [2, 3], { weight: zeros([1, 3]) })).toThrow(refused("weight", "[1, 3]"));
    expect(() => layerNorm(x, [2, 3], { bias: zeros([4, 2, 3]) })).toThrow(refused("bias", "[4, 2, 3]"));
  });

  test.each([-1e-5, NaN, Infinity])("eps %d is refused", (eps) => {
    expect(() => layerNorm(zeros([2, 3]), [3], { eps })).toThrow(/^layerNorm: expected eps to be a finite number/);
  });
});

describe("LayerNorm", () => {
  test("starts at weight 1 and bias 0, and is then the functional op", () => {
    const norm = new LayerNorm([2, 3], { eps: 1e-3 });
    expect(norm.weight?.toArray()).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(norm.bias?.data.every((value) => value === 0)).toBe(true);
    norm.loadStateDict({ weight: tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] }), bias: zeros([2, 3]) });
    const x = tensor([1, 5, 2, 2, 8, 3], { shape: [1, 2, 3] });
    expect(norm.forward(x).data).toEqual(layerNorm(x, [2, 3], { weight: norm.weight, eps: 1e-3 }).data);
  });

  test("training and evaluation do not differ", () => {
    const norm = new LayerNorm(3);
    const x = tensor([[1, 2, 9]]);
    expect(norm.eval().forward(x).data).toEqual(norm.train().forward(x).data);
  });

  test.each([
    [{}, ["weight", "bias"], "LayerNorm([3], eps=1e-5, elementwiseAffine=true)"],
    [{ bias: false, eps: 0.5 }, ["weight"], "LayerNorm([3], eps=0.5, elementwiseAffine=true, bias=false)"],
    [{ elementwiseAffine: false }, [], "LayerNorm([3], eps=1e-5, elementwiseAffine=false)"],
    [{ elementwiseAffine: false, bias: true }, [], "LayerNorm([3], eps=1e-5, elementwiseAffine=false)"],
  ])("with %j its state is %j and it prints as %s", (options, keys, printed) => {
    const norm = new LayerNorm(3, options);
    expect(Object.keys(norm.stateDict())).toEqual(keys);
    expect(norm.parameters()).toHaveLength(keys.length);
    expect(String(norm)).toBe(printed);
  });

  test("a shape of several dims is printed whole, and is not shared with the caller", () => {
    const normalizedShape = [3, 4];
    const norm = new LayerNorm(normalizedShape);
    normalizedShape[0] = 7;
    expect(String(norm)).toBe("LayerNorm([3, 4], eps=1e-5, elementwiseAffine=true)");
  });

  test("with dtype float32 its parameters, its output and their gradients are float32", () => {
    const norm = new LayerNorm(2, { dtype: "float32" });
    const y = norm.forward(tensor([[1, 3]], { dtype: "float32" }));
    y.sum().backward();
    expect([norm.weight?.dtype, norm.bias?.dtype, y.dtype, norm.weight?.grad?.dtype]).toEqual(
      Array.from({ length: 4 }, () => "float32"),
    );
    expect(() => norm.forward(tensor([[1, 3]], { dtype: "float64" }))).toThrow(TypeError);
  });

  test("an empty shape and a negative eps are refused when it is made", () => {
    expect(() => new LayerNorm([])).toThrow(
      new RangeError("LayerNorm: expected normalizedShape of at least one size, in whole numbers, got []"),
    );
    expect(() => new LayerNorm(3, { eps: -1 })).toThrow(/^LayerNorm: expected eps .*, got -1$/);
  });
});
