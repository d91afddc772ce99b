/** Where the channels of [N, C, *] are: for the norms that have one weight a channel. Imports shapes only. */
import { range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";

/** [1, C, 1, …]: the shape in which one value a channel meets x. */
export function channelShape(shape: Shape): number[] {
  return shape.map((size, dim) => (dim === 1 ? size : 1));
}

/** All dims but the channels'. */
export function nonChannelDims(shape: Shape): number[] {
  return range(shape.length).filter((dim) => dim !== 1);
}

/** For each cell of [N, C, *] the set that it shares its statistics with: its channel, or its sample's channel. */
export function channelPartition(shape: Shape, { perSample }: { readonly perSample: boolean }): Int32Array {
  const [, channels = 0] = shape;
  const positions = sizeOf(shape.slice(2));
  return Int32Array.from({ length: sizeOf(shape) }, (_, cell) => {
    const row = Math.floor(cell / positions);
    return perSample ? row : row % channels;
  });
}
