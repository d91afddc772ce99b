import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { apply, grad, NdArray, Num, Tensor, tensor } from "../../src/autograd/index.ts";
import { holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import {
  EXACT,
  expectAdjointLaw,
  expectBackwardIsDifferences,
  expectClose,
  expectSecondOrderIsForwardOverForward,
  expectSecondOrderIsForwardOverReverse,
} from "../helpers/laws.ts";
import type { OpOnTensors } from "../helpers/laws.ts";
import { directed, ops } from "../helpers/opCases.ts";
import type { DirectedCase } from "../helpers/opCases.ts";
import type { OpCase } from "../helpers/opDraws.ts";
import { breaks } from "../helpers/planted.ts";

const RUNS = 40;
const names = Object.keys(ops);
const drawsOf = (name: string): ReturnType<typeof directed> => directed(given(ops[name]));

// ── The laws, each with the op to judge as an argument ────────────────────────────────────────────────────────────────

const backwardIsDifferences =
  (opOf: (drawn: OpCase) => OpOnTensors) =>
  (drawn: DirectedCase): void =>
    expectBackwardIsDifferences(opOf(drawn), drawn.inputs, drawn.gradOutput);

const adjoint =
  (opOf: (drawn: OpCase) => OpOnTensors) =>
  (drawn: DirectedCase): void =>
    expectAdjointLaw(opOf(drawn), drawn.f, drawn.inputs, drawn.tangents, drawn.gradOutput);

const forwardOverForward =
  (opOf: (drawn: OpCase) => OpOnTensors) =>
  (drawn: DirectedCase): void =>
    expectSecondOrderIsForwardOverForward(
      opOf(drawn),
      drawn.f,
      drawn.inputs,
      drawn.tangents,
      drawn.others,
      drawn.gradOutput,
    );

const forwardOverReverse =
  (opOf: (drawn: OpCase) => OpOnTensors) =>
  (drawn: DirectedCase): void => {
    const { trace, inputs, tangents, gradOutput, gradOutputTangent, others } = drawn;
    if (!trace) return;
    expectSecondOrderIsForwardOverReverse(opOf(drawn), trace, inputs, tangents, gradOutput, gradOutputTangent, others);
  };

const tensorOp = (drawn: OpCase): OpOnTensors => drawn.f<Tensor>;

describe("rules", () => {
  test.each(names)("the backward of %s is that of finite differences", (name) => {
    holds(drawsOf(name), backwardIsDifferences(tensorOp), RUNS);
  });

  test.each(names)("⟨g, J·v⟩ = ⟨Jᵀ·g, v⟩ for %s", (name) => {
    holds(drawsOf(name), adjoint(tensorOp), RUNS);
  });

  test.each(names)("the second derivative of %s is that of dual numbers of dual numbers", (name) => {
    holds(drawsOf(name), forwardOverForward(tensorOp), RUNS);
  });

  test.each(names)("the tape of the backward of %s is what dual numbers carry through its pullback", (name) => {
    holds(drawsOf(name), forwardOverReverse(tensorOp), RUNS);
  });

  // Ops without a rule of their own are selections or compositions; if this list grows, a rule has lost its test.
  test("the ops whose pullback is tested by dual numbers are all that have a rule", () => {
    const without = names.filter((name) => {
      let found = false;
      holds(given(ops[name]), ({ trace }) => void (found ||= trace !== undefined), RUNS);
      return !found;
    });
    expect(without).toEqual([
      "sub a number",
      "relu",
      "max",
      "min",
      "transpose",
      "sumTo",
      "stack",
      "slice",
      "indexSelect",
      "select",
      "pad",
    ]);
  });
});

// ── Planted errors ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The right value, and gradients that are 1e-5 too large everywhere. */
const gradientOff = ({ f }: OpCase): OpOnTensors => {
  const kernel = (...inputs: readonly NdArray[]): { output: NdArray; pullback: (g: NdArray) => NdArray[] } => ({
    output: f(inputs),
    pullback: (g) => {
      const leaves = inputs.map((input) => new Tensor(input, true));
      const gradients = grad(f(leaves), leaves, { gradOutput: new Tensor(g), allowUnused: true });
      return gradients.map((gradient, i) => (gradient?.value ?? given(inputs[i]).mul(0)).add(1e-5));
    },
  });
  return (inputs) => apply("planted", { kernel }, ...inputs);
};

/** A little too much curvature. */
const curvatureOff =
  ({ f }: OpCase): OpOnTensors =>
  (inputs) =>
    inputs.reduce((sum, input) => sum.add(input.square().sum().mul(1e-6)), f(inputs));

/** A pullback that takes half of the incoming gradient as a constant: half of its derivative by it is lost. */
const gradOutputHalfDetached =
  ({ trace, f }: OpCase): OpOnTensors =>
  (inputs) => {
    if (!trace) return f(inputs);
    const rule = <A extends Num<A>>(...arrays: readonly A[]): ReturnType<typeof trace<A>> => {
      const { output, pullback } = trace(arrays);
      return { output, pullback: (g: A) => pullback(g.add(g.detach()).mul(0.5)) };
    };
    return apply("planted", { rule }, ...inputs);
  };

/** Saved values taken as constants: the second derivative by the inputs is lost. */
const savedDetached =
  ({ trace, f }: OpCase): OpOnTensors =>
  (inputs) => {
    if (!trace) return f(inputs);
    const rule = <A extends Num<A>>(...arrays: readonly A[]): ReturnType<typeof trace<A>> => ({
      output: trace(arrays).output,
      pullback: trace(arrays.map((array) => array.detach())).pullback,
    });
    return apply("planted", { rule }, ...inputs);
  };

describe("the laws of the rules", () => {
  test.each(names)("differences find a gradient of %s that is 1e-5 off", (name) => {
    breaks(drawsOf(name), backwardIsDifferences(gradientOff), /against differences/, RUNS);
  });

  test.each(names)("the adjoint law finds a gradient of %s that is 1e-5 off", (name) => {
    breaks(drawsOf(name), adjoint(gradientOff), /adjoint law/, RUNS);
  });

  test.each(names)("dual numbers of dual numbers find a curvature of %s that is 1e-6 off", (name) => {
    breaks(drawsOf(name), forwardOverForward(curvatureOff), /second order/, RUNS);
  });

  test.each(["mul", "exp", "mean", "center", "reshape", "concat", "matmul"])(
    "forward over reverse finds a backward of %s that takes half of gradOutput as a constant",
    (name) => breaks(drawsOf(name), forwardOverReverse(gradOutputHalfDetached), /second order/, RUNS),
  );

  test.each(["mul", "div", "pow 3", "rsqrt", "erf", "gelu", "variance", "softmax", "logSoftmax", "matmul"])(
    "forward over reverse finds a backward of %s that saved its values as constants",
    (name) => breaks(drawsOf(name), forwardOverReverse(savedDetached), /second order/, RUNS),
  );
});

// ── Recorded ops against the compositions that they override ──────────────────────────────────────────────────────────

/** What `Num` derives, run on a tensor although `Tensor` overrides it. */
const derived: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  sub: (x) => Num.prototype.sub.call(x, x.exp()),
  "sub a number": (x) => Num.prototype.sub.call(x, 0.7),
  neg: (x) => Num.prototype.neg.call(x),
  square: (x) => Num.prototype.square.call(x),
  sqrt: (x) => Num.prototype.sqrt.call(x.exp()),
  rsqrt: (x) => Num.prototype.rsqrt.call(x.exp()),
  sigmoid: (x) => Num.prototype.sigmoid.call(x),
  gelu: (x) => Num.prototype.gelu.call(x),
  abs: (x) => Num.prototype.abs.call(x),
  clamp: (x) => Num.prototype.clamp.call(x, -0.5, 1.25),
  variance: (x) => Num.prototype.variance.call(x, [0]),
  softmax: (x) => Num.prototype.softmax.call(x, 1),
  logSoftmax: (x) => Num.prototype.logSoftmax.call(x, 1),
};
const recorded: typeof derived = {
  sub: (x) => x.sub(x.exp()),
  "sub a number": (x) => x.sub(0.7),
  neg: (x) => x.neg(),
  square: (x) => x.square(),
  sqrt: (x) => x.exp().sqrt(),
  rsqrt: (x) => x.exp().rsqrt(),
  sigmoid: (x) => x.sigmoid(),
  gelu: (x) => x.gelu(),
  abs: (x) => x.abs(),
  clamp: (x) => x.clamp(-0.5, 1.25),
  variance: (x) => x.variance([0]),
  softmax: (x) => x.softmax(1),
  logSoftmax: (x) => x.logSoftmax(1),
};

