// @ts-nocheck: TypeScript would refuse many of these ops; JavaScript does not.
/** Ops that no check can work with are named, with the case, and strange ones that are right pass. */
import { describe, expect, test } from "vitest";
import { checkOp, FieldArray, GradcheckError, OpFault } from "../../src/gradcheck/index.ts";
import { Generator, noGrad } from "../../src/index.ts";

const sizes = { dims: { n: [2, 3] }, inputs: ({ n }) => ({ x: [n] }) };
const square = { ...sizes, forward: ({ x }) => x.mul(x) };
const backward = (g, { x }) => ({ x: g.map((v, i) => 2 * v * x[i]) });
const sum = { ...sizes, inputs: ({ n }) => ({ x: [n], y: [n] }), forward: ({ x, y }) => x.add(y) };
const boom = () => {
  throw new Error("boom");
};
/** Another number at each call. */
const generator = new Generator(1);
const random = () => generator.uniform();
/** Answers the values in turn, over and over. */
const turns = (...values) => {
  let calls = 0;
  return () => values[calls++ % values.length];
};
const failed = (spec, options) => checkOp("odd", spec, { raiseException: false, ...options });

describe("an op that cannot be checked", () => {
  test.each([
    ["a forward that throws", { ...square, forward: boom, backward }, 'forward to answer, it threw "boom"'],
    [
      "a plain forward that throws",
      { ...sizes, plainForward: boom, backward },
      'plainForward to answer, it threw "boom"',
    ],
    ["a backward that throws", { ...square, backward: boom }, 'backward to answer, it threw "boom"'],
    ["an op that throws in noGrad", { ...square, op: () => noGrad(boom) }, 'op to answer, it threw "boom"'],
    [
      "a gradient that is too short",
      { ...square, backward: (g) => ({ x: g.slice(1) }) },
      "with 2 values for shape [2], got 1",
    ],
    ["a gradient of a stranger", { ...sum, backward: (g) => ({ x: g, y: g, z: g }) }, 'got one of "z"'],
    [
      "a list that is too short",
      { ...sum, backward: (g) => [g] },
      "expected 2 gradients (x, y) from the backward, got 1",
    ],
    ["nothing as gradients", { ...square, backward: () => {} }, "the gradients of x, got undefined"],
    ["a Map of gradients", { ...square, backward: (g) => new Map([["x", g]]) }, "the gradients of x, got a Map"],
    ["holes in a gradient", { ...square, backward: () => ({ x: Array(2) }) }, "as numbers, got undefined at index 0"],
    ["nulls in a gradient", { ...square, backward: (g) => ({ x: Array.from(g, () => null) }) }, "got null at index 0"],
    ["digits as a gradient", { ...square, backward: (g) => ({ x: Array.from(g, String) }) }, 'got "1.1785" at index 0'],
    [
      "an async forward",
      { ...square, forward: async ({ x }) => x, backward },
      "forward to answer at once, got a Promise",
    ],
    [
      "an async backward",
      { ...square, backward: async (g) => ({ x: g }) },
      "backward to answer at once, got a Promise",
    ],
    ["an async backward that throws", { ...square, backward: async () => boom() }, "got a Promise"],
    ["an async op", { ...square, op: async ({ x }) => x }, "op to answer at once, got a Promise"],
    [
      "an op of another shape",
      { ...square, op: ({ x }) => x.square().sum() },
      "shape [2], as the forward does, got []",
    ],
    ["an op of another shape of one size", { ...square, op: ({ x }) => x.square().reshape([1, -1]) }, "got [1, 2]"],
    ["writing to an input", { ...square, backward: (g, { x }) => ({ x: x.fill(0) }) }, "got x[0] changed from 1 to 0"],
    ["writing to gradOutput", { ...square, backward: (g) => ({ x: g.fill(0) }) }, "got gradOutput[0] changed"],
    ["writing to gradOutput in a loop", { ...square, backward: inPlace }, "got gradOutput[0] changed"],
    ["a plain forward that writes", { ...sizes, plainForward: ({ x }) => x.fill(0), backward }, "got x[0] changed"],
    ["an op that writes", { ...square, op: ({ x }) => (x.data.fill(3), x.square()) }, "got x[0] changed"],
    ["writing to the settings", { ...square, backward: (g, { x }, s) => ((s.n = 1), { x }) }, "read only property"],
    [
      "a plain forward at random",
      { ...sizes, plainForward: ({ x }) => x.map(() => random()), backward },
      "the same for the same inputs",
    ],
  ])("%s is named with the case", (_, spec, message) => {
    const check = () => checkOp("odd", spec);
    expect(check).toThrow(OpFault);
    expect(check).toThrow(message);
    expect(check).toThrow("odd, case x [2]");
  });

  test("a backward that is wrong once only is said not to repeat", () => {
    const factor = turns(2, 2, 2, 2, 2, 2, 3, ...Array(5000).fill(2));
    const once = { ...square, backward: (g, { x }) => ({ x: g.map((v, i) => factor() * v * x[i]) }) };
    expect(() => checkOp("odd", once)).toThrow(/^odd, case .* a failure that does not repeat/);
  });
});

