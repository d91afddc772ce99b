/**
 * The arithmetic of a formula. A norm's forward and backward are written once, generic in `A extends Num<A>`, and read
 * with A = NdArray (numbers), Dual (forward mode), Tensor (writes the tape) or another field.
 *
 * Primitives are abstract: each reading implements them. Everything else is derived here once; a reading may override a
 * derived operation with a faster or better recorded one, and tests hold the two together.
 */
import { describeValue } from "./format.ts";
import { unknownOption } from "./knownOptions.ts";
import {
  broadcastShapes,
  checkIndices,
  checkList,
  countOver,
  formatShape,
  gatherIndex,
  normalizeDim,
  normalizeDims,
  range,
  reducedShape,
  sameShape,
  sizeOf,
} from "./shape.ts";
import type { Shape } from "./shape.ts";

/** Plain values, row-major, as `constant` and `take` show them. Not to be written to. */
export type Values = Readonly<ArrayLike<number>>;

/** Cells to take, fixed or chosen by the values (an argmax, a mask). −1 stands for a zero from outside of the array. */
export type Index = Int32Array | ((values: Values) => Int32Array);

export interface VarianceOptions {
  /** Divide by n − correction: 1 (default, torch.var) is unbiased, 0 biased. */
  readonly correction?: number;
  readonly keepdim?: boolean;
}

/**
 * What an array can do, whatever it is made of: the arithmetic of the readings. A formula that is written once for
 * `A extends Num<A>` runs on plain numbers, on dual numbers and on tensors.
 *
 * @throws RangeError if shapes do not broadcast together or a dim is not there; TypeError if dtypes differ
 * @example
 * const rms = <A extends Num<A>>(x: A): A => x.square().mean().sqrt();
 * rms(tensor([1, 7]).value).data; // Float64Array [5]
 * rms(tensor([1, 7])).item(); // 5
 */
export abstract class Num<A extends Num<A>> {
  abstract readonly shape: Shape;
  /** `this`, typed as the reading that it is. */
  protected abstract self(): A;

  // ── Primitives ──────────────────────────────────────────────────────────────────────────────────────────────────
  // Binary ones broadcast. A number is an exact constant.
  abstract add(other: A | number): A;
  abstract mul(other: A | number): A;
  /** A true division: written as a product with 1/n it would round twice. */
  abstract div(other: A | number): A;
  abstract pow(exponent: number): A;
  abstract exp(): A;
  abstract log(): A;
  abstract tanh(): A;
  /** (2/√π) ∫₀ˣ exp(−t²) dt */
  abstract erf(): A;
  /** 1/√x, and 0 with derivative 0 where x = 0: a constant group then normalizes to 0 when eps is 0. */
  abstract rsqrtOrZero(): A;
  /** Over `dims`, or over all. */
  abstract sum(dims?: readonly number[], keepdim?: boolean): A;
  abstract mean(dims?: readonly number[], keepdim?: boolean): A;
  /**
   * x − mean(x) over `dims`, centred twice: m = K + mean(x − K) with K the group's first element, c = x − m, then
   * c − mean(c). A double holds a mean of 1e8 only to 7e-9; the second centring removes what the first one left, and K
   * makes the mean of a constant group exact. As a linear map it is its own transpose.
   */
  abstract center(dims: readonly number[]): A;
  abstract reshape(shape: Shape): A;
  abstract permute(dims: readonly number[]): A;
  /** Repeats size-1 and missing leading dims up to `shape`. */
  abstract expand(shape: Shape): A;
  /** `this`, then the others, along `dim`. */
  abstract concat(others: readonly A[], dim: number): A;
  /** y[i] = x.flat[index[i]], 0 where index[i] = −1; shape [index.length]. Adjoint to `putAdd`. */
  abstract take(index: Index): A;
  /** y[index[i]] += x.flat[i] on `length` zeros, −1 skipped; shape [length]. Adjoint to `take`. */
  abstract putAdd(index: Int32Array, length: number): A;
  /** An array made from the values whose derivative is zero: masks, signs, maxima, statistics in eval mode. */
  abstract constant(make: (values: Values) => ArrayLike<number>, shape?: Shape): A;
  /** The same values with derivative zero. */
  abstract detach(): A;
  /** [*, m, k] · [*, k, n] with broadcast leading dims. `matmul` adds the cases of one-dimensional operands. */
  protected abstract batchedMatmul(other: A): A;

