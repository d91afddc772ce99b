import { adaptiveInstanceNormDescriptor } from "./adaptiveInstanceNorm.ts";
import { adaptiveLayerNormDescriptor } from "./adaptiveLayerNorm.ts";
import { batchNormDescriptor } from "./batchNorm.ts";
import { batchRenormDescriptor } from "./batchRenormCase.ts";
import type { NormDescriptor } from "./descriptor.ts";
import { conditionalInstanceNormDescriptor } from "./conditionalInstanceNorm.ts";
import { filterResponseNormDescriptor } from "./filterResponseNorm.ts";
import { dynamicTanhDescriptor } from "./dynamicTanh.ts";
import { groupNormDescriptor } from "./groupNorm.ts";
import { instanceNormDescriptor } from "./instanceNorm.ts";
import { layerNormDescriptor } from "./layerNorm.ts";
import { localResponseNormDescriptor } from "./localResponseNorm.ts";
import { switchableNormDescriptor } from "./switchableNorm.ts";
import { normalizeDescriptor } from "./normalize.ts";
import { rmsNormDescriptor } from "./rmsNorm.ts";
import { scaleNormDescriptor } from "./scaleNorm.ts";
import { weightStandardizationDescriptor } from "./weightStandardization.ts";
import { weightNormDescriptor } from "./weightNorm.ts";
import { spectralNormDescriptor } from "./spectralNorm.ts";

/** Every norm of the library. Tables, laws and the verifier read this list: a norm that is added here appears in all. */
export const normDescriptors: readonly NormDescriptor[] = [
  batchNormDescriptor,
  layerNormDescriptor,
  instanceNormDescriptor,
  groupNormDescriptor,
  adaptiveInstanceNormDescriptor,
  rmsNormDescriptor,
  scaleNormDescriptor,
  normalizeDescriptor,
  dynamicTanhDescriptor,
  localResponseNormDescriptor,
  adaptiveLayerNormDescriptor,
  conditionalInstanceNormDescriptor,
  switchableNormDescriptor,
  batchRenormDescriptor,
  filterResponseNormDescriptor,
  weightStandardizationDescriptor,
  weightNormDescriptor,
  spectralNormDescriptor,
];
