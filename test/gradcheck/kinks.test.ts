import { describe, expect, test } from "vitest";
import type { Num } from "../../src/autograd/index.ts";
import { checkOp } from "../../src/gradcheck/index.ts";
import { given } from "../helpers/given.ts";

type Backward = (g: Float64Array, x: Float64Array) => Float64Array;

/** Zeros and equal values are drawn, so that each of these ops is asked for a gradient at its kinks. */
function isRight(forward: <A extends Num<A>>(x: A) => A, backward: Backward): boolean {
  return checkOp(
    "bent",
    {
      dims: { n: [1, 4] },
      inputs: ({ n }) => ({ x: [n] }),
      forward: ({ x }) => forward(x),
      backward: (g, { x }) => [backward(g, x)],
    },
    { raiseException: false },
  ).ok;
}

const relu = <A extends Num<A>>(x: A): A => x.relu();
const largest = <A extends Num<A>>(x: A): A => x.max();
const toMax =
  (find: (x: Float64Array, max: number) => number): Backward =>
  (g, x) =>
    x.map((_, i) => (i === find(x, Math.max(...x)) ? given(g[0]) : 0));
const times =
  (slope: (x: number) => number): Backward =>
  (g, x) =>
    g.map((v, i) => v * slope(given(x[i])));

describe("at a kink", () => {
  test.each<readonly [string, (x: number) => number]>([
    ["the left slope", (x) => (x > 0 ? 1 : 0)],
    ["the right slope", (x) => (x >= 0 ? 1 : 0)],
    ["their middle", (x) => (Math.sign(x) + 1) / 2],
  ])("%s of relu is right", (_, slope) => {
    expect(isRight(relu, times(slope))).toBe(true);
  });

  test("a slope that lies on neither side, nor between, is wrong", () => {
    expect(
      isRight(
        relu,
        times((x) => (x > 0 ? 1 : x === 0 ? 2 : 0)),
      ),
    ).toBe(false);
    expect(
      isRight(
        relu,
        times((x) => (x > 0 ? 1 : x === 0 ? -1e-6 : 0)),
      ),
    ).toBe(false);
    expect(
      isRight(
        relu,
        times((x) => (x * (Math.sign(x) + 1)) / 2 / x),
      ),
    ).toBe(false); // NaN at 0
  });

  test("any of equal values may have the gradient of their maximum, and no other", () => {
    expect(
      isRight(
        largest,
        toMax((x, max) => x.indexOf(max)),
      ),
    ).toBe(true);
    expect(
      isRight(
        largest,
        toMax((x, max) => x.lastIndexOf(max)),
      ),
    ).toBe(true);
    expect(
      isRight(
        largest,
        toMax(() => 0),
      ),
    ).toBe(false);
  });

  test("equal values cannot all have the whole gradient of their maximum", () => {
    const toAll: Backward = (g, x) => x.map((v) => (v === Math.max(...x) ? given(g[0]) : 0));
    expect(isRight(largest, toAll)).toBe(false);
    const shared: Backward = (g, x) => {
      const ties = x.filter((v) => v === Math.max(...x)).length;
      return x.map((v) => (v === Math.max(...x) ? given(g[0]) / ties : 0));
    };
    expect(isRight(largest, shared)).toBe(true);
  });

  test("what is smooth has no second slope to answer", () => {
    const square = <A extends Num<A>>(x: A): A => x.mul(x);
    expect(
      isRight(
        square,
        times((x) => (x === 0 ? 1e-9 : 2 * x)),
      ),
    ).toBe(false);
  });
});

describe("sizes and data that ops treat by themselves", () => {
  const rows = {
    dims: { n: [2, 6], m: [2, 6] },
    inputs: ({ n, m }: { n: number; m: number }) => ({ x: [n, m] }),
  } as const;

  test("what fails only where sizes are alike shrinks in both at once", () => {
    const { ok, report } = checkOp(
      "square",
      {
        ...rows,
        forward: ({ x }) => x.mul(x),
        backward: (g, { x }, { n, m }) => [g.map((v, i) => (n === m ? 1 : 2) * v * given(x[i]))],
      },
      { raiseException: false },
    );
    expect(ok).toBe(false);
    expect(report).toContain("n 2, m 2");
  });

  test("what the limit on the number of values keeps from being drawn is said", () => {
    const spec = {
      dims: { n: [1, 512] },
      inputs: ({ n }: { n: number }) => ({ x: [n] }),
      forward: <A extends Num<A>>({ x }: { readonly x: A }): A => x.mul(2),
      backward: (g: Float64Array) => [g.map((v) => 2 * v)],
    } as const;
    expect(checkOp("block", spec, { runs: 3 }).report).toContain("more than 200 values (maxCells) were not drawn");
    expect(checkOp("block", spec, { runs: 3, maxCells: 512 }).report).not.toContain("maxCells");
  });
});
