/**
 * What pooling layers share: each plane [H, W] of an input [N, C, H, W] or [C, H, W] is reduced window by window.
 * Windows that slide give
 *
 *   OH = ⌊(H + 2 · padding − dilation · (kernelSize − 1) − 1) / stride⌋ + 1        and OW likewise
 */
import { formatValue } from "../autograd/format.ts";
import { formatShape, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";
import type { PoolWindows } from "../kernels/pool2d.ts";
import { checkSpatialInput, toPair } from "./checks.ts";
import type { Pair, PairOption } from "./checks.ts";

/** The windows of an input. */
export interface Pooling {
  readonly inputShape: Shape;
  readonly outputShape: Shape;
  /** N · C planes of H · W cells. */
  readonly planes: number;
  readonly planeSize: number;
  readonly windows: PoolWindows;
}

/** For each window along one dim, the positions that it covers, without those in padding. */
export type Spans = readonly (readonly number[])[];

export interface SlidingOptions {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

/** The options of sliding windows as pairs. Throws unless they are whole, and padding at most half of a window. */
export function checkSliding(
  name: string,
  options: { readonly [Option in keyof SlidingOptions]: PairOption },
): SlidingOptions {
  const kernelSize = toPair(name, "kernelSize", options.kernelSize, 1);
  const stride = toPair(name, "stride", options.stride, 1);
  const padding = toPair(name, "padding", options.padding, 0);
  const dilation = toPair(name, "dilation", options.dilation, 1);
  if (padding.some((cells, dim) => cells > (kernelSize[dim] ?? 0) / 2)) {
    throw new RangeError(
      `${name}: expected padding of at most half of kernelSize ${formatValue(kernelSize)}, got ${formatValue(padding)}`,
    );
  }
  return { kernelSize, stride, padding, dilation };
}

/** Throws if no window fits into the input, or one would lie in padding alone. */
export function slidingPooling(name: string, input: Tensor, options: SlidingOptions): Pooling {
  checkSpatialInput(name, input, 2);
  const [height = 0, width = 0] = input.shape.slice(-2);
  const rows = slidingSpans(height, 0, options);
  const columns = slidingSpans(width, 1, options);
  if (![rows, columns].every((spans) => spans.length > 0 && spans.every((span) => span.length > 0))) {
    const { kernelSize, padding, dilation } = options;
    throw new RangeError(
      `${name}: expected an input that every window touches, got shape ${formatShape(input.shape)} for kernelSize ` +
        `${formatValue(kernelSize)}, padding ${formatValue(padding)}, dilation ${formatValue(dilation)}`,
    );
  }
  return poolingOf(input, rows, columns);
}

/** Every span of rows crossed with every span of columns, row-major. */
export function poolingOf({ shape }: Tensor, rows: Spans, columns: Spans): Pooling {
  const [height = 0, width = 0] = shape.slice(-2);
  const total = (spans: Spans): number => spans.reduce((sum, span) => sum + span.length, 0);
  const cells = new Int32Array(total(rows) * total(columns));
  const starts = new Int32Array(rows.length * columns.length + 1);
  let at = 0;
  let window = 0;
  for (const rowSpan of rows) {
    for (const columnSpan of columns) {
      for (const row of rowSpan) for (const column of columnSpan) cells[at++] = row * width + column;
      starts[++window] = at;
    }
  }
  return {
    inputShape: shape,
    outputShape: [...shape.slice(0, -2), rows.length, columns.length],
    planes: sizeOf(shape.slice(0, -2)),
    planeSize: height * width,
    windows: { cells, starts },
  };
}

/** Windows that begin at −padding, −padding + stride, … and end within the padding. */
function slidingSpans(size: number, dim: 0 | 1, options: SlidingOptions): Spans {
  const kernelSize = options.kernelSize[dim];
  const stride = options.stride[dim];
  const padding = options.padding[dim];
  const dilation = options.dilation[dim];
  const count = Math.floor((size + 2 * padding - dilation * (kernelSize - 1) - 1) / stride) + 1;
  return range(Math.max(0, count)).map((window) => {
    const positions = range(kernelSize).map((tap) => window * stride - padding + tap * dilation);
    return positions.filter((position) => position >= 0 && position < size);
  });
}
