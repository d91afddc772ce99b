/** All mutants: those of VERIFICATION.md's catalogue and the real bugs. */
import { adaptiveMutants } from "./adaptiveMutants.ts";
import { formulaMutants } from "./formulaMutants.ts";
import { layoutMutants } from "./layoutMutants.ts";
import type { Mutant, NormName } from "./mutant.ts";
import { lengthMutants } from "./lengthMutants.ts";
import { otherMutants } from "./otherMutants.ts";
import { realBugs } from "./realBugs.ts";
import { stateMutants } from "./stateMutants.ts";
import { switchableMutants } from "./switchableMutants.ts";

export const catalogue: readonly Mutant[] = [
  ...formulaMutants,
  ...layoutMutants,
  ...stateMutants,
  ...switchableMutants,
  ...adaptiveMutants,
  ...lengthMutants,
  ...otherMutants,
  ...realBugs,
];

export interface Pair {
  readonly mutant: Mutant;
  readonly norm: NormName;
}

export const pairs: readonly Pair[] = catalogue.flatMap((mutant) => mutant.norms.map((norm) => ({ mutant, norm })));
