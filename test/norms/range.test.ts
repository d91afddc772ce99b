/** Values near the ends of what a number holds, where the square of 1/σ is none: kernels must carry its factors apart. */
import { describe, expect, test } from "vitest";
import { grad, NdArray, sizeOf, Tensor, withBackend } from "../../src/autograd/index.ts";
import type { Backend, Dtype, Shape } from "../../src/autograd/index.ts";
import { batchNorm, groupNorm, instanceNorm, layerNorm, rmsNorm, switchableNorm } from "../../src/norms/index.ts";

interface Inputs {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
}

type Op = (inputs: Inputs) => Tensor;

const logits = new Tensor(new NdArray(Float64Array.of(0.3, -0.2, 0.5), [3]));

const ops: readonly (readonly [name: string, shape: Shape, affine: Shape, op: Op])[] = [
  ["layerNorm", [21, 29], [29], ({ x, ...rest }) => layerNorm(x, [29], { ...rest, eps: 0 })],
  ["layerNorm of short rows", [300, 3], [3], ({ x, ...rest }) => layerNorm(x, [3], { ...rest, eps: 0 })],
  ["rmsNorm", [21, 29], [29], ({ x, weight }) => rmsNorm(x, [29], { weight, eps: 0 })],
  ["batchNorm", [5, 6, 29], [6], ({ x, ...rest }) => batchNorm(x, null, null, { ...rest, training: true, eps: 0 })],
  [
    "batchNorm of columns",
    [87, 11],
    [11],
    ({ x, ...rest }) => batchNorm(x, null, null, { ...rest, training: true, eps: 0 }),
  ],
  [
    "batchNorm of short runs",
    [31, 6, 4],
    [6],
    ({ x, ...rest }) => batchNorm(x, null, null, { ...rest, training: true, eps: 0 }),
  ],
  ["groupNorm", [3, 6, 41], [6], ({ x, ...rest }) => groupNorm(x, 2, { ...rest, eps: 0 })],
  ["groupNorm of a large group", [1, 2, 33001], [2], ({ x, ...rest }) => groupNorm(x, 1, { ...rest, eps: 0 })],
  ["groupNorm of [N, C]", [40, 18], [18], ({ x, ...rest }) => groupNorm(x, 3, { ...rest, eps: 0 })],
  ["instanceNorm", [3, 6, 41], [6], ({ x, ...rest }) => instanceNorm(x, { ...rest, eps: 0 })],
  ["instanceNorm of few positions", [20, 6, 5], [6], ({ x, ...rest }) => instanceNorm(x, { ...rest, eps: 0 })],
  [
    "switchableNorm",
    [4, 6, 43],
    [6],
    ({ x, ...rest }) => switchableNorm(x, logits.to(x.dtype), logits.to(x.dtype), { ...rest, training: true, eps: 0 }),
  ],
];

function wave(shape: Shape, dtype: Dtype, speed: number, scale = 1): NdArray {
  const values = Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.fround(Math.sin(speed * (i + 1) ** 2)));
  return new NdArray(
    values.map((value) => value * scale),
    shape,
  ).to(dtype);
}

/** Output and gradients. With eps 0, x times a power of two leaves all but gradInput, which is divided by it. */
function run(backend: Backend, [, shape, affine, op]: (typeof ops)[number], dtype: Dtype, scale: number): NdArray[] {
  return withBackend(backend, () => {
    const inputs = {
      x: new Tensor(wave(shape, dtype, 0.1, scale), true),
      weight: new Tensor(wave(affine, dtype, 0.3), true),
      bias: new Tensor(wave(affine, dtype, 0.4), true),
    };
    const output = op(inputs);
    const gradOutput = new Tensor(wave(shape, dtype, 0.2));
    const [gradInput, ...others] = grad(output, Object.values(inputs), { gradOutput, allowUnused: true });
    return [output.value, ...[gradInput, ...others].flatMap((gradient) => gradient?.value ?? [])];
  });
}

function expectScaled(actual: readonly NdArray[], expected: readonly NdArray[], scale: number, bound: number): void {
  expected.forEach((wanted, k) => {
    const factor = k === 1 ? scale : 1;
    const largest = Array.from(wanted.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const errors = Array.from(actual[k]?.data ?? [NaN], (value, i) => value * factor - (wanted.data[i] ?? NaN));
    // NaN is more than any bound.
    const worst = errors.reduce((most, error) => (Math.abs(error) <= most ? most : Math.abs(error)), 0);
    expect(worst).toBeLessThanOrEqual(bound * largest);
  });
}

const kernels: readonly Backend[] = ["typescript", "wasm"];
/** Sums of up to 66,000 terms in another order. */
const REORDERED = 2 ** -44;
/** About 1e-150, 1e-100, 1e100, 1e150, and 1e153 where sums of squares still have room. */
const SCALES = [2 ** -498, 2 ** -332, 2 ** 332, 2 ** 498];

describe.each(ops)("%s", (...entry) => {
  const [name, shape] = entry;

  test.each(kernels)("float64 in %s: output and gradients are those of the formula from 1e-150 to 1e153", (backend) => {
    const expected = run("formula", entry, "float64", 1);
    const scales = sizeOf(shape) < 10_000 ? [...SCALES, 2 ** 508] : SCALES;
    for (const scale of scales) expectScaled(run(backend, entry, "float64", scale), expected, scale, REORDERED);
  });

  test.each(kernels)("float64 in %s: at 1e-156 to the digits that squares have there", (backend) => {
    // 1e-313 is 2³⁴ times the smallest number; the variances of some short rows are a hundred-thousandth of that.
    expectScaled(run(backend, entry, "float64", 2 ** -520), run("formula", entry, "float64", 1), 2 ** -520, 2 ** -9);
  });

  test.each(kernels)("float32 in %s: from 1e-33 to 1e36", (backend) => {
    const expected = run("formula", entry, "float64", 1);
    // 16 ulp of the largest value: the wave's gradients are small differences of larger terms.
    for (const scale of [2 ** -110, 2 ** -60, 2 ** 50, 2 ** 60, 2 ** 122]) {
      expectScaled(run(backend, entry, "float32", scale), expected, scale, 16 * 2 ** -24);
    }
  });

  test("the formula itself bears these, but the square of 1/σ in switchableNorm's", () => {
    if (name === "switchableNorm") return;
    const expected = run("formula", entry, "float64", 1);
    for (const scale of SCALES) expectScaled(run("formula", entry, "float64", scale), expected, scale, REORDERED);
  });
});
