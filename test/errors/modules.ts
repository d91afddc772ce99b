// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Modules, their parameters and their state dicts. */
import {
  BatchNorm1d,
  Buffer,
  convertNorms,
  GroupNorm,
  LayerNorm,
  Linear,
  Module,
  ones,
  Parameter,
  randn,
  relu,
  ReLU,
  Sequential,
  zeros,
} from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

class Net extends Module {
  constructor() {
    super();
    this.fc = new Linear(2, 3);
    this.norm = new BatchNorm1d(3);
  }
  forward(a) {
    return this.norm.forward(this.fc.forward(a));
  }
}
class Unfinished extends Module {}
const net = new Net();
const norm = new LayerNorm(2);
const state = net.stateDict();
const frozen = Object.freeze(new Net());
const weight = ones([2]);
const bias = zeros([2]);

export const modules: WrongCalls = {
  fixtures: { net, norm, frozen },
  rows: [
    {
      call: "new Parameter([1, 2])",
      run: () => new Parameter([1, 2]),
      kind: TypeError,
      message: "Parameter: expected the initial value to be a tensor, got [1, 2]",
    },
    {
      call: "new Parameter(3)",
      run: () => new Parameter(3),
      kind: TypeError,
      message: "Parameter: expected the initial value to be a tensor, got 3",
    },
    {
      call: "new Buffer()",
      run: () => new Buffer(),
      kind: TypeError,
      message: "Buffer: expected the initial value to be a tensor, got undefined",
    },
    {
      call: "norm.loadStateDict()",
      run: () => norm.loadStateDict(),
      kind: TypeError,
      message: "loadStateDict: expected a state dict as an object { name: value }, got undefined",
    },
    {
      call: "norm.loadStateDict([weight, bias])",
      run: () => norm.loadStateDict([weight, bias]),
      kind: TypeError,
      message: "loadStateDict: expected a state dict as an object { name: value }, got [a Tensor, a Tensor]",
    },
    {
      call: 'norm.loadStateDict("model.json")',
      run: () => norm.loadStateDict("model.json"),
      kind: TypeError,
      message: 'loadStateDict: expected a state dict as an object { name: value }, got "model.json"',
    },
    {
      call: "norm.loadStateDict({})",
      run: () => norm.loadStateDict({}),
      kind: RangeError,
      message: "loadStateDict: expected the state of LayerNorm, got it with the missing keys weight, bias",
    },
    {
      call: "norm.loadStateDict({ weight }, false)",
      run: () => norm.loadStateDict({ weight }, false),
      kind: TypeError,
      message: "loadStateDict: expected options as an object { strict }, got false",
    },
    {
      call: "norm.loadStateDict({ weight })",
      run: () => norm.loadStateDict({ weight }),
      kind: RangeError,
      message: "loadStateDict: expected the state of LayerNorm, got it with the missing keys bias",
    },
    {
      call: "norm.loadStateDict({ weight, bias: [0, 0] })",
      run: () => norm.loadStateDict({ weight, bias: [0, 0] }),
      kind: TypeError,
      message: "loadStateDict: expected bias to be a tensor, got [0, 0]",
    },
    {
      call: "norm.loadStateDict({ weight, bias: zeros([3]) })",
      run: () => norm.loadStateDict({ weight, bias: zeros([3]) }),
      kind: RangeError,
      message: "loadStateDict: expected the state of LayerNorm, got it with shape [3] instead of [2] for bias",
    },
    {
      call: "norm.loadStateDict({ weight, bias, running_mean: bias })",
      run: () => norm.loadStateDict({ weight, bias, running_mean: bias }),
      kind: RangeError,
      message: "loadStateDict: expected the state of LayerNorm, got it with the unexpected keys running_mean",
    },
    {
      call: "norm.loadStateDict({ weight: ones([3]), scale: weight })",
      run: () => norm.loadStateDict({ weight: ones([3]), scale: weight }),
      kind: RangeError,
      message:
        "loadStateDict: expected the state of LayerNorm, got it with the missing keys bias; the unexpected keys scale; shape [3] instead of [2] for weight",
    },
    {
      call: "norm.loadStateDict({ weight: ones([3]) }, { strict: false })",
      run: () => norm.loadStateDict({ weight: ones([3]) }, { strict: false }),
      kind: RangeError,
      message: "loadStateDict: expected the state of LayerNorm, got it with shape [3] instead of [2] for weight",
    },
    {
      call: "norm.loadStateDict(new LayerNorm(2))",
      run: () => norm.loadStateDict(new LayerNorm(2)),
      kind: TypeError,
      message: "loadStateDict: expected a state dict, as model.stateDict() answers it, got a LayerNorm",
    },
    {
      call: "norm.loadStateDict(new Uint8Array(28996))",
      run: () => norm.loadStateDict(new Uint8Array(28996)),
      kind: TypeError,
      message: "loadStateDict: expected a state dict, as loadSafetensors(bytes) answers it, got a Uint8Array of 28996",
    },
    {
      call: "norm.loadStateDict({ weight, bias, a: bias, b: bias, c: bias, d: bias, e: bias, f: bias, g: bias })",
      run: () => norm.loadStateDict({ weight, bias, a: bias, b: bias, c: bias, d: bias, e: bias, f: bias, g: bias }),
      kind: RangeError,
      message:
        "loadStateDict: expected the state of LayerNorm, got it with the unexpected keys a, b, c, d, e, and 2 more",
    },
    {
      call: 'net.train("false")',
      run: () => net.train("false"),
      kind: TypeError,
      message: 'train: expected mode to be true or false, got "false"',
    },
    {
      call: "new Unfinished().forward(weight)",
      run: () => new Unfinished().forward(weight),
      kind: TypeError,
      message: "forward: expected the class Unfinished to have a method forward, got none",
    },
    {
      call: "net.loadStateDict({ weight, bias })",
      run: () => net.loadStateDict({ weight, bias }),
      kind: RangeError,
      message:
        "loadStateDict: expected the state of Net, got it with the missing keys fc.weight, fc.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var; the unexpected keys weight, bias",
    },
    {
      call: 'net.loadStateDict({ ...state, "fc.bias": null })',
      run: () => net.loadStateDict({ ...state, "fc.bias": null }),
      kind: TypeError,
      message: "loadStateDict: expected fc.bias to be a tensor, got null",
    },
    {
      call: 'net.loadStateDict({ ...state, "norm.num_batches_tracked": 3 })',
      run: () => net.loadStateDict({ ...state, "norm.num_batches_tracked": 3 }),
      kind: TypeError,
      message: "loadStateDict: expected norm.num_batches_tracked to be a tensor, got 3",
    },
    {
      call: 'net.loadStateDict({ ...state, "norm.num_batches_tracked": zeros([3]) })',
      run: () => net.loadStateDict({ ...state, "norm.num_batches_tracked": zeros([3]) }),
      kind: RangeError,
      message:
        "loadStateDict: expected the state of Net, got it with shape [3] instead of [] for norm.num_batches_tracked",
    },
    {
      call: "net.forward()",
      run: () => net.forward(),
      kind: TypeError,
      by: "linear",
      message: "linear: expected input to be a tensor, got undefined",
    },
    {
      call: "net.forward([[1, 2], [3, 4]])",
      run: () =>
        net.forward([
          [1, 2],
          [3, 4],
        ]),
      kind: TypeError,
      by: "linear",
      message: "linear: expected input to be a tensor, got [[1, 2], [3, 4]]",
    },
    {
      call: "net.forward(randn([4, 3]))",
      run: () => net.forward(randn([4, 3])),
      kind: RangeError,
      by: "linear",
      message: "linear: expected input [*, 2] for weight [3, 2], got shape [4, 3]",
    },
    {
      call: "net.forward(randn([1, 2]))",
      run: () => net.forward(randn([1, 2])),
      kind: RangeError,
      by: "batchNorm",
      message:
        "batchNorm: expected more than 1 value per channel in training, got input of shape [1, 3]: with one value x − μ is 0 whatever x is",
    },
    {
      call: 'net.forward(randn([4, 2], { dtype: "float32" }))',
      run: () => net.forward(randn([4, 2], { dtype: "float32" })),
      kind: TypeError,
      by: "linear",
      message: "linear: expected inputs of one dtype, got float32 and float64: convert one with .to(dtype)",
    },
    {
      call: "new Sequential([new ReLU(), new ReLU()])",
      run: () => new Sequential([new ReLU(), new ReLU()]),
      kind: TypeError,
      message: "Sequential: expected modules, got [a ReLU, a ReLU] at 0",
    },
    {
      call: "new Sequential(new ReLU(), relu)",
      run: () => new Sequential(new ReLU(), relu),
      kind: TypeError,
      message: "Sequential: expected modules, got a function at 1",
    },
    {
      call: "new Sequential(ReLU)",
      run: () => new Sequential(ReLU),
      kind: TypeError,
      message: "Sequential: expected modules, got a function at 0",
    },
    {
      call: "new Sequential(new Linear(2, 3), new Linear(2, 3)).forward(randn([2]))",
      run: () => new Sequential(new Linear(2, 3), new Linear(2, 3)).forward(randn([2])),
      kind: RangeError,
      message: "linear: expected input [*, 2] for weight [3, 2], got shape [3]",
    },
    {
      call: "convertNorms(Net, BatchNorm1d, () => norm)",
      run: () => convertNorms(Net, BatchNorm1d, () => norm),
      kind: TypeError,
      message: "convertNorms: expected a model, as new Sequential(…), got a function",
    },
    {
      call: "convertNorms(net, norm, () => norm)",
      run: () => convertNorms(net, norm, () => norm),
      kind: TypeError,
      message: "convertNorms: expected a class of modules, as BatchNorm2d, or an array of them, got a LayerNorm",
    },
    {
      call: 'convertNorms(net, ["BatchNorm1d"], () => norm)',
      run: () => convertNorms(net, ["BatchNorm1d"], () => norm),
      kind: TypeError,
      message: 'convertNorms: expected a class of modules, as BatchNorm2d, or an array of them, got ["BatchNorm1d"]',
    },
    {
      call: "convertNorms(net, relu, () => norm)",
      run: () => convertNorms(net, relu, () => norm),
      kind: TypeError,
      message: "convertNorms: expected a class of modules, as BatchNorm2d, or an array of them, got a function",
    },
    {
      call: "convertNorms(net, BatchNorm1d, norm)",
      run: () => convertNorms(net, BatchNorm1d, norm),
      kind: TypeError,
      message:
        "convertNorms: expected a function that makes the new norm, as (norm) => new GroupNorm(4, 8), got a LayerNorm",
    },
    {
      call: "convertNorms(net, BatchNorm1d, GroupNorm)",
      run: () => convertNorms(net, BatchNorm1d, GroupNorm),
      kind: TypeError,
      message:
        "convertNorms: expected a function that makes the new norm, as (norm) => new GroupNorm(4, 8), got a class",
    },
    {
      call: "convertNorms(net, BatchNorm1d, () => GroupNorm)",
      run: () => convertNorms(net, BatchNorm1d, () => GroupNorm),
      kind: TypeError,
      message: "convertNorms: expected a module in the place of the BatchNorm1d at norm, got a function",
    },
    {
      call: "convertNorms(new BatchNorm1d(3), BatchNorm1d, () => {})",
      run: () => convertNorms(new BatchNorm1d(3), BatchNorm1d, () => {}),
      kind: TypeError,
      message: "convertNorms: expected a module in the place of the BatchNorm1d, got undefined",
    },
    {
      call: "convertNorms(net, BatchNorm1d, (old) => new GroupNorm(4, old.numFeatures))",
      run: () => convertNorms(net, BatchNorm1d, (old) => new GroupNorm(4, old.numFeatures)),
      kind: RangeError,
      by: "GroupNorm",
      message: "GroupNorm: expected numGroups to divide numChannels, got 4 and 3",
    },
    {
      call: "convertNorms(frozen, BatchNorm1d, () => norm)",
      run: () => convertNorms(frozen, BatchNorm1d, () => norm),
      kind: TypeError,
      message:
        "convertNorms: expected norms in attributes that can be set, got the BatchNorm1d at norm in one that cannot",
    },
  ],
};
