/** The keys of every norm and of every layer with a normalized weight: those of the implementations that they follow. */
import { describe, expect, test } from "vitest";
import { Generator, randn, tensor } from "../../src/autograd/index.ts";
import type { Tensor } from "../../src/autograd/index.ts";
import {
  BatchNorm1d,
  BatchNorm2d,
  BatchRenorm1d,
  GroupNorm,
  InstanceNorm1d,
  LayerNorm,
} from "../../src/norms/index.ts";
import { RMSNorm, SwitchableNorm2d } from "../../src/norms/index.ts";
import {
  Conv1d,
  Conv2d,
  convertNorms,
  Linear,
  Sequential,
  SpectralNorm,
  WeightNorm,
  WSConv2d,
} from "../../src/nn/index.ts";
import type { AnyModule, Module, StateDict } from "../../src/nn/index.ts";
import { explainedLayers } from "../helpers/explainedLayers.ts";

const affine = ["weight", "bias"];
const tracked = ["running_mean", "running_var", "num_batches_tracked"];
const renorm = ["running_mean", "running_std", "num_batches_tracked"];
const switchable = ["mean_weight", "var_weight", "running_mean", "running_var"];
const weightNorm = ["weight_g", "weight_v"];
const spectralNorm = ["weight_orig", "weight_u", "weight_v"];

/** With the defaults, but where a name says otherwise. */
const keysByClass: Readonly<Record<string, readonly string[]>> = {
  BatchNorm1d: [...affine, ...tracked],
  "BatchNorm1d that tracks nothing, in evaluation": affine,
  BatchNorm2d: [...affine, ...tracked],
  BatchNorm3d: [...affine, ...tracked],
  BatchRenorm1d: [...affine, ...renorm],
  BatchRenorm2d: [...affine, ...renorm],
  BatchRenorm3d: [...affine, ...renorm],
  LayerNorm: affine,
  GroupNorm: affine,
  InstanceNorm1d: [], // both of its switches are off by default
  "InstanceNorm1d in evaluation": [...affine, ...tracked],
  InstanceNorm2d: [...affine, ...tracked],
  InstanceNorm3d: [],
  RMSNorm: ["weight"],
  ScaleNorm: ["scale"],
  DynamicTanh: ["alpha", ...affine],
  LocalResponseNorm: [],
  FilterResponseNorm1d: [...affine, "tau", "eps_l"],
  FilterResponseNorm2d: [...affine, "tau"],
  SwitchableNorm1d: [...affine, ...switchable],
  SwitchableNorm2d: [...affine, ...switchable],
  "SwitchableNorm2d without BN": [...affine, "mean_weight", "var_weight"],
  SwitchableNorm3d: [...affine, ...switchable],
  AdaptiveInstanceNorm: [],
  AdaptiveLayerNorm: ["linear.weight", "linear.bias"],
  ConditionalInstanceNorm: affine,
  WeightNorm: weightNorm,
  SpectralNorm: spectralNorm,
  WSConv2d: ["weight"],
};

/** Other options, and the wrappers around every layer that they take. */
const others: readonly (readonly [string, () => AnyModule, readonly string[]])[] = [
  ["BatchNorm1d without affine", () => new BatchNorm1d(2, { affine: false }), tracked],
  ["BatchRenorm1d without affine", () => new BatchRenorm1d(2, { affine: false }), renorm],
  ["LayerNorm without bias", () => new LayerNorm(2, { bias: false }), ["weight"]],
  ["LayerNorm without affine", () => new LayerNorm(2, { elementwiseAffine: false }), []],
  ["RMSNorm without affine", () => new RMSNorm(2, { elementwiseAffine: false }), []],
  ["GroupNorm without affine", () => new GroupNorm(1, 2, { affine: false }), []],
  ["InstanceNorm1d with affine", () => new InstanceNorm1d(2, { affine: true }), affine],
  ["InstanceNorm1d that tracks", () => new InstanceNorm1d(2, { trackRunningStats: true }), tracked],
  [
    "SwitchableNorm2d with a cumulative average",
    () => new SwitchableNorm2d(2, { momentum: null }),
    [...affine, ...switchable, "num_batches_tracked"],
  ],
  ["WeightNorm of a Linear", () => new WeightNorm(new Linear(3, 2)), ["bias", ...weightNorm]],
  ["WeightNorm of a Conv1d", () => new WeightNorm(new Conv1d(3, 2, 1)), ["bias", ...weightNorm]],
  ["WeightNorm of a Conv2d", () => new WeightNorm(new Conv2d(3, 2, 1)), ["bias", ...weightNorm]],
  ["SpectralNorm of a Linear", () => new SpectralNorm(new Linear(3, 2)), ["bias", ...spectralNorm]],
  ["SpectralNorm of a Conv2d", () => new SpectralNorm(new Conv2d(3, 2, 1)), ["bias", ...spectralNorm]],
  ["WSConv2d", () => new WSConv2d(3, 2, 1), affine],
];

