import { describe, expect, test } from "vitest";
import { checkOp, gradcheck, GradcheckError, gradgradcheck, OpFault } from "../../src/gradcheck/index.ts";
import { customOp, randn, Tensor, tensor } from "../../src/autograd/index.ts";
import { layerNorm, layerNormBackward, layerNormForward } from "../../src/norms/index.ts";
import { judge } from "../verify/judgeNorms.ts";

const rows = { dims: { N: [1, 3], n: [1, 6] }, params: { eps: [1e-5, 1] } } as const;

/** LayerNorm's backward in plain loops, centred twice; `part` makes it wrong. */
function plainBackward(part: (direct: number, mean: number, variance: number) => number) {
  return (gradOutput: Float64Array, x: Float64Array, n: number, eps: number): Float64Array => {
    const gradInput = new Float64Array(x.length);
    for (let start = 0; start < x.length; start += n) {
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / n;
      const row = Array.from(x.subarray(start, start + n));
      const g = Array.from(gradOutput.subarray(start, start + n));
      const first = row[0] ?? 0;
      const shift = first + mean(row.map((v) => v - first));
      const once = row.map((v) => v - shift);
      const rest = mean(once);
      const centered = once.map((v) => v - rest);
      const rstd = 1 / Math.sqrt(mean(centered.map((v) => v * v)) + eps);
      const along = mean(g.map((v, i) => v * (centered[i] ?? 0) * rstd));
      g.forEach((v, i) => {
        gradInput[start + i] = rstd * part(v, mean(g), (centered[i] ?? 0) * rstd * along);
      });
    }
    return gradInput;
  };
}

function checkLayerNorm(part: (direct: number, mean: number, variance: number) => number) {
  const backward = plainBackward(part);
  return checkOp(
    "layerNorm",
    {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n] }),
      forward: ({ x }, { n, eps }) => layerNormForward(x, null, null, { normalizedShape: [n], eps }).output,
      backward: (gradOutput, { x }, { n, eps }) => ({ x: backward(gradOutput, x, n, eps) }),
    },
    { raiseException: false },
  );
}

