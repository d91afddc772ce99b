import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conv2dForward, conv2dGradInput, conv2dGradWeight, im2colIndex } from "../../src/kernels/conv2d.ts";
import type { Conv2dGeometry } from "../../src/kernels/conv2d.ts";
import type { FloatArray } from "../../src/kernels/floatArray.ts";
import { holds } from "../helpers/generators.ts";
import { expectSame, integers, KINDS } from "./integers.ts";
import type { Kind } from "./integers.ts";

interface Convolution {
  readonly kind: Kind;
  readonly geometry: Conv2dGeometry;
  readonly seed: number;
}

/** `after` counts the zeros that follow the last row and column, like `padding` those before the first. */
function geometryOf(
  sizes: Omit<Conv2dGeometry, "outHeight" | "outWidth">,
  after: readonly [height: number, width: number] = sizes.padding,
): Conv2dGeometry {
  const { height, width, kernelHeight, kernelWidth, padding, dilation, stride } = sizes;
  const outputs = (size: number, kernelSize: number, dim: 0 | 1): number => {
    const room = size + padding[dim] + after[dim] - dilation[dim] * (kernelSize - 1) - 1;
    return Math.max(0, Math.floor(room / stride[dim]) + 1);
  };
  return { ...sizes, outHeight: outputs(height, kernelHeight, 0), outWidth: outputs(width, kernelWidth, 1) };
}

const pair = (min: number, max: number): fc.Arbitrary<[number, number]> =>
  fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));

/** Every option, empty batches and outputs, uneven padding, and batches of more images than one canvas holds. */
const convolutions: fc.Arbitrary<Convolution> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    batch: fc.constantFrom(0, 1, 2, 5, 40),
    perGroup: fc.tuple(fc.constantFrom(1, 2, 3, 5), fc.constantFrom(1, 2, 3, 7)),
    groups: fc.constantFrom(1, 2, 3),
    size: pair(1, 9),
    kernel: pair(1, 4),
    stride: pair(1, 3),
    padding: pair(0, 3),
    after: pair(0, 3),
    dilation: pair(1, 3),
    seed: fc.nat(1000),
  })
  .map(({ kind, seed, batch, perGroup, groups, size, kernel, after, ...steps }) => {
    const channels = { batch, groups, inChannels: groups * perGroup[0], outChannels: groups * perGroup[1] };
    const sizes = { height: size[0], width: size[1], kernelHeight: kernel[0], kernelWidth: kernel[1] };
    return { kind, seed, geometry: geometryOf({ ...channels, ...sizes, ...steps }, after) };
  });

/** One multiplication of a convolution: output += weight · input, by their flat indices. */
type Term = (output: number, weight: number, input: number) => void;

/** The definition: seven loops, and no zero is ever multiplied. */
function forEachTerm(geometry: Conv2dGeometry, term: Term): void {
  const { batch, inChannels, height, width, outChannels, kernelHeight, kernelWidth, outHeight, outWidth } = geometry;
  const { stride, padding, dilation, groups } = geometry;
  const [inGroup, outGroup] = [inChannels / groups, outChannels / groups];
  for (let n = 0; n < batch; n++) {
    for (let o = 0; o < outChannels; o++) {
      for (let c = 0; c < inGroup; c++) {
        const channel = Math.floor(o / outGroup) * inGroup + c;
        for (let i = 0; i < kernelHeight; i++) {
          for (let j = 0; j < kernelWidth; j++) {
            for (let p = 0; p < outHeight; p++) {
              const y = p * stride[0] - padding[0] + i * dilation[0];
              if (y < 0 || y >= height) continue;
              for (let q = 0; q < outWidth; q++) {
                const x = q * stride[1] - padding[1] + j * dilation[1];
                if (x < 0 || x >= width) continue;
                term(
                  ((n * outChannels + o) * outHeight + p) * outWidth + q,
                  ((o * inGroup + c) * kernelHeight + i) * kernelWidth + j,
                  ((n * inChannels + channel) * height + y) * width + x,
                );
              }
            }
          }
        }
      }
    }
  }
}