function plain(state: StateDict): Record<string, unknown> {
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, value.toArray()]));
}

/** The same keys and shapes with numbers that no layer starts with; no variance is negative. */
function other(state: StateDict): StateDict {
  return Object.fromEntries(
    Object.entries(state).map(([key, { numel, shape, dtype }], i) => [
      key,
      tensor(
        Float64Array.from({ length: numel }, (_, cell) => 0.375 + i / 4 + (cell % 7) / 16),
        { shape, dtype },
      ),
    ]),
  );
}

describe("state dicts", () => {
  test.each(Object.entries(explainedLayers))("%s has the keys of the implementation that it follows", (name, make) => {
    const { module } = make();
    expect(Object.keys(module.stateDict())).toEqual(keysByClass[name] ?? keysByClass[module.constructor.name]);
  });

  test.each(others)("%s", (_, make, keys) => {
    expect(Object.keys(make().stateDict())).toEqual(keys);
  });

  test.each(Object.entries(explainedLayers))("%s computes the same after a round trip", (_, make) => {
    const x = randn(make().shape, { generator: new Generator(31) });
    const [first, second] = [make(), make()];
    first.module.loadStateDict(other(first.module.stateDict()));
    if (Object.keys(first.module.stateDict()).length > 0) {
      expect(plain(second.module.stateDict())).not.toEqual(plain(first.module.stateDict()));
    }
    second.module.loadStateDict(first.module.stateDict());
    expect(plain(second.module.stateDict())).toEqual(plain(first.module.stateDict()));
    expect(second.run(x.value).output.toArray()).toEqual(first.run(x.value).output.toArray());
  });

  test("a network of wrapped layers, converted, computes the same after a round trip", () => {
    const make = (seed: number): Module => {
      const generator = new Generator(seed);
      const model = new Sequential(
        new WeightNorm(new Conv2d(1, 4, 3, { generator })),
        new BatchNorm2d(4),
        new SpectralNorm(new Conv2d(4, 4, 1, { generator }), { generator }),
        new Sequential(new BatchNorm2d(4), new WSConv2d(4, 2, 1, { generator })),
      );
      return convertNorms(model, BatchNorm2d, (norm) => new GroupNorm(2, norm.numFeatures)).eval();
    };
    const [first, second] = [make(1), make(2)];
    first.loadStateDict(other(first.stateDict()));
    expect(Object.keys(first.stateDict())).toEqual([
      ...["bias", ...weightNorm].map((key) => `0.${key}`),
      ...affine.map((key) => `1.${key}`),
      ...["bias", ...spectralNorm].map((key) => `2.${key}`),
      ...affine.map((key) => `3.0.${key}`),
      ...affine.map((key) => `3.1.${key}`),
    ]);
    const x: Tensor = randn([2, 1, 5, 5], { generator: new Generator(3) });
    expect(second.forward(x).toArray()).not.toEqual(first.forward(x).toArray());
    second.loadStateDict(first.stateDict());
    expect(second.forward(x).toArray()).toEqual(first.forward(x).toArray());
  });
});