  // ── Derived ─────────────────────────────────────────────────────────────────────────────────────────────────────
  get ndim(): number {
    return this.shape.length;
  }

  neg(): A {
    return this.mul(-1);
  }

  sub(other: A | number): A {
    return typeof other === "number" ? this.add(-other) : this.add(other.neg());
  }

  square(): A {
    return this.mul(this.self());
  }

  sqrt(): A {
    return this.pow(0.5);
  }

  rsqrt(): A {
    return this.pow(-0.5);
  }

  /** |x|; its derivative at 0 is 0, as in PyTorch. */
  abs(): A {
    return this.mul(this.constant(eachValue(Math.sign)));
  }

  /** 1/(1 + e⁻ˣ), without overflow: with z = e^(−|x|), it is 1/(1+z) for x ≥ 0 and z/(1+z) below. */
  sigmoid(): A {
    const negative = (value: number): boolean => value < 0;
    const z = this.mul(this.constant(eachValue((v) => (negative(v) ? 1 : -1)))).exp();
    const isNegative = this.constant(eachValue((v) => (negative(v) ? 1 : 0)));
    const isPositive = this.constant(eachValue((v) => (negative(v) ? 0 : 1)));
    return z.mul(isNegative).add(isPositive).div(z.add(1));
  }

  /** max(x, 0); its derivative at 0 is 0. */
  relu(): A {
    return this.gather("relu", positiveCells, this.shape);
  }

  /** x · Φ(x) with the exact error function, torch's default. */
  gelu(): A {
    return this.mul(this.mul(Math.SQRT1_2).erf().add(1).mul(0.5));
  }

  /** min(max(x, min), max). The derivative is 1 inside and on the bounds, 0 outside, as in PyTorch. */
  clamp(min: number, max: number): A {
    if (!(min <= max)) throw new RangeError(`clamp: expected min ≤ max, got min ${min} and max ${max}`);
    const inside = this.gather("clamp", insideBounds(min, max), this.shape);
    return inside.add(this.constant(eachValue((v) => (v < min ? min : v > max ? max : 0))));
  }

  /** Largest value over `dims`, or over all. The gradient goes to the first of equal values; NaN wins. */
  max(dims?: readonly number[], keepdim = false): A {
    return this.extreme("max", dims, keepdim, (value, best) => value > best);
  }

  /** Smallest value over `dims`, or over all. The gradient goes to the first of equal values; NaN wins. */
  min(dims?: readonly number[], keepdim = false): A {
    return this.extreme("min", dims, keepdim, (value, best) => value < best);
  }

  /** mean((x − mean)²) · n/(n − correction) over `dims`, or over all. Unbiased by default, as torch.var. */
  variance(dims?: readonly number[], options: VarianceOptions = {}): A {
    const unknown = unknownOption(options, ["correction", "keepdim"]);
    if (unknown !== null) throw new TypeError(`variance: expected ${unknown}`);
    const { correction = 1, keepdim = false } = options;
    const over = normalizeDims(dims, this.ndim, "variance");
    const n = countOver(this.shape, over);
    return this.center(over)
      .square()
      .sum(over, keepdim)
      .div(Math.max(0, n - correction));
  }

  softmax(dim: number): A {
    const exponentials = this.sub(this.detachedMax("softmax", dim)).exp();
    return exponentials.div(exponentials.sum([dim], true));
  }

  logSoftmax(dim: number): A {
    const shifted = this.sub(this.detachedMax("logSoftmax", dim));
    return shifted.sub(shifted.exp().sum([dim], true).log());
  }

  /** Sums over the dims that broadcasting added or repeated: adjoint to `expand`. */
  sumTo(shape: Shape): A {
    if (sameShape(shape, this.shape)) return this.self();
    if (!sameShape(broadcastShapes(shape, this.shape, "sumTo"), this.shape)) {
      throw new RangeError(
        `sumTo: expected a shape that broadcasts to ${formatShape(this.shape)}, got ${formatShape(shape)}`,
      );
    }
    const extra = this.ndim - shape.length;
    const dims = range(this.ndim).filter((dim) => dim < extra || (shape[dim - extra] === 1 && this.shape[dim] !== 1));
    return dims.length === 0 ? this.self() : this.sum(dims).reshape(shape);
  }