interface Arrays {
  readonly input: FloatArray;
  readonly weight: FloatArray;
  readonly bias: FloatArray;
  readonly gradOutput: FloatArray;
}

function arraysOf({ kind, geometry, seed }: Convolution): Arrays {
  const { batch, inChannels, height, width, outChannels, kernelHeight, kernelWidth, outHeight, outWidth } = geometry;
  return {
    input: integers(kind, batch * inChannels * height * width, seed),
    weight: integers(kind, outChannels * (inChannels / geometry.groups) * kernelHeight * kernelWidth, seed + 1),
    bias: integers(kind, outChannels, seed + 2),
    gradOutput: integers(kind, batch * outChannels * outHeight * outWidth, seed + 3),
  };
}

interface Results {
  readonly output: FloatArray;
  readonly biased: FloatArray;
  readonly gradInput: FloatArray;
  readonly gradWeight: FloatArray;
}

/** The integers' sums are exact in float64 and rounded once here, so the kernels have to give the same bits. */
function oracle({ kind, geometry }: Convolution, { input, weight, bias, gradOutput }: Arrays): Results {
  const positions = geometry.outHeight * geometry.outWidth;
  const output = new Float64Array(gradOutput.length);
  const gradInput = new Float64Array(input.length);
  const gradWeight = new Float64Array(weight.length);
  forEachTerm(geometry, (at, tap, cell) => {
    output[at]! += weight[tap]! * input[cell]!;
    gradInput[cell]! += weight[tap]! * gradOutput[at]!;
    gradWeight[tap]! += gradOutput[at]! * input[cell]!;
  });
  const biased = output.map((value, at) => value + bias[Math.floor(at / positions) % geometry.outChannels]!);
  const store = (sums: Float64Array): FloatArray => new kind(sums);
  return {
    output: store(output),
    biased: store(biased),
    gradInput: store(gradInput),
    gradWeight: store(gradWeight),
  };
}

const kernels = (geometry: Conv2dGeometry, { input, weight, bias, gradOutput }: Arrays): Results => ({
  output: conv2dForward(input, weight, null, geometry),
  biased: conv2dForward(input, weight, bias, geometry),
  gradInput: conv2dGradInput(gradOutput, weight, geometry),
  gradWeight: conv2dGradWeight(gradOutput, input, geometry),
});

function expectConvolution(compute: typeof kernels, convolution: Convolution): void {
  const arrays = arraysOf(convolution);
  const before = { ...arrays, input: arrays.input.slice(), gradOutput: arrays.gradOutput.slice() };
  const actual = compute(convolution.geometry, arrays);
  const expected = oracle(convolution, before);
  expectSame("output", actual.output, expected.output);
  expectSame("biased", actual.biased, expected.biased);
  expectSame("gradInput", actual.gradInput, expected.gradInput);
  expectSame("gradWeight", actual.gradWeight, expected.gradWeight);
  expectSame("input", arrays.input, before.input);
  expectSame("gradOutput", arrays.gradOutput, before.gradOutput);
}

const square = { stride: [1, 1], padding: [1, 1], dilation: [1, 1], kernelHeight: 3, kernelWidth: 3 } as const;

