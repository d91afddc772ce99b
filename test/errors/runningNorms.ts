// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Batch and instance normalization: nothing of their running statistics changes. */
import {
  batchNorm,
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  instanceNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  normPartition,
  ones,
  randn,
  zeros,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const x = randn([4, 3]);
const images = randn([2, 6, 4, 4]);
const mean = zeros([3]);
const variance = ones([3]);
const batch = new BatchNorm1d(3);
const average = new BatchNorm2d(6, { momentum: null });
const instance = new InstanceNorm1d(3, { affine: true, trackRunningStats: true });

export const runningNorms: WrongCalls = {
  fixtures: { x, mean, variance, batch, average, instance },
  rows: [
    {
      call: "batchNorm()",
      run: () => batchNorm(),
      kind: TypeError,
      message: "batchNorm: expected input to be a tensor, got undefined",
    },
    {
      call: "batchNorm([[1, 2, 3]], mean, variance)",
      run: () => batchNorm([[1, 2, 3]], mean, variance),
      kind: TypeError,
      message: "batchNorm: expected input to be a tensor, got [[1, 2, 3]]",
    },
    {
      call: "batchNorm(x)",
      run: () => batchNorm(x),
      kind: TypeError,
      message: "batchNorm: expected runningMean and runningVar where the input's statistics are not used, got neither",
    },
    {
      call: "batchNorm(x, mean, null)",
      run: () => batchNorm(x, mean, null),
      kind: TypeError,
      message:
        "batchNorm: expected runningMean and runningVar where the input's statistics are not used, got runningMean without runningVar",
    },
    {
      call: "batchNorm(x, [0, 0, 0], [1, 1, 1])",
      run: () => batchNorm(x, [0, 0, 0], [1, 1, 1]),
      kind: TypeError,
      message: "batchNorm: expected runningMean to be a tensor, got [0, 0, 0]",
    },
    {
      call: "batchNorm(x, mean, variance, ones([3]), zeros([3]), true)",
      run: () => batchNorm(x, mean, variance, ones([3]), zeros([3]), true),
      kind: TypeError,
      message: "batchNorm: expected options as an object { weight, bias, training, momentum, eps }, got a Tensor",
    },
    {
      call: "batchNorm(x, mean, variance, true)",
      run: () => batchNorm(x, mean, variance, true),
      kind: TypeError,
      message: "batchNorm: expected options as an object { weight, bias, training, momentum, eps }, got true",
    },
    {
      call: "batchNorm(x, zeros([4]), variance)",
      run: () => batchNorm(x, zeros([4]), variance),
      kind: RangeError,
      message: "batchNorm: expected runningMean of shape [3], one value a channel, got [4]",
    },
    {
      call: "batchNorm(x, mean, ones([1, 3]), { training: true })",
      run: () => batchNorm(x, mean, ones([1, 3]), { training: true }),
      kind: RangeError,
      message: "batchNorm: expected runningVar of shape [3], one value a channel, got [1, 3]",
    },
    {
      call: "batchNorm(x, mean, variance, { training: true, weight: ones([4]) })",
      run: () => batchNorm(x, mean, variance, { training: true, weight: ones([4]) }),
      kind: RangeError,
      message: "batchNorm: expected weight of shape [3], one value a channel, got [4]",
    },
    {
      call: "batchNorm(x, mean, variance, { training: true, bias: [0, 0, 0] })",
      run: () => batchNorm(x, mean, variance, { training: true, bias: [0, 0, 0] }),
      kind: TypeError,
      message: "batchNorm: expected bias to be a tensor, got [0, 0, 0]",
    },
    {
      call: 'batchNorm(x, mean, variance, { training: true, weight: ones([3], { dtype: "float32" }) })',
      run: () => batchNorm(x, mean, variance, { training: true, weight: ones([3], { dtype: "float32" }) }),
      kind: TypeError,
      message: "batchNorm: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: "batchNorm(randn([3]), mean, variance, { training: true })",
      run: () => batchNorm(randn([3]), mean, variance, { training: true }),
      kind: RangeError,
      message: "batchNorm: expected input [N, C, *] with C ≥ 1, got shape [3]",
    },
    {
      call: "batchNorm(randn([1, 3]), mean, variance, { training: true })",
      run: () => batchNorm(randn([1, 3]), mean, variance, { training: true }),
      kind: RangeError,
      message:
        "batchNorm: expected more than 1 value per channel in training, got input of shape [1, 3]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "batchNorm(x, mean, variance, { training: true, momentum: 2 })",
      run: () => batchNorm(x, mean, variance, { training: true, momentum: 2 }),
      kind: RangeError,
      message: "batchNorm: expected momentum, the weight of the new value, in [0, 1], got 2",
    },
    {
      call: "batchNorm(x, mean, variance, { training: true, momentum: null })",
      run: () => batchNorm(x, mean, variance, { training: true, momentum: null }),
      kind: TypeError,
      message: "batchNorm: expected momentum to be a number, got null",
    },
    {
      call: "batchNorm(x, mean, variance, { training: true, eps: -1 })",
      run: () => batchNorm(x, mean, variance, { training: true, eps: -1 }),
      kind: RangeError,
      message: "batchNorm: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: 'batchNorm(x.to("float32"), mean, variance, { training: true })',
      run: () => batchNorm(x.to("float32"), mean, variance, { training: true }),
      kind: TypeError,
      message: "batchNorm: expected runningMean in the input's dtype float32, got float64",
    },
    {
      call: "batchNorm(x, mean, ones([3], { requiresGrad: true }), { training: true })",
      run: () => batchNorm(x, mean, ones([3], { requiresGrad: true }), { training: true }),
      kind: TypeError,
      message: "batchNorm: expected runningVar to be a constant, got a tensor that requires a gradient; detach() it",
    },
    {
      call: "new BatchNorm1d()",
      run: () => new BatchNorm1d(),
      kind: TypeError,
      message: "BatchNorm1d: expected numFeatures to be a number, got undefined",
    },
    {
      call: "new BatchNorm1d(0)",
      run: () => new BatchNorm1d(0),
      kind: RangeError,
      message: "BatchNorm1d: expected numFeatures to be a positive whole number, got 0",
    },
    {
      call: "new BatchNorm1d(2.5)",
      run: () => new BatchNorm1d(2.5),
      kind: RangeError,
      message: "BatchNorm1d: expected numFeatures to be a positive whole number, got 2.5",
    },
    {
      call: 'new BatchNorm2d("16")',
      run: () => new BatchNorm2d("16"),
      kind: TypeError,
      message: 'BatchNorm2d: expected numFeatures to be a number, got "16"',
    },
    {
      call: "new BatchNorm2d([16])",
      run: () => new BatchNorm2d([16]),
      kind: TypeError,
      message: "BatchNorm2d: expected numFeatures to be a number, got [16]",
    },
    {
      call: "new BatchNorm3d(16, 1e-5)",
      run: () => new BatchNorm3d(16, 1e-5),
      kind: TypeError,
      message:
        "BatchNorm3d: expected options as an object { eps, momentum, affine, trackRunningStats, dtype }, got 1e-5",
    },
    {
      call: "new BatchNorm1d(3, { eps: -1e-5 })",
      run: () => new BatchNorm1d(3, { eps: -1e-5 }),
      kind: RangeError,
      message: "BatchNorm1d: expected eps to be a finite number of at least 0, got -0.00001",
    },
    {
      call: "new BatchNorm1d(3, { momentum: 2 })",
      run: () => new BatchNorm1d(3, { momentum: 2 }),
      kind: RangeError,
      message: "BatchNorm1d: expected momentum, the weight of the new value, in [0, 1], got 2",
    },
    {
      call: 'new BatchNorm1d(3, { momentum: "0.1" })',
      run: () => new BatchNorm1d(3, { momentum: "0.1" }),
      kind: TypeError,
      message: 'BatchNorm1d: expected momentum to be a number, got "0.1"',
    },
    {
      call: "batch.forward()",
      run: () => batch.forward(),
      kind: TypeError,
      by: "BatchNorm1d",
      message: "BatchNorm1d: expected input to be a tensor, got undefined",
    },
    {
      call: "batch.forward([[1, 2, 3]])",
      run: () => batch.forward([[1, 2, 3]]),
      kind: TypeError,
      by: "BatchNorm1d",
      message: "BatchNorm1d: expected input to be a tensor, got [[1, 2, 3]]",
    },
    {
      call: "batch.forward(images)",
      run: () => batch.forward(images),
      kind: RangeError,
      by: "BatchNorm1d",
      message: "BatchNorm1d: expected 2D or 3D input, got 4D of shape [2, 6, 4, 4]",
    },
    {
      call: "batch.forward(randn([4, 2]))",
      run: () => batch.forward(randn([4, 2])),
      kind: RangeError,
      by: "BatchNorm1d",
      message: "BatchNorm1d: expected input with numFeatures 3 channels, got shape [4, 2]",
    },
    {
      call: "batch.forward(randn([0, 2]))",
      run: () => batch.forward(randn([0, 2])),
      kind: RangeError,
      by: "BatchNorm1d",
      message: "BatchNorm1d: expected input with numFeatures 3 channels, got shape [0, 2]",
    },
    {
      call: "average.forward(randn([2, 4, 5, 5]))",
      run: () => average.forward(randn([2, 4, 5, 5])),
      kind: RangeError,
      by: "BatchNorm2d",
      message: "BatchNorm2d: expected input with numFeatures 6 channels, got shape [2, 4, 5, 5]",
    },
    {
      call: "batch.forward(randn([1, 3]))",
      run: () => batch.forward(randn([1, 3])),
      kind: RangeError,
      by: "batchNorm",
      message:
        "batchNorm: expected more than 1 value per channel in training, got input of shape [1, 3]: with one value x − μ is 0 whatever x is",
    },
    {
      call: 'batch.forward(x.to("float32"))',
      run: () => batch.forward(x.to("float32")),
      kind: TypeError,
      by: "batchNorm",
      message: "batchNorm: expected runningMean in the input's dtype float32, got float64",
    },
    {
      call: "average.forward(randn([2, 6]))",
      run: () => average.forward(randn([2, 6])),
      kind: RangeError,
      by: "BatchNorm2d",
      message: "BatchNorm2d: expected 4D input, got 2D of shape [2, 6]",
    },
    {
      call: "average.forward(randn([1, 6, 1, 1]))",
      run: () => average.forward(randn([1, 6, 1, 1])),
      kind: RangeError,
      by: "batchNorm",
      message:
        "batchNorm: expected more than 1 value per channel in training, got input of shape [1, 6, 1, 1]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "instanceNorm()",
      run: () => instanceNorm(),
      kind: TypeError,
      message: "instanceNorm: expected input to be a tensor, got undefined",
    },
    {
      call: "instanceNorm(x)",
      run: () => instanceNorm(x),
      kind: RangeError,
      message:
        "instanceNorm: expected more than 1 position per channel, got input of shape [4, 3]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "instanceNorm(randn([2, 0, 3]))",
      run: () => instanceNorm(randn([2, 0, 3])),
      kind: RangeError,
      message: "instanceNorm: expected input [N, C, *] with C ≥ 1, got shape [2, 0, 3]",
    },
    {
      call: "instanceNorm(images, zeros([6]), ones([6]))",
      run: () => instanceNorm(images, zeros([6]), ones([6])),
      kind: TypeError,
      message:
        "instanceNorm: expected options as an object { runningMean, runningVar, weight, bias, useInputStats, momentum, eps }, got a Tensor",
    },
    {
      call: "instanceNorm(images, { useInputStats: false })",
      run: () => instanceNorm(images, { useInputStats: false }),
      kind: TypeError,
      message:
        "instanceNorm: expected runningMean and runningVar where the input's statistics are not used, got neither",
    },
    {
      call: "instanceNorm(images, { runningMean: mean, runningVar: variance })",
      run: () => instanceNorm(images, { runningMean: mean, runningVar: variance }),
      kind: RangeError,
      message: "instanceNorm: expected runningMean of shape [6], one value a channel, got [3]",
    },
    {
      call: "instanceNorm(images, { weight: ones([2]) })",
      run: () => instanceNorm(images, { weight: ones([2]) }),
      kind: RangeError,
      message: "instanceNorm: expected weight of shape [6], one value a channel, got [2]",
    },
    {
      call: "instanceNorm(images, { momentum: 1.5 })",
      run: () => instanceNorm(images, { momentum: 1.5 }),
      kind: RangeError,
      message: "instanceNorm: expected momentum, the weight of the new value, in [0, 1], got 1.5",
    },
    {
      call: 'instanceNorm(images, { eps: "0" })',
      run: () => instanceNorm(images, { eps: "0" }),
      kind: TypeError,
      message: 'instanceNorm: expected eps to be a number, got "0"',
    },
    {
      call: "new InstanceNorm1d()",
      run: () => new InstanceNorm1d(),
      kind: TypeError,
      message: "InstanceNorm1d: expected numFeatures to be a number, got undefined",
    },
    {
      call: "new InstanceNorm2d(0)",
      run: () => new InstanceNorm2d(0),
      kind: RangeError,
      message: "InstanceNorm2d: expected numFeatures to be a positive whole number, got 0",
    },
    {
      call: "new InstanceNorm2d(3, 1e-5)",
      run: () => new InstanceNorm2d(3, 1e-5),
      kind: TypeError,
      message:
        "InstanceNorm2d: expected options as an object { eps, momentum, affine, trackRunningStats, dtype }, got 1e-5",
    },
    {
      call: "new InstanceNorm3d(3, { momentum: null })",
      run: () => new InstanceNorm3d(3, { momentum: null }),
      kind: TypeError,
      message: "InstanceNorm3d: expected momentum to be a number (there is no cumulative average), got null",
    },
    {
      call: "new InstanceNorm1d(3, { momentum: 2 })",
      run: () => new InstanceNorm1d(3, { momentum: 2 }),
      kind: RangeError,
      message: "InstanceNorm1d: expected momentum, the weight of the new value, in [0, 1], got 2",
    },
    {
      call: "new InstanceNorm1d(3, { eps: -1 })",
      run: () => new InstanceNorm1d(3, { eps: -1 }),
      kind: RangeError,
      message: "InstanceNorm1d: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "instance.forward([[1, 2, 3]])",
      run: () => instance.forward([[1, 2, 3]]),
      kind: TypeError,
      by: "InstanceNorm1d",
      message: "InstanceNorm1d: expected input to be a tensor, got [[1, 2, 3]]",
    },
    {
      call: "instance.forward(images)",
      run: () => instance.forward(images),
      kind: RangeError,
      by: "InstanceNorm1d",
      message: "InstanceNorm1d: expected 2D (one sample) or 3D input, got 4D of shape [2, 6, 4, 4]",
    },
    {
      call: "instance.forward(randn([2, 4, 5]))",
      run: () => instance.forward(randn([2, 4, 5])),
      kind: RangeError,
      by: "InstanceNorm1d",
      message: "InstanceNorm1d: expected input with numFeatures 3 channels, got shape [2, 4, 5]",
    },
    {
      call: "instance.forward(randn([4, 3]))",
      run: () => instance.forward(randn([4, 3])),
      kind: RangeError,
      by: "InstanceNorm1d",
      message: "InstanceNorm1d: expected input with numFeatures 3 channels, got shape [4, 3]",
    },
    {
      call: "instance.forward(randn([2, 3, 1]))",
      run: () => instance.forward(randn([2, 3, 1])),
      kind: RangeError,
      by: "instanceNorm",
      message:
        "instanceNorm: expected more than 1 position per channel, got input of shape [2, 3, 1]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "normPartition(batch, [1, 3])",
      run: () => normPartition(batch, [1, 3]),
      kind: RangeError,
      by: "batchNorm",
      message:
        "batchNorm: expected more than 1 value per channel in training, got input of shape [1, 3]: with one value x − μ is 0 whatever x is",
    },
    {
      call: "batchNorm(x, mean, variance, { trainig: true })",
      run: () => batchNorm(x, mean, variance, { trainig: true }),
      kind: TypeError,
      message: "batchNorm: expected options out of weight, bias, training, momentum, eps, got trainig",
    },
    {
      call: 'batchNorm(x, mean, variance, { training: "false" })',
      run: () => batchNorm(x, mean, variance, { training: "false" }),
      kind: TypeError,
      message: 'batchNorm: expected training to be true or false, got "false"',
    },
    {
      call: "batchNorm(x, variance, variance, { training: true })",
      run: () => batchNorm(x, variance, variance, { training: true }),
      kind: TypeError,
      message: "batchNorm: expected two tensors as runningMean and runningVar, got one for both",
    },
    {
      call: "batchNorm(x, null, variance)",
      run: () => batchNorm(x, null, variance),
      kind: TypeError,
      message:
        "batchNorm: expected runningMean and runningVar where the input's statistics are not used, got runningVar without runningMean",
    },
    {
      call: 'new BatchNorm1d(3, { affine: "false" })',
      run: () => new BatchNorm1d(3, { affine: "false" }),
      kind: TypeError,
      message: 'BatchNorm1d: expected affine to be true or false, got "false"',
    },
    {
      call: "new BatchNorm1d(3, { trackRunningStats: 0 })",
      run: () => new BatchNorm1d(3, { trackRunningStats: 0 }),
      kind: TypeError,
      message: "BatchNorm1d: expected trackRunningStats to be true or false, got 0",
    },
    {
      call: "new BatchNorm1d(3, { momentun: 0.5 })",
      run: () => new BatchNorm1d(3, { momentun: 0.5 }),
      kind: TypeError,
      message: "BatchNorm1d: expected options out of eps, momentum, affine, trackRunningStats, dtype, got momentun",
    },
    {
      call: 'instanceNorm(images, { useInputStats: "false" })',
      run: () => instanceNorm(images, { useInputStats: "false" }),
      kind: TypeError,
      message: 'instanceNorm: expected useInputStats to be true or false, got "false"',
    },
    {
      call: "instanceNorm(images, { training: true })",
      run: () => instanceNorm(images, { training: true }),
      kind: TypeError,
      message:
        "instanceNorm: expected options out of runningMean, runningVar, weight, bias, useInputStats, momentum, eps, got training",
    },
    {
      call: "instanceNorm(randn([2, 3, 4]), { runningMean: mean, runningVar: mean })",
      run: () => instanceNorm(randn([2, 3, 4]), { runningMean: mean, runningVar: mean }),
      kind: TypeError,
      message: "instanceNorm: expected two tensors as runningMean and runningVar, got one for both",
    },
    {
      call: "new InstanceNorm1d(3, { affine: 1 })",
      run: () => new InstanceNorm1d(3, { affine: 1 }),
      kind: TypeError,
      message: "InstanceNorm1d: expected affine to be true or false, got 1",
    },
    {
      call: "new InstanceNorm1d(3, { useInputStats: false })",
      run: () => new InstanceNorm1d(3, { useInputStats: false }),
      kind: TypeError,
      message:
        "InstanceNorm1d: expected options out of eps, momentum, affine, trackRunningStats, dtype, got useInputStats",
    },
  ],
};
