export { loadSafetensors, safetensorsMetadata, saveSafetensors } from "./safetensors.ts";
export type { SaveSafetensorsOptions } from "./safetensors.ts";