describe("checkOp", () => {
  test("passes a right backward in plain loops, at offsets to 1e8 and in groups of one, and draws every trap", () => {
    const result = checkLayerNorm((direct, mean, variance) => direct - mean - variance);
    expect(result.report).toBe("ok   layerNorm: 200 cases, each number within its rounding bound");
    expect(Object.values(result.traps).every((count) => count > 0)).toBe(true);
  });

  test.each([
    ["a lost mean term", (direct: number, _: number, variance: number) => direct - variance, "x [1, 1]"],
    ["a lost variance term", (direct: number, mean: number) => direct - mean, "x [1, 2]"],
    [
      "an error of 1e-9",
      (direct: number, mean: number, variance: number) => (direct - mean - variance) * (1 + 1e-9),
      "x [1, 2]", // x̂ is all but ±1, and the gradient all but cancels: fast-check's own shrinking ends at [1, 3]
    ],
  ])("shrinks %s to the smallest shape that shows it", (_, part, smallest) => {
    const { ok, report, failure } = checkLayerNorm(part);
    expect(ok).toBe(false);
    expect(report).toContain("FAIL layerNorm: gradX is wrong");
    expect(report).toContain(smallest);
    expect(report).toContain(`replay`);
    expect(failure?.mismatch.error[failure.mismatch.worst]).toBeGreaterThan(0);
  });

  test("goes straight to the case that a report has named", () => {
    const { failure } = checkLayerNorm((direct) => direct);
    const again = checkOp(
      "identity",
      {
        dims: { n: [1, 4] },
        inputs: ({ n }) => ({ x: [n] }),
        forward: ({ x }) => x.mul(2),
        backward: (g) => ({ x: g }),
      },
      { raiseException: false, seed: 3 },
    );
    const replayed = checkOp(
      "identity",
      {
        dims: { n: [1, 4] },
        inputs: ({ n }) => ({ x: [n] }),
        forward: ({ x }) => x.mul(2),
        backward: (g) => ({ x: g }),
      },
      { raiseException: false, seed: 3, path: again.failure?.path ?? "" },
    );
    expect(failure).not.toBeNull();
    expect(replayed.failure?.case.inputs[0]?.data).toEqual(again.failure?.case.inputs[0]?.data);
  });

  test("takes a formula as the backward, and an op on the tape at second order", () => {
    const byFormula = checkOp("formula", {
      ...rows,
      inputs: ({ N, n }) => ({ x: [N, n], weight: [n], bias: [n] }),
      forward: ({ x, weight, bias }, { n, eps }) =>
        layerNormForward(x, weight, bias, { normalizedShape: [n], eps }).output,
      formulaBackward: (gradOutput, { x, weight, bias }, { n, eps }) =>
        layerNormBackward(gradOutput, layerNormForward(x, weight, bias, { normalizedShape: [n], eps }).saved),
    });
    const byTape = checkOp(
      "tape",
      {
        ...rows,
        inputs: ({ N, n }) => ({ x: [N, n], weight: [n], bias: [n] }),
        forward: ({ x, weight, bias }, { n, eps }) =>
          layerNormForward(x, weight, bias, { normalizedShape: [n], eps }).output,
        op: ({ x, weight, bias }, { n, eps }) => layerNorm(x, [n], { weight, bias, eps }),
      },
      { order: 2, runs: 60 },
    );
    expect([byFormula.ok, byTape.ok]).toEqual([true, true]);
  });

  test("finds an op whose value is wrong", () => {
    const { report } = checkOp(
      "double",
      {
        dims: { n: [1, 3] },
        inputs: ({ n }) => ({ x: [n] }),
        forward: ({ x }) => x.mul(2),
        op: ({ x }) => x.mul(2.0000001),
      },
      { raiseException: false },
    );
    expect(report).toContain("output is wrong");
  });

  test("judges a plain forward by differences, and says so", () => {
    const spec = { dims: { n: [1, 4] }, inputs: ({ n }: { readonly n: number }) => ({ x: [n] }) } as const;
    const cube = (factor: number) =>
      checkOp(
        "cube",
        {
          ...spec,
          plainForward: ({ x }) => x.map((v) => v ** 3),
          backward: (gradOutput, { x }) => ({ x: gradOutput.map((g, i) => factor * g * (x[i] ?? 0) ** 2) }),
        },
        { raiseException: false },
      );
    expect(cube(3).ok).toBe(true);
    expect(cube(3.001).report).toContain("error estimate of finite differences");
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
      'it threw "boom"',
    ],
    ["answers the wrong length", (g: Float64Array) => ({ x: [...g, 1] }), "expected the gradient of x with"],
    ["answers a stranger's gradient", (g: Float64Array) => ({ y: g }), 'got one of "y"'],
    [
      "writes to its inputs",
      (g: Float64Array) => {
        g.fill(0);
        return { x: g };
      },
      "expected backward to leave its inputs",
    ],
  ])("names the op and the case when a backward %s", (_, backward, message) => {
    const run = () =>
      checkOp("odd", {
        dims: { n: [2, 3] },
        inputs: ({ n }) => ({ x: [n] }),
        forward: ({ x }) => x.mul(2),
        backward: (gradOutput: Float64Array) => Reflect.apply(backward, undefined, [gradOutput]) ?? {},
      });
    expect(run).toThrow(OpFault);
    expect(run).toThrow(message);
    expect(run).toThrow("odd, case x [");
  });

  test("refuses sizes that nothing satisfies, without hanging", () => {
    const spec = {
      dims: { n: [1, 3] },
      inputs: ({ n }: { readonly n: number }) => ({ x: [n] }),
      where: () => false,
    } as const;
    expect(() => checkOp("none", { ...spec, forward: ({ x }) => x, op: ({ x }) => x })).toThrow('that "where" allows');
  });
});

