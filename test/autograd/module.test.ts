import { describe, expect, test } from "vitest";
import { Buffer, Module, ones, Parameter, tensor, Tensor, zeros } from "../../src/autograd/index.ts";
import { given } from "../helpers/given.ts";

/** A layer with a parameter, a buffer that may be missing, and a name in two words. */
class Layer extends Module {
  readonly runningMean: Buffer;
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly numBatchesTracked = new Buffer(tensor(7), { optional: true });
  readonly size: number;

  constructor(size: number, bias = true) {
    super();
    this.size = size;
    this.runningMean = new Buffer(zeros([size]));
    this.weight = new Parameter(ones([size]));
    this.bias = bias ? new Parameter(zeros([size])) : null;
  }

  override forward(input: Tensor): Tensor {
    return input.mul(this.weight);
  }

  protected override extraRepr(): string {
    return `${this.size}, bias=${String(this.bias !== null)}`;
  }
}

class Block extends Module {
  readonly layers: readonly Layer[];
  readonly gain = new Parameter(tensor([2]));
  constructor(...sizes: readonly number[]) {
    super();
    this.layers = sizes.map((size) => new Layer(size));
  }
  override forward(input: Tensor): Tensor {
    return this.layers.reduce((x, layer) => layer.forward(x), input).mul(this.gain);
  }
}

class Net extends Module {
  readonly head = new Layer(3, false);
  readonly blocks = [new Block(1), new Block(2, 2)];
  readonly grid = [[new Layer(4, false)], [], [new Layer(5, false)]];
  readonly note = "not a module";
  readonly list = [1, null, "two"];
  override forward(input: Tensor): Tensor {
    return this.head.forward(input);
  }
}

const names = (entries: Iterable<readonly [string, unknown]>): string[] => Array.from(entries, ([name]) => name);

describe("forward", () => {
  test("may be a class field", () => {
    class Doubled extends Module {
      override forward = (input: Tensor): Tensor => input.mul(2);
    }
    expect(new Doubled().forward(ones([1])).item()).toBe(2);
  });
});

