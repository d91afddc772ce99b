const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/**
 * The error function erf(x) = (2/√π) ∫₀ˣ exp(−t²) dt, to a relative error of 2e-15 (Abramowitz & Stegun 7.1.6, a
 * series of terms of one sign, and 7.1.14, a continued fraction).
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return NaN;
  if (size > 6) return Math.sign(x); // erfc(6) = 2e-17
  if (size > 2) {
    let fraction = size;
    for (let i = 60; i > 0; i--) fraction = size + i / 2 / fraction;
    return Math.sign(x) * (1 - Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction));
  }
  let term = x;
  let sum = x;
  for (let i = 1; Math.abs(term) > 1e-17 * Math.abs(sum); i++) {
    term *= (2 * x * x) / (2 * i + 1);
    sum += term;
  }
  return TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
}
