// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Switchable normalization and batch renormalization: nothing of their running statistics changes. */
import {
  batchRenorm,
  BatchRenorm1d,
  BatchRenorm2d,
  ones,
  randn,
  switchableNorm,
  SwitchableNorm1d,
  SwitchableNorm2d,
  switchableNormDescriptor,
  zeros,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const x = randn([4, 3]);
const images = randn([2, 3, 4, 4]);
const mean = zeros([3]);
const std = ones([3]);
const three = ones([3]);
const two = ones([2]);
const flat = new SwitchableNorm1d(3);
const deep = new SwitchableNorm2d(3, { momentum: null });
const unbiased = new SwitchableNorm2d(3, { unbiased: true });
const renorm = new BatchRenorm1d(3);
const [switchableCase] = switchableNormDescriptor.cases([2, 3]);

export const switchableNorms: WrongCalls = {
  fixtures: { x, images, mean, std, three, two, flat, deep, unbiased, renorm },
  rows: [
    {
      call: "switchableNorm()",
      run: () => switchableNorm(),
      kind: TypeError,
      message: "switchableNorm: expected input to be a tensor, got undefined",
    },
    {
      call: "switchableNorm(randn([3]), three, three)",
      run: () => switchableNorm(randn([3]), three, three),
      kind: RangeError,
      message: "switchableNorm: expected input [N, C, *] with C ≥ 1, got shape [3]",
    },
    {
      call: "switchableNorm(images)",
      run: () => switchableNorm(images),
      kind: TypeError,
      message: "switchableNorm: expected meanWeight to be a tensor, got undefined",
    },
    {
      call: "switchableNorm(images, [1, 1, 1], three)",
      run: () => switchableNorm(images, [1, 1, 1], three),
      kind: TypeError,
      message: "switchableNorm: expected meanWeight to be a tensor, got [1, 1, 1]",
    },
    {
      call: "switchableNorm(images, three, ones([4]))",
      run: () => switchableNorm(images, three, ones([4])),
      kind: RangeError,
      message: "switchableNorm: expected varWeight of shape [3] (IN, LN, BN) or [2] (IN, LN), got [4]",
    },
    {
      call: "switchableNorm(images, ones([1, 3]), three)",
      run: () => switchableNorm(images, ones([1, 3]), three),
      kind: RangeError,
      message: "switchableNorm: expected meanWeight of shape [3] (IN, LN, BN) or [2] (IN, LN), got [1, 3]",
    },
    {
      call: "switchableNorm(images, three, two)",
      run: () => switchableNorm(images, three, two),
      kind: RangeError,
      message: "switchableNorm: expected meanWeight and varWeight of one shape, got [3] and [2]",
    },
    {
      call: "switchableNorm(x, three, three)",
      run: () => switchableNorm(x, three, three),
      kind: RangeError,
      message: "switchableNorm: expected meanWeight of shape [2] (LN, BN) for input [N, C], got [3]",
    },
    {
      call: "switchableNorm(images, three, three)",
      run: () => switchableNorm(images, three, three),
      kind: TypeError,
      message:
        "switchableNorm: expected runningMean and runningVar where the batch's statistics are not used, got neither",
    },
    {
      call: "switchableNorm(images, three, three, { runningMean: mean })",
      run: () => switchableNorm(images, three, three, { runningMean: mean }),
      kind: TypeError,
      message:
        "switchableNorm: expected runningMean and runningVar where the batch's statistics are not used, got runningMean without runningVar",
    },
    {
      call: "switchableNorm(images, three, three, { weight: ones([1, 3, 1, 1]) })",
      run: () => switchableNorm(images, three, three, { weight: ones([1, 3, 1, 1]) }),
      kind: RangeError,
      message: "switchableNorm: expected weight of shape [3], one value a channel, got [1, 3, 1, 1]",
    },
    {
      call: "switchableNorm(images, three, three, { training: true, momentum: 2 })",
      run: () => switchableNorm(images, three, three, { training: true, momentum: 2 }),
      kind: RangeError,
      message: "switchableNorm: expected momentum, the weight of the new value, in [0, 1], got 2",
    },
    {
      call: "switchableNorm(images, three, three, { training: true, eps: -1 })",
      run: () => switchableNorm(images, three, three, { training: true, eps: -1 }),
      kind: RangeError,
      message: "switchableNorm: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "switchableNorm(images, three, three, ones([3]))",
      run: () => switchableNorm(images, three, three, ones([3])),
      kind: TypeError,
      message:
        "switchableNorm: expected options as an object { runningMean, runningVar, weight, bias, training, momentum, eps, unbiased }, got a Tensor",
    },
    {
      call: 'switchableNorm(images, three, three, { runningMean: mean.to("float32") })',
      run: () => switchableNorm(images, three, three, { runningMean: mean.to("float32") }),
      kind: TypeError,
      message: "switchableNorm: expected runningMean in the input's dtype float64, got float32",
    },
    {
      call: "switchableNorm(randn([1, 1, 1]), three, three, { training: true })",
      run: () => switchableNorm(randn([1, 1, 1]), three, three, { training: true }),
      kind: RangeError,
      message:
        "switchableNorm: expected more than 1 value in a set that shares statistics, got input of shape [1, 1, 1]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "switchableNorm(randn([2, 3, 1]), three, three, { training: true, unbiased: true })",
      run: () => switchableNorm(randn([2, 3, 1]), three, three, { training: true, unbiased: true }),
      kind: RangeError,
      message:
        "switchableNorm: expected more than 1 value in a channel of a sample for an unbiased variance, got input of shape [2, 3, 1]: it divides by n − 1",
    },
    {
      call: "switchableNorm(randn([1, 3]), two, two, { training: true, unbiased: true })",
      run: () => switchableNorm(randn([1, 3]), two, two, { training: true, unbiased: true }),
      kind: RangeError,
      message:
        "switchableNorm: expected more than 1 value in a sample, and in training a channel, for an unbiased variance, got input of shape [1, 3]: it divides by n − 1",
    },
    {
      call: "new SwitchableNorm2d()",
      run: () => new SwitchableNorm2d(),
      kind: TypeError,
      message: "SwitchableNorm2d: expected numFeatures to be a number, got undefined",
    },
    {
      call: "new SwitchableNorm2d(0)",
      run: () => new SwitchableNorm2d(0),
      kind: RangeError,
      message: "SwitchableNorm2d: expected numFeatures to be a positive whole number, got 0",
    },
    {
      call: "new SwitchableNorm2d(3, { momentum: 1.5 })",
      run: () => new SwitchableNorm2d(3, { momentum: 1.5 }),
      kind: RangeError,
      message: "SwitchableNorm2d: expected momentum, the weight of the new value, in [0, 1], got 1.5",
    },
    {
      call: "new SwitchableNorm1d(3, 1e-5)",
      run: () => new SwitchableNorm1d(3, 1e-5),
      kind: TypeError,
      message:
        "SwitchableNorm1d: expected options as an object { eps, momentum, usingBn, lastGamma, unbiased, dtype }, got 1e-5",
    },
    {
      call: "flat.forward(randn([2, 3, 4]))",
      run: () => flat.forward(randn([2, 3, 4])),
      kind: RangeError,
      by: "SwitchableNorm1d",
      message: "SwitchableNorm1d: expected 2D input, got 3D of shape [2, 3, 4]",
    },
    {
      call: "deep.forward(x)",
      run: () => deep.forward(x),
      kind: RangeError,
      by: "SwitchableNorm2d",
      message: "SwitchableNorm2d: expected 4D input, got 2D of shape [4, 3]",
    },
    {
      call: "deep.forward(randn([2, 4, 2, 2]))",
      run: () => deep.forward(randn([2, 4, 2, 2])),
      kind: RangeError,
      by: "SwitchableNorm2d",
      message: "SwitchableNorm2d: expected input with numFeatures 3 channels, got shape [2, 4, 2, 2]",
    },
    {
      call: "unbiased.forward(randn([2, 3, 1, 1]))",
      run: () => unbiased.forward(randn([2, 3, 1, 1])),
      kind: RangeError,
      by: "switchableNorm",
      message:
        "switchableNorm: expected more than 1 value in a channel of a sample for an unbiased variance, got input of shape [2, 3, 1, 1]: it divides by n − 1",
    },
    {
      call: "deep.loadStateDict(null)",
      run: () => deep.loadStateDict(null),
      kind: TypeError,
      message: "loadStateDict: expected a state dict as an object { name: value }, got null",
    },
    {
      call: "deep.loadStateDict({ ...deep.stateDict(), weight: ones([1, 2, 1, 1]) })",
      run: () => deep.loadStateDict({ ...deep.stateDict(), weight: ones([1, 2, 1, 1]) }),
      kind: RangeError,
      message:
        "loadStateDict: expected the state of SwitchableNorm2d, got it with shape [1, 2, 1, 1] instead of [3] for weight",
    },
    {
      call: "deep.loadStateDict({ ...deep.stateDict(), weight: 1 })",
      run: () => deep.loadStateDict({ ...deep.stateDict(), weight: 1 }),
      kind: TypeError,
      message: "loadStateDict: expected weight to be a tensor, got 1",
    },
    {
      call: "switchableCase.op([x])",
      run: () => switchableCase.op([x]),
      kind: RangeError,
      by: "normCase",
      message: "normCase: expected 5 inputs, got 1",
    },
    {
      call: "batchRenorm()",
      run: () => batchRenorm(),
      kind: TypeError,
      message: "batchRenorm: expected input to be a tensor, got undefined",
    },
    {
      call: "batchRenorm(randn([3]), mean, std)",
      run: () => batchRenorm(randn([3]), mean, std),
      kind: RangeError,
      message: "batchRenorm: expected input [N, C, *] with C ≥ 1, got shape [3]",
    },
    {
      call: "batchRenorm(x)",
      run: () => batchRenorm(x),
      kind: TypeError,
      message: "batchRenorm: expected runningMean to be a tensor, got undefined",
    },
    {
      call: "batchRenorm(x, mean)",
      run: () => batchRenorm(x, mean),
      kind: TypeError,
      message: "batchRenorm: expected runningStd to be a tensor, got undefined",
    },
    {
      call: "batchRenorm(x, mean, zeros([2]))",
      run: () => batchRenorm(x, mean, zeros([2])),
      kind: RangeError,
      message: "batchRenorm: expected runningStd of shape [3], one value a channel, got [2]",
    },
    {
      call: 'batchRenorm(x, mean, three.detach().to("float32"))',
      run: () => batchRenorm(x, mean, three.detach().to("float32")),
      kind: TypeError,
      message: "batchRenorm: expected runningStd in the input's dtype float64, got float32",
    },
    {
      call: "batchRenorm(randn([1, 3]), mean, std, { training: true })",
      run: () => batchRenorm(randn([1, 3]), mean, std, { training: true }),
      kind: RangeError,
      message:
        "batchRenorm: expected more than 1 value per channel in training, got input of shape [1, 3]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "batchRenorm(x, mean, std, { training: true, rMax: 0.5 })",
      run: () => batchRenorm(x, mean, std, { training: true, rMax: 0.5 }),
      kind: RangeError,
      message: "batchRenorm: expected rMax of at least 1, got 0.5",
    },
    {
      call: "batchRenorm(x, mean, std, { training: true, dMax: -1 })",
      run: () => batchRenorm(x, mean, std, { training: true, dMax: -1 }),
      kind: RangeError,
      message: "batchRenorm: expected dMax of at least 0, got -1",
    },
    {
      call: 'batchRenorm(x, mean, std, { training: true, rMax: "3" })',
      run: () => batchRenorm(x, mean, std, { training: true, rMax: "3" }),
      kind: TypeError,
      message: 'batchRenorm: expected rMax to be a number, got "3"',
    },
    {
      call: 'batchRenorm(x, mean, std, { convention: "torch" })',
      run: () => batchRenorm(x, mean, std, { convention: "torch" }),
      kind: TypeError,
      message: 'batchRenorm: expected convention "paper" or "ludvb", got torch',
    },
    {
      call: "batchRenorm(x, mean, std, { momentum: null })",
      run: () => batchRenorm(x, mean, std, { momentum: null }),
      kind: TypeError,
      message: "batchRenorm: expected momentum to be a number, got null",
    },
    {
      call: "new BatchRenorm1d(3, { rMax: 0 })",
      run: () => new BatchRenorm1d(3, { rMax: 0 }),
      kind: RangeError,
      message: "BatchRenorm1d: expected rMax of at least 1, got 0",
    },
    {
      call: "new BatchRenorm1d(3, { dMax: NaN })",
      run: () => new BatchRenorm1d(3, { dMax: NaN }),
      kind: RangeError,
      message: "BatchRenorm1d: expected dMax of at least 0, got NaN",
    },
    {
      call: 'new BatchRenorm2d(3, { convention: "keras" })',
      run: () => new BatchRenorm2d(3, { convention: "keras" }),
      kind: TypeError,
      message: 'BatchRenorm2d: expected convention "paper" or "ludvb", got keras',
    },
    {
      call: "new BatchRenorm2d(0)",
      run: () => new BatchRenorm2d(0),
      kind: RangeError,
      message: "BatchRenorm2d: expected numFeatures to be a positive whole number, got 0",
    },
    {
      call: "renorm.forward(images)",
      run: () => renorm.forward(images),
      kind: RangeError,
      by: "BatchRenorm1d",
      message: "BatchRenorm1d: expected 2D or 3D input, got 4D of shape [2, 3, 4, 4]",
    },
    {
      call: "renorm.forward(randn([4, 2]))",
      run: () => renorm.forward(randn([4, 2])),
      kind: RangeError,
      by: "BatchRenorm1d",
      message: "BatchRenorm1d: expected input with numFeatures 3 channels, got shape [4, 2]",
    },
    {
      call: 'switchableNorm(images, three, three, { training: "false" })',
      run: () => switchableNorm(images, three, three, { training: "false" }),
      kind: TypeError,
      message: 'switchableNorm: expected training to be true or false, got "false"',
    },
    {
      call: "switchableNorm(images, three, three, { training: true, unbiased: 1 })",
      run: () => switchableNorm(images, three, three, { training: true, unbiased: 1 }),
      kind: TypeError,
      message: "switchableNorm: expected unbiased to be true or false, got 1",
    },
    {
      call: "switchableNorm(images, three, three, { usingBn: false })",
      run: () => switchableNorm(images, three, three, { usingBn: false }),
      kind: TypeError,
      message:
        "switchableNorm: expected options out of runningMean, runningVar, weight, bias, training, momentum, eps, unbiased, got usingBn",
    },
    {
      call: "switchableNorm(images, three, three, { runningVar: std })",
      run: () => switchableNorm(images, three, three, { runningVar: std }),
      kind: TypeError,
      message:
        "switchableNorm: expected runningMean and runningVar where the batch's statistics are not used, got runningVar without runningMean",
    },
    {
      call: "switchableNorm(images, three, three, { runningMean: mean, runningVar: mean })",
      run: () => switchableNorm(images, three, three, { runningMean: mean, runningVar: mean }),
      kind: TypeError,
      message: "switchableNorm: expected two tensors as runningMean and runningVar, got one for both",
    },
    {
      call: "new SwitchableNorm1d(3, { usingBn: false })",
      run: () => new SwitchableNorm1d(3, { usingBn: false }),
      kind: RangeError,
      message: "SwitchableNorm1d: expected usingBn to be true, as LN alone leaves nothing to mix, got false",
    },
    {
      call: 'new SwitchableNorm2d(3, { usingBn: "false" })',
      run: () => new SwitchableNorm2d(3, { usingBn: "false" }),
      kind: TypeError,
      message: 'SwitchableNorm2d: expected usingBn to be true or false, got "false"',
    },
    {
      call: "new SwitchableNorm2d(3, { lastGamma: 1 })",
      run: () => new SwitchableNorm2d(3, { lastGamma: 1 }),
      kind: TypeError,
      message: "SwitchableNorm2d: expected lastGamma to be true or false, got 1",
    },
    {
      call: "new SwitchableNorm2d(3, { unbiased: 1 })",
      run: () => new SwitchableNorm2d(3, { unbiased: 1 }),
      kind: TypeError,
      message: "SwitchableNorm2d: expected unbiased to be true or false, got 1",
    },
    {
      call: "new SwitchableNorm2d(3, { using_bn: false })",
      run: () => new SwitchableNorm2d(3, { using_bn: false }),
      kind: TypeError,
      message:
        "SwitchableNorm2d: expected options out of eps, momentum, usingBn, lastGamma, unbiased, dtype, got using_bn, which is usingBn here",
    },
    {
      call: "batchRenorm(x, mean, std, { training: 1 })",
      run: () => batchRenorm(x, mean, std, { training: 1 }),
      kind: TypeError,
      message: "batchRenorm: expected training to be true or false, got 1",
    },
    {
      call: "batchRenorm(x, mean, std, { rmax: 3 })",
      run: () => batchRenorm(x, mean, std, { rmax: 3 }),
      kind: TypeError,
      message:
        "batchRenorm: expected options out of weight, bias, training, rMax, dMax, convention, momentum, eps, got rmax, which is rMax here",
    },
    {
      call: "batchRenorm(x, std, std)",
      run: () => batchRenorm(x, std, std),
      kind: TypeError,
      message: "batchRenorm: expected two tensors as runningMean and runningStd, got one for both",
    },
    {
      call: "new BatchRenorm1d(3, { affine: 1 })",
      run: () => new BatchRenorm1d(3, { affine: 1 }),
      kind: TypeError,
      message: "BatchRenorm1d: expected affine to be true or false, got 1",
    },
    {
      call: "new BatchRenorm1d(3, { trackRunningStats: true })",
      run: () => new BatchRenorm1d(3, { trackRunningStats: true }),
      kind: TypeError,
      message:
        "BatchRenorm1d: expected options out of eps, momentum, affine, rMax, dMax, convention, dtype, got trackRunningStats",
    },
  ],
};
