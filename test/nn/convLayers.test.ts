import { describe, expect, test } from "vitest";
import { Generator, randn, zeros } from "../../src/autograd/index.ts";
import { conv1d, conv2d } from "../../src/nn/conv.ts";
import { Conv1d, Conv2d } from "../../src/nn/convLayers.ts";

const generator = new Generator(4);

describe("Conv2d", () => {
  test("is conv2d with its own weight, bias and options", () => {
    const options = { stride: [1, 2], padding: [2, 1], dilation: [2, 1], groups: 2 } as const;
    const layer = new Conv2d(4, 6, [3, 2], { ...options, generator });
    const x = randn([2, 4, 7, 8], { generator });
    expect(layer.forward(x).toArray()).toEqual(conv2d(x, layer.weight, { ...options, bias: layer.bias }).toArray());
  });

  test("passes same and valid padding on", () => {
    expect(new Conv2d(1, 2, 4, { padding: "same", generator }).forward(zeros([1, 5, 6])).shape).toEqual([2, 5, 6]);
    expect(new Conv2d(1, 2, 4, { padding: "valid", generator }).forward(zeros([1, 5, 6])).shape).toEqual([2, 2, 3]);
  });

  test("prints as PyTorch does: what is not at its default", () => {
    expect(String(new Conv2d(1, 8, 3))).toBe("Conv2d(1, 8, kernelSize=[3, 3], stride=[1, 1])");
    expect(String(new Conv2d(1, 8, 3, { padding: 1 }))).toBe(
      "Conv2d(1, 8, kernelSize=[3, 3], stride=[1, 1], padding=[1, 1])",
    );
    expect(
      String(new Conv2d(4, 8, [3, 2], { stride: 2, padding: "valid", dilation: [1, 2], groups: 4, bias: false })),
    ).toBe("Conv2d(4, 8, kernelSize=[3, 2], stride=[2, 2], padding=valid, dilation=[1, 2], groups=4, bias=false)");
  });

  test("begins within 1/√fanIn, spread over the whole interval, the same for the same seed", () => {
    const layer = new Conv2d(8, 32, 3, { groups: 2, generator: new Generator(1) });
    const bound = 1 / Math.sqrt(4 * 9);
    for (const parameter of layer.parameters()) {
      const largest = Math.max(...Array.from(parameter.data, Math.abs));
      expect(largest).toBeLessThanOrEqual(bound * (1 + 1e-15));
      expect(largest).toBeGreaterThan(0.85 * bound); // of 32 numbers or more, one in 180 draws stays below
    }
    const again = new Conv2d(8, 32, 3, { groups: 2, generator: new Generator(1) });
    expect(again.weight.toArray()).toEqual(layer.weight.toArray());
    expect(again.bias?.toArray()).toEqual(layer.bias?.toArray());
  });

  test("has parameters of the asked dtype, under PyTorch's names", () => {
    const layer = new Conv2d(2, 3, [1, 5], { dtype: "float32" });
    expect(Object.entries(layer.stateDict()).map(([name, { shape, dtype }]) => [name, shape, dtype])).toEqual([
      ["weight", [3, 2, 1, 5], "float32"],
      ["bias", [3], "float32"],
    ]);
    expect(Object.keys(new Conv2d(2, 3, 1, { bias: false }).stateDict())).toEqual(["weight"]);
  });

  test("names what does not fit, at construction", () => {
    expect(() => new Conv2d(0, 8, 3)).toThrow("Conv2d: expected inChannels to be a positive whole number, got 0");
    expect(() => new Conv2d(1, 0.5, 3)).toThrow("Conv2d: expected outChannels to be a positive whole number, got 0.5");
    expect(() => new Conv2d(4, 6, 3, { groups: 4 })).toThrow(
      "Conv2d: expected groups to divide inChannels 4 and outChannels 6, got 4",
    );
    expect(() => new Conv2d(1, 8, [3, 0])).toThrow(
      "Conv2d: expected kernelSize in whole numbers of at least 1, got [3, 0]",
    );
    expect(() => new Conv2d(1, 8, 3, { stride: 2, padding: "same" })).toThrow(
      'Conv2d: expected stride 1 with padding "same", got [2, 2]',
    );
    expect(() => new Conv2d(1, 8, 3, { padding: 0.5 })).toThrow(RangeError);
  });
});

describe("Conv1d", () => {
  test("is conv1d with its own weight, bias and options", () => {
    const options = { stride: 2, padding: 3, dilation: [2], groups: 2 } as const;
    const layer = new Conv1d(4, 6, 3, { ...options, generator });
    const x = randn([2, 4, 9], { generator });
    expect(layer.forward(x).toArray()).toEqual(conv1d(x, layer.weight, { ...options, bias: layer.bias }).toArray());
  });

  test("prints as PyTorch does", () => {
    expect(String(new Conv1d(4, 8, 3, { padding: "same" }))).toBe(
      "Conv1d(4, 8, kernelSize=[3], stride=[1], padding=same)",
    );
  });

  test("names what does not fit, at construction", () => {
    expect(() => new Conv1d(1, 8, 0)).toThrow("Conv1d: expected kernelSize in whole numbers of at least 1, got 0");
  });
});
