/** The pixels that the gradient checks run on: few, since an exact gradient costs a pass for each, and all unlike. */
import { tensor } from "normgrad";
import type { Tensor } from "normgrad";
import type { Images } from "./data.ts";

/**
 * The inner 4×4 pixels of three images, where the strokes are, each as four channels of 2×2: [3, 4, 2, 2]. The margin is
 * left out: it is 0 everywhere, and what has no spread shows no error. Smaller images are repeated.
 */
export function innerPixels({ side, pixels }: Images): Tensor {
  const shape = [3, 4, 2, 2];
  const margin = Math.floor((side - 4) / 2);
  const at = (image: number, row: number, column: number): number =>
    pixels[image * side ** 2 + ((margin + row + side) % side) * side + ((margin + column + side) % side)] ?? 0;
  const values = Float64Array.from({ length: 3 * 4 * 2 * 2 }, (_, i) => {
    const [image, channel, row, column] = [i >> 4, (i >> 2) & 3, (i >> 1) & 1, i & 1];
    return at(image, 2 * (channel >> 1) + row, 2 * (channel & 1) + column);
  });
  return tensor(values, { shape });
}
