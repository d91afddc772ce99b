import { describe, expect, test } from "vitest";
import { grad, tensor, zeros } from "../../src/autograd/index.ts";
import { explainBackward, RMSNorm, rmsNorm, rmsNormDescriptor } from "../../src/norms/index.ts";
import { expectClose } from "../helpers/laws.ts";

// Laws for all shapes and options: descriptors.test.ts; values: simpleFixtures.test.ts.

describe("rmsNorm", () => {
  test("divides by the root of the mean square, and subtracts nothing", () => {
    expectClose("output", rmsNorm(tensor([[1, 7]]), [2], { eps: 0 }).value, tensor([[0.2, 1.4]]).value, 2 ** -52);
    expect(rmsNorm(tensor([[3, 3, 3]]), [3], { eps: 0 }).toArray()).toEqual([[1, 1, 1]]);
    const weighted = rmsNorm(tensor([[1, 7]]), [2], { weight: tensor([5, -5]), eps: 0 });
    expectClose("weighted", weighted.value, tensor([[1, -7]]).value, 2 ** -52);
  });

  test("several dims share one mean square", () => {
    const x = tensor([1, 7, 5, 5], { shape: [1, 2, 2] });
    expectClose("output", rmsNorm(x, [2, 2], { eps: 0 }).value, x.div(5).value, 2 ** -52);
  });

  test("eps is inside the root", () => {
    expect(rmsNorm(tensor([[0.5]]), [1], { eps: 2 }).item()).toBe(0.5 / Math.sqrt(2.25));
  });

  test.each([
    ["float64", 2 ** -52],
    ["float32", 2 ** -23],
  ] as const)("eps null and eps left out are the machine epsilon of %s", (dtype, machineEps) => {
    const x = tensor([1e-8, -3e-8], { dtype, requiresGrad: true });
    const expected = rmsNorm(x, [2], { eps: machineEps });
    for (const y of [rmsNorm(x, [2]), rmsNorm(x, [2], { eps: null }), new RMSNorm(2, { dtype }).forward(x)]) {
      expect(y.data).toEqual(expected.data);
      expect(y.record?.attributes).toEqual({ normalizedShape: [2], eps: machineEps });
    }
    expect(new RMSNorm(2, { dtype }).normCase(x).case.op([x, tensor([1, 1], { dtype })]).data).toEqual(expected.data);
  });

  test("a row of zeros without eps given has y = 0 and dx = g · weight / √eps, 6.7e7 in float64", () => {
    const x = tensor([[0, 0]], { requiresGrad: true });
    const y = rmsNorm(x, [2], { weight: tensor([1, -3]) });
    expect(y.data).toEqual(Float64Array.of(0, -0));
    expect(grad(y.sum(), [x])[0]?.data).toEqual(Float64Array.of(2 ** 26, -3 * 2 ** 26));
  });

  test("a row of zeros with eps 0 gives 0 and no gradient, at second order too (PyTorch: NaN)", () => {
    const x = tensor([[0, 0]], { requiresGrad: true });
    const y = rmsNorm(x, [2], { eps: 0 });
    expect(y.toArray()).toEqual([[0, 0]]);
    const [first] = grad(y.sum(), [x], { createGraph: true });
    expect(first?.data).toEqual(Float64Array.of(0, 0));
    if (first) expect(grad(first.square().sum(), [x])[0]?.data).toEqual(Float64Array.of(0, 0));
  });

  test("an empty batch gives an empty output and a weight gradient of 0", () => {
    const weight = tensor([1, 2], { requiresGrad: true });
    const y = rmsNorm(zeros([0, 2]), [2], { weight });
    expect(y.shape).toEqual([0, 2]);
    expect(grad(y.sum(), [weight])[0]?.toArray()).toEqual([0, 0]);
  });

  test("a NaN or an infinity stays in its row", () => {
    for (const poison of [NaN, Infinity]) {
      const x = tensor(
        [
          [poison, 1],
          [1, 7],
        ].flat(),
        { shape: [2, 2], requiresGrad: true },
      );
      const y = rmsNorm(x, [2], { eps: 0 });
      expect(y.data[0]).toBe(NaN);
      expect(y.data.slice(2)).toEqual(rmsNorm(tensor([[1, 7]]), [2], { eps: 0 }).data);
    }
  });

  test("normalizedShape is copied, by the op and by the descriptor", () => {
    const x = tensor([1, 2, 4, 8], { shape: [1, 2, 2], requiresGrad: true });
    const sizes = [2, 2];
    const y = rmsNorm(x, sizes);
    const [before] = grad(rmsNorm(x, [2, 2]).pow(3).sum(), [x], { createGraph: true });
    sizes.pop();
    const [after] = grad(y.pow(3).sum(), [x], { createGraph: true });
    expect(after?.data).toEqual(before?.data);
    const shape = [2, 3];
    const [normCase] = rmsNormDescriptor.cases(shape);
    shape[1] = 7;
    expect(normCase?.inputs.map((input) => input.shape)).toEqual([[2, 3], [3]]);
  });
});

describe("RMSNorm", () => {
  test("starts at weight 1, and is the functional op", () => {
    const norm = new RMSNorm([1, 2], { eps: 1e-3 });
    expect(norm.weight?.toArray()).toEqual([[1, 1]]);
    norm.loadStateDict({ weight: tensor([[3, -4]]) });
    const x = tensor([[[1, 5]], [[2, 8]]]);
    expect(norm.forward(x).data).toEqual(rmsNorm(x, [1, 2], { weight: norm.weight, eps: 1e-3 }).data);
    expect(norm.eval().forward(x).data).toEqual(norm.train().forward(x).data);
  });

  test.each([
    [{}, ["weight"], "RMSNorm([3], eps=null, elementwiseAffine=true)"],
    [{ eps: 1e-6 }, ["weight"], "RMSNorm([3], eps=1e-6, elementwiseAffine=true)"],
    [{ eps: null, elementwiseAffine: false }, [], "RMSNorm([3], eps=null, elementwiseAffine=false)"],
  ])("with %j its state is %j and it prints as %s", (options, keys, printed) => {
    const norm = new RMSNorm(3, options);
    expect(Object.keys(norm.stateDict())).toEqual(keys);
    expect(String(norm)).toBe(printed);
  });

  test("with dtype float32 weight, output and gradient are float32", () => {
    const norm = new RMSNorm(2, { dtype: "float32" });
    const y = norm.forward(tensor([[1, 3]], { dtype: "float32" }));
    y.sum().backward();
    expect([norm.weight?.dtype, y.dtype, norm.weight?.grad?.dtype]).toEqual(["float32", "float32", "float32"]);
  });

  test("explained, nothing comes through a mean", () => {
    const { viaMean, direct, viaVariance, gradInput, gradBias } = explainBackward(
      new RMSNorm(2, { elementwiseAffine: false }),
      tensor([[1, 7]]),
      tensor([[1, 0]]),
    );
    expect(viaMean.toArray()).toEqual([[0, 0]]);
    expect(gradBias).toBeNull();
    expectClose("gradInput", direct.add(viaVariance).value, gradInput.value, 1e-16);
  });
});