describe("a recorded op", () => {
  const data = [
    [0.3, -1.2, 2.7],
    [-0.8, 0.4, 1.1],
  ];
  const weights = tensor([
    [1.5, -0.25, 0.75],
    [2, 0.5, -1],
  ]);
  /** Value, gradient and gradient of the gradient's norm. */
  const derivatives = (f: (x: Tensor) => Tensor): NdArray[] => {
    const x = tensor(data, { requiresGrad: true });
    const y = f(x);
    const [first] = grad(y.mul(y.ndim === 2 ? weights : 1).sum(), [x], { createGraph: true });
    const slope = given(first);
    const [second] = slope.requiresGrad ? grad(slope.square().sum(), [x]) : [x.mul(0)];
    return [y.value, slope.value, given(second).value];
  };
  const expectSame = (a: (x: Tensor) => Tensor, b: (x: Tensor) => Tensor): void =>
    derivatives(a).forEach((array, i) => expectClose(`order ${i}`, array, given(derivatives(b)[i]), 1e-13));

  test.each(Object.keys(derived))("%s is the composition of Num, with its derivatives", (name) => {
    expectSame(given(recorded[name]), given(derived[name]));
  });

  test("is another op than its neighbours: the comparison would notice", () => {
    expect(() => expectSame(given(recorded.softmax), given(derived.logSoftmax))).toThrow("order 0");
    expect(() =>
      expectSame(
        (x) => x.square(),
        (x) => x.mul(x.detach()),
      ),
    ).toThrow("order 1");
    expect(() =>
      expectSame(
        (x) => x.pow(3),
        (x) =>
          x
            .pow(3)
            .detach()
            .add(x.sub(x.detach()).mul(x.square().detach().mul(3))),
      ),
    ).toThrow("order 2");
  });
});

