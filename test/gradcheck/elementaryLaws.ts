/** How far exp, log, tanh and erf may be off, and arguments for them. */
import type { Generator } from "../../src/autograd/index.ts";
import type { DoubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { exactly, lastBit, minus, ratio } from "./dyadic.ts";
import type { Dyadic } from "./dyadic.ts";
import type { FunctionName } from "./reference.ts";

/** The relative error that doubleDouble.ts states, in units of u² = 2⁻¹⁰⁶. */
export const STATED: number = 2 ** 5;

/** Throws if the value is further off than stated, or not normalized; answers the error in units of u². */
export function errorOfFunction(
  name: FunctionName,
  field: Pick<Field<DoubleDouble>, FunctionName>,
  x: DoubleDouble,
  expected: Dyadic,
): number {
  const z = field[name](x);
  const shown = `${name} of (${x.hi}, ${x.lo})`;
  if (z.hi + z.lo !== z.hi) throw new Error(`${shown}: expected a normalized result, got (${z.hi}, ${z.lo})`);
  const units = ratio(minus(exactly(z), expected), expected, 106);
  if (!(units <= STATED)) throw new Error(`${shown}: expected at most ${STATED} u², got ${units} u²`);
  return units;
}

/** Anywhere in the useful range, often near the borders of formulas: 0.2, 0.4 and 3, multiples of ½ ln 2, 1 for log. */
export function drawArgument(name: FunctionName, random: Generator): DoubleDouble {
  const between = (low: number, high: number): number => low + (high - low) * random.uniform();
  const limit = { exp: 669, log: 667, tanh: 40, erf: 9 }[name];
  const places = [
    (): number => between(-limit, limit),
    (): number => between(-0.6, 0.6),
    (): number => between(-4, 4),
    (): number => 10 ** between(-17, 0) * (random.integer(2) === 0 ? -1 : 1),
    (): number => ((random.integer(1900) - 950) * Math.LN2) / 2 + between(-1e-9, 1e-9),
  ];
  const place = places[random.integer(places.length)] ?? ((): number => 1);
  const drawn = Math.max(-limit, Math.min(limit, place()));
  const hi = name === "log" ? Math.exp(drawn) : drawn;
  const lo = random.integer(4) === 0 ? 0 : between(-1, 1) * 2 ** (lastBit(hi) - 1);
  return hi + lo === hi ? { hi, lo } : { hi, lo: 0 };
}
