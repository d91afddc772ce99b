/** Where the cells of a convolution lie: its images on a zero-padded canvas, and its three matrices (see conv2d.ts). */
import type { FloatArray } from "./floatArray.ts";
import { multiples } from "./matrixView.ts";
import type { MatrixView } from "./matrixView.ts";

export interface Conv2dGeometry {
  readonly batch: number;
  readonly inChannels: number;
  readonly height: number;
  readonly width: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly stride: readonly [height: number, width: number];
  /** Zeros before the first row and column. As many follow the last as outHeight and outWidth ask for. */
  readonly padding: readonly [height: number, width: number];
  readonly dilation: readonly [height: number, width: number];
  readonly groups: number;
}

/** Offsets on a canvas [images, C, channelSize]. */
export interface Layout {
  readonly channelSize: number;
  /** The first cell of every row of every channel of every image. */
  readonly rowStarts: Int32Array;
  /** From the first cell that an output sees to each of the cells that it sees, in the order of the weight's taps. */
  readonly taps: Int32Array;
  /** The first cell that each output position of each image sees. */
  readonly pixels: Int32Array;
}

/** A few images of the batch, drawn on the canvas together. */
export interface Part {
  readonly canvas: Float64Array;
  readonly width: number;
  readonly rowStarts: Int32Array;
  /** Where the part's first row begins in the input. */
  readonly inputOffset: number;
  readonly groups: readonly { readonly w: MatrixView; readonly x: MatrixView; readonly y: MatrixView }[];
}

/** Small images share a canvas of up to this many cells (64 KB), so that a product has many columns. */
const CANVAS_SIZE = 8192;

/** Of one channel: the padded image, as far as the outputs reach. */
function canvasSize(geometry: Conv2dGeometry): readonly [height: number, width: number] {
  const { height, width, kernelHeight, kernelWidth, outHeight, outWidth, padding, stride, dilation } = geometry;
  const reach = (outputs: number, kernelSize: number, dim: 0 | 1): number =>
    (outputs - 1) * stride[dim] + (kernelSize - 1) * dilation[dim] + 1;
  return [
    Math.max(padding[0] + height, reach(outHeight, kernelHeight, 0)),
    Math.max(padding[1] + width, reach(outWidth, kernelWidth, 1)),
  ];
}

export function layoutOf(geometry: Conv2dGeometry, images: number): Layout {
  const { inChannels, height, kernelHeight, kernelWidth, outHeight, outWidth, groups } = geometry;
  const { padding, stride, dilation } = geometry;
  const [canvasHeight, row] = canvasSize(geometry);
  const channelSize = canvasHeight * row;
  return {
    channelSize,
    rowStarts: nested(padding[0] * row + padding[1], [images * inChannels, channelSize], [height, row]),
    taps: nested(0, [inChannels / groups, channelSize], [kernelHeight, dilation[0] * row], [kernelWidth, dilation[1]]),
    pixels: nested(0, [images, inChannels * channelSize], [outHeight, stride[0] * row], [outWidth, stride[1]]),
  };
}

/** `weight` and `output` are what W and Y view: arrays to read, or the gradients to add to. */
export function* partsOf(geometry: Conv2dGeometry, weight: FloatArray, output: FloatArray): Generator<Part> {
  const { batch, inChannels, height, width, outHeight, outWidth, groups } = geometry;
  const positions = outHeight * outWidth;
  const outChannels = geometry.outChannels / groups;
  const [canvasHeight, canvasWidth] = canvasSize(geometry);
  const imageSize = inChannels * canvasHeight * canvasWidth;
  const together = Math.max(1, Math.min(batch, Math.floor(CANVAS_SIZE / imageSize)));
  const { channelSize, rowStarts, taps, pixels } = layoutOf(geometry, together);
  const canvas = new Float64Array(together * imageSize);
  const weightRows = multiples(taps.length, outChannels);
  const weightColumns = multiples(1, taps.length);
  const outputRows = multiples(positions, outChannels);
  const outputColumns = nested(0, [together, geometry.outChannels * positions], [positions, 1]);
  for (let first = 0; first < batch; first += together) {
    const images = Math.min(together, batch - first);
    const xColumns = pixels.subarray(0, images * positions);
    const yColumns = outputColumns.subarray(0, images * positions);
    yield {
      canvas,
      width,
      rowStarts: rowStarts.subarray(0, images * inChannels * height),
      inputOffset: first * inChannels * height * width,
      groups: Array.from({ length: groups }, (_, group) => ({
        w: { data: weight, offset: group * outChannels * taps.length, rows: weightRows, columns: weightColumns },
        x: { data: canvas, offset: group * (inChannels / groups) * channelSize, rows: taps, columns: xColumns },
        y: {
          data: output,
          offset: (first * groups + group) * outChannels * positions,
          rows: outputRows,
          columns: yColumns,
        },
      })),
    };
  }
}

/** Copies the part's images onto its canvas. */
export function drawImages({ canvas, width, rowStarts, inputOffset }: Part, input: FloatArray): void {
  for (let row = 0, from = inputOffset; row < rowStarts.length; row++) {
    for (let to = rowStarts[row]!, end = to + width; to < end; to++) canvas[to] = input[from++]!;
  }
}

/** Copies the part's images from its canvas. */
export function readImages({ canvas, width, rowStarts, inputOffset }: Part, input: FloatArray): void {
  for (let row = 0, to = inputOffset; row < rowStarts.length; row++) {
    for (let from = rowStarts[row]!, end = from + width; from < end; from++) input[to++] = canvas[from]!;
  }
}

/** start + i · step + j · step' + … for i, j, … in nested loops. */
function nested(start: number, ...loops: readonly (readonly [count: number, step: number])[]): Int32Array {
  let offsets = Int32Array.of(start);
  for (const [count, step] of loops) {
    const finer = new Int32Array(offsets.length * count);
    for (let i = 0, at = 0; i < offsets.length; i++) {
      for (let j = 0, offset = offsets[i]!; j < count; j++, offset += step) finer[at++] = offset;
    }
    offsets = finer;
  }
  return offsets;
}