// ── PyTorch's numbers ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Encoded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface PyTorchArgs {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly correction: number;
  readonly dim: number;
  readonly dim0: number;
  readonly dim1: number;
  readonly exponent: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly shape: readonly number[];
  readonly pad: readonly number[];
  readonly value: number;
  readonly slices: readonly (readonly (number | null)[] | null)[];
  readonly index: Encoded;
}
interface PyTorchCase {
  readonly op: string;
  readonly name: string;
  readonly args: PyTorchArgs;
  readonly inputs: readonly Encoded[];
  readonly gradOutput: Encoded;
  readonly output: Encoded;
  readonly grads: readonly Encoded[];
}

const decoded = ({ shape, data }: Encoded): NdArray => new NdArray(Float64Array.from(data), shape);

const asPyTorch: Readonly<Record<string, (args: PyTorchArgs, x: Tensor, ...others: readonly Tensor[]) => Tensor>> = {
  neg: (_, x) => x.neg(),
  abs: (_, x) => x.abs(),
  square: (_, x) => x.square(),
  exp: (_, x) => x.exp(),
  tanh: (_, x) => x.tanh(),
  sigmoid: (_, x) => x.sigmoid(),
  erf: (_, x) => x.erf(),
  gelu: (_, x) => x.gelu(),
  relu: (_, x) => x.relu(),
  reciprocal: (_, x) => x.pow(-1),
  log: (_, x) => x.log(),
  sqrt: (_, x) => x.sqrt(),
  rsqrt: (_, x) => x.rsqrt(),
  clamp: ({ min, max }, x) => x.clamp(min ?? -Infinity, max ?? Infinity),
  add: (_, x, y) => x.add(given(y)),
  sub: (_, x, y) => x.sub(given(y)),
  mul: (_, x, y) => x.mul(given(y)),
  div: (_, x, y) => x.div(given(y)),
  matmul: (_, x, y) => x.matmul(given(y)),
  sum: ({ dims, keepdim }, x) => x.sum(dims, keepdim),
  mean: ({ dims, keepdim }, x) => x.mean(dims, keepdim),
  var: ({ dims, keepdim, correction }, x) => x.variance(dims, { correction, keepdim }),
  max: ({ dim, keepdim }, x) => x.max([dim], keepdim),
  min: ({ dim, keepdim }, x) => x.min([dim], keepdim),
  logsumexp: ({ dims, keepdim }, x) => {
    const largest = x.max(dims, true).detach();
    const sum = x.sub(largest).exp().sum(dims, true).log().add(largest);
    return keepdim ? sum : sum.sum(dims);
  },
  slice: ({ slices }, x) =>
    slices.reduce<Tensor>(
      (y, part, dim) => (part ? y.slice(dim, part[0] ?? 0, part[1] ?? Infinity, part[2] ?? 1) : y),
      x,
    ),
  pad: ({ pad, value }, x) => x.sub(value).pad(pad).add(value),
  stack: ({ dim }, x, ...others) => x.stack(others, dim),
  cat: ({ dim }, x, ...others) => x.concat(others, dim),
  permute: ({ dims }, x) => x.permute(dims),
  transpose: ({ dim0, dim1 }, x) => x.transpose(dim0, dim1),
  reshape: ({ shape }, x) => x.reshape(shape),
  expand: ({ shape }, x) => x.expand(shape.map((size, dim) => (size === -1 ? given(x.shape[dim]) : size))),
  indexSelect: ({ dim, index }, x) => x.indexSelect(dim, index.data),
};

