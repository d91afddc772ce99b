/** The sizes of a convolution, checked. */
import { describeValue, formatValue } from "../autograd/format.ts";
import { formatShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { checkTensor } from "../autograd/tensor.ts";
import type { Tensor } from "../autograd/tensor.ts";
import type { Conv2dGeometry } from "../kernels/conv2d.ts";
import { checkCount, checkSizes, checkSpatialInput } from "./checks.ts";

/** One number for all spatial dims, or one for each. */
export type Sizes = number | readonly number[];
export type Padding<Size> = Size | "same" | "valid";

/** Along one spatial dim; `after` follows from the output's size, and is more than `before` by at most 1. */
interface Span {
  readonly size: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly outSize: number;
}

/** The geometry in two dims, where one spatial dim has a height of 1, and the output's shape as the caller sees it. */
export function convGeometry(
  name: string,
  spatial: 1 | 2,
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  options: {
    readonly stride: Sizes;
    readonly padding: Padding<Sizes>;
    readonly dilation: Sizes;
    readonly groups: number;
  },
): { readonly geometry: Conv2dGeometry; readonly outputShape: Shape } {
  checkSpatialInput(name, input, spatial);
  checkWeight(name, spatial, input, weight, options.groups);
  const [outChannels = 0] = weight.shape;
  if (bias !== null && (checkTensor(name, "bias", bias).ndim !== 1 || bias.shape[0] !== outChannels)) {
    throw new RangeError(`${name}: expected bias of shape [${outChannels}], got ${formatShape(bias.shape)}`);
  }
  const stride = spatialSizes(name, "stride", spatial, options.stride, 1);
  const dilation = spatialSizes(name, "dilation", spatial, options.dilation, 1);
  const padding = checkPadding(name, spatial, options.padding, stride);
  const spans = input.shape.slice(-spatial).map((size, dim) => {
    const steps = { stride: stride[dim] ?? 1, dilation: dilation[dim] ?? 1 };
    const amount = padding === "same" ? padding : (padding[dim] ?? 0);
    return spanOf(name, size, weight.shape[dim + 2] ?? 1, amount, steps);
  });
  const [width = unit, height = unit] = spans.toReversed();
  const batched = input.ndim === spatial + 2;
  const geometry: Conv2dGeometry = {
    batch: batched ? (input.shape[0] ?? 0) : 1,
    inChannels: input.shape.at(-spatial - 1) ?? 0,
    height: height.size,
    width: width.size,
    outChannels,
    kernelHeight: height.kernelSize,
    kernelWidth: width.kernelSize,
    outHeight: height.outSize,
    outWidth: width.outSize,
    stride: [height.stride, width.stride],
    padding: [height.before, width.before],
    dilation: [height.dilation, width.dilation],
    groups: options.groups,
  };
  const leading = batched ? input.shape.slice(0, 1) : [];
  return { geometry, outputShape: [...leading, outChannels, ...spans.map((span) => span.outSize)] };
}

/** What stands in for the height of a convolution over lengths. */
const unit: Span = { size: 1, kernelSize: 1, stride: 1, dilation: 1, before: 0, outSize: 1 };

function spanOf(
  name: string,
  size: number,
  kernelSize: number,
  padding: number | "same",
  { stride, dilation }: { readonly stride: number; readonly dilation: number },
): Span {
  const reach = dilation * (kernelSize - 1) + 1;
  const before = padding === "same" ? Math.floor((reach - 1) / 2) : padding;
  const padded = padding === "same" ? size + reach - 1 : size + 2 * padding;
  if (padded < reach) {
    throw new RangeError(
      `${name}: expected an input of at least ${reach} cells with its padding, as many as the kernel reaches over, ` +
        `got ${padded}`,
    );
  }
  return { size, kernelSize, stride, dilation, before, outSize: Math.floor((padded - reach) / stride) + 1 };
}

/** One number for each spatial dim. */
export function spatialSizes(
  name: string,
  what: string,
  spatial: 1 | 2,
  option: Sizes,
  least: number,
): readonly number[] {
  const sizes = typeof option === "number" ? Array.from({ length: spatial }, () => option) : option;
  if (!Array.isArray(sizes) || sizes.length !== spatial) {
    const dims = spatial === 1 ? "length" : "height, width";
    throw new TypeError(`${name}: expected ${what} as a number or [${dims}], got ${describeValue(option)}`);
  }
  checkSizes(name, what, sizes, least);
  return sizes;
}

/** Zeros on each side for each spatial dim, or "same". */
export function checkPadding(
  name: string,
  spatial: 1 | 2,
  padding: Padding<Sizes>,
  stride: readonly number[],
): readonly number[] | "same" {
  if (padding === "same") {
    if (stride.every((step) => step === 1)) return padding;
    throw new RangeError(`${name}: expected stride 1 with padding "same", got ${formatValue(stride)}`);
  }
  if (typeof padding === "string" && padding !== "valid") {
    throw new TypeError(`${name}: expected padding in numbers, "same" or "valid", got ${formatValue(padding)}`);
  }
  return spatialSizes(name, "padding", spatial, padding === "valid" ? 0 : padding, 0);
}

function checkWeight(name: string, spatial: 1 | 2, input: Tensor, weight: Tensor, groups: number): void {
  checkCount(name, "groups", groups);
  const [outChannels = 0, perGroup = 0] = checkTensor(name, "weight", weight).shape;
  if (weight.ndim !== spatial + 2 || sizeOf(weight.shape) === 0) {
    const kernel = spatial === 1 ? "kernelSize" : "kernelHeight, kernelWidth";
    throw new RangeError(
      `${name}: expected weight [outChannels, inChannels / groups, ${kernel}], got shape ${formatShape(weight.shape)}`,
    );
  }
  if (outChannels % groups !== 0) {
    throw new RangeError(`${name}: expected groups to divide the ${outChannels} output channels, got ${groups}`);
  }
  if (input.shape.at(-spatial - 1) !== perGroup * groups) {
    throw new RangeError(
      `${name}: expected input of ${perGroup * groups} channels for weight ${formatShape(weight.shape)} and groups ` +
        `${groups}, got shape ${formatShape(input.shape)}`,
    );
  }
}
