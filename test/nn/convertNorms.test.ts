import { describe, expect, test } from "vitest";
import { Generator, NdArray, ones, randn, tensor } from "../../src/autograd/index.ts";
import type { Tensor } from "../../src/autograd/index.ts";
import { Conv2d, convertNorms, crossEntropy, Flatten, Linear, Module, ReLU } from "../../src/nn/index.ts";
import { Sequential, SGD } from "../../src/nn/index.ts";
import type { StateDict } from "../../src/nn/index.ts";
import { BatchNorm1d, BatchNorm2d, BatchNorm3d, BatchRenorm2d, GroupNorm } from "../../src/norms/index.ts";
import { InstanceNorm2d, LayerNorm, Norm } from "../../src/norms/index.ts";

/** A network that holds norms in every way in which a module can hold one. */
class Net extends Module {
  readonly stem: Sequential;
  readonly shared = new BatchNorm2d(4);
  readonly again = this.shared;
  readonly blocks: readonly unknown[] = ["a name", [new BatchNorm2d(4)], new Sequential(new Sequential(this.shared))];
  readonly last = new LayerNorm(3);

  constructor(generator: Generator) {
    super();
    this.stem = new Sequential(new Conv2d(1, 4, 3, { generator }), new BatchNorm2d(4), new ReLU());
  }

  override forward(input: Tensor): Tensor {
    const modules = [...this.namedChildren()].map(([, child]) => child);
    return modules.reduce(
      (x, child) => (child instanceof Sequential || child instanceof Norm ? child.forward(x) : x),
      input,
    );
  }
}

const images = randn([2, 1, 5, 5], { generator: new Generator(2) });

function net(): Net {
  const made = new Net(new Generator(1));
  scatter(made);
  return made;
}

/** No two values of the state are alike, and no variance is 0. */
function scatter(module: Module): void {
  const state = Object.entries(module.stateDict()).map(([key, { shape, dtype, numel }], i) => {
    const values = Float64Array.from({ length: numel }, (_, cell) => 0.25 + i + cell / 8);
    return [key, tensor(values, { shape, dtype })] as const;
  });
  module.loadStateDict(Object.fromEntries(state));
}

function plain(state: StateDict): Record<string, unknown> {
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, value.toArray()]));
}

const toGroups = (norm: BatchNorm2d): GroupNorm => new GroupNorm(2, norm.numFeatures);

