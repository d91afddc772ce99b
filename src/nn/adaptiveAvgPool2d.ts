/**
 * Adaptive average pooling: y[p] = the mean of window p, of as many windows as the output has cells. Along a dim of size
 * n, window i of m covers ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉ − 1: windows overlap by a cell where m does not divide n, and
 * repeat cells where m > n. Backward: see averagePool.ts.
 */
import { describeValue } from "../autograd/format.ts";
import { Module } from "../autograd/module.ts";
import { formatShape, range } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { averagePool, windowSizes } from "./averagePool.ts";
import { checkSpatialInput, formatOptions } from "./checks.ts";
import { poolingOf } from "./pooling.ts";
import type { Pooling, Spans } from "./pooling.ts";

/** A size for height and width, or one for each; null keeps the input's. */
export type OutputSize = number | null | readonly [height: number | null, width: number | null];

/**
 * Averages to a fixed size: torch.nn.functional.adaptive_avg_pool2d.
 *
 * @param input [N, C, H, W] or [C, H, W]
 * @param outputSize a number for height and width, or [height, width]; null keeps the input's size
 * @returns [N, C, ...outputSize] or [C, ...outputSize]
 * @throws RangeError if a size is not a positive whole number, or the input has no cells to average
 * @example
 * adaptiveAvgPool2d(tensor([[[1, 2], [3, 4]]]), 1).toArray(); // [[[2.5]]]: global average pooling
 */
export function adaptiveAvgPool2d(input: Tensor, outputSize: OutputSize): Tensor {
  const pooling = adaptivePooling("adaptiveAvgPool2d", input, outputSize);
  const attributes = { outputSize: pooling.outputShape.slice(-2) };
  return averagePool("adaptiveAvgPool2d", input, pooling, windowSizes(pooling.windows), attributes);
}

/**
 * Averages to a fixed size: torch.nn.AdaptiveAvgPool2d.
 *
 * @param outputSize a number for height and width, or [height, width]; null keeps the input's size
 * @example
 * const pool = new AdaptiveAvgPool2d(1); // global average pooling
 * pool.forward(randn([2, 16, 8, 8])).shape; // [2, 16, 1, 1]
 */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: OutputSize;

  constructor(outputSize: OutputSize) {
    super();
    checkOutputSize("AdaptiveAvgPool2d", outputSize);
    this.outputSize = outputSize;
  }

  override forward(input: Tensor): Tensor {
    return adaptiveAvgPool2d(input, this.outputSize);
  }

  protected override extraRepr(): string {
    return formatOptions({ outputSize: this.outputSize });
  }
}

/** The windows that cut the input's planes into `outputSize`. */
export function adaptivePooling(name: string, input: Tensor, outputSize: OutputSize): Pooling {
  checkSpatialInput(name, input, 2);
  const [rows, columns] = checkOutputSize(name, outputSize);
  const [height = 0, width = 0] = input.shape.slice(-2);
  if (height === 0 || width === 0) {
    throw new RangeError(`${name}: expected height and width of at least 1, got shape ${formatShape(input.shape)}`);
  }
  return poolingOf(input, adaptiveSpans(height, rows ?? height), adaptiveSpans(width, columns ?? width));
}

function adaptiveSpans(size: number, count: number): Spans {
  return range(count).map((window) => {
    const start = Math.floor((window * size) / count);
    const end = Math.ceil(((window + 1) * size) / count);
    return range(end - start).map((i) => start + i);
  });
}

function checkOutputSize(name: string, outputSize: OutputSize): readonly [number | null, number | null] {
  const pair = typeof outputSize === "number" || outputSize === null ? ([outputSize, outputSize] as const) : outputSize;
  if (!Array.isArray(pair) || pair.length !== 2) {
    throw new TypeError(`${name}: expected outputSize as a number or a pair, got ${describeValue(outputSize)}`);
  }
  if (!pair.every((size) => size === null || (Number.isInteger(size) && size >= 1))) {
    throw new RangeError(
      `${name}: expected outputSize in whole numbers of at least 1, or null, got ${describeValue(outputSize)}`,
    );
  }
  return pair;
}
