/** Gates that stand side by side in the last dim, as PyTorch orders the rows of a cell's weights; and their slopes. */
import type { Num } from "../autograd/num.ts";

/** The k-th part [*, size] of an array [*, n · size]. */
export function gateOf<A extends Num<A>>(gates: A, k: number, size: number): A {
  return gates.slice(-1, k * size, (k + 1) * size);
}

/** The slope of the sigmoid by its value s: s · (1 − s). */
export function sigmoidSlope<A extends Num<A>>(s: A): A {
  return s.sub(s.square());
}

/** The slope of the hyperbolic tangent by its value t: 1 − t². */
export function tanhSlope<A extends Num<A>>(t: A): A {
  return t.square().neg().add(1);
}
