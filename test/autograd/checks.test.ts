import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  customOp,
  Dual,
  Generator,
  NdArray,
  noGrad,
  Parameter,
  rand,
  tensor,
  Tensor,
  zeros,
} from "../../src/autograd/index.ts";
import { checkBoolean, checkNumber, checkObject, checkOptions } from "../../src/autograd/checks.ts";
import { holds } from "../helpers/generators.ts";

/** What a caller in JavaScript may pass, whatever the types say. test/errors.test.ts has every call with its message. */
const fromJavaScript = (json: string): never => JSON.parse(json) as never;

describe("checkOptions", () => {
  const known = ["weightDecay", "lr"] as const;
  const none: { readonly weightDecay?: number; readonly lr?: number } = {};

  test("answers options that are all known as they are, and refuses what is no object of options", () => {
    for (const options of [none, { lr: 1, weightDecay: undefined }, { weightDecay: 0, lr: 1 }]) {
      expect(checkOptions("op", options, known)).toBe(options);
    }
    for (const json of ["3", '"mean"', "null", "[1, 2]", "true"]) {
      expect(() => Reflect.apply(checkOptions, undefined, ["op", fromJavaScript(json), known])).toThrow(TypeError);
    }
    for (const [value, words] of [
      [tensor([1]), "a Tensor"],
      [new Map(), "a Map"],
      [new Float64Array(2), "a Float64Array of 2"],
    ] as const) {
      expect(() => Reflect.apply(checkOptions, undefined, ["op", value, known])).toThrow(
        new TypeError(`op: expected options as an object { weightDecay, lr }, got ${words}`),
      );
    }
  });

  test("refuses an option that is not known, and says which one was meant", () => {
    const message = (option: string): unknown => {
      try {
        return checkOptions("op", { ...none, [option]: 1 }, known);
      } catch (error) {
        return error;
      }
    };
    const expected = "op: expected options out of weightDecay, lr, got";
    expect(message("decay")).toEqual(new TypeError(`${expected} decay`));
    for (const option of ["weight_decay", "weightdecay", "WeightDecay", "WEIGHT_DECAY"]) {
      expect(message(option)).toEqual(new TypeError(`${expected} ${option}, which is weightDecay here`));
    }
    holds(fc.string({ minLength: 1 }), (option) => {
      fc.pre(option !== "__proto__" && !["lr", "weightDecay"].includes(option));
      expect(String(message(option))).toContain(`${expected} ${option}`);
    });
  });
});

describe("checkObject", () => {
  test("answers every object as it is, and refuses what is none", () => {
    holds(fc.dictionary(fc.string(), fc.integer()), (state) => {
      expect(checkObject("op", "a state dict", state)).toBe(state);
    });
    for (const value of [[], new Map(), new Uint8Array(3), new ArrayBuffer(3), tensor([1]), tensor([1]).value]) {
      expect(() => checkObject("op", "a state dict", value)).toThrow(
        "op: expected a state dict as an object { name: value }, got ",
      );
    }
  });
});

describe("checkBoolean", () => {
  test("answers true and false as they are, and refuses what only counts as one of them", () => {
    for (const value of [true, false]) expect(checkBoolean("op", "training", value)).toBe(value);
    for (const json of ['"false"', '"true"', "0", "1", "null", "[]"]) {
      expect(() => checkBoolean("op", "training", fromJavaScript(json))).toThrow(TypeError);
    }
    expect(() => checkBoolean("op", "training", fromJavaScript('"false"'))).toThrow(
      'op: expected training to be true or false, got "false"',
    );
  });
});

describe("checkNumber", () => {
  test("answers every number as it is, and refuses what is none", () => {
    holds(fc.double(), (value) => {
      expect(checkNumber("op", "size", value)).toBe(value);
    });
    for (const json of ['"3"', "null", "[3]", "{}", "true"]) {
      expect(() => checkNumber("op", "size", fromJavaScript(json))).toThrow("op: expected size to be a number, got");
    }
  });
});

describe("wrong kinds", () => {
  const x = tensor([1, 2]);
  const wrong: Readonly<Record<string, () => unknown>> = {
    "tensor of a tensor": () => new Tensor(fromJavaScript("{}")),
    "a number for an array": () => (tensor([1]).value = fromJavaScript("1")),
    "an array for a tensor": () => new Parameter(fromJavaScript("[1]")),
    "an array as operand": () => x.add(fromJavaScript("[1, 2]")),
    "an array as operand of numbers": () => x.value.mul(fromJavaScript("[1, 2]")),
    "an array as operand of dual numbers": () => new Dual(x.value, x.value).div(fromJavaScript("[1, 2]")),
    "a number for a shape": () => zeros(fromJavaScript("3")),
    "a number for dims": () => x.sum(fromJavaScript("0")),
    "a number for indices": () => x.indexSelect(0, fromJavaScript("0")),
    "a text for a dtype": () => x.value.to(fromJavaScript('"float16"')),
    "a text for a generator": () => rand([1], { generator: fromJavaScript('"seed"') }),
    "a text for a seed": () => new Generator(fromJavaScript('"0"')),
    "a value for a function": () => noGrad(fromJavaScript("3")),
    "a value for a forward function": () => customOp(fromJavaScript("3"), () => []),
    "a value for a backward function": () => customOp((data) => data, fromJavaScript("3")),
  };

  test.each(Object.keys(wrong))("%s is a TypeError that says what was expected", (name) => {
    expect(wrong[name]).toThrow(TypeError);
    expect(wrong[name]).toThrow(/^\w+: expected /);
  });

  test("nothing has been changed by them", () => {
    expect([x.toArray(), x.value instanceof NdArray]).toEqual([[1, 2], true]);
  });
});
