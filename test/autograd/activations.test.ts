import { describe, expect, test } from "vitest";
import { geluKernel, pointwise, reluKernel, sigmoidKernel, tanhKernel } from "../../src/autograd/activations.ts";
import { NdArray, tensor, Tensor, withBackend } from "../../src/autograd/index.ts";
import { given } from "../helpers/given.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";

const methods = {
  relu: { kernel: reluKernel, method: (x: Tensor) => x.relu() },
  tanh: { kernel: tanhKernel, method: (x: Tensor) => x.tanh() },
  sigmoid: { kernel: sigmoidKernel, method: (x: Tensor) => x.sigmoid() },
  gelu: { kernel: geluKernel, method: (x: Tensor) => x.gelu() },
};

/** As many that the backend in WebAssembly takes them, on both sides of 0. */
const values = tensor(Float64Array.from({ length: 4096 }, (_, i) => (i - 2048) / 256)).value;
const gradOutput = tensor(Float64Array.from({ length: 4096 }, (_, i) => Math.cos(i))).value;

describe.each(Object.entries(methods))("%s", (_, { kernel, method }) => {
  test("is computed by its kernel as by its formula, forward and backward", () => {
    const formula = new Tensor(values, true);
    const expected = withBackend("formula", () => method(formula));
    expected.backward(new Tensor(gradOutput));
    const { output, pullback } = kernel(values);
    expectClose("output", output, expected.value, EXACT);
    expectClose("gradInput", pullback(gradOutput)[0], given(formula.grad).value, EXACT);
  });

  test.each(["typescript", "wasm"] as const)("is what its kernel answers, on %s, in float32", (backend) => {
    withBackend(backend, () => {
      const x = new Tensor(values.to("float32"), true);
      const y = method(x);
      y.backward(new Tensor(gradOutput.to("float32")));
      const { output, pullback } = kernel(x.value);
      expect(y.data).toEqual(output.data);
      expect(x.grad?.data).toEqual(pullback(gradOutput.to("float32"))[0].data);
    });
  });
});

describe("pointwise", () => {
  test("makes a kernel of a function and its slope in x and y", () => {
    const { output, pullback } = pointwise(
      (x) => x * x * x,
      (x, y) => 3 * (y / x),
    )(new NdArray(Float64Array.of(1, 2), [2]));
    expect(Array.from(output.data)).toEqual([1, 8]);
    expect(Array.from(pullback(new NdArray(Float64Array.of(1, 10), [2]))[0].data)).toEqual([3, 120]);
  });
});
