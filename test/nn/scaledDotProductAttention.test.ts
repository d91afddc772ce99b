import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Generator, grad, NdArray, ones, printTape, randn, Tensor, tensor, zeros } from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import {
  attentionBackward,
  attentionForward,
  scaledDotProductAttention,
} from "../../src/nn/scaledDotProductAttention.ts";
import type { AttentionOptions, AttentionSettings } from "../../src/nn/scaledDotProductAttention.ts";
import { derivativeDraws, expectDerivativeLaws } from "../helpers/derivativeLaws.ts";
import { BROKEN_LAW } from "../helpers/derivativeLaws.ts";
import type { DerivativeDraw } from "../helpers/derivativeLaws.ts";
import { arraysOf, holds } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectSecondOrderIsDifferences } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";
import { expectRecurrentCase, recurrentCases } from "../helpers/recurrentFixture.ts";

interface Problem {
  /** query, key, value, and the tensor that is added if there is one. */
  readonly shapes: readonly Shape[];
  readonly output: Shape;
  readonly scale: number | null;
  /** [L][S], null for all. */
  readonly mask: readonly (readonly boolean[])[] | null;
  readonly dropoutP: number;
}

const problems: fc.Arbitrary<Problem> = fc
  .record({
    leading: fc.constantFrom<readonly Shape[]>([[], [], []], [[2], [2], [2]], [[2], [], [1]], [[], [], [2]]),
    l: fc.integer({ min: 1, max: 3 }),
    s: fc.integer({ min: 1, max: 3 }),
    e: fc.integer({ min: 1, max: 2 }),
    v: fc.integer({ min: 1, max: 2 }),
    bias: fc.constantFrom<"none" | "full" | "broadcast">("none", "full", "broadcast"),
    scale: fc.constantFrom(null, 0.5, -1),
    dropoutP: fc.constantFrom(0, 0, 0.4),
    masked: fc.boolean(),
    cells: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  })
  .map(({ leading, l, s, e, v, bias, scale, dropoutP, masked, cells }) => {
    const [ofQuery = [], ofKey = [], ofValue = []] = leading;
    const widest = [ofQuery, ofKey, ofValue].find((dims) => dims[0] === 2) ?? [];
    const biasShapes = { none: [], full: [[l, s]], broadcast: [[1, s]] }[bias] ?? [];
    return {
      shapes: [[...ofQuery, l, e], [...ofKey, s, e], [...ofValue, s, v], ...biasShapes],
      output: [...widest, l, v],
      scale,
      dropoutP,
      mask:
        masked && bias === "none"
          ? Array.from({ length: l }, (_, i) => Array.from({ length: s }, (__, j) => cells[3 * i + j] ?? true))
          : null,
    };
  });

const draws = problems.chain((problem) =>
  fc.record({ problem: fc.constant(problem), draw: derivativeDraws(problem.shapes, problem.output) }),
);

const SEED = 5;

function optionsOf({ scale, mask, dropoutP }: Problem, attnMask: Tensor | null): AttentionOptions {
  return { attnMask: attnMask ?? mask, scale, dropoutP, generator: new Generator(SEED) };
}

function run(problem: Problem, [query, key, value, bias]: readonly Tensor[]): Tensor {
  return scaledDotProductAttention(given(query), given(key), given(value), optionsOf(problem, bias ?? null));
}

/** What the function makes of its options: the mask as −∞, and the dropout that the seed draws. */
function settingsOf({ shapes, output, scale, mask, dropoutP }: Problem): AttentionSettings {
  const [query = [], key = []] = shapes;
  const scores = [...output.slice(0, -2), query.at(-2) ?? 0, key.at(-2) ?? 0];
  const generator = new Generator(SEED);
  const dropped = NdArray.full(scores, 0, "float64").constant((zero) =>
    Float64Array.from(zero, () => (generator.uniform() < dropoutP ? 0 : 1 / (1 - dropoutP))),
  );
  return {
    scale: scale ?? 1 / Math.sqrt(query.at(-1) ?? 1),
    mask: mask && {
      data: Float64Array.from(mask.flat(), (part) => (part ? 0 : -Infinity)),
      shape: [mask.length, given(mask[0]).length],
    },
    dropout: dropoutP === 0 ? null : { data: Float64Array.from(dropped.data), shape: scores },
  };
}

