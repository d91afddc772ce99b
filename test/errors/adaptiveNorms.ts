// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Norms of styles, of filter responses and of weights, and the layers that have such weights. */
import {
  AdaptiveInstanceNorm,
  adaptiveInstanceNorm,
  adaptiveInstanceNormDescriptor,
  ConditionalInstanceNorm,
  conditionalInstanceNorm,
  conditionalInstanceNormDescriptor,
  FilterResponseNorm1d,
  FilterResponseNorm2d,
  filterResponseNorm,
  filterResponseNormDescriptor,
  Linear,
  normPartition,
  ones,
  powerIteration,
  randn,
  ReLU,
  SpectralNorm,
  spectralNorm,
  spectralNormDescriptor,
  WeightNorm,
  weightNorm,
  weightNormDescriptor,
  weightStandardization,
  weightStandardizationDescriptor,
  WSConv2d,
  zeros,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const content = randn([2, 3, 4]);
const style = randn([2, 3, 5]);
const table = ones([4, 3]);
const conditional = new ConditionalInstanceNorm(3, 4);
const response = new FilterResponseNorm1d(3);
const spectral = new SpectralNorm(new Linear(3, 2));
const [adaptiveCase] = adaptiveInstanceNormDescriptor.cases([2, 3, 4]);
const [conditionalCase] = conditionalInstanceNormDescriptor.cases([2, 3, 4]);
const [responseCase] = filterResponseNormDescriptor.cases([2, 3, 4]);
const [standardizationCase] = weightStandardizationDescriptor.cases([2, 3]);
const [weightNormCase] = weightNormDescriptor.cases([2, 3]);
const [spectralCase] = spectralNormDescriptor.cases([2, 3]);

export const adaptiveNorms: WrongCalls = {
  fixtures: { content, style, table, conditional, response, spectral },
  rows: [
    {
      call: "adaptiveInstanceNorm(content)",
      run: () => adaptiveInstanceNorm(content),
      kind: TypeError,
      message: "adaptiveInstanceNorm: expected style to be a tensor, got undefined",
    },
    {
      call: "adaptiveInstanceNorm([1, 2], style)",
      run: () => adaptiveInstanceNorm([1, 2], style),
      kind: TypeError,
      message: "adaptiveInstanceNorm: expected content to be a tensor, got [1, 2]",
    },
    {
      call: "adaptiveInstanceNorm(content, style, 1e-5)",
      run: () => adaptiveInstanceNorm(content, style, 1e-5),
      kind: TypeError,
      message: "adaptiveInstanceNorm: expected options as an object { eps, unbiased, alpha }, got 1e-5",
    },
    {
      call: "adaptiveInstanceNorm(content, style, { eps: -1 })",
      run: () => adaptiveInstanceNorm(content, style, { eps: -1 }),
      kind: RangeError,
      message: "adaptiveInstanceNorm: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "adaptiveInstanceNorm(content, style, { alpha: 1.5 })",
      run: () => adaptiveInstanceNorm(content, style, { alpha: 1.5 }),
      kind: RangeError,
      message: "adaptiveInstanceNorm: expected alpha, the share of the style, in [0, 1], got 1.5",
    },
    {
      call: "adaptiveInstanceNorm(content, style, { alpha: NaN })",
      run: () => adaptiveInstanceNorm(content, style, { alpha: NaN }),
      kind: RangeError,
      message: "adaptiveInstanceNorm: expected alpha, the share of the style, in [0, 1], got NaN",
    },
    {
      call: 'adaptiveInstanceNorm(content, style, { alpha: "half" })',
      run: () => adaptiveInstanceNorm(content, style, { alpha: "half" }),
      kind: TypeError,
      message: 'adaptiveInstanceNorm: expected alpha to be a number, got "half"',
    },
    {
      call: "adaptiveInstanceNorm(content, randn([2, 4, 5]))",
      run: () => adaptiveInstanceNorm(content, randn([2, 4, 5])),
      kind: RangeError,
      message:
        "adaptiveInstanceNorm: expected content [N, C, *] and style [N, C, *] of one N and C, got shapes [2, 3, 4] and [2, 4, 5]",
    },
    {
      call: "adaptiveInstanceNorm(content, randn([1, 3, 5]))",
      run: () => adaptiveInstanceNorm(content, randn([1, 3, 5])),
      kind: RangeError,
      message:
        "adaptiveInstanceNorm: expected content [N, C, *] and style [N, C, *] of one N and C, got shapes [2, 3, 4] and [1, 3, 5]",
    },
    {
      call: "adaptiveInstanceNorm(randn([2, 3]), randn([2, 3]))",
      run: () => adaptiveInstanceNorm(randn([2, 3]), randn([2, 3])),
      kind: RangeError,
      message:
        "adaptiveInstanceNorm: expected content [N, C, *] and style [N, C, *] of one N and C, got shapes [2, 3] and [2, 3]",
    },
    {
      call: "adaptiveInstanceNorm(content, zeros([2, 3, 0]))",
      run: () => adaptiveInstanceNorm(content, zeros([2, 3, 0])),
      kind: RangeError,
      message: "adaptiveInstanceNorm: expected a style of at least one position, got shape [2, 3, 0]",
    },
    {
      call: "adaptiveInstanceNorm(randn([2, 3, 1]), style)",
      run: () => adaptiveInstanceNorm(randn([2, 3, 1]), style),
      kind: RangeError,
      message:
        "adaptiveInstanceNorm: expected more than 1 position in the content for its unbiased variance, got shape [2, 3, 1]; { unbiased: false } takes it",
    },
    {
      call: "adaptiveInstanceNorm(content, randn([2, 3, 1]))",
      run: () => adaptiveInstanceNorm(content, randn([2, 3, 1])),
      kind: RangeError,
      message:
        "adaptiveInstanceNorm: expected more than 1 position in the style for its unbiased variance, got shape [2, 3, 1]; { unbiased: false } takes it",
    },
    {
      call: 'adaptiveInstanceNorm(content, randn([2, 3, 5], { dtype: "float32" }))',
      run: () => adaptiveInstanceNorm(content, randn([2, 3, 5], { dtype: "float32" })),
      kind: TypeError,
      message:
        "adaptiveInstanceNorm: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: "new AdaptiveInstanceNorm(1e-5)",
      run: () => new AdaptiveInstanceNorm(1e-5),
      kind: TypeError,
      message: "AdaptiveInstanceNorm: expected options as an object { eps, unbiased, alpha }, got 1e-5",
    },
    {
      call: "new AdaptiveInstanceNorm({ alpha: -0.1 })",
      run: () => new AdaptiveInstanceNorm({ alpha: -0.1 }),
      kind: RangeError,
      message: "AdaptiveInstanceNorm: expected alpha, the share of the style, in [0, 1], got -0.1",
    },
    {
      call: "new AdaptiveInstanceNorm().forward(content)",
      run: () => new AdaptiveInstanceNorm().forward(content),
      kind: TypeError,
      message: "adaptiveInstanceNorm: expected style to be a tensor, got undefined",
    },
    {
      call: "adaptiveCase.op([content])",
      run: () => adaptiveCase.op([content]),
      kind: RangeError,
      message: "normCase: expected content and style, got 1 inputs",
      by: "normCase",
    },
    {
      call: "conditionalInstanceNorm([1], [0], { weight: table })",
      run: () => conditionalInstanceNorm([1], [0], { weight: table }),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected input to be a tensor, got [1]",
    },
    {
      call: "conditionalInstanceNorm(content)",
      run: () => conditionalInstanceNorm(content),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected weight or bias, whose styles are chosen, got neither",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1])",
      run: () => conditionalInstanceNorm(content, [0, 1]),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected weight or bias, whose styles are chosen, got neither",
    },
    {
      call: "conditionalInstanceNorm(content, 1, { weight: table })",
      run: () => conditionalInstanceNorm(content, 1, { weight: table }),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected indices in an array, got 1",
    },
    {
      call: "conditionalInstanceNorm(content, [0], { weight: table })",
      run: () => conditionalInstanceNorm(content, [0], { weight: table }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected one label a sample (2), got 1",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 4], { weight: table })",
      run: () => conditionalInstanceNorm(content, [0, 4], { weight: table }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected labels in [0, 4), got 4",
    },
    {
      call: "conditionalInstanceNorm(content, [0, -1], { weight: table })",
      run: () => conditionalInstanceNorm(content, [0, -1], { weight: table }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected labels in [0, 4), got -1",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 0.5], { bias: table })",
      run: () => conditionalInstanceNorm(content, [0, 0.5], { bias: table }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected labels in [0, 4), got 0.5",
    },
    {
      call: "conditionalInstanceNorm(content, ones([2, 3]), { weight: table })",
      run: () => conditionalInstanceNorm(content, ones([2, 3]), { weight: table }),
      kind: RangeError,
      message:
        "conditionalInstanceNorm: expected style weights of shape [2, 4], got [2, 3]; labels are an array or Int32Array, " +
        "not a tensor",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1], { weight: ones([3]) })",
      run: () => conditionalInstanceNorm(content, [0, 1], { weight: ones([3]) }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected weight of shape [S, 3], got [3]",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1], { weight: ones([4, 2]) })",
      run: () => conditionalInstanceNorm(content, [0, 1], { weight: ones([4, 2]) }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected weight of shape [S, 3], got [4, 2]",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1], { weight: table, bias: zeros([3, 3]) })",
      run: () => conditionalInstanceNorm(content, [0, 1], { weight: table, bias: zeros([3, 3]) }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected weight and bias of one shape, got [4, 3] and [3, 3]",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1], { weight: [1, 1, 1] })",
      run: () => conditionalInstanceNorm(content, [0, 1], { weight: [1, 1, 1] }),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected weight to be a tensor, got [1, 1, 1]",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1], { weight: table, eps: -1 })",
      run: () => conditionalInstanceNorm(content, [0, 1], { weight: table, eps: -1 }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "conditionalInstanceNorm(randn([2, 3]), [0, 1], { weight: table })",
      run: () => conditionalInstanceNorm(randn([2, 3]), [0, 1], { weight: table }),
      kind: RangeError,
      message: "conditionalInstanceNorm: expected input [N, C, *] with C ≥ 1, got shape [2, 3]",
    },
    {
      call: "conditionalInstanceNorm(randn([2, 3, 1]), [0, 1], { weight: table })",
      run: () => conditionalInstanceNorm(randn([2, 3, 1]), [0, 1], { weight: table }),
      kind: RangeError,
      message:
        "conditionalInstanceNorm: expected more than 1 position, got input of shape [2, 3, 1]: with one value x − μ is 0 whatever x is",
    },
    {
      call: 'conditionalInstanceNorm(content, ones([2, 4], { dtype: "float32" }), { weight: table })',
      run: () => conditionalInstanceNorm(content, ones([2, 4], { dtype: "float32" }), { weight: table }),
      kind: TypeError,
      message:
        "conditionalInstanceNorm: expected inputs of one dtype, got float64 and float32: convert one with .to(dtype)",
    },
    {
      call: "new ConditionalInstanceNorm(3)",
      run: () => new ConditionalInstanceNorm(3),
      kind: TypeError,
      message: "ConditionalInstanceNorm: expected numStyles to be a number, got undefined",
    },
    {
      call: "new ConditionalInstanceNorm(0, 4)",
      run: () => new ConditionalInstanceNorm(0, 4),
      kind: RangeError,
      message: "ConditionalInstanceNorm: expected numFeatures to be a positive whole number, got 0",
    },
    {
      call: "conditional.forward(randn([2, 4, 5]), [0, 1])",
      run: () => conditional.forward(randn([2, 4, 5]), [0, 1]),
      kind: RangeError,
      message: "ConditionalInstanceNorm: expected input with numFeatures 3 channels, got shape [2, 4, 5]",
      by: "ConditionalInstanceNorm",
    },
    {
      call: "conditional.forward(content)",
      run: () => conditional.forward(content),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected styles, labels or a tensor of weights, got undefined",
      by: "conditionalInstanceNorm",
    },
    {
      call: "conditionalCase.op([content])",
      run: () => conditionalCase.op([content]),
      kind: RangeError,
      message: "normCase: expected 3 inputs (x, weight, bias), got 1",
      by: "normCase",
    },
    {
      call: "filterResponseNorm([1, 2])",
      run: () => filterResponseNorm([1, 2]),
      kind: TypeError,
      message: "filterResponseNorm: expected input to be a tensor, got [1, 2]",
    },
    {
      call: "filterResponseNorm(randn([3]))",
      run: () => filterResponseNorm(randn([3])),
      kind: RangeError,
      message: "filterResponseNorm: expected input [N, C, *] with C ≥ 1, got shape [3]",
    },
    {
      call: "filterResponseNorm(content, 1e-6)",
      run: () => filterResponseNorm(content, 1e-6),
      kind: TypeError,
      message: "filterResponseNorm: expected options as an object { weight, bias, tau, epsL, eps }, got 1e-6",
    },
    {
      call: "filterResponseNorm(content, { eps: NaN })",
      run: () => filterResponseNorm(content, { eps: NaN }),
      kind: RangeError,
      message: "filterResponseNorm: expected eps to be a finite number of at least 0, got NaN",
    },
    {
      call: "filterResponseNorm(content, { tau: ones([4]) })",
      run: () => filterResponseNorm(content, { tau: ones([4]) }),
      kind: RangeError,
      message: "filterResponseNorm: expected tau of shape [3], one value a channel, got [4]",
    },
    {
      call: "filterResponseNorm(content, { weight: ones([1, 3, 1]) })",
      run: () => filterResponseNorm(content, { weight: ones([1, 3, 1]) }),
      kind: RangeError,
      message: "filterResponseNorm: expected weight of shape [3], one value a channel, got [1, 3, 1]",
    },
    {
      call: "filterResponseNorm(content, { epsL: ones([3]) })",
      run: () => filterResponseNorm(content, { epsL: ones([3]) }),
      kind: RangeError,
      message: "filterResponseNorm: expected epsL of shape [1], got [3]",
    },
    {
      call: "filterResponseNorm(content, { epsL: 1e-4 })",
      run: () => filterResponseNorm(content, { epsL: 1e-4 }),
      kind: TypeError,
      message: "filterResponseNorm: expected epsL to be a tensor, got 1e-4",
    },
    {
      call: "new FilterResponseNorm1d()",
      run: () => new FilterResponseNorm1d(),
      kind: TypeError,
      message: "FilterResponseNorm1d: expected numFeatures to be a number, got undefined",
    },
    {
      call: "new FilterResponseNorm1d(3, { eps: -1 })",
      run: () => new FilterResponseNorm1d(3, { eps: -1 }),
      kind: RangeError,
      message: "FilterResponseNorm1d: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "response.forward(randn([2, 4, 5]))",
      run: () => response.forward(randn([2, 4, 5])),
      kind: RangeError,
      message: "FilterResponseNorm1d: expected input with numFeatures 3 channels, got shape [2, 4, 5]",
      by: "FilterResponseNorm1d",
    },
    {
      call: "response.forward(randn([2, 3, 4, 5]))",
      run: () => response.forward(randn([2, 3, 4, 5])),
      kind: RangeError,
      message: "FilterResponseNorm1d: expected 2D or 3D input, got 4D of shape [2, 3, 4, 5]",
      by: "FilterResponseNorm1d",
    },
    {
      call: "new FilterResponseNorm2d(3).forward(content)",
      run: () => new FilterResponseNorm2d(3).forward(content),
      kind: RangeError,
      message: "FilterResponseNorm2d: expected 4D input, got 3D of shape [2, 3, 4]",
    },
    {
      call: "responseCase.op([content])",
      run: () => responseCase.op([content]),
      kind: RangeError,
      message: "normCase: expected 3 inputs (x, weight, bias), got 1",
      by: "normCase",
    },
    {
      call: "weightStandardization([[1, 2]])",
      run: () => weightStandardization([[1, 2]]),
      kind: TypeError,
      message: "weightStandardization: expected weight to be a tensor, got [[1, 2]]",
    },
    {
      call: "weightStandardization(ones([3]))",
      run: () => weightStandardization(ones([3])),
      kind: RangeError,
      message: "weightStandardization: expected weight [O, *] of at least two dims, got shape [3]",
    },
    {
      call: "weightStandardization(table, { eps: -1 })",
      run: () => weightStandardization(table, { eps: -1 }),
      kind: RangeError,
      message: "weightStandardization: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "weightStandardization(ones([3, 1]), { unbiased: true })",
      run: () => weightStandardization(ones([3, 1]), { unbiased: true }),
      kind: RangeError,
      message:
        "weightStandardization: expected more than 1 weight an output channel for the unbiased variance, got shape [3, 1]",
    },
    {
      call: "standardizationCase.op([])",
      run: () => standardizationCase.op([]),
      kind: RangeError,
      message: "normCase: expected the weight, got no inputs",
      by: "normCase",
    },
    {
      call: "new WSConv2d(1, 2, 1, { unbiased: true })",
      run: () => new WSConv2d(1, 2, 1, { unbiased: true }),
      kind: RangeError,
      message:
        "weightStandardization: expected more than 1 weight an output channel for the unbiased variance, got shape [2, 1, 1, 1]",
      by: "weightStandardization",
    },
    {
      call: "new WSConv2d(1, 2, 3, { eps: -1 })",
      run: () => new WSConv2d(1, 2, 3, { eps: -1 }),
      kind: RangeError,
      message: "weightStandardization: expected eps to be a finite number of at least 0, got -1",
      by: "weightStandardization",
    },
    {
      call: "new WSConv2d(1, 2, 3, 1e-5)",
      run: () => new WSConv2d(1, 2, 3, 1e-5),
      kind: TypeError,
      message:
        "WSConv2d: expected options as an object { stride, padding, dilation, groups, bias, generator, dtype, eps, unbiased }, got 1e-5",
    },
    {
      call: "weightNorm(table)",
      run: () => weightNorm(table),
      kind: TypeError,
      message: "weightNorm: expected g to be a tensor, got undefined",
    },
    {
      call: "weightNorm(table, ones([4]))",
      run: () => weightNorm(table, ones([4])),
      kind: RangeError,
      message: "weightNorm: expected g of shape [4, 1] for v of shape [4, 3] and dim 0, got [4]",
    },
    {
      call: "weightNorm(table, ones([4, 1]), { dim: 1 })",
      run: () => weightNorm(table, ones([4, 1]), { dim: 1 }),
      kind: RangeError,
      message: "weightNorm: expected g of shape [1, 3] for v of shape [4, 3] and dim 1, got [4, 1]",
    },
    {
      call: "weightNorm(table, ones([4, 1]), { dim: null })",
      run: () => weightNorm(table, ones([4, 1]), { dim: null }),
      kind: RangeError,
      message: "weightNorm: expected g of shape [] for v of shape [4, 3] and dim null, got [4, 1]",
    },
    {
      call: "weightNorm(table, ones([4, 1]), { dim: 2 })",
      run: () => weightNorm(table, ones([4, 1]), { dim: 2 }),
      kind: RangeError,
      message: "weightNorm: expected a dim in [-2, 2), got 2",
    },
    {
      call: "weightNorm([1, 2], ones([1]))",
      run: () => weightNorm([1, 2], ones([1])),
      kind: TypeError,
      message: "weightNorm: expected v to be a tensor, got [1, 2]",
    },
    {
      call: "weightNormCase.op([table])",
      run: () => weightNormCase.op([table]),
      kind: RangeError,
      message: "normCase: expected v and g, got 1 inputs",
    },
    {
      call: "new WeightNorm(new ReLU())",
      run: () => new WeightNorm(new ReLU()),
      kind: TypeError,
      message: "WeightNorm: expected a layer with a weight, as new Linear(4, 2), got a ReLU",
    },
    {
      call: "new WeightNorm(new Linear(3, 2), { dim: 2 })",
      run: () => new WeightNorm(new Linear(3, 2), { dim: 2 }),
      kind: RangeError,
      message: "WeightNorm: expected a dim in [-2, 2), got 2",
    },
    {
      call: "new WeightNorm(new Linear(3, 2), 0)",
      run: () => new WeightNorm(new Linear(3, 2), 0),
      kind: TypeError,
      message: "WeightNorm: expected options as an object { dim }, got 0",
    },
    {
      call: "spectralNorm(table, ones([4]))",
      run: () => spectralNorm(table, ones([4])),
      kind: TypeError,
      message: "spectralNorm: expected v to be a tensor, got undefined",
    },
    {
      call: "spectralNorm(table, ones([3]), ones([4]))",
      run: () => spectralNorm(table, ones([3]), ones([4])),
      kind: RangeError,
      message: "spectralNorm: expected u of shape [4] for weight [4, 3] and dim 0, got [3]",
    },
    {
      call: "spectralNorm(table, ones([4]), ones([4]))",
      run: () => spectralNorm(table, ones([4]), ones([4])),
      kind: RangeError,
      message: "spectralNorm: expected v of shape [3] for weight [4, 3] and dim 0, got [4]",
    },
    {
      call: "spectralNorm(table, ones([4]), ones([3]), { dim: 2 })",
      run: () => spectralNorm(table, ones([4]), ones([3]), { dim: 2 }),
      kind: RangeError,
      message: "spectralNorm: expected a dim in [-2, 2), got 2",
    },
    {
      call: "spectralNorm(table, ones([4]), ones([3]), { dim: null })",
      run: () => spectralNorm(table, ones([4]), ones([3]), { dim: null }),
      kind: TypeError,
      message: "spectralNorm: expected dim to be a number, got null",
    },
    {
      call: "spectralNorm(ones([3]), ones([3]), ones([1]))",
      run: () => spectralNorm(ones([3]), ones([3]), ones([1])),
      kind: RangeError,
      message: "spectralNorm: expected weight of at least two dims, got shape [3]",
    },
    {
      call: "spectralCase.op([])",
      run: () => spectralCase.op([]),
      kind: RangeError,
      message: "normCase: expected the weight, got no inputs",
      by: "normCase",
    },
    {
      call: "powerIteration(table, ones([4]), ones([3]), { iterations: 0 })",
      run: () => powerIteration(table, ones([4]), ones([3]), { iterations: 0 }),
      kind: RangeError,
      message: "powerIteration: expected iterations to be a positive whole number, got 0",
    },
    {
      call: 'powerIteration(table, ones([4]), ones([3]), { order: "u, v" })',
      run: () => powerIteration(table, ones([4]), ones([3]), { order: "u, v" }),
      kind: RangeError,
      message: 'powerIteration: expected order "vThenU" or "uThenV", got "u, v"',
    },
    {
      call: "powerIteration(table, ones([4]), ones([3]), { eps: -1 })",
      run: () => powerIteration(table, ones([4]), ones([3]), { eps: -1 }),
      kind: RangeError,
      message: "powerIteration: expected eps to be a finite number of at least 0, got -1",
    },
    {
      call: "new SpectralNorm(table)",
      run: () => new SpectralNorm(table),
      kind: TypeError,
      message: "SpectralNorm: expected a layer with a weight, as new Linear(4, 2), got a Tensor",
    },
    {
      call: "new SpectralNorm(new Linear(3, 2), { nPowerIterations: 0 })",
      run: () => new SpectralNorm(new Linear(3, 2), { nPowerIterations: 0 }),
      kind: RangeError,
      message: "SpectralNorm: expected nPowerIterations to be a positive whole number, got 0",
    },
    {
      call: 'new SpectralNorm(new Linear(3, 2), { order: "vu" })',
      run: () => new SpectralNorm(new Linear(3, 2), { order: "vu" }),
      kind: RangeError,
      message: 'SpectralNorm: expected order "vThenU" or "uThenV", got "vu"',
    },
    {
      call: "new SpectralNorm(new Linear(3, 2), { dim: -3 })",
      run: () => new SpectralNorm(new Linear(3, 2), { dim: -3 }),
      kind: RangeError,
      message: "SpectralNorm: expected a dim in [-2, 2), got -3",
    },
    {
      call: "new SpectralNorm(new Linear(3, 2), { generator: 7 })",
      run: () => new SpectralNorm(new Linear(3, 2), { generator: 7 }),
      kind: TypeError,
      message: "randn: expected a generator, as new Generator(0), got 7",
      by: "randn",
    },
    {
      call: "spectral.forward(randn([2, 4]))",
      run: () => spectral.forward(randn([2, 4])),
      kind: RangeError,
      message: "linear: expected input [*, 3] for weight [2, 3], got shape [2, 4]",
      by: "linear",
    },
    {
      call: "normPartition(spectral, [4, 3])",
      run: () => normPartition(spectral, [4, 3]),
      kind: RangeError,
      by: "SpectralNorm",
      message:
        "SpectralNorm: expected a weight of shape [2, 3], got [4, 3]: it is the weight that is normalized, not the input",
    },
    {
      call: 'adaptiveInstanceNorm(content, style, { unbiased: "false" })',
      run: () => adaptiveInstanceNorm(content, style, { unbiased: "false" }),
      kind: TypeError,
      message: 'adaptiveInstanceNorm: expected unbiased to be true or false, got "false"',
    },
    {
      call: "adaptiveInstanceNorm(content, style, { weight: 1 })",
      run: () => adaptiveInstanceNorm(content, style, { weight: 1 }),
      kind: TypeError,
      message: "adaptiveInstanceNorm: expected options out of eps, unbiased, alpha, got weight",
    },
    {
      call: "new AdaptiveInstanceNorm({ unbiased: 1 })",
      run: () => new AdaptiveInstanceNorm({ unbiased: 1 }),
      kind: TypeError,
      message: "AdaptiveInstanceNorm: expected unbiased to be true or false, got 1",
    },
    {
      call: "new AdaptiveInstanceNorm({ correction: 1 })",
      run: () => new AdaptiveInstanceNorm({ correction: 1 }),
      kind: TypeError,
      message: "AdaptiveInstanceNorm: expected options out of eps, unbiased, alpha, got correction",
    },
    {
      call: "conditionalInstanceNorm(content, ones([2]), { weight: table })",
      run: () => conditionalInstanceNorm(content, ones([2]), { weight: table }),
      kind: RangeError,
      message:
        "conditionalInstanceNorm: expected style weights of shape [2, 4], got [2]; labels are an array or Int32Array, not a tensor",
    },
    {
      call: "conditionalInstanceNorm(content, [0, 1], { weigth: table })",
      run: () => conditionalInstanceNorm(content, [0, 1], { weigth: table }),
      kind: TypeError,
      message: "conditionalInstanceNorm: expected options out of weight, bias, eps, got weigth",
    },
    {
      call: "new ConditionalInstanceNorm(3, 4, { affine: true })",
      run: () => new ConditionalInstanceNorm(3, 4, { affine: true }),
      kind: TypeError,
      message: "ConditionalInstanceNorm: expected options out of eps, dtype, got affine",
    },
    {
      call: "filterResponseNorm(content, { tlu: false })",
      run: () => filterResponseNorm(content, { tlu: false }),
      kind: TypeError,
      message: "filterResponseNorm: expected options out of weight, bias, tau, epsL, eps, got tlu",
    },
    {
      call: 'new FilterResponseNorm1d(3, { tlu: "false" })',
      run: () => new FilterResponseNorm1d(3, { tlu: "false" }),
      kind: TypeError,
      message: 'FilterResponseNorm1d: expected tlu to be true or false, got "false"',
    },
    {
      call: "new FilterResponseNorm1d(3, { learnableEps: 1e-4 })",
      run: () => new FilterResponseNorm1d(3, { learnableEps: 1e-4 }),
      kind: TypeError,
      message: "FilterResponseNorm1d: expected learnableEps to be true or false, got 1e-4",
    },
    {
      call: "new FilterResponseNorm2d(3, { tau: 0 })",
      run: () => new FilterResponseNorm2d(3, { tau: 0 }),
      kind: TypeError,
      message: "FilterResponseNorm2d: expected options out of eps, learnableEps, tlu, dtype, got tau",
    },
    {
      call: "weightStandardization(table, { unbiased: 1 })",
      run: () => weightStandardization(table, { unbiased: 1 }),
      kind: TypeError,
      message: "weightStandardization: expected unbiased to be true or false, got 1",
    },
    {
      call: "weightStandardization(table, { correction: 1 })",
      run: () => weightStandardization(table, { correction: 1 }),
      kind: TypeError,
      message: "weightStandardization: expected options out of unbiased, eps, got correction",
    },
    {
      call: "weightNorm(table, ones([4, 1]), { axis: 0 })",
      run: () => weightNorm(table, ones([4, 1]), { axis: 0 }),
      kind: TypeError,
      message: "weightNorm: expected options out of dim, got axis",
    },
    {
      call: 'new WeightNorm(new Linear(3, 2), { name: "weight" })',
      run: () => new WeightNorm(new Linear(3, 2), { name: "weight" }),
      kind: TypeError,
      message: "WeightNorm: expected options out of dim, got name",
    },
    {
      call: "spectralNorm(table, ones([4]), ones([3]), { eps: 0 })",
      run: () => spectralNorm(table, ones([4]), ones([3]), { eps: 0 }),
      kind: TypeError,
      message: "spectralNorm: expected options out of dim, got eps",
    },
    {
      call: "powerIteration(table, ones([4]), ones([3]), { iteration: 3 })",
      run: () => powerIteration(table, ones([4]), ones([3]), { iteration: 3 }),
      kind: TypeError,
      message: "powerIteration: expected options out of dim, iterations, order, eps, got iteration",
    },
    {
      call: 'new SpectralNorm(new Linear(3, 2), { name: "weight" })',
      run: () => new SpectralNorm(new Linear(3, 2), { name: "weight" }),
      kind: TypeError,
      message: "SpectralNorm: expected options out of nPowerIterations, eps, dim, order, generator, got name",
    },
  ],
};
