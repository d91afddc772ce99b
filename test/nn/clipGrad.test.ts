import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NdArray, Parameter, Tensor, tensor } from "../../src/autograd/index.ts";
import { clipGradNorm, clipGradValue } from "../../src/nn/clipGrad.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import { decoded, nnFixture, PYTORCH } from "../helpers/nnFixture.ts";
import { breaks } from "../helpers/planted.ts";

function withGradient(gradient: NdArray): Parameter {
  const parameter = new Parameter(new Tensor(NdArray.full(gradient.shape, 1, gradient.dtype)));
  parameter.grad = new Tensor(gradient);
  return parameter;
}

function gradients(parameters: readonly Parameter[]): NdArray[] {
  return parameters.map(({ grad }) => {
    if (grad === null) throw new Error("expected a gradient");
    return grad.value;
  });
}

/** (Σ |g|ᵖ)^(1/p) of all entries, in plain loops. */
function normOf(arrays: readonly NdArray[], p: number): number {
  const sizes = arrays.flatMap(({ data }) => Array.from(data, Math.abs));
  return p === Infinity ? Math.max(...sizes) : sizes.reduce((sum, size) => sum + size ** p, 0) ** (1 / p);
}

const draws = fc.record({
  arrays: fc.array(
    shapes({ minDims: 0, maxDims: 2 }).chain((shape) => arrayOf(shape)),
    { minLength: 1, maxLength: 4 },
  ),
  maxNorm: fc.constantFrom(0, 0.5, 2, 100, Infinity),
  normType: fc.constantFrom(1, 2, 3, Infinity),
});

type Clip = typeof clipGradNorm;
type Draw = typeof draws extends fc.Arbitrary<infer D> ? D : never;

/** Answers the norm; afterwards the gradients are g · min(1, maxNorm / (norm + 1e-6)), so their norm is not above. */
function expectClips(clip: Clip, { arrays, maxNorm, normType }: Draw): void {
  const parameters = arrays.map(withGradient);
  const norm = clip(parameters, maxNorm, { normType });
  const expected = normOf(arrays, normType);
  if (!(Math.abs(norm - expected) <= EXACT * expected)) throw new Error(`clip: expected ${expected}, got ${norm}`);
  const scale = Math.min(1, maxNorm / (expected + 1e-6));
  gradients(parameters).forEach((gradient, i) => {
    expectClose("clip: gradient", gradient, (arrays[i] ?? gradient).mul(scale), EXACT);
  });
  if (normOf(gradients(parameters), normType) > maxNorm * (1 + EXACT)) throw new Error("clip: still above maxNorm");
}

