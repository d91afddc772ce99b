export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  batchNorm,
  batchNormBackward,
  batchNormDescriptor,
  batchNormForward,
  batchNormTerms,
} from "./batchNorm.ts";
export type { BatchNormModuleOptions, BatchNormOptions, BatchNormSaved } from "./batchNorm.ts";
export { Norm } from "./descriptor.ts";
export type { NormCase, NormDescriptor, NormTerms, NormTrace } from "./descriptor.ts";
export { normDescriptors } from "./descriptors.ts";
export { explainBackward, normPartition } from "./explain.ts";
export type { BackwardExplanation } from "./explain.ts";
export {
  GroupNorm,
  groupNorm,
  groupNormBackward,
  groupNormDescriptor,
  groupNormForward,
  groupNormTerms,
} from "./groupNorm.ts";
export type { GroupNormOptions, GroupNormSaved } from "./groupNorm.ts";
export {
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  instanceNorm,
  instanceNormBackward,
  instanceNormDescriptor,
  instanceNormForward,
  instanceNormTerms,
} from "./instanceNorm.ts";
export type { InstanceNormModuleOptions, InstanceNormOptions, InstanceNormSaved } from "./instanceNorm.ts";
export {
  LayerNorm,
  layerNorm,
  layerNormBackward,
  layerNormDescriptor,
  layerNormForward,
  layerNormTerms,
} from "./layerNorm.ts";
export type { LayerNormOptions, LayerNormSaved } from "./layerNorm.ts";
export { runningNormBackward, runningNormForward, updateRunningStats } from "./runningStats.ts";
export type { RunningNormSaved } from "./runningStats.ts";
