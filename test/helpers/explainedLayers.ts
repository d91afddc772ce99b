/** Every class of norms, and the layers that normalize their weight, as what a test may run and look into. */
import { Generator, getDefaultDtype, NdArray, randn, Tensor, tensor } from "../../src/autograd/index.ts";
import type { Module, Shape } from "../../src/autograd/index.ts";
import { Linear, SpectralNorm, WeightNorm, WSConv2d } from "../../src/nn/index.ts";
import {
  AdaptiveInstanceNorm,
  AdaptiveLayerNorm,
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  BatchRenorm1d,
  BatchRenorm2d,
  BatchRenorm3d,
  ConditionalInstanceNorm,
  DynamicTanh,
  FilterResponseNorm1d,
  FilterResponseNorm2d,
  GroupNorm,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  LayerNorm,
  LocalResponseNorm,
  RMSNorm,
  ScaleNorm,
  SwitchableNorm1d,
  SwitchableNorm2d,
  SwitchableNorm3d,
} from "../../src/norms/index.ts";
import type { BackwardExplanation, Norm } from "../../src/norms/index.ts";
import { explainBackward, normPartition } from "../../src/norms/index.ts";

/** A layer with values of its own, its further inputs chosen. */
export interface ExplainedLayer {
  readonly module: Module<never>;
  /** Of what is normalized. */
  readonly shape: Shape;
  readonly partition: () => Int32Array;
  readonly explain: (x: Tensor, gradOutput: Tensor) => BackwardExplanation;
  /** The forward of the layer, from a leaf to what is normalized, of the same shape. */
  readonly run: (x: NdArray) => { readonly input: Tensor; readonly output: Tensor };
}

/** No parameter is 1, no bias 0, no statistic either; the same at each call. */
function scatter<M extends Module<never>>(module: M, generator: Generator): M {
  for (const [name, parameter] of [...module.namedParameters(), ...module.namedBuffers()]) {
    const values = randn(parameter.shape, { generator, dtype: parameter.dtype });
    if (name === "tau") parameter.value = NdArray.full(parameter.shape, -1000, parameter.dtype);
    else if (name === "alpha" || name === "numBatchesTracked") continue;
    else parameter.value = /running(Var|Std)/.test(name) ? values.value.abs().add(0.5) : values.value;
  }
  return module;
}

/** A layer of one input. */
function layer(make: () => Norm, shape: Shape): () => ExplainedLayer {
  return () => {
    const module = scatter(make(), new Generator(3));
    return {
      module,
      shape,
      partition: () => normPartition(module, shape),
      explain: (x, gradOutput) => explainBackward(module, x, gradOutput),
      run: (x) => {
        const input = new Tensor(x, true);
        return { input, output: module.forward(input) };
      },
    };
  };
}

/** Values of the default dtype: a test may set it, and the layers made under it are of that dtype. */
const ofDefault = (array: Tensor): Tensor => array.to(getDefaultDtype());

const generator = new Generator(11);
const style = randn([2, 3, 5], { generator, dtype: "float64" });
const condition = randn([2, 4], { generator, dtype: "float64" });
const blend = randn([2, 2], { generator, dtype: "float64" });

function adaptiveInstanceNorm(): ExplainedLayer {
  const [module, shape] = [new AdaptiveInstanceNorm(), [2, 3, 4]];
  return {
    module,
    shape,
    partition: () => normPartition(module, shape),
    explain: (x, gradOutput) => explainBackward(module, x, gradOutput, ofDefault(style)),
    run: (x) => {
      const input = new Tensor(x, true);
      return { input, output: module.forward(input, ofDefault(style)) };
    },
  };
}

function adaptiveLayerNorm(): ExplainedLayer {
  const [module, shape] = [scatter(new AdaptiveLayerNorm(3, 4), new Generator(4)), [2, 2, 3]];
  return {
    module,
    shape,
    partition: () => normPartition(module, shape),
    explain: (x, gradOutput) => explainBackward(module, x, gradOutput, ofDefault(condition)),
    run: (x) => {
      const input = new Tensor(x, true);
      return { input, output: module.forward(input, ofDefault(condition)) };
    },
  };
}

function conditionalInstanceNorm(given: readonly number[] | Tensor): () => ExplainedLayer {
  return () => {
    const styles = given instanceof Tensor ? ofDefault(given) : given;
    const [module, shape] = [scatter(new ConditionalInstanceNorm(3, 2), new Generator(5)), [2, 3, 4]];
    return {
      module,
      shape,
      partition: () => normPartition(module, shape),
      explain: (x, gradOutput) => explainBackward(module, x, gradOutput, styles),
      run: (x) => {
        const input = new Tensor(x, true);
        return { input, output: module.forward(input, styles) };
      },
    };
  };
}

const identity = (size: number): Tensor =>
  ofDefault(
    tensor(
      Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
      { shape: [size, size] },
    ),
  );

/** A linear layer that is given the unit vectors answers its weight, transposed. */
function weightNorm(dim: number | null): () => ExplainedLayer {
  return () => {
    const linear = new Linear(3, 2, { bias: false, generator: new Generator(6) });
    const [module, shape] = [scatter(new WeightNorm(linear, { dim }), new Generator(7)), [2, 3]];
    return {
      module,
      shape,
      partition: () => normPartition(module, shape),
      explain: (x, gradOutput) => explainBackward(module, x, gradOutput),
      run: (x) => {
        module.weightV.value = x;
        return { input: module.weightV, output: module.forward(identity(3)).transpose(0, 1) };
      },
    };
  };
}