describe("convertNorms", () => {
  test("finds norms in attributes, in arrays, in Sequential, at any depth", () => {
    const model = net();
    const before = [...model.namedModules()].map(([name, module]) => [name, module.constructor.name]);
    expect(convertNorms(model, BatchNorm2d, toGroups)).toBe(model);
    const after = [...model.namedModules()].map(([name, module]) => [name, module.constructor.name]);
    expect(before.map(([, kind]) => kind)).toContain("BatchNorm2d");
    expect(after).toEqual(before.map(([name, kind]) => [name, kind === "BatchNorm2d" ? "GroupNorm" : kind]));
    expect(model.blocks[0]).toBe("a name");
  });

  test("finds norms in plain objects, Maps and Sets, and leaves the containers themselves as they were", () => {
    class Heads extends Module {
      readonly byName = { left: new BatchNorm2d(4), note: "kept" };
      readonly byMap = new Map<unknown, unknown>([["a", [new BatchNorm2d(4)]], [1, 2]]); // prettier-ignore
      readonly all = new Set([new BatchNorm2d(4)]);
      readonly without = { fc: new Linear(1, 1) };
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    const model = new Heads();
    const { byName, byMap, without } = model;
    const names = [...model.namedModules()].map(([name]) => name);
    convertNorms(model, BatchNorm2d, toGroups);
    expect([...model.namedModules()].map(([name]) => name)).toEqual(names);
    const kinds = model.modules().map((module) => module.constructor.name);
    expect(kinds).toEqual(["Heads", "GroupNorm", "GroupNorm", "GroupNorm", "Linear"]);
    expect([model.byName.note, model.byMap.get(1), model.without]).toEqual(["kept", 2, without]);
    expect(byName.left).toBeInstanceOf(BatchNorm2d);
    expect(byMap).not.toBe(model.byMap);
  });

  test("a norm that stands at several places becomes one, and is made once", () => {
    const model = net();
    const seen: Norm[] = [];
    convertNorms(model, BatchNorm2d, (norm) => {
      seen.push(norm);
      return toGroups(norm);
    });
    expect(seen.length).toBe(3);
    expect(new Set(seen).size).toBe(3);
    expect(model.shared).toBeInstanceOf(GroupNorm);
    expect(model.again).toBe(model.shared);
    expect(model.modules().filter((module) => module instanceof GroupNorm).length).toBe(3);
  });

  test("the parameters and keys are those of the new norms; buffers of the old are gone", () => {
    const model = net();
    const keys = Object.keys(model.stateDict());
    const old = new Set(
      model.modules().flatMap((module) => (module instanceof BatchNorm2d ? module.parameters() : [])),
    );
    const made: GroupNorm[] = [];
    convertNorms(model, BatchNorm2d, (norm) => {
      made.push(toGroups(norm));
      return made.at(-1) ?? toGroups(norm);
    });
    const parameters = new Set(model.parameters());
    for (const { weight, bias } of made)
      expect([weight, bias].every((p) => p !== null && parameters.has(p))).toBe(true);
    expect([...parameters].filter((parameter) => old.has(parameter))).toEqual([]);
    expect(Object.keys(model.stateDict())).toEqual(keys.filter((key) => !/running|tracked/.test(key)));
    expect(model.buffers()).toEqual([]);
  });

  test("the state dict of a converted model goes into another converted model", () => {
    const [first, second] = [net(), new Net(new Generator(7))];
    for (const model of [first, second]) convertNorms(model, BatchNorm2d, toGroups);
    expect(second.forward(images).toArray()).not.toEqual(first.forward(images).toArray());
    second.loadStateDict(first.stateDict());
    expect(plain(second.stateDict())).toEqual(plain(first.stateDict()));
    expect(second.forward(images).toArray()).toEqual(first.forward(images).toArray());
  });

  test("instance norms and groups of one channel are equivalent: there and back the outputs stay", () => {
    const make = (): Sequential => {
      const generator = new Generator(3);
      const norm = new InstanceNorm2d(4, { affine: true });
      const model = new Sequential(new Conv2d(1, 4, 3, { generator }), norm, new ReLU());
      scatter(norm);
      return model;
    };
    const model = make();
    const expected = model.forward(images).toArray();
    const close = (): void => {
      const difference = model.forward(images).value.sub(make().forward(images).value).abs();
      expect(Math.max(...difference.data)).toBeLessThan(1e-14);
    };
    convertNorms(model, InstanceNorm2d, (norm) => new GroupNorm(norm.numFeatures, norm.numFeatures, { eps: norm.eps }));
    expect(model.modules().some((module) => module instanceof InstanceNorm2d)).toBe(false);
    close();
    convertNorms(model, GroupNorm, (norm) => new InstanceNorm2d(norm.numChannels, { affine: true, eps: norm.eps }));
    close();
    expect(model.forward(images).toArray()).toEqual(expected);
    // A norm that is not equivalent is told apart.
    convertNorms(model, InstanceNorm2d, (norm) => new GroupNorm(1, norm.numFeatures));
    expect(close).toThrow();
  });

  test("a converted model trains", () => {
    const generator = new Generator(5);
    const model = new Sequential(
      new Conv2d(1, 4, 3, { generator }),
      new BatchNorm2d(4),
      new ReLU(),
      new Flatten(),
      new Linear(36, 2, { generator }),
    );
    convertNorms(model, BatchNorm2d, toGroups);
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    const [x, labels] = [randn([6, 1, 5, 5], { generator }), [0, 1, 0, 1, 0, 1]];
    const norm = model.modules().find((module) => module instanceof GroupNorm);
    const weight = norm?.weight?.toArray();
    const losses = Array.from({ length: 30 }, () => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), labels);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    expect(norm?.weight?.toArray()).not.toEqual(weight);
  });

  test("a model without such norms is left as it is, its arrays included", () => {
    const model = net();
    const [state, { blocks }, { layers }] = [model.stateDict(), model, model.stem];
    const never = (): never => {
      throw new Error("called");
    };
    expect(convertNorms(model, BatchNorm3d, never)).toBe(model);
    expect(convertNorms(model, [], never)).toBe(model);
    expect([model.blocks, model.stem.layers]).toEqual([blocks, layers]);
    expect(model.blocks).toBe(blocks);
    expect(model.stem.layers).toBe(layers);
    expect(plain(model.stateDict())).toEqual(plain(state));
  });

  test("several classes, and a class with its subclasses", () => {
    const make = (): Sequential => new Sequential(new BatchNorm1d(2), new BatchNorm2d(2), new LayerNorm(3), new ReLU());
    const names = (model: Sequential): string[] => model.layers.map((layer) => layer.constructor.name);
    const groups = (norm: BatchNorm1d | BatchNorm2d): GroupNorm => new GroupNorm(1, norm.numFeatures);
    const group = ["GroupNorm", "GroupNorm"];
    expect(names(convertNorms(make(), [BatchNorm1d, BatchNorm2d], groups))).toEqual([...group, "LayerNorm", "ReLU"]);
    const every = convertNorms(make(), Norm, () => new GroupNorm(1, 2));
    expect(names(every)).toEqual([...group, "GroupNorm", "ReLU"]);
    class Quiet extends BatchNorm2d {}
    const quiet = new Sequential(new Quiet(2));
    expect(names(convertNorms(quiet, BatchNorm2d, toGroups))).toEqual(["GroupNorm"]);
    expect(names(convertNorms(new Sequential(new BatchNorm2d(2)), Quiet, toGroups))).toEqual(["BatchNorm2d"]);
  });

  test("a model that is such a norm itself is answered by the new one", () => {
    const old = new BatchNorm2d(4);
    scatter(old);
    const made: Module = convertNorms(old, BatchNorm2d, toGroups);
    expect(made).toBeInstanceOf(GroupNorm);
    expect(plain(made.stateDict())).toEqual({ weight: old.weight?.toArray(), bias: old.bias?.toArray() });
    expect(convertNorms(old, BatchNorm2d, (norm) => norm)).toBe(old);
  });

  test("the old norm may go on inside of the new one, and is not searched again", () => {
    const model = new Sequential(new BatchNorm2d(4));
    const [inner] = model.layers;
    convertNorms(model, BatchNorm2d, (norm) => new Sequential(norm, new BatchNorm2d(4)));
    expect(Object.keys(model.stateDict()).filter((key) => key.endsWith("weight"))).toEqual([
      "0.0.weight",
      "0.1.weight",
    ]);
    expect(model.modules().some((module) => module === inner)).toBe(true);
  });
});

