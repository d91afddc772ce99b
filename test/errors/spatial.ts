// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Convolution and pooling. */
import {
  adaptiveAvgPool2d,
  AdaptiveAvgPool2d,
  avgPool2d,
  AvgPool2d,
  conv1d,
  Conv1d,
  conv2d,
  Conv2d,
  maxPool2d,
  MaxPool2d,
  randn,
  zeros,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const images = randn([2, 3, 8, 8]);
const signals = randn([2, 3, 8]);
const kernel = randn([4, 3, 3, 3]);
const conv = new Conv2d(3, 4, 3);

export const spatial: WrongCalls = {
  fixtures: { images, conv },
  rows: [
    {
      call: "conv2d([[1, 2], [3, 4]], kernel)",
      run: () =>
        conv2d(
          [
            [1, 2],
            [3, 4],
          ],
          kernel,
        ),
      kind: TypeError,
      message: "conv2d: expected input to be a tensor, got [[1, 2], [3, 4]]",
    },
    {
      call: "conv2d(images)",
      run: () => conv2d(images),
      kind: TypeError,
      message: "conv2d: expected weight to be a tensor, got undefined",
    },
    {
      call: "conv2d(images, kernel, zeros([4]))",
      run: () => conv2d(images, kernel, zeros([4])),
      kind: TypeError,
      message: "conv2d: expected options as an object { bias, stride, padding, dilation, groups }, got a Tensor",
    },
    {
      call: "conv2d(images, kernel, { bias: [0, 0, 0, 0] })",
      run: () => conv2d(images, kernel, { bias: [0, 0, 0, 0] }),
      kind: TypeError,
      message: "conv2d: expected bias to be a tensor, got [0, 0, 0, 0]",
    },
    {
      call: "conv2d(images, kernel, { bias: zeros([3]) })",
      run: () => conv2d(images, kernel, { bias: zeros([3]) }),
      kind: RangeError,
      message: "conv2d: expected bias of shape [4], got [3]",
    },
    {
      call: "conv2d(randn([8, 8]), kernel)",
      run: () => conv2d(randn([8, 8]), kernel),
      kind: RangeError,
      message: "conv2d: expected input [batch, channels, height, width] or [channels, height, width], got shape [8, 8]",
    },
    {
      call: "conv2d(randn([2, 8, 8, 3]), kernel)",
      run: () => conv2d(randn([2, 8, 8, 3]), kernel),
      kind: RangeError,
      message: "conv2d: expected input of 3 channels for weight [4, 3, 3, 3] and groups 1, got shape [2, 8, 8, 3]",
    },
    {
      call: "conv2d(images, randn([4, 3, 3]))",
      run: () => conv2d(images, randn([4, 3, 3])),
      kind: RangeError,
      message:
        "conv2d: expected weight [outChannels, inChannels / groups, kernelHeight, kernelWidth], got shape [4, 3, 3]",
    },
    {
      call: "conv2d(images, kernel, { stride: 0 })",
      run: () => conv2d(images, kernel, { stride: 0 }),
      kind: RangeError,
      message: "conv2d: expected stride in whole numbers of at least 1, got [0, 0]",
    },
    {
      call: 'conv2d(images, kernel, { stride: "2" })',
      run: () => conv2d(images, kernel, { stride: "2" }),
      kind: TypeError,
      message: 'conv2d: expected stride as a number or [height, width], got "2"',
    },
    {
      call: "conv2d(images, kernel, { stride: [1, 1, 1] })",
      run: () => conv2d(images, kernel, { stride: [1, 1, 1] }),
      kind: TypeError,
      message: "conv2d: expected stride as a number or [height, width], got [1, 1, 1]",
    },
    {
      call: "conv2d(images, kernel, { padding: -1 })",
      run: () => conv2d(images, kernel, { padding: -1 }),
      kind: RangeError,
      message: "conv2d: expected padding in whole numbers of at least 0, got [-1, -1]",
    },
    {
      call: 'conv2d(images, kernel, { padding: "full" })',
      run: () => conv2d(images, kernel, { padding: "full" }),
      kind: TypeError,
      message: 'conv2d: expected padding in numbers, "same" or "valid", got full',
    },
    {
      call: 'conv2d(images, kernel, { padding: "same", stride: 2 })',
      run: () => conv2d(images, kernel, { padding: "same", stride: 2 }),
      kind: RangeError,
      message: 'conv2d: expected stride 1 with padding "same", got [2, 2]',
    },
    {
      call: "conv2d(images, kernel, { dilation: 8 })",
      run: () => conv2d(images, kernel, { dilation: 8 }),
      kind: RangeError,
      message:
        "conv2d: expected an input of at least 17 cells with its padding, as many as the kernel reaches over, got 8",
    },
    {
      call: "conv2d(images, kernel, { groups: 0 })",
      run: () => conv2d(images, kernel, { groups: 0 }),
      kind: RangeError,
      message: "conv2d: expected groups to be a positive whole number, got 0",
    },
    {
      call: "conv2d(images, kernel, { groups: 3 })",
      run: () => conv2d(images, kernel, { groups: 3 }),
      kind: RangeError,
      message: "conv2d: expected groups to divide the 4 output channels, got 3",
    },
    {
      call: 'conv2d(images, kernel.to("float32"))',
      run: () => conv2d(images, kernel.to("float32")),
      kind: TypeError,
      message: "conv2d: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: "conv1d(images, kernel)",
      run: () => conv1d(images, kernel),
      kind: RangeError,
      message: "conv1d: expected input [batch, channels, length] or [channels, length], got shape [2, 3, 8, 8]",
    },
    {
      call: "conv1d(signals, kernel)",
      run: () => conv1d(signals, kernel),
      kind: RangeError,
      message: "conv1d: expected weight [outChannels, inChannels / groups, kernelSize], got shape [4, 3, 3, 3]",
    },
    {
      call: "conv1d(signals, randn([4, 3, 3]), { stride: [1, 1] })",
      run: () => conv1d(signals, randn([4, 3, 3]), { stride: [1, 1] }),
      kind: TypeError,
      message: "conv1d: expected stride as a number or [length], got [1, 1]",
    },
    {
      call: "new Conv2d(3, 4)",
      run: () => new Conv2d(3, 4),
      kind: TypeError,
      message: "Conv2d: expected kernelSize as a number or [height, width], got undefined",
    },
    {
      call: "new Conv2d(0, 4, 3)",
      run: () => new Conv2d(0, 4, 3),
      kind: RangeError,
      message: "Conv2d: expected inChannels to be a positive whole number, got 0",
    },
    {
      call: 'new Conv2d(3, "4", 3)',
      run: () => new Conv2d(3, "4", 3),
      kind: TypeError,
      message: 'Conv2d: expected outChannels to be a number, got "4"',
    },
    {
      call: "new Conv2d(3, 4, [3])",
      run: () => new Conv2d(3, 4, [3]),
      kind: TypeError,
      message: "Conv2d: expected kernelSize as a number or [height, width], got [3]",
    },
    {
      call: "new Conv2d(3, 4, 2.5)",
      run: () => new Conv2d(3, 4, 2.5),
      kind: RangeError,
      message: "Conv2d: expected kernelSize in whole numbers of at least 1, got [2.5, 2.5]",
    },
    {
      call: "new Conv2d(3, 4, 3, 1, 1)",
      run: () => new Conv2d(3, 4, 3, 1, 1),
      kind: TypeError,
      message:
        "Conv2d: expected options as an object { stride, padding, dilation, groups, bias, generator, dtype }, got 1",
    },
    {
      call: "new Conv2d(3, 4, 3, { groups: 2 })",
      run: () => new Conv2d(3, 4, 3, { groups: 2 }),
      kind: RangeError,
      message: "Conv2d: expected groups to divide inChannels 3 and outChannels 4, got 2",
    },
    {
      call: "new Conv1d(3, 4, 3, 2)",
      run: () => new Conv1d(3, 4, 3, 2),
      kind: TypeError,
      message:
        "Conv1d: expected options as an object { stride, padding, dilation, groups, bias, generator, dtype }, got 2",
    },
    {
      call: "conv.forward(randn([2, 1, 8, 8]))",
      run: () => conv.forward(randn([2, 1, 8, 8])),
      kind: RangeError,
      by: "conv2d",
      message: "conv2d: expected input of 3 channels for weight [4, 3, 3, 3] and groups 1, got shape [2, 1, 8, 8]",
    },
    {
      call: "conv.forward(randn([2, 3, 2, 2]))",
      run: () => conv.forward(randn([2, 3, 2, 2])),
      kind: RangeError,
      by: "conv2d",
      message:
        "conv2d: expected an input of at least 3 cells with its padding, as many as the kernel reaches over, got 2",
    },
    {
      call: "maxPool2d([[1, 2], [3, 4]], 2)",
      run: () =>
        maxPool2d(
          [
            [1, 2],
            [3, 4],
          ],
          2,
        ),
      kind: TypeError,
      message: "maxPool2d: expected input to be a tensor, got [[1, 2], [3, 4]]",
    },
    {
      call: "maxPool2d(images)",
      run: () => maxPool2d(images),
      kind: TypeError,
      message: "maxPool2d: expected kernelSize as a number or a pair [height, width], got undefined",
    },
    {
      call: 'maxPool2d(images, "2")',
      run: () => maxPool2d(images, "2"),
      kind: TypeError,
      message: 'maxPool2d: expected kernelSize as a number or a pair [height, width], got "2"',
    },
    {
      call: "maxPool2d(images, 0)",
      run: () => maxPool2d(images, 0),
      kind: RangeError,
      message: "maxPool2d: expected kernelSize in whole numbers of at least 1, got [0, 0]",
    },
    {
      call: "maxPool2d(images, [2, 2, 2])",
      run: () => maxPool2d(images, [2, 2, 2]),
      kind: TypeError,
      message: "maxPool2d: expected kernelSize as a number or a pair [height, width], got [2, 2, 2]",
    },
    {
      call: "maxPool2d(images, 3, 1)",
      run: () => maxPool2d(images, 3, 1),
      kind: TypeError,
      message: "maxPool2d: expected options as an object { stride, padding, dilation }, got 1",
    },
    {
      call: "maxPool2d(images, 2, { stride: 0 })",
      run: () => maxPool2d(images, 2, { stride: 0 }),
      kind: RangeError,
      message: "maxPool2d: expected stride in whole numbers of at least 1, got [0, 0]",
    },
    {
      call: "maxPool2d(images, 2, { padding: 2 })",
      run: () => maxPool2d(images, 2, { padding: 2 }),
      kind: RangeError,
      message: "maxPool2d: expected padding of at most half of kernelSize [2, 2], got [2, 2]",
    },
    {
      call: "maxPool2d(images, 9)",
      run: () => maxPool2d(images, 9),
      kind: RangeError,
      message:
        "maxPool2d: expected an input that every window touches, got shape [2, 3, 8, 8] for kernelSize [9, 9], padding [0, 0], dilation [1, 1]",
    },
    {
      call: "maxPool2d(randn([8, 8]), 2)",
      run: () => maxPool2d(randn([8, 8]), 2),
      kind: RangeError,
      message:
        "maxPool2d: expected input [batch, channels, height, width] or [channels, height, width], got shape [8, 8]",
    },
    {
      call: "new MaxPool2d(2, 2)",
      run: () => new MaxPool2d(2, 2),
      kind: TypeError,
      message: "MaxPool2d: expected options as an object { stride, padding, dilation }, got 2",
    },
    {
      call: "avgPool2d(images, -1)",
      run: () => avgPool2d(images, -1),
      kind: RangeError,
      message: "avgPool2d: expected kernelSize in whole numbers of at least 1, got [-1, -1]",
    },
    {
      call: "avgPool2d(images, 2, 2)",
      run: () => avgPool2d(images, 2, 2),
      kind: TypeError,
      message: "avgPool2d: expected options as an object { stride, padding, countIncludePad }, got 2",
    },
    {
      call: "new AvgPool2d(2, { stride: null })",
      run: () => new AvgPool2d(2, { stride: null }),
      kind: TypeError,
      message: "AvgPool2d: expected stride as a number or a pair [height, width], got null",
    },
    {
      call: "new AvgPool2d(2, 2)",
      run: () => new AvgPool2d(2, 2),
      kind: TypeError,
      message: "AvgPool2d: expected options as an object { stride, padding, countIncludePad }, got 2",
    },
    {
      call: "adaptiveAvgPool2d(images)",
      run: () => adaptiveAvgPool2d(images),
      kind: TypeError,
      message: "adaptiveAvgPool2d: expected outputSize as a number or a pair, got undefined",
    },
    {
      call: "adaptiveAvgPool2d(images, 0)",
      run: () => adaptiveAvgPool2d(images, 0),
      kind: RangeError,
      message: "adaptiveAvgPool2d: expected outputSize in whole numbers of at least 1, or null, got 0",
    },
    {
      call: "adaptiveAvgPool2d(zeros([1, 0, 4]), 1)",
      run: () => adaptiveAvgPool2d(zeros([1, 0, 4]), 1),
      kind: RangeError,
      message: "adaptiveAvgPool2d: expected height and width of at least 1, got shape [1, 0, 4]",
    },
    {
      call: "new AdaptiveAvgPool2d([2, 2, 2])",
      run: () => new AdaptiveAvgPool2d([2, 2, 2]),
      kind: TypeError,
      message: "AdaptiveAvgPool2d: expected outputSize as a number or a pair, got [2, 2, 2]",
    },
    {
      call: "new AdaptiveAvgPool2d([1, 2.5])",
      run: () => new AdaptiveAvgPool2d([1, 2.5]),
      kind: RangeError,
      message: "AdaptiveAvgPool2d: expected outputSize in whole numbers of at least 1, or null, got [1, 2.5]",
    },
  ],
};
