/** How the mutants of one norm are stated: a name, the class that is planted, and what replaces what. */
import type { Fault } from "../../src/gradcheck/fault.ts";
import type { Parts } from "../helpers/mutantNorm.ts";
import type { Change } from "./domain.ts";
import type { Group, Mutant, NormName, Setting } from "./mutant.ts";
import { inBackward, inForward } from "./specimen.ts";
import type { Steps } from "./steps.ts";

type Wrong = Partial<Parts> & { readonly steps?: Partial<Steps>; readonly backwardSets?: Change["backwardSets"] };

export interface Special {
  readonly backward: (name: string, planted: Fault, wrong: Wrong | ((setting: Setting) => Wrong)) => Mutant;
  /** Planted in the forward, whose backward follows it. */
  readonly forward: (name: string, wrong: Wrong | ((setting: Setting) => Wrong)) => Mutant;
}

const changeOf = ({ steps, backwardSets, ...parts }: Wrong): Change => ({
  parts,
  ...(steps && { steps }),
  ...(backwardSets && { backwardSets }),
});

const ofSetting =
  (wrong: Wrong | ((setting: Setting) => Wrong)): ((setting: Setting) => Change) =>
  (setting) =>
    changeOf(typeof wrong === "function" ? wrong(setting) : wrong);

export function special(group: Group, norm: NormName): Special {
  return {
    backward: (name, planted, wrong) => ({ name, group, planted, norms: [norm], make: inBackward(ofSetting(wrong)) }),
    forward: (name, wrong) => ({
      name: `forward: ${name}`,
      group,
      planted: "output",
      norms: [norm],
      make: inForward(ofSetting(wrong)),
    }),
  };
}
