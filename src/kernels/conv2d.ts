/**
 * Convolution and its two gradients: three products of the same three matrices, for each group.
 *
 *   W [O, T]   weight                        O output channels, T = C · KH · KW taps
 *   X [T, P]   what each output sees         P output positions
 *   Y [O, P]   output
 *
 *   Y = W · X + bias        ∂L/∂W = ∂L/∂Y · Xᵀ        ∂L/∂X = Wᵀ · ∂L/∂Y
 *
 * X is never stored, which would be im2col. Its entry (t, p) is a cell of the canvas, the zero-padded image, and lies at
 * taps[t] + pixels[p]. Many entries are the same cell, so that adding ∂L/∂X to a canvas is col2im.
 */
import { drawImages, layoutOf, partsOf, readImages } from "./convLayout.ts";
import type { Conv2dGeometry } from "./convLayout.ts";
import type { FloatArray } from "./floatArray.ts";
import { transposed } from "./matrixView.ts";
import { addProduct } from "./product.ts";

export type { Conv2dGeometry } from "./convLayout.ts";

/** input [N, C, H, W], weight [O, C/groups, KH, KW], bias [O] → output [N, O, OH, OW]. */
export function conv2dForward(
  input: FloatArray,
  weight: FloatArray,
  bias: FloatArray | null,
  geometry: Conv2dGeometry,
  multiply: typeof addProduct = addProduct,
): FloatArray {
  const { batch, outChannels, outHeight, outWidth } = geometry;
  const positions = outHeight * outWidth;
  const output = zerosLike(input, batch * outChannels * positions);
  if (bias !== null) {
    for (let plane = 0; plane < batch * outChannels; plane++) {
      output.fill(bias[plane % outChannels]!, plane * positions, (plane + 1) * positions);
    }
  }
  for (const part of partsOf(geometry, weight, output)) {
    drawImages(part, input);
    for (const { w, x, y } of part.groups) multiply(y, w, x);
  }
  return output;
}

/** gradOutput [N, O, OH, OW], weight → gradInput [N, C, H, W]. */
export function conv2dGradInput(
  gradOutput: FloatArray,
  weight: FloatArray,
  geometry: Conv2dGeometry,
  multiply: typeof addProduct = addProduct,
): FloatArray {
  const { batch, inChannels, height, width } = geometry;
  const gradInput = zerosLike(gradOutput, batch * inChannels * height * width);
  for (const part of partsOf(geometry, weight, gradOutput)) {
    part.canvas.fill(0);
    for (const { w, x, y } of part.groups) multiply(x, transposed(w), y);
    readImages(part, gradInput);
  }
  return gradInput;
}

/** gradOutput [N, O, OH, OW], input → gradWeight [O, C/groups, KH, KW], summed over the batch before it is rounded. */
export function conv2dGradWeight(
  gradOutput: FloatArray,
  input: FloatArray,
  geometry: Conv2dGeometry,
  multiply: typeof addProduct = addProduct,
): FloatArray {
  const { inChannels, outChannels, kernelHeight, kernelWidth, groups } = geometry;
  const sums = new Float64Array(outChannels * (inChannels / groups) * kernelHeight * kernelWidth);
  for (const part of partsOf(geometry, sums, gradOutput)) {
    drawImages(part, input);
    for (const { w, x, y } of part.groups) multiply(w, y, transposed(x));
  }
  return gradOutput instanceof Float64Array ? sums : new Float32Array(sums);
}

/** For each entry of X its flat index in the input, −1 in padding: [N, groups, C/groups · KH · KW, OH · OW]. */
export function im2colIndex(geometry: Conv2dGeometry): Int32Array {
  const { batch, inChannels, height, width, groups } = geometry;
  const { channelSize, rowStarts, taps, pixels } = layoutOf(geometry, 1);
  const canvas = new Int32Array(inChannels * channelSize).fill(-1);
  rowStarts.forEach((start, row) => {
    for (let x = 0; x < width; x++) canvas[start + x] = row * width + x;
  });
  const index = new Int32Array(batch * groups * taps.length * pixels.length);
  let at = 0;
  for (let image = 0; image < batch; image++) {
    for (let group = 0; group < groups; group++) {
      for (const tap of taps) {
        for (const pixel of pixels) {
          const cell = canvas[group * (inChannels / groups) * channelSize + tap + pixel]!;
          index[at++] = cell < 0 ? -1 : image * inChannels * height * width + cell;
        }
      }
    }
  }
  return index;
}

function zerosLike(array: FloatArray, length: number): FloatArray {
  return array instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}
