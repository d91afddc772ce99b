/** FieldArray: one more reading of a formula, over any field of numbers. Slow and plain: it is the judge, not the runner. */
import { Num } from "../autograd/num.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Index, Values } from "../autograd/num.ts";
import {
  broadcastShapes,
  formatShape,
  normalizeDims,
  range,
  reducedShape,
  sameShape,
  sizeOf,
} from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import type { Field } from "./field.ts";

/**
 * An array of numbers of a field.
 *
 * @example
 * const x = FieldArray.from(doubleDouble, tensor([1, 2, 4]).value);
 * layerNormForward(x, null, null, { normalizedShape: [3], eps: 1e-5 }).output.toNdArray(); // correctly rounded
 */
export class FieldArray<S> extends Num<FieldArray<S>> {
  readonly field: Field<S>;
  readonly data: readonly S[];
  readonly shape: Shape;

  constructor(field: Field<S>, data: readonly S[], shape: Shape) {
    super();
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(
        `FieldArray: expected ${sizeOf(shape)} values for shape ${formatShape(shape)}, got ${data.length}`,
      );
    }
    this.field = field;
    this.data = data;
    this.shape = shape;
  }

  /** The same numbers, exactly. */
  static from<S>(field: Field<S>, array: NdArray): FieldArray<S> {
    return new FieldArray(field, Array.from(array.data, field.of), array.shape);
  }

  /** Rounded to doubles. */
  toNdArray(): NdArray {
    return new NdArray(this.values(), this.shape);
  }

  protected override self(): FieldArray<S> {
    return this;
  }

  override add(other: FieldArray<S> | number): FieldArray<S> {
    return this.zip("add", other, this.field.add);
  }

  override sub(other: FieldArray<S> | number): FieldArray<S> {
    return this.zip("sub", other, this.field.sub);
  }

  override mul(other: FieldArray<S> | number): FieldArray<S> {
    return this.zip("mul", other, this.field.mul);
  }

  override div(other: FieldArray<S> | number): FieldArray<S> {
    return this.zip("div", other, this.field.div);
  }

  /** Whole powers by multiplication, halves by square roots, others as exp(p · log x). */
  override pow(exponent: number): FieldArray<S> {
    const { of, mul, div, sqrt, exp, log } = this.field;
    const one = of(1);
    const size = Math.abs(exponent);
    const power = (x: S): S => {
      if (!Number.isInteger(2 * size)) return exp(mul(of(size), log(x)));
      let product = Number.isInteger(size) ? one : sqrt(x);
      for (let i = 0; i < Math.floor(size); i++) product = mul(product, x);
      return product;
    };
    return this.map((x) => (exponent < 0 ? div(one, power(x)) : power(x)));
  }

  override exp(): FieldArray<S> {
    return this.map(this.field.exp);
  }

  override log(): FieldArray<S> {
    return this.map(this.field.log);
  }

  override tanh(): FieldArray<S> {
    return this.map(this.field.tanh);
  }

  override erf(): FieldArray<S> {
    return this.map(this.field.erf);
  }

  override rsqrtOrZero(): FieldArray<S> {
    const { of, div, sqrt, value, zero } = this.field;
    return this.map((x) => (value(x) === 0 ? zero : div(of(1), sqrt(x))));
  }

  override sum(dims?: readonly number[], keepdim = false): FieldArray<S> {
    const over = normalizeDims(dims, this.ndim, "sum");
    const sums = this.groups(over).map((cells) => this.field.sum(cells.map((cell) => this.at(cell))));
    return new FieldArray(this.field, sums, reducedShape(this.shape, over, keepdim));
  }

  override mean(dims?: readonly number[], keepdim = false): FieldArray<S> {
    const over = normalizeDims(dims, this.ndim, "mean");
    return this.sum(over, keepdim).div(sizeOf(over.map((dim) => this.shape[dim] ?? 1)));
  }

  override center(dims: readonly number[]): FieldArray<S> {
    const centered = [...this.data];
    for (const cells of this.groups(normalizeDims(dims, this.ndim, "center"))) {
      const group = this.field.center(cells.map((cell) => this.at(cell)));
      cells.forEach((cell, i) => {
        centered[cell] = group[i] ?? this.field.zero;
      });
    }
    return new FieldArray(this.field, centered, this.shape);
  }

  override reshape(shape: Shape): FieldArray<S> {
    return this.moved((cells) => cells.reshape(shape));
  }

  override permute(dims: readonly number[]): FieldArray<S> {
    return this.moved((cells) => cells.permute(dims));
  }

  override expand(shape: Shape): FieldArray<S> {
    return sameShape(shape, this.shape) ? this : this.moved((cells) => cells.expand(shape));
  }

  override concat(others: readonly FieldArray<S>[], dim: number): FieldArray<S> {
    const all = [this, ...others].flatMap((array) => array.data);
    let start = this.data.length;
    const numbered = others.map((other) => {
      start += other.data.length;
      return cellsOf(other.shape).add(start - other.data.length);
    });
    const cells = cellsOf(this.shape).concat(numbered, dim);
    return new FieldArray(this.field, all, [all.length]).pick(cells);
  }

  override take(index: Index): FieldArray<S> {
    const cells = typeof index === "function" ? index(this.values()) : index;
    return new FieldArray(
      this.field,
      Array.from(cells, (cell) => (cell < 0 ? this.field.zero : this.at(cell))),
      [cells.length],
    );
  }

  override putAdd(index: Int32Array, length: number): FieldArray<S> {
    if (index.length !== this.data.length) {
      throw new RangeError(`putAdd: expected one index a value (${this.data.length}), got ${index.length}`);
    }
    const terms: S[][] = Array.from({ length }, () => []);
    index.forEach((cell, i) => terms[cell]?.push(this.at(i)));
    return new FieldArray(this.field, terms.map(this.field.sum), [length]);
  }

  override constant(make: (values: Values) => ArrayLike<number>, shape: Shape = this.shape): FieldArray<S> {
    return new FieldArray(this.field, Array.from(make(this.values()), this.field.of), shape);
  }

  override detach(): FieldArray<S> {
    return this;
  }

  protected override batchedMatmul(other: FieldArray<S>): FieldArray<S> {
    const [m = 0, k = 0] = this.shape.slice(-2);
    const n = other.shape.at(-1) ?? 0;
    const left = this.reshape([...this.shape.slice(0, -2), m, k, 1]);
    const right = other.reshape([...other.shape.slice(0, -2), 1, k, n]);
    return left.mul(right).sum([-2]);
  }

  private at(cell: number): S {
    return this.data[cell] ?? this.field.zero;
  }

  private values(): Float64Array {
    return Float64Array.from(this.data, this.field.value);
  }

  private map(f: (x: S) => S): FieldArray<S> {
    return new FieldArray(this.field, this.data.map(f), this.shape);
  }

  private zip(name: string, other: FieldArray<S> | number, f: (x: S, y: S) => S): FieldArray<S> {
    if (typeof other === "number") {
      const constant = this.field.of(other);
      return this.map((x) => f(x, constant));
    }
    const shape = broadcastShapes(this.shape, other.shape, name);
    const right = other.expand(shape);
    const left = this.expand(shape);
    return new FieldArray(
      this.field,
      left.data.map((x, i) => f(x, right.at(i))),
      shape,
    );
  }

  /** The cells that every output of a reduction is made of. */
  private groups(over: readonly number[]): number[][] {
    const groups = reducedShape(this.shape, over, true);
    const cells: number[][] = range(sizeOf(groups)).map(() => []);
    cellsOf(groups)
      .expand(this.shape)
      .data.forEach((group, cell) => cells[group]?.push(cell));
    return cells;
  }

  /** Moves cells as a plain array of their numbers is moved. */
  private moved(move: (cells: NdArray) => NdArray): FieldArray<S> {
    return this.pick(move(cellsOf(this.shape)));
  }

  private pick(cells: NdArray): FieldArray<S> {
    return new FieldArray(
      this.field,
      Array.from(cells.data, (cell) => this.at(cell)),
      cells.shape,
    );
  }
}

/** Every cell's own number. */
function cellsOf(shape: Shape): NdArray {
  return new NdArray(
    Float64Array.from({ length: sizeOf(shape) }, (_, cell) => cell),
    shape,
  );
}
