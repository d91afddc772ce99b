// @ts-nocheck: TypeScript would refuse most of these calls; JavaScript does not.
/** Datasets, loaders and splits. */
import { DataLoader, randn, stratifiedSplit, tensor, TensorDataset } from "../../src/index.ts";
import type { WrongCalls } from "./wrongCall.ts";

const images = randn([3, 4]);
const dataset = new TensorDataset(images, [0, 1, 0]);

export const data: WrongCalls = {
  fixtures: { images },
  rows: [
    {
      call: "new TensorDataset()",
      run: () => new TensorDataset(),
      kind: RangeError,
      message: "TensorDataset: expected columns with one number of rows, got no column",
    },
    {
      call: "new TensorDataset(images, [0, 1])",
      run: () => new TensorDataset(images, [0, 1]),
      kind: RangeError,
      message: "TensorDataset: expected columns with one number of rows, got 3, 2",
    },
    {
      call: "new TensorDataset(tensor(1))",
      run: () => new TensorDataset(tensor(1)),
      kind: RangeError,
      message: "TensorDataset: expected columns with one number of rows, got a tensor without dims",
    },
    {
      call: 'new TensorDataset(images, "010")',
      run: () => new TensorDataset(images, "010"),
      kind: TypeError,
      message: 'TensorDataset: expected labels as numbers or an Int32Array, got "010" as column 1',
    },
    {
      call: "new TensorDataset(images, Float32Array.of(0, 1, 0))",
      run: () => new TensorDataset(images, Float32Array.of(0, 1, 0)),
      kind: TypeError,
      message: "TensorDataset: expected labels as numbers or an Int32Array, got a Float32Array of 3 as column 1",
    },
    {
      call: "new TensorDataset(images, [0, 0.5, 1])",
      run: () => new TensorDataset(images, [0, 0.5, 1]),
      kind: RangeError,
      message:
        "TensorDataset: expected whole numbers as labels, got 0.5 in row 1; numbers that are no labels belong into a tensor",
    },
    {
      call: "new TensorDataset([[1, 2], [3, 4], [5, 6]], [0, 1, 0])",
      run: () =>
        new TensorDataset(
          [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
          [0, 1, 0],
        ),
      kind: RangeError,
      message:
        "TensorDataset: expected whole numbers as labels, got [1, 2] in row 0; numbers that are no labels belong into a tensor",
    },
    {
      call: "new TensorDataset([images, [0, 1, 0]])",
      run: () => new TensorDataset([images, [0, 1, 0]]),
      kind: RangeError,
      message:
        "TensorDataset: expected whole numbers as labels, got a Tensor in row 0; numbers that are no labels belong into a tensor",
    },
    {
      call: "dataset.select([3])",
      run: () => dataset.select([3]),
      kind: RangeError,
      message: "select: expected indices in [-3, 3), got 3",
    },
    {
      call: "dataset.select([0.5])",
      run: () => dataset.select([0.5]),
      kind: RangeError,
      message: "select: expected indices in [-3, 3), got 0.5",
    },
    {
      call: "dataset.select(1)",
      run: () => dataset.select(1),
      kind: TypeError,
      message: "select: expected indices in an array, got 1",
    },
    {
      call: "new DataLoader()",
      run: () => new DataLoader(),
      kind: TypeError,
      message: "DataLoader: expected a dataset, something with length and select(indices), got undefined",
    },
    {
      call: "new DataLoader(images)",
      run: () => new DataLoader(images),
      kind: TypeError,
      message: "DataLoader: expected a dataset, something with length and select(indices), got a Tensor",
    },
    {
      call: "new DataLoader([1, 2, 3])",
      run: () => new DataLoader([1, 2, 3]),
      kind: TypeError,
      message: "DataLoader: expected a dataset, something with length and select(indices), got [1, 2, 3]",
    },
    {
      call: "new DataLoader(dataset, 32)",
      run: () => new DataLoader(dataset, 32),
      kind: TypeError,
      message: "DataLoader: expected options as an object { batchSize, shuffle, dropLast, generator }, got 32",
    },
    {
      call: "new DataLoader(dataset, { batchSize: 0 })",
      run: () => new DataLoader(dataset, { batchSize: 0 }),
      kind: RangeError,
      message: "DataLoader: expected batchSize to be a positive whole number, got 0",
    },
    {
      call: "new DataLoader(dataset, { batchSize: 2.5 })",
      run: () => new DataLoader(dataset, { batchSize: 2.5 }),
      kind: RangeError,
      message: "DataLoader: expected batchSize to be a positive whole number, got 2.5",
    },
    {
      call: 'new DataLoader(dataset, { batchSize: "32" })',
      run: () => new DataLoader(dataset, { batchSize: "32" }),
      kind: TypeError,
      message: 'DataLoader: expected batchSize to be a number, got "32"',
    },
    {
      call: "new DataLoader(dataset, { generator: 0 })",
      run: () => new DataLoader(dataset, { generator: 0 }),
      kind: TypeError,
      message: "DataLoader: expected a generator, as new Generator(0), got 0",
    },
    {
      call: "stratifiedSplit([0, 1])",
      run: () => stratifiedSplit([0, 1]),
      kind: TypeError,
      message: "stratifiedSplit: expected fraction to be a number, got undefined",
    },
    {
      call: "stratifiedSplit([0, 1], 80)",
      run: () => stratifiedSplit([0, 1], 80),
      kind: RangeError,
      message: "stratifiedSplit: expected fraction in [0, 1], got 80",
    },
    {
      call: 'stratifiedSplit([0, 1], "0.8")',
      run: () => stratifiedSplit([0, 1], "0.8"),
      kind: TypeError,
      message: 'stratifiedSplit: expected fraction to be a number, got "0.8"',
    },
    {
      call: "stratifiedSplit(tensor([0, 1]), 0.5)",
      run: () => stratifiedSplit(tensor([0, 1]), 0.5),
      kind: TypeError,
      message: "stratifiedSplit: expected labels as numbers or an Int32Array, got a Tensor as column 0",
    },
    {
      call: "stratifiedSplit([0, 0.5], 0.5)",
      run: () => stratifiedSplit([0, 0.5], 0.5),
      kind: RangeError,
      message:
        "stratifiedSplit: expected whole numbers as labels, got 0.5 in row 1; numbers that are no labels belong into a tensor",
    },
    {
      call: "stratifiedSplit([0, 1], 0.5, 42)",
      run: () => stratifiedSplit([0, 1], 0.5, 42),
      kind: TypeError,
      message: "stratifiedSplit: expected options as an object { generator }, got 42",
    },
    {
      call: "stratifiedSplit([0, 1], 0.5, { generator: 42 })",
      run: () => stratifiedSplit([0, 1], 0.5, { generator: 42 }),
      kind: TypeError,
      message: "stratifiedSplit: expected a generator, as new Generator(0), got 42",
    },
  ],
};
