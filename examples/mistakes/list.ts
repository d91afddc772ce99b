/** The twelve, in the order in which main.ts numbers them. */
import { authorsCode } from "./authorsCode.ts";
import { epsOutside } from "./epsOutside.ts";
import { evaluation } from "./evaluation.ts";
import { groupNormGroups } from "./groupNormGroups.ts";
import { layerNormSets } from "./layerNormSets.ts";
import type { Mistake } from "./mistake.ts";
import { missingTerm } from "./missingTerm.ts";
import { momentum } from "./momentum.ts";
import { onePass } from "./onePass.ts";
import { runningVariance } from "./runningVariance.ts";
import { switchableSoftmax } from "./switchableSoftmax.ts";
import { unbiasedVariance } from "./unbiasedVariance.ts";
import { withoutSquare } from "./withoutSquare.ts";

export const mistakes: readonly Mistake[] = [
  momentum,
  runningVariance,
  unbiasedVariance,
  epsOutside,
  withoutSquare,
  groupNormGroups,
  switchableSoftmax,
  layerNormSets,
  evaluation,
  onePass,
  missingTerm,
  authorsCode,
];