/** Every number in plain loops: weights e^s / Σ e^s over the keys that take part, dropped, times the values. */
function loops(problem: Problem, inputs: readonly NdArray[]): NdArray {
  const { scale, mask, dropout } = settingsOf(problem);
  const [query, key, value, bias] = inputs;
  const { shape } = given(query);
  const [l = 0, e = 0] = shape.slice(-2);
  const [s = 0, v = 0] = given(value).shape.slice(-2);
  const batch = problem.output.length === 3 ? 2 : 1;
  const at = (array: NdArray | undefined, n: number, i: number, j: number): number => {
    const [rows = 0, columns = 0] = given(array).shape.slice(-2);
    const start = given(array).data.length === rows * columns ? 0 : n * rows * columns;
    return given(array).data[start + (rows === 1 ? 0 : i) * columns + j] ?? NaN;
  };
  const output: number[] = [];
  for (let n = 0; n < batch; n++) {
    for (let i = 0; i < l; i++) {
      const weights = Array.from({ length: s }, (_, j) => {
        if (mask && mask.data[i * s + j] !== 0) return 0;
        let score = bias ? at(bias, n, i, j) : 0;
        for (let k = 0; k < e; k++) score += scale * at(query, n, i, k) * at(key, n, j, k);
        return Math.exp(score);
      });
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      for (let k = 0; k < v; k++) {
        let sum = 0;
        for (let j = 0; j < s; j++) {
          const kept = dropout?.data[(n * l + i) * s + j] ?? 1;
          sum += total === 0 ? 0 : ((weights[j] ?? NaN) / total) * kept * at(value, n, j, k);
        }
        output.push(sum);
      }
    }
  }
  return new NdArray(Float64Array.from(output), problem.output);
}

type Backward = typeof attentionBackward;

function expectLaws(problem: Problem, draw: DerivativeDraw, backward: Backward = attentionBackward): void {
  const op = (inputs: readonly Tensor[]): Tensor => run(problem, inputs);
  const settings = settingsOf(problem);
  expectDerivativeLaws(
    op,
    <A extends Num<A>>([q, k, v, bias]: readonly A[]) => {
      const { output, saved } = attentionForward<A>(given(q), given(k), given(v), bias ?? null, settings);
      return { output, pullback: (g: A) => backward<A>(g, saved) };
    },
    draw,
  );
  expectSecondOrderIsDifferences(op, draw);
}

