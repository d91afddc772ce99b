/**
 * A table of vectors, looked up by index.
 *
 *   y[…, :] = W[index[…], :]
 *
 * Shapes: index any, W [numEmbeddings, embeddingDim], y [...index's shape, embeddingDim].
 *
 * Backward, with g = ∂L/∂y: what was looked up several times gets the sum,
 *
 *   ∂L/∂W[k, :] = Σ g[…, :] over the places where index[…] = k        0 for k = paddingIdx, which is a constant
 */
import { checkNumber, checkOptions } from "../autograd/checks.ts";
import { describeValue } from "../autograd/format.ts";
import { Module, Parameter } from "../autograd/module.ts";
import type { Num } from "../autograd/num.ts";
import { checkList, formatShape, gatherIndex, range, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Traced } from "../autograd/tape.ts";
import { apply, checkTensor, Tensor } from "../autograd/tensor.ts";
import type { NestedArray } from "../autograd/tensor.ts";
import { checkCount } from "./checks.ts";
import { normal } from "./init.ts";
import type { DrawOptions } from "./init.ts";
import { flattenNested } from "./nested.ts";

/** A number, nested arrays of numbers, or an Int32Array in row-major order. */
export type Indices = NestedArray | Int32Array;

export interface ShapeOption {
  /** Of the indices. Default: as they are nested; one dim for an Int32Array. */
  readonly shape?: Shape;
}

export interface EmbeddingOptions extends ShapeOption {
  /** A row that receives no gradient; negative ones count from the end. Default: none. */
  readonly paddingIdx?: number | null;
}

/** Rows by their numbers, and the one that is a constant, or null. */
export interface EmbeddingLookup {
  readonly rows: Int32Array;
  readonly shape: Shape;
  readonly paddingIdx: number | null;
}

export const embeddingRule =
  ({ rows, shape, paddingIdx }: EmbeddingLookup) =>
  <A extends Num<A>>(weight: A): Traced<A, readonly [gradWeight: A]> => {
    const columns = range(weight.shape[1] ?? 0);
    const cells = gatherIndex(weight.shape, [rows, columns]);
    const isPadding = (row: number): boolean => row === paddingIdx;
    const trained = gatherIndex(weight.shape, [rows.map((row) => (isPadding(row) ? -1 : row)), columns]);
    const output = weight.take(trained).reshape([...shape, columns.length]);
    return {
      output: rows.some(isPadding) ? output.add(constantRows(weight, cells, trained).reshape(output.shape)) : output,
      pullback: (gradOutput) => [gradOutput.reshape([-1]).putAdd(trained, sizeOf(weight.shape)).reshape(weight.shape)],
    };
  };

/** The cells that are not trained, without a derivative; 0 at the others. */
function constantRows<A extends Num<A>>(weight: A, cells: Int32Array, trained: Int32Array): A {
  const pick = (values: Readonly<ArrayLike<number>>): Float64Array =>
    Float64Array.from(cells, (cell, i) => (trained[i] === cell ? 0 : (values[cell] ?? NaN)));
  return weight.constant(pick, [cells.length]);
}

/**
 * The rows of `weight` at the indices: torch.nn.functional.embedding.
 *
 * @param input whole numbers in [0, numEmbeddings): a number, nested arrays, or an Int32Array with `options.shape`
 * @param weight [numEmbeddings, embeddingDim]
 * @param options.paddingIdx a row whose gradient is 0; negative ones count from the end. Default: none
 * @param options.shape of the indices. Default: as they are nested
 * @returns [...shape of the indices, embeddingDim]
 * @throws RangeError if an index or a shape does not fit; TypeError if something is of the wrong kind
 * @example
 * const weight = tensor([[1, 2], [3, 4]], { requiresGrad: true });
 * const rows = embedding([1, 0, 1], weight);
 * rows.toArray(); // [[3, 4], [1, 2], [3, 4]]
 * grad(rows.sum(), [weight])[0].toArray(); // [[1, 1], [2, 2]]
 */
export function embedding(input: Indices, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  const { paddingIdx = null, shape } = checkOptions("embedding", options, ["paddingIdx", "shape"]);
  const [numEmbeddings = 0] = checkTensor("embedding", "weight", weight).shape;
  if (weight.ndim !== 2) {
    throw new RangeError(
      `embedding: expected weight [numEmbeddings, embeddingDim], got shape ${formatShape(weight.shape)}`,
    );
  }
  const padding = paddingIdx === null ? null : checkPaddingIdx("embedding", paddingIdx, numEmbeddings);
  const lookup = { ...rowsOf(input, shape, numEmbeddings), paddingIdx: padding };
  const attributes = { input: lookup.rows, ...(padding !== null && { paddingIdx: padding }) };
  return apply("embedding", { rule: embeddingRule(lookup), attributes }, weight);
}

