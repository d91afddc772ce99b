/** The layers whose weight may be computed from other tensors. */
import { describeValue } from "../autograd/format.ts";
import { formatShape, sameShape } from "../autograd/shape.ts";
import type { Tensor } from "../autograd/tensor.ts";
import { checkTensor } from "../autograd/tensor.ts";
import { Conv1d, Conv2d } from "./convLayers.ts";
import { Linear } from "./linear.ts";

/** A layer with one weight, and a bias or null. */
export type WeightedLayer = Linear | Conv1d | Conv2d;

export function checkWeighted(name: string, layer: WeightedLayer): WeightedLayer {
  if (layer instanceof Linear || layer instanceof Conv1d || layer instanceof Conv2d) return layer;
  throw new TypeError(`${name}: expected a layer with a weight, as new Linear(4, 2), got ${describeValue(layer)}`);
}

/** For what looks at the norm of a layer's weight: an input in the place of that weight. */
export function checkInPlaceOf(name: string, weight: Tensor, own: Tensor): Tensor {
  if (sameShape(checkTensor(name, "the weight", weight).shape, own.shape)) return weight;
  throw new RangeError(
    `${name}: expected a weight of shape ${formatShape(own.shape)}, got ${formatShape(weight.shape)}: it is the weight ` +
      "that is normalized, not the input",
  );
}
