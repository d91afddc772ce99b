/** What every norm that mutants are planted in has: a domain, the right formula, and a pair whose parts can be replaced. */
import type { Num, Shape, Traced } from "../../src/autograd/index.ts";
import { rightParts } from "../helpers/mutantNorm.ts";
import type { Mutation, PartsOf } from "../helpers/mutantNorm.ts";
import type { Domain, Options, Setting } from "./mutant.ts";
import type { Steps } from "./steps.ts";
import type { SwitchableParts } from "./switchableNorm.ts";

/** Parts to replace; those that not all norms have are apart. */
export interface Change extends Mutation {
  readonly switchable?: Partial<SwitchableParts>;
  /** Of the norms around mutantTrace. */
  readonly steps?: Partial<Steps>;
}

export interface Norm {
  readonly domain: Domain;
  /** For designs that have no domain: the options that make mutants most visible. */
  readonly usual: Options;
  readonly forward: <A extends Num<A>>(inputs: readonly A[], setting: Setting) => A;
  readonly trace: <A extends Num<A>>(inputs: readonly A[], setting: Setting, change: Change) => Traced<A>;
}

/** A case costs a pass through the formula for each cell. */
const MOST_CELLS = 50;
/** Of SwitchableNorm, whose formula is three times as long. */
export const FEWER_CELLS = 30;
export const EPS: readonly number[] = [1e-5, 1e-3, 1, 0];

export const shapeOf = ({ N, C, L }: Setting): Shape => [N, C, L];

export function at<A>(inputs: readonly A[], i: number): A {
  const input = inputs[i];
  if (input === undefined) throw new RangeError(`at: expected an input ${i}, got ${inputs.length} inputs`);
  return input;
}

export function domain(
  params: Domain["params"],
  parameters: (setting: Setting) => Readonly<Record<string, Shape>>,
  where: (setting: Setting) => boolean = () => true,
): Domain {
  return {
    dims: { N: [1, 3], C: [1, 6], L: [1, 10] },
    params: { ...params, tiny: [false, false, false, true] },
    where: (setting) => setting.N * setting.C * setting.L <= MOST_CELLS && where(setting),
    shapes: (setting) => ({ x: shapeOf(setting), ...parameters(setting) }),
  };
}

export const perChannel = ({ C }: Setting): Readonly<Record<string, Shape>> => ({ weight: [C], bias: [C] });

/** A gradient of a parameter that is there. */
export const present = <A>(gradient: A | null): A => at(gradient === null ? [] : [gradient], 0);

/** All sums of a variance are divided by n − 1 in it. */
export function varianceParts<A extends Num<A>>(unbiased: boolean): PartsOf<A> {
  if (!unbiased) return rightParts;
  return {
    ...rightParts,
    variance: ({ centered, n }) =>
      centered
        .square()
        .sum([1], true)
        .div(n - 1),
    viaVariance: ({ gradXhat, xhat, n }) =>
      xhat.mul(
        gradXhat
          .mul(xhat)
          .sum([1], true)
          .div(n - 1),
      ),
  };
}
