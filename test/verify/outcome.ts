/** What a judged case comes down to: plain data, which a worker thread can send. */
import { cellName } from "../../src/gradcheck/gradcheck.ts";
import type { Mismatch } from "../../src/gradcheck/checkCase.ts";
import { affineCombinations, affineLabel } from "../../src/norms/descriptor.ts";
import { descriptorOf, MEAN_1E8 } from "./drawNorms.ts";
import { judge } from "./judgeNorms.ts";
import type { Judged, Planted, Ratio } from "./judgeNorms.ts";

/** A case number and how far it is judged. */
export interface Task {
  readonly index: number;
  readonly order: 1 | 2;
}

export interface Violation extends Task {
  readonly norm: string;
  /** "training, weight, bias: x [2, 3], mean 10, eps 1e-5" */
  readonly what: string;
  /** "gradX[0, 1]: analytic …", or what was thrown. */
  readonly how: string;
}

export interface Outcome extends Task {
  readonly norm: string;
  /** The options without their numbers: "numGroups, weight, bias". */
  readonly family: string;
  readonly skipped: boolean;
  readonly groupsOfOne: boolean;
  readonly mean1e8: boolean;
  readonly ratios: readonly Ratio[];
  readonly violation: Violation | null;
}

/** Judges one case. A norm that throws is a violation, and the run goes on. */
export function outcomeOf(seed: number, { index, order }: Task, planted?: Planted): Outcome {
  const { name } = descriptorOf(index);
  const nothing = {
    index,
    order,
    norm: name,
    family: "",
    skipped: false,
    groupsOfOne: false,
    mean1e8: false,
    ratios: [],
  };
  try {
    const judged = judge(seed, index, order, planted);
    const { norm, label, place, verdict, groupsOfOne, ratios } = judged;
    return {
      index,
      order,
      norm,
      family: familyOf(label),
      groupsOfOne,
      ratios,
      skipped: verdict === "skip",
      mean1e8: place === MEAN_1E8,
      violation:
        typeof verdict === "object" ? { index, order, norm, what: describe(judged), how: explain(verdict) } : null,
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...nothing, violation: { index, order, norm: name, what: "", how: `it threw "${message}"` } };
  }
}

/** "numGroups 3, weight, bias" → "numGroups, weight, bias". */
export function familyOf(label: string): string {
  return label.replaceAll(/ (\[[^\]]*\]|\d+)(?=,|$)/g, "");
}

/** "numGroups, weight, bias" → "numGroups": the options without weight and bias. */
export function modeOf(family: string): string {
  const affine = affineCombinations.map(affineLabel).find((choice) => family.endsWith(choice)) ?? "";
  return family.slice(0, family.length - affine.length).replace(/, $/, "");
}

function describe({ label, shape, place, eps }: Judged): string {
  return `${label}: x [${shape.join(", ")}], ${place}, eps ${eps}`;
}

function explain({ array, shape, worst, analytic, exact, error, bound, basis }: Mismatch): string {
  const allowed = `${basis} ${bound[worst]}`;
  return (
    `${array}${cellName(worst, shape)}: analytic ${analytic[worst]}, exact ${exact[worst]}, ` +
    `error ${error[worst]?.toExponential(2)}, ${allowed}`
  );
}
