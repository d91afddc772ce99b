/**
 * The primitive rules: for each op the output, and beside it the pullback that turns ∂L/∂output into ∂L/∂inputs. They
 * are generic in the reading: on numbers they are the two passes, on tensors they write the tape of the backward itself,
 * which is what a second derivative is made of.
 *
 * What needs no comment has none: dy is `g`, and a linear op's pullback is its transpose.
 */
import { eachValue, insideBounds, positiveCells, powSlope } from "./num.ts";
import type { Index, Num } from "./num.ts";
import { countOver, normalizeDim, normalizeDims, reducedShape, sameShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import type { Traced } from "./tape.ts";

type One<A> = Traced<A, readonly [A]>;
type Two<A> = Traced<A, readonly [A, A]>;
type Unary = <A extends Num<A>>(x: A) => One<A>;

// ── Arithmetic: operands broadcast, so their gradients are summed back ──────────────────────────────────────────────
export const add = <A extends Num<A>>(a: A, b: A): Two<A> => ({
  output: a.add(b),
  pullback: (g) => [g.sumTo(a.shape), g.sumTo(b.shape)],
});

export const sub = <A extends Num<A>>(a: A, b: A): Two<A> => ({
  output: a.sub(b),
  pullback: (g) => [g.sumTo(a.shape), g.neg().sumTo(b.shape)],
});

export const mul = <A extends Num<A>>(a: A, b: A): Two<A> => ({
  output: a.mul(b),
  pullback: (g) => [g.mul(b).sumTo(a.shape), g.mul(a).sumTo(b.shape)],
});

export const div = <A extends Num<A>>(a: A, b: A): Two<A> => {
  const output = a.div(b);
  return {
    output,
    pullback: (g) => {
      const gradA = g.div(b);
      return [gradA.sumTo(a.shape), gradA.mul(output).neg().sumTo(b.shape)];
    },
  };
};

export const addNumber =
  (c: number): Unary =>
  (x) => ({ output: x.add(c), pullback: (g) => [g] });

export const mulNumber =
  (c: number): Unary =>
  (x) => ({ output: x.mul(c), pullback: (g) => [g.mul(c)] });

export const divNumber =
  (c: number): Unary =>
  (x) => ({ output: x.div(c), pullback: (g) => [g.div(c)] });

export const neg: Unary = (x) => ({ output: x.neg(), pullback: (g) => [g.neg()] });

export const square: Unary = (x) => ({ output: x.square(), pullback: (g) => [g.mul(x).mul(2)] });

export const pow =
  (exponent: number): Unary =>
  (x) => ({ output: x.pow(exponent), pullback: (g) => [g.mul(powSlope(x, exponent))] });

// ── Element by element ──────────────────────────────────────────────────────────────────────────────────────────────
export const sqrt: Unary = (x) => {
  const output = x.sqrt();
  return { output, pullback: (g) => [g.div(output).mul(0.5)] };
};

export const rsqrt: Unary = (x) => {
  const output = x.rsqrt();
  return { output, pullback: (g) => [g.mul(output.square().mul(output)).mul(-0.5)] };
};

/** −½ · y³, which is 0 where y is. */
export const rsqrtOrZero: Unary = (x) => {
  const output = x.rsqrtOrZero();
  return { output, pullback: (g) => [g.mul(output.square().mul(output)).mul(-0.5)] };
};

export const exp: Unary = (x) => {
  const output = x.exp();
  return { output, pullback: (g) => [g.mul(output)] };
};

export const log: Unary = (x) => ({ output: x.log(), pullback: (g) => [g.div(x)] });

/** 1 − y² */
export const tanh: Unary = (x) => {
  const output = x.tanh();
  return { output, pullback: (g) => [g.mul(output.square().neg().add(1))] };
};

/** y · (1 − y) */
export const sigmoid: Unary = (x) => {
  const output = x.sigmoid();
  return { output, pullback: (g) => [g.mul(output.sub(output.square()))] };
};

/** 2/√π · exp(−x²) */
export const erf: Unary = (x) => ({
  output: x.erf(),
  pullback: (g) => [g.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI))],
});

/** Φ(x) + x · φ(x), the normal distribution and its density. */
export const gelu: Unary = (x) => ({
  output: x.gelu(),
  pullback: (g) => {
    const distribution = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
    const density = x
      .square()
      .mul(-0.5)
      .exp()
      .div(Math.sqrt(2 * Math.PI));
    return [g.mul(distribution.add(x.mul(density)))];
  },
});

/** The gradient is selected: a product with a mask would turn ∞ · 0 into NaN. */
export const relu: Unary = (x) => gather(positiveCells, x.shape)(x);

export const abs: Unary = (x) => ({
  output: x.abs(),
  pullback: (g) => [g.mul(x.constant(eachValue(Math.sign)))],
});