describe("clipGradNorm", () => {
  test("answers the norm of all gradients together, and scales them to at most maxNorm", () => {
    holds(draws, (draw) => expectClips(clipGradNorm, draw));
  });

  const planted: Readonly<Record<string, Clip>> = {
    "each gradient clipped by itself": (parameters, maxNorm, options) => {
      const all = [...(parameters instanceof Tensor ? [parameters] : parameters)];
      return all.reduce((norm, parameter) => Math.hypot(norm, clipGradNorm(parameter, maxNorm, options)), 0);
    },
    "small gradients scaled up": (parameters, maxNorm, options) => {
      const all = [...(parameters instanceof Tensor ? [parameters] : parameters)];
      const norm = clipGradNorm(all, Infinity, options);
      for (const parameter of all) parameter.grad = parameter.grad && parameter.grad.mul(maxNorm / norm);
      return norm;
    },
    "the norm afterwards": (parameters, maxNorm, options) => {
      const all = [...(parameters instanceof Tensor ? [parameters] : parameters)];
      clipGradNorm(all, maxNorm, options);
      return clipGradNorm(all, Infinity, options);
    },
  };
  for (const [error, wrong] of Object.entries(planted)) {
    test(`the law rejects ${error}`, () => breaks(draws, (draw) => expectClips(wrong, draw), /clip:/));
  }

  for (const [
    i,
    { clip, grads, maxNorm = 0, normType = 2, totalNorm = 0, clipped },
  ] of nnFixture().clipping.entries()) {
    if (clip !== "clipGradNorm_") continue;
    test(`agrees with PyTorch: case ${i}, normType ${normType}, maxNorm ${maxNorm}`, () => {
      const parameters = grads.map((encoded) => withGradient(decoded(encoded)));
      const norm = clipGradNorm(parameters, maxNorm, { normType: normType === "inf" ? Infinity : normType });
      expectClose("norm", tensor(norm).value, tensor(totalNorm).value, PYTORCH);
      gradients(parameters).forEach((gradient, k) => {
        expectClose("clipped", gradient, decoded(clipped[k] ?? { shape: [], data: [] }), PYTORCH);
      });
    });
  }

  test("leaves out parameters without a gradient, and counts a shared one once", () => {
    const w = withGradient(tensor([3, 4]).value);
    expect(clipGradNorm([w, new Parameter(tensor(1)), w], 10)).toBe(5);
    expect(clipGradNorm([new Parameter(tensor(1))], 10)).toBe(0);
    expect(clipGradNorm([], 10)).toBe(0);
    expect(clipGradNorm(w, 10)).toBe(5);
  });

  test("replaces gradients: the old arrays keep their values", () => {
    const w = withGradient(tensor([3, 4], { dtype: "float32" }).value);
    const before = w.grad;
    clipGradNorm(w, 1);
    expect(before?.toArray()).toEqual([3, 4]);
    expect(w.grad?.dtype).toBe("float32");
  });

  test("a norm that is not finite makes NaN, as in PyTorch, or throws and changes nothing", () => {
    const w = withGradient(tensor([1, Infinity]).value);
    expect(() => clipGradNorm(w, 1, { errorIfNonfinite: true })).toThrow(
      new RangeError("clipGradNorm: expected gradients of finite norm, got Infinity; it cannot be scaled"),
    );
    expect(w.grad?.toArray()).toEqual([1, Infinity]);
    expect(clipGradNorm(w, 1)).toBe(Infinity);
    expect(w.grad?.toArray()).toEqual([0, NaN]);
    expect(clipGradNorm(w, 1)).toBeNaN();
  });

  test("refuses options that are out of range", () => {
    expect(() => clipGradNorm([], -1)).toThrow(
      new RangeError("clipGradNorm: expected maxNorm to be a number of at least 0, got -1"),
    );
    expect(() => clipGradNorm([], NaN)).toThrow(RangeError);
    expect(() => clipGradNorm([], 1, { normType: 0 })).toThrow(/normType/);
  });
});

const cuts = fc.record({ array: arrayOf([2, 3]), clipValue: fc.constantFrom(0, 0.5, 1.5, 10) });

function expectCuts(clip: typeof clipGradValue, { array, clipValue }: { array: NdArray; clipValue: number }): void {
  const w = withGradient(array);
  clip([w], clipValue);
  const expected = array.data.map((g) => (Math.abs(g) <= clipValue ? g : Math.sign(g) * clipValue));
  expectClose("cut", gradients([w])[0] ?? array, new NdArray(expected, array.shape), 0);
}

/** A planted error: large negative entries stay. */
function cutFromAbove(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  for (const w of parameters instanceof Tensor ? [parameters] : parameters) {
    w.grad = w.grad && w.grad.clamp(-Infinity, clipValue);
  }
}

describe("clipGradValue", () => {
  test("cuts every entry to [−clipValue, clipValue] and leaves those inside alone", () => {
    holds(cuts, (draw) => expectCuts(clipGradValue, draw));
  });

  test("the law rejects a cut from above only", () => {
    breaks(cuts, (draw) => expectCuts(cutFromAbove, draw), /cut/);
  });

  for (const { clip, grads, clipValue = 0, clipped } of nnFixture().clipping) {
    if (clip !== "clipGradValue_") continue;
    test(`agrees with PyTorch: clipValue ${clipValue}`, () => {
      const parameters = grads.map((encoded) => withGradient(decoded(encoded)));
      clipGradValue(parameters, clipValue);
      gradients(parameters).forEach((gradient, i) => {
        expectClose("clipped", gradient, decoded(clipped[i] ?? { shape: [], data: [] }), 0);
      });
    });
  }

  test("NaN stays, and a negative limit is refused", () => {
    const w = withGradient(tensor([NaN, 9]).value);
    clipGradValue(w, 1);
    expect(w.grad?.toArray()).toEqual([NaN, 1]);
    expect(() => clipGradValue(w, -1)).toThrow(RangeError);
  });
});
