/** Making tensors. */
import { checkNumber, checkOptions } from "./checks.ts";
import { describeValue } from "./format.ts";
import { checkDtype, NdArray } from "./ndarray.ts";
import type { Dtype } from "./ndarray.ts";
import { checkGenerator, defaultGenerator } from "./random.ts";
import type { Generator } from "./random.ts";
import { checkList, formatShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { checkTensor, Tensor } from "./tensor.ts";
import type { NestedArray } from "./tensor.ts";

export interface TensorOptions {
  /** Default: that of a Float32Array or Float64Array, else the default dtype. */
  readonly dtype?: Dtype;
  /** Default false. */
  readonly requiresGrad?: boolean;
}

export interface RandomOptions extends TensorOptions {
  /** Default: the one that `manualSeed` seeds. */
  readonly generator?: Generator;
}

let defaultDtype: Dtype = "float64";

/** "float64", unless `setDefaultDtype` has changed it: JavaScript's numbers are doubles. (PyTorch: float32.) */
export function getDefaultDtype(): Dtype {
  return defaultDtype;
}

/**
 * The dtype of new tensors and modules where nothing else decides it; those that exist keep theirs. At first "float64".
 *
 * @throws TypeError if it is neither "float32" nor "float64"
 * @example
 * setDefaultDtype("float32");
 * String(zeros([1]).dtype); // float32
 * setDefaultDtype("float64");
 */
export function setDefaultDtype(dtype: Dtype): void {
  defaultDtype = checkDtype("setDefaultDtype", dtype);
}

/**
 * A tensor of the given values, which are copied.
 *
 * @param data a number, nested arrays, or a typed array (one of these four kinds) in row-major order; a Float32Array or
 * Float64Array decides the dtype
 * @param options.shape of a flat or typed array; default: as it is nested
 * @throws RangeError if rows differ in length or the count does not fit the shape; TypeError if something is not a
 * number, or the typed array is of another kind
 * @example
 * tensor([[1, 2], [3, 4]], { requiresGrad: true }); // float64
 * tensor(new Float32Array(6), { shape: [2, 3] }); // float32
 */
export function tensor(
  data: NestedArray | Float32Array | Float64Array | Int32Array | Uint8Array,
  options: TensorOptions & { readonly shape?: Shape } = {},
): Tensor {
  const { shape, dtype, requiresGrad = false } = checkOptions("tensor", options, ["shape", "dtype", "requiresGrad"]);
  const typed = ArrayBuffer.isView(data);
  if (typed && !isListed(data)) {
    throw new TypeError(
      `tensor: expected a Float32Array, Float64Array, Int32Array or Uint8Array, got ${describeValue(data)}`,
    );
  }
  const nestedShape = typed ? [data.length] : shapeOf(data);
  const flat = typed ? data : flatten(data, nestedShape);
  const finalShape = shape ?? nestedShape;
  if (shape !== undefined) checkShape("tensor", shape);
  if (flat.length !== sizeOf(finalShape)) {
    throw new RangeError(
      `tensor: expected ${sizeOf(finalShape)} values for shape ${formatShape(finalShape)}, got ${flat.length}`,
    );
  }
  const own = data instanceof Float32Array ? "float32" : data instanceof Float64Array ? "float64" : defaultDtype;
  const values = checkDtype("tensor", dtype ?? own) === "float32" ? new Float32Array(flat) : new Float64Array(flat);
  return new Tensor(new NdArray(values, [...finalShape]), requiresGrad);
}

/**
 * A tensor of one repeated value, in the default dtype (float64) unless `options.dtype` says another.
 *
 * @throws RangeError if the shape is not of whole numbers from 0; TypeError if the shape is no array or the value no number
 * @example
 * full([2, 2], 0.5).toArray(); // [[0.5, 0.5], [0.5, 0.5]]
 */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return fill("full", shape, checkNumber("full", "value", value), options);
}

/**
 * A tensor of zeros, in the default dtype (float64) unless `options.dtype` says another.
 *
 * @throws RangeError if the shape is not of whole numbers from 0; TypeError if it is no array
 * @example
 * zeros([2, 3]).toArray(); // [[0, 0, 0], [0, 0, 0]]
 */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return fill("zeros", shape, 0, options);
}

/**
 * A tensor of ones, in the default dtype (float64) unless `options.dtype` says another.
 *
 * @throws RangeError if the shape is not of whole numbers from 0; TypeError if it is no array
 * @example
 * ones([3], { requiresGrad: true }).toArray(); // [1, 1, 1]
 */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return fill("ones", shape, 1, options);
}

/**
 * start, start + step, …, in all ⌈(end − start)/step⌉ values, so that `end` is left out. `arange(end)` starts at 0.
 *
 * @throws RangeError if step is 0 or leads away from `end`
 * @example
 * arange(3).toArray(); // [0, 1, 2]
 * arange(1, 2, 0.25).toArray(); // [1, 1.25, 1.5, 1.75]
 */
export function arange(start: number, end?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  for (const [what, value] of Object.entries({ start: from, end: to, step })) checkNumber("arange", what, value);
  const steps = (to - from) / step;
  if (!(steps >= 0 && steps < Infinity)) {
    throw new RangeError(`arange: expected a step that leads from ${from} to ${to}, got ${step}`);
  }
  return tensor(
    Float64Array.from({ length: Math.ceil(steps) }, (_, i) => from + i * step),
    { dtype: defaultDtype, ...checkOptions("arange", options, ["dtype", "requiresGrad"]) },
  );
}