describe("what a new norm takes over", () => {
  const convert = (old: BatchNorm2d, made: Norm): Norm => {
    convertNorms(new Sequential(old), BatchNorm2d, () => made);
    return made;
  };
  const scattered = (options: ConstructorParameters<typeof BatchNorm2d>[1] = {}): BatchNorm2d => {
    const norm = new BatchNorm2d(4, options);
    scatter(norm);
    return norm;
  };

  test("weight and bias, as copies in its own dtype, each with its requiresGrad", () => {
    const old = scattered();
    if (old.weight) old.weight.requiresGrad = false;
    const made = new GroupNorm(2, 4, { dtype: "float32" });
    convert(old, made);
    expect(plain(made.stateDict())).toEqual({ weight: old.weight?.toArray(), bias: old.bias?.toArray() });
    expect([made.weight?.dtype, made.weight?.requiresGrad, made.bias?.requiresGrad]).toEqual(["float32", false, true]);
    expect(made.weight).not.toBe(old.weight);
    if (made.bias) made.bias.value = NdArray.full([4], 9, "float32");
    expect(old.bias?.toArray()).not.toContain(9);
  });

  test("neither where the shapes differ or one has none", () => {
    const made = new LayerNorm([4, 3, 3]);
    convert(scattered(), made);
    expect([...(made.weight?.data ?? [])].every((value) => value === 1)).toBe(true);
    const [without, plainGroups] = [new GroupNorm(2, 4, { affine: false }), new GroupNorm(2, 4)];
    expect(Object.keys(convert(scattered(), without).stateDict())).toEqual([]);
    expect(plain(convert(scattered({ affine: false }), plainGroups).stateDict())).toEqual({
      weight: [1, 1, 1, 1],
      bias: [0, 0, 0, 0],
    });
    expect(plainGroups.weight?.requiresGrad).toBe(true);
  });

  test("running statistics if both have a mean and a variance, and then the count", () => {
    const old = scattered();
    expect(plain(convert(old, new BatchNorm2d(4)).stateDict())).toEqual(plain(old.stateDict()));
    const tracking = new InstanceNorm2d(4, { trackRunningStats: true });
    expect(plain(convert(old, tracking).stateDict())).toMatchObject({
      running_mean: old.runningMean?.toArray(),
      running_var: old.runningVar?.toArray(),
    });
  });

  test("a BatchRenorm gets the standard deviation, and evaluates to what the BatchNorm did", () => {
    const old = scattered().eval();
    const renorm = new BatchRenorm2d(4);
    convert(old, renorm);
    expect(renorm.numBatchesTracked.item()).toBe(old.numBatchesTracked?.item());
    const x = randn([2, 4, 3, 3], { generator: new Generator(5) });
    const expected = old.forward(x);
    renorm.forward(x).data.forEach((value, i) => expect(value).toBeCloseTo(expected.data[i] ?? NaN, 12));
    const other = new BatchRenorm2d(3); // of other channels nothing fits
    convert(old, other);
    expect([other.runningMean.toArray(), other.runningStd.toArray()]).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
  });

  test("a dtype that is not there may be passed on, and is the default one", () => {
    const bare = new BatchNorm2d(4, { affine: false });
    expect(new GroupNorm(2, 4, { dtype: bare.weight?.dtype }).weight?.dtype).toBe("float64");
    const model = new Sequential(new Conv2d(3, 4, 3, { dtype: "float32" }), new BatchNorm2d(4, { dtype: "float32" }));
    convertNorms(model, BatchNorm2d, (norm) => new GroupNorm(2, norm.numFeatures, { dtype: norm.weight?.dtype }));
    expect(model.forward(randn([1, 3, 5, 5], { dtype: "float32" })).dtype).toBe("float32");
  });

  test("training or evaluation mode, down to what stands below it", () => {
    for (const mode of [true, false]) {
      const model = new Sequential(new BatchNorm2d(4)).train(mode);
      convertNorms(model, BatchNorm2d, () => new Sequential(new GroupNorm(1, 4)));
      expect(model.modules().map(({ training }) => training)).toEqual([mode, mode, mode]);
    }
  });
});

