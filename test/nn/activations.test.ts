import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { geluKernel, reluKernel, sigmoidKernel, tanhKernel } from "../../src/autograd/activations.ts";
import { NdArray, printTape, tensor, Tensor, withBackend, zeros } from "../../src/autograd/index.ts";
import type { Kernel, Num, Rule } from "../../src/autograd/index.ts";
import * as rules from "../../src/autograd/rules.ts";
import {
  GELU,
  gelu,
  geluTanhKernel,
  geluTanhRule,
  Identity,
  ReLU,
  relu,
  Sigmoid,
  sigmoid,
  Tanh,
  tanh,
} from "../../src/nn/activations.ts";
import { holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectAsPyTorch, layerCases } from "../helpers/layerFixture.ts";
import { drawsFor, expectKernelIsRule, expectLayerLaws } from "../helpers/layerLaws.ts";
import type { OpCase } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";

interface Activation {
  readonly name: string;
  readonly op: (input: Tensor) => Tensor;
  readonly rule: Rule<readonly [Tensor]>;
  readonly kernel: Kernel<readonly [Tensor]>;
  readonly method: (input: Tensor) => Tensor;
}

const geluTanh = (input: Tensor): Tensor => gelu(input, { approximate: "tanh" });

/** The definition of GELU's approximation, operation by operation on the tape. */
const geluTanhByOperations = (x: Tensor): Tensor =>
  x
    .mul(
      x
        .pow(3)
        .mul(0.044715)
        .add(x)
        .mul(Math.sqrt(2 / Math.PI))
        .tanh()
        .add(1),
    )
    .mul(0.5);

const activations: readonly Activation[] = [
  { name: "relu", op: relu, rule: rules.relu, kernel: reluKernel, method: (x) => x.relu() },
  { name: "gelu", op: gelu, rule: rules.gelu, kernel: geluKernel, method: (x) => x.gelu() },
  { name: "gelu, tanh", op: geluTanh, rule: geluTanhRule, kernel: geluTanhKernel, method: geluTanhByOperations },
  { name: "tanh", op: tanh, rule: rules.tanh, kernel: tanhKernel, method: (x) => x.tanh() },
  { name: "sigmoid", op: sigmoid, rule: rules.sigmoid, kernel: sigmoidKernel, method: (x) => x.sigmoid() },
];

/** Far out on both sides, around 0 and at it. */
const extremes = [-800, -37.5, -8.5, -1, -1e-5, -1e-300, 0, 1e-300, 2e-5, 0.3, 4.9, 19.5, 800];

describe.each(activations)("$name", ({ op, rule, kernel, method }) => {
  const caseOf = (shape: readonly number[]): OpCase => ({
    shapes: [shape],
    op: ([x]) => op(given(x)),
    rule: <A extends Num<A>>([x]: readonly A[]) => rule<A>(given(x)),
    kernel: ([x]) => kernel(given(x)),
  });

  test("has the derivatives of finite differences and of dual numbers, at first and second order, in kernel and rule", () => {
    // No value is drawn within 0.1 of 0, where relu has its kink.
    const drawn = shapes({ maxDims: 3, maxSize: 3 }).chain((shape) =>
      fc.tuple(fc.constant(shape), drawsFor(caseOf(shape))),
    );
    holds(drawn, ([shape, draw]) => expectLayerLaws(caseOf(shape), draw), 30);
  });

  test("is what the engine's operations answer, with their gradient, as formulas", () => {
    const values = tensor(extremes);
    const [x, same] = [new Tensor(values.value, true), new Tensor(values.value, true)];
    const [y, expected] = [op(x), withBackend("formula", () => method(same))];
    expectClose("output", y.value, expected.value, EXACT);
    y.backward(values.sub(0.25));
    expected.backward(values.sub(0.25));
    expectClose("gradient", given(x.grad).value, given(same.grad).value, EXACT);
  });

  test("has a kernel that is the rule for extreme numbers", () => {
    const inputs = [tensor(extremes).value];
    const { rule: traced } = caseOf([extremes.length]);
    expectKernelIsRule(([x]) => kernel(given(x)), traced, { inputs, gradOutput: given(inputs[0]) });
  });

  test("lets NaN through, keeps float32 and takes an empty array", () => {
    expect(op(tensor([NaN])).item()).toBeNaN();
    expect(op(tensor(Float32Array.of(1.5))).dtype).toBe("float32");
    expect(op(zeros([0, 3])).shape).toEqual([0, 3]);
  });

  test("is one record of the tape", () => {
    expect(printTape(op(zeros([2], { requiresGrad: true }))).split("\n")).toHaveLength(1);
  });
});

describe("PyTorch's values", () => {
  const ops = { relu, gelu, tanh, sigmoid };
  for (const [name, op] of Object.entries(ops)) {
    test.each(layerCases(name))("$name", (entry) => {
      expectAsPyTorch(entry, (input) => op(input));
    });
  }
});

describe("relu", () => {
  test("has the derivative 0 at 0, and no NaN where an infinite gradient meets a negative value", () => {
    const x = tensor([-2, -0, 0, 3], { requiresGrad: true });
    relu(x).backward(tensor([Infinity, 5, 5, 5]));
    expect(x.grad?.toArray()).toEqual([0, 0, 0, 5]);
  });
});

describe("gelu", () => {
  test("is close to its approximation, and not the same", () => {
    const x = tensor(Float64Array.from({ length: 81 }, (_, i) => (i - 40) / 10));
    const error = gelu(x).sub(geluTanh(x)).abs().max().item();
    expect(error).toBeLessThan(5e-4);
    expect(error).toBeGreaterThan(1e-4);
  });

  test("prints its approximation on the tape", () => {
    expect(printTape(geluTanh(zeros([2], { requiresGrad: true })))).toBe("%1 = gelu(leaf[2]; approximate tanh) : [2]");
  });

  test("refuses another approximation", () => {
    const options: { approximate: "tanh" } = JSON.parse('{ "approximate": "sigmoid" }');
    expect(() => gelu(zeros([2]), options)).toThrow('gelu: expected approximate "none" or "tanh", got sigmoid');
    expect(() => new GELU(options)).toThrow(TypeError);
  });
});

describe("the modules", () => {
  test.each([
    { module: new ReLU(), op: relu, printed: "ReLU()" },
    { module: new GELU(), op: gelu, printed: 'GELU(approximate="none")' },
    { module: new GELU({ approximate: "tanh" }), op: geluTanh, printed: 'GELU(approximate="tanh")' },
    { module: new Tanh(), op: tanh, printed: "Tanh()" },
    { module: new Sigmoid(), op: sigmoid, printed: "Sigmoid()" },
    { module: new Identity(), op: (x: Tensor): Tensor => x, printed: "Identity()" },
  ])("$printed computes its function and prints as PyTorch does", ({ module, op, printed }) => {
    const x = new Tensor(new NdArray(Float64Array.of(-1.5, 0.5, 2), [3]));
    expect(module.forward(x).toArray()).toEqual(op(x).toArray());
    expect(String(module)).toBe(printed);
    expect(module.parameters()).toEqual([]);
  });
});
