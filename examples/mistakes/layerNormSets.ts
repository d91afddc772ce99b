import { Generator, randn, tensor } from "normgrad";
import type { Tensor } from "normgrad";
import { InstanceNorm2d, layerNorm, LayerNorm, normPartition } from "normgrad/norms";
import { compared, EPS, example, numbers } from "./mistake.ts";
import type { Mistake } from "./mistake.ts";

/** "LayerNorm" of a video x [T, H, W, C]. */
type Video = (x: Tensor) => Tensor;

const sets = (partition: Int32Array): number => new Set(partition).size;

export const layerNormSets: Mistake = {
  title: "LayerNorm's sets",
  file: "layerNormSets.ts",
  claim: "on T×H×W×C LayerNorm has one mean and variance per time step and channel",
  instead:
    "it has one per index of the LEADING dims: T of them for LayerNorm([H, W, C]), T·H·W for LayerNorm(C). One per time " +
    "step and channel, T·C, is InstanceNorm",
  source: "common in tutorials",
  examples: [
    example<Video>({
      shown: "y of one time step of 2×1 pixels and two channels",
      checkedBy: "the values of layerNorm(x, [H, W, C]), and normPartition, which counts the sets",
      show: (code) => [...code(tensor(numbers, { shape: [1, 2, 1, 2] })).data],
      check: (code) => {
        const [T, H, W, C] = [2, 3, 2, 4];
        const x = randn([T, H, W, C], { generator: new Generator(8) });
        const verdict = compared("first value", code(x).data, "layerNorm", layerNorm(x, [H, W, C]).data);
        if (verdict === null) return null;
        const [layer, instance] = [
          sets(normPartition(new LayerNorm([H, W, C]), x.shape)),
          sets(normPartition(new InstanceNorm2d(C), [T, C, H, W])),
        ];
        return `${verdict}; on ${T}×${H}×${W}×${C} LayerNorm has ${layer} sets of cells, InstanceNorm ${instance}`;
      },
      wrong: (x) => {
        const mean = x.mean([1, 2], true);
        const variance = x.variance([1, 2], { correction: 0, keepdim: true });
        return x.sub(mean).div(variance.add(EPS).sqrt());
      },
      right: (x) => layerNorm(x, x.shape.slice(1)),
    }),
  ],
};