function inPlace(g, { x }) {
  for (let i = 0; i < g.length; i++) g[i] *= 2 * x[i];
  return { x: g };
}

describe("a wrong op", () => {
  test.each([
    ["NaN", { ...square, backward: (g) => ({ x: g.map(() => NaN) }) }, "not finite"],
    ["infinity", { ...square, backward: (g) => ({ x: g.map(() => Infinity) }) }, "not finite"],
    ["random numbers", { ...square, backward: (g) => ({ x: g.map(() => random()) }) }, "state: the backward"],
    ["two answers in turn", { ...square, backward: inTurns(turns(1, 2)) }, "state: the backward"],
    ["a random formula", { ...square, forward: ({ x }) => x.mul(x).mul(1 + random()), backward }, "state: the forward"],
    ["a random op", { ...square, op: ({ x }) => x.square().mul(random()) }, "state: the op"],
    ["an op in noGrad", { ...square, op: ({ x }) => noGrad(() => x.square()) }, "a Tensor without a graph"],
    ["a detached op", { ...square, op: ({ x }) => x.square().detach() }, "a Tensor without a graph"],
    ["a gradient left out", { ...sum, backward: (g) => ({ x: g }) }, "gradY is wrong"],
    ["a gradient of undefined", { ...sum, backward: (g) => ({ x: g, y: undefined }) }, "gradY is wrong"],
    [
      "a gradient of a constant",
      { ...square, forward: ({ x }) => x.mul(0), backward: (g) => ({ x: g }) },
      "gradX is wrong",
    ],
  ])("with %s fails, and the report says why", (_, spec, why) => {
    const { ok, report } = failed(spec);
    expect(ok).toBe(false);
    expect(report).toContain("FAIL odd: ");
    expect(report).toContain(why);
    expect(() => checkOp("odd", spec)).toThrow(GradcheckError);
  });

  test("is reported at a tolerance of 0, and beside zeros", () => {
    const second = { ...square, forward: ({ x }) => x.mul(0), backward: (g) => ({ x: g.with(0, 0) }) };
    for (const tolerance of [0, 1e-6]) {
      expect(failed(second, { tolerance }).report).toMatch(/gradX\[\d\] +got -?\d/);
    }
  });
});

function inTurns(factor) {
  return (g, { x }) => {
    const once = factor();
    return { x: g.map((v, i) => once * v * x[i]) };
  };
}