describe("named…", () => {
  test("modules come in the order of the attributes, each before what is below it", () => {
    expect(names(new Net().namedModules())).toEqual([
      "",
      "head",
      "blocks.0",
      "blocks.0.layers.0",
      "blocks.1",
      "blocks.1.layers.0",
      "blocks.1.layers.1",
      "grid.0.0",
      "grid.2.0",
    ]);
    expect(names(new Net().namedModules("net"))[1]).toBe("net.head");
    expect(names(new Net().namedChildren())).toEqual(["head", "blocks.0", "blocks.1", "grid.0.0", "grid.2.0"]);
  });

  test("parameters come module by module, buffers too, and never mixed", () => {
    const net = new Net();
    expect(names(net.namedParameters())).toEqual([
      "head.weight",
      "blocks.0.gain",
      "blocks.0.layers.0.weight",
      "blocks.0.layers.0.bias",
      "blocks.1.gain",
      "blocks.1.layers.0.weight",
      "blocks.1.layers.0.bias",
      "blocks.1.layers.1.weight",
      "blocks.1.layers.1.bias",
      "grid.0.0.weight",
      "grid.2.0.weight",
    ]);
    expect(net.parameters()).toEqual(Array.from(net.namedParameters(), ([, parameter]) => parameter));
    expect(net.parameters().every((p) => p instanceof Parameter && p.requiresGrad)).toBe(true);
    expect(names(new Layer(1).namedBuffers())).toEqual(["runningMean", "numBatchesTracked"]);
    expect(net.buffers().every((b) => b instanceof Buffer && !b.requiresGrad)).toBe(true);
    expect(net.buffers().length).toBe(12);
  });

  test("modules and parameters in plain objects, Maps, Sets and arrays are found as well", () => {
    class Heads extends Module {
      readonly byName = { left: new Layer(1, false), right: [new Layer(2, false)] };
      readonly byMap = new Map([["a", new Layer(3, false)]]);
      readonly all = new Set([new Layer(4, false)]);
      readonly scales = [new Parameter(ones([1])), new Parameter(zeros([1]))];
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    const heads = new Heads();
    const modules = ["byName.left", "byName.right.0", "byMap.a", "all.0"];
    expect(names(heads.namedChildren())).toEqual(modules);
    expect(names(heads.namedParameters())).toEqual([
      "scales.0",
      "scales.1",
      ...modules.map((name) => `${name}.weight`),
    ]);
    expect(
      heads
        .eval()
        .modules()
        .every((module) => !module.training),
    ).toBe(true);
    expect(Object.keys(heads.stateDict())).toEqual([
      "scales.0",
      "scales.1",
      ...modules.flatMap((name) => [`${name}.weight`, `${name}.running_mean`, `${name}.num_batches_tracked`]),
    ]);
    expect(new Heads().loadStateDict(heads.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] });
  });

  test("a parameter or a module that is shared comes once, under its first name", () => {
    class Tied extends Module {
      readonly first = new Layer(2);
      readonly again = this.first;
      readonly weight = this.first.weight;
      override forward(input: Tensor): Tensor {
        return this.first.forward(input);
      }
    }
    const tied = new Tied();
    expect(names(tied.namedModules())).toEqual(["", "first"]);
    expect(names(tied.namedParameters())).toEqual(["weight", "first.bias"]);
    expect(new Set(tied.parameters()).size).toBe(tied.parameters().length);
  });

  test("a module that knows its parent does not go round in circles", () => {
    class Child extends Module {
      parent: Module | null = null;
      readonly weight = new Parameter(tensor([1]));
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    class Parent extends Module {
      readonly child = new Child();
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    const parent = new Parent();
    parent.child.parent = parent;
    expect(names(parent.namedParameters())).toEqual(["child.weight"]);
  });
});

describe("train, eval, zeroGrad", () => {
  test("train and eval reach every module below, and answer the module", () => {
    const net = new Net();
    expect(net.training).toBe(true);
    expect(net.eval()).toBe(net);
    expect(net.modules().map((module) => module.training)).toEqual(Array.from({ length: 9 }, () => false));
    expect(given(net.blocks[0]).train().training).toBe(true);
    expect([net.training, given(net.blocks[0]?.layers[0]).training]).toEqual([false, true]);
    expect(
      net
        .train(true)
        .modules()
        .every((module) => module.training),
    ).toBe(true);
  });

  test("zeroGrad clears the gradients of all parameters", () => {
    const block = new Block(2, 2);
    block
      .forward(tensor([1, 2]))
      .sum()
      .backward();
    expect(block.parameters().filter((p) => p.grad !== null).length).toBe(3); // no bias is used
    block.zeroGrad();
    expect(block.parameters().map((p) => p.grad)).toEqual(Array.from({ length: 5 }, () => null));
  });
});

describe("stateDict", () => {
  test("has PyTorch's names: paths as they are, the last word in snake case, parameters before buffers", () => {
    expect(Object.keys(new Layer(1).stateDict())).toEqual(["weight", "bias", "running_mean", "num_batches_tracked"]);
    expect(Object.keys(new Block(1).stateDict())).toEqual([
      "gain",
      "layers.0.weight",
      "layers.0.bias",
      "layers.0.running_mean",
      "layers.0.num_batches_tracked",
    ]);
  });

  test("is a snapshot that a later step does not change, and that needs no gradient", () => {
    const layer = new Layer(2);
    const state = layer.stateDict();
    layer.weight.value = tensor([8, 9]).value;
    expect(given(state.weight).toArray()).toEqual([1, 1]);
    expect(Object.values(state).some((entry) => entry.requiresGrad)).toBe(false);
  });

  test("names a tensor that two modules share twice", () => {
    class Tied extends Module {
      readonly first = new Layer(2, false);
      readonly weight = this.first.weight;
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    expect(Object.keys(new Tied().stateDict())).toContain("weight");
    expect(Object.keys(new Tied().stateDict())).toContain("first.weight");
  });
});

describe("loadStateDict", () => {
  test("takes over what stateDict answers", () => {
    const [from, to] = [new Block(2, 3), new Block(2, 3)];
    from.parameters().forEach((parameter, i) => (parameter.value = parameter.value.add(i + 1)));
    expect(to.loadStateDict(from.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(to.parameters().map((p) => p.toArray())).toEqual(from.parameters().map((p) => p.toArray()));
    expect(to.parameters().every((p) => p.requiresGrad)).toBe(true);
  });

  test("converts to the dtype of each tensor", () => {
    const layer = new Layer(1);
    const state = { ...layer.stateDict(), weight: tensor(Float32Array.of(0.1)) };
    layer.loadStateDict(state);
    expect([layer.weight.dtype, layer.weight.item()]).toEqual(["float64", Math.fround(0.1)]);
  });

  test("a missing optional buffer is no fault, and becomes zero", () => {
    const layer = new Layer(1);
    const { num_batches_tracked: _, ...rest } = layer.stateDict();
    expect(layer.loadStateDict(rest)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(layer.numBatchesTracked.item()).toBe(0);
  });

  const wrong = {
    weight: tensor([5, 6]),
    bias: tensor([1, 2, 3]),
    colour: tensor([1]),
  };

  test("strict lists all that is wrong, and changes nothing", () => {
    const layer = new Layer(2);
    expect(() => layer.loadStateDict(wrong)).toThrow(
      new RangeError(
        "loadStateDict: expected the state of Layer, got it with the missing keys running_mean; " +
          "the unexpected keys colour; shape [3] instead of [2] for bias",
      ),
    );
    expect([layer.weight.toArray(), layer.numBatchesTracked.item()]).toEqual([[1, 1], 7]);
  });

  test("not strict reports keys, takes over what fits, and still refuses a wrong shape", () => {
    const layer = new Layer(2);
    expect(() => layer.loadStateDict(wrong, { strict: false })).toThrow(
      new RangeError("loadStateDict: expected the state of Layer, got it with shape [3] instead of [2] for bias"),
    );
    expect(layer.weight.toArray()).toEqual([1, 1]);
    const { bias: _, ...partial } = wrong;
    expect(layer.loadStateDict(partial, { strict: false })).toEqual({
      missingKeys: ["bias", "running_mean"],
      unexpectedKeys: ["colour"],
    });
    expect([layer.weight.toArray(), given(layer.bias).toArray()]).toEqual([
      [5, 6],
      [0, 0],
    ]);
  });
});

describe("toString", () => {
  test("shows the options of a layer, and modules below it indented", () => {
    expect(String(new Layer(3))).toBe("Layer(3, bias=true)");
    expect(String(new Net())).toBe(
      [
        "Net(",
        "  (head): Layer(3, bias=false)",
        "  (blocks.0): Block(",
        "    (layers.0): Layer(1, bias=true)",
        "  )",
        "  (blocks.1): Block(",
        "    (layers.0): Layer(2, bias=true)",
        "    (layers.1): Layer(2, bias=true)",
        "  )",
        "  (grid.0.0): Layer(4, bias=false)",
        "  (grid.2.0): Layer(5, bias=false)",
        ")",
      ].join("\n"),
    );
  });

  test("of a module without options and children is its name", () => {
    class Nothing extends Module {
      override forward(input: Tensor): Tensor {
        return input;
      }
    }
    expect(String(new Nothing())).toBe("Nothing()");
  });
});

describe("Parameter and Buffer", () => {
  test("take the values of a tensor, not its tape", () => {
    const x = tensor([1, 2], { requiresGrad: true }).mul(2);
    const [parameter, buffer] = [new Parameter(x), new Buffer(x)];
    expect([parameter.record, parameter.requiresGrad, parameter.toArray()]).toEqual([null, true, [2, 4]]);
    expect([buffer.record, buffer.requiresGrad, buffer.optional]).toEqual([null, false, false]);
    expect(parameter).toBeInstanceOf(Tensor);
  });
});

describe("a module at two places", () => {
  test("has its keys at both in the state dict, as in PyTorch, and its parameters once", () => {
    class Twice extends Module {
      readonly first = new Layer(2);
      readonly second: Layer = this.first;
      override forward(input: Tensor): Tensor {
        return this.second.forward(this.first.forward(input));
      }
    }
    const twice = new Twice();
    const keys = Object.keys(twice.stateDict());
    expect(keys).toContain("first.weight");
    expect(keys).toContain("second.weight");
    expect(twice.parameters()).toHaveLength(2);
    expect(twice.loadStateDict(twice.stateDict())).toEqual({ missingKeys: [], unexpectedKeys: [] });
  });
});