describe("PyTorch's values", () => {
  const { cases }: { readonly cases: readonly PyTorchCase[] } = JSON.parse(
    readFileSync(new URL("../pytorch/ops.json", import.meta.url), "utf8"),
  );
  const ours = cases.flatMap((entry) => {
    const op = entry.op === "pow" && entry.inputs.length === 1 ? powNumber : asPyTorch[entry.op];
    return op ? [{ ...entry, run: op }] : [];
  });
  function powNumber({ exponent }: PyTorchArgs, x: Tensor): Tensor {
    return x.pow(exponent);
  }

  test.each(ours)(
    "$name: the output and the gradients are PyTorch's",
    ({ args, inputs, gradOutput, output, grads, run }) => {
      const leaves = inputs.map((input) => new Tensor(decoded(input), true));
      const [first, ...others] = leaves;
      const answer = run(args, given(first), ...others);
      expectClose("output", answer.value, decoded(output), 1e-13);
      const gradients = grad(answer, leaves, { gradOutput: new Tensor(decoded(gradOutput)) });
      gradients.forEach((gradient, i) => expectClose(`gradient ${i}`, gradient.value, decoded(given(grads[i])), 1e-13));
    },
  );

  test("there is an op for each of the file's but those that this library does not have", () => {
    const missing = new Set(cases.map((entry) => entry.op).filter((op) => op !== "pow" && !asPyTorch[op]));
    expect([...missing].toSorted()).toEqual([
      "amax",
      "amin",
      "expm1",
      "gather",
      "log1p",
      "maximum",
      "minimum",
      "where",
    ]);
    expect(ours.length).toBeGreaterThan(110);
  });
});

// ── Edges ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

