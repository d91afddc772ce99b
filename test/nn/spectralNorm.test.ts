import { describe, expect, test } from "vitest";
import { Generator, randn, Tensor, zeros } from "../../src/autograd/index.ts";
import { Conv2d, Linear, SpectralNorm } from "../../src/nn/index.ts";
import { powerIteration, spectralNorm } from "../../src/norms/index.ts";
import { layerFixtures, TOLERANCE } from "../helpers/adaptiveFixtures.ts";
import { expectClose } from "../helpers/laws.ts";
import { decode } from "../helpers/normFixtures.ts";
import { layerOf } from "../helpers/wrappedLayer.ts";

describe("SpectralNorm", () => {
  test.each(layerFixtures("spectralNorm"))(
    "$layer, $order, $nPowerIterations iterations: keys, vectors and outputs of four steps are PyTorch's",
    (fixture) => {
      const { order = "vThenU", nPowerIterations = 1, keys, u, v, x, steps = [] } = fixture;
      const layer = new SpectralNorm(layerOf(fixture), { order, nPowerIterations });
      const own = layer.stateDict();
      if (keys) expect(Object.keys(own)).toEqual(keys);
      layer.loadStateDict({ ...own, weight_u: new Tensor(decode(u!)), weight_v: new Tensor(decode(v!)) });
      expect(steps).toHaveLength(4);
      steps.forEach((step, i) => {
        const output = layer.train(i < 3).forward(new Tensor(decode(x)));
        expectClose(`output ${i}`, output.value, decode(step.output), TOLERANCE);
        expectClose(`u ${i}`, layer.weightU.value, decode(step.u), TOLERANCE);
        expectClose(`v ${i}`, layer.weightV.value, decode(step.v), TOLERANCE);
      });
    },
  );

  test("it iterates in training only", () => {
    const layer = new SpectralNorm(new Linear(3, 2));
    const x = randn([4, 3]);
    const vectors = (): unknown => [layer.weightU.data, layer.weightV.data];
    const before = vectors();
    const expected = spectralNorm(layer.weightOrig, layer.weightU, layer.weightV);
    const output = layer.eval().forward(x);
    expect(vectors()).toEqual(before);
    expectClose("output", output.value, x.matmul(expected.transpose(0, 1)).add(layer.bias!).value, 1e-14);
    layer.train().forward(x);
    expect(vectors()).not.toEqual(before);
  });

  test("uThenV starts after 15 iterations, vThenU from random unit vectors", () => {
    const make = (order: "vThenU" | "uThenV"): SpectralNorm =>
      new SpectralNorm(new Linear(3, 2, { generator: new Generator(1) }), { order, generator: new Generator(2) });
    const [drawn, moved] = [make("vThenU"), make("uThenV")];
    for (const { weightU, weightV } of [drawn, moved]) {
      for (const { data } of [weightU, weightV]) expect(Math.hypot(...data)).toBeCloseTo(1, 14);
    }
    const [u, v] = powerIteration(drawn.weightOrig, drawn.weightU, drawn.weightV, { order: "uThenV", iterations: 15 });
    expect([moved.weightU.data, moved.weightV.data]).toEqual([u.data, v.data]);
  });

  test("a weight that is not to be trained stays so", () => {
    const inner = new Linear(3, 2);
    inner.weight.requiresGrad = false;
    expect(new SpectralNorm(inner).weightOrig.requiresGrad).toBe(false);
    expect(new SpectralNorm(new Linear(3, 2)).weightOrig.requiresGrad).toBe(true);
  });

  test("a call that throws leaves the vectors as they were", () => {
    const layer = new SpectralNorm(new Conv2d(3, 2, 3));
    const before = [layer.weightU.value, layer.weightV.value];
    expect(() => layer.forward(zeros([1, 4, 5, 5]))).toThrow();
    expect([layer.weightU.value, layer.weightV.value]).toEqual(before);
    expect(layer.weightU.value).toBe(before[0]);
  });

  test("the weight is trained, the vectors are buffers, and a backward after the next forward is right", () => {
    const inner = new Linear(3, 2, { dtype: "float32" });
    const layer = new SpectralNorm(inner, { nPowerIterations: 2, eps: 1e-6 });
    expect(Array.from(layer.namedParameters(), ([name]) => name)).toEqual(["bias", "weightOrig"]);
    expect(Array.from(layer.namedBuffers(), ([name, { dtype }]) => [name, dtype])).toEqual([
      ["weightU", "float32"],
      ["weightV", "float32"],
    ]);
    const x = randn([4, 3], { dtype: "float32" });
    const vectors = powerIteration(layer.weightOrig, layer.weightU, layer.weightV, { iterations: 2, eps: 1e-6 });
    const loss = layer.forward(x).square().sum();
    layer.forward(x);
    loss.backward();
    const weight = new Tensor(layer.weightOrig.value, true);
    inner
      .forwardWith(x, spectralNorm(weight, ...vectors))
      .square()
      .sum()
      .backward();
    expect(layer.weightOrig.grad?.data).toEqual(weight.grad?.data);
    expect(inner.weight.grad).toBeNull();
    expect(String(layer)).toBe(
      "SpectralNorm(Linear(inFeatures=3, outFeatures=2, bias=true), nPowerIterations=2, eps=1e-6, dim=0, order=vThenU)",
    );
  });
});
