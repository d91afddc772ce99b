import fc from "fast-check";
import { describe, test } from "vitest";
import type { NdArray } from "../../src/autograd/index.ts";
import { doubleDouble } from "../../src/gradcheck/doubleDouble.ts";
import type { Field } from "../../src/gradcheck/field.ts";
import { tracked, UNIT_ROUNDOFF } from "../../src/gradcheck/tracked.ts";
import type { Tracked } from "../../src/gradcheck/tracked.ts";
import { normDescriptors } from "../../src/norms/index.ts";
import { arrayOf } from "../helpers/generators.ts";
import { given } from "../helpers/given.ts";
import { normDraws } from "../helpers/normDraws.ts";
import type { NormDraw } from "../helpers/normDraws.ts";
import { breaks } from "../helpers/planted.ts";
import { backwardOf, hard, law, opDraws } from "./trackedDraws.ts";
import { expectResultsWithinBound, expectWithinBound, OUTSIDE, read } from "./trackedLaws.ts";

const described = normDescriptors.map((descriptor) => [descriptor.name, descriptor] as const);

describe("planted errors in tracked numbers", () => {
  type Spoil = (z: Tracked, units: number) => Tracked;
  const withoutOwn: Spoil = ({ value, error }, units) => {
    return { value, error: Math.max(0, error - 1.001 * units * UNIT_ROUNDOFF * Math.abs(value)) };
  };
  const onlyOwn: Spoil = ({ value }, units) => ({ value, error: units * UNIT_ROUNDOFF * Math.abs(value) });

  /** By the name of an op in opCases.ts, with the units u|z| that the step adds to what it passes on. */
  const spoiled: Readonly<Record<string, (how: Spoil) => Partial<Field<Tracked>>>> = {
    add: (how) => ({ add: (x, y) => how(tracked.add(x, y), 1) }),
    sub: (how) => ({ sub: (x, y) => how(tracked.sub(x, y), 1) }),
    mul: (how) => ({ mul: (x, y) => how(tracked.mul(x, y), 1) }),
    div: (how) => ({ div: (x, y) => how(tracked.div(x, y), 1) }),
    sqrt: (how) => ({ pow: (x, p) => how(tracked.pow(x, p), 1) }),
    "pow 3": (how) => ({ pow: (x, p) => how(tracked.pow(x, p), 3) }),
    rsqrtOrZero: (how) => ({ rsqrtOrZero: (x) => how(tracked.rsqrtOrZero(x), 2) }),
    exp: (how) => ({ exp: (x) => how(tracked.exp(x), 2) }),
    log: (how) => ({ log: (x) => how(tracked.log(x), 2) }),
    tanh: (how) => ({ tanh: (x) => how(tracked.tanh(x), 5) }),
    erf: (how) => ({ erf: (x) => how(tracked.erf(x), 20) }),
  };
  const rejects = (name: string, wrong: Partial<Field<Tracked>>): void => {
    breaks(opDraws(name), (draw) => void law(draw, { ...tracked, ...wrong }), OUTSIDE, 300);
  };

  test.each(Object.entries(spoiled))("%s without its own rounding is found", (name, spoil) => {
    rejects(name, spoil(withoutOwn));
  });

  test.each(Object.entries(spoiled))("%s without the error of its operands is found", (name, spoil) => {
    rejects(name, spoil(onlyOwn));
  });

  test("a sum as exact as one addition is found", () => {
    const sum = (terms: readonly Tracked[]): Tracked => onlyOwn(tracked.sum(terms), 1);
    rejects("sum", { sum });
  });

  test("a centring that passes on errors but makes none is found", () => {
    const center = (group: readonly Tracked[]): readonly Tracked[] =>
      tracked.center(group).map(({ value }, i) => ({ value, error: group[i]?.error ?? 0 }));
    rejects("center", { center });
  });

  test("tanh with the error of exp is found", () => {
    const tanh = (x: Tracked): Tracked => ({
      value: Math.tanh(x.value),
      error: x.error + 2 * UNIT_ROUNDOFF * Math.abs(Math.tanh(x.value)),
    });
    const draws = arrayOf([200], fc.double({ min: 0.1, max: 0.4, noNaN: true }));
    const property = (x: NdArray): void =>
      void expectWithinBound("tanh", ([a]) => [given(a).tanh()], [x], { ...tracked, tanh });
    breaks(draws, property, OUTSIDE, 200);
  });

  test.each(described)("a backward of %s that is off by one part in 1e12 is found", (_, descriptor) => {
    const property = ({ normCase, inputs, gradOutput }: NormDraw): void => {
      const formula = backwardOf(normCase);
      const all = [gradOutput, ...inputs];
      const wrong = formula(all).map((array) => array.mul(1 + 1e-12));
      expectResultsWithinBound("planted", wrong, formula(read(doubleDouble, all)), formula(read(tracked, all)));
    };
    breaks(normDraws(descriptor, hard), property, OUTSIDE);
  });
});
