/**
 * Real numbers as integers over 2^200: sums are exact, products and roots good to sixty digits. The oracles of the tests
 * calculate in them, so that a central difference with a step of 2^−60 is exact to some thirty digits at every mean.
 */
export type Fixed = bigint;

const BITS = 200n;

/** A double, exactly, as long as it is no smaller than 2^−147. */
export function fixed(value: number): Fixed {
  return BigInt(Math.trunc(value * 2 ** Number(BITS)));
}

/** The nearest double. */
export function toNumber(value: Fixed): number {
  return Number(value) / 2 ** Number(BITS);
}

export function times(a: Fixed, b: Fixed): Fixed {
  return (a * b) >> BITS;
}

export function over(a: Fixed, b: Fixed): Fixed {
  return (a << BITS) / b;
}

export function sum(values: readonly Fixed[]): Fixed {
  return values.reduce((total, value) => total + value, 0n);
}

/** ⌊√a⌋ in the last of the 200 bits. Newton's iteration falls from above until it no longer does. */
export function squareRoot(a: Fixed): Fixed {
  const square = a << BITS;
  if (square === 0n) return 0n;
  let root = BigInt(Math.ceil(Math.sqrt(Number(square)) * (1 + 2 ** -50)));
  for (let next = (root + square / root) >> 1n; next < root; next = (root + square / root) >> 1n) root = next;
  return root;
}

const STEP = 1n << (BITS - 60n);

/** f′ along each coordinate by central differences: no derivative rule is involved. */
export function exactGradient(f: (at: readonly Fixed[]) => Fixed, at: readonly Fixed[]): number[] {
  return at.map((value, i) => {
    const change = f(at.with(i, value + STEP)) - f(at.with(i, value - STEP));
    return toNumber(over(change, 2n * STEP));
  });
}
