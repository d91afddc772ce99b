export { doubleDouble } from "./doubleDouble.ts";
export type { DoubleDouble } from "./doubleDouble.ts";
export type { Field } from "./field.ts";
export { FieldArray } from "./fieldArray.ts";
export { gradcheck, GradcheckError, gradgradcheck } from "./gradcheck.ts";
export type { GradcheckOptions } from "./gradcheck.ts";
export {
  boundOfBackward,
  boundOfForward,
  boundOfSecond,
  exactGradients,
  exactOutput,
  exactSecondGradients,
} from "./oracle.ts";
export type { GenericBackward, GenericForward } from "./oracle.ts";
export { real } from "./real.ts";
export { tracked, UNIT_ROUNDOFF } from "./tracked.ts";
export type { Tracked } from "./tracked.ts";
export { checkOp } from "./checkOp.ts";
export type { CheckOpOptions, CheckOpResult } from "./checkOp.ts";
export { OpFault } from "./subject.ts";