describe("a right op", () => {
  const buffer = new Float64Array(3);
  const scalar = { dims: {}, inputs: () => ({ x: [] }), forward: square.forward };
  const empty = { dims: { n: [0, 3] }, inputs: sizes.inputs };
  test.each([
    ["that answers one array for two inputs", { ...sum, backward: (g) => ({ x: g, y: g }) }],
    [
      "that answers its input itself",
      {
        ...square,
        forward: ({ x }) => x.mul(x).mul(0.5).sum(),
        backward: (g, { x }) => ({ x: g[0] === 1 ? x : x.map((v) => g[0] * v) }),
      },
    ],
    [
      "that answers parts of one buffer",
      {
        ...square,
        backward: (g, { x }) => ({
          x: g.reduce((out, v, i) => (out.fill(2 * v * x[i], i, i + 1), out), buffer.subarray(0, g.length)),
        }),
      },
    ],
    ["that answers null for zeros", { ...sum, forward: ({ x }) => x.mul(1), backward: (g) => ({ x: g, y: null }) }],
    ["that is constant", { ...square, forward: ({ x }) => x.mul(0).add(1), backward: () => ({}) }],
    ["whose sizes may be 0", { ...empty, forward: square.forward, backward }],
    ["of plain code whose sizes may be 0", { ...empty, plainForward: ({ x }) => x.map((v) => v * v), backward }],
    ["on the tape whose sizes may be 0", { ...empty, forward: square.forward, op: ({ x }) => x.square() }],
    ["without any value", { ...square, dims: { n: [0, 0] }, backward }],
    ["without an output", { ...square, forward: ({ x }) => x.take(Int32Array.of()), backward: () => ({}) }],
    ["of a scalar", { ...scalar, backward }],
    ["of a scalar that answers a number", { ...scalar, backward: (g, { x }) => ({ x: 2 * g[0] * x[0] }) }],
    ["on the tape of a scalar", { ...scalar, op: ({ x }) => x.square() }],
    ["of one cell", { ...square, dims: { n: [1, 1] }, backward }],
    ["without sizes", { ...square, dims: {}, inputs: () => ({ x: [3] }), backward }],
    [
      "with a kink",
      {
        ...sizes,
        forward: ({ x }) => x.mul(x.constant((v) => v.map((a) => (a > 0 ? 1 : 0)))),
        backward: (g, { x }) => ({ x: g.map((v, i) => (x[i] > 0 ? v : 0)) }),
      },
    ],
    [
      "of plain code with a kink",
      {
        ...sizes,
        plainForward: ({ x }) => x.map(Math.abs),
        backward: (g, { x }) => ({ x: g.map((v, i) => v * Math.sign(x[i])) }),
      },
    ],
  ])("%s passes", (_, spec) => {
    expect(failed(spec, { runs: 60 }).report).toMatch(
      /^ok {3}odd: (60 cases|\d+ cases \(\d+ more have no .* derivative\)), /,
    );
  });

  test("that is infinite for some inputs passes, and the report counts them", () => {
    const root = {
      ...sizes,
      forward: ({ x }) => x.pow(0.5),
      backward: (g, { x }) => ({ x: g.map((v, i) => v / 2 / Math.sqrt(x[i])) }),
    };
    const { report, cases, skipped } = checkOp("root", root);
    expect(report).toBe(
      `ok   root: ${cases} cases (${skipped} more have no finite result, or no derivative), each number within its rounding bound`,
    );
  });
});

describe("large and rare sizes", () => {
  test("up to 1,000 are drawn as far as a case has maxCells values, right or wrong, in seconds", () => {
    const large = { ...square, dims: { N: [1, 1000], n: [1, 1000] }, inputs: ({ N, n }) => ({ x: [N, n] }) };
    const start = performance.now();
    expect(checkOp("odd", { ...large, backward }).ok).toBe(true);
    const { failure } = failed({ ...large, backward: (g, { x }) => ({ x: backward(g, { x }).x.fill(0, -1) }) });
    expect(failure.case.inputs[0].shape).toEqual([1, 1]);
    expect(performance.now() - start).toBeLessThan(30_000);
  }, 60_000);

  test("of one in a thousand that where allows are found", () => {
    const rare = {
      ...square,
      dims: { n: [1, 10], m: [1, 10], k: [1, 10] },
      where: ({ n, m, k }) => n === 7 && m === 8 && k === 9,
    };
    expect(checkOp("odd", { ...rare, backward }, { runs: 20 }).cases).toBe(20);
  });

  test("float32 cases are drawn in float32", () => {
    const seen = new Set();
    const single = {
      ...square,
      dtypes: ["float32", "float64"],
      backward: (g, { x }) => (seen.add(g.constructor).add(x.constructor), backward(g, { x })),
    };
    expect(checkOp("odd", single).ok).toBe(true);
    seen.delete(FieldArray); // with which it was asked whether it is a formula
    expect(seen).toEqual(new Set([Float32Array, Float64Array]));
  });
});
