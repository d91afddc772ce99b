import { describe, expect, test } from "vitest";
import { randn, tensor } from "../../src/autograd/index.ts";
import { Conv2d, conv2d, WSConv2d } from "../../src/nn/index.ts";
import { weightStandardization } from "../../src/norms/index.ts";
import { expectClose } from "../helpers/laws.ts";

describe("WSConv2d", () => {
  test.each([
    [false, 1e-6],
    [true, 1e-5],
  ])("unbiased %s: it is a convolution with the standardized weight, with eps %d", (unbiased, eps) => {
    const layer = new WSConv2d(4, 6, [3, 2], { stride: 2, padding: 1, groups: 2, unbiased });
    const x = randn([2, 4, 5, 6]);
    const weight = weightStandardization(layer.weight, { eps, unbiased });
    const expected = conv2d(x, weight, { bias: layer.bias, stride: 2, padding: 1, groups: 2 });
    expect(layer.forward(x).data).toEqual(expected.data);
    expect(layer.eval().forward(x).data).toEqual(expected.data);
  });

  test("the state is Conv2d's: the weight as it is learned; and a change along it changes nothing", () => {
    const layer = new WSConv2d(2, 3, 3, { eps: 0 });
    const { weight, bias } = new Conv2d(2, 3, 3);
    layer.loadStateDict({ weight: weight.detach(), bias: bias! });
    expect(layer.weight.data).toEqual(weight.data);
    const x = randn([1, 2, 4, 4]);
    const before = layer.forward(x).value;
    layer.loadStateDict({ weight: weight.detach().mul(3).add(7), bias: bias! });
    expectClose("output", layer.forward(x).value, before, 1e-13);
  });

  test("the gradient reaches the weight, and sums to 0 in each output channel", () => {
    const layer = new WSConv2d(2, 3, 3);
    layer
      .forward(randn([2, 2, 5, 5]))
      .square()
      .sum()
      .backward();
    expectClose("sums", layer.weight.grad!.sum([1, 2, 3]).value, tensor([0, 0, 0]).value, 1e-12);
    expect(layer.weight.grad?.data.some((value) => Math.abs(value) > 1e-3)).toBe(true);
  });

  test("it prints its options, and takes a dtype", () => {
    const layer = new WSConv2d(1, 2, 3, { bias: false, dtype: "float32" });
    expect(layer.weight.dtype).toBe("float32");
    expect(String(layer)).toBe(
      "WSConv2d(1, 2, kernelSize=[3, 3], stride=[1, 1], bias=false, eps=1e-6, unbiased=false)",
    );
  });
});
