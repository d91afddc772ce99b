import { describe, expect, test } from "vitest";
import { apply, Buffer, Module, Parameter, printTape, tensor, zeros } from "../../src/autograd/index.ts";
import type { Rule, Tensor } from "../../src/autograd/index.ts";

const leaf = (data: readonly number[]): Tensor => tensor(data, { requiresGrad: true });

describe("printTape", () => {
  class Scale extends Module {
    readonly weight = new Parameter(tensor([2, 3]));
    readonly offset = new Buffer(tensor([1, 1]));
    override forward(input: Tensor): Tensor {
      return input.mul(this.weight).add(this.offset);
    }
  }
  class Net extends Module {
    readonly first = new Scale();
    readonly rest = [new Scale()];
    override forward(input: Tensor): Tensor {
      return this.rest.reduce((x, layer) => layer.forward(x), this.first.forward(input)).sum();
    }
  }

  test("names parameters as their module does, and the other leaves by what they are", () => {
    const net = new Net();
    expect(printTape(net.forward(zeros([4, 2])), { names: net })).toBe(
      [
        "%1 = mul(input[4,2], first.weight[2]) : [4,2]",
        "%2 = add(%1, input1[2]) : [4,2]",
        "%3 = mul(%2, rest.0.weight[2]) : [4,2]",
        "%4 = add(%3, input2[2]) : [4,2]",
        "%5 = sum(%4) : []",
      ].join("\n"),
    );
  });

  test("names leaves as an object does, and counts those without a name", () => {
    const [x, w, b, c] = [leaf([1, 2]), leaf([3]), leaf([4]), tensor([5])];
    const y = x
      .mul(w)
      .add(b)
      .sub(c)
      .mul(b)
      .add(x)
      .div(tensor([6]));
    expect(printTape(y, { names: { x } })).toBe(
      [
        "%1 = mul(x[2], leaf[1]) : [2]",
        "%2 = add(%1, leaf1[1]) : [2]",
        "%3 = sub(%2, input[1]) : [2]",
        "%4 = mul(%3, leaf1[1]) : [2]",
        "%5 = add(%4, x[2]) : [2]",
        "%6 = div(%5, input1[1]) : [2]",
      ].join("\n"),
    );
  });

  test("takes an object for no module, whatever its names are", () => {
    const x = leaf([1]);
    expect(printTape(x.exp(), { names: { namedParameters: x } })).toBe("%1 = exp(namedParameters[1]) : [1]");
  });

  test("shows options after the inputs, and none that is left out", () => {
    const x = zeros([2, 3], { requiresGrad: true });
    const y = x.sum([-1], true).mean().add(1e-5).mul(-2).clamp(0, 1);
    expect(printTape(y, { names: { x } })).toBe(
      [
        "%1 = sum(x[2,3]; dims [-1], keepdim true) : [2,1]",
        "%2 = mean(%1) : []",
        "%3 = add(%2; other 1e-5) : []",
        "%4 = mul(%3; other -2) : []",
        "%5 = clamp(%4; min 0, max 1) : []",
      ].join("\n"),
    );
    expect(printTape(x.max([0]).slice(0, 1).pad([1, 0]).softmax(0), { names: { x } })).toBe(
      [
        "%1 = max(x[2,3]; dims [0]) : [3]",
        "%2 = slice(%1; dim 0, start 1, end Infinity, step 1) : [2]",
        "%3 = pad(%2; amounts [1, 0]) : [3]",
        "%4 = softmax(%3; dim 0) : [3]",
      ].join("\n"),
    );
    expect(printTape(x.variance([1], { keepdim: true }).variance(), { names: { x } })).toBe(
      "%1 = variance(x[2,3]; dims [1], keepdim true, correction 1) : [2,1]\n%2 = variance(%1; correction 1) : []",
    );
    expect(printTape(x.max().add(x.min([1], true)), { names: { x } })).toBe(
      "%1 = max(x[2,3]) : []\n%2 = min(x[2,3]; dims [1], keepdim true) : [2,1]\n%3 = add(%1, %2) : [2,1]",
    );
  });

  test("shows an index as an input, with its length", () => {
    const x = leaf([1, 2]);
    expect(printTape(x.take(Int32Array.of(0, 1, -1)).putAdd(Int32Array.of(0, 0, 1), 2), { names: { x } })).toBe(
      "%1 = take(x[2], index[3]) : [3]\n%2 = putAdd(%1, index[3]; length 2) : [2]",
    );
    const rule: Rule<readonly [Tensor]> = (input) => ({ output: input, pullback: (g) => [g] });
    const attributes = { labels: new Uint8Array(4), weights: new Float64Array(3), reduction: "mean", mask: null };
    const labelled = apply("loss", { rule, attributes }, x);
    expect(printTape(labelled, { names: { x } })).toBe("%1 = loss(x[2], labels[4], weights[3]; reduction mean) : [2]");
  });

  test("leaves out an optional input that is null", () => {
    const rule: Rule<readonly [Tensor, Tensor | null]> = (x) => ({ output: x, pullback: (g) => [g, null] });
    expect(printTape(apply("shift", { rule }, leaf([1]), null))).toBe("%1 = shift(leaf[1]) : [1]");
  });

  test("says that a tape is consumed, by itself or below what came later", () => {
    const x = leaf([1, 2]);
    const y = x.square().sum([0]);
    y.backward();
    expect(printTape(y)).toBe("%1 = sum(consumed; dims [0]) : []");
    expect(printTape(y.mul(2))).toBe("%1 = sum(consumed; dims [0]) : []\n%2 = mul(%1; other 2) : []");
  });

  test("of a leaf is empty", () => {
    expect(printTape(leaf([1]))).toBe("");
  });
});
