import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Dual,
  Generator,
  grad,
  NdArray,
  ones,
  printTape,
  sizeOf,
  Tensor,
  tensor,
  zeros,
} from "../../src/autograd/index.ts";
import type { Num, Shape } from "../../src/autograd/index.ts";
import { Embedding, embedding, embeddingRule } from "../../src/nn/embedding.ts";
import { derivativeDraws, expectDerivativeLaws } from "../helpers/derivativeLaws.ts";
import { arrayOf, holds, shapes } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { expectSecondOrderIsDifferences } from "../helpers/layerLaws.ts";
import { EXACT, expectClose } from "../helpers/laws.ts";
import { breaks } from "../helpers/planted.ts";
import { expectRecurrentCase, recurrentCases } from "../helpers/recurrentFixture.ts";

interface Lookup {
  readonly shape: Shape;
  readonly rows: Int32Array;
  readonly table: Shape;
}

/** Few rows, so that most are looked up several times and some not at all. */
const lookups: fc.Arbitrary<Lookup> = fc
  .record({ shape: shapes({ minDims: 0, maxDims: 3, maxSize: 3 }), count: fc.integer({ min: 1, max: 4 }) })
  .chain(({ shape, count }) =>
    fc.record({
      shape: fc.constant(shape),
      rows: fc
        .array(fc.nat(count - 1), { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
        .map((rows) => Int32Array.from(rows)),
      table: fc.integer({ min: 1, max: 3 }).map((features) => [count, features]),
    }),
  );

const draws = lookups.chain((lookup) =>
  fc.record({
    lookup: fc.constant(lookup),
    draw: derivativeDraws([lookup.table], [...lookup.shape, given(lookup.table[1])]),
  }),
);

const withWeight = lookups.chain((lookup) => fc.record({ lookup: fc.constant(lookup), weight: arrayOf(lookup.table) }));

/** Where the flat index `cell` of an output reads: a plain loop's arithmetic. */
function readAt({ rows, table }: Lookup, cell: number): number {
  const features = given(table[1]);
  return (rows[Math.floor(cell / features)] ?? NaN) * features + (cell % features);
}

describe("embedding", () => {
  test("is the row of every index", () => {
    holds(withWeight, ({ lookup, weight }) => {
      const output = embedding(lookup.rows, new Tensor(weight), { shape: lookup.shape });
      expect(output.shape).toEqual([...lookup.shape, lookup.table[1]]);
      output.data.forEach((value, cell) => expect(value).toBe(weight.data[readAt(lookup, cell)]));
    });
  });

  test("adds up the gradients of a row that is looked up several times", () => {
    holds(draws, ({ lookup, draw: { inputs, gradOutput } }) => {
      const weight = new Tensor(given(inputs[0]), true);
      const output = embedding(lookup.rows, weight, { shape: lookup.shape });
      const sums = new Float64Array(weight.numel);
      gradOutput.data.forEach(
        (value, cell) => (sums[readAt(lookup, cell)] = (sums[readAt(lookup, cell)] ?? NaN) + value),
      );
      const [gradWeight] = grad(output, [weight], { gradOutput: new Tensor(gradOutput) });
      expectClose("gradWeight", given(gradWeight).value, new NdArray(sums, weight.shape), EXACT);
    });
  });

  test("a gradient that is overwritten instead of added is found", () => {
    breaks(
      draws,
      ({ lookup, draw: { inputs, gradOutput } }) => {
        const weight = new Tensor(given(inputs[0]), true);
        const last = new Float64Array(weight.numel);
        gradOutput.data.forEach((value, cell) => (last[readAt(lookup, cell)] = value));
        const output = embedding(lookup.rows, weight, { shape: lookup.shape });
        const [gradWeight] = grad(output, [weight], { gradOutput: new Tensor(gradOutput) });
        expectClose("gradWeight", given(gradWeight).value, new NdArray(last, weight.shape), EXACT);
      },
      /gradWeight: expected/,
    );
  });

  test("has the derivatives of differences and of dual numbers, at first and second order", () => {
    holds(
      draws,
      ({ lookup, draw }) => {
        const op = ([weight]: readonly Tensor[]): Tensor =>
          embedding(lookup.rows, given(weight), { shape: lookup.shape });
        const rule = embeddingRule({ ...lookup, paddingIdx: null });
        expectDerivativeLaws(op, <A extends Num<A>>([weight]: readonly A[]) => rule<A>(given(weight)), draw);
        expectSecondOrderIsDifferences(op, draw);
      },
      30,
    );
  });

  test("the padding row is looked up like any other, and is a constant in every reading", () => {
    holds(withWeight, ({ lookup, weight }) => {
      const paddingIdx = given(lookup.table[0]) - 1;
      const leaf = new Tensor(weight, true);
      const output = embedding(lookup.rows, leaf, { shape: lookup.shape, paddingIdx });
      const without = embedding(lookup.rows, leaf, { shape: lookup.shape });
      expect(output.toArray()).toEqual(without.toArray());
      const [gradient, all] = [output, without].map(
        (y) => given(grad(y, [leaf], { gradOutput: ones(y.shape) })[0]).data,
      );
      const features = given(lookup.table[1]);
      given(gradient).forEach((value, cell) => {
        expect(value).toBe(Math.floor(cell / features) === paddingIdx ? 0 : all?.[cell]);
      });
      const moved = embeddingRule({ ...lookup, paddingIdx })(
        new Dual(weight, NdArray.full(weight.shape, 1, "float64")),
      );
      expect(moved.output.primal.data).toEqual(output.data);
      moved.output.tangent.data.forEach((tangent, cell) => {
        expect(tangent).toBe(lookup.rows[Math.floor(cell / features)] === paddingIdx ? 0 : 1);
      });
    });
  });

  test.each(
    recurrentCases<{ readonly paddingIdx: number | null; readonly shape: Shape; readonly input: readonly number[] }>(
      "embedding",
    ),
  )("answers PyTorch's values: $name", (entry) => {
    const { paddingIdx, shape, input } = entry.options;
    expectRecurrentCase(entry, ({ weight }) => embedding(Int32Array.from(input), given(weight), { paddingIdx, shape }));
  });

  test("takes nested indices, one number, none, and an Int32Array of any shape", () => {
    const weight = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(embedding([[0, 1, 1]], weight).shape).toEqual([1, 3, 2]);
    expect(embedding(1, weight).toArray()).toEqual([3, 4]);
    expect(embedding([], weight).shape).toEqual([0, 2]);
    expect(embedding(Int32Array.of(0, 1), weight).toArray()).toEqual(weight.toArray());
    expect(embedding(Int32Array.of(0, 1), weight, { shape: [2, 1] }).shape).toEqual([2, 1, 2]);
  });

  test("is one record, which keeps a copy of the indices", () => {
    const weight = zeros([3, 2], { requiresGrad: true });
    const input = [2, 0];
    const rows = embedding(input, weight, { paddingIdx: -1 });
    input[0] = 1;
    expect(printTape(rows, { names: { weight } })).toBe("%1 = embedding(weight[3,2], input[2]; paddingIdx 2) : [2,2]");
    expect(rows.record?.attributes.input).toEqual(Int32Array.of(2, 0));
  });

  test("keeps float32", () => {
    expect(embedding([0], zeros([1, 2], { dtype: "float32" }), { paddingIdx: 0 }).dtype).toBe("float32");
  });
});

describe("Embedding", () => {
  test("begins normal with variance 1, and 0 in the padding row", () => {
    const layer = new Embedding(200, 50, { paddingIdx: -2, generator: new Generator(4) });
    const values = Array.from(layer.weight.data);
    expect(layer.paddingIdx).toBe(198);
    expect(values.slice(198 * 50, 199 * 50)).toEqual(Array.from({ length: 50 }, () => 0));
    const [mean, square] = [1, 2].map((power) => values.reduce((sum, x) => sum + x ** power, 0) / (199 * 50));
    expect(Math.abs(given(mean))).toBeLessThan(5 / Math.sqrt(9950)); // five standard deviations of the mean
    expect(Math.abs(given(square) - 1)).toBeLessThan(5 * Math.sqrt(2 / 9950)); // and of the mean square
  });

  test("is embedding with its own weight, under PyTorch's names, and prints as PyTorch does", () => {
    const layer = new Embedding(4, 3, { paddingIdx: 1 });
    expect(layer.forward([[1, 2]]).toArray()).toEqual(embedding([[1, 2]], layer.weight).toArray());
    expect(layer.forward(Int32Array.of(1, 2), { shape: [2, 1] }).shape).toEqual([2, 1, 3]);
    layer.forward([1, 2]).sum().backward();
    expect(layer.weight.grad?.sum([1]).toArray()).toEqual([0, 0, 3, 0]);
    expect(Object.keys(layer.stateDict())).toEqual(["weight"]);
    expect(String(layer)).toBe("Embedding(4, 3, paddingIdx=1)");
    expect(String(new Embedding(4, 3))).toBe("Embedding(4, 3)");
    expect(new Embedding(4, 3, { dtype: "float32" }).weight.dtype).toBe("float32");
  });
});
