// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** The verifier: specs, options and functions that it cannot work with. */
import fc from "fast-check";
import { checkOp, FieldArray, generators, gradcheck, gradgradcheck, OpFault, real } from "../../src/gradcheck/index.ts";
import { ones, setDefaultDtype, tensor } from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const x = tensor([1, 2], { requiresGrad: true });
const sizes = { dims: { n: [2, 3] }, inputs: ({ n }) => ({ x: [n] }) };
const square = { ...sizes, forward: ({ x }) => x.mul(x) };
const twice = { ...sizes, forward: ({ x }) => x.mul(2), backward: (g) => ({ x: g.map((v) => 2 * v) }) };
const plain = { ...sizes, plainForward: ({ x }) => x.map((v) => 2 * v), backward: twice.backward };

/** Its first answer is wrong, all others are right. */
const once = () => {
  let calls = 0;
  return { ...twice, backward: (g) => ({ x: g.map((v) => (calls++ < 8 ? 3 : 2) * v) }) };
};

/** No two answers are alike. */
const noisy = () => {
  let calls = 0;
  return { ...plain, plainForward: ({ x }) => x.map((v) => v + 0.5 * calls++) };
};

export const verifier: WrongCalls = {
  fixtures: { x },
  rows: [
    {
      call: 'checkOp("", twice)',
      run: () => checkOp("", twice),
      kind: OpFault,
      message: 'checkOp: expected the name of an op, got ""',
    },
    {
      call: 'checkOp("twice", null)',
      run: () => checkOp("twice", null),
      kind: OpFault,
      message: "twice: expected a spec as an object { dims, inputs, forward, backward }, got null",
    },
    {
      call: 'checkOp("twice", twice, 100)',
      run: () => checkOp("twice", twice, 100),
      kind: OpFault,
      message: "twice: expected options as an object { name: value }, got 100",
    },
    {
      call: 'checkOp("twice", { ...twice, backwards: twice.backward })',
      run: () => checkOp("twice", { ...twice, backwards: twice.backward }),
      kind: OpFault,
      message:
        "twice: expected a spec of dims, params, where, dtypes, inputs, forward, plainForward, backward, formulaBackward, op, got backwards",
    },
    {
      call: 'checkOp("twice", { ...sizes, backward: twice.backward })',
      run: () => checkOp("twice", { ...sizes, backward: twice.backward }),
      kind: OpFault,
      message: "twice: expected one of forward and plainForward, got neither",
    },
    {
      call: 'checkOp("twice", { ...twice, plainForward: plain.plainForward })',
      run: () => checkOp("twice", { ...twice, plainForward: plain.plainForward }),
      kind: OpFault,
      message: "twice: expected one of forward and plainForward, got forward and plainForward",
    },
    {
      call: 'checkOp("twice", { ...square })',
      run: () => checkOp("twice", { ...square }),
      kind: OpFault,
      message: "twice: expected one of backward, formulaBackward, op, got none",
    },
    {
      call: 'checkOp("twice", { ...twice, op: ({ x }) => x.mul(2) })',
      run: () => checkOp("twice", { ...twice, op: ({ x }) => x.mul(2) }),
      kind: OpFault,
      message: "twice: expected one of backward, formulaBackward, op, got backward and op",
    },
    {
      call: 'checkOp("twice", { ...twice, backward: 2 })',
      run: () => checkOp("twice", { ...twice, backward: 2 }),
      kind: OpFault,
      message: "twice: expected backward as a function, got 2",
    },
    {
      call: 'checkOp("twice", { ...twice, dims: [2] })',
      run: () => checkOp("twice", { ...twice, dims: [2] }),
      kind: OpFault,
      message: "twice: expected dims as an object { name: [smallest, largest] }, got [2]",
    },
    {
      call: 'checkOp("twice", { ...twice, dims: { n: 3 } })',
      run: () => checkOp("twice", { ...twice, dims: { n: 3 } }),
      kind: OpFault,
      message: "twice: expected dims.n as [smallest, largest] whole numbers, got 3",
    },
    {
      call: 'checkOp("twice", { ...twice, dims: { n: [3, 1] } })',
      run: () => checkOp("twice", { ...twice, dims: { n: [3, 1] } }),
      kind: OpFault,
      message: "twice: expected dims.n as [smallest, largest] whole numbers, got [3, 1]",
    },
    {
      call: 'checkOp("twice", { ...twice, params: [1] })',
      run: () => checkOp("twice", { ...twice, params: [1] }),
      kind: OpFault,
      message: "twice: expected params as an object { name: [value, …] }, got [1]",
    },
    {
      call: 'checkOp("twice", { ...twice, params: { eps: [] } })',
      run: () => checkOp("twice", { ...twice, params: { eps: [] } }),
      kind: OpFault,
      message: "twice: expected params.eps as an array of a value or more, got []",
    },
    {
      call: 'checkOp("twice", { ...twice, params: { n: [1] } })',
      run: () => checkOp("twice", { ...twice, params: { n: [1] } }),
      kind: OpFault,
      message: "twice: expected names of params that are none of dims, got n",
    },
    {
      call: 'checkOp("twice", { ...twice, dtypes: ["float16"] })',
      run: () => checkOp("twice", { ...twice, dtypes: ["float16"] }),
      kind: OpFault,
      message: 'twice: expected dtypes as an array of "float64" and "float32", got ["float16"]',
    },
    {
      call: 'checkOp("twice", { ...plain, dtypes: ["float32"] })',
      run: () => checkOp("twice", { ...plain, dtypes: ["float32"] }),
      kind: OpFault,
      message: "twice: expected a formula as the forward for float32, got plain code",
    },
    {
      call: 'checkOp("twice", twice, { numRuns: 5 })',
      run: () => checkOp("twice", twice, { numRuns: 5 }),
      kind: OpFault,
      message:
        "twice: expected options out of runs, seed, path, order, tolerance, maxCells, raiseException, got numRuns",
    },
    {
      call: 'checkOp("twice", twice, { runs: 0 })',
      run: () => checkOp("twice", twice, { runs: 0 }),
      kind: OpFault,
      message: "twice: expected runs as a whole number of at least 1, got 0",
    },
    {
      call: 'checkOp("twice", twice, { runs: 1.5 })',
      run: () => checkOp("twice", twice, { runs: 1.5 }),
      kind: OpFault,
      message: "twice: expected runs as a whole number of at least 1, got 1.5",
    },
    {
      call: 'checkOp("twice", twice, { seed: 0.5 })',
      run: () => checkOp("twice", twice, { seed: 0.5 }),
      kind: OpFault,
      message: "twice: expected seed as a whole number, got 0.5",
    },
    {
      call: 'checkOp("twice", twice, { path: 3 })',
      run: () => checkOp("twice", twice, { path: 3 }),
      kind: OpFault,
      message: 'twice: expected path as a report names it, like "3:0:1", got 3',
    },
    {
      call: 'checkOp("twice", twice, { path: "3:99999" })',
      run: () => checkOp("twice", twice, { path: "3:99999" }),
      kind: OpFault,
      message: 'twice: expected cases with a finite result, got none in those of path "3:99999"',
    },
    {
      call: 'checkOp("twice", twice, { path: "3:99999:1" })',
      run: () => checkOp("twice", twice, { path: "3:99999:1" }),
      kind: OpFault,
      message: 'twice: expected a case of this op, it threw "Unable to replay, got wrong path=3:99999:1"',
    },
    {
      call: 'checkOp("twice", twice, { order: 3 })',
      run: () => checkOp("twice", twice, { order: 3 }),
      kind: OpFault,
      message: "twice: expected order 1 or 2, got 3",
    },
    {
      call: 'checkOp("twice", twice, { order: 2 })',
      run: () => checkOp("twice", twice, { order: 2 }),
      kind: OpFault,
      message:
        "twice: expected an op or a formula as the backward for order 2, got plain code, whose own gradients are not known",
    },
    {
      call: 'checkOp("twice", { ...sizes, plainForward: plain.plainForward, op: ({ x }) => x.mul(2) }, { order: 2 })',
      run: () =>
        checkOp("twice", { ...sizes, plainForward: plain.plainForward, op: ({ x }) => x.mul(2) }, { order: 2 }),
      kind: OpFault,
      message: "twice: expected a formula as the forward for order 2, got plain code",
    },
    {
      call: 'checkOp("twice", twice, { tolerance: -1 })',
      run: () => checkOp("twice", twice, { tolerance: -1 }),
      kind: OpFault,
      message: 'twice: expected tolerance "proven" or a number of at least 0, got -1',
    },
    {
      call: 'checkOp("twice", twice, { tolerance: NaN })',
      run: () => checkOp("twice", twice, { tolerance: NaN }),
      kind: OpFault,
      message: 'twice: expected tolerance "proven" or a number of at least 0, got NaN',
    },
    {
      call: 'checkOp("twice", twice, { maxCells: 0 })',
      run: () => checkOp("twice", twice, { maxCells: 0 }),
      kind: OpFault,
      message: "twice: expected maxCells as a whole number of at least 1, got 0",
    },
    {
      call: 'checkOp("twice", twice, { maxCells: 1 })',
      run: () => checkOp("twice", twice, { maxCells: 1 }),
      kind: OpFault,
      message: "twice: expected sizes whose inputs have at most maxCells 1 values together, got none in 20000 draws",
    },
    {
      call: 'checkOp("twice", twice, { raiseException: "no" })',
      run: () => checkOp("twice", twice, { raiseException: "no" }),
      kind: OpFault,
      message: 'twice: expected raiseException true or false, got "no"',
    },
    {
      call: 'checkOp("twice", { ...twice, where: () => false })',
      run: () => checkOp("twice", { ...twice, where: () => false }),
      kind: OpFault,
      message: 'twice: expected sizes and options that "where" allows, got none in 20000 draws',
    },
    {
      call: 'checkOp("twice", { ...twice, where: ({ n }) => n })',
      run: () => checkOp("twice", { ...twice, where: ({ n }) => n }),
      kind: OpFault,
      message: "twice: expected where to answer true or false, got 3",
    },
    {
      call: 'checkOp("twice", { ...twice, where: () => tensor("3") })',
      run: () => checkOp("twice", { ...twice, where: () => tensor("3") }),
      kind: OpFault,
      message: 'twice: expected where to answer for {"n":3}, it threw "tensor: expected a number at depth 0, got "3""',
    },
    {
      call: 'checkOp("twice", { ...twice, inputs: () => ({}) })',
      run: () => checkOp("twice", { ...twice, inputs: () => ({}) }),
      kind: OpFault,
      message: "twice: expected inputs to answer { name: shape }, with one input or more, got an object",
    },
    {
      call: 'checkOp("twice", { ...twice, inputs: () => ({ x: 3 }) })',
      run: () => checkOp("twice", { ...twice, inputs: () => ({ x: 3 }) }),
      kind: OpFault,
      message: "twice: expected the shape of input x as an array of whole numbers, got 3",
    },
    {
      call: 'checkOp("twice", { ...twice, inputs: () => ({ x: { shape: [2], range: [3, 1] } }) })',
      run: () => checkOp("twice", { ...twice, inputs: () => ({ x: { shape: [2], range: [3, 1] } }) }),
      kind: OpFault,
      message: "twice: expected the range of input x as [min, max] with min ≤ max, got [3, 1]",
    },
    {
      call: 'checkOp("log", { ...twice, forward: ({ x }) => x.mul(0).log() })',
      run: () => checkOp("log", { ...twice, forward: ({ x }) => x.mul(0).log() }),
      kind: OpFault,
      message: "log: expected cases with a finite result, got none in 200 draws",
    },
    {
      call: 'checkOp("twice", { ...twice, forward: () => true })',
      run: () => checkOp("twice", { ...twice, forward: () => true }),
      kind: OpFault,
      message: "twice, case x [2], n 2: expected forward as an array of the inputs' kind, got true",
    },
    {
      call: 'checkOp("square", { ...square, backward: () => tensor("3") })',
      run: () => checkOp("square", { ...square, backward: () => tensor("3") }),
      kind: OpFault,
      message:
        'square, case x [2], n 2: expected backward to answer, it threw "tensor: expected a number at depth 0, got "3""',
    },
    {
      call: 'checkOp("square", { ...square, backward: async () => ({}) })',
      run: () => checkOp("square", { ...square, backward: async () => ({}) }),
      kind: OpFault,
      message:
        "square, case x [2], n 2: expected backward to answer at once, got a Promise: async functions cannot be checked",
    },
    {
      call: 'checkOp("square", { ...square, backward: (g) => g })',
      run: () => checkOp("square", { ...square, backward: (g) => g }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected the backward to answer the gradients of x, got a Float64Array of 2",
    },
    {
      call: 'checkOp("square", { ...square, backward: (g) => [g, g] })',
      run: () => checkOp("square", { ...square, backward: (g) => [g, g] }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected 1 gradients (x) from the backward, got 2",
    },
    {
      call: 'checkOp("square", { ...square, backward: (g) => ({ y: g }) })',
      run: () => checkOp("square", { ...square, backward: (g) => ({ y: g }) }),
      kind: OpFault,
      message: 'square, case x [2], n 2: expected the backward to answer the gradients of x, got one of "y"',
    },
    {
      call: 'checkOp("square", { ...square, backward: () => ({ x: "12" }) })',
      run: () => checkOp("square", { ...square, backward: () => ({ x: "12" }) }),
      kind: OpFault,
      message:
        'square, case x [2], n 2: expected the gradient of x as a Float64Array, a Float32Array or an array of numbers, got "12"',
    },
    {
      call: 'checkOp("square", { ...square, backward: () => ({ x: ["1", "2"] }) })',
      run: () => checkOp("square", { ...square, backward: () => ({ x: ["1", "2"] }) }),
      kind: OpFault,
      message: 'square, case x [2], n 2: expected the gradient of x as numbers, got "1" at index 0',
    },
    {
      call: 'checkOp("square", { ...square, backward: () => ({ x: [1] }) })',
      run: () => checkOp("square", { ...square, backward: () => ({ x: [1] }) }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected the gradient of x with 2 values for shape [2], got 1",
    },
    {
      call: 'checkOp("square", { ...square, backward: (g) => ({ x: g.fill(0) }) })',
      run: () => checkOp("square", { ...square, backward: (g) => ({ x: g.fill(0) }) }),
      kind: OpFault,
      message:
        "square, case x [2], n 2: expected backward to leave its inputs as they are, got gradOutput[0] changed from 1.1785 to 0",
    },
    {
      call: 'checkOp("square", { ...square, formulaBackward: (g) => ({ x: g.sum() }) })',
      run: () => checkOp("square", { ...square, formulaBackward: (g) => ({ x: g.sum() }) }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected the gradient of x of shape [2], got []",
    },
    {
      call: 'checkOp("square", { ...square, op: () => 3 })',
      run: () => checkOp("square", { ...square, op: () => 3 }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected op to answer a Tensor, got 3",
    },
    {
      call: 'checkOp("square", { ...square, op: ({ x }) => x.sum() })',
      run: () => checkOp("square", { ...square, op: ({ x }) => x.sum() }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected op to answer shape [2], as the forward does, got []",
    },
    {
      call: 'checkOp("square", { ...square, op: ({ x }) => (setDefaultDtype("float32"), x) })',
      run: () => checkOp("square", { ...square, op: ({ x }) => (setDefaultDtype("float32"), x) }),
      kind: OpFault,
      message: "square, case x [2], n 2: expected op to leave the default dtype float64, got it set to float32",
    },
    {
      call: 'checkOp("twice", { ...sizes, plainForward: plain.plainForward, op: ({ x }) => x.sum() })',
      run: () => checkOp("twice", { ...sizes, plainForward: plain.plainForward, op: ({ x }) => x.sum() }),
      kind: OpFault,
      message: "twice, case x [2], n 2: expected op to answer 2 values, as the forward does, got shape []",
    },
    {
      call: 'checkOp("noisy", noisy())',
      run: () => checkOp("noisy", noisy()),
      kind: OpFault,
      message:
        "noisy, case x [2], n 2: expected plainForward to answer the same for the same inputs, got 16 and then 17 at index 0",
    },
    {
      call: 'checkOp("once", once())',
      run: () => checkOp("once", once()),
      kind: OpFault,
      message:
        "once, case x [2], n 2: expected an op that gives the same result twice, got a failure that does not repeat: is there a random number in it, or something kept from an earlier call?",
    },
    {
      call: "gradcheck()",
      run: () => gradcheck(),
      kind: TypeError,
      message: "gradcheck: expected a function of tensors, got undefined",
    },
    {
      call: "gradcheck((x) => x.square(), x)",
      run: () => gradcheck((x) => x.square(), x),
      kind: TypeError,
      message: "gradcheck: expected the inputs as an array of tensors, got a Tensor",
    },
    {
      call: "gradcheck((x) => x.square(), [1, 2])",
      run: () => gradcheck((x) => x.square(), [1, 2]),
      kind: TypeError,
      message: "gradcheck: expected the inputs as an array of tensors, got 1",
    },
    {
      call: "gradcheck((x) => x.square(), [x], 1e-6)",
      run: () => gradcheck((x) => x.square(), [x], 1e-6),
      kind: TypeError,
      message: "gradcheck: expected options as an object { name: value }, got 1e-6",
    },
    {
      call: "gradcheck((x) => x.square(), [x], { tol: 1e-6 })",
      run: () => gradcheck((x) => x.square(), [x], { tol: 1e-6 }),
      kind: TypeError,
      message:
        "gradcheck: expected options out of eps, atol, rtol, nondetTol, raiseException, checkUndefinedGrad, checkGradDtypes, checkBackwardAd, fastMode, checkForwardAd, generator, got tol",
    },
    {
      call: "gradcheck((x) => x.square(), [x], { eps: 0 })",
      run: () => gradcheck((x) => x.square(), [x], { eps: 0 }),
      kind: RangeError,
      message: "gradcheck: expected eps as a number above 0, got 0",
    },
    {
      call: 'gradcheck((x) => x.square(), [ones([2], { dtype: "float32" })])',
      run: () => gradcheck((x) => x.square(), [ones([2], { dtype: "float32" })]),
      kind: TypeError,
      message: "gradcheck: expected float64 inputs, got input 0 in float32",
    },
    {
      call: "gradcheck((x) => x.square(), [ones([2])])",
      run: () => gradcheck((x) => x.square(), [ones([2])]),
      kind: RangeError,
      message: "gradcheck: expected an input with requiresGrad, got none of 1",
    },
    {
      call: "gradcheck(() => 3, [x])",
      run: () => gradcheck(() => 3, [x]),
      kind: TypeError,
      message: "gradcheck: expected a function that answers a Tensor, got 3",
    },
    {
      call: "gradgradcheck((x) => x.square(), x)",
      run: () => gradgradcheck((x) => x.square(), x),
      kind: TypeError,
      message: "gradgradcheck: expected the inputs as an array of tensors, got a Tensor",
    },
    {
      call: "gradgradcheck((x) => x.square(), [x], { gradOutput: ones([3]) })",
      run: () => gradgradcheck((x) => x.square(), [x], { gradOutput: ones([3]) }),
      kind: RangeError,
      message: "gradgradcheck: expected gradOutput as a Tensor of shape [2], got shape [3]",
    },
    {
      call: "generators(fc).placements([])",
      run: () => generators(fc).placements([]),
      kind: RangeError,
      message: "placements: expected a trap or more, got []",
    },
    {
      call: "generators(fc).sizes({ min: 3, max: 1 })",
      run: () => generators(fc).sizes({ min: 3, max: 1 }),
      kind: RangeError,
      message: "sizes: expected whole numbers min ≤ max, got min 3, max 1",
    },
    {
      call: "new FieldArray(real, [1, 2], [3])",
      run: () => new FieldArray(real, [1, 2], [3]),
      kind: RangeError,
      message: "FieldArray: expected 3 values for shape [3], got 2",
    },
    {
      call: "new FieldArray(real, [1, 2], [2]).putAdd(Int32Array.of(0), 2)",
      run: () => new FieldArray(real, [1, 2], [2]).putAdd(Int32Array.of(0), 2),
      kind: RangeError,
      message: "putAdd: expected one index a value (2), got 1",
    },
    {
      call: "new FieldArray(real, [1, 2], [2]).take(Int32Array.of(5))",
      run: () => new FieldArray(real, [1, 2], [2]).take(Int32Array.of(5)),
      kind: RangeError,
      message: "take: expected indices in [-1, 2), got 5",
    },
  ],
};