/**
 * Uniform on [0, 1), in the default dtype (float64), from the generator that `manualSeed` seeds; see `options`. An
 * unseeded program draws the same numbers in every run. (PyTorch: other ones.)
 *
 * @throws RangeError if the shape is not of whole numbers from 0; TypeError if an option is of the wrong kind. Nothing is
 * drawn then
 * @example
 * const [a, b] = [rand([4], { generator: new Generator(1) }), rand([4], { generator: new Generator(1) })];
 * a.sub(b).toArray(); // [0, 0, 0, 0]
 */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  const { dtype, generator, requiresGrad } = checkRandom("rand", shape, options);
  // Cut to 24 bits: rounded to float32, what is above 1 − 2⁻²⁵ would be 1.
  const float32 = (): number => Math.floor(generator.uniform() * 2 ** 24) / 2 ** 24;
  return draw(shape, dtype === "float32" ? float32 : () => generator.uniform(), { dtype, requiresGrad });
}

/**
 * Normal with mean 0 and variance 1, in the default dtype (float64), from the generator that `manualSeed` seeds; see
 * `options`. An unseeded program draws the same numbers in every run. (PyTorch: other ones.)
 *
 * @throws RangeError if the shape is not of whole numbers from 0; TypeError if an option is of the wrong kind. Nothing is
 * drawn then
 * @example
 * const weight = randn([16, 8], { requiresGrad: true });
 * weight.shape; // [16, 8]
 */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  const { dtype, generator, requiresGrad } = checkRandom("randn", shape, options);
  return draw(shape, () => generator.normal(), { dtype, requiresGrad });
}

/**
 * Joins tensors along `dim` (default 0), the other dims being equal: torch.cat.
 *
 * @throws RangeError if there is none, `dim` is not there, or the shapes differ elsewhere; TypeError if the dtypes differ
 * @example
 * concat([tensor([[1, 2]]), tensor([[3, 4]])]).toArray(); // [[1, 2], [3, 4]]
 */
export function concat(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first, ...others] = checkTensors("concat", tensors);
  return first.concat(others, dim);
}

/**
 * Joins tensors of one shape along a new dim, which stands at `dim` (default 0).
 *
 * @throws RangeError if there is none, `dim` is outside, or the shapes differ; TypeError if the dtypes differ
 * @example
 * stack([tensor([1, 2]), tensor([3, 4])], 1).toArray(); // [[1, 3], [2, 4]]
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const [first, ...others] = checkTensors("stack", tensors);
  return first.stack(others, dim);
}

function checkTensors(name: string, tensors: readonly Tensor[]): readonly [Tensor, ...Tensor[]] {
  const [first, ...others] = checkList(name, "tensors", tensors);
  if (first === undefined) throw new RangeError(`${name}: expected at least one tensor, got none`);
  tensors.forEach((entry, i) => checkTensor(name, `tensors[${i}]`, entry));
  return [first, ...others];
}

/** The options of `rand` and `randn`: checked before anything is drawn. */
function checkRandom(name: string, shape: Shape, options: RandomOptions): Required<RandomOptions> {
  checkShape(name, shape);
  const {
    dtype = defaultDtype,
    generator = defaultGenerator,
    requiresGrad = false,
  } = checkOptions(name, options, ["dtype", "generator", "requiresGrad"]);
  return { dtype: checkDtype(name, dtype), generator: checkGenerator(name, generator), requiresGrad };
}

function fill(name: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkShape(name, shape);
  const { dtype = defaultDtype, requiresGrad = false } = checkOptions(name, options, ["dtype", "requiresGrad"]);
  return new Tensor(NdArray.full([...shape], value, checkDtype(name, dtype)), requiresGrad);
}

function draw(shape: Shape, next: () => number, options: TensorOptions): Tensor {
  return tensor(Float64Array.from({ length: sizeOf(shape) }, next), { ...options, shape });
}

/** The kinds of typed arrays that `tensor` takes. */
function isListed(data: ArrayBufferView): boolean {
  return [Float32Array, Float64Array, Int32Array, Uint8Array].some((kind) => data instanceof kind);
}

function shapeOf(data: NestedArray): number[] {
  if (!Array.isArray(data)) return [];
  const [first] = data;
  return first === undefined ? [0] : [data.length, ...shapeOf(first)];
}

function flatten(data: NestedArray, shape: Shape): number[] {
  const flat: number[] = [];
  const visit = (entry: NestedArray, dim: number): void => {
    if (dim === shape.length) {
      if (typeof entry === "number") flat.push(entry);
      else throw new TypeError(`tensor: expected a number at depth ${dim}, got ${describeValue(entry)}`);
    } else if (!Array.isArray(entry) || entry.length !== shape[dim]) {
      throw new RangeError(
        `tensor: expected ${shape[dim]} entries in every array at depth ${dim}, got ${describeValue(entry)}`,
      );
    } else {
      for (const part of entry) visit(part, dim + 1);
    }
  };
  visit(data, 0);
  return flat;
}

function checkShape(name: string, shape: Shape): void {
  if (!checkList(name, "a shape", shape).every((size) => Number.isInteger(size) && size >= 0)) {
    throw new RangeError(`${name}: expected a shape of whole numbers, got ${describeValue(shape)}`);
  }
}
