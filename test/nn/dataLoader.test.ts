import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { arange, Generator, manualSeed, Tensor, tensor } from "../../src/autograd/index.ts";
import { DataLoader, stratifiedSplit, TensorDataset } from "../../src/nn/dataLoader.ts";
import { holds, SEED } from "../helpers/generators.ts";
import { breaks } from "../helpers/planted.ts";

/** Row i holds [i, i + 0.5] and the label 10 · i, so that a row that lost its label shows. */
function datasetOf(count: number): TensorDataset<readonly [Tensor, number[]]> {
  const rows = Array.from({ length: count }, (_, i) => [i, i + 0.5]);
  return new TensorDataset(
    tensor(rows.flat(), { shape: [count, 2] }),
    rows.map(([i = 0]) => 10 * i),
  );
}

describe("TensorDataset", () => {
  test("selects the same rows of every column, tensors as tensors and labels as an Int32Array", () => {
    const dataset = new TensorDataset(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      [7, 8, 9],
      Int32Array.of(1, 2, 3),
    );
    const [images, labels, more] = dataset.select([2, 0, -1]);
    const typed: [Tensor, Int32Array, Int32Array] = [images, labels, more]; // the types are inferred
    expect(typed.map((column) => (column instanceof Tensor ? column.toArray() : column))).toEqual([
      [
        [5, 6],
        [1, 2],
        [5, 6],
      ],
      Int32Array.of(9, 7, 9),
      Int32Array.of(3, 1, 3),
    ]);
    expect(dataset.length).toBe(3);
  });

  test("a column that may be either keeps its type open", () => {
    const either: Tensor | number[] = [1, 2];
    const [column] = new TensorDataset<readonly [Tensor | number[]]>(either).select([1]);
    const typed: Tensor | Int32Array = column;
    // @ts-expect-error it may be a tensor
    const narrow: Int32Array = column;
    expect([typed, narrow]).toEqual([Int32Array.of(2), Int32Array.of(2)]);
  });

  test("keeps the dims of a row and the dtype", () => {
    const [images] = new TensorDataset(arange(24).reshape([3, 2, 4]).to("float32")).select([1]);
    expect([images.shape, images.dtype]).toEqual([[1, 2, 4], "float32"]);
  });

  test("copies labels: changing them afterwards changes no batch", () => {
    const labels = [1, 2];
    const dataset = new TensorDataset(labels);
    labels[0] = 9;
    expect(dataset.select([0])).toEqual([Int32Array.of(1)]);
  });

  test("refuses columns that do not belong together, and rows that are not there", () => {
    expect(() => new TensorDataset(tensor([1, 2]), [1, 2, 3])).toThrow(
      new RangeError("TensorDataset: expected columns with one number of rows, got 2, 3"),
    );
    expect(() => new TensorDataset()).toThrow(/got no column/);
    expect(() => new TensorDataset(tensor(1))).toThrow(/a tensor without dims/);
    expect(() => new TensorDataset([0, 0.5])).toThrow(/whole numbers as labels, got 0.5 in row 1/);
    // @ts-expect-error a word is no column
    expect(() => new TensorDataset("ab")).toThrow(TypeError);
    expect(() => datasetOf(3).select([3])).toThrow(new RangeError("select: expected indices in [-3, 3), got 3"));
    expect(() => datasetOf(3).select([0.5])).toThrow(RangeError);
  });
});

interface Loading {
  readonly count: number;
  readonly batchSize: number;
  readonly dropLast: boolean;
  readonly shuffle: boolean;
}

const loadings: fc.Arbitrary<Loading> = fc.record({
  count: fc.integer({ min: 0, max: 20 }),
  batchSize: fc.integer({ min: 1, max: 8 }),
  dropLast: fc.boolean(),
  shuffle: fc.boolean(),
});

type Batches = Iterable<readonly [Tensor, Int32Array]> & { readonly length: number };

