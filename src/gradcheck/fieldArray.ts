/** FieldArray: one more reading of a formula, over any field of numbers. Slow and plain: it is the judge, not the runner. */
import { Num } from "../autograd/num.ts";
import { NdArray } from "../autograd/ndarray.ts";
import type { Index, Values } from "../autograd/num.ts";
import { broadcastShapes, formatShape, inferShape, sameShape, sizeOf } from "../autograd/shape.ts";
import type { Shape } from "../autograd/shape.ts";
import { cellsOf, groupsOf, repeatedCells } from "./cells.ts";
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
    return new NdArray(this.#values(), this.shape);
  }

  protected override self(): FieldArray<S> {
    return this;
  }

  override add(other: FieldArray<S> | number): FieldArray<S> {
    return this.#zip("add", other, this.field.add);
  }

  override sub(other: FieldArray<S> | number): FieldArray<S> {
    return this.#zip("sub", other, this.field.sub);
  }

  override mul(other: FieldArray<S> | number): FieldArray<S> {
    return this.#zip("mul", other, this.field.mul);
  }

  override div(other: FieldArray<S> | number): FieldArray<S> {
    return this.#zip("div", other, this.field.div);
  }

  override pow(exponent: number): FieldArray<S> {
    return this.#map((x) => this.field.pow(x, exponent));
  }

  override exp(): FieldArray<S> {
    return this.#map(this.field.exp);
  }

  override log(): FieldArray<S> {
    return this.#map(this.field.log);
  }

  override tanh(): FieldArray<S> {
    return this.#map(this.field.tanh);
  }

  override erf(): FieldArray<S> {
    return this.#map(this.field.erf);
  }

  override rsqrtOrZero(): FieldArray<S> {
    return this.#map(this.field.rsqrtOrZero);
  }

  override sum(dims?: readonly number[], keepdim = false): FieldArray<S> {
    return this.#reduce("sum", dims, keepdim, (group) => this.field.sum(group));
  }

  override mean(dims?: readonly number[], keepdim = false): FieldArray<S> {
    const { of, sum, div } = this.field;
    return this.#reduce("mean", dims, keepdim, (group) => div(sum(group), of(group.length)));
  }

  override center(dims: readonly number[]): FieldArray<S> {
    const centered = [...this.data];
    for (const cells of groupsOf(this.shape, dims, "center").members) {
      const group = this.field.center(cells.map((cell) => this.#at(cell)));
      group.forEach((x, i) => (centered[cells[i] ?? 0] = x));
    }
    return new FieldArray(this.field, centered, this.shape);
  }

  override reshape(shape: Shape): FieldArray<S> {
    return new FieldArray(this.field, this.data, inferShape(shape, this.data.length, "reshape"));
  }

  override permute(dims: readonly number[]): FieldArray<S> {
    if (dims.length === this.ndim && dims.every((dim, i) => dim === i)) return this;
    const cells = cellsOf(this.shape).permute(dims);
    return this.#pick(cells.data, cells.shape);
  }

  override expand(shape: Shape): FieldArray<S> {
    if (sameShape(shape, this.shape)) return this;
    return this.#pick(repeatedCells(this.shape, shape), shape);
  }

  override concat(others: readonly FieldArray<S>[], dim: number): FieldArray<S> {
    const all = [this, ...others].flatMap((array) => array.data);
    let start = this.data.length;
    const numbered = others.map((other) => {
      start += other.data.length;
      return cellsOf(other.shape).add(start - other.data.length);
    });
    const cells = cellsOf(this.shape).concat(numbered, dim);
    return new FieldArray(this.field, all, [all.length]).#pick(cells.data, cells.shape);
  }

  override take(index: Index): FieldArray<S> {
    const cells = typeof index === "function" ? index(this.#values()) : index;
    checkCells("take", cells, this.data.length);
    return this.#pick(cells, [cells.length]);
  }

  override putAdd(index: Int32Array, length: number): FieldArray<S> {
    if (index.length !== this.data.length) {
      throw new RangeError(`putAdd: expected one index a value (${this.data.length}), got ${index.length}`);
    }
    checkCells("putAdd", index, length);
    const terms: S[][] = Array.from({ length }, () => []);
    index.forEach((cell, i) => terms[cell]?.push(this.#at(i)));
    return new FieldArray(this.field, terms.map(this.field.sum), [length]);
  }

  override constant(make: (values: Values) => ArrayLike<number>, shape: Shape = this.shape): FieldArray<S> {
    return new FieldArray(this.field, Array.from(make(this.#values()), this.field.of), shape);
  }

  override detach(): FieldArray<S> {
    return this;
  }

  protected override batchedMatmul(other: FieldArray<S>): FieldArray<S> {
    const [m = 0, k = 0] = this.shape.slice(-2);
    const n = other.shape.at(-1) ?? 0;
    broadcastShapes(this.shape.slice(0, -2), other.shape.slice(0, -2), "matmul");
    const left = this.reshape([...this.shape.slice(0, -2), m, k, 1]);
    const right = other.reshape([...other.shape.slice(0, -2), 1, k, n]);
    return left.mul(right).sum([-2]);
  }

  // Private by #: what a plain function calls on a typed array (map, at, values) must not exist here.
  #at(cell: number): S {
    return this.data[cell] ?? this.field.zero;
  }

  #values(): Float64Array {
    return Float64Array.from(this.data, this.field.value);
  }

  #map(f: (x: S) => S): FieldArray<S> {
    return new FieldArray(this.field, this.data.map(f), this.shape);
  }

  #zip(name: string, other: FieldArray<S> | number, f: (x: S, y: S) => S): FieldArray<S> {
    if (typeof other === "number") {
      const constant = this.field.of(other);
      return this.#map((x) => f(x, constant));
    }
    const shape = broadcastShapes(this.shape, other.shape, name);
    const left = this.expand(shape);
    const right = other.expand(shape);
    const data = left.data.map((x, i) => f(x, right.#at(i)));
    return new FieldArray(this.field, data, shape);
  }

  #reduce(
    name: string,
    dims: readonly number[] | undefined,
    keepdim: boolean,
    f: (group: readonly S[]) => S,
  ): FieldArray<S> {
    const { members, kept, dropped } = groupsOf(this.shape, dims, name);
    const data = members.map((cells) => f(cells.map((cell) => this.#at(cell))));
    return new FieldArray(this.field, data, keepdim ? kept : dropped);
  }

  /** The numbers of these cells; −1 is a zero from outside. */
  #pick(cells: ArrayLike<number>, shape: Shape): FieldArray<S> {
    const data: S[] = [];
    for (let i = 0; i < cells.length; i++) data.push(this.#at(cells[i] ?? -1));
    return new FieldArray(this.field, data, shape);
  }
}

function checkCells(name: string, cells: Int32Array, length: number): void {
  const odd = cells.find((cell) => cell < -1 || cell >= length);
  if (odd !== undefined) throw new RangeError(`${name}: expected indices in [-1, ${length}), got ${odd}`);
}
