/** The small convolutional network that is trained with each norm in turn. */
import { AvgPool2d, Conv2d, Flatten, Linear, ReLU, Sequential } from "normgrad/nn";
import { BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm } from "normgrad/norms";
import type { Dtype, Generator, Module } from "normgrad";

export const NORMS = ["none", "batchNorm", "layerNorm", "instanceNorm", "groupNorm"] as const;
export type NormName = (typeof NORMS)[number];

/** The layers that follow a convolution: the norm, if any. */
function normLayers(norm: NormName, channels: number, side: number, dtype: Dtype): Module[] {
  switch (norm) {
    case "none":
      return [];
    case "batchNorm":
      return [new BatchNorm2d(channels, { dtype })];
    case "layerNorm":
      return [new LayerNorm([channels, side, side], { dtype })];
    case "instanceNorm":
      return [new InstanceNorm2d(channels, { affine: true, dtype })];
    case "groupNorm":
      return [new GroupNorm(4, channels, { dtype })];
  }
}

export function buildModel(
  norm: NormName,
  { side, classes }: { readonly side: number; readonly classes: number },
  { generator, dtype }: { readonly generator: Generator; readonly dtype: Dtype },
): Sequential {
  const options = { padding: 1, generator, dtype };
  return new Sequential(
    new Conv2d(1, 8, 3, options),
    ...normLayers(norm, 8, side, dtype),
    new ReLU(),
    new Conv2d(8, 16, 3, options),
    ...normLayers(norm, 16, side, dtype),
    new ReLU(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(16 * (side / 2) ** 2, classes, { generator, dtype }),
  );
}