/** Every row comes once, with its label, in full batches but the last; with dropLast what is over is left out. */
function expectLoads(loader: Batches, { count, batchSize, dropLast, shuffle }: Loading): void {
  const batches = [...loader];
  const rows = batches.flatMap(([images]) =>
    Array.from({ length: images.shape[0] ?? 0 }, (_, i) => images.data[2 * i]),
  );
  const labels = batches.flatMap(([, own]) => [...own]);
  const wanted = dropLast ? count - (count % batchSize) : count;
  const expected = Array.from({ length: count }, (_, i) => i).slice(0, shuffle ? count : wanted);
  const sizes = batches.map(([, own]) => own.length);
  const full = sizes.slice(0, dropLast ? undefined : -1);
  const faults = {
    length: batches.length !== loader.length,
    labels: String(labels) !== String(rows.map((row) => 10 * (row ?? NaN))),
    count: rows.length !== wanted || new Set(rows).size !== wanted,
    rows: !rows.every((row) => row !== undefined && expected.includes(row)),
    order: !shuffle && String(rows) !== String(expected),
    sizes: !full.every((size) => size === batchSize) || sizes.some((size) => size < 1 || size > batchSize),
  };
  const broken = Object.entries(faults).filter(([, fault]) => fault);
  if (broken.length > 0) throw new Error(`loader: wrong ${broken.map(([name]) => name).join(", ")}`);
}

function loaderOf({ count, ...options }: Loading): DataLoader<[Tensor, Int32Array]> {
  return new DataLoader(datasetOf(count), { ...options, generator: new Generator(count) });
}

function shuffled(seed: number): DataLoader<[Tensor, Int32Array]> {
  return new DataLoader(datasetOf(20), { batchSize: 3, shuffle: true, generator: new Generator(seed) });
}

/** The labels of one epoch, in order. */
function order(loader: DataLoader<readonly [Tensor, Int32Array]>): number[] {
  return [...loader].flatMap(([, own]) => Array.from(own));
}

describe("DataLoader", () => {
  test("goes through every row once, with its label, in batches", () => {
    holds(loadings, (loading) => expectLoads(loaderOf(loading), loading));
  });

  const planted: Readonly<Record<string, (loading: Loading) => Batches>> = {
    "a last batch that is always dropped": (loading) => loaderOf({ ...loading, dropLast: true }),
    "a last batch that is never dropped": (loading) => loaderOf({ ...loading, dropLast: false }),
    "labels in another order than images": (loading) =>
      Array.from(loaderOf(loading), ([images, labels]): [Tensor, Int32Array] => [images, labels.toReversed()]),
    "a batch twice": (loading) => {
      const batches = [...loaderOf(loading)];
      return batches.fill(batches[0] ?? datasetOf(1).select([0]));
    },
    "a random order that was not asked for": (loading) => loaderOf({ ...loading, shuffle: true }),
  };
  for (const [error, wrong] of Object.entries(planted)) {
    test(`the law rejects ${error}`, () => {
      breaks(loadings, (loading) => expectLoads(wrong(loading), loading), /loader: wrong/);
    });
  }

  test("shuffles anew each time, and the same seed gives the same orders", () => {
    const [loader, same, other] = [shuffled(1), shuffled(1), shuffled(2)];
    const epochs = [order(loader), order(loader)];
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect([order(same), order(same)]).toEqual(epochs);
    expect(order(other)).not.toEqual(epochs[0]);
  });

  test("without a generator, manualSeed seeds the orders", () => {
    const loader = new DataLoader(datasetOf(20), { shuffle: true });
    manualSeed(3);
    const first = order(loader);
    manualSeed(3);
    expect(order(loader)).toEqual(first);
  });

  test("draws nothing when it does not shuffle", () => {
    const generator = new Generator(0);
    order(new DataLoader(datasetOf(5), { generator }));
    expect(generator.uniform()).toBe(new Generator(0).uniform());
  });

  test("two loops over one loader do not disturb each other", () => {
    const loader = new DataLoader(datasetOf(4), { batchSize: 2 });
    const pairs = [...loader].flatMap(([, outer]) => [...loader].map(([, inner]) => [outer[0], inner[0]]));
    expect(pairs).toEqual([
      [0, 0],
      [0, 20],
      [20, 0],
      [20, 20],
    ]);
  });

  test("reads as a loop, with types inferred, and takes any dataset", () => {
    const loader = new DataLoader(datasetOf(3), { batchSize: 2 });
    for (const [images, labels] of loader) {
      const typed: readonly [Tensor, Int32Array] = [images, labels];
      expect(typed[0].shape[0]).toBe(typed[1].length);
    }
    const words = { length: 3, select: (indices: ArrayLike<number>) => Array.from(indices, (i) => "abc"[i] ?? "") };
    expect([...new DataLoader(words, { batchSize: 2 })]).toEqual([["a", "b"], ["c"]]);
  });

  test("refuses a batchSize that is no positive whole number", () => {
    expect(() => new DataLoader(datasetOf(3), { batchSize: 0 })).toThrow(
      new RangeError("DataLoader: expected batchSize to be a positive whole number, got 0"),
    );
  });
});

interface Splitting {
  readonly labels: readonly number[];
  readonly fraction: number;
}

