/** Data in batches: TensorDataset, DataLoader, and a split that keeps the proportions of classes. */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { checkGenerator, defaultGenerator } from "../autograd/random.ts";
import type { Generator } from "../autograd/random.ts";
import { checkIndices, range } from "../autograd/shape.ts";
import { Tensor } from "../autograd/tensor.ts";

/** One entry a row: a tensor, or labels. */
export type Column = Tensor | Int32Array | readonly number[];

/** What comes out for each column: labels are an Int32Array, whatever they were. */
export type Rows<Columns extends readonly Column[]> = {
  -readonly [K in keyof Columns]: RowsOf<Columns[K]>;
};

type RowsOf<C> = C extends Tensor ? Tensor : Int32Array;

/** What a DataLoader reads: rows that can be selected by their indices. */
export interface Dataset<Batch> {
  readonly length: number;
  select(indices: Readonly<ArrayLike<number>>): Batch;
}

/**
 * Rows of several columns that belong together: images and their labels. As torch.utils.data.TensorDataset, but labels
 * may be plain numbers; they come out as an Int32Array, as `crossEntropy` takes them.
 *
 * @param columns tensors, whose first dim counts the rows, and labels, one a row
 * @throws RangeError if they differ in the number of rows, or a label is no whole number; TypeError for other things
 * @example
 * const dataset = new TensorDataset(tensor([[1, 2], [3, 4], [5, 6]]), [0, 1, 0]);
 * const [images, labels] = dataset.select([2, 0]); // tensor([[5, 6], [1, 2]]) and Int32Array [0, 0]
 */
export class TensorDataset<const Columns extends readonly Column[]> implements Dataset<Rows<Columns>> {
  readonly length: number;
  readonly #columns: readonly (Tensor | Int32Array)[];

  constructor(...columns: Columns) {
    this.#columns = columns.map((column, i) => (column instanceof Tensor ? column : toLabels(column, i)));
    const lengths = this.#columns.map((column) => (column instanceof Tensor ? column.shape[0] : column.length));
    const [length] = lengths;
    if (length === undefined || lengths.some((other) => other !== length)) {
      const counts = lengths.map((n) => n ?? "a tensor without dims").join(", ");
      throw new RangeError(`TensorDataset: expected columns with one number of rows, got ${counts || "no column"}`);
    }
    this.length = length;
  }

  /**
   * The rows at `indices`, in that order.
   *
   * @throws RangeError if an index is not in [−length, length)
   */
  select(indices: Readonly<ArrayLike<number>>): Rows<Columns>;
  /** Mapping over a tuple answers an array; that it kept length and kinds is not for the compiler to see. */
  select(indices: Readonly<ArrayLike<number>>): readonly (Tensor | Int32Array)[] {
    const at = Array.from(checkIndices("select", indices), (index) => {
      if (Number.isInteger(index) && index >= -this.length && index < this.length) {
        return index < 0 ? index + this.length : index;
      }
      throw new RangeError(`select: expected indices in [${-this.length}, ${this.length}), got ${index}`);
    });
    return this.#columns.map((column) =>
      column instanceof Tensor ? column.indexSelect(0, at) : Int32Array.from(at, (row) => column[row] ?? 0),
    );
  }
}

/**
 * Goes through a dataset in batches, anew each time that it is iterated over. As torch.utils.data.DataLoader.
 *
 * @param dataset a TensorDataset, or anything with `length` and `select(indices)`
 * @param options.batchSize rows a batch. Default 1
 * @param options.shuffle in a new random order each time. Default false
 * @param options.dropLast leave a last batch out that is not full. Default false
 * @param options.generator draws the orders. Default: the one that `manualSeed` seeds
 * @throws RangeError if batchSize is no positive whole number
 * @example
 * const dataset = new TensorDataset(randn([5, 8]), [0, 1, 2, 0, 1]);
 * const loader = new DataLoader(dataset, { batchSize: 2, shuffle: true });
 * loader.length; // 3
 * for (const [images, labels] of loader) {
 *   // images is a tensor of shape [2, 8], then [2, 8], then [1, 8]; labels has 2, 2 and 1 entries
 * }
 */
export class DataLoader<Batch> implements Iterable<Batch> {
  readonly dataset: Dataset<Batch>;
  readonly batchSize: number;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  readonly generator: Generator;

