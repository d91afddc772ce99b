import { describe, expect, test } from "vitest";
import { grad, randn, Tensor } from "../../src/autograd/index.ts";
import { Conv1d, Conv2d, Linear, Sequential, WeightNorm } from "../../src/nn/index.ts";
import { layerFixtures, TOLERANCE } from "../helpers/adaptiveFixtures.ts";
import { expectClose } from "../helpers/laws.ts";
import { decode } from "../helpers/normFixtures.ts";
import { layerOf } from "../helpers/wrappedLayer.ts";

describe("WeightNorm", () => {
  test.each(layerFixtures("weightNorm"))("$layer, dim $dim: keys, values and output are PyTorch's", (fixture) => {
    const { dim = null, state = [], x, output } = fixture;
    const layer = new WeightNorm(layerOf(fixture), { dim });
    const own = layer.stateDict();
    expect(Object.keys(own)).toEqual(state.map(({ key }) => key));
    for (const { key, value } of state) expectClose(key, own[key]!.value, decode(value), TOLERANCE);
    expectClose("output", layer.forward(new Tensor(decode(x))).value, decode(output!), TOLERANCE);
  });

  test.each([
    ["Linear", () => new Linear(3, 2), [5, 3]],
    ["Conv1d", () => new Conv1d(3, 2, 2, { bias: false }), [5, 3, 4]],
    ["Conv2d", () => new Conv2d(4, 2, 3, { padding: 1, groups: 2 }), [5, 4, 4, 3]],
  ] as const)("%s: at first it computes what the layer did", (_, make, shape) => {
    const layer = make();
    const x = randn([...shape]);
    const expected = layer.forward(x).value;
    for (const dim of [0, 1, null]) {
      expectClose("output", new WeightNorm(layer, { dim }).forward(x).value, expected, 1e-14);
    }
  });

  test("weight_g and weight_v are its parameters, not the weight of the layer, which is not changed", () => {
    const inner = new Linear(3, 2);
    const before = inner.weight.data;
    const layer = new WeightNorm(inner);
    expect(Array.from(layer.namedParameters(), ([name]) => name)).toEqual(["bias", "weightG", "weightV"]);
    expect(layer.bias).toBe(inner.bias);
    const loss = layer
      .forward(randn([4, 3]))
      .square()
      .sum();
    loss.backward();
    expect(inner.weight.grad).toBeNull();
    expect([layer.weightG.grad?.shape, layer.weightV.grad?.shape]).toEqual([
      [2, 1],
      [2, 3],
    ]);
    expect(inner.weight.data).toBe(before);
    const model = new Sequential(layer);
    expect(Object.keys(model.stateDict()).map((key) => key.split(".").at(-1))).toEqual([
      "bias",
      "weight_g",
      "weight_v",
    ]);
  });

  test("what is loaded is used, and it prints the layer", () => {
    const layer = new WeightNorm(new Linear(3, 2, { bias: false, dtype: "float32" }), { dim: -1 });
    expect(layer.dim).toBe(1);
    expect(layer.weightG.dtype).toBe("float32");
    layer.loadStateDict({ weight_g: randn([1, 3]), weight_v: randn([2, 3]) });
    const x = randn([1, 3], { dtype: "float32" });
    const w = layer.weightV.div(layer.weightV.square().sum([0], true).sqrt()).mul(layer.weightG);
    expectClose("output", layer.forward(x).to("float64").value, x.matmul(w.transpose(0, 1)).to("float64").value, 1e-6);
    expect(String(layer)).toBe("WeightNorm(Linear(inFeatures=3, outFeatures=2, bias=false), dim=1)");
  });

  test("second derivatives flow through the computed weight", () => {
    const layer = new WeightNorm(new Linear(2, 2));
    const [first] = grad(
      layer
        .forward(randn([3, 2]))
        .pow(3)
        .sum(),
      [layer.weightV],
      { createGraph: true },
    );
    const [second] = grad(first!.square().sum(), [layer.weightG]);
    expect(second?.data.some((value) => value !== 0)).toBe(true);
  });
});
