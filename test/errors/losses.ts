// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Loss functions. */
import { bceWithLogits, crossEntropy, mseLoss, ones, randn, tensor } from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const logits = randn([2, 3], { requiresGrad: true });
const predicted = randn([4], { requiresGrad: true });

export const losses: WrongCalls = {
  fixtures: { logits, predicted },
  rows: [
    {
      call: "crossEntropy(logits)",
      run: () => crossEntropy(logits),
      kind: TypeError,
      message: "crossEntropy: expected labels as an array of numbers or an Int32Array, got undefined",
    },
    {
      call: "crossEntropy([[1, 2, 3]], [0])",
      run: () => crossEntropy([[1, 2, 3]], [0]),
      kind: TypeError,
      message: "crossEntropy: expected logits to be a tensor, got [[1, 2, 3]]",
    },
    {
      call: "crossEntropy(logits, tensor([0, 1]))",
      run: () => crossEntropy(logits, tensor([0, 1])),
      kind: TypeError,
      message:
        "crossEntropy: expected labels as an array of numbers or an Int32Array, got a Tensor: pass Array.from(labels.data)",
    },
    {
      call: "crossEntropy(logits, Uint8Array.of(0, 1))",
      run: () => crossEntropy(logits, Uint8Array.of(0, 1)),
      kind: TypeError,
      message: "crossEntropy: expected labels as an array of numbers or an Int32Array, got a Uint8Array of 2",
    },
    {
      call: 'crossEntropy(logits, ["0", "1"])',
      run: () => crossEntropy(logits, ["0", "1"]),
      kind: RangeError,
      message: 'crossEntropy: expected labels in [0, 3) or ignoreIndex -100, got "0" at 0',
    },
    {
      call: "crossEntropy(logits, [[0, 1, 0], [1, 0, 0]])",
      run: () =>
        crossEntropy(logits, [
          [0, 1, 0],
          [1, 0, 0],
        ]),
      kind: RangeError,
      message: "crossEntropy: expected labels in [0, 3) or ignoreIndex -100, got [0, 1, 0] at 0",
    },
    {
      call: "crossEntropy(logits, [0, 3])",
      run: () => crossEntropy(logits, [0, 3]),
      kind: RangeError,
      message: "crossEntropy: expected labels in [0, 3) or ignoreIndex -100, got 3 at 1",
    },
    {
      call: "crossEntropy(logits, [0.5, 1])",
      run: () => crossEntropy(logits, [0.5, 1]),
      kind: RangeError,
      message: "crossEntropy: expected labels in [0, 3) or ignoreIndex -100, got 0.5 at 0",
    },
    {
      call: "crossEntropy(logits, [0])",
      run: () => crossEntropy(logits, [0]),
      kind: RangeError,
      message: "crossEntropy: expected 2 labels for logits of shape [2, 3], got 1",
    },
    {
      call: "crossEntropy(randn([3]), [0])",
      run: () => crossEntropy(randn([3]), [0]),
      kind: RangeError,
      message: "crossEntropy: expected logits [N, C] or [N, C, d1, …], got shape [3]",
    },
    {
      call: "crossEntropy(logits, [0, 1], ones([3]))",
      run: () => crossEntropy(logits, [0, 1], ones([3])),
      kind: TypeError,
      message:
        "crossEntropy: expected options as an object { reduction, labelSmoothing, ignoreIndex, weight }, got a Tensor",
    },
    {
      call: 'crossEntropy(logits, [0, 1], "sum")',
      run: () => crossEntropy(logits, [0, 1], "sum"),
      kind: TypeError,
      message:
        'crossEntropy: expected options as an object { reduction, labelSmoothing, ignoreIndex, weight }, got "sum"',
    },
    {
      call: 'crossEntropy(logits, [0, 1], { reduction: "average" })',
      run: () => crossEntropy(logits, [0, 1], { reduction: "average" }),
      kind: RangeError,
      message: 'crossEntropy: expected reduction "mean", "sum" or "none", got average',
    },
    {
      call: "crossEntropy(logits, [0, 1], { labelSmoothing: 1.5 })",
      run: () => crossEntropy(logits, [0, 1], { labelSmoothing: 1.5 }),
      kind: RangeError,
      message: "crossEntropy: expected labelSmoothing in [0, 1], got 1.5",
    },
    {
      call: 'crossEntropy(logits, [0, 1], { labelSmoothing: "0.1" })',
      run: () => crossEntropy(logits, [0, 1], { labelSmoothing: "0.1" }),
      kind: TypeError,
      message: 'crossEntropy: expected labelSmoothing to be a number, got "0.1"',
    },
    {
      call: 'crossEntropy(logits, [0, 1], { ignoreIndex: "1" })',
      run: () => crossEntropy(logits, [0, 1], { ignoreIndex: "1" }),
      kind: TypeError,
      message: 'crossEntropy: expected ignoreIndex to be a number, got "1"',
    },
    {
      call: "crossEntropy(logits, [0, 1], { weight: [1, 2, 3] })",
      run: () => crossEntropy(logits, [0, 1], { weight: [1, 2, 3] }),
      kind: TypeError,
      message: "crossEntropy: expected weight to be a tensor, got [1, 2, 3]",
    },
    {
      call: "crossEntropy(logits, [0, 1], { weight: ones([2]) })",
      run: () => crossEntropy(logits, [0, 1], { weight: ones([2]) }),
      kind: RangeError,
      message: "crossEntropy: expected weight of shape [3], one factor a class, got [2]",
    },
    {
      call: 'crossEntropy(logits, [0, 1], { weight: ones([3], { dtype: "float32" }) })',
      run: () => crossEntropy(logits, [0, 1], { weight: ones([3], { dtype: "float32" }) }),
      kind: TypeError,
      message: "crossEntropy: expected weight in the logits' dtype float64, got float32",
    },
    {
      call: "crossEntropy(logits, [0, 1], { weight: ones([3], { requiresGrad: true }) })",
      run: () => crossEntropy(logits, [0, 1], { weight: ones([3], { requiresGrad: true }) }),
      kind: TypeError,
      message: "crossEntropy: expected a weight that is a constant, got one that requires a gradient; detach() it",
    },
    {
      call: "mseLoss(predicted)",
      run: () => mseLoss(predicted),
      kind: TypeError,
      message: "mseLoss: expected target to be a tensor, got undefined",
    },
    {
      call: "mseLoss(predicted, [1, 2, 3, 4])",
      run: () => mseLoss(predicted, [1, 2, 3, 4]),
      kind: TypeError,
      message: "mseLoss: expected target to be a tensor, got [1, 2, 3, 4]",
    },
    {
      call: "mseLoss([1, 2, 3, 4], predicted)",
      run: () => mseLoss([1, 2, 3, 4], predicted),
      kind: TypeError,
      message: "mseLoss: expected input to be a tensor, got [1, 2, 3, 4]",
    },
    {
      call: "mseLoss(predicted, randn([4, 1]))",
      run: () => mseLoss(predicted, randn([4, 1])),
      kind: RangeError,
      message: "mseLoss: expected target of the shape of input [4], got [4, 1]",
    },
    {
      call: 'mseLoss(predicted, randn([4], { dtype: "float32" }))',
      run: () => mseLoss(predicted, randn([4], { dtype: "float32" })),
      kind: TypeError,
      message: "mseLoss: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: 'mseLoss(predicted, randn([4]), "sum")',
      run: () => mseLoss(predicted, randn([4]), "sum"),
      kind: TypeError,
      message: 'mseLoss: expected options as an object { reduction }, got "sum"',
    },
    {
      call: 'mseLoss(predicted, randn([4]), { reduction: "batchmean" })',
      run: () => mseLoss(predicted, randn([4]), { reduction: "batchmean" }),
      kind: RangeError,
      message: 'mseLoss: expected reduction "mean", "sum" or "none", got batchmean',
    },
    {
      call: "bceWithLogits(predicted, [0, 1, 1, 0])",
      run: () => bceWithLogits(predicted, [0, 1, 1, 0]),
      kind: TypeError,
      message: "bceWithLogits: expected target to be a tensor, got [0, 1, 1, 0]",
    },
    {
      call: "bceWithLogits(predicted, ones([4, 1]))",
      run: () => bceWithLogits(predicted, ones([4, 1])),
      kind: RangeError,
      message: "bceWithLogits: expected target of the shape of logits [4], got [4, 1]",
    },
    {
      call: "bceWithLogits(predicted, ones([4]), ones([4]))",
      run: () => bceWithLogits(predicted, ones([4]), ones([4])),
      kind: TypeError,
      message: "bceWithLogits: expected options as an object { reduction, posWeight }, got a Tensor",
    },
    {
      call: "bceWithLogits(predicted, ones([4]), { posWeight: 2 })",
      run: () => bceWithLogits(predicted, ones([4]), { posWeight: 2 }),
      kind: TypeError,
      message: "bceWithLogits: expected posWeight to be a tensor, got 2",
    },
    {
      call: "bceWithLogits(predicted, ones([4]), { posWeight: ones([3]) })",
      run: () => bceWithLogits(predicted, ones([4]), { posWeight: ones([3]) }),
      kind: RangeError,
      message: "bceWithLogits with posWeight: expected shapes that broadcast together, got [3] and [4]",
    },
    {
      call: "bceWithLogits(predicted, ones([4]), { posWeight: ones([4, 1]) })",
      run: () => bceWithLogits(predicted, ones([4]), { posWeight: ones([4, 1]) }),
      kind: RangeError,
      message: "bceWithLogits: expected posWeight of a shape that broadcasts to [4], got [4, 1]",
    },
  ],
};
