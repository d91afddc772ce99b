export {
  AdaptiveInstanceNorm,
  adaptiveInstanceNorm,
  adaptiveInstanceNormBackward,
  adaptiveInstanceNormDescriptor,
  adaptiveInstanceNormForward,
  adaptiveInstanceNormTerms,
} from "./adaptiveInstanceNorm.ts";
export type { AdaptiveInstanceNormOptions, AdaptiveInstanceNormSaved } from "./adaptiveInstanceNorm.ts";
export {
  AdaptiveLayerNorm,
  adaptiveLayerNorm,
  adaptiveLayerNormBackward,
  adaptiveLayerNormDescriptor,
  adaptiveLayerNormForward,
  adaptiveLayerNormTerms,
} from "./adaptiveLayerNorm.ts";
export type { AdaptiveLayerNormOptions, AdaptiveLayerNormSaved, ModulationOrder } from "./adaptiveLayerNorm.ts";
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
export {
  ConditionalInstanceNorm,
  conditionalInstanceNorm,
  conditionalInstanceNormBackward,
  conditionalInstanceNormDescriptor,
  conditionalInstanceNormForward,
  conditionalInstanceNormTerms,
} from "./conditionalInstanceNorm.ts";
export type {
  ConditionalGrads,
  ConditionalInputs,
  ConditionalInstanceNormOptions,
  ConditionalInstanceNormSaved,
  Styles,
} from "./conditionalInstanceNorm.ts";
export { Norm } from "./descriptor.ts";
export type { NormCase, NormDescriptor, NormTerms, NormTrace } from "./descriptor.ts";
export { normDescriptors } from "./descriptors.ts";
export {
  DynamicTanh,
  dynamicTanh,
  dynamicTanhBackward,
  dynamicTanhDescriptor,
  dynamicTanhForward,
  dynamicTanhTerms,
} from "./dynamicTanh.ts";
export type { DynamicTanhSaved } from "./dynamicTanh.ts";
export { explainBackward, normPartition } from "./explain.ts";
export type { BackwardExplanation, Explained } from "./explain.ts";
export {
  FilterResponseNorm1d,
  FilterResponseNorm2d,
  filterResponseNorm,
  filterResponseNormBackward,
  filterResponseNormDescriptor,
  filterResponseNormForward,
  filterResponseNormTerms,
} from "./filterResponseNorm.ts";
export type {
  FilterResponseInputs,
  FilterResponseNormModuleOptions,
  FilterResponseNormOptions,
  FilterResponseNormSaved,
} from "./filterResponseNorm.ts";
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
export {
  LocalResponseNorm,
  localResponseNorm,
  localResponseNormBackward,
  localResponseNormDescriptor,
  localResponseNormForward,
  localResponseNormTerms,
} from "./localResponseNorm.ts";
export type { LocalResponseNormOptions, LocalResponseNormSaved } from "./localResponseNorm.ts";
export { normalize, normalizeBackward, normalizeDescriptor, normalizeForward, normalizeTerms } from "./normalize.ts";
export type { NormalizeOptions, NormalizeSaved } from "./normalize.ts";
export { RMSNorm, rmsNorm, rmsNormBackward, rmsNormDescriptor, rmsNormForward, rmsNormTerms } from "./rmsNorm.ts";
export type { RMSNormOptions, RMSNormSaved } from "./rmsNorm.ts";
export { runningNormBackward, runningNormForward, updateRunningStats } from "./runningStats.ts";
export type { RunningNormSaved } from "./runningStats.ts";
export {
  SwitchableNorm1d,
  SwitchableNorm2d,
  SwitchableNorm3d,
  switchableNorm,
  switchableNormBackward,
  switchableNormDescriptor,
  switchableNormForward,
  switchableNormTerms,
} from "./switchableNorm.ts";
export type {
  SwitchableNorm1dOptions,
  SwitchableNormModuleOptions,
  SwitchableNormOptions,
  SwitchableNormSaved,
} from "./switchableNorm.ts";
export {
  ScaleNorm,
  scaleNorm,
  scaleNormBackward,
  scaleNormDescriptor,
  scaleNormForward,
  scaleNormTerms,
} from "./scaleNorm.ts";
export type { ScaleNormOptions, ScaleNormSaved } from "./scaleNorm.ts";
export {
  powerIteration,
  spectralNorm,
  spectralNormBackward,
  spectralNormDescriptor,
  spectralNormForward,
  spectralNormTerms,
} from "./spectralNorm.ts";
export type { PowerOrder, SpectralNormOptions, SpectralNormSaved } from "./spectralNorm.ts";
export {
  weightNorm,
  weightNormBackward,
  weightNormDescriptor,
  weightNormForward,
  weightNormShape,
  weightNormTerms,
} from "./weightNorm.ts";
export type { WeightNormOptions, WeightNormSaved } from "./weightNorm.ts";
export {
  weightStandardization,
  weightStandardizationBackward,
  weightStandardizationDescriptor,
  weightStandardizationForward,
  weightStandardizationTerms,
} from "./weightStandardization.ts";
export type { WeightStandardizationOptions, WeightStandardizationSaved } from "./weightStandardization.ts";
export {
  batchRenorm,
  batchRenormBackward,
  batchRenormCorrection,
  batchRenormForward,
  batchRenormTerms,
} from "./batchRenorm.ts";
export type {
  BatchRenormConvention,
  BatchRenormCorrection,
  BatchRenormLimits,
  BatchRenormOptions,
  BatchRenormSaved,
} from "./batchRenorm.ts";
export { batchRenormDescriptor } from "./batchRenormCase.ts";
export { BatchRenorm1d, BatchRenorm2d, BatchRenorm3d, dMaxSchedule, rMaxSchedule } from "./batchRenormLayers.ts";
export type { BatchRenormModuleOptions, BatchRenormSchedule } from "./batchRenormLayers.ts";