describe("conv2dForward, conv2dGradInput and conv2dGradWeight", () => {
  test("give the exact sums, rounded once, for every geometry and dtype", () => {
    holds(convolutions, (convolution) => expectConvolution(kernels, convolution), 300);
  });

  test.each([
    ["an image that is larger than a canvas", { batch: 2, inChannels: 3, outChannels: 2, height: 70, width: 60 }],
    ["more channels than a block holds", { batch: 3, inChannels: 60, outChannels: 130, height: 3, width: 3 }],
    ["a batch of small images", { batch: 300, inChannels: 1, outChannels: 8, height: 8, width: 8 }],
  ])("do so for %s", (_, sizes) => {
    const geometry = geometryOf({ ...square, ...sizes, groups: 1 });
    for (const kind of KINDS) expectConvolution(kernels, { kind, geometry, seed: 1 });
  });

  test("answer with the bias, and with zeros, where there are no input channels", () => {
    const geometry = geometryOf({ ...square, batch: 1, inChannels: 0, outChannels: 2, height: 2, width: 1, groups: 1 });
    const none = new Float32Array(0);
    expect([...conv2dForward(none, none, Float32Array.of(3, 4), geometry)]).toEqual([3, 3, 4, 4]);
    expect(conv2dGradInput(new Float32Array(4), none, geometry)).toEqual(none);
    expect(conv2dGradWeight(new Float32Array(4), none, geometry)).toEqual(none);
  });

  type Kernels = typeof kernels;
  const wrong: Record<string, Kernels> = {
    "rounds after every image": (geometry, arrays) => ({
      ...kernels(geometry, arrays),
      gradWeight: imageByImage(geometry, arrays),
    }),
    "leaves out the stride": (geometry, arrays) => kernels({ ...geometry, stride: [1, 1] }, arrays),
    "leaves out the dilation": (geometry, arrays) => kernels({ ...geometry, dilation: [1, 1] }, arrays),
    "swaps height and width of the padding": ({ padding: [height, width], ...geometry }, arrays) =>
      kernels({ ...geometry, padding: [width, height] }, arrays),
    "forgets the bias": (geometry, arrays) => {
      const results = kernels(geometry, arrays);
      return { ...results, biased: results.output };
    },
  };

  function imageByImage(geometry: Conv2dGeometry, { input, gradOutput, weight }: Arrays): FloatArray {
    const sums = weight.slice().fill(0);
    const part = (array: FloatArray, image: number): FloatArray => {
      const size = array.length / geometry.batch;
      return array.subarray(image * size, (image + 1) * size);
    };
    for (let image = 0; image < geometry.batch; image++) {
      const one = conv2dGradWeight(part(gradOutput, image), part(input, image), { ...geometry, batch: 1 });
      one.forEach((value, tap) => (sums[tap]! += value));
    }
    return sums;
  }

  test.each(Object.entries(wrong))("the test sees a convolution that %s", (_, compute) => {
    expect(() => holds(convolutions, (convolution) => expectConvolution(compute, convolution))).toThrow();
  });
});

describe("im2colIndex", () => {
  test("names for each tap and output position the cell that the definition multiplies, else −1", () => {
    holds(convolutions, ({ geometry }) => {
      const { batch, inChannels, outChannels, kernelHeight, kernelWidth, outHeight, outWidth, groups } = geometry;
      const taps = (inChannels / groups) * kernelHeight * kernelWidth;
      const positions = outHeight * outWidth;
      const expected = new Int32Array(batch * groups * taps * positions).fill(-1);
      forEachTerm(geometry, (output, weight, input) => {
        const [plane, position] = [Math.floor(output / positions), output % positions];
        const [image, channel] = [Math.floor(plane / outChannels), plane % outChannels];
        const group = Math.floor(channel / (outChannels / groups));
        expected[((image * groups + group) * taps + (weight % taps)) * positions + position] = input;
      });
      expect(im2colIndex(geometry)).toEqual(expected);
    });
  });

  test("of a 2 × 2 kernel on a 2 × 2 image with one row of padding above", () => {
    const sizes = { batch: 1, inChannels: 1, outChannels: 1, groups: 1, height: 2, width: 2 };
    const kernel = { kernelHeight: 2, kernelWidth: 2, outHeight: 2, outWidth: 1 };
    const steps = { stride: [1, 1], padding: [1, 0], dilation: [1, 1] } as const;
    expect([...im2colIndex({ ...sizes, ...kernel, ...steps })]).toEqual([-1, 0, -1, 1, 0, 2, 1, 3]);
  });
});
