/** Values, gradients and second gradients of test/pytorch/simple.json: 80-digit loops and their differences. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grad, NdArray, Tensor } from "../../src/autograd/index.ts";
import {
  adaptiveLayerNorm,
  dynamicTanh,
  localResponseNorm,
  normalize,
  rmsNorm,
  scaleNorm,
} from "../../src/norms/index.ts";
import { given } from "../helpers/given.ts";
import { expectClose } from "../helpers/laws.ts";
import type { Encoded } from "../helpers/normFixtures.ts";

interface Options {
  readonly features: number;
  readonly eps: number;
  readonly p: number | "inf";
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

interface SimpleFixture {
  readonly op: string;
  readonly name: string;
  readonly options: Options;
  readonly inputs: readonly Encoded[];
  readonly gradOutput: Encoded;
  readonly output: Encoded;
  readonly grads: readonly Encoded[];
  readonly cotangents: readonly Encoded[];
  /** The gradient of Σ ⟨cotangent, grad⟩ by each input and by gradOutput. */
  readonly second: readonly Encoded[];
}

const { cases }: { readonly cases: readonly SimpleFixture[] } = JSON.parse(
  readFileSync(new URL("../pytorch/simple.json", import.meta.url), "utf8"),
);

const ops: Readonly<Record<string, (inputs: readonly Tensor[], options: Options) => Tensor>> = {
  rmsNorm: ([x, weight], { features, eps }) => rmsNorm(given(x), [features], { ...(weight && { weight }), eps }),
  scaleNorm: ([x, weight], { eps }) => scaleNorm(given(x), { ...(weight && { weight }), eps }),
  normalize: ([x], { p, eps }) => normalize(given(x), { p: p === "inf" ? Infinity : p, dim: -1, eps }),
  dynamicTanh: ([x, alpha, weight, bias], { features }) =>
    dynamicTanh(given(x), [features], given(alpha), { weight: given(weight), bias: given(bias) }),
  localResponseNorm: ([x], { size, alpha, beta, k }) => localResponseNorm(given(x), size, { alpha, beta, k }),
  adaptiveLayerNorm: ([x, scale, shift], { eps }) => adaptiveLayerNorm(given(x), given(scale), given(shift), { eps }),
};

/** A dozen roundings, of the largest value. */
const TOLERANCE = 5e-15;

function decode({ shape, data }: Encoded): NdArray {
  return new NdArray(Float64Array.from(data), shape);
}

function check({ op, options, inputs, gradOutput, output, grads, cotangents, second }: SimpleFixture): void {
  const leaves = inputs.map((input) => new Tensor(decode(input), true));
  const g = new Tensor(decode(gradOutput), true);
  const y = given(ops[op])(leaves, options);
  expectClose("output", y.value, decode(output), TOLERANCE);
  const first = grad(y, leaves, { gradOutput: g, createGraph: true });
  first.forEach((gradient, i) => expectClose(`gradient ${i}`, gradient.value, decode(given(grads[i])), TOLERANCE));
  const along = first.map((gradient, i) => gradient.mul(new Tensor(decode(given(cotangents[i])))).sum());
  const seconds = grad(
    along.reduce((a, b) => a.add(b)),
    [...leaves, g],
    { allowUnused: true },
  );
  seconds.forEach((gradient, i) => {
    const expected = decode(given(second[i]));
    expectClose(`second ${i}`, gradient?.value ?? expected.mul(0), expected, TOLERANCE);
  });
}

describe("simple.json", () => {
  test.each(cases.map((fixture) => [fixture.op, fixture.name, fixture] as const))(
    "%s, %s: value, first and second gradients",
    (_op, _name, fixture) => {
      check(fixture);
    },
  );

  test("a gradient that is off in the 13th digit would be noticed", () => {
    const [fixture] = cases;
    if (!fixture) throw new Error("expected a case");
    for (const key of ["grads", "second"] as const) {
      const [first, ...rest] = fixture[key];
      if (!first) throw new Error("expected a gradient");
      const off = { ...first, data: first.data.map((value) => value * (1 + 1e-13)) };
      expect(() => check({ ...fixture, [key]: [off, ...rest] })).toThrow(/expected/);
    }
  });
});
