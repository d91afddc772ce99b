import { describe, expect, test } from "vitest";
import { Generator, printTape, randn } from "../../src/autograd/index.ts";
import { ReLU } from "../../src/nn/activations.ts";
import { Dropout } from "../../src/nn/dropout.ts";
import { Linear } from "../../src/nn/linear.ts";
import { Sequential } from "../../src/nn/sequential.ts";

const generator = new Generator(0);

describe("Sequential", () => {
  test("runs its modules one after the other", () => {
    const [first, second] = [new Linear(3, 4, { generator }), new Linear(4, 2, { generator })];
    const x = randn([5, 3], { generator });
    const expected = second.forward(new ReLU().forward(first.forward(x)));
    expect(new Sequential(first, new ReLU(), second).forward(x).toArray()).toEqual(expected.toArray());
  });

  test("answers its input when it is empty", () => {
    const x = randn([2], { generator });
    expect(new Sequential().forward(x)).toBe(x);
    expect(String(new Sequential())).toBe("Sequential()");
  });

  test("names its modules 0, 1, …, also in state dicts and on the tape", () => {
    const model = new Sequential(
      new Linear(3, 4, { generator }),
      new Sequential(new ReLU(), new Linear(4, 2, { generator, bias: false })),
    );
    expect(Array.from(model.namedChildren(), ([name]) => name)).toEqual(["0", "1"]);
    expect(Object.keys(model.stateDict())).toEqual(["0.weight", "0.bias", "1.1.weight"]);
    expect(printTape(model.forward(randn([5, 3], { generator })), { names: model })).toBe(
      [
        "%1 = linear(input[5,3], 0.weight[4,3], 0.bias[4]) : [5,4]",
        "%2 = relu(%1) : [5,4]",
        "%3 = linear(%2, 1.1.weight[2,4]) : [5,2]",
      ].join("\n"),
    );
  });

  test("prints as PyTorch does, children indented", () => {
    const model = new Sequential(new Linear(3, 4), new Sequential(new ReLU(), new Dropout(0.1)));
    expect(String(model)).toBe(
      [
        "Sequential(",
        "  (0): Linear(inFeatures=3, outFeatures=4, bias=true)",
        "  (1): Sequential(",
        "    (0): ReLU()",
        "    (1): Dropout(p=0.1)",
        "  )",
        ")",
      ].join("\n"),
    );
  });

  test("hands training mode down", () => {
    const dropout = new Dropout();
    const model = new Sequential(new Sequential(dropout));
    model.eval();
    expect(dropout.training).toBe(false);
    model.train();
    expect(dropout.training).toBe(true);
  });

  test("counts a module that stands there twice once, and adds up its gradients", () => {
    const shared = new Linear(2, 2, { generator });
    const model = new Sequential(shared, shared);
    expect(model.parameters()).toHaveLength(2);
    model
      .forward(randn([1, 2], { generator }))
      .sum()
      .backward();
    expect(shared.bias?.grad).not.toBeNull();
  });

  test("takes a state dict of its own over", () => {
    const build = (): Sequential => new Sequential(new Linear(2, 3, { generator }), new ReLU());
    const [from, to] = [build(), build()];
    to.loadStateDict(from.stateDict());
    const x = randn([4, 2], { generator });
    expect(to.forward(x).toArray()).toEqual(from.forward(x).toArray());
  });

  test("refuses what is no module", () => {
    const other: ReLU = JSON.parse("3");
    expect(() => new Sequential(new ReLU(), other)).toThrow("Sequential: expected modules, got 3 at 1");
  });
});
