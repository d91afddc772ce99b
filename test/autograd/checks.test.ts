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
import { checkBoolean, checkNoneLeft, checkNumber, checkOptions } from "../../src/autograd/checks.ts";
import { holds } from "../helpers/generators.ts";

/** What a caller in JavaScript may pass, whatever the types say. test/errors.test.ts has every call with its message. */
const fromJavaScript = (json: string): never => JSON.parse(json) as never;

describe("checkOptions", () => {
  test("answers every object as it is, and refuses what is none", () => {
    holds(fc.dictionary(fc.string(), fc.integer()), (options) => {
      expect(checkOptions("op", options)).toBe(options);
    });
    for (const json of ["3", '"mean"', "null", "[1, 2]", "true"]) {
      expect(() => checkOptions("op", fromJavaScript(json))).toThrow(TypeError);
    }
    const x = tensor([1]);
    expect(() => checkOptions("op", x)).toThrow(
      new TypeError("op: expected options as an object { name: value }, got a Tensor"),
    );
    expect(() => checkOptions("op", x.value, "a state dict")).toThrow("op: expected a state dict as an object");
  });
});

describe("checkNoneLeft", () => {
  test("refuses every option that is left, and names the first", () => {
    holds(fc.string({ minLength: 1 }), (option) => {
      expect(() => checkNoneLeft("op", { [option]: undefined })).toThrow(
        new TypeError(`op: expected options that it knows, got ${option}`),
      );
    });
    checkNoneLeft("op", {});
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
