/** Judges drawn cases of the norms: values, first and second gradients. */
import type { Num, Shape, Tensor } from "../../src/autograd/index.ts";
import { checkCase } from "../../src/gradcheck/checkCase.ts";
import type { Verdict } from "../../src/gradcheck/checkCase.ts";
import type { Subject } from "../../src/gradcheck/subject.ts";
import { subjectOf } from "../../src/gradcheck/subject.ts";
import type { NormCase } from "../../src/norms/index.ts";
import { drawNorm } from "./drawNorms.ts";

/** The largest error of an array, as a part of what is allowed. */
export interface Ratio {
  readonly array: string;
  readonly ratio: number;
}

export interface Judged {
  readonly norm: string;
  readonly label: string;
  readonly place: string;
  readonly shape: Shape;
  readonly eps: number;
  readonly verdict: Verdict;
  readonly ratios: readonly Ratio[];
  /** Whether every cell is a set of its own: one value to a mean. */
  readonly groupsOfOne: boolean;
}

/** Plants a mistake: what the verifier must find. */
export type Planted = (normCase: NormCase) => NormCase;

/** The case number `index` of a run with this seed. At order 2 the first order is judged as well. */
export function judge(seed: number, index: number, order: 1 | 2, planted: Planted = (c) => c): Judged {
  const { normCase, inputs, noise, place, shape, eps, groupsOfOne } = drawNorm(seed, index);
  const names = normCase.inputs.map(({ name }) => name);
  const ratios: Ratio[] = [];
  const verdict = checkCase(subjectOfNorm(planted(normCase)), names, inputs, noise, {
    order,
    tolerance: "proven",
    seen: (ratio, array) => ratios.push({ array, ratio }),
  });
  return { norm: normCase.norm, label: normCase.label, place, shape, eps, verdict, ratios, groupsOfOne };
}

/** The formula as the judge, the backward as written for the bound, and the op's tape for the values. */
export function subjectOfNorm({ trace, op, inputs: named }: NormCase): Subject {
  const names = named.map(({ name }) => name);
  const list = <A>(arrays: Readonly<Record<string, A | undefined>>): A[] => names.flatMap((name) => arrays[name] ?? []);
  const forward = <A extends Num<A>>(arrays: readonly A[]): A => trace(arrays).output;
  const tape = subjectOf(
    {
      forward: <A extends Num<A>>(arrays: Readonly<Record<string, A>>): A => forward(list(arrays)),
      op: (arrays: Readonly<Record<string, Tensor>>): Tensor => op(list(arrays)),
    },
    names,
    {},
  );
  return { ...tape, forward, genericBackward: (gradOutput, arrays) => trace(arrays).pullback(gradOutput) };
}
