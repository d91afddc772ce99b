/** The layers of test/pytorch/adaptive.json before they are wrapped. */
import { Tensor } from "../../src/autograd/index.ts";
import { Conv2d, Linear } from "../../src/nn/index.ts";
import type { LayerFixture } from "./adaptiveFixtures.ts";
import { decode } from "./normFixtures.ts";

export function layerOf({ layer, plain }: LayerFixture): Linear | Conv2d {
  const state = Object.fromEntries(plain.map(({ key, value }) => [key, new Tensor(decode(value))]));
  const [outputs = 0, inputs = 0, kernel = 0] = state["weight"]?.shape ?? [];
  const made = layer === "Linear" ? new Linear(inputs, outputs) : new Conv2d(inputs, outputs, kernel);
  made.loadStateDict(state);
  return made;
}