const splittings: fc.Arbitrary<Splitting> = fc.record({
  labels: fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 30 }),
  fraction: fc.constantFrom(0, 0.1, 0.25, 0.5, 0.7, 0.8, 1),
});

type Split = (labels: readonly number[], fraction: number) => readonly [Int32Array, Int32Array];

function ascending(part: Int32Array): boolean {
  return String(part) === String(part.toSorted());
}

/** The parts are disjoint, complete and ascending; the first has round(fraction · n) rows; a class is off by below 1. */
function expectStratified(splitter: Split, { labels, fraction }: Splitting): void {
  const [first, second] = splitter(labels, fraction);
  const rows = [...first, ...second];
  const inFirst = (label: number): number => first.filter((row) => labels[row] === label).length;
  const faults = {
    rows: rows.length !== labels.length || new Set(rows).size !== labels.length,
    range: !rows.every((row) => row >= 0 && row < labels.length),
    order: !ascending(first) || !ascending(second),
    total: first.length !== Math.round(fraction * labels.length),
    classes: labels.some((label) => {
      const share = fraction * labels.filter((other) => other === label).length;
      return Math.abs(inFirst(label) - share) >= 1 - 1e-9; // a share such as 0.7 · 10 rounds
    }),
  };
  const broken = Object.entries(faults).filter(([, fault]) => fault);
  if (broken.length > 0) throw new Error(`split: wrong ${broken.map(([name]) => name).join(", ")}`);
}

function split(labels: readonly number[], fraction: number): [Int32Array, Int32Array] {
  return stratifiedSplit(labels, fraction, { generator: new Generator(SEED) });
}

describe("stratifiedSplit", () => {
  test("splits the rows so that every class keeps its share", () => {
    holds(splittings, (splitting) => expectStratified(split, splitting));
  });

  const planted: Readonly<Record<string, Split>> = {
    "a split that does not look at the classes": (labels, fraction) => {
      const shuffledRows = new Generator(SEED).permutation(labels.length);
      const size = Math.round(fraction * labels.length);
      return [shuffledRows.subarray(0, size).toSorted(), shuffledRows.subarray(size).toSorted()];
    },
    "shares that are rounded down": (labels, fraction) => {
      const kept = (label: number): number => Math.floor(fraction * labels.filter((other) => other === label).length);
      const rows = labels.map((label, row) => ({
        row,
        rank: labels.slice(0, row).filter((l) => l === label).length,
        label,
      }));
      const part = (first: boolean): Int32Array =>
        Int32Array.from(rows.filter(({ rank, label }) => rank < kept(label) === first).map(({ row }) => row));
      return [part(true), part(false)];
    },
    "exchanged parts": (labels, fraction) => {
      const [first, second] = split(labels, fraction);
      return [second, first];
    },
  };
  for (const [error, wrong] of Object.entries(planted)) {
    test(`the law rejects ${error}`, () => {
      breaks(splittings, (splitting) => expectStratified(wrong, splitting), /split: wrong/);
    });
  }

  test("rows that are left over go to the classes with the largest remainders, then to the smaller labels", () => {
    const labels = [2, 2, 2, 1, 1, 1, 1, 0, 0, 0]; // shares 0.9, 1.2 and 0.9 of round(3) rows
    const [first] = stratifiedSplit(labels, 0.3, { generator: new Generator(0) });
    expect([0, 1, 2].map((label) => first.filter((row) => labels[row] === label).length)).toEqual([1, 1, 1]);
    expect(split([5, 3], 0.5)[0]).toEqual(Int32Array.of(1));
    expect(split([3, 5], 0.5)[0]).toEqual(Int32Array.of(0));
  });

  test("which rows go is random, by the generator", () => {
    const labels = Array.from({ length: 40 }, (_, i) => i % 2);
    const draw = (seed: number): string => String(stratifiedSplit(labels, 0.5, { generator: new Generator(seed) })[0]);
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
    manualSeed(1);
    expect(String(stratifiedSplit(Int32Array.from(labels), 0.5)[0])).toBe(draw(1));
  });

  test("refuses fractions outside of [0, 1], and labels that are no whole numbers", () => {
    expect(() => stratifiedSplit([0, 1], 1.5)).toThrow(
      new RangeError("stratifiedSplit: expected fraction in [0, 1], got 1.5"),
    );
    expect(() => stratifiedSplit([0, 1], NaN)).toThrow(RangeError);
    expect(() => stratifiedSplit([0.5], 0.5)).toThrow(/stratifiedSplit: expected whole numbers/);
  });
});