describe("all or nothing", () => {
  const unchanged = (model: Net, to: (norm: BatchNorm2d) => Module, message: string): void => {
    const before = { modules: model.modules(), state: plain(model.stateDict()) };
    const call = (): unknown => convertNorms(model, BatchNorm2d, to);
    expect(call).toThrow(message);
    expect(model.modules()).toEqual(before.modules);
    expect(model.modules().every((module, i) => module === before.modules[i])).toBe(true);
    expect(plain(model.stateDict())).toEqual(before.state);
  };

  test("if the function throws for the last norm, none is exchanged", () => {
    let calls = 0;
    const made: GroupNorm[] = [];
    const fails = (norm: BatchNorm2d): GroupNorm => {
      if (++calls === 3) throw new RangeError("no more");
      made.push(toGroups(norm).eval());
      return made.at(-1) ?? toGroups(norm);
    };
    unchanged(net(), fails, "no more");
    // Not even the new norms have been touched.
    expect(made.map(({ weight, training }) => [weight?.toArray(), training])).toEqual([
      [[1, 1, 1, 1], false],
      [[1, 1, 1, 1], false],
    ]);
  });

  test("if a norm stands where it cannot be set, none is exchanged", () => {
    const frozen = net();
    Object.freeze(frozen.stem);
    const message = "convertNorms: expected norms in attributes that can be set, got the BatchNorm2d at stem.1";
    unchanged(frozen, toGroups, message);
    class Hidden extends Net {
      readonly #norm = new BatchNorm2d(4);
      override *namedChildren(): ReturnType<Module["namedChildren"]> {
        yield* super.namedChildren();
        yield ["hidden", this.#norm];
      }
    }
    const hidden = "got the BatchNorm2d at hidden in one that cannot";
    unchanged(new Hidden(new Generator(1)), toGroups, hidden);
  });

  test("a frozen array is no obstacle: it is replaced, and stays as it was", () => {
    class Frozen extends Module {
      readonly layers: readonly Module[] = Object.freeze([new BatchNorm2d(4)]);
      override forward(input: Tensor): Tensor {
        return this.layers.reduce((x, layer) => layer.forward(x), input);
      }
    }
    const model = new Frozen();
    const { layers } = model;
    convertNorms(model, BatchNorm2d, toGroups);
    expect([model.layers[0], layers[0]].map((layer) => layer?.constructor.name)).toEqual(["GroupNorm", "BatchNorm2d"]);
    expect(model.forward(ones([1, 4, 2, 2])).shape).toEqual([1, 4, 2, 2]);
  });
});