describe("gradients at the edges", () => {
  const gradientOf = (f: (x: Tensor) => Tensor, at: readonly number[], gradOutput: readonly number[]): number[] => {
    const x = tensor(at, { requiresGrad: true });
    const [gradient] = grad(f(x), [x], { gradOutput: tensor(gradOutput) });
    return Array.from(given(gradient).data, (value) => value + 0); // −0 is 0
  };

  test("an infinite gradient stays out of cells that relu, clamp and max have cut", () => {
    expect(gradientOf((x) => x.relu(), [-1, 0, 2], [Infinity, Infinity, Infinity])).toEqual([0, 0, Infinity]);
    expect(gradientOf((x) => x.clamp(0, 1), [-1, 0.5, 2], [Infinity, 3, -Infinity])).toEqual([0, 3, 0]);
    expect(gradientOf((x) => x.max([0], true), [1, 3, 2], [Infinity])).toEqual([0, Infinity, 0]);
    expect(gradientOf((x) => x.take(Int32Array.of(-1, 1)), [1, 2], [Infinity, 5])).toEqual([0, 5]);
  });

  test("an infinite gradient goes through tanh as it does through its slope", () => {
    expect(gradientOf((x) => x.tanh(), [0.5, 0], [Infinity, -Infinity])).toEqual([Infinity, -Infinity]);
  });

  test("the derivative of abs and of relu at 0 is 0, that of clamp on its bounds 1", () => {
    expect(gradientOf((x) => x.abs(), [0, -0, -2], [3, 3, 3])).toEqual([0, 0, -3]);
    expect(gradientOf((x) => x.relu(), [0, 1], [3, 3])).toEqual([0, 3]);
    expect(gradientOf((x) => x.clamp(-1, 1), [-1, 1, 1.01], [3, 3, 3])).toEqual([3, 3, 0]);
  });

  test("the gradient of max and min goes to the first of equal values", () => {
    expect(gradientOf((x) => x.max([0], true), [2, 5, 5], [7])).toEqual([0, 7, 0]);
    expect(gradientOf((x) => x.min([0], true), [5, 2, 2], [7])).toEqual([0, 7, 0]);
    expect(gradientOf((x) => x.max([0], true), [2, NaN, 5], [7])).toEqual([0, 7, 0]);
  });

  test("rsqrtOrZero has derivative 0 at 0, at second order too", () => {
    const x = tensor([0, 4], { requiresGrad: true });
    const [first] = grad(x.rsqrtOrZero().sum(), [x], { createGraph: true });
    expect([...given(first).data]).toEqual([-0, -1 / 16]);
    const [second] = grad(given(first).sum(), [x]);
    expect(given(second).data[0]).toBeCloseTo(0, 15);
    expect(given(second).data[1]).toBeCloseTo(0.75 * 4 ** -2.5, 15);
  });

  test("powers at 0 have the derivative that x·x·… has", () => {
    expect(gradientOf((x) => x.pow(0), [0, -2], [1, 1])).toEqual([0, 0]);
    expect(gradientOf((x) => x.pow(1), [0, -2], [1, 1])).toEqual([1, 1]);
    expect(gradientOf((x) => x.pow(2), [0, -2], [1, 1])).toEqual([0, -4]);
    expect(gradientOf((x) => x.pow(3), [0, -2], [1, 1])).toEqual([0, 12]);
  });

  test.each([-1, 0, 1, 2, 3, 0.5])("three derivatives of x^%d are p (p−1) (p−2) x^(p−3)", (p) => {
    const x = tensor([1.5, 0.25], { requiresGrad: true });
    let y = x.pow(p);
    let expected = x.value.pow(p);
    for (let order = 0; order < 3; order++) {
      expected = x.value.pow(p - order - 1).mul(given([p, p * (p - 1), p * (p - 1) * (p - 2)][order]));
      const [slope] = y.requiresGrad ? grad(y.sum(), [x], { createGraph: true, allowUnused: true }) : [null];
      y = slope ?? x.detach().mul(0);
      expectClose(`order ${order + 1}`, y.value, expected, EXACT);
    }
  });

  test("sigmoid, tanh, softmax and logSoftmax at ±800 have finite values and gradients", () => {
    const far = [-800, 800];
    expect([...tensor(far).sigmoid().data]).toEqual([0, 1]);
    expect(gradientOf((x) => x.sigmoid(), far, [1, 1])).toEqual([0, 0]);
    expect(gradientOf((x) => x.tanh(), far, [1, 1])).toEqual([0, 0]);
    expect([...tensor(far).softmax(0).data]).toEqual([0, 1]);
    expect(gradientOf((x) => x.softmax(0), far, [1, 2])).toEqual([0, 0]);
    expect([...tensor(far).logSoftmax(0).data]).toEqual([-1600, 0]);
    expect(gradientOf((x) => x.logSoftmax(0), far, [1, 0])).toEqual([1, -1]);
  });

  test("a variance of no more values than its correction has no finite gradient", () => {
    expect(gradientOf((x) => x.variance([0], { keepdim: true }), [3], [1])).toEqual([NaN]);
    expect(gradientOf((x) => x.variance([0], { correction: 2, keepdim: true }), [3, 5], [1])).toEqual([
      -Infinity,
      Infinity,
    ]);
  });
});