describe("scaledDotProductAttention", () => {
  test("is a weighted mean of the values, in plain loops", () => {
    const drawn = problems.chain((problem) => fc.tuple(fc.constant(problem), arraysOf(problem.shapes)));
    holds(drawn, ([problem, inputs]) => {
      const output = run(
        problem,
        inputs.map((array) => new Tensor(array)),
      );
      expectClose("output", output.value, loops(problem, inputs), EXACT);
    });
  });

  test("has the derivatives of differences and of dual numbers, at first and second order", () => {
    holds(draws, ({ problem, draw }) => expectLaws(problem, draw), 40);
  });

  const planted: Readonly<Record<string, Backward>> = {
    "no sum over the keys in the softmax": (g, saved) => {
      const gradScores = saved.p.mul(g.matmul(saved.value.transpose(-2, -1)));
      const [, gradKey, gradValue, gradBias] = attentionBackward(g, saved);
      return [gradScores.matmul(saved.key).mul(saved.scale).sumTo(saved.query.shape), gradKey, gradValue, gradBias];
    },
    "a dropout that it forgets": (g, saved) => attentionBackward(g, { ...saved, dropout: null }),
    "no scale": (g, saved) => attentionBackward(g, { ...saved, scale: 1 }),
  };
  for (const [error, backward] of Object.entries(planted)) {
    test(`the laws reject a backward with ${error}`, () => {
      breaks(draws, ({ problem, draw }) => expectLaws(problem, draw, backward), BROKEN_LAW);
    });
  }

  test.each(recurrentCases<AttentionOptions>("scaledDotProductAttention"))(
    "answers PyTorch's values: $name",
    (entry) => {
      expectRecurrentCase(entry, ({ query, key, value, bias }) => {
        const options = { ...entry.options, ...(bias && { attnMask: bias }) };
        return scaledDotProductAttention(given(query), given(key), given(value), options);
      });
    },
  );

  test("isCausal is the mask of the lower triangle", () => {
    const [q, k, v] = [3, 4, 4].map((rows, i) => randn([2, rows, 2], { generator: new Generator(i) }));
    const lower = [
      [true, false, false, false],
      [true, true, false, false],
      [true, true, true, false],
    ];
    expect(scaledDotProductAttention(given(q), given(k), given(v), { isCausal: true }).toArray()).toEqual(
      scaledDotProductAttention(given(q), given(k), given(v), { attnMask: lower }).toArray(),
    );
  });

  test("a query without any key gets zeros, and sends back zeros, by either kind of mask", () => {
    for (const attnMask of [
      [
        [false, false],
        [true, true],
      ],
      tensor([
        [-Infinity, -Infinity],
        [0, 0],
      ]),
    ]) {
      const inputs = [0, 1, 2].map((seed) => randn([2, 2], { generator: new Generator(seed), requiresGrad: true }));
      const [q, k, v] = inputs;
      const output = scaledDotProductAttention(given(q), given(k), given(v), { attnMask });
      expect(output.select(0, 0).toArray()).toEqual([0, 0]);
      const gradients = grad(output.square().sum(), inputs, { createGraph: true });
      expect(
        given(gradients[0])
          .select(0, 0)
          .data.every((value) => value === 0),
      ).toBe(true);
      const second = grad(given(gradients[1]).square().sum(), inputs);
      for (const { data } of [...gradients, ...second]) expect(data.every(Number.isFinite)).toBe(true);
    }
  });

  test("large scores neither overflow nor lose the answer", () => {
    const [query, key] = [tensor([[1000]], { requiresGrad: true }), tensor([[1], [-1]])];
    const output = scaledDotProductAttention(query, key, tensor([[3], [4]]));
    expect(output.toArray()).toEqual([[3]]);
    expect(grad(output.sum(), [query])[0]?.item()).toBe(0);
  });

  test("with dropout of everything answers zeros, and the same seed drops the same", () => {
    const [q, k, v] = [randn([3, 2]), randn([4, 2]), randn([4, 2])];
    const all = scaledDotProductAttention(q, k, v, { dropoutP: 1 });
    expect(all.data.every((value) => value === 0)).toBe(true);
    const [a, b, c] = [1, 1, 2].map((seed) =>
      scaledDotProductAttention(q, k, v, { dropoutP: 0.5, generator: new Generator(seed) }).toArray(),
    );
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  test("is one record of the tape", () => {
    const q = zeros([2, 4], { requiresGrad: true });
    const output = scaledDotProductAttention(q, zeros([3, 4]), zeros([3, 1]), { isCausal: true });
    expect(printTape(output, { names: { q } })).toBe(
      "%1 = scaledDotProductAttention(q[2,4], input[3,4], input1[3,1]; scale 0.5, isCausal true) : [2,1]",
    );
  });

  test("float32 is computed in float64 and rounded once", () => {
    const inputs = [0, 1, 2].map((seed) => randn([3, 3], { generator: new Generator(seed), dtype: "float32" }));
    const [q, k, v] = inputs;
    const [wq, wk, wv] = inputs.map((input) => input.to("float64"));
    const narrow = scaledDotProductAttention(given(q), given(k), given(v));
    const wide = scaledDotProductAttention(given(wq), given(wk), given(wv));
    expect(narrow.data).toEqual(new Float32Array(wide.data));
  });

  test("takes no queries, and no keys", () => {
    expect(scaledDotProductAttention(zeros([0, 2]), ones([3, 2]), ones([3, 4])).shape).toEqual([0, 4]);
    expect(scaledDotProductAttention(ones([2, 2]), zeros([0, 2]), zeros([0, 1])).toArray()).toEqual([[0], [0]]);
  });
});