  transpose(dim0: number, dim1: number): A {
    const from = normalizeDim(dim0, this.ndim, "transpose");
    const to = normalizeDim(dim1, this.ndim, "transpose");
    return this.permute(range(this.ndim).map((dim) => (dim === from ? to : dim === to ? from : dim)));
  }

  /** Matrix product as in torch.matmul: leading dims broadcast, a vector is a row on the left, a column on the right. */
  matmul(other: A): A {
    const inner = this.shape.at(-1);
    if (inner === undefined || inner !== other.shape.at(other.ndim === 1 ? -1 : -2)) {
      throw new RangeError(
        `matmul: expected shapes [*, m, k] and [*, k, n], got ${formatShape(this.shape)} and ${formatShape(other.shape)}`,
      );
    }
    const left = this.ndim === 1 ? this.reshape([1, inner]) : this.self();
    const right = other.ndim === 1 ? other.reshape([inner, 1]) : other;
    const product = left.batchedMatmul(right);
    if (this.ndim > 1 && other.ndim > 1) return product;
    const drop = [...(this.ndim === 1 ? [product.ndim - 2] : []), ...(other.ndim === 1 ? [product.ndim - 1] : [])];
    return product.reshape(reducedShape(product.shape, drop, false));
  }

  /** x[…, start:end:step, …] along `dim`. Negative bounds count from the end; bounds outside are cut, as in Python. */
  slice(dim: number, start = 0, end: number = Infinity, step = 1): A {
    if (!Number.isInteger(step) || step < 1) throw new RangeError(`slice: expected a step of 1 or more, got ${step}`);
    if (!Number.isInteger(start) || !(Number.isInteger(end) || end === Infinity)) {
      throw new RangeError(`slice: expected whole numbers for start and end, got ${start} and ${end}`);
    }
    const along = normalizeDim(dim, this.ndim, "slice");
    const size = this.shape[along] ?? 0;
    const bound = (at: number): number => Math.min(size, Math.max(0, at < 0 ? at + size : at));
    const positions = range(size).filter((i) => i >= bound(start) && i < bound(end) && (i - bound(start)) % step === 0);
    return this.gatherAlong("slice", along, positions, { dim, start, end, step });
  }

  /** The entries of `dim` at `indices`, in that order, repeated ones included: torch.index_select. */
  indexSelect(dim: number, indices: Readonly<ArrayLike<number>>): A {
    const along = normalizeDim(dim, this.ndim, "indexSelect");
    const size = this.shape[along] ?? 0;
    const positions = Array.from(checkIndices("indexSelect", indices), (index) => {
      if (Number.isInteger(index) && index >= -size && index < size) return index < 0 ? index + size : index;
      throw new RangeError(
        `indexSelect: expected indices in [${-size}, ${size}) for dim ${dim}, got ${describeValue(index)}`,
      );
    });
    const copy = Array.isArray(indices) ? [...indices] : Int32Array.from(indices);
    return this.gatherAlong("indexSelect", along, positions, { dim, indices: copy });
  }

  /** One entry of `dim`, which disappears: x[:, index] for dim 1. */
  select(dim: number, index: number): A {
    const along = normalizeDim(dim, this.ndim, "select");
    const size = this.shape[along] ?? 0;
    if (!Number.isInteger(index) || index < -size || index >= size) {
      throw new RangeError(
        `select: expected an index in [${-size}, ${size}) for dim ${dim}, got ${describeValue(index)}`,
      );
    }
    return this.indexSelect(along, [index]).reshape(reducedShape(this.shape, [along], false));
  }

  /** Zeros around: `amounts` is [before, after] of the last dim, then of the one before it, …, as in torch's F.pad. */
  pad(amounts: readonly number[]): A {
    const whole = checkList("pad", "amounts", amounts).every((n) => Number.isInteger(n) && n >= 0);
    if (!whole || amounts.length % 2 === 1 || amounts.length > 2 * this.ndim) {
      throw new RangeError(`pad: expected pairs of counts for at most ${this.ndim} dims, got ${formatShape(amounts)}`);
    }
    const positions = this.shape.map((size, dim) => {
      const pair = 2 * (this.ndim - 1 - dim);
      const outside = (count: number | undefined): number[] => Array.from({ length: count ?? 0 }, () => -1);
      return [...outside(amounts[pair]), ...range(size), ...outside(amounts[pair + 1])];
    });
    const index = gatherIndex(this.shape, positions);
    return this.gather(
      "pad",
      index,
      positions.map((p) => p.length),
      { amounts: [...amounts] },
    );
  }

