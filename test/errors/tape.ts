// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** The tape: backward, grad, ops of one's own, and transforms. */
import {
  apply,
  customOp,
  grad,
  hvp,
  jvp,
  layerNorm,
  noGrad,
  ones,
  setBackend,
  tensor,
  vjp,
  withBackend,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const x = tensor([1, 2], { requiresGrad: true });
const plain = tensor([1, 2]);
const once = tensor([1, 2], { requiresGrad: true });
const used = once.square().sum();
used.backward();
const other = tensor([1, 2], { requiresGrad: true });
const replaced = tensor([1, 2], { requiresGrad: true });
const stale = replaced.square().sum();
replaced.value = replaced.value.mul(2);
/** As in an engine that has none. */
const withoutWasm = (run) => {
  const api = globalThis.WebAssembly;
  globalThis.WebAssembly = undefined;
  try {
    return run();
  } finally {
    globalThis.WebAssembly = api;
  }
};
const f = (a) => a.square().sum();
const forward = (a) => a.map((v) => 2 * v);
const double = customOp(forward, (g) => [g.map((v) => 2 * v)], { name: "double" });
const pulledBack = (pullback) => apply("double", { rule: (a) => ({ output: a.mul(2), pullback }) }, x);

export const tape: WrongCalls = {
  fixtures: { x, plain, once, used, replaced },
  rows: [
    {
      call: "x.backward()",
      run: () => x.backward(),
      kind: RangeError,
      message: "backward: expected a gradOutput for an output of more than one value, got none for shape [2]",
    },
    {
      call: "plain.sum().backward()",
      run: () => plain.sum().backward(),
      kind: Error,
      message:
        "backward: expected a tensor that requires a gradient, got tensor(3, shape [], float64): no input of it has requiresGrad, or it was detached or made in noGrad",
    },
    {
      call: "x.sum().detach().backward()",
      run: () => x.sum().detach().backward(),
      kind: Error,
      message:
        "backward: expected a tensor that requires a gradient, got tensor(3, shape [], float64): no input of it has requiresGrad, or it was detached or made in noGrad",
    },
    {
      call: "noGrad(() => x.sum()).backward()",
      run: () => noGrad(() => x.sum()).backward(),
      kind: Error,
      message:
        "backward: expected a tensor that requires a gradient, got tensor(3, shape [], float64): no input of it has requiresGrad, or it was detached or made in noGrad",
    },
    {
      call: "used.backward()",
      run: () => used.backward(),
      kind: Error,
      message:
        "backward: expected a tape that no earlier backward has consumed, got sum : [] consumed; pass { retainGraph: true } to the earlier backward",
    },
    {
      call: "used.add(x.sum()).backward()",
      run: () => used.add(x.sum()).backward(),
      kind: Error,
      message:
        "backward: expected a tape that no earlier backward has consumed, got sum : [] consumed; pass { retainGraph: true } to the earlier backward",
    },
    {
      call: "x.sum().backward({ retainGraph: true })",
      run: () => x.sum().backward({ retainGraph: true }),
      kind: TypeError,
      message: "backward: expected gradOutput, which comes before the options, to be a tensor, got an object",
    },
    {
      call: "x.sum().backward(1)",
      run: () => x.sum().backward(1),
      kind: TypeError,
      message: "backward: expected gradOutput, which comes before the options, to be a tensor, got 1",
    },
    {
      call: "x.sum().backward(null, true)",
      run: () => x.sum().backward(null, true),
      kind: TypeError,
      message: "backward: expected options as an object { retainGraph, createGraph, onRecord }, got true",
    },
    {
      call: "x.mul(2).backward([1, 1])",
      run: () => x.mul(2).backward([1, 1]),
      kind: TypeError,
      message: "backward: expected gradOutput, which comes before the options, to be a tensor, got [1, 1]",
    },
    {
      call: "x.mul(2).backward(ones([3]))",
      run: () => x.mul(2).backward(ones([3])),
      kind: RangeError,
      message: "backward: expected gradOutput of shape [2], got [3]",
    },
    {
      call: 'x.mul(2).backward(ones([2], { dtype: "float32" }))',
      run: () => x.mul(2).backward(ones([2], { dtype: "float32" })),
      kind: TypeError,
      message: "backward: expected gradOutput in float64, got float32",
    },
    {
      call: 'const loss = other.square().sum(); loss.backward(null, { onRecord: ({ name }) => name === "sum" && loss.backward() })',
      run: () => {
        const loss = other.square().sum();
        loss.backward(null, { onRecord: ({ name }) => name === "sum" && loss.backward() });
      },
      kind: Error,
      message:
        "backward: expected a tape that no earlier backward has consumed, got square : [2] consumed; pass { retainGraph: true } to the earlier backward",
    },
    {
      call: "x.mul(2).requiresGrad = false",
      run: () => (x.mul(2).requiresGrad = false),
      kind: TypeError,
      message: "requiresGrad: expected a leaf, got the output of mul; detach() it first",
    },
    {
      call: "x.mul(2).value = plain.value",
      run: () => (x.mul(2).value = plain.value),
      kind: TypeError,
      message: "value: expected a leaf, got the output of mul; detach() it first",
    },
    {
      call: "plain.retainGrad()",
      run: () => plain.retainGrad(),
      kind: Error,
      message: "retainGrad: expected a tensor that requires a gradient, got tensor([1, 2], shape [2], float64)",
    },
    {
      call: "noGrad(async () => x.sum())",
      run: () => noGrad(async () => x.sum()),
      kind: TypeError,
      message: "noGrad: expected a synchronous function, got one that returns a promise",
    },
    {
      call: "noGrad(x.sum())",
      run: () => noGrad(x.sum()),
      kind: TypeError,
      message: "noGrad: expected a function, got a Tensor",
    },
    {
      call: "grad(x.sum(), x)",
      run: () => grad(x.sum(), x),
      kind: TypeError,
      message: "grad: expected inputs in an array, got an object",
    },
    {
      call: "grad([x.sum()], [x])",
      run: () => grad([x.sum()], [x]),
      kind: TypeError,
      message: "grad: expected output to be a tensor, got [a Tensor]",
    },
    {
      call: "grad(x.sum(), [[1, 2]])",
      run: () => grad(x.sum(), [[1, 2]]),
      kind: TypeError,
      message: "grad: expected inputs[0] to be a tensor, got [1, 2]",
    },
    {
      call: "grad(x.sum(), [plain])",
      run: () => grad(x.sum(), [plain]),
      kind: Error,
      message:
        "grad: expected inputs that the output depends on, got input 0 of shape [2] that it does not (it does not require a gradient); pass { allowUnused: true } for null",
    },
    {
      call: "grad(x.sum(), [once])",
      run: () => grad(x.sum(), [once]),
      kind: Error,
      message:
        "grad: expected inputs that the output depends on, got input 0 of shape [2] that it does not; pass { allowUnused: true } for null",
    },
    {
      call: "grad(plain.sum(), [x])",
      run: () => grad(plain.sum(), [x]),
      kind: Error,
      message:
        "grad: expected a tensor that requires a gradient, got tensor(3, shape [], float64): no input of it has requiresGrad, or it was detached or made in noGrad",
    },
    {
      call: "grad(x.mul(2), [x])",
      run: () => grad(x.mul(2), [x]),
      kind: RangeError,
      message: "grad: expected a gradOutput for an output of more than one value, got none for shape [2]",
    },
    {
      call: "grad(x.mul(2), [x], { gradOutput: [1, 1] })",
      run: () => grad(x.mul(2), [x], { gradOutput: [1, 1] }),
      kind: TypeError,
      message: "grad: expected gradOutput to be a tensor, got [1, 1]",
    },
    {
      call: "grad(x.mul(2), [x], { gradOutput: ones([1]) })",
      run: () => grad(x.mul(2), [x], { gradOutput: ones([1]) }),
      kind: RangeError,
      message: "grad: expected gradOutput of shape [2], got [1]",
    },
    {
      call: "grad(x.sum(), [x], true)",
      run: () => grad(x.sum(), [x], true),
      kind: TypeError,
      message:
        "grad: expected options as an object { retainGraph, createGraph, onRecord, gradOutput, allowUnused }, got true",
    },
    {
      call: "grad(used, [once])",
      run: () => grad(used, [once]),
      kind: Error,
      message:
        "grad: expected a tape that no earlier backward has consumed, got sum : [] consumed; pass { retainGraph: true } to the earlier backward",
    },
    {
      call: "grad(stale, [replaced], { createGraph: true })",
      run: () => grad(stale, [replaced], { createGraph: true }),
      kind: Error,
      by: "square",
      message:
        "square: expected inputs as they were in the forward pass, got one whose value was replaced since; run the forward again before asking for a second derivative",
    },
    {
      call: "grad(double(x).sum(), [x], { createGraph: true })",
      run: () => grad(double(x).sum(), [x], { createGraph: true }),
      kind: Error,
      message: "double: expected an op with a rule to differentiate twice, got one with plain numbers only",
    },
    {
      call: 'apply("nothing", {}, x)',
      run: () => apply("nothing", {}, x),
      kind: TypeError,
      message: "nothing: expected an op with a rule or a kernel, got neither",
    },
    {
      call: 'apply("one", { rule: (a) => ({ output: a, pullback: (g) => [g] }) }, [1, 2])',
      run: () => apply("one", { rule: (a) => ({ output: a, pullback: (g) => [g] }) }, [1, 2]),
      kind: TypeError,
      message: "one: expected input 0 to be a tensor, got [1, 2]",
    },
    {
      call: 'apply("two", { rule: (a, b) => ({ output: a.add(b), pullback: (g) => [g, g] }) }, x, x.to("float32"))',
      run: () => apply("two", { rule: (a, b) => ({ output: a.add(b), pullback: (g) => [g, g] }) }, x, x.to("float32")),
      kind: TypeError,
      message: "two: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: "pulledBack((g) => [g, g]).sum().backward()",
      run: () =>
        pulledBack((g) => [g, g])
          .sum()
          .backward(),
      kind: RangeError,
      message: "backward: expected 1 gradients from double, one per input, got 2",
    },
    {
      call: "pulledBack((g) => [g.sum()]).sum().backward()",
      run: () =>
        pulledBack((g) => [g.sum()])
          .sum()
          .backward(),
      kind: RangeError,
      message: "backward: expected gradient 0 of double in its input's shape [2], got []",
    },
    {
      call: "customOp(forward)",
      run: () => customOp(forward),
      kind: TypeError,
      message: "customOp: expected two functions, forward and backward, got a function and undefined",
    },
    {
      call: "customOp((a) => [...a], (g) => [g])(x)",
      run: () =>
        customOp(
          (a) => [...a],
          (g) => [g],
        )(x),
      kind: TypeError,
      message: "customOp: expected the output as a Float32Array or Float64Array, got [1, 2]",
    },
    {
      call: "customOp((a) => a.slice(1), (g) => [g])(x)",
      run: () =>
        customOp(
          (a) => a.slice(1),
          (g) => [g],
        )(x),
      kind: RangeError,
      message: "customOp: expected the output of shape [2], got 1 values",
    },
    {
      call: "customOp(forward, (g) => [g.slice(1)])(x).sum().backward()",
      run: () =>
        customOp(forward, (g) => [g.slice(1)])(x)
          .sum()
          .backward(),
      kind: RangeError,
      message: "forward: expected gradient 0 of shape [2], got 1 values",
    },
    {
      call: "customOp(forward, () => [])(x).sum().backward()",
      run: () =>
        customOp(forward, () => [])(x)
          .sum()
          .backward(),
      kind: RangeError,
      message: "backward: expected 1 gradients from forward, one per input, got 0",
    },
    {
      call: "double()",
      run: () => double(),
      kind: RangeError,
      message: "double: expected at least one input, got none",
    },
    {
      call: "double([1, 2])",
      run: () => double([1, 2]),
      kind: TypeError,
      message: "double: expected input 0 to be a tensor, got [1, 2]",
    },
    {
      call: "jvp(f, [x], [])",
      run: () => jvp(f, [x], []),
      kind: RangeError,
      message: "jvp: expected 1 tangents, one per input, got 0",
    },
    {
      call: "jvp(f, x, x)",
      run: () => jvp(f, x, x),
      kind: TypeError,
      message: "jvp: expected inputs in an array, got an object",
    },
    {
      call: "jvp(f, [x], [[1, 0]])",
      run: () => jvp(f, [x], [[1, 0]]),
      kind: TypeError,
      message: "jvp: expected tangents[0] to be a tensor, got [1, 0]",
    },
    {
      call: "jvp(f, [x], [ones([3])])",
      run: () => jvp(f, [x], [ones([3])]),
      kind: RangeError,
      message: "jvp: expected tangents[0] of shape [2], got [3]",
    },
    {
      call: 'jvp(f, [x], [x.to("float32")])',
      run: () => jvp(f, [x], [x.to("float32")]),
      kind: TypeError,
      message: "jvp: expected tangents[0] in float64, got float32",
    },
    {
      call: "jvp((a) => a.add(plain), [x], [x])",
      run: () => jvp((a) => a.add(plain), [x], [x]),
      kind: TypeError,
      message: "add: expected a number or a dual number, as the formula's inputs are, got a Tensor",
    },
    {
      call: "jvp((a) => a.mul(plain), [x], [x])",
      run: () => jvp((a) => a.mul(plain), [x], [x]),
      kind: TypeError,
      message: "mul: expected a number or a dual number, as the formula's inputs are, got a Tensor",
    },
    {
      call: "jvp((a) => layerNorm(a, [2]), [x], [x])",
      run: () => jvp((a) => layerNorm(a, [2]), [x], [x]),
      kind: TypeError,
      message: "layerNorm: expected input to be a tensor, got a Dual",
    },
    {
      call: "vjp(f, x)",
      run: () => vjp(f, x),
      kind: TypeError,
      message: "vjp: expected inputs in an array, got an object",
    },
    {
      call: "vjp(f, [[1, 2]])",
      run: () => vjp(f, [[1, 2]]),
      kind: TypeError,
      message: "vjp: expected inputs[0] to be a tensor, got [1, 2]",
    },
    {
      call: "vjp(() => 1, [x])",
      run: () => vjp(() => 1, [x]),
      kind: TypeError,
      message: "vjp: expected what the function answers to be a tensor, got 1",
    },
    {
      call: "vjp((a) => a.mul(2), [x])",
      run: () => vjp((a) => a.mul(2), [x]),
      kind: RangeError,
      message: "vjp: expected a gradOutput for an output of more than one value, got none for shape [2]",
    },
    {
      call: "vjp((a) => a.mul(2), [x], ones([3]))",
      run: () => vjp((a) => a.mul(2), [x], ones([3])),
      kind: RangeError,
      message: "vjp: expected gradOutput of shape [2], got [3]",
    },
    {
      call: 'vjp((a) => a.mul(2), [x], ones([2], { dtype: "float32" }))',
      run: () => vjp((a) => a.mul(2), [x], ones([2], { dtype: "float32" })),
      kind: TypeError,
      message: "vjp: expected gradOutput in float64, got float32",
    },
    {
      call: "vjp((a) => a.mul(2), [x], [1, 1])",
      run: () => vjp((a) => a.mul(2), [x], [1, 1]),
      kind: TypeError,
      message: "vjp: expected gradOutput to be a tensor, got [1, 1]",
    },
    {
      call: "vjp(() => used, [x])",
      run: () => vjp(() => used, [x]),
      kind: Error,
      message:
        "vjp: expected a tape that no earlier backward has consumed, got sum : [] consumed; pass { retainGraph: true } to the earlier backward",
    },
    {
      call: "hvp(() => used, [x], [x])",
      run: () => hvp(() => used, [x], [x]),
      kind: Error,
      message:
        "hvp: expected a tape that no earlier backward has consumed, got sum : [] consumed; pass { retainGraph: true } to the earlier backward",
    },
    {
      call: "grad(pulledBack((g) => [g, g]).sum(), [x])",
      run: () => grad(pulledBack((g) => [g, g]).sum(), [x]),
      kind: RangeError,
      message: "grad: expected 1 gradients from double, one per input, got 2",
    },
    {
      call: "hvp((a) => a.mul(2), [x], [x])",
      run: () => hvp((a) => a.mul(2), [x], [x]),
      kind: RangeError,
      message: "hvp: expected a function that answers one value, got shape [2]",
    },
    {
      call: "hvp(f, [x], x)",
      run: () => hvp(f, [x], x),
      kind: TypeError,
      message: "hvp: expected vectors in an array, got an object",
    },
    {
      call: "hvp(f, [x], [ones([3])])",
      run: () => hvp(f, [x], [ones([3])]),
      kind: RangeError,
      message: "hvp: expected vectors[0] of shape [2], got [3]",
    },
    {
      call: 'hvp(f, [x], [x.to("float32")])',
      run: () => hvp(f, [x], [x.to("float32")]),
      kind: TypeError,
      message: "hvp: expected vectors[0] in float64, got float32",
    },
    {
      call: 'setBackend("webgpu")',
      run: () => setBackend("webgpu"),
      kind: TypeError,
      message: 'setBackend: expected "formula", "typescript" or "wasm", got "webgpu"',
    },
    {
      call: "withBackend(null, () => x.sum())",
      run: () => withBackend(null, () => x.sum()),
      kind: TypeError,
      message: 'withBackend: expected "formula", "typescript" or "wasm", got null',
    },
    {
      call: 'withoutWasm(() => setBackend("wasm"))',
      by: "setBackend",
      run: () => withoutWasm(() => setBackend("wasm")),
      kind: RangeError,
      message: 'setBackend: expected a backend that is available, "formula" or "typescript", got "wasm"',
    },
    {
      call: 'withBackend("formula", x.sum())',
      run: () => withBackend("formula", x.sum()),
      kind: TypeError,
      message: "withBackend: expected a function, got a Tensor",
    },
    {
      call: 'withBackend("formula", async () => x.sum())',
      run: () => withBackend("formula", async () => x.sum()),
      kind: TypeError,
      message: "withBackend: expected a synchronous function, got one that returns a promise",
    },
  ],
};