function spectralNorm(training: boolean): () => ExplainedLayer {
  return () => {
    const linear = new Linear(3, 2, { bias: false, generator: new Generator(6) });
    const module = new SpectralNorm(linear, { generator: new Generator(8) }).train(training);
    return {
      module,
      shape: [2, 3],
      partition: () => normPartition(module, [2, 3]),
      explain: (x, gradOutput) => explainBackward(module, x, gradOutput),
      run: (x) => {
        module.weightOrig.value = x;
        return { input: module.weightOrig, output: module.forward(identity(3)).transpose(0, 1) };
      },
    };
  };
}

function weightStandardization(): ExplainedLayer {
  const [module, shape] = [new WSConv2d(3, 2, 1, { bias: false, generator: new Generator(9) }), [2, 3, 1, 1]];
  return {
    module,
    shape,
    partition: () => normPartition(module, shape),
    explain: (x, gradOutput) => explainBackward(module, x, gradOutput),
    run: (x) => {
      module.weight.value = x;
      return { input: module.weight, output: module.forward(identity(3).reshape([3, 3, 1, 1])).transpose(0, 1) };
    },
  };
}

const tracking = { affine: true, trackRunningStats: true };
const far = { rMax: 3, dMax: 5 };

export const explainedLayers: Readonly<Record<string, () => ExplainedLayer>> = {
  "BatchNorm1d of [N, C]": layer(() => new BatchNorm1d(3), [4, 3]),
  "BatchNorm1d of [N, C, L]": layer(() => new BatchNorm1d(3), [2, 3, 2]),
  "BatchNorm1d in evaluation": layer(() => new BatchNorm1d(3).eval(), [2, 3, 2]),
  "BatchNorm1d that tracks nothing, in evaluation": layer(
    () => new BatchNorm1d(3, { trackRunningStats: false }).eval(),
    [2, 3, 2],
  ),
  BatchNorm2d: layer(() => new BatchNorm2d(3), [2, 3, 2, 1]),
  BatchNorm3d: layer(() => new BatchNorm3d(2), [2, 2, 2, 1, 2]),
  BatchRenorm1d: layer(() => new BatchRenorm1d(3, far), [4, 3]),
  "BatchRenorm1d in evaluation": layer(() => new BatchRenorm1d(3, far).eval(), [4, 3]),
  BatchRenorm2d: layer(() => new BatchRenorm2d(3, far), [2, 3, 2, 1]),
  BatchRenorm3d: layer(() => new BatchRenorm3d(2, far), [2, 2, 2, 1, 2]),
  "LayerNorm of the last dim": layer(() => new LayerNorm(3), [2, 2, 3]),
  "LayerNorm of two dims": layer(() => new LayerNorm([2, 3]), [2, 2, 3]),
  "GroupNorm in two groups": layer(() => new GroupNorm(2, 4), [2, 4, 2]),
  "GroupNorm in one group": layer(() => new GroupNorm(1, 4), [2, 4, 2]),
  "GroupNorm in groups of one": layer(() => new GroupNorm(4, 4), [2, 4, 2]),
  "InstanceNorm1d of [N, C, L]": layer(() => new InstanceNorm1d(3), [2, 3, 2]),
  "InstanceNorm1d of one sample": layer(() => new InstanceNorm1d(3), [3, 4]),
  "InstanceNorm1d in evaluation": layer(() => new InstanceNorm1d(3, tracking).eval(), [2, 3, 2]),
  InstanceNorm2d: layer(() => new InstanceNorm2d(3, tracking), [2, 3, 2, 2]),
  InstanceNorm3d: layer(() => new InstanceNorm3d(2), [2, 2, 1, 2, 2]),
  "RMSNorm of the last dim": layer(() => new RMSNorm(3), [2, 2, 3]),
  "RMSNorm of two dims": layer(() => new RMSNorm([2, 3]), [2, 2, 3]),
  ScaleNorm: layer(() => new ScaleNorm(3), [2, 2, 3]),
  DynamicTanh: layer(() => new DynamicTanh(3), [2, 3]),
  "LocalResponseNorm of windows of two": layer(() => new LocalResponseNorm(2, { alpha: 1 }), [2, 4, 2]),
  "LocalResponseNorm of windows of one": layer(() => new LocalResponseNorm(1, { alpha: 1 }), [2, 4, 2]),
  FilterResponseNorm1d: layer(() => new FilterResponseNorm1d(3, { learnableEps: true }), [2, 3, 2]),
  FilterResponseNorm2d: layer(() => new FilterResponseNorm2d(3), [2, 3, 2, 2]),
  SwitchableNorm1d: layer(() => new SwitchableNorm1d(3), [3, 3]),
  SwitchableNorm2d: layer(() => new SwitchableNorm2d(3), [2, 3, 2, 2]),
  "SwitchableNorm2d without BN": layer(() => new SwitchableNorm2d(3, { usingBn: false }), [2, 3, 2, 2]),
  "SwitchableNorm2d in evaluation": layer(() => new SwitchableNorm2d(3).eval(), [2, 3, 2, 2]),
  SwitchableNorm3d: layer(() => new SwitchableNorm3d(2), [2, 2, 1, 2, 2]),
  AdaptiveInstanceNorm: adaptiveInstanceNorm,
  AdaptiveLayerNorm: adaptiveLayerNorm,
  "ConditionalInstanceNorm by labels": conditionalInstanceNorm([1, 0]),
  "ConditionalInstanceNorm blended": conditionalInstanceNorm(blend),
  "WeightNorm of rows": weightNorm(0),
  "WeightNorm of columns": weightNorm(1),
  "WeightNorm of the whole": weightNorm(null),
  "SpectralNorm in training": spectralNorm(true),
  "SpectralNorm in evaluation": spectralNorm(false),
  WSConv2d: weightStandardization,
};
