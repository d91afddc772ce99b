import { describe, expect, test } from "vitest";
import { tensor } from "../../src/autograd/index.ts";
import { LogSoftmax, Softmax } from "../../src/nn/softmax.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";

interface Options {
  readonly dim: number;
}

describe.each([
  { name: "Softmax", op: "softmax", create: (dim: number) => new Softmax(dim) },
  { name: "LogSoftmax", op: "logSoftmax", create: (dim: number) => new LogSoftmax(dim) },
])("$name", ({ name, op, create }) => {
  test.each(layerCases<Options>(op))("answers PyTorch's values: $name", (entry) => {
    const layer = create(entry.options.dim);
    expectAsPyTorch(entry, (input) => layer.forward(input));
  });

  test("prints as PyTorch does", () => {
    expect(String(create(-1))).toBe(`${name}(dim=-1)`);
  });

  test("refuses a dim that is none", () => {
    expect(() => create(0.5)).toThrow(`${name}: expected dim to be a whole number, got 0.5`);
    expect(() => create(2).forward(tensor([[1, 2]]))).toThrow(RangeError);
  });
});