/** The gradient passes inside the bounds and on them; it is selected, since a product would turn ∞ · 0 into NaN. */
export const clamp =
  (min: number, max: number): Unary =>
  (x) => ({
    output: x.clamp(min, max),
    pullback: (g) => gather(insideBounds(min, max), x.shape)(x).pullback(g),
  });

// ── Reductions ──────────────────────────────────────────────────────────────────────────────────────────────────────
export const sum =
  (dims: readonly number[] | undefined, keepdim: boolean): Unary =>
  (x) => ({ output: x.sum(dims, keepdim), pullback: (g) => [spread(g, x.shape, dims)] });

export const mean =
  (dims: readonly number[] | undefined, keepdim: boolean): Unary =>
  (x) => {
    const count = countOver(x.shape, normalizeDims(dims, x.ndim, "mean"));
    return { output: x.mean(dims, keepdim), pullback: (g) => [spread(g.div(count), x.shape, dims)] };
  };

/** The centring matrix I − 11ᵀ/n is symmetric. */
export const center =
  (dims: readonly number[]): Unary =>
  (x) => ({ output: x.center(dims), pullback: (g) => [g.center(dims)] });

/** 2 (x − μ) / (n − correction): the path through μ is zero, since the deviations sum to zero. */
export const variance =
  (dims: readonly number[] | undefined, correction: number, keepdim: boolean): Unary =>
  (x) => {
    const over = normalizeDims(dims, x.ndim, "variance");
    const divisor = Math.max(0, countOver(x.shape, over) - correction);
    return {
      output: x.variance(over, { correction, keepdim }),
      pullback: (g) => [spread(g.mul(2).div(divisor), x.shape, over).mul(x.center(over))],
    };
  };

/** y · (g − Σ g·y) */
export const softmax =
  (dim: number): Unary =>
  (x) => {
    const output = x.softmax(dim);
    return { output, pullback: (g) => [output.mul(g.sub(g.mul(output).sum([dim], true)))] };
  };

/** g − softmax · Σ g */
export const logSoftmax =
  (dim: number): Unary =>
  (x) => {
    const output = x.logSoftmax(dim);
    return { output, pullback: (g) => [g.sub(output.exp().mul(g.sum([dim], true)))] };
  };

// ── Shape and selection ─────────────────────────────────────────────────────────────────────────────────────────────
export const reshape =
  (shape: Shape): Unary =>
  (x) => ({ output: x.reshape(shape), pullback: (g) => [g.reshape(x.shape)] });

export const permute =
  (dims: readonly number[]): Unary =>
  (x) => {
    const inverse = dims.map((_, dim) => dims.findIndex((from) => normalizeDim(from, x.ndim, "permute") === dim));
    return { output: x.permute(dims), pullback: (g) => [g.permute(inverse)] };
  };

export const expand =
  (shape: Shape): Unary =>
  (x) => ({ output: x.expand(shape), pullback: (g) => [g.sumTo(x.shape)] });

export const concat =
  (dim: number) =>
  <A extends Num<A>>(first: A, ...others: readonly A[]): Traced<A, readonly A[]> => ({
    output: first.concat(others, dim),
    pullback: (g) => {
      let start = 0;
      return [first, ...others].map((array) => {
        const size = array.shape.at(dim) ?? 0;
        start += size;
        return g.slice(dim, start - size, start);
      });
    },
  });

/** Selected cells, in a shape: slices, indices, padding, maxima. */
export const gather =
  (index: Index, shape: Shape): Unary =>
  (x) => {
    let cells: Int32Array = new Int32Array();
    const choose = typeof index === "function" ? index : (): Int32Array => index;
    const output = x.take((values) => (cells = choose(values))).reshape(shape);
    return { output, pullback: (g) => [g.reshape([-1]).putAdd(cells, sizeOf(x.shape)).reshape(x.shape)] };
  };

export const putAdd =
  (index: Int32Array, length: number): Unary =>
  (x) => ({ output: x.putAdd(index, length), pullback: (g) => [g.take(index).reshape(x.shape)] });

/** ∂A = G·Bᵀ and ∂B = Aᵀ·G, summed over the batch dims that broadcast. */
export const matmul = <A extends Num<A>>(a: A, b: A): Two<A> => ({
  output: a.matmul(b),
  pullback: (g) => [g.matmul(b.transpose(-2, -1)).sumTo(a.shape), a.transpose(-2, -1).matmul(g).sumTo(b.shape)],
});

/** Repeats a reduced array over the dims that were reduced. */
function spread<A extends Num<A>>(g: A, shape: Shape, dims: readonly number[] | undefined): A {
  const kept = reducedShape(shape, normalizeDims(dims, shape.length, "sum"), true);
  return (sameShape(kept, g.shape) ? g : g.reshape(kept)).expand(shape);
}
