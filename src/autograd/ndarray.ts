/** NdArray: plain numbers. Immutable, contiguous, row-major, float32 or float64. */
import { matmul } from "../kernels/matmul.ts";
import { sumOver } from "../kernels/reduce.ts";
import {
  addNumber,
  addRun,
  broadcastStrides,
  divNumber,
  divRun,
  mulNumber,
  mulRun,
  stridedCopy,
  subRun,
  zip,
} from "../kernels/strided.ts";
import type { BinaryRun, NumberLoop } from "../kernels/strided.ts";
import * as wasm from "../kernels/wasm/elementwise.ts";
import { matmul as wasmMatmul } from "../kernels/wasm/matmul.ts";
import { choose } from "./backend.ts";
import { erf } from "./erf.ts";
import { describeValue } from "./format.ts";
import { Num } from "./num.ts";
import type { Index, Values } from "./num.ts";
import {
  broadcastShapes,
  countOver,
  formatShape,
  inferShape,
  normalizeDim,
  normalizeDims,
  reducedShape,
  sameShape,
  sizeOf,
  stridesOf,
} from "./shape.ts";
import type { Shape } from "./shape.ts";

export type Dtype = "float32" | "float64";
export type FloatArray = Float32Array | Float64Array;

export function dtypeOf(data: FloatArray): Dtype {
  return data instanceof Float32Array ? "float32" : "float64";
}

export function checkDtype(name: string, dtype: Dtype): Dtype {
  if (dtype !== "float32" && dtype !== "float64") {
    throw new TypeError(`${name}: expected dtype "float32" or "float64", got ${String(dtype)}`);
  }
  return dtype;
}

function allocate(dtype: Dtype, source: number | ArrayLike<number>): FloatArray {
  if (typeof source === "number") return dtype === "float32" ? new Float32Array(source) : new Float64Array(source);
  return dtype === "float32" ? new Float32Array(source) : new Float64Array(source);
}

/**
 * An array of numbers with a shape: what a formula works on when no gradient is asked for.
 *
 * @param data the values in row-major order. Kept, not copied: nobody may write to it afterwards.
 * @param shape its product must be `data.length`; copied
 * @throws RangeError if it is not
 * @example
 * const x = new NdArray(Float64Array.of(1, 2, 3, 4), [2, 2]);
 * x.mean([1]).data; // Float64Array [1.5, 3.5]
 */
export class NdArray extends Num<NdArray> {
  readonly data: FloatArray;
  readonly shape: Shape;