  constructor(
    dataset: Dataset<Batch>,
    options: {
      readonly batchSize?: number;
      readonly shuffle?: boolean;
      readonly dropLast?: boolean;
      readonly generator?: Generator;
    } = {},
  ) {
    const {
      batchSize = 1,
      shuffle = false,
      dropLast = false,
    } = checkOptions("DataLoader", options, ["batchSize", "shuffle", "dropLast", "generator"]);
    if (typeof dataset?.length !== "number" || typeof dataset.select !== "function") {
      throw new TypeError(
        `DataLoader: expected a dataset, something with length and select(indices), got ${describeValue(dataset)}`,
      );
    }
    checkNumber("DataLoader", "batchSize", batchSize);
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new RangeError(`DataLoader: expected batchSize to be a positive whole number, got ${String(batchSize)}`);
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.shuffle = shuffle;
    this.dropLast = dropLast;
    this.generator = checkGenerator("DataLoader", options.generator ?? defaultGenerator);
  }

  /** The number of batches. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  *[Symbol.iterator](): IterableIterator<Batch> {
    const count = this.dataset.length;
    const order = this.shuffle ? this.generator.permutation(count) : Int32Array.from(range(count));
    for (let batch = 0; batch < this.length; batch++) {
      yield this.dataset.select(order.subarray(batch * this.batchSize, (batch + 1) * this.batchSize));
    }
  }
}

/**
 * Splits rows at random in two, so that each class keeps its share in both parts.
 *
 * The first part has round(fraction · n) rows. A class of k rows gives ⌊fraction · k⌋ of them, or one more: those with
 * the largest remainders do, and among equals the smaller label.
 *
 * @param labels the class of each row
 * @param fraction of the rows that go to the first part, in [0, 1]
 * @param options.generator draws which rows go. Default: the one that `manualSeed` seeds
 * @returns the indices of both parts, ascending
 * @throws RangeError if fraction is not in [0, 1], or a label is no whole number
 * @example
 * const [trainIndices, testIndices] = stratifiedSplit([0, 0, 0, 0, 1, 1, 1, 1], 0.75);
 * trainIndices.length; // 6: three of each class
 */
export function stratifiedSplit(
  labels: Int32Array | readonly number[],
  fraction: number,
  options: { readonly generator?: Generator } = {},
): [trainIndices: Int32Array, testIndices: Int32Array] {
  const { generator = defaultGenerator } = checkOptions("stratifiedSplit", options, ["generator"]);
  checkGenerator("stratifiedSplit", generator);
  checkNumber("stratifiedSplit", "fraction", fraction);
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new RangeError(`stratifiedSplit: expected fraction in [0, 1], got ${String(fraction)}`);
  }
  const classes = toLabels(labels, 0, "stratifiedSplit");
  const missing = quotas(classes, fraction);
  const inFirst = new Uint8Array(classes.length);
  for (const row of generator.permutation(classes.length)) {
    const label = classes[row] ?? 0;
    const count = missing.get(label) ?? 0;
    if (count === 0) continue;
    missing.set(label, count - 1);
    inFirst[row] = 1;
  }
  const rows = range(classes.length);
  const part = (which: number): Int32Array => Int32Array.from(rows.filter((row) => inFirst[row] === which));
  return [part(1), part(0)];
}

/** How many rows of each class go to the first part: the method of largest remainders. */
function quotas(labels: Int32Array, fraction: number): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const label of labels.toSorted()) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const shares = Array.from(sizes, ([label, size]) => {
    const whole = Math.floor(fraction * size);
    return { label, whole, remainder: fraction * size - whole };
  });
  const left = Math.round(fraction * labels.length) - shares.reduce((total, { whole }) => total + whole, 0);
  const byRemainder = shares.toSorted((a, b) => b.remainder - a.remainder);
  return new Map(byRemainder.map(({ label, whole }, i) => [label, whole + (i < left ? 1 : 0)]));
}

function toLabels(column: Exclude<Column, Tensor>, position: number, name = "TensorDataset"): Int32Array {
  if (!(column instanceof Int32Array) && !Array.isArray(column)) {
    throw new TypeError(
      `${name}: expected labels as numbers or an Int32Array, got ${describeValue(column)} as column ${position}`,
    );
  }
  const labels = Int32Array.from(column);
  const odd = labels.findIndex((label, i) => label !== column[i]);
  if (odd >= 0) {
    throw new RangeError(
      `${name}: expected whole numbers as labels, got ${describeValue(column[odd])} in row ${odd}; numbers that are no labels ` +
        "belong into a tensor",
    );
  }
  return labels;
}
