/**
 * Tracked numbers for the tangents of duals, which bound every backward and not only one that is written like the
 * forward's duals. A gradient is a sum over paths from an input to the output, each a product of local derivatives. A
 * backward may add the paths in any order and group them as it likes; what one order cancels early, another carries as a
 * large number to the end, with its rounding error. So numbers that have moved are added here by their sizes:
 *
 *   value = Σ over paths of |product of derivatives|      error = the rounding error of that sum, by running analysis
 *
 * The field is linear in what has moved; numbers that have not are plain tracked ones. Only `error` has a meaning for the
 * caller: the value is no gradient.
 */
import type { Field } from "./field.ts";
import type { Tracked } from "./tracked.ts";

/** A tracked number, or the summed size of paths. */
export interface PathNumber extends Tracked {
  /** Is this a tangent, or made of one? */
  readonly moved: boolean;
}

/** A tangent: the start of a path. */
export function moving({ value, error }: Tracked): PathNumber {
  return { value: Math.abs(value), error, moved: true };
}

/** The field of paths over tracked numbers of some precision. */
export function pathsOver(base: Field<Tracked>): Field<PathNumber> {
  const still = (x: Tracked): PathNumber => ({ value: x.value, error: x.error, moved: false });
  const size = (x: PathNumber): Tracked => (x.moved ? x : { value: Math.abs(x.value), error: x.error });
  const combine =
    (signed: Field<Tracked>["add"], ofSizes: Field<Tracked>["add"]) =>
    (x: PathNumber, y: PathNumber): PathNumber =>
      x.moved || y.moved ? moving(ofSizes(size(x), size(y))) : still(signed(x, y));
  const alone =
    (f: (x: Tracked) => Tracked) =>
    (x: PathNumber): PathNumber =>
      x.moved ? moving(f(size(x))) : still(f(x));
  const sum = (terms: readonly PathNumber[]): PathNumber =>
    terms.some((x) => x.moved) ? moving(base.sum(terms.map(size))) : still(base.sum(terms));
  return {
    name: `paths over ${base.name}`,
    zero: still(base.zero),
    of: (value) => still(base.of(value)),
    value: (x) => x.value,
    add: combine(base.add, base.add),
    sub: combine(base.sub, base.add),
    mul: combine(base.mul, base.mul),
    div: combine(base.div, base.div),
    rsqrtOrZero: alone(base.rsqrtOrZero),
    pow: (x, exponent) => alone((number) => base.pow(number, exponent))(x),
    exp: alone(base.exp),
    log: alone(base.log),
    tanh: alone(base.tanh),
    erf: alone(base.erf),
    sum,
    center: (group) => {
      // A backward may centre its own way: with a mean that is rounded once, which `center` corrects.
      if (!group.some((x) => x.moved)) {
        const middle = base.div(base.sum(group), base.of(group.length));
        return group.map((x) => still(base.sub(x, middle)));
      }
      const mean = base.div(sum(group), base.of(group.length));
      return group.map((x) => moving(base.add(size(x), mean)));
    },
  };
}