  /** Joins arrays of one shape along a new dim. */
  stack(others: readonly A[], dim = 0): A {
    const at = normalizeDim(dim, this.ndim + 1, "stack");
    checkList("stack", "the others", others);
    const widened = (array: A): A => array.reshape([...array.shape.slice(0, at), 1, ...array.shape.slice(at)]);
    const odd = others.find((other) => formatShape(other.shape) !== formatShape(this.shape));
    if (odd !== undefined) {
      throw new RangeError(
        `stack: expected arrays of one shape, got ${formatShape(this.shape)} and ${formatShape(odd.shape)}`,
      );
    }
    return widened(this.self()).concat(others.map(widened), at);
  }

  /** `take` under a name and in a shape of its own: selections are one record of the tape. */
  protected gather(_name: string, index: Index, shape: Shape, _attributes: Readonly<Record<string, unknown>> = {}): A {
    return this.take(index).reshape(shape);
  }

  private gatherAlong(
    name: string,
    along: number,
    positions: readonly number[],
    attributes: Readonly<Record<string, unknown>>,
  ): A {
    const all = this.shape.map((size, dim) => (dim === along ? positions : range(size)));
    return this.gather(
      name,
      gatherIndex(this.shape, all),
      all.map((p) => p.length),
      attributes,
    );
  }

  private extreme(
    name: string,
    dims: readonly number[] | undefined,
    keepdim: boolean,
    better: (value: number, best: number) => boolean,
  ): A {
    const over = normalizeDims(dims, this.ndim, name);
    const groups = reducedShape(this.shape, over, true);
    if (sizeOf(this.shape) === 0 && sizeOf(groups) > 0) {
      throw new RangeError(`${name}: expected at least one value to choose from, got shape ${formatShape(this.shape)}`);
    }
    const groupOf = gatherIndex(
      groups,
      this.shape.map((n, d) => range(n).map((i) => (over.includes(d) ? 0 : i))),
    );
    const firstBest = (values: Values): Int32Array => {
      const index = new Int32Array(sizeOf(groups)).fill(-1);
      groupOf.forEach((group, cell) => {
        const best = values[index[group] ?? -1];
        const value = values[cell] ?? NaN;
        if (best === undefined || better(value, best) || (Number.isNaN(value) && !Number.isNaN(best))) {
          index[group] = cell;
        }
      });
      return index;
    };
    const attributes = { ...(dims && { dims: [...dims] }), ...(keepdim && { keepdim }) };
    return this.gather(name, firstBest, reducedShape(this.shape, over, keepdim), attributes);
  }

  private detachedMax(name: string, dim: number): A {
    const along = normalizeDim(dim, this.ndim, name);
    return this.shape[along] === 0 ? this.detach().sum([along], true) : this.detach().max([along], true).detach();
  }
}

/** A value for each value. A loop: Float64Array.from with a function takes forty times as long. */
export function eachValue(f: (value: number) => number): (values: Values) => Float64Array {
  return (values) => {
    const mapped = new Float64Array(values.length);
    for (let i = 0; i < mapped.length; i++) mapped[i] = f(values[i] ?? NaN);
    return mapped;
  };
}

/** Chooses the cells whose value passes; the others become zero without a product that would turn ∞ · 0 into NaN. */
function keepWhere(passes: (value: number) => boolean): (values: Values) => Int32Array {
  return (values) => {
    const cells = new Int32Array(values.length);
    for (let cell = 0; cell < cells.length; cell++) cells[cell] = passes(values[cell] ?? NaN) ? cell : -1;
    return cells;
  };
}

/** The cells that relu leaves as they are; NaN is one of them. */
export const positiveCells: (values: Values) => Int32Array = /* @__PURE__ */ keepWhere((value) => !(value <= 0));

/** The cells that clamp leaves as they are; NaN is one of them. */
export function insideBounds(min: number, max: number): (values: Values) => Int32Array {
  return keepWhere((value) => !(value < min || value > max));
}

/** The derivative of xᵖ, p · xᵖ⁻¹, which for p = 0 is 0 at x = 0 too. */
export function powSlope<A extends Num<A>>(x: A, exponent: number): A {
  return exponent === 0 ? x.constant((values) => new Float64Array(values.length)) : x.pow(exponent - 1).mul(exponent);
}
