/** The layers whose weight may be computed from other tensors. */
import { describeValue } from "../autograd/format.ts";
import { Conv1d, Conv2d } from "./convLayers.ts";
import { Linear } from "./linear.ts";

/** A layer with one weight, and a bias or null. */
export type WeightedLayer = Linear | Conv1d | Conv2d;

export function checkWeighted(name: string, layer: WeightedLayer): WeightedLayer {
  if (layer instanceof Linear || layer instanceof Conv1d || layer instanceof Conv2d) return layer;
  throw new TypeError(`${name}: expected a layer with a weight, as new Linear(4, 2), got ${describeValue(layer)}`);
}
