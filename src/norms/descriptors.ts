import { batchNormDescriptor } from "./batchNorm.ts";
import type { NormDescriptor } from "./descriptor.ts";
import { groupNormDescriptor } from "./groupNorm.ts";
import { instanceNormDescriptor } from "./instanceNorm.ts";
import { layerNormDescriptor } from "./layerNorm.ts";

/** Every norm of the library. Tables, laws and the verifier read this list: a norm that is added here appears in all. */
export const normDescriptors: readonly NormDescriptor[] = [
  batchNormDescriptor,
  layerNormDescriptor,
  instanceNormDescriptor,
  groupNormDescriptor,
];
