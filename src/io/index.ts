export { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
export type { Stateful } from "./checkpoint.ts";
export { loadSafetensors, safetensorsMetadata, saveSafetensors } from "./safetensors.ts";
export type { SaveSafetensorsOptions } from "./safetensors.ts";