/**
 * A learnable table of vectors: torch.nn.Embedding. Its weight [numEmbeddings, embeddingDim] begins normal with mean 0 and
 * variance 1; the row of paddingIdx is 0 and stays so. PyTorch's maxNorm, which would change the weight in the forward
 * pass, scaleGradByFreq and sparse are not offered.
 *
 * `forward(input, { shape })` takes whole numbers in [0, numEmbeddings), nested or in an Int32Array of that shape.
 *
 * @param options.paddingIdx a row that is 0 at first and receives no gradient; negative ones count from the end.
 * Default: none
 * @param options.generator draws the initial numbers. Default: the one that `manualSeed` seeds
 * @param options.dtype of the weight. Default: the default dtype, float64 (PyTorch: float32)
 * @throws RangeError if a count is not a positive whole number, or paddingIdx is no row
 * @example
 * const layer = new Embedding(10, 3, { paddingIdx: 0 });
 * String(layer); // Embedding(10, 3, paddingIdx=0)
 * layer.forward([[1, 2, 4, 5], [4, 3, 2, 0]]).shape; // [2, 4, 3]
 */
export class Embedding extends Module<readonly [input: Indices, options?: ShapeOption]> {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly weight: Parameter;

  constructor(
    numEmbeddings: number,
    embeddingDim: number,
    options: DrawOptions & { readonly paddingIdx?: number | null } = {},
  ) {
    super();
    const {
      paddingIdx = null,
      generator,
      dtype,
    } = checkOptions("Embedding", options, ["paddingIdx", "generator", "dtype"]);
    this.numEmbeddings = checkCount("Embedding", "numEmbeddings", numEmbeddings);
    this.embeddingDim = checkCount("Embedding", "embeddingDim", embeddingDim);
    this.paddingIdx = paddingIdx === null ? null : checkPaddingIdx("Embedding", paddingIdx, numEmbeddings);
    const drawn = normal([numEmbeddings, embeddingDim], 1, { generator, dtype });
    const rows = range(numEmbeddings).map((row) => (row === this.paddingIdx ? -1 : row));
    this.weight = new Parameter(drawn.take(gatherIndex(drawn.shape, [rows, range(embeddingDim)])).reshape(drawn.shape));
  }

  override forward(input: Indices, options: ShapeOption = {}): Tensor {
    const { shape } = checkOptions("Embedding", options, ["shape"]);
    return embedding(input, this.weight, { paddingIdx: this.paddingIdx, ...(shape && { shape }) });
  }

  protected override extraRepr(): string {
    const padding = this.paddingIdx === null ? "" : `, paddingIdx=${this.paddingIdx}`;
    return `${this.numEmbeddings}, ${this.embeddingDim}${padding}`;
  }
}

function checkPaddingIdx(name: string, paddingIdx: number, count: number): number {
  checkNumber(name, "paddingIdx", paddingIdx);
  if (!Number.isInteger(paddingIdx) || paddingIdx < -count || paddingIdx >= count) {
    throw new RangeError(`${name}: expected paddingIdx in [${-count}, ${count}), got ${describeValue(paddingIdx)}`);
  }
  return paddingIdx < 0 ? paddingIdx + count : paddingIdx;
}

/** The indices in one array, copied and checked. */
function rowsOf(
  input: Indices,
  asked: Shape | undefined,
  count: number,
): { readonly rows: Int32Array; readonly shape: Shape } {
  const flat = input instanceof Int32Array ? { values: input, shape: [input.length] } : flattenIndices(input);
  const { values } = flat;
  const shape = asked === undefined ? flat.shape : [...checkList("embedding", "shape", asked)];
  if (sizeOf(shape) !== values.length) {
    throw new RangeError(
      `embedding: expected ${sizeOf(shape)} indices for shape ${formatShape(shape)}, got ${values.length}`,
    );
  }
  const odd = values.findIndex((index) => !Number.isInteger(index) || index < 0 || index >= count);
  if (odd >= 0) {
    throw new RangeError(`embedding: expected indices in [0, ${count}), got ${describeValue(values[odd])} at ${odd}`);
  }
  return { rows: Int32Array.from(values), shape };
}

function flattenIndices(input: NestedArray): { readonly values: readonly number[]; readonly shape: Shape } {
  if (input instanceof Tensor) {
    throw new TypeError(
      "embedding: expected indices as numbers, nested arrays or an Int32Array, got a Tensor: pass its toArray()",
    );
  }
  const expected = "indices as numbers, nested arrays or an Int32Array";
  return flattenNested("embedding", expected, input, (entry) => typeof entry === "number");
}