  constructor(data: FloatArray, shape: Shape) {
    super();
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(
        `NdArray: expected ${sizeOf(shape)} values for shape ${formatShape(shape)}, got ${data.length}`,
      );
    }
    this.data = data;
    this.shape = shape.slice();
  }

  /** An array of one repeated value. */
  static full(shape: Shape, value: number, dtype: Dtype): NdArray {
    return new NdArray(allocate(dtype, sizeOf(shape)).fill(value), shape);
  }

  get dtype(): Dtype {
    return dtypeOf(this.data);
  }

  /** The same values, rounded to nearest where `dtype` is narrower. */
  to(dtype: Dtype): NdArray {
    return dtype === this.dtype ? this : new NdArray(allocate(checkDtype("to", dtype), this.data), this.shape);
  }

  protected override self(): NdArray {
    return this;
  }

  override add(other: NdArray | number): NdArray {
    if (typeof other === "number") return this.withNumber(other, addNumber);
    return this.zipWith("add", other, choose(addRun, wasm.addRun));
  }

  override sub(other: NdArray | number): NdArray {
    if (typeof other === "number") return this.withNumber(-other, addNumber);
    return this.zipWith("sub", other, choose(subRun, wasm.subRun));
  }

  override mul(other: NdArray | number): NdArray {
    if (typeof other === "number") return this.withNumber(other, mulNumber);
    return this.zipWith("mul", other, choose(mulRun, wasm.mulRun));
  }

  override div(other: NdArray | number): NdArray {
    if (typeof other === "number") return this.withNumber(other, divNumber);
    return this.zipWith("div", other, choose(divRun, wasm.divRun));
  }

  override pow(exponent: number): NdArray {
    if (exponent === 0.5) return this.map(Math.sqrt); // correctly rounded, which Math.pow is not
    if (exponent === -0.5) return this.map((x) => 1 / Math.sqrt(x));
    return this.map((x) => x ** exponent);
  }

  override exp(): NdArray {
    return this.map(Math.exp);
  }

  override log(): NdArray {
    return this.map(Math.log);
  }

  override tanh(): NdArray {
    return this.map(Math.tanh);
  }

  override erf(): NdArray {
    return this.map(erf);
  }

  override rsqrtOrZero(): NdArray {
    return this.map((x) => (x === 0 ? 0 : 1 / Math.sqrt(x)));
  }

  override sum(dims?: readonly number[], keepdim = false): NdArray {
    return this.reduce("sum", dims, keepdim, 1);
  }

  override mean(dims?: readonly number[], keepdim = false): NdArray {
    const over = normalizeDims(dims, this.ndim, "mean");
    return this.reduce("mean", over, keepdim, countOver(this.shape, over));
  }

  override center(dims: readonly number[]): NdArray {
    const over = normalizeDims(dims, this.ndim, "center");
    if (this.data.length === 0) return this;
    const first = over.reduce<NdArray>((array, dim) => array.slice(dim, 0, 1), this);
    const mean = first.add(this.sub(first).mean(over, true));
    const centered = this.sub(mean);
    return centered.sub(centered.mean(over, true));
  }

  override reshape(shape: Shape): NdArray {
    const inferred = inferShape(shape, this.data.length, "reshape");
    return sameShape(inferred, this.shape) ? this : new NdArray(this.data, inferred);
  }

  override permute(dims: readonly number[]): NdArray {
    const order = dims.map((dim) => normalizeDim(dim, this.ndim, "permute"));
    if (order.length !== this.ndim || new Set(order).size !== this.ndim) {
      throw new RangeError(`permute: expected each of ${this.ndim} dims once, got ${formatShape(dims)}`);
    }
    const strides = stridesOf(this.shape);
    return this.strided(
      order.map((dim) => this.shape[dim] ?? 0),
      order.map((dim) => strides[dim] ?? 0),
    );
  }

  override expand(shape: Shape): NdArray {
    if (sameShape(shape, this.shape)) return this;
    if (!sameShape(broadcastShapes(this.shape, shape, "expand"), shape)) {
      throw new RangeError(
        `expand: expected a shape that ${formatShape(this.shape)} broadcasts to, got ${formatShape(shape)}`,
      );
    }
    return this.strided(shape, broadcastStrides(this.shape, shape));
  }

  override concat(others: readonly NdArray[], dim: number): NdArray {
    const along = normalizeDim(dim, this.ndim, "concat");
    const arrays = [this, ...others];
    const odd = others.find(
      (other) => !sameShape(reducedShape(other.shape, [along], true), reducedShape(this.shape, [along], true)),
    );
    if (odd !== undefined) {
      throw new RangeError(
        `concat: expected shapes that agree but along dim ${dim}, got ${formatShape(this.shape)} and ${formatShape(odd.shape)}`,
      );
    }
    for (const other of others) this.expectDtype("concat", other);
    const sizes = arrays.map((array) => array.shape[along] ?? 0);
    const shape = this.shape.with(
      along,
      sizes.reduce((a, b) => a + b, 0),
    );
    const data = allocate(this.dtype, sizeOf(shape));
    const outer = sizeOf(shape.slice(0, along));
    const rowSizes = arrays.map((array) => array.data.length / Math.max(1, outer));
    for (let row = 0, at = 0; row < outer; row++) {
      arrays.forEach((array, i) => {
        const length = rowSizes[i] ?? 0;
        data.set(array.data.subarray(row * length, (row + 1) * length), at);
        at += length;
      });
    }
    return new NdArray(data, shape);
  }

  override take(index: Index): NdArray {
    const cells = typeof index === "function" ? index(this.data) : index;
    const data = allocate(this.dtype, cells.length);
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      const value = cell === -1 ? 0 : this.data[cell];
      if (value === undefined) throw outside("take", cell, this.data.length);
      data[i] = value;
    }
    return new NdArray(data, [cells.length]);
  }

  override putAdd(index: Int32Array, length: number): NdArray {
    if (index.length !== this.data.length) {
      throw new RangeError(`putAdd: expected one index a value (${this.data.length}), got ${index.length}`);
    }
    const sums = new Float64Array(length);
    for (let i = 0; i < index.length; i++) {
      const cell = index[i]!;
      if (cell < -1 || cell >= length) throw outside("putAdd", cell, length);
      if (cell >= 0) sums[cell]! += this.data[i]!;
    }
    return new NdArray(sums, [length]).to(this.dtype);
  }

  override constant(make: (values: Values) => ArrayLike<number>, shape: Shape = this.shape): NdArray {
    return new NdArray(allocate(this.dtype, make(this.data)), shape);
  }

  override detach(): NdArray {
    return this;
  }

  protected override batchedMatmul(other: NdArray): NdArray {
    this.expectDtype("matmul", other);
    const [m = 0, k = 0] = this.shape.slice(-2);
    const n = other.shape.at(-1) ?? 0;
    const batch = broadcastShapes(this.shape.slice(0, -2), other.shape.slice(0, -2), "matmul");
    const left = this.expand([...batch, m, k]);
    const right = other.expand([...batch, k, n]);
    const data = allocate(this.dtype, sizeOf(batch) * m * n);
    const multiply = choose(matmul, wasmMatmul);
    for (let i = 0; i < sizeOf(batch); i++) {
      const offsets = { aOffset: i * m * k, bOffset: i * k * n, outOffset: i * m * n };
      multiply(data, left.data, right.data, m, k, n, offsets);
    }
    return new NdArray(data, [...batch, m, n]);
  }

  private map(f: (x: number) => number): NdArray {
    const data = allocate(this.dtype, this.data.length);
    for (let i = 0; i < data.length; i++) data[i] = f(this.data[i]!);
    return new NdArray(data, this.shape);
  }

  private withNumber(other: number, loop: NumberLoop): NdArray {
    const data = allocate(this.dtype, this.data.length);
    loop(data, this.data, other);
    return new NdArray(data, this.shape);
  }

  private zipWith(name: string, other: NdArray, run: BinaryRun): NdArray {
    this.expectDtype(name, other);
    const shape = broadcastShapes(this.shape, other.shape, name);
    const data = allocate(this.dtype, sizeOf(shape));
    if (this.data.length === data.length && other.data.length === data.length) {
      run(data, 0, this.data, 0, 1, other.data, 0, 1, data.length);
    } else zip(data, this.data, this.shape, other.data, other.shape, shape, run);
    return new NdArray(data, shape);
  }

  private reduce(name: string, dims: readonly number[] | undefined, keepdim: boolean, divisor: number): NdArray {
    const over = normalizeDims(dims, this.ndim, name);
    const sums = sumOver(this.data, this.shape, over);
    if (divisor !== 1) for (let i = 0; i < sums.length; i++) sums[i]! /= divisor;
    return new NdArray(
      this.dtype === "float64" ? sums : new Float32Array(sums),
      reducedShape(this.shape, over, keepdim),
    );
  }

  private strided(shape: Shape, strides: readonly number[]): NdArray {
    const data = allocate(this.dtype, sizeOf(shape));
    stridedCopy(data, this.data, shape, strides);
    return new NdArray(data, shape);
  }

  private expectDtype(name: string, other: NdArray): void {
    if (!(other instanceof NdArray)) {
      throw new TypeError(`${name}: expected both operands to be NdArrays, got ${describeValue(other)}`);
    }
    if (other.dtype !== this.dtype) {
      throw new TypeError(
        `${name}: expected both operands in one dtype, got ${this.dtype} and ${other.dtype}: convert one with .to(dtype)`,
      );
    }
  }
}

function outside(name: string, index: number, length: number): RangeError {
  return new RangeError(`${name}: expected indices in [-1, ${length}), got ${index}`);
}