describe("every norm of the list", () => {
  test("is within its bound in 2,000 drawn cases, groups of one and means of 1e8 among them", () => {
    const judged = Array.from({ length: 2000 }, (_, i) => judge(0, i, 1));
    expect(
      judged.filter(({ verdict }) => verdict !== "right").map(({ norm, label, place }) => [norm, label, place]),
    ).toEqual([]);
    expect(judged.filter(({ groupsOfOne }) => groupsOfOne).length).toBeGreaterThan(50);
    expect(judged.filter(({ place }) => place === "mean 1e8").length).toBeGreaterThan(100);
  }, 60_000);

  test("is right at second order in 100", () => {
    const judged = Array.from({ length: 100 }, (_, i) => judge(1, i, 2));
    expect(
      judged.filter(({ verdict }) => verdict !== "right").map(({ norm, label, place }) => [norm, label, place]),
    ).toEqual([]);
  }, 60_000);

  test("with a gradient that is off by 1e-9 is found wrong", () => {
    const judged = Array.from({ length: 50 }, (_, i) =>
      judge(0, i, 1, (normCase) => ({
        ...normCase,
        op: (inputs) => normCase.op(inputs.map((x, k) => (k === 0 ? scaleGrad(x) : x))),
      })),
    );
    expect(judged.filter(({ verdict }) => typeof verdict === "object").length).toBeGreaterThan(30);
  });
});

/** The same tensor, whose gradient is off by 1e-9. */
function scaleGrad(x: Tensor): Tensor {
  return x
    .detach()
    .add(x.mul(1 + 1e-9))
    .sub(x.mul(1 + 1e-9).detach());
}

describe("gradcheck", () => {
  const x = tensor(
    [
      [0.3, -1.2, 2],
      [1.1, 0.4, -0.7],
    ],
    { requiresGrad: true },
  );

  test("passes right gradients, in full, fast and forward mode, and of second order", () => {
    expect(gradcheck((a) => (a ?? x).tanh(), [x])).toBe(true);
    expect(gradcheck((a) => (a ?? x).tanh(), [x], { fastMode: true })).toBe(true);
    expect(gradcheck((a) => layerNorm(a ?? x, [3]), [x], { checkGradDtypes: true })).toBe(true);
    expect(gradgradcheck((a) => layerNorm(a ?? x, [3]), [x])).toBe(true);
  });

  test("finds a wrong gradient and names the cells", () => {
    const wrong = (a: Tensor | undefined): Tensor =>
      (a ?? x)
        .detach()
        .add((a ?? x).mul(1.01))
        .sub((a ?? x).mul(1.01).detach());
    expect(() => gradcheck(wrong, [x])).toThrow(GradcheckError);
    expect(() => gradcheck(wrong, [x])).toThrow("input 0[0, 0], output[0, 0]: analytic 1.01");
    expect(gradcheck(wrong, [x], { raiseException: false })).toBe(false);
  });

  test("names an output or a gradient that is not finite, and where", () => {
    expect(() => gradcheck((a) => (a ?? x).mul(NaN), [x])).toThrow(
      "gradcheck: expected an output of finite numbers, got NaN at output[0, 0]",
    );
    const lost = customOp(
      (value) => value.map((v) => v * v),
      (gradOutput) => [gradOutput.map((g, i) => (i === 4 ? NaN : g))],
    );
    expect(() => gradcheck((a) => lost(a ?? x), [x])).toThrow(
      "gradcheck: expected gradients of finite numbers, got NaN at checked input 0[1, 1]",
    );
  });

  test("refuses float32 inputs and inputs without requiresGrad", () => {
    expect(() => gradcheck((a) => a ?? x, [randn([2], { dtype: "float32", requiresGrad: true })])).toThrow(TypeError);
    expect(() => gradcheck((a) => a ?? x, [randn([2])])).toThrow("expected an input with requiresGrad");
  });
});
